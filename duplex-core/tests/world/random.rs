//! Users and models of any kind, for property tests.

use proptest::prelude::*;

use super::{Latencies, Says};

/// What a user may say: text, length in ms, end-of-turn score.
pub(crate) type Sayings = &'static [(&'static str, u64, u16)];

prop_compose! {
    /// So many of these sayings, one after another.
    pub(crate) fn user(sayings: Sayings, count: std::ops::Range<usize>)(
        said in prop::collection::vec((0..sayings.len(), 100u64..5_000), count),
    ) -> Vec<Says> {
        let mut at = 300;
        said.into_iter().map(|(index, gap)| {
            let (words, length, end) = sayings[index];
            let from = at + gap;
            at = from + length;
            Says { from, to: at, words, end }
        }).collect()
    }
}

prop_compose! {
    /// Models that are quick or slow.
    pub(crate) fn latencies()(
        recogniser in 20u64..1_200,
        end_of_turn in 10u64..600,
        model in 10u64..900,
        voice in 10u64..700,
        decision in 10u64..2_000,
    ) -> Latencies {
        Latencies { recogniser, end_of_turn, decision, model, voice }
    }
}
