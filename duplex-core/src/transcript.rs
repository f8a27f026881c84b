//! The transcript: what the user said, and what was heard of the assistant's replies.

use crate::{Context, SessionTime, Why};

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Speaker {
    /// The user.
    User,
    /// The assistant.
    Assistant,
}

/// What a segment of the user's sound was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum UserKind {
    /// A turn: it asks for an answer.
    Turn,
    /// A command to stop: it ends the assistant's speech and needs no answer.
    Stop,
    /// A backchannel, or a sound too short to be more.
    Backchannel,
    /// Anything else: a sound without words, or words that are not for the assistant.
    Noise,
}

/// Where and why a turn of the assistant was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cut {
    /// When it was cut.
    pub at: SessionTime,
    /// The reason.
    pub why: Why,
    /// What was planned and never heard.
    pub unheard: String,
}

/// One line of the transcript: successive words of one speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What the user said, or what was heard of the assistant.
    pub text: String,
    /// The cut that ended the assistant's line early, where there was one.
    pub cut: Option<Cut>,
}

/// The authoritative record of a conversation. The language model's KV cache only mirrors it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    lines: Vec<Line>,
    /// First line within the language model's context.
    first: usize,
}

impl Transcript {
    /// Most text of the language model's context, in bytes: about 600 tokens of English. Each token of a reply costs
    /// time for each token of the context.
    pub const CONTEXT_BYTES: usize = 2_400;

    /// All lines, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds the user's line. Two in a row are one turn for the language model, so they are joined.
    pub(crate) fn push_user(&mut self, text: &str) {
        match self.lines.last_mut() {
            Some(line) if line.speaker == Speaker::User => {
                line.text.push(' ');
                line.text.push_str(text);
            }
            _ => self.push(Speaker::User, text.to_owned(), None),
        }
    }

    /// Adds what was heard of the assistant's turn; a turn of which nothing was heard leaves no
    /// line. The text of a resumed turn includes what was heard before the cut.
    pub(crate) fn push_assistant(&mut self, heard: String, cut: Option<Cut>) {
        if !heard.trim().is_empty() {
            self.push(Speaker::Assistant, heard, cut);
        }
    }

    /// Takes back the assistant's line where it is the last, to resume it.
    pub(crate) fn reopen_assistant(&mut self) -> String {
        match self.lines.pop_if(|line| line.speaker == Speaker::Assistant) {
            Some(line) => line.text,
            None => String::new(),
        }
    }

    /// Takes back the user's line where it is the last, to continue it.
    pub(crate) fn reopen_user(&mut self) -> Option<String> {
        self.lines.pop_if(|line| line.speaker == Speaker::User).map(|line| line.text)
    }

    /// The text of the last line, where it is the assistant's.
    pub(crate) fn last_assistant(&self) -> Option<&str> {
        let last = self.lines.last().filter(|line| line.speaker == Speaker::Assistant)?;
        Some(&last.text)
    }

    fn push(&mut self, speaker: Speaker, text: String, cut: Option<Cut>) {
        self.lines.push(Line { speaker, text, cut });
        let size = |lines: &[Line]| lines.iter().map(|line| line.text.len()).sum::<usize>();
        if size(&self.lines[self.first..]) > Self::CONTEXT_BYTES {
            // Half at once: the KV cache decodes the remainder anew, so this must be rare.
            while size(&self.lines[self.first..]) > Self::CONTEXT_BYTES / 2
                && self.first + 1 < self.lines.len()
            {
                self.first += 1;
            }
            while self.first + 1 < self.lines.len()
                && self.lines[self.first].speaker != Speaker::User
            {
                self.first += 1;
            }
        }
    }

    /// The language model's context while the user has said `words` that are not settled yet, and `reply` is written
    /// already. `open` goes into the context as it is: whether the user's line may still grow.
    pub fn context(&self, words: &str, open: bool, reply: String) -> Context {
        let mut seen = Self { lines: self.lines[self.first..].to_vec(), first: 0 };
        for line in &mut seen.lines {
            line.cut = None;
        }
        if !words.is_empty() {
            seen.push_user(words);
        }
        Context { lines: seen.lines, open, reply }
    }
}
