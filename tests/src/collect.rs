//! Collects what a call shows of its conversation, for the timeline and for the stages of its latencies. Whether the call
//! passed is judged from the recording instead: see [`score`](crate::score).

use std::sync::{Arc, Mutex, PoisonError};

use duplex_core::Shown;
use duplex_runtime::SessionStep;

/// Collects while the call runs. Clones share what is collected.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Vec<Shown>>>);

impl Collector {
    /// Takes in a step of the session.
    pub fn see(&self, seen: SessionStep<'_>) {
        let shown = seen.conversation().map(|event| Shown::new(seen.at, event.clone()));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(shown);
    }

    /// What was collected so far.
    pub fn collected(&self) -> Vec<Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
