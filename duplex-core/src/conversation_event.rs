//! What a conversation shows: the public stream of events.

use crate::{CommandId, Permille, Refusal, SessionTime, Speech, Turn, UserKind, Why};

/// Something that a person, or a program that shows the call, wants to know. The stream of these is the conversation's
/// only public record while it runs: terminal, captions, JSON and reports render it.
///
/// Fields that end in `_ms` are milliseconds: of the call where they name a moment, as does [`Shown::at_ms`], else
/// spans. In each call:
///
/// - The first event is [`CallStarted`](Self::CallStarted), the last [`CallEnded`](Self::CallEnded).
/// - What the user says is numbered by [`Speech`]. Its words may change ([`UserWords`](Self::UserWords)) until its
///   [`UserTurn`](Self::UserTurn), and never afterwards. A turn that goes on after a pause, or after an answer came too
///   early, is several speeches, each of which names the one that it continues.
/// - A reply keeps the number of the turn in which it was first prepared, also when it was cut and goes on. Its
///   [`ReplyText`](Self::ReplyText)s, put together, are what it is to say; its [`ReplyHeard`](Self::ReplyHeard)s are what
///   the user heard. Every reply that is prepared is dropped or started, and one that was started ends exactly once
///   ([`ReplyEnded`](Self::ReplyEnded)); nothing of it changes then, unless a client says that it played less
///   ([`ReplyTruncated`](Self::ReplyTruncated)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "type", rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConversationEvent {
    /// The call has begun.
    CallStarted {
        /// [`ConversationEvent::VERSION`] of the program that runs it.
        version: u32,
    },
    /// Voice onset: the first voice activity frame with speech.
    UserSpeechStarted {
        /// The speech that begins or goes on.
        speech: Speech,
    },
    /// Voice offset: the first voice activity frame without speech.
    UserSpeechStopped {
        /// The speech that may go on after a pause.
        speech: Speech,
    },
    /// The words of a speech so far.
    UserWords {
        /// Their speech.
        speech: Speech,
        /// Words on which two successive hypotheses agree (LocalAgreement). A newer hypothesis that differs takes them
        /// back.
        committed: String,
        /// The rest of the newest hypothesis.
        tentative: String,
    },
    /// The acoustic end-of-turn score of the user's newest speech arrived.
    EndOfTurn {
        /// Probability that the turn is over, in thousandths.
        probability: Permille,
    },
    /// The user's speech is settled, or a program has sent words as if the user had said them.
    UserTurn {
        /// The speech.
        speech: Speech,
        /// When its voice began.
        began_ms: u64,
        /// When its last voiced frame ended.
        ended_ms: u64,
        /// Its words, final.
        text: String,
        /// What it was taken for.
        kind: UserKind,
        /// The reason; none for an ordinary turn.
        why: Option<Why>,
        /// The words were not spoken: a program has sent them.
        typed: bool,
        /// The speech that it continues: both are one turn of the user's.
        continues: Option<Speech>,
        /// The words of that whole turn. As `text` where nothing is continued.
        line: String,
    },
    /// A reply is being prepared; nothing of it is audible yet.
    ReplyPreparing {
        /// The reply.
        reply: Turn,
        /// The user's words that it answers.
        answers: String,
    },
    /// The prepared reply was dropped; nothing of it was heard.
    ReplyDropped {
        /// The reply.
        reply: Turn,
        /// The reason.
        why: Why,
    },
    /// The prepared reply was released: the assistant takes the floor.
    ReplyStarted {
        /// The reply.
        reply: Turn,
        /// The user's silence by then, since the last voiced frame.
        silence_ms: u64,
        /// The evidence that the user's turn was over, in thousandths.
        evidence: Permille,
        /// The evidence that was needed after this silence, in thousandths.
        threshold: Permille,
    },
    /// The reply is to say this next, after what was sent of its text before.
    ReplyText {
        /// The reply.
        reply: Turn,
        /// Text, with the spaces around it.
        text: String,
    },
    /// The user has heard this, after what was heard before: whole words.
    ReplyHeard {
        /// The reply.
        reply: Turn,
        /// Text, with the spaces around it.
        text: String,
        /// Audio of the reply that was played by then.
        audio_ms: u64,
    },
    /// Where the time went before a reply was audible.
    ReplyLatency {
        /// The reply.
        reply: Turn,
        /// The moment from which on the stages count: the end of the user's last voiced frame, or the command that asked
        /// for the reply.
        from_ms: u64,
        /// The stages, in ms since then.
        stages: Stages,
    },
    /// The assistant has lowered its voice: it is unclear who has the floor.
    ReplyDucked {
        /// The reply.
        reply: Turn,
    },
    /// The assistant has paused: it is unclear who has the floor.
    ReplyHeld {
        /// The reply.
        reply: Turn,
    },
    /// The assistant goes on with a reply that was ducked, held or cancelled.
    ReplyResumed {
        /// The reply.
        reply: Turn,
        /// The reason.
        why: Why,
    },
    /// The reply was cut: nothing more of it is audible.
    ReplyCancelled {
        /// The reply.
        reply: Turn,
        /// The reason.
        why: Why,
        /// What was heard of it.
        heard: String,
        /// What it was to say and nobody heard.
        unheard: String,
        /// The cut may prove wrong, and the reply resume. It does so after the user's speech is settled
        /// ([`UserTurn`](Self::UserTurn)), or else its end comes before that.
        may_resume: bool,
        /// What was heard is no part of the conversation any more: the assistant had interrupted the user.
        taken_back: bool,
    },
    /// The reply is over.
    ReplyEnded {
        /// The reply.
        reply: Turn,
        /// What was heard of it.
        heard: String,
        /// What it was to say and nobody heard; empty where it was heard to its end.
        unheard: String,
        /// What cut it, if anything.
        cut: Option<Why>,
    },
    /// Less of a reply was heard than was thought: a client says what it really played.
    ReplyTruncated {
        /// The reply.
        reply: Turn,
        /// What was heard of it.
        heard: String,
        /// What it was to say and nobody heard.
        unheard: String,
    },
    /// Neither side has said anything for a while ([`Policy::idle_after`](crate::Policy::idle_after)).
    UserIdle {
        /// For how long.
        silence_ms: u64,
        /// How often this was said since the user last spoke.
        times: u32,
    },
    /// The microphone was muted, or is open again.
    Microphone {
        /// Whether anything is heard of the user.
        open: bool,
    },
    /// Push-to-talk went down, or up.
    PushToTalk {
        /// Whether it is down: the user has the floor.
        down: bool,
        /// Whether nobody released it: it was down for so long that it counts as up.
        lapsed: bool,
    },
    /// The session was changed.
    Configured {
        /// The command that changed it.
        command: CommandId,
    },
    /// A command was refused, and nothing has changed.
    Refused {
        /// The command.
        command: CommandId,
        /// The reason.
        reason: Refusal,
        /// The reason, for a person.
        text: String,
    },
    /// Something outside is not as it should be; the session worked around it.
    Warning {
        /// What.
        text: String,
        /// More of it, for whoever runs the program: it may name hosts that are no concern of the user's. Empty where
        /// there is no more.
        detail: String,
    },
    /// Events were lost here: whoever shows the call did not take them in time.
    Lost {
        /// How many.
        events: u64,
    },
    /// The call is over.
    CallEnded,
}

impl ConversationEvent {
    /// Version of the stream. It changes when an event or a field changes its name or its meaning, or goes away; new ones
    /// may come without.
    pub const VERSION: u32 = 2;
}

/// The stages of a latency, in milliseconds since the same moment. A stage that was not needed is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stages {
    /// The user's silence was detected.
    pub offset_ms: Option<u64>,
    /// The user's last words were recognised.
    pub recognised_ms: Option<u64>,
    /// The end-of-turn score arrived.
    pub judged_ms: Option<u64>,
    /// The first clause was written.
    pub written_ms: Option<u64>,
    /// The first audio was synthesised.
    pub synthesised_ms: Option<u64>,
    /// The reply was released.
    pub released_ms: Option<u64>,
    /// The first of it left the loudspeaker.
    pub audible_ms: u64,
}

/// A [`ConversationEvent`] and its moment: an object of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shown {
    /// Milliseconds since the call began.
    pub at_ms: u64,
    /// What happened.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub event: ConversationEvent,
}

impl Shown {
    /// An event of this moment.
    pub fn new(at: SessionTime, event: ConversationEvent) -> Self {
        Self { at_ms: at.as_millis(), event }
    }
}
