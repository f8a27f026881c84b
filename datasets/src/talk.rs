//! Evaluates how a model chats, apart from when it speaks: training for turn-taking must not make it chat worse.
//!
//! A [`Talker`] chats in plain turns, answers short questions, and answers in slices. The base model is compared with
//! the same model plus an adapter. Likelihoods of replies are measured under the base model, which was not trained on
//! slices.

use std::collections::BTreeSet;
use std::ops::{AddAssign, ControlFlow};
use std::sync::LazyLock;

use duplex_model::asr::plain_words;
use duplex_model::llm::{
    CallId, ChatMessage, DEFAULT_SYSTEM_PROMPT, Llm, LlmError, Marks, UserInput,
};
use duplex_model::llm::{Role, Slice, Weights};
use serde::Deserialize;

use crate::eval::words_a_slice;

/// Length of a slice in ms, as in a call.
const SLICE_MS: u32 = 960;

/// Maximum length of a reply, in slices.
const LONGEST_REPLY: usize = 40;

/// Likelihood of a sequence of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Likelihood {
    /// The sum of the tokens' log probabilities (natural logarithm).
    pub log: f64,
    /// Number of tokens.
    pub tokens: usize,
}

impl Likelihood {
    fn of(all: &[f32]) -> Self {
        Self { log: all.iter().copied().map(f64::from).sum(), tokens: all.len() }
    }

    /// The mean log probability per token.
    pub fn mean(self) -> f64 {
        self.log / self.tokens.max(1) as f64
    }

    /// Perplexity: e to the negative mean log probability; a uniform choice among n tokens has perplexity n.
    pub fn perplexity(self) -> f64 {
        (-self.mean()).exp()
    }
}

impl AddAssign for Likelihood {
    fn add_assign(&mut self, other: Self) {
        self.log += other.log;
        self.tokens += other.tokens;
    }
}

/// A question with one right answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub ask: String,
    /// An answer that contains one of these words or word sequences is right.
    pub right: Vec<String>,
}

impl Question {
    /// The questions of `datasets/text/questions.toml`.
    pub fn builtin() -> &'static [Self] {
        #[derive(Deserialize)]
        struct File {
            question: Vec<Question>,
        }
        static QUESTIONS: LazyLock<Vec<Question>> = LazyLock::new(|| {
            toml::from_str::<File>(include_str!("../text/questions.toml"))
                .expect("the questions in the program are checked by a test")
                .question
        });
        &QUESTIONS
    }

    /// Whether `answer` contains a right word.
    pub fn is_hit(&self, answer: &str) -> bool {
        let answer = plain_words(answer);
        let mut right = self.right.iter().map(|right| plain_words(right));
        right.any(|right| answer.windows(right.len()).any(|row| row == right))
    }
}

/// The share of word trigrams in `text` that occurred in it before.
pub fn repetition(text: &str) -> f64 {
    let words = plain_words(text);
    let rows: Vec<&[String]> = words.windows(3).collect();
    let different = rows.iter().collect::<BTreeSet<_>>().len();
    (rows.len() - different) as f64 / rows.len().max(1) as f64
}

/// A model that chats.
pub struct Talker<'w> {
    llm: Llm<'w>,
    weights: &'w Weights,
    call: CallId,
    marks: Marks,
}

impl<'w> Talker<'w> {
    /// Chats with `llm`, which was made from `weights`.
    ///
    /// # Errors
    /// [`LlmError::NoSliceMarks`]; [`LlmError::TooManyCalls`].
    pub fn new(mut llm: Llm<'w>, weights: &'w Weights) -> Result<Self, LlmError> {
        let marks = Marks::of(weights)?;
        let call = llm.open_call()?;
        Ok(Self { llm, weights, call, marks })
    }

    /// Likelihood of every second turn of a conversation, in the plain chat layout.
    ///
    /// # Errors
    /// [`LlmError::ContextFull`]; [`LlmError::Decode`].
    pub fn chat(&mut self, turns: &[String]) -> Result<Likelihood, LlmError> {
        let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
        let mut sum = Likelihood::default();
        for pair in turns.chunks_exact(2) {
            messages.push(ChatMessage::new(Role::User, &pair[0]));
            sum += self.likelihood(&messages, &pair[1])?;
            messages.push(ChatMessage::new(Role::Assistant, &pair[1]));
        }
        Ok(sum)
    }

