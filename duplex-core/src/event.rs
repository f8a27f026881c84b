//! What happens outside, as the session is told of it.

use crate::{DecisionId, Samples, SegmentId, SessionTime, Turn};

/// A probability in thousandths: events are compared and written down, so they hold no floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Permille(pub u16);

impl Permille {
    /// Rounds a probability from 0 to 1; what is not a number counts as 0.
    pub fn from_probability(probability: f32) -> Self {
        Self((probability.clamp(0.0, 1.0) * 1000.0).round() as u16)
    }
}

/// What voice activity detection says of one window of the microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VadFrame {
    /// Whether the user speaks, after hysteresis and after the assistant's own echo was discounted.
    pub speech: bool,
    /// The detector's probability of speech.
    pub probability: Permille,
    /// Level of the window after echo cancellation, in dB of full scale, at most 0.
    pub level: i8,
    /// By how many dB the window's high_band_snr exceeds that of the background, at least 0: a voice close
    /// by has some, one behind a wall has none.
    pub high_band_snr: i8,
}

/// The moment at which a piece of text has been spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mark {
    /// Audio since the beginning of the clause.
    pub at: Samples,
    /// Bytes of the clause's text that have been spoken by then.
    pub bytes: usize,
}

/// Which part of the outside failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Failure {
    /// The recogniser did not answer a window.
    Recogniser(SegmentId),
    /// The language model did not answer for a turn.
    Model(Turn),
    /// The voice could not speak a clause of a turn.
    Voice(Turn),
}

/// Something that happened outside. Every event but [`Event::VoiceActivity`] answers an action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// A window of the microphone was judged. The heartbeat of the call: every deadline is
    /// noticed at one of these.
    VoiceActivity(VadFrame),
    /// The recogniser's hypothesis for the audio from the segment's beginning `to` a moment.
    Recognised {
        /// The segment that was asked for.
        segment: SegmentId,
        /// Where the recognised audio ends.
        to: SessionTime,
        /// The words, with case and punctuation; empty where nobody said any.
        text: String,
        /// Mean probability of the words.
        confidence: Permille,
    },
    /// The acoustic end-of-turn score of the audio up to a moment.
    EndOfTurn {
        /// Where the judged audio ends.
        to: SessionTime,
        /// That the user's turn is complete.
        probability: Permille,
    },
    /// The duplex model's decision for a slice.
    Decided {
        /// The one that was asked about.
        slice: DecisionId,
        /// That the assistant should stay silent, or fall silent.
        idle: Permille,
    },
    /// The reply model wrote the next clause.
    Written {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause, with the spaces around it; may be empty where `last`.
        text: String,
        /// The reply is complete.
        last: bool,
    },
    /// The voice made more audio of a clause.
    Synthesised {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause's index in the turn.
        clause: u32,
        /// Audio of this piece alone.
        audio: Samples,
        /// Marks that lie in this piece, counted from the beginning of the clause.
        marks: Vec<Mark>,
        /// The clause is complete.
        last: bool,
    },
    /// The loudspeaker has played this much of a turn.
    Played {
        /// The turn that is being played.
        turn: Turn,
        /// Audio since the beginning of the turn.
        audio: Samples,
    },
    /// Something outside failed; the call goes on.
    Failed(Failure),
    /// The user has left: the call is over.
    Left,
}

impl Event {
    /// The assistant's turn that this event is work of, where it is work of one.
    pub const fn turn(&self) -> Option<Turn> {
        match self {
            Self::Written { turn, .. }
            | Self::Synthesised { turn, .. }
            | Self::Played { turn, .. }
            | Self::Failed(Failure::Model(turn) | Failure::Voice(turn)) => Some(*turn),
            _ => None,
        }
    }
}
