//! The ledger: what was said, and of the assistant's words those that were heard.

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
    /// It ends the assistant's speech and asks for nothing.
    Stop,
    /// It signals attention.
    Backchannel,
    /// A sound without words.
    Noise,
}

/// Where and why a turn of the assistant was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cut {
    /// When.
    pub at: SessionTime,
    /// The reason.
    pub why: Why,
    /// What was planned and never heard.
    pub unheard: String,
}

/// One side's contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; of the assistant, what was heard.
    pub text: String,
    /// Why the assistant's line ends where it does, where it was cut.
    pub cut: Option<Cut>,
}

/// The truth of a conversation. The model's cache only mirrors it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    lines: Vec<Line>,
    /// First line that the model still sees.
    first: usize,
}

impl Transcript {
    /// Text that the model sees at most, in bytes: about 600 tokens of English. Every token of a
    /// reply costs time for each one that is seen.
    pub const CONTEXT_BYTES: usize = 2_400;

    /// All lines, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds the user's line. Two in a row are one turn for the model, so they are joined.
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
    /// line. A line that goes on after a cut is one line.
    pub(crate) fn push_assistant(&mut self, heard: String, cut: Option<Cut>) {
        if !heard.trim().is_empty() {
            self.push(Speaker::Assistant, heard, cut);
        }
    }

    /// Takes back the assistant's last line, to go on with it.
    pub(crate) fn reopen_assistant(&mut self) -> String {
        match self.lines.pop_if(|line| line.speaker == Speaker::Assistant) {
            Some(line) => line.text,
            None => String::new(),
        }
    }

    /// Takes back the user's last line, to go on with it.
    pub(crate) fn reopen_user(&mut self) -> Option<String> {
        self.lines.pop_if(|line| line.speaker == Speaker::User).map(|line| line.text)
    }

    /// The assistant's latest line, where it is the last of all.
    pub(crate) fn last_assistant(&self) -> Option<&str> {
        let last = self.lines.last().filter(|line| line.speaker == Speaker::Assistant)?;
        Some(&last.text)
    }

    fn push(&mut self, speaker: Speaker, text: String, cut: Option<Cut>) {
        self.lines.push(Line { speaker, text, cut });
        let size = |lines: &[Line]| lines.iter().map(|line| line.text.len()).sum::<usize>();
        if size(&self.lines[self.first..]) > Self::CONTEXT_BYTES {
            // Half at once: the cache decodes the remainder anew, so this must be rare.
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

    /// What the model sees while the user has said `words`, not yet settled, and the assistant
    /// plans `reply`.
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
