//! Every threshold of turn-taking, in one place.

use crate::{Costs, Permille, Samples, Weights, words::Mishearings};

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
    /// Silence after which words that are not answered are settled where the duplex model is asked: it may think
    /// otherwise after a slice of silence.
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
    /// Longest window: a segment that reaches this length is cut where it is quietest.
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
    /// What the features say of a sound and of the end of a turn.
    pub weights: Weights,
    /// What mistakes cost.
    pub costs: Costs,
    /// Silence before which no reply is released.
    pub shortest_wait: Samples,
    /// Silence after which a turn is answered, whatever the evidence.
    pub longest_wait: Samples,
    /// Where it is given, this silence alone ends a turn: for comparison.
    pub fixed_wait: Option<Samples>,
    /// Voiced length from which on overlapping speech may hold the playout.
    pub hold_after: Samples,
    /// Voiced length from which on overlapping speech takes the floor before its words are final, unless it is most likely
    /// none of the user's.
    pub yield_after: Samples,
    /// A voice whose loudest frames lie so many dB below or above those of the voice that began the user's sound is
    /// somebody else's: it is no part of the sound, and does not keep a turn from ending. 0: every voice is the user's.
    pub other_voice: u8,
    /// Voiced length that is needed before a low high-band signal-to-noise ratio says anything.
    pub near_after: Samples,
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
    /// What the assistant says, once until the user's next turn, after a voice that seems to be the user's and of which
    /// the recogniser makes no words; empty: nothing.
    pub unheard_question: String,
    /// What the assistant says to a farewell that breaks off what it was saying; empty: nothing.
    pub farewell: String,
    /// Whether the call ends once the user has taken their leave, and the assistant theirs.
    pub ends_at_farewell: bool,
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
            weights: Weights::default(),
            costs: Costs::default(),
            shortest_wait: ms(160),
            longest_wait: ms(2_400),
            fixed_wait: None,
            hold_after: ms(240),
            yield_after: ms(1_400),
            other_voice: 8,
            near_after: ms(600),
            settle_after: ms(250),
            recogniser_patience: ms(1_500),
            lost_after: ms(10_000),
            lead: ms(2_000),
            resume_within: ms(12_000),
            reopen_within: ms(1_000),
            retries: 1,
            answers: true,
            idle_after: ms(0),
            idle_question: String::new(),
            unheard_question: "Sorry?".to_owned(),
            farewell: String::new(),
            ends_at_farewell: false,
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
            fixed_wait: Some(ms(800)),
            unheard_question: String::new(),
            other_voice: 0,
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

    /// The probability that the turn is over from which on it is answered after this silence; none where it is too early,
    /// whatever the evidence.
    pub(crate) fn answers_from(&self, silence: Samples) -> Option<Permille> {
        match self.fixed_wait {
            Some(wait) => (silence >= wait).then_some(Permille(0)),
            None if silence < self.shortest_wait => None,
            None if silence >= self.longest_wait => Some(Permille(0)),
            None => Some(self.costs.answers_from(silence)),
        }
    }
}
