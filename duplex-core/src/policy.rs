//! Every threshold of turn-taking, in one place.

use crate::{Permille, Samples, words::Mishearings};

const fn ms(millis: u64) -> Samples {
    Samples::from_millis(millis)
}

/// How overlapping speech is treated: what a sound of the user's does while the assistant speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Overlap {
    /// The sound is judged: a backchannel, a command, a turn, or nothing.
    #[default]
    Weighed,
    /// The user takes the floor, whatever the sound was, once it lasts for [`Policy::yield_after`].
    Yields,
    /// The sound is ignored: half duplex.
    Unheard,
    /// The reply goes on as it is, and the sound is judged once it is over.
    Waits,
}

/// Which models are asked whose turn it is. Silence and the user's words count in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Sources {
    /// The acoustic end-of-turn model.
    #[default]
    Acoustic,
    /// The duplex model, from the words of both sides.
    Model,
    /// Both.
    Both,
}

impl Sources {
    /// Whether the acoustic end-of-turn model is asked.
    pub const fn acoustic(self) -> bool {
        matches!(self, Self::Acoustic | Self::Both)
    }

    /// Whether the duplex model is asked.
    pub const fn model(self) -> bool {
        matches!(self, Self::Model | Self::Both)
    }
}

/// The thresholds of turn-taking. Spans are session time in samples at 16 kHz, probabilities are in thousandths, and
/// silence counts from the end of the user's last voiced frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Policy {
    /// How overlapping speech is treated.
    pub overlap: Overlap,
    /// Whether the words tell backchannels and commands from turns. Without it any words are a turn.
    pub words: bool,
    /// What the recogniser makes of words spoken over the assistant's voice.
    pub mishearings: Mishearings,
    /// Which models are asked.
    pub sources: Sources,
    /// The duplex model's probability of staying silent from which on it alone decides: words are not answered, however
    /// long the silence, and short words over the assistant's voice take the floor.
    pub surely_idle: Permille,
    /// The duplex model's probability of falling silent up to which the assistant keeps the floor against words that
    /// would take it.
    pub surely_speaking: Permille,
    /// Silence after which words that the duplex model would not answer are settled without an answer.
    pub ignore_after: Samples,
    /// How long a verdict on the user's words, or the release of a reply, waits for the duplex model.
    pub model_patience: Samples,
    /// Length of the duplex model's slices: how often it is asked again in a silence. Not the length of `slice`.
    pub decision_slice: Samples,
    /// Length of a recognition slice: how often the user's words are recognised while they speak.
    pub slice: Samples,
    /// Pre-roll: audio before an onset that is recognised too, because detection comes after the first sound.
    pub preroll: Samples,
    /// Shortest window that is recognised while the user speaks: the recogniser makes nothing of less.
    pub shortest_window: Samples,
    /// Longest window: a segment that reaches this length is cut at its quietest frame.
    pub longest_window: Samples,
    /// A frame of speech with at least this probability is voiced for certain.
    pub clear: Permille,
    /// How long voice activity lingers behind the user's last sound: frames below `clear` count as voiced only once
    /// they last longer than this.
    pub linger: Samples,
    /// Silence after which the tail is recognised and the end of turn scored, in case the turn is over.
    pub tail_after: Samples,
    /// Silence that closes a segment: what follows is recognised apart from what came before.
    pub split_after: Samples,
    /// Evidence needed to release a reply after a silence: points `(silence, evidence)`, silence rising and evidence
    /// falling. Between two points it is interpolated; before the first no reply is released, after the last any.
    pub release: Vec<(Samples, Permille)>,
    /// Voiced length from which on overlapping speech of a voice close by holds the playout.
    pub hold_after: Samples,
    /// Voiced length from which on overlapping speech takes the floor, whatever its words.
    pub yield_after: Samples,
    /// Longest voiced length of a sound that counts as a backchannel although its words are no known one: up to two
    /// words, or more than fit into its length, or `doubtful` ones. Words that ask something never count as one.
    pub longest_backchannel: Samples,
    /// A voice whose high-band signal-to-noise ratio stays below this many dB is far-field.
    pub near_high_band_snr: i8,
    /// Voiced length that is needed before a low high-band signal-to-noise ratio says anything.
    pub near_after: Samples,
    /// Confidence of the recogniser below which the words of a short sound say nothing.
    pub doubtful: Permille,
    /// Silence after which a sound without words, or with words that need no answer, is settled.
    pub settle_after: Samples,
    /// Silence after which the assistant resumes although the recogniser has not answered.
    pub recogniser_patience: Samples,
    /// Time after which a recognition job without an answer counts as lost.
    pub lost_after: Samples,
    /// Lead of synthesis over playout: the next clause is written only while less audio than this is ready.
    pub lead: Samples,
    /// How long after a cut the assistant may still resume what it was saying.
    pub resume_within: Samples,
    /// A user who takes the floor before this much of a reply was heard had not finished: the reply's words are taken
    /// back, and both parts of the user's are one turn.
    pub reopen_within: Samples,
    /// How many failures of the language model within one reply are retried.
    pub retries: u32,
    /// Whether the user's turns are answered without a [`Command::Respond`](crate::Command::Respond).
    pub answers: bool,
    /// Silence of both sides after which it is reported ([`UserIdle`](crate::ConversationEvent::UserIdle)), again and
    /// again; 0: never.
    pub idle_after: Samples,
    /// What the assistant asks then; empty: nothing.
    pub idle_question: String,
    /// How often it asks before the user has spoken again.
    pub idle_questions: u32,
    /// Push-to-talk that is not released counts as released after this.
    pub longest_press: Samples,
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
            answers: true,
            idle_after: ms(0),
            idle_question: String::new(),
            idle_questions: 2,
            longest_press: ms(60_000),
        }
    }
}

impl Policy {
    /// Plain barge-in, as most voice agents do it, for comparison: 200 ms of voice activity cancel the reply for good,
    /// whatever the sound was, and 800 ms of silence end the user's turn, whatever was said.
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

    /// A turn-based, half-duplex assistant, for comparison: it does not listen while it speaks, and 800 ms of silence
    /// end the user's turn, whatever was said.
    pub fn turn_based() -> Self {
        Self { overlap: Overlap::Unheard, ..Self::barge_in() }
    }

    /// The evidence needed to release a reply after `silence`; none where it is too early for any.
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
