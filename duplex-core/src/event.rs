//! What happens outside, as it reaches the session.

use crate::{Command, CommandId, DecisionId, Refusal, Samples, SegmentId, SessionTime, Turn};

/// A probability in thousandths, 0 to 1000. Events are compared and journalled, so they hold no floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Permille(pub u16);

impl Permille {
    /// Rounds a probability from 0 to 1; what is not a number counts as 0.
    pub fn from_probability(probability: f32) -> Self {
        Self((probability.clamp(0.0, 1.0) * 1000.0).round() as u16)
    }
}

/// What voice activity detection says of one window of the microphone: 512 samples, that is 32 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VadFrame {
    /// Whether the user speaks, after hysteresis and after residual echo of the assistant's voice was discounted.
    pub speech: bool,
    /// The detector's probability of speech in this window.
    pub probability: Permille,
    /// Level of the window after echo cancellation, in dBFS, at most 0.
    pub level: i8,
    /// High-band signal-to-noise ratio in dB, at least 0: the energy above the vowels' formants relative to the
    /// background. High for a voice close by, near 0 for one behind a wall.
    pub high_band_snr: i8,
}

impl VadFrame {
    /// A window in which nothing is heard.
    pub const SILENT: Self =
        Self { speech: false, probability: Permille(0), level: i8::MIN, high_band_snr: 0 };
}

/// Where in a clause's audio a part of its text has been spoken: word timing from the synthesiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mark {
    /// Audio since the beginning of the clause, at 16 kHz.
    pub at: Samples,
    /// Bytes of the clause's text that have been spoken by then.
    pub bytes: usize,
}

/// Which part of the outside failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Failure {
    /// The recogniser did not answer for a segment. Its audio is requested again.
    Recogniser(SegmentId),
    /// The language model did not write a clause of a turn. It is retried [`Policy::retries`](crate::Policy::retries)
    /// times; after that the reply ends with what is written.
    Model(Turn),
    /// The synthesiser made no audio of a clause of a turn. The reply is cancelled, or dropped where nothing of it was
    /// released yet.
    Voice(Turn),
}

/// Something that happened outside. All but [`VoiceActivity`](Self::VoiceActivity), [`Command`](Self::Command) and
/// [`Left`](Self::Left) answer an [`Action`](crate::Action).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// The voice activity of one microphone window that ends now. This is the heartbeat of the call: the session has
    /// no timers and notices every deadline at one of these.
    VoiceActivity(VadFrame),
    /// Answers [`Recognise`](crate::Action::Recognise): the hypothesis for the audio from the segment's beginning to
    /// `to`.
    Recognised {
        /// The segment of the request.
        segment: SegmentId,
        /// Where the recognised audio ends, as in the request.
        to: SessionTime,
        /// The words, with case and punctuation; empty where nobody said any.
        text: String,
        /// Mean probability of the words; 0 where there are none.
        confidence: Permille,
    },
    /// Answers [`DetectEndOfTurn`](crate::Action::DetectEndOfTurn): the acoustic end-of-turn score.
    EndOfTurn {
        /// Where the scored audio ends, as in the request. A score of audio before the last voiced frame is ignored.
        to: SessionTime,
        /// Probability that the user's turn is complete.
        probability: Permille,
    },
    /// Answers [`Decide`](crate::Action::Decide): the duplex model's decision.
    Decided {
        /// The number of the request; an answer to any but the newest is ignored.
        slice: DecisionId,
        /// Probability that the assistant should stay silent, or fall silent.
        idle: Permille,
    },
    /// Follows [`Write`](crate::Action::Write), where the model says so: whether the user's words that the reply answers
    /// are whole, by how they would go on.
    EndOfWords {
        /// The turn whose reply it is.
        turn: Turn,
        /// Probability that the words end here: that the next token ends a sentence.
        probability: Permille,
    },
    /// Answers [`Write`](crate::Action::Write) and [`WriteMore`](crate::Action::WriteMore): the language model wrote the
    /// next clause.
    Written {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause, with the spaces around it; may be empty where `last`.
        text: String,
        /// The reply is complete.
        last: bool,
    },
    /// Answers [`Synthesise`](crate::Action::Synthesise): the synthesiser made more audio of a clause.
    Synthesised {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause's index in the turn.
        clause: u32,
        /// Length of this piece alone, at 16 kHz.
        audio: Samples,
        /// Marks within this piece; their positions count from the beginning of the clause.
        marks: Vec<Mark>,
        /// The clause's audio is complete.
        last: bool,
    },
    /// Follows [`Speak`](crate::Action::Speak): the loudspeaker has played this much of a turn.
    Played {
        /// The turn that is being played.
        turn: Turn,
        /// Audio played since the beginning of the turn, at 16 kHz.
        audio: Samples,
    },
    /// Work that was asked for failed; the call goes on.
    Failed(Failure),
    /// The model that was writing a reply failed, and another one stands ready: the reply is begun again with it, after
    /// what is written already.
    FellBack {
        /// The turn whose reply it is.
        turn: Turn,
        /// What failed, for whoever is shown the call.
        why: String,
    },
    /// Something outside is not as it should be, and the call goes on with what there is. For whoever is shown the call.
    Warned(String),
    /// A program asks something of the conversation.
    Command {
        /// The command's number.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// What a command asks is not to be had outside: it is refused.
    Refused {
        /// The command's number.
        id: CommandId,
        /// The reason.
        why: Refusal,
    },
    /// The user has left: the call is over, and later events give no actions.
    Left,
}

impl Event {
    /// The assistant's turn that this event belongs to, where it belongs to one.
    pub const fn turn(&self) -> Option<Turn> {
        match self {
            Self::EndOfWords { turn, .. }
            | Self::Written { turn, .. }
            | Self::Synthesised { turn, .. }
            | Self::Played { turn, .. }
            | Self::FellBack { turn, .. }
            | Self::Failed(Failure::Model(turn) | Failure::Voice(turn)) => Some(*turn),
            _ => None,
        }
    }
}
