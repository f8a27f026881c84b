//! Threads and the clock around a [`DuplexSession`](duplex_core::DuplexSession).
//!
//! A [`Call`] is one live conversation: a thread that turns a sound device into events, a thread
//! that steps the session, and the [`Engine`], whose threads own the models and serve all calls.
//! [`run_virtual`] runs the same conversation without waiting for the clock, every model job charged a
//! fixed latency, so that the outcome is the same on every machine. The [`Journal`] holds the
//! events of a call in their order; [`replay`] steps a session through them again.
//!
//! No rule of conversation lives here: what to do is decided in `duplex-core` alone.

mod acoustics;
mod call;
mod engine;
mod job;
mod journal;
mod models;
mod queue;
mod session_driver;
mod virtual_call;
mod worker;

pub use acoustics::{Acoustics, Scene};
pub use call::{Call, CallError, CallOptions, Counters, Outcome, SessionStep, Stop};
pub use engine::{DuplexOptions, Engine, EngineError, EngineInfo, EngineOptions};
pub use journal::{Difference, Journal, JournalError, replay};
pub use virtual_call::{Charges, run_virtual};

#[cfg(test)]
mod tests;
