//! Collects what the session reports of a call, for the timeline and for the stages of its
//! latencies. Whether the call passed is judged from the recording instead: see
//! [`score`](crate::score).

use std::sync::{Arc, Mutex, PoisonError};

use duplex_core::{Action, Event, Notice, SessionTime, Turn};
use duplex_runtime::SessionStep;

/// When each stage of an answer was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The turn.
    pub turn: Turn,
    /// The user's silence was detected.
    pub offset: SessionTime,
    /// The last words were recognised.
    pub recognised: SessionTime,
    /// The end-of-turn score arrived.
    pub judged: Option<SessionTime>,
    /// The first clause of text was written.
    pub written: Option<SessionTime>,
    /// The first audio was synthesised.
    pub synthesised: Option<SessionTime>,
    /// The answer was released.
    pub released: Option<SessionTime>,
}

/// What the session did, as far as reports need it.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// The notices, in order.
    pub notices: Vec<(SessionTime, Notice)>,
    /// One for each answer that was prepared.
    pub stages: Vec<Stages>,
    offset: SessionTime,
    recognised: SessionTime,
    judged: Option<SessionTime>,
}

impl Collected {
    fn see(&mut self, seen: SessionStep<'_>) {
        let at = seen.at;
        match seen.event {
            Event::Recognised { .. } => self.recognised = at,
            Event::EndOfTurn { .. } => {
                self.judged = Some(at);
                if let Some(stages) = self.stages.last_mut()
                    && stages.released.is_none()
                {
                    stages.judged = Some(at);
                }
            }
            Event::Written { turn, .. } => self.mark(*turn, |stages| &mut stages.written, at),
            Event::Synthesised { turn, .. } => {
                self.mark(*turn, |stages| &mut stages.synthesised, at);
            }
            _ => {}
        }
        for action in seen.actions {
            let Action::Notify(notice) = action else { continue };
            match notice {
                Notice::Offset => (self.offset, self.judged) = (at, None),
                Notice::Preparing { turn, .. } => self.stages.push(Stages {
                    turn: *turn,
                    offset: self.offset,
                    recognised: self.recognised,
                    judged: self.judged,
                    ..Stages::default()
                }),
                Notice::Released { turn, .. } => {
                    self.mark(*turn, |stages| &mut stages.released, at);
                }
                _ => {}
            }
            self.notices.push((at, notice.clone()));
        }
    }

    fn mark(
        &mut self,
        turn: Turn,
        stage: impl Fn(&mut Stages) -> &mut Option<SessionTime>,
        at: SessionTime,
    ) {
        if let Some(stages) = self.stages.iter_mut().find(|stages| stages.turn == turn) {
            stage(stages).get_or_insert(at);
        }
    }
}

/// Collects while the call runs. Clones share what is collected.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Collected>>);

impl Collector {
    /// Takes in a step of the session.
    pub fn see(&self, seen: SessionStep<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).see(seen);
    }

    /// What was collected so far.
    pub fn collected(&self) -> Collected {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
