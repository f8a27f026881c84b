//! What the assistant is saying, and how much of it has been heard.

use crate::{Mark, Samples};

/// One turn of the assistant's speech: its text, and where each word ends in its audio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utterance {
    /// What was heard in an earlier turn that this one goes on with.
    prefix: String,
    /// What this turn plans to say.
    text: String,
    /// Ends of the clauses in `text`.
    clauses: Vec<usize>,
    /// `(samples, bytes)`: once so much has played, `text[..bytes]` was heard. Both ascend.
    marks: Vec<(Samples, usize)>,
    /// Audio of all complete clauses.
    settled: Samples,
    /// Audio made so far.
    synthesised: Samples,
    /// Clauses whose audio is complete.
    complete: usize,
    played: Samples,
}

impl Utterance {
    /// An utterance that goes on where an earlier one was cut, after `prefix` was heard.
    pub fn after(prefix: String) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// Whether it goes on where an earlier one was cut that had been heard.
    pub const fn is_resumed(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// Plans another clause and returns its index.
    pub fn push_clause(&mut self, clause: &str) -> u32 {
        self.text.push_str(clause);
        self.clauses.push(self.text.len());
        (self.clauses.len() - 1) as u32
    }

    /// Records more audio of `clause`; marks count from the clause's beginning.
    pub fn push_audio(&mut self, clause: u32, audio: Samples, marks: &[Mark], last: bool) {
        let index = clause as usize;
        if index != self.complete || index >= self.clauses.len() {
            return;
        }
        let (from, to) = (index.checked_sub(1).map_or(0, |i| self.clauses[i]), self.clauses[index]);
        self.synthesised = self.synthesised + audio;
        for mark in marks {
            let mut bytes = (from + mark.bytes).min(to);
            while !self.text.is_char_boundary(bytes) {
                bytes -= 1;
            }
            self.marks.push((self.settled + mark.at, bytes));
        }
        if last {
            self.marks.push((self.synthesised, to));
            self.settled = self.synthesised;
            self.complete += 1;
        }
    }

    /// Records that the listener has heard this much of the turn's audio.
    pub fn played(&mut self, audio: Samples) {
        self.played = self.played.max(audio);
    }

    /// What is planned, with what an earlier turn had said before it.
    pub fn planned(&self) -> String {
        format!("{}{}", self.prefix, self.text)
    }

    /// What the listener has heard, up to the last whole word.
    pub fn heard(&self) -> String {
        format!("{}{}", self.prefix, &self.text[..self.heard_bytes()])
    }

    /// What is planned and was not heard.
    pub fn unheard(&self) -> &str {
        &self.text[self.heard_bytes()..]
    }

    fn heard_bytes(&self) -> usize {
        let passed = self.marks.iter().take_while(|(at, _)| *at <= self.played);
        passed.map(|&(_, bytes)| bytes).max().unwrap_or(0)
    }

    /// Audio that is ready and has not been heard.
    pub fn lead(&self) -> Samples {
        self.synthesised.saturating_sub(self.played)
    }

    /// Audio that was heard of this turn.
    pub const fn heard_audio(&self) -> Samples {
        self.played
    }

    /// Some audio is ready.
    pub fn has_audio(&self) -> bool {
        self.synthesised > Samples(0)
    }

    /// Every planned clause has its audio.
    pub fn is_synthesised(&self) -> bool {
        self.complete == self.clauses.len()
    }

    /// Everything that is planned was heard.
    pub fn is_played(&self) -> bool {
        self.is_synthesised() && self.played >= self.synthesised
    }
}
