//! The time-sliced layout of a conversation that the duplex adapter was trained on.
//!
//! A slice is the user mark, the user's words or the idle mark, the assistant mark, and the assistant's words or the
//! idle mark. The idle mark also follows the last words of a reply, and words after which the user fell silent.
//! datasets/finetune has the same layout for training. The marks are control tokens and all speech is tokenised as
//! plain text, so nobody can say a mark.
//!
//! The model decides after the assistant mark: the probability of the idle mark is the probability of staying, or
//! falling, silent. A slice in which neither side speaks is such a decision too. It leaves no trace in what follows,
//! except that a longer silence has more idle marks in the user's part, up to [`LONGEST_SILENCE`].

use std::iter;

use super::window::{self, Extent, Limits, Sizes};
use super::{ChatMessage, LlmError, Mirror, Need, Role, Token, Weights};

/// The longest silence of the user that is distinguished from longer ones, in slices.
pub const LONGEST_SILENCE: usize = 4;

/// The most history that the duplex model reads, in tokens, without the instructions.
///
/// A constant, whatever the context of the model that writes replies: the adapter was trained on short dialogues, and
/// its decisions were evaluated with about this much at most. More would change them, and make each slower.
pub const LONGEST_HISTORY: usize = 600;

/// Room for a question, in tokens: the words of a slice take a tenth of it. A constant, so that the window is the same
/// for a prefill without a question as for the decision after it.
const QUESTION: usize = 64;

/// How many of the oldest messages and slices the duplex model does not read: see [`super::Llm::fit_slices`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Messages of the history, counted after a system message.
    pub messages: usize,
    /// Slices.
    pub slices: usize,
}

/// The user's part of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserInput {
    /// Nothing. The value is the number of slices, this one included, in which neither side spoke before the decision.
    Silence(usize),
    /// Words; an empty text counts as silence.
    Words {
        /// The words.
        text: String,
        /// Whether the user fell silent after them; otherwise the slice ended while the user was speaking.
        falls_silent: bool,
    },
}

impl Default for UserInput {
    fn default() -> Self {
        Self::Silence(1)
    }
}

impl UserInput {
    /// Words that the user was still speaking when the slice ended.
    pub fn cut(text: impl Into<String>) -> Self {
        Self::Words { text: text.into(), falls_silent: false }
    }

    /// Words after which the user fell silent.
    pub fn finished(text: impl Into<String>) -> Self {
        Self::Words { text: text.into(), falls_silent: true }
    }

    /// The words, if there are any.
    fn words(&self) -> Option<(&str, bool)> {
        match self {
            Self::Silence(_) => None,
            Self::Words { text, falls_silent } => {
                Some((text.trim(), *falls_silent)).filter(|(text, _)| !text.is_empty())
            }
        }
    }
}

/// One time slice of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// The user's part.
    pub user: UserInput,
    /// The assistant's words; none if it was silent.
    pub assistant: Option<String>,
    /// Whether the reply ended with these words.
    pub ends: bool,
}

impl Slice {
    /// Whether neither side speaks.
    pub fn is_idle(&self) -> bool {
        self.user.words().is_none() && self.assistant.is_none()
    }
}

/// The control tokens that mark slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Silence, or the end of a reply.
    pub idle: Token,
    /// Precedes the user's words.
    pub user: Token,
    /// Precedes the assistant's words.
    pub assistant: Token,
}

impl Marks {
    /// The marks in the vocabulary of `weights`.
    ///
    /// # Errors
    /// [`LlmError::NoSliceMarks`] if it lacks one.
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

    /// The tokens of `history`, complete turns, followed by those of `slices`.
    pub fn lay_out(
        self,
        weights: &Weights,
        history: &[ChatMessage],
        slices: &[Slice],
    ) -> Vec<Token> {
        let mut tokens = Vec::new();
        for message in history {
            self.lay_out_turn(weights, message, &mut tokens);
        }
        for slice in slices {
            self.lay_out_slice(weights, slice, &mut tokens);
        }
        tokens
    }

    fn lay_out_turn(self, weights: &Weights, message: &ChatMessage, tokens: &mut Vec<Token>) {
        let turn = format!("{}\n{}", message.role.name(), message.text.trim());
        tokens.push(self.user);
        tokens.extend(plain(weights, &turn));
        tokens.push(self.assistant);
        tokens.extend(plain(weights, "\n"));
    }

    fn lay_out_slice(self, weights: &Weights, slice: &Slice, tokens: &mut Vec<Token>) {
        if slice.is_idle() {
            return;
        }
        self.ask(weights, &slice.user, tokens);
        match &slice.assistant {
            None => tokens.push(self.idle),
            Some(words) => {
                tokens.extend(plain(weights, &format!(" {}", words.trim())));
                tokens.extend(slice.ends.then_some(self.idle));
            }
        }
    }

