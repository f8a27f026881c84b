//! One reply of the assistant's, and how much of it has been heard.

use crate::{Mark, Samples};

/// One reply of the assistant's: its text, where each word ends in its audio, and how far the playout is. A reply that
/// resumes has what was heard before the cut in front.
///
/// All audio counts samples at 16 kHz since the beginning of the reply, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utterance {
    /// What it plans to say, what was heard before a cut included.
    text: String,
    /// How much of `text` was heard before the cut after which it resumes, in bytes.
    resumed_at: usize,
    /// Audio that was heard before that cut.
    earlier: Samples,
    /// Where each clause of this turn ends in `text`, in bytes.
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
    /// An utterance that resumes this one where it was cut: what was heard of it stays heard, the rest is to be planned
    /// again.
    pub fn resumed(mut self) -> Self {
        let (heard, played) = (self.heard_bytes(), self.played);
        self.text.truncate(heard);
        self.marks.retain(|(at, _)| *at <= played);
        Self {
            text: self.text,
            resumed_at: heard,
            earlier: played,
            marks: self.marks,
            settled: played,
            synthesised: played,
            played,
            ..Self::default()
        }
    }

    /// Whether it resumes an earlier one of which something was heard.
    pub const fn is_resumed(&self) -> bool {
        self.resumed_at > 0
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
        let before = index.checked_sub(1).map_or(self.resumed_at, |before| self.clauses[before]);
        let to = self.clauses[index];
        self.synthesised = self.synthesised + audio;
        for mark in marks {
            let mut bytes = before.saturating_add(mark.bytes).min(to);
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

    /// Records that this much audio of this turn has been played, counted from where it resumes; a smaller value than
    /// before changes nothing.
    pub fn played(&mut self, audio: Samples) {
        self.played = self.played.max(self.earlier + audio);
    }

    /// Records that no more than this was played, although it was thought so.
    pub fn rewind(&mut self, audio: Samples) {
        self.played = self.played.min(audio);
    }

    /// All planned text, after what was heard before the cut.
    pub fn planned(&self) -> &str {
        &self.text
    }

    /// What the user has heard, up to the last whole word.
    pub fn heard(&self) -> &str {
        &self.text[..self.heard_bytes()]
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
    pub fn heard_audio(&self) -> Samples {
        self.played.saturating_sub(self.earlier)
    }

    /// Length of the audio that was heard, before the cut too.
    pub const fn all_heard_audio(&self) -> Samples {
        self.played
    }

    /// Length of the audio there is, before the cut too.
    pub const fn audio(&self) -> Samples {
        self.synthesised
    }

    /// Whether some audio was made.
    pub fn has_audio(&self) -> bool {
        self.synthesised > self.earlier
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
