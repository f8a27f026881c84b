//! What the session thread hands to the models, and what comes back.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use duplex_core::{
    Context, DecisionId, Event, Failure, Mark, SegmentId, SessionTime, Turn, TurnContext, VadFrame,
};

/// Something for the session thread's inbox.
pub(crate) enum SessionMessage {
    /// A voice activity frame: its echo-cancelled samples and the detector's result.
    Sound { end: SessionTime, cleaned: Vec<f32>, frame: VadFrame },
    /// A model's result.
    Event(Event),
    /// Audio of a clause, at the playout rate; becomes `Event::Synthesised` once it is queued.
    Audio { turn: Turn, clause: u32, samples: Vec<f32>, marks: Vec<Mark>, last: bool },
}

/// Work for a model.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Recognise { segment: SegmentId, to: SessionTime, audio: Vec<f32> },
    DetectEndOfTurn { to: SessionTime, audio: Vec<f32> },
    Decide { slice: DecisionId, context: TurnContext },
    PrefillTurnModel(TurnContext),
    Prefill(Context),
    Write { turn: Turn, context: Context },
    Synthesise { turn: Turn, clause: u32, text: String },
}

impl Work {
    /// Whether it only prefills a KV cache, and has no answer.
    pub(crate) const fn reads_ahead(&self) -> bool {
        matches!(self, Self::Prefill(_) | Self::PrefillTurnModel(_))
    }

    /// The failure to report if it is not done; none if other evidence decides or nobody waits.
    pub(crate) const fn failure(&self) -> Option<Failure> {
        match self {
            Self::Recognise { segment, .. } => Some(Failure::Recogniser(*segment)),
            Self::Write { turn, .. } => Some(Failure::Model(*turn)),
            Self::Synthesise { turn, .. } => Some(Failure::Voice(*turn)),
            Self::DetectEndOfTurn { .. }
            | Self::Decide { .. }
            | Self::PrefillTurnModel(_)
            | Self::Prefill(_) => None,
        }
    }
}

impl SessionMessage {
    /// The failure to report if this message is lost.
    pub(crate) const fn failure(&self) -> Option<Failure> {
        match self {
            Self::Event(Event::Recognised { segment, .. }) => Some(Failure::Recogniser(*segment)),
            Self::Event(Event::Written { turn, .. }) => Some(Failure::Model(*turn)),
            Self::Audio { turn, .. } => Some(Failure::Voice(*turn)),
            Self::Event(Event::Failed(failure)) => Some(*failure),
            Self::Sound { .. } | Self::Event(_) => None,
        }
    }
}

/// The newest turn that was cancelled or dropped. The session thread raises it; the models check it between tokens and
/// chunks, to stop early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation(Arc<AtomicU32>);

impl Cancellation {
    /// Work of `turn` and older ones is not wanted any more.
    pub(crate) fn cancel_through(&self, turn: Turn) {
        self.0.fetch_max(turn.0, Relaxed);
    }

    /// No work is wanted any more.
    pub(crate) fn cancel_all(&self) {
        self.0.store(u32::MAX, Relaxed);
    }

    pub(crate) fn is_cancelled(&self, turn: Turn) -> bool {
        turn.0 <= self.0.load(Relaxed)
    }
}

/// Identifies a call within the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKey(pub(crate) u64);

/// A piece of work and where its answers go. Dropping it ends the stream of answers.
pub(crate) struct Job {
    pub(crate) call: CallKey,
    pub(crate) work: Work,
    pub(crate) cancellation: Cancellation,
    pub(crate) reply: Box<dyn Fn(SessionMessage) + Send>,
}

impl Job {
    /// Whether it is work of a turn that is not wanted any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        match self.work {
            Work::Write { turn, .. } | Work::Synthesise { turn, .. } => {
                self.cancellation.is_cancelled(turn)
            }
            _ => false,
        }
    }

    /// Answers that the work failed.
    pub(crate) fn fail(&self) {
        if let Some(failure) = self.work.failure() {
            (self.reply)(SessionMessage::Event(Event::Failed(failure)));
        }
    }
}
