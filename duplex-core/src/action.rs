//! What the session wants done outside.

use crate::{DecisionId, Line, Permille, Samples, SegmentId, SessionTime, Turn, UserKind};

/// The conversation as the language model shall see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Context {
    /// What was said, oldest first; of the assistant only what was heard.
    pub lines: Vec<Line>,
    /// The last line is the user's and may still grow.
    pub open: bool,
    /// The assistant's reply as far as it is planned already.
    pub reply: String,
}

/// What both sides said in one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SliceWords {
    /// The user's words; empty where there were none.
    pub user: String,
    /// Whether the user fell silent after them.
    pub falls_silent: bool,
    /// The assistant's words that were heard; empty where there were none.
    pub assistant: String,
}

/// The conversation as the duplex model shall see it, up to the slice in which it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TurnContext {
    /// Turns that are over, oldest first; of the assistant only what was heard.
    pub lines: Vec<Line>,
    /// The slices since, in order.
    pub slices: Vec<SliceWords>,
    /// The user's newest words.
    pub user: String,
    /// Whether the user fell silent after them.
    pub falls_silent: bool,
    /// Whole slices of silence since then. Without any, the slice of the words is the one to decide in; else the last of these is.
    pub silence: u32,
}

impl TurnContext {
    /// The longest silence about which the duplex model is asked, in slices: it does not tell longer ones apart.
    pub const LONGEST_SILENCE: u32 = 4;
}

/// Why the session decided as it did: for the transcript, the timeline and the journal's reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Why {
    /// The user's words take the floor.
    Words,
    /// The user has been speaking for longer than a backchannel lasts.
    Length,
    /// The user told the assistant to stop.
    StopCommand,
    /// The user's words only signal attention.
    Backchannel,
    /// The user's sound was too short to be more than attention.
    ShortSound,
    /// The user called somebody else by name.
    ToOthers,
    /// The voice came from afar.
    Far,
    /// No words were recognised in the user's sound.
    NoWords,
    /// The recogniser gave no answer in time.
    NoAnswer,
    /// The user went on speaking.
    WentOn,
    /// The user's words were recognised differently.
    Revised,
    /// The duplex model decided so.
    Model,
    /// Something failed.
    Failure,
    /// The user left.
    Left,
}

/// Something worth showing to a person. Nothing outside may act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Notice {
    /// The user began to make a sound.
    Onset,
    /// The user fell silent.
    Offset,
    /// Words of the user's turn: settled and not yet settled.
    Words {
        /// Two hypotheses agree on these.
        committed: String,
        /// These may still change.
        tentative: String,
    },
    /// The acoustic end-of-turn score arrived.
    EndOfTurn(Permille),
    /// A reply to these words is being prepared, unheard.
    Preparing {
        /// Its turn.
        turn: Turn,
        /// What it answers.
        answers: String,
    },
    /// The prepared reply was dropped, unheard.
    Dropped {
        /// Its turn.
        turn: Turn,
        /// The reason.
        why: Why,
    },
    /// The reply takes the floor.
    Released {
        /// Its turn.
        turn: Turn,
        /// The user's silence by then.
        silence: Samples,
        /// The evidence that the user's turn was over.
        evidence: Permille,
        /// The evidence that was needed.
        threshold: Permille,
    },
    /// The user's turn is settled.
    UserTurn {
        /// When its sound began.
        began: SessionTime,
        /// When its sound ended.
        ended: SessionTime,
        /// What was recognised.
        text: String,
        /// What it was taken for.
        kind: UserKind,
        /// The reason, where it is not simply a turn.
        why: Option<Why>,
    },
    /// The assistant's turn was cut.
    Cancelled {
        /// Its turn.
        turn: Turn,
        /// The reason.
        why: Why,
        /// What was heard of it.
        heard: String,
        /// What was planned and never heard.
        unheard: String,
        /// The cut may prove wrong, and the reply resume: [`Resumed`](Self::Resumed) tells so, before the
        /// user's sound that cut it is settled as a turn.
        may_resume: bool,
    },
    /// The user goes on with a turn that was settled: the next [`UserTurn`](Self::UserTurn) begins with
    /// its words.
    Reopened {
        /// Those words.
        text: String,
    },
    /// The assistant goes on with what was cut or held.
    Resumed {
        /// The turn that speaks from now on.
        turn: Turn,
        /// The reason.
        why: Why,
    },
    /// The assistant has said all of its turn.
    Finished {
        /// Its turn.
        turn: Turn,
        /// What it said.
        text: String,
    },
    /// Something outside failed and was worked around.
    Warning(String),
}

/// Something the outside must do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Recognise the user's audio; answered by `Recognised` or `Failed`. One at a time.
    Recognise {
        /// The segment of sound.
        segment: SegmentId,
        /// Where it begins.
        from: SessionTime,
        /// Where the audio to recognise ends.
        to: SessionTime,
        /// Nobody speaks at its end: what comes back is meant to stand.
        tail: bool,
    },
    /// Judge by ear whether the user's turn is over; answered by `EndOfTurn`.
    DetectEndOfTurn {
        /// Where the user's turn begins.
        from: SessionTime,
        /// Where the audio to judge ends.
        to: SessionTime,
    },
    /// Let the duplex model decide who speaks after the user's newest words; answered by `Decided`.
    Decide {
        /// Numbers the decisions.
        slice: DecisionId,
        /// What it depends on.
        context: TurnContext,
    },
    /// Bring the duplex model's cache in line with all but the user's newest words, which may change. Not answered.
    PrefillTurnModel(TurnContext),
    /// Bring the language model's cache in line with the conversation. Not answered.
    Prefill(Context),
    /// Write the next clause of a reply; answered by `Written` or `Failed`.
    Write {
        /// The reply's turn.
        turn: Turn,
        /// What it answers, and what is written of it already.
        context: Context,
    },
    /// Make audio of a clause, for the turn's backlog; answered by `Synthesised` or `Failed`.
    Synthesise {
        /// The turn it belongs to.
        turn: Turn,
        /// The clause's index in the turn.
        clause: u32,
        /// The clause.
        text: String,
    },
    /// Play the turn's backlog, now and as it grows; reported by `Played`.
    Speak(Turn),
    /// Lower the assistant's voice.
    Duck,
    /// Raise it again.
    Unduck,
    /// Fade out and stand still: what was not played stays queued.
    Hold,
    /// Fade in and play on.
    Release,
    /// Fade out and discard all audio and all work of this turn and of older ones.
    Cancel(Turn),
    /// Discard all work of this turn and of older ones; none of it is audible.
    Drop(Turn),
    /// Tell a person.
    Notify(Notice),
}
