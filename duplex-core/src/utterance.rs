//! One turn of the assistant's speech, and how much of it has been heard.

use crate::{Mark, Samples};

/// One turn of the assistant's speech: its text, where each word ends in its audio, and how far the playout is.
///
/// All audio counts samples at 16 kHz since the beginning of the turn, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utterance {
    /// What was heard of an earlier turn that this one resumes.
    prefix: String,
    /// What this turn plans to say: all clauses.
    text: String,
    /// Where each clause ends in `text`, in bytes.
    clauses: Vec<usize>,
    /// `(samples, bytes)`: once so much audio has been played, `text[..bytes]` was heard. Both ascend.
    marks: Vec<(Samples, usize)>,
    /// Length of the audio of all complete clauses.
    settled: Samples,
    /// Length of the audio made so far.
    synthesised: Samples,
    /// Clauses whose audio is complete.
    complete: usize,
    played: Samples,
}

impl Utterance {
    /// An utterance that resumes an earlier one, of which `prefix` was heard.
    pub fn after(prefix: String) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// Whether it resumes an earlier one of which something was heard.
    pub const fn is_resumed(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// Plans another clause and returns its index.
    pub fn push_clause(&mut self, clause: &str) -> u32 {
        self.text.push_str(clause);
        self.clauses.push(self.text.len());
        (self.clauses.len() - 1) as u32
    }

    /// Records more audio of `clause`; marks count from the clause's beginning. Audio of any clause but the next
    /// incomplete one is ignored.
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

    /// Records that this much of the turn's audio has been played; a smaller value than before changes nothing.
    pub fn played(&mut self, audio: Samples) {
        self.played = self.played.max(audio);
    }

    /// All planned text, after what was heard of the turn that it resumes.
    pub fn planned(&self) -> String {
        format!("{}{}", self.prefix, self.text)
    }

    /// What the user has heard, up to the last whole word, with what was heard of the turn that it resumes.
    pub fn heard(&self) -> String {
        format!("{}{}", self.prefix, &self.text[..self.heard_bytes()])
    }

    /// The planned text that was not heard.
    pub fn unheard(&self) -> &str {
        &self.text[self.heard_bytes()..]
    }

    fn heard_bytes(&self) -> usize {
        let passed = self.marks.iter().take_while(|(at, _)| *at <= self.played);
        passed.map(|&(_, bytes)| bytes).max().unwrap_or(0)
    }

    /// Length of the audio that is ready and was not heard.
    pub fn lead(&self) -> Samples {
        self.synthesised.saturating_sub(self.played)
    }

    /// Length of the audio that was heard of this turn.
    pub const fn heard_audio(&self) -> Samples {
        self.played
    }

    /// Whether some audio was made.
    pub fn has_audio(&self) -> bool {
        self.synthesised > Samples(0)
    }

    /// Whether every planned clause has its audio.
    pub fn is_synthesised(&self) -> bool {
        self.complete == self.clauses.len()
    }

    /// Whether everything that is planned was heard.
    pub fn is_played(&self) -> bool {
        self.is_synthesised() && self.played >= self.synthesised
    }
}