    /// What to drop so that the rest fits `context` tokens.
    pub(super) fn fit(
        self,
        weights: &Weights,
        sizes: &mut Sizes,
        context: usize,
        history: &[ChatMessage],
        slices: &[Slice],
        user: &UserInput,
    ) -> Dropped {
        let size = |lay_out: &dyn Fn(&mut Vec<Token>)| {
            let mut tokens = Vec::new();
            lay_out(&mut tokens);
            tokens.len()
        };
        let turn =
            |message: &ChatMessage| size(&|tokens| self.lay_out_turn(weights, message, tokens));
        let mut at = 0;
        let mut extents: Vec<_> = iter::zip(history, sizes.of(history, turn))
            .map(|(message, size)| {
                let begin = at;
                at += size;
                Extent { role: message.role, begin, end: at }
            })
            .collect();
        let first = usize::from(history.first().is_some_and(|first| first.role == Role::System));
        let instructions = extents.get(first).map_or(at, |oldest| oldest.begin);

        let slice = |slice: &Slice| size(&|tokens| self.lay_out_slice(weights, slice, tokens));
        let each: Vec<_> = slices.iter().map(slice).collect();
        let question = size(&|tokens| self.ask(weights, user, tokens)).max(QUESTION);
        let room = context.saturating_sub(instructions + question);
        let oldest_slice = window::oldest_parts_to_drop(&each, room);
        let room = room.saturating_sub(each[oldest_slice..].iter().sum());

        // All turns of the history are over, and the user's next one, in slices, follows it. A turn of the user's alone
        // at its end moves nothing: it leaves for the slices when its answer begins.
        extents.push(Extent { role: Role::User, begin: at, end: at });
        let limits =
            Limits { full: usize::MAX, after_reply: LONGEST_HISTORY, moved: LONGEST_HISTORY / 2 };
        let turns = &extents[first..];
        let oldest = window::oldest_to_drop(turns, limits);
        // While slices are added, the history shrinks in two steps: each is read anew. It is older than the slices, so
        // none of it stays, or comes back, where some of them are dropped.
        let mut users = (oldest..turns.len()).filter(|at| turns[*at].role == Role::User);
        let half = users.find(|oldest| at - turns[*oldest].begin <= LONGEST_HISTORY / 2);
        let fits = |oldest: &usize| oldest_slice == 0 && at - turns[*oldest].begin <= room;
        let messages = [Some(oldest), half].into_iter().flatten().find(fits);
        Dropped { messages: messages.unwrap_or(turns.len() - 1), slices: oldest_slice }
    }

    /// The tokens of `history` and `slices`, and of one more slice with `user`, up to its decision.
    pub fn question(
        self,
        weights: &Weights,
        history: &[ChatMessage],
        slices: &[Slice],
        user: &UserInput,
    ) -> Vec<Token> {
        let mut tokens = self.lay_out(weights, history, slices);
        self.ask(weights, user, &mut tokens);
        tokens
    }

    /// Appends a slice up to its decision.
    pub fn ask(self, weights: &Weights, user: &UserInput, tokens: &mut Vec<Token>) {
        tokens.push(self.user);
        match (user.words(), user) {
            (Some((words, falls_silent)), _) => {
                tokens.extend(plain(weights, &format!(" {words}")));
                tokens.extend(falls_silent.then_some(self.idle));
            }
            (None, UserInput::Silence(slices)) => {
                tokens.extend(iter::repeat_n(self.idle, (*slices).clamp(1, LONGEST_SILENCE)));
            }
            (None, UserInput::Words { .. }) => tokens.push(self.idle),
        }
        tokens.push(self.assistant);
    }
}

/// Tokenises text as plain text: control tokens in it are not recognised.
fn plain(weights: &Weights, text: &str) -> Vec<Token> {
    weights.vocab().tokenize(text.as_bytes(), false, false)
}

/// Generates up to `words` words after `tokens` by greedy decoding; the first token is never the idle mark.
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
        // The token that starts one word too many only shows that the word before it is complete.
        if begun <= words {
            bytes.extend(&piece);
            all.push(token);
        }
    }
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    Ok(Slice { assistant: (!text.is_empty()).then_some(text), ends, ..Slice::default() })
}

/// The token with the highest logit, other than `except`.
fn likeliest(logits: &[f32], except: Option<Token>) -> Option<Token> {
    let tokens = (0..).map(Token::new).zip(logits);
    let allowed = tokens.filter(|(token, _)| Some(*token) != except);
    allowed.max_by(|a, b| a.1.total_cmp(b.1)).map(|(token, _)| token)
}

/// The softmax probability of `token` among `logits`.
pub(super) fn probability(logits: &[f32], token: Token) -> f32 {
    log_probability(logits, token).exp()
}

/// The softmax probability of any of `tokens` among `logits`.
pub(super) fn probability_of_any(logits: &[f32], tokens: &[Token]) -> f32 {
    let sum = log_sum(logits);
    let own = tokens.iter().filter_map(|token| logit(logits, *token));
    own.map(|own| (own - sum).exp()).sum::<f32>().clamp(0.0, 1.0)
}

/// The natural logarithm of the softmax probability of `token` among `logits`.
pub(super) fn log_probability(logits: &[f32], token: Token) -> f32 {
    logit(logits, token).map_or(f32::NEG_INFINITY, |own| own - log_sum(logits))
}

fn logit(logits: &[f32], token: Token) -> Option<f32> {
    logits.get(usize::try_from(token.0).ok()?).copied()
}

/// The natural logarithm of the sum of the exponentials of `logits`.
fn log_sum(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln()
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
        let any = probability_of_any(&logits, &[Token::new(0), Token::new(2), Token::new(9)]);
        assert!((any - 5.0 / 8.0).abs() < 1e-6);
    }
}
