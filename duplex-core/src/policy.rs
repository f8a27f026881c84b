//! Every threshold of the turn-taking, in one place.

use crate::{Permille, Samples, words::Mishearings};

const fn ms(millis: u64) -> Samples {
    Samples::from_millis(millis)
}

/// What a sound of the user's means while the assistant speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Overlap {
    /// What the evidence says: attention, a command, a turn, or nothing.
    #[default]
    Weighed,
    /// The floor is the user's, whatever the sound was; nothing is ever resumed.
    Yields,
    /// Nothing: the assistant does not listen while it speaks.
    Unheard,
}

/// Which models are asked whose turn it is. Silence and words count in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Sources {
    /// The end-of-turn model, by the sound.
    #[default]
    Acoustic,
    /// The duplex model, by what both sides said.
    Model,
    /// Both.
    Both,
}

impl Sources {
    /// Whether the end-of-turn model is asked.
    pub const fn acoustic(self) -> bool {
        matches!(self, Self::Acoustic | Self::Both)
    }

    /// Whether the duplex model is asked.
    pub const fn model(self) -> bool {
        matches!(self, Self::Model | Self::Both)
    }
}

/// The thresholds of the turn-taking. Spans are session time; silence is counted from the user's
/// last voiced frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Policy {
    /// What the user's sound means while the assistant speaks.
    pub overlap: Overlap,
    /// Whether words tell attention and commands from turns. Without it all words are a turn.
    pub words: bool,
    /// What the recogniser makes of words that it half heard.
    pub mishearings: Mishearings,
    /// Which models are asked.
    pub sources: Sources,
    /// From this probability of silence on, the duplex model's word against an answer counts whatever
    /// the silence, and its word for the user who speaks over the assistant.
    pub surely_idle: Permille,
    /// Up to this probability of silence, the duplex model's word that the assistant should go on
    /// counts against the user's words.
    pub surely_speaking: Permille,
    /// Silence after which words that the duplex model would not answer are settled without an answer.
    pub ignore_after: Samples,
    /// How long a verdict on the user's words waits for the duplex model.
    pub model_patience: Samples,
    /// Length of the duplex model's slices: how often it is asked again in a silence.
    pub decision_slice: Samples,
    /// Length of a slice: how often the user's words are recognised while they speak.
    pub slice: Samples,
    /// Audio before an onset that is recognised too: detection comes after the first sound.
    pub preroll: Samples,
    /// The recogniser makes nothing of less than this.
    pub shortest_window: Samples,
    /// A segment of sound is cut at its quietest moment before it gets longer than this.
    pub longest_window: Samples,
    /// A frame of the user's at least this probable is certainly voiced.
    pub clear: Permille,
    /// How long voice activity lingers behind the user's last sound: frames that are less than clear
    /// count as voiced only once they last longer than this.
    pub linger: Samples,
    /// Silence after which the end of the user's words is recognised, in case they are the end.
    pub tail_after: Samples,
    /// Silence after which what follows is recognised apart from what came before.
    pub split_after: Samples,
    /// Evidence needed to answer after a silence: `(silence, evidence)`, falling. Between two
    /// points it is interpolated; before the first nothing is answered, after the last anything.
    pub release: Vec<(Samples, Permille)>,
    /// How long the user must go on speaking over the assistant before it stands still.
    pub hold_after: Samples,
    /// How long the user must go on speaking over the assistant to take the floor by that alone.
    pub yield_after: Samples,
    /// A sound up to this long, with no more than two unknown words, signals attention.
    pub longest_backchannel: Samples,
    /// A voice whose high_band_snr never exceeded the background's by so many dB is not close by.
    pub near_high_band_snr: i8,
    /// How much must have been heard of a voice before its want of high_band_snr says anything.
    pub near_after: Samples,
    /// Words less certain than this say nothing about a short sound.
    pub doubtful: Permille,
    /// Silence after which a segment of sound without words, or with words that need no answer,
    /// is settled.
    pub settle_after: Samples,
    /// Silence after which the assistant goes on although the recogniser has not answered.
    pub recogniser_patience: Samples,
    /// A recognition job without an answer counts as lost after this.
    pub lost_after: Samples,
    /// Audio that is made ahead of what is heard, at most about this much.
    pub lead: Samples,
    /// How long after a cut the assistant may still go on with what it was saying.
    pub resume_within: Samples,
    /// A user who goes on within this much of the assistant's speech was not finished: the
    /// assistant's words are taken back and both parts are one turn.
    pub reopen_within: Samples,
    /// How often a failed model job is tried again for one turn.
    pub retries: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            overlap: Overlap::Weighed,
            words: true,
            mishearings: Mishearings::default(),
            sources: Sources::Acoustic,
            surely_idle: Permille(950),
            surely_speaking: Permille(100),
            ignore_after: ms(4_000),
            model_patience: ms(300),
            decision_slice: ms(960),
            slice: ms(640),
            preroll: ms(320),
            shortest_window: ms(800),
            longest_window: ms(8_000),
            clear: Permille(700),
            linger: ms(96),
            tail_after: ms(32),
            split_after: ms(900),
            release: vec![
                (ms(160), Permille(800)),
                (ms(400), Permille(650)),
                (ms(800), Permille(500)),
                (ms(1_200), Permille(350)),
                (ms(2_000), Permille(100)),
                (ms(2_400), Permille(0)),
            ],
            hold_after: ms(240),
            yield_after: ms(1_400),
            longest_backchannel: ms(800),
            near_high_band_snr: 5,
            near_after: ms(600),
            doubtful: Permille(500),
            settle_after: ms(250),
            recogniser_patience: ms(1_500),
            lost_after: ms(10_000),
            lead: ms(2_000),
            resume_within: ms(6_000),
            reopen_within: ms(1_000),
            retries: 1,
        }
    }
}

impl Policy {
    /// What most voice agents do, for comparison: voice activity of 200 ms stops the assistant,
    /// whatever it was, and 800 ms of silence end the user's turn, whatever was said.
    pub fn barge_in() -> Self {
        Self {
            overlap: Overlap::Yields,
            words: false,
            sources: Sources::Acoustic,
            release: vec![(ms(800), Permille(0))],
            yield_after: ms(200),
            resume_within: ms(0),
            reopen_within: ms(0),
            ..Self::default()
        }
    }

    /// The turn-based assistant, for comparison: it does not listen while it speaks, and 800 ms of
    /// silence end the user's turn, whatever was said.
    pub fn turn_based() -> Self {
        Self { overlap: Overlap::Unheard, ..Self::barge_in() }
    }

    /// The evidence needed to answer after `silence`; nothing where it is too early for any.
    pub fn threshold(&self, silence: Samples) -> Option<Permille> {
        let after = self.release.iter().position(|&(at, _)| at > silence);
        let (to, from) = match after {
            Some(0) => return None,
            Some(index) => (self.release[index], self.release[index - 1]),
            None => return self.release.last().map(|_| Permille(0)),
        };
        let span = (to.0.0 - from.0.0).max(1);
        let fall = u64::from(from.1.0.saturating_sub(to.1.0));
        Some(Permille(from.1.0 - (fall * (silence.0 - from.0.0) / span) as u16))
    }
}
