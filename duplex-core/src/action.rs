//! What the session asks the outside to do: the models, the loudspeaker, and whoever shows the call.

use crate::{
    ConversationEvent, DecisionId, LinesEdit, SegmentId, SessionChange, SessionTime, Turn,
};

/// The conversation as the language model sees it: all of it, of which the model reads what its context has room for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Context {
    /// The lines of both speakers. The assistant's hold only text that was heard.
    pub lines: LinesEdit,
    /// A line of the user's is still growing: the last one, or one that has no words yet.
    pub open: bool,
    /// What is written of the assistant's reply, heard or not; the reply continues it.
    pub reply: String,
}

/// What both sides said in one slice of the duplex model's input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SliceWords {
    /// The user's words; empty where there were none.
    pub user: String,
    /// Whether the user fell silent after them.
    pub falls_silent: bool,
    /// The assistant's words that were heard in it; empty where there were none.
    pub assistant: String,
}

/// The conversation as the duplex model sees it, up to the slice in which it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TurnContext {
    /// Finished turns. The assistant's hold only text that was heard.
    pub lines: LinesEdit,
    /// The slices since then, oldest first.
    pub slices: Vec<SliceWords>,
    /// The user's newest words: those of the slice after `slices`.
    pub user: String,
    /// Whether the user fell silent after them.
    pub falls_silent: bool,
    /// Whole slices of silence after the newest words, at most [`LONGEST_SILENCE`](Self::LONGEST_SILENCE). The model
    /// decides in the last of them; where there are none, in the slice of the words.
    pub silence: u32,
}

impl TurnContext {
    /// The longest silence in a request to the duplex model, in slices. Longer ones look the same to it.
    pub const LONGEST_SILENCE: u32 = 4;
}

/// Why the session decided as it did: for the transcript, the timeline and whoever reads the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Why {
    /// The user's words are a turn.
    Words,
    /// The user has been speaking for longer than a backchannel lasts:
    /// [`Policy::yield_after`](crate::Policy::yield_after) has passed.
    Length,
    /// The user's words are a command to stop.
    StopCommand,
    /// The user's words are a backchannel.
    Backchannel,
    /// The user's sound was too short to be more than a backchannel.
    ShortSound,
    /// The user's words are for somebody else, whom they call by name, for instance.
    ToOthers,
    /// It is another voice: a television, or somebody in the background.
    OtherVoice,
    /// It is no voice of a person in the room: a cough, a door, the assistant's own echo.
    Noise,
    /// No words were recognised in the user's sound.
    NoWords,
    /// The recogniser did not answer within [`Policy::recogniser_patience`](crate::Policy::recogniser_patience).
    NoAnswer,
    /// The user went on speaking: more words follow those that the prepared reply answers.
    WentOn,
    /// A newer hypothesis changed the words that the prepared reply answers, or what they are taken for.
    Revised,
    /// The duplex model decided it.
    Model,
    /// Something failed.
    Failure,
    /// The language model had nothing to say.
    Empty,
    /// A program has asked for it.
    Command,
    /// The user left.
    Left,
}

/// Something that the outside must do.
///
/// Moments and spans count microphone samples at 16 kHz. What is answered is answered by the [`Event`](crate::Event)
/// that the action names, or by [`Event::Failed`](crate::Event::Failed) where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Recognise the user's audio; answered by `Recognised` or `Failed`. One at a time: the next follows the answer,
    /// or comes once [`Policy::lost_after`](crate::Policy::lost_after) has passed without one.
    Recognise {
        /// The segment of the user's sound.
        segment: SegmentId,
        /// Where the segment begins, pre-roll included.
        from: SessionTime,
        /// Where the audio to recognise ends.
        to: SessionTime,
        /// The hypothesis is meant to be final: the user is silent at the end of the audio, or the segment was cut
        /// there because it grew too long.
        tail: bool,
    },
    /// Score from the audio whether the user's turn is over; answered by `EndOfTurn`. A failure is not reported: the
    /// other evidence decides.
    DetectEndOfTurn {
        /// Where the user's turn begins, pre-roll included.
        from: SessionTime,
        /// Where the audio to score ends.
        to: SessionTime,
    },
    /// Let the duplex model decide who speaks after the user's newest words; answered by `Decided`. A failure is not
    /// reported: the other evidence decides.
    Decide {
        /// The number of this request; only the answer to the newest one counts.
        slice: DecisionId,
        /// What the decision depends on.
        context: TurnContext,
    },
    /// Prefill the duplex model: bring its KV cache in line with all but the user's newest words, which may change. Not
    /// answered.
    PrefillTurnModel(TurnContext),
    /// Prefill the language model: bring its KV cache in line with the conversation. Not answered.
    Prefill(Context),
    /// Begin to write a reply, and give its next clause; answered by `Written`, `Failed` or `FellBack`. One clause at a
    /// time. A reply is begun again after a failure.
    Write {
        /// The reply's turn.
        turn: Turn,
        /// What the reply answers, and what is written of it already.
        context: Context,
    },
    /// Give the next clause of the reply that was begun for this turn; answered as `Write`.
    WriteMore(Turn),
    /// Synthesise a clause into the turn's backlog; answered by one or more `Synthesised`, the last of which says so,
    /// or by `Failed`. One clause at a time.
    Synthesise {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause's index in the turn.
        clause: u32,
        /// The clause, with the spaces around it.
        text: String,
    },
    /// Start the playout of the turn's backlog, and continue as it grows; `Played` reports its progress.
    Speak(Turn),
    /// Duck: lower the gain of the assistant's voice. Not answered, as all that follow.
    Duck,
    /// Restore the gain.
    Unduck,
    /// Fade out and pause the playout: what was not played stays queued.
    Hold,
    /// Fade in and continue the playout where it was held.
    Release,
    /// Cancel this turn and older ones: fade out, and discard all their audio and work. Nothing of them is audible
    /// afterwards, and neither duck nor hold applies any more.
    Cancel(Turn),
    /// Discard all work of this turn and of older ones. Nothing of it was audible.
    Drop(Turn),
    /// Take the microphone's sound for silence from now on, or hear it again: no model is given what is said while it is
    /// closed.
    Microphone {
        /// Whether it is heard.
        open: bool,
    },
    /// Change the session: work that is asked for from now on is done with these settings.
    Configure(Box<SessionChange>),
    /// Show a person what happened.
    Notify(ConversationEvent),
}
