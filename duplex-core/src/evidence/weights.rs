//! Linear models: weights for features, and what they say.

use crate::Permille;

use super::{FEATURES, Feature, Features, fitted};

/// What a sound of the user's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoundKind {
    /// A turn of the user's: it wants an answer.
    Turn,
    /// An answer to what the assistant has asked or offered.
    Answer,
    /// A backchannel: it shows attention, and wants nothing.
    Backchannel,
    /// A command to be silent.
    Command,
    /// The user's words for somebody else.
    ToOthers,
    /// Another voice: a television, or somebody in the background.
    OtherVoice,
    /// No voice: a cough, a door, the assistant's own echo.
    Nothing,
}

/// How many kinds there are.
pub const SOUND_KINDS: usize = SoundKind::ALL.len();

impl SoundKind {
    /// All of them, in the order of tables.
    pub const ALL: &[Self] = &[
        Self::Turn,
        Self::Answer,
        Self::Backchannel,
        Self::Command,
        Self::ToOthers,
        Self::OtherVoice,
        Self::Nothing,
    ];

    /// Its name in policies, journals and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Answer => "answer",
            Self::Backchannel => "backchannel",
            Self::Command => "command",
            Self::ToOthers => "to_others",
            Self::OtherVoice => "other_voice",
            Self::Nothing => "nothing",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A linear model: a bias and a weight for each feature, in thousandths of a logit. A feature's value of 1000 adds its
/// weight as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// What it says where nothing is known.
    pub bias: i32,
    /// In the order of [`Feature::ALL`](super::Feature::ALL).
    pub weights: [i32; FEATURES],
}

/// A model with these weights, and 0 for every other feature.
pub(super) const fn linear(bias: i32, known: &[(Feature, i32)]) -> Linear {
    let mut weights = [0; FEATURES];
    let mut at = 0;
    while at < known.len() {
        let (feature, weight) = known[at];
        weights[feature as usize] = weight;
        at += 1;
    }
    Linear { bias, weights }
}

impl Linear {
    /// The score, in thousandths of a logit.
    pub fn score(&self, features: &Features) -> i32 {
        let sum: i64 = features
            .known()
            .map(|(feature, value)| i64::from(self.weights[feature as usize]) * i64::from(value))
            .sum();
        let score = i64::from(self.bias) + sum / 1000;
        score.clamp(-LARGEST, LARGEST) as i32
    }
}

/// Scores beyond this are as good as certain.
const LARGEST: i64 = 20_000;

/// The weights of both models. Data of a policy: a journal has them, so that it replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// *Is the user's turn over?* The logit of yes.
    pub over: Linear,
    /// *What is this sound?* A logit for each kind, in the order of [`SoundKind::ALL`].
    pub sound: [Linear; SOUND_KINDS],
}

impl Default for Weights {
    /// Those that are shipped: the output of `duplex-datasets weights`.
    fn default() -> Self {
        fitted::WEIGHTS
    }
}

impl Weights {
    /// Probability that the turn is over.
    pub fn over(&self, features: &Features) -> Permille {
        let odds = exp(self.over.score(features));
        permille(odds / (1.0 + odds))
    }

    /// Probability of each kind of sound.
    pub fn sound(&self, features: &Features) -> Sound {
        let scores = self.sound.map(|model| model.score(features));
        let most = scores.iter().copied().max().unwrap_or(0);
        let parts = scores.map(|score| exp(score - most));
        let sum: f64 = parts.iter().sum();
        Sound(parts.map(|part| permille(part / sum)))
    }
}

/// Probability of each kind of sound, in the order of [`SoundKind::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sound(pub [Permille; SOUND_KINDS]);

impl Sound {
    /// It is certainly of this kind.
    pub fn surely(kind: SoundKind) -> Self {
        let mut sound = Self::default();
        sound.0[kind as usize] = Permille(1000);
        sound
    }

    /// Probability of a kind, in thousandths.
    pub const fn get(&self, kind: SoundKind) -> Permille {
        self.0[kind as usize]
    }
}

fn permille(probability: f64) -> Permille {
    Permille((probability * 1000.0 + 0.5) as u16)
}

/// The exponential of thousandths. It is made of sums and products alone, which every machine rounds alike, so that a
/// journal replays anywhere: the library's own may differ in the last bit.
pub fn exp(thousandths: i32) -> f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    let twos = f64::from(thousandths.clamp(-40_000, 40_000)) / 1000.0 * LOG2_E;
    let whole = twos.floor();
    let rest = (twos - whole) * std::f64::consts::LN_2;
    // The Taylor series of e^x on 0..ln 2: below 1e-12 after twelve terms.
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..=12 {
        term *= rest / f64::from(n);
        sum += term;
    }
    f64::from_bits(((whole as i64 + 1023) as u64) << 52) * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for thousandths in (-20_000..20_000).step_by(37) {
            let expected = (f64::from(thousandths) / 1000.0).exp();
            assert!((exp(thousandths) / expected - 1.0).abs() < 1e-9, "{thousandths}");
        }
    }

    #[test]
    fn what_is_not_known_weighs_nothing() {
        let mut linear = Linear { bias: 700, weights: [0; FEATURES] };
        linear.weights[Feature::Softer as usize] = 9_000;
        let mut features = Features::default();
        assert_eq!(linear.score(&features), 700);
        features.set(Feature::Softer, 500);
        assert_eq!(linear.score(&features), 5_200);
        assert_eq!(linear.score(&features.without(Feature::Softer)), 700);
    }

    #[test]
    fn weights_beyond_all_reason_give_a_probability() {
        let mut weights = Weights::default();
        for bias in [i32::MAX, i32::MIN] {
            weights.over = Linear { bias, weights: [bias; FEATURES] };
            weights.sound = [weights.over; SOUND_KINDS];
            let mut features = Features::default();
            Feature::ALL.iter().for_each(|&feature| features.set(feature, -1000));
            assert!(weights.over(&features).0 <= 1000);
            let sum: u32 = weights.sound(&features).0.iter().map(|p| u32::from(p.0)).sum();
            assert!((990..=1010).contains(&sum), "{sum}");
        }
    }
}
