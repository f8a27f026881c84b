//! Generates dialogues by number.

use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg32;

use crate::compose::Scene;
use crate::texts::Exchange;
use crate::{Category, Dialogue, Error, Part, Phrasebook};

/// Default maximum slice lengths of the dialogues, in ms; the paper uses 2 s.
pub const SLICES_MS: [u32; 5] = [480, 640, 960, 1440, 2000];

/// Relative frequency of each category. The paper's six have about the paper's proportions to each other.
const WEIGHTS: [(Category, u32); 14] = [
    (Category::Basic, 15),
    (Category::TopicInterweaving, 6),
    (Category::Termination, 8),
    (Category::Regeneration, 8),
    (Category::Reset, 4),
    (Category::BackOnTopic, 5),
    (Category::Backchannel, 12),
    (Category::Pause, 12),
    (Category::LateStart, 14),
    (Category::HardPair, 8),
    (Category::ToOthers, 8),
    (Category::Misheard, 6),
    (Category::Stop, 7),
    (Category::FalseAlarm, 5),
];

/// Generates the dialogues of one part from one seed.
#[derive(Debug)]
pub struct Builder {
    part: Part,
    seed: u64,
    slices_ms: Vec<u32>,
    exchanges: Vec<Exchange>,
    /// Words that may replace others as recognition errors.
    words: Vec<String>,
}

impl Builder {
    /// A builder for `part`, with those of `exchanges` that belong to it, and maximum slice lengths of `slices_ms` in
    /// turn.
    ///
    /// # Errors
    /// [`Error::NoExchanges`] if none of them belongs to it.
    pub fn new(
        part: Part,
        seed: u64,
        slices_ms: &[u32],
        exchanges: &[Exchange],
    ) -> Result<Self, Error> {
        let exchanges: Vec<Exchange> =
            exchanges.iter().filter(|it| it.part == part).cloned().collect();
        if exchanges.is_empty() || slices_ms.is_empty() {
            return Err(Error::NoExchanges(part));
        }
        let said = exchanges.iter().flat_map(|it| it.ask.split_whitespace());
        let plain = said.map(|word| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase());
        let mut words: Vec<String> = plain.filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        words.dedup();
        Ok(Self { part, seed, slices_ms: slices_ms.to_vec(), exchanges, words })
    }

    /// Dialogue `number`.
    pub fn dialogue(&self, number: u64) -> Dialogue {
        // Separate streams of one generator: neighbouring dialogues are independent.
        let mut random = Pcg32::new(self.seed ^ (self.part as u64) << 63, number);
        let category = WEIGHTS
            .choose_weighted(&mut random, |(_, weight)| *weight)
            .map_or(Category::Basic, |(category, _)| *category);
        let slice_ms = self.slices_ms[number as usize % self.slices_ms.len()];
        let random = Pcg32::from_rng(&mut random);
        let scene = Scene::new(
            Phrasebook::builtin(),
            &self.exchanges,
            &self.words,
            self.part,
            category,
            slice_ms,
            random,
        );
        let (history, slices) = scene.play();
        let id = format!("{}-{number:06}", self.part);
        Dialogue { id, category, slice_ms, history, slices }
    }
}
