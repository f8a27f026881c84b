//! The conversation in time slices: the layout that the duplex adapter was trained on.
//!
//! A slice is the user's mark, the user's words or the idle mark, the assistant's mark, and the assistant's words or the idle mark;
//! the last words of a reply are followed by the idle mark too. datasets/finetune has the same layout for training. The marks are
//! control tokens, and what people say is tokenised as plain text: nobody can say a mark.
//!
//! After the assistant's mark the model decides: the probability of the idle mark is that of staying, or falling, silent. A slice in
//! which neither side says anything is such a decision, and leaves no trace in what follows.

use super::{LlmError, Message, Mirror, Need, Token, Weights};

/// A step of the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Words of the user; none where there were none.
    pub user: Option<String>,
    /// Words of the assistant; none where it was silent.
    pub assistant: Option<String>,
    /// Whether its reply ended with them.
    pub ends: bool,
}

/// The tokens that mark slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Nothing said, or a reply's end.
    pub idle: Token,
    /// Before the user's words.
    pub user: Token,
    /// Before the assistant's words.
    pub assistant: Token,
}

impl Marks {
    /// The marks in the vocabulary of `weights`.
    ///
    /// # Errors
    /// [`LlmError::NoSliceMarks`] where it lacks one.
    pub fn of(weights: &Weights) -> Result<Self, LlmError> {
        let mark = |text: &'static str| {
            let tokens = weights.vocab().tokenize(text.as_bytes(), false, true);
            match tokens[..] {
                [token] if weights.vocab().is_control(token) => Ok(token),
                _ => Err(LlmError::NoSliceMarks { path: weights.path().into(), mark: text }),
            }
        };
        Ok(Self {
            idle: mark("<|endoftext|>")?,
            user: mark("<|im_start|>")?,
            assistant: mark("<|im_end|>")?,
        })
    }

    /// The tokens of `history`, whole turns, and of `slices`.
    pub fn lay_out(self, weights: &Weights, history: &[Message], slices: &[Slice]) -> Vec<Token> {
        let mut tokens = Vec::new();
        for message in history {
            let turn = format!("{}\n{}", message.role.name(), message.text.trim());
            tokens.push(self.user);
            tokens.extend(plain(weights, &turn));
            tokens.push(self.assistant);
            tokens.extend(plain(weights, "\n"));
        }
        for slice in slices.iter().filter(|it| it.user.is_some() || it.assistant.is_some()) {
            self.ask(weights, slice.user.as_deref(), &mut tokens);
            match &slice.assistant {
                None => tokens.push(self.idle),
                Some(words) => {
                    tokens.extend(plain(weights, &format!(" {}", words.trim())));
                    tokens.extend(slice.ends.then_some(self.idle));
                }
            }
        }
        tokens
    }

    /// Appends a slice up to its decision.
    pub fn ask(self, weights: &Weights, user: Option<&str>, tokens: &mut Vec<Token>) {
        tokens.push(self.user);
        match user.map(str::trim).filter(|words| !words.is_empty()) {
            Some(words) => tokens.extend(plain(weights, &format!(" {words}"))),
            None => tokens.push(self.idle),
        }
        tokens.push(self.assistant);
    }
}

/// Text as plain text, whatever it reads like.
fn plain(weights: &Weights, text: &str) -> Vec<Token> {
    weights.vocab().tokenize(text.as_bytes(), false, false)
}

/// Writes up to `words` words after `tokens`, always the likeliest token; a reply that is to be spoken has at least one.
pub(super) fn speak(
    mirror: &mut Mirror<'_>,
    weights: &Weights,
    sequence: usize,
    marks: Marks,
    tokens: &[Token],
    words: usize,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Slice, LlmError> {
    let vocab = weights.vocab();
    let mut all = tokens.to_vec();
    let mut bytes: Vec<u8> = Vec::new();
    let mut begun = 0;
    let mut ends = false;
    while begun <= words && all.len() < mirror.capacity() {
        if mirror.sync(sequence, &all, Need::Logits, stop)?.stopped {
            break;
        }
        let silent = (all.len() == tokens.len()).then_some(marks.idle);
        let Some(token) = mirror.logits(sequence).and_then(|all| likeliest(all, silent)) else {
            break;
        };
        if vocab.is_control(token) || vocab.is_eog(token) {
            ends = true;
            break;
        }
        let piece = vocab.token_to_piece(token, false, None);
        begun +=
            usize::from(bytes.is_empty() || piece.first().is_some_and(u8::is_ascii_whitespace));
        // The token that begins one word too many only shows that the one before it is whole.
        if begun <= words {
            bytes.extend(&piece);
            all.push(token);
        }
    }
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(Slice { user: None, assistant: (!text.is_empty()).then_some(text), ends })
}

/// The token with the highest logit, other than `except`.
fn likeliest(logits: &[f32], except: Option<Token>) -> Option<Token> {
    let tokens = (0..).map(Token::new).zip(logits);
    let allowed = tokens.filter(|(token, _)| Some(*token) != except);
    allowed.max_by(|a, b| a.1.total_cmp(b.1)).map(|(token, _)| token)
}

/// The probability of `token` among `logits`.
pub(super) fn probability(logits: &[f32], token: Token) -> f32 {
    let Some(&own) = usize::try_from(token.0).ok().and_then(|at| logits.get(at)) else {
        return 0.0;
    };
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    (own - most).exp() / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_softmax() {
        let logits = [1.0f32.ln(), 3.0f32.ln(), 4.0f32.ln()];
        assert!((probability(&logits, Token::new(1)) - 3.0 / 8.0).abs() < 1e-6);
        assert_eq!(probability(&logits, Token::new(9)), 0.0);
        assert_eq!(probability(&logits, Token::new(-1)), 0.0);
    }
}
