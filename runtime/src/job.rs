//! What the session thread hands to the models, and what comes back.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use duplex_core::{Event, Failure, Mark, Samples, SessionTime, Turn, VadFrame};

use crate::{CallKey, Charges, ports::PortKind, settings::Settings};

/// Something for the session thread's inbox.
pub(crate) enum SessionMessage {
    /// A voice activity frame: its echo-cancelled samples and the detector's result.
    Sound { end: SessionTime, cleaned: Vec<f32>, frame: VadFrame },
    /// A model's result.
    Event(Event),
    /// Audio of a clause, at the playout rate; becomes `Event::Synthesised` once it is queued.
    Audio { turn: Turn, clause: u32, samples: Vec<f32>, marks: Vec<Mark>, last: bool },
}

impl SessionMessage {
    /// The failure to report if this message is lost.
    pub(crate) const fn failure(&self) -> Option<Failure> {
        match self {
            Self::Event(Event::Recognised { segment, .. }) => Some(Failure::Recogniser(*segment)),
            Self::Event(Event::Written { turn, .. } | Event::FellBack { turn, .. }) => {
                Some(Failure::Model(*turn))
            }
            Self::Audio { turn, .. } => Some(Failure::Voice(*turn)),
            Self::Event(Event::Failed(failure)) => Some(*failure),
            // A command that finds no room is refused to whoever sends it.
            Self::Sound { .. } | Self::Event(_) => None,
        }
    }
}

/// The newest turn that was cancelled or dropped. The session thread raises it; the models check it between chunks, to
/// stop early.
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

/// Where a model's answer goes. It waits for nobody. Once all copies of it are gone, no more answers come.
pub(crate) type Answer = Arc<dyn Fn(SessionMessage) + Send + Sync>;

/// Who asks for a piece of work.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) call: CallKey,
    pub(crate) settings: Arc<Settings>,
    pub(crate) cancellation: Cancellation,
    pub(crate) answer: Answer,
}

impl Client {
    /// Answers with an event.
    pub(crate) fn event(&self, event: Event) {
        (self.answer)(SessionMessage::Event(event));
    }

    /// Answers that the work failed, where the session is told of that.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        if let Some(failure) = failure {
            self.event(Event::Failed(failure));
        }
    }
}

/// What is known of a piece of work before it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Names the kind of work. A call has one place for each in a model's queue.
    pub(crate) name: &'static str,
    /// What it takes in a virtual call until the first answer.
    pub(crate) charge: fn(&Charges) -> Samples,
    /// Whether it only prefills a KV cache, and has no answer.
    pub(crate) reads_ahead: bool,
}

/// A piece of work for the models of a port.
pub(crate) struct Job<K: PortKind> {
    pub(crate) kind: Kind,
    /// The turn whose cancellation ends it, if it belongs to one.
    pub(crate) turn: Option<Turn>,
    /// The failure to report if it is not done; none if other evidence decides, or nobody waits.
    pub(crate) failure: Option<Failure>,
    /// Whether the model that stands in for the call's own does it.
    pub(crate) elsewhere: bool,
    /// What is done at once, on the session's thread. Whether a model is needed for the rest.
    pub(crate) at_once: Option<AtOnce>,
    /// What the model does.
    pub(crate) work: ModelWork<K>,
}

/// What a model does with a piece of work, for whom, and whether other work waits meanwhile.
pub(crate) type ModelWork<K> =
    Box<dyn for<'m> FnOnce(&mut <K as PortKind>::Model<'m>, &Client, &dyn Fn() -> bool) + Send>;

/// What is done of a piece of work before a model has it.
pub(crate) type AtOnce = Box<dyn FnOnce(&Client) -> bool + Send>;

impl<K: PortKind> Job<K> {
    pub(crate) fn new(
        kind: Kind,
        work: impl for<'m> FnOnce(&mut K::Model<'m>, &Client, &dyn Fn() -> bool) + Send + 'static,
    ) -> Self {
        Self {
            kind,
            turn: None,
            failure: None,
            elsewhere: false,
            at_once: None,
            work: Box::new(work),
        }
    }

    /// Whether it is work of a turn that is not wanted any more.
    pub(crate) fn is_cancelled(&self, client: &Client) -> bool {
        self.turn.is_some_and(|turn| client.cancellation.is_cancelled(turn))
    }
}

impl<K: PortKind> std::fmt::Debug for Job<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, turn, failure, .. } = self;
        f.debug_struct("Job")
            .field("kind", &kind.name)
            .field("turn", turn)
            .field("failure", failure)
            .finish_non_exhaustive()
    }
}
