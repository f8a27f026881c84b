//! Scores of decisions.

use std::collections::BTreeMap;

use crate::dialogue::{Category, Dialogue, Phase};

use super::Asked;

/// Right decisions out of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Number of right decisions.
    pub right: usize,
    /// Number of all decisions.
    pub all: usize,
}

impl Score {
    pub(super) fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    /// Share of right decisions; none if there are no decisions.
    pub fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }
}

/// Scores of a model's forced decisions.
#[derive(Clone, Debug, Default)]
pub struct Forced {
    /// By the assistant's situation.
    pub phases: BTreeMap<Phase, Score>,
    /// By what happens in the dialogue.
    pub categories: BTreeMap<Category, Score>,
    /// By maximum slice length, in ms.
    pub slices_ms: BTreeMap<u32, Score>,
    /// Confusion matrix of speaking and silence: `[right speaks][model speaks]`.
    pub confusion: [[usize; 2]; 2],
}

impl Forced {
    /// The score of all decisions.
    pub fn overall(&self) -> Score {
        let [[silent, false_speech], [false_silence, speech]] = self.confusion;
        Score { right: silent + speech, all: silent + false_speech + false_silence + speech }
    }

    /// F1 of speaking, and of silence.
    pub fn f1(&self) -> (f64, f64) {
        let [[silent, false_speech], [false_silence, speech]] = self.confusion;
        let f1 = |hits: usize| {
            2.0 * hits as f64 / (2 * hits + false_speech + false_silence).max(1) as f64
        };
        (f1(speech), f1(silent))
    }

    /// Counts a decision of `dialogue`.
    pub fn add(&mut self, dialogue: &Dialogue, asked: &Asked) {
        let right = asked.is_right();
        self.phases.entry(asked.phase).or_default().add(right);
        self.categories.entry(dialogue.category).or_default().add(right);
        self.slices_ms.entry(dialogue.slice_ms).or_default().add(right);
        self.confusion[usize::from(asked.phase.speaks())][usize::from(asked.speaks)] += 1;
    }
}

/// Delays of decisions, in slices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Number of decisions by delay.
    pub late: BTreeMap<usize, usize>,
    /// Number of decisions that were never made.
    pub never: usize,
}

impl Delays {
    pub(super) fn add(&mut self, late: Option<usize>) {
        match late {
            Some(slices) => *self.late.entry(slices).or_default() += 1,
            None => self.never += 1,
        }
    }

    /// Number of decisions that were due.
    pub fn all(&self) -> usize {
        self.late.values().sum::<usize>() + self.never
    }

    /// Share of due decisions made within so many slices.
    pub fn within(&self, slices: usize) -> Option<f64> {
        (self.all() > 0).then(|| self.made_within(slices) as f64 / self.all() as f64)
    }

    pub(super) fn made_within(&self, slices: usize) -> usize {
        self.late.range(..=slices).map(|(_, count)| count).sum()
    }

    /// Share of due decisions that were never made.
    pub fn never_rate(&self) -> Option<f64> {
        (self.all() > 0).then(|| self.never as f64 / self.all() as f64)
    }
}

/// Scores of a free-running model.
#[derive(Clone, Debug, Default)]
pub struct Free {
    /// Decisions to be silent or to speak, by the assistant's situation.
    pub phases: BTreeMap<Phase, Score>,
    /// From the end of words that ask for an answer to the answer.
    pub starts: Delays,
    /// From the words that take the floor to silence.
    pub stops: Delays,
    /// Dialogues of hard pairs in which every decision was right.
    pub hard_pairs: Score,
}

impl Free {
    /// All decisions; a due one is right if it is made within one slice.
    pub fn overall(&self) -> Score {
        let mut overall = Score::default();
        for score in self.phases.values() {
            overall.right += score.right;
            overall.all += score.all;
        }
        for delays in [&self.starts, &self.stops] {
            overall.right += delays.made_within(1);
            overall.all += delays.all();
        }
        overall
    }
}
