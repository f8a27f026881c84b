//! What decisions were worth, counted.

use std::collections::BTreeMap;

use crate::dialogue::{Category, Dialogue, Phase};

use super::Asked;

/// Decisions, right and all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Right ones.
    pub right: usize,
    /// All.
    pub all: usize,
}

impl Score {
    pub(super) fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    /// Right ones of all; nothing where there are none.
    pub fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }
}

/// What a model was worth in forced decisions.
#[derive(Clone, Debug, Default)]
pub struct Forced {
    /// By what the assistant faced.
    pub phases: BTreeMap<Phase, Score>,
    /// By what happened in the dialogue.
    pub categories: BTreeMap<Category, Score>,
    /// By the longest slice, in ms.
    pub slices_ms: BTreeMap<u32, Score>,
    /// Said to speak and to be silent, by what was right: `[right speaks][model speaks]`.
    pub confusion: [[usize; 2]; 2],
}

impl Forced {
    /// All decisions.
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

/// How late decisions were, in slices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// How many were so many slices late.
    pub late: BTreeMap<usize, usize>,
    /// How many were not made.
    pub never: usize,
}

impl Delays {
    pub(super) fn add(&mut self, late: Option<usize>) {
        match late {
            Some(slices) => *self.late.entry(slices).or_default() += 1,
            None => self.never += 1,
        }
    }

    /// All decisions that were due.
    pub fn all(&self) -> usize {
        self.late.values().sum::<usize>() + self.never
    }

    /// The share of those that were made within so many slices.
    pub fn within(&self, slices: usize) -> Option<f64> {
        (self.all() > 0).then(|| self.made_within(slices) as f64 / self.all() as f64)
    }

    pub(super) fn made_within(&self, slices: usize) -> usize {
        self.late.range(..=slices).map(|(_, count)| count).sum()
    }

    /// The share of those that were not made.
    pub fn never_rate(&self) -> Option<f64> {
        (self.all() > 0).then(|| self.never as f64 / self.all() as f64)
    }
}

/// What a model was worth running free.
#[derive(Clone, Debug, Default)]
pub struct Free {
    /// Silent where it should be, and speaking where it should be, by what the assistant faced.
    pub phases: BTreeMap<Phase, Score>,
    /// From the end of what asks for an answer to the answer.
    pub starts: Delays,
    /// From the words that take the floor to silence.
    pub stops: Delays,
    /// Dialogues of hard pairs in which everything was right.
    pub hard_pairs: Score,
}

impl Free {
    /// All decisions; one that was due is right within a slice.
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
