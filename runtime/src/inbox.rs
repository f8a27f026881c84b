//! The bounded inbox of a session: many producers, one consumer. No model waits for room in it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use duplex_core::{Command, CommandId, Event, Failure, SessionTime};

use crate::{CommandError, Counters, job::SessionMessage};

/// Both ends of an inbox with room for so many messages.
pub(crate) fn inbox(capacity: usize) -> (Inbox, Messages) {
    let (sender, receiver) = sync_channel(capacity);
    let shared = Arc::<Shared>::default();
    let messages = Messages { receiver, shared: Arc::clone(&shared) };
    (Inbox { sender, shared }, messages)
}

/// Where messages for a session go. The sound thread and every model that works for the call have one.
#[derive(Clone)]
pub(crate) struct Inbox {
    sender: SyncSender<SessionMessage>,
    shared: Arc<Shared>,
}

/// Where the session takes them.
pub(crate) struct Messages {
    receiver: Receiver<SessionMessage>,
    shared: Arc<Shared>,
}

/// What both ends know.
#[derive(Default)]
struct Shared {
    /// Microphone samples so far: the time of whatever arrives.
    now: AtomicU64,
    /// Messages in the inbox, and the most there were.
    waiting: AtomicU64,
    deepest: AtomicU64,
    /// Voice activity frames lost because the inbox was full.
    lost: AtomicU64,
    /// Frames of the device that came late.
    late: AtomicU64,
    /// Answers lost because the inbox was full, and the failures to report for them.
    lost_answers: AtomicU64,
    unanswered: Mutex<Vec<Failure>>,
    /// Whether nobody takes messages any more.
    closed: AtomicBool,
}

impl Shared {
    fn arrives(&self) {
        let waiting = self.waiting.fetch_add(1, Relaxed) + 1;
        self.deepest.fetch_max(waiting, Relaxed);
    }

    fn leaves(&self) {
        self.waiting.fetch_sub(1, Relaxed);
    }
}

impl Inbox {
    /// Puts in a message without waiting; gives back why it could not.
    fn push(&self, message: SessionMessage) -> Result<(), TrySendError<SessionMessage>> {
        self.shared.arrives();
        self.sender.try_send(message).inspect_err(|_| self.shared.leaves())
    }

    /// Puts in a voice activity frame that ends `at`; it is lost if the inbox is full. False once the session ended.
    pub(crate) fn sound(&self, at: SessionTime, window: SessionMessage) -> bool {
        self.shared.now.store(at.0, Relaxed);
        let Err(error) = self.push(window) else { return true };
        self.shared.lost.fetch_add(1, Relaxed);
        matches!(error, TrySendError::Full(_))
    }

    /// Whether the session has ended: seen by one who has nothing to put in, too.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.closed.load(Relaxed)
    }

    /// A frame of the device came late.
    pub(crate) fn count_late_frame(&self) {
        self.shared.late.fetch_add(1, Relaxed);
    }

    /// Puts in a model's answer without waiting, since the model serves other calls, too. If the inbox is full, the
    /// answer is lost, and its job is reported as failed ([`Messages::take_unanswered`]).
    pub(crate) fn answer(&self, message: SessionMessage) {
        let Err(TrySendError::Full(message)) = self.push(message) else { return };
        self.shared.lost_answers.fetch_add(1, Relaxed);
        if let Some(failure) = message.failure() {
            let mut unanswered =
                self.shared.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
            // One clause may lose many pieces of its audio.
            if !unanswered.contains(&failure) {
                unanswered.push(failure);
            }
        }
    }

    /// Puts in a command without waiting.
    ///
    /// # Errors
    /// It was not put in.
    pub(crate) fn command(&self, id: CommandId, command: Command) -> Result<(), CommandError> {
        let message = SessionMessage::Event(Event::Command { id, command });
        self.push(message).map_err(|error| match error {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Disconnected(_) => CommandError::Over,
        })
    }

    /// Puts in `Event::Left`, waiting for room: the session ends by nothing else.
    pub(crate) fn leave(&self) {
        self.shared.arrives();
        // An error means that the session has ended before.
        _ = self.sender.send(SessionMessage::Event(Event::Left));
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.shared.closed.store(true, Relaxed);
    }
}

impl Messages {
    /// Waits for the next message, and gives it with its time; nothing once nobody can send any.
    pub(crate) fn next(&self) -> Option<(SessionTime, SessionMessage)> {
        let message = self.receiver.recv().ok()?;
        self.shared.leaves();
        let at = match &message {
            SessionMessage::Sound { end, .. } => *end,
            _ => self.now(),
        };
        Some((at, message))
    }

    /// The failures of jobs whose answers were lost since the last call of this.
    pub(crate) fn take_unanswered(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.shared.unanswered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The end of the newest window of the microphone.
    pub(crate) fn now(&self) -> SessionTime {
        SessionTime(self.shared.now.load(Relaxed))
    }

    /// Writes down what was counted here.
    pub(crate) fn count(&self, counters: &mut Counters) {
        counters.deepest_inbox = self.shared.deepest.load(Relaxed);
        counters.late = self.shared.late.load(Relaxed);
        counters.lost = self.shared.lost.load(Relaxed);
        counters.unanswered = self.shared.lost_answers.load(Relaxed);
    }
}
