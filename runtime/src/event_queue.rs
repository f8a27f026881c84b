//! The stream of a call's conversation events on its way to a reader who may be slow.
//!
//! The session's thread puts events in, and holds the lock only while it does so: whatever a reader does, it waits for
//! nobody in a live call. Where the queue is full, what happens then is counted at the place where it is missing
//! ([`ConversationEvent::Lost`]).

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use duplex_core::{ConversationEvent, Shown};

use crate::{SessionStep, Stop};

/// Events that wait for the reader at most, where nothing else is asked for: about a minute of conversation.
pub const EVENT_QUEUE: usize = 1024;

/// How often a writer that waits for room looks whether the call was stopped.
const LOOK: Duration = Duration::from_millis(100);

/// What the writer does where the queue is full.
#[derive(Clone, Debug)]
pub enum WhenFull {
    /// Loses what happens until there is room again, for a call in real time.
    Lose,
    /// Waits for room, until the call is stopped: for one that does not follow the clock.
    Wait(Stop),
}

/// A queue of at most `room` events. The last event of a call, and a count of what was lost before it, have room beyond.
pub fn event_queue(room: usize, when_full: WhenFull) -> (EventWriter, EventReader) {
    let shared =
        Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), room: room.max(1) });
    (EventWriter { shared: Arc::clone(&shared), when_full }, EventReader(shared))
}

/// The session's end. Dropping it ends the stream.
#[derive(Debug)]
pub struct EventWriter {
    shared: Arc<Shared>,
    when_full: WhenFull,
}

/// The end of whoever shows the call: an iterator that waits for the next event, and ends with the stream.
#[derive(Debug)]
pub struct EventReader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    room: usize,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Shown>,
    /// The writer is gone.
    is_complete: bool,
    /// The reader is gone.
    is_abandoned: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventWriter {
    /// Puts in what a step shows.
    pub fn see(&mut self, step: SessionStep<'_>) {
        for event in step.conversation() {
            self.put(Shown::new(step.at, event.clone()));
        }
    }

    /// Puts in an event.
    pub fn put(&mut self, event: Shown) {
        let Shared { changed, room, .. } = &*self.shared;
        let mut state = self.shared.lock();
        if let WhenFull::Wait(stop) = &self.when_full {
            while state.events.len() >= *room && !state.is_abandoned && !stop.is_stopped() {
                let waited = changed.wait_timeout(state, LOOK);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        if state.is_abandoned {
            return;
        }
        let is_last = event.event == ConversationEvent::CallEnded;
        if state.events.len() < *room || is_last {
            state.events.push_back(event);
        } else if let Some(Shown { event: ConversationEvent::Lost { events }, .. }) =
            state.events.back_mut()
        {
            *events += 1;
        } else {
            let lost = ConversationEvent::Lost { events: 1 };
            state.events.push_back(Shown { at_ms: event.at_ms, event: lost });
        }
        changed.notify_all();
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.shared.lock().is_complete = true;
        self.shared.changed.notify_all();
    }
}

impl EventReader {
    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Shown> {
        self.0.lock().take(&self.0.changed)
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        let state = self.0.lock();
        state.is_complete && state.events.is_empty()
    }
}

impl State {
    fn take(&mut self, changed: &Condvar) -> Option<Shown> {
        let event = self.events.pop_front();
        changed.notify_all();
        event
    }
}

impl Iterator for EventReader {
    type Item = Shown;

    fn next(&mut self) -> Option<Shown> {
        let state = self.0.lock();
        let waits = |state: &mut State| state.events.is_empty() && !state.is_complete;
        let state = self.0.changed.wait_while(state, waits);
        state.unwrap_or_else(PoisonError::into_inner).take(&self.0.changed)
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_abandoned = true;
        state.events.clear();
        self.0.changed.notify_all();
    }
}