    /// Likelihood of `reply` as an answer to `question`.
    ///
    /// # Errors
    /// As [`Talker::chat`].
    pub fn answers(&mut self, question: &str, reply: &str) -> Result<Likelihood, LlmError> {
        self.likelihood(&asked(question), reply)
    }

    /// Likelihood of `reply`, and of its end there, after `messages`.
    fn likelihood(
        &mut self,
        messages: &[ChatMessage],
        reply: &str,
    ) -> Result<Likelihood, LlmError> {
        let before = self.marks.lay_out(self.weights, messages, &[]);
        let said = [messages, &[ChatMessage::new(Role::Assistant, reply)]].concat();
        let tokens = self.marks.lay_out(self.weights, &said, &[]);
        // Without the line feed after the last mark.
        let tokens = &tokens[..tokens.len() - 1];
        let from = before.len() + self.opening();
        Ok(Likelihood::of(&self.llm.log_probabilities(self.call, tokens, from)?))
    }

    /// Number of tokens before the text of an assistant message: those of an empty message without the mark and the
    /// line feed after its text.
    fn opening(&self) -> usize {
        self.marks.lay_out(self.weights, &[ChatMessage::new(Role::Assistant, "")], &[]).len() - 2
    }

    /// The reply to a question in plain turns.
    ///
    /// # Errors
    /// As [`Talker::chat`].
    pub fn reply(&mut self, question: &str) -> Result<String, LlmError> {
        let mut reply = String::new();
        let mut take = |text: &str| {
            reply.push_str(text);
            ControlFlow::Continue(())
        };
        self.llm.discard_reply(self.call)?;
        self.llm.write(self.call, &asked(question), &mut || false, &mut take)?;
        Ok(reply.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The reply to a question in slices, by greedy decoding.
    ///
    /// # Errors
    /// As [`Talker::chat`].
    pub fn reply_in_slices(&mut self, question: &str) -> Result<String, LlmError> {
        let history = [ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
        let words: Vec<&str> = question.split_whitespace().collect();
        let count = words_a_slice(SLICE_MS);
        let heard = words.chunks(count).map(|words| UserInput::cut(words.join(" ")));
        let mut slices: Vec<Slice> = heard.map(|user| Slice { user, ..Slice::default() }).collect();
        if let Some(Slice { user: UserInput::Words { falls_silent, .. }, .. }) = slices.last_mut() {
            *falls_silent = true;
        }
        let mut user = slices.pop().unwrap_or_default().user;
        let mut reply: Vec<String> = Vec::new();
        while reply.len() < LONGEST_REPLY {
            let tokens = self.marks.question(self.weights, &history, &slices, &user);
            let said =
                self.llm.speak_slice(self.call, self.marks, &tokens, count, &mut || false)?;
            reply.extend(said.assistant.clone());
            if said.ends || said.assistant.is_none() {
                break;
            }
            slices.push(Slice { user: std::mem::take(&mut user), ..said });
        }
        Ok(reply.join(" "))
    }
}

fn asked(question: &str) -> Vec<ChatMessage> {
    vec![
        ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT),
        ChatMessage::new(Role::User, question),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_can_be_read_and_their_own_words_are_no_answers() {
        let all = Question::builtin();
        assert!(all.len() >= 50);
        for question in all {
            assert!(!question.is_hit(&question.ask), "{}", question.ask);
            assert!(question.right.iter().all(|right| question.is_hit(right)));
        }
    }

    #[test]
    fn a_row_of_words_that_stood_before_is_a_repetition() {
        assert_eq!(repetition("Yes."), 0.0);
        assert_eq!(repetition("the cat sat on the mat"), 0.0);
        // Of five trigrams, the last two occurred before.
        assert_eq!(repetition("tea is hot. Tea is hot, tea"), 0.4);
    }

    #[test]
    fn as_many_equal_choices_are_that_perplexity() {
        let even = Likelihood::of(&[-(8.0f32.ln()); 5]);
        assert!((even.perplexity() - 8.0).abs() < 1e-4);
    }
}
