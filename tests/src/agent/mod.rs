//! Whoever is put to the test: an agent holds a call in a room.

pub mod local;
pub mod simulated;
pub mod websocket;

mod watch;

use duplex_core::Speaker;
use duplex_runtime::{Acoustics, Stop};

use crate::{report::Notice, room::Fired};

pub use local::Local;
pub use websocket::{WebSocketAgent, WebSocketOptions};

/// A voice agent that can be called.
pub trait Agent: Sync {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Holds one call: drives the room frame by frame until it is over or `stop` says so.
    ///
    /// # Errors
    /// [`AgentError`] says whether the other cases can still be tried.
    fn call(&self, room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError>;
}

/// Why a call could not be held to its end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody answers at the agent's address: no case can be held.
    #[error("the agent cannot be reached: {0}")]
    Unreachable(String),
    /// The agent broke this call: garbage, a flood, a hang-up in the middle. The next may go well.
    #[error("the agent broke the call: {0}")]
    Broken(String),
}

/// A line of the transcript that an agent tells, or one side of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedLine {
    /// Who said it.
    pub speaker: Speaker,
    /// Its text; of the assistant, what the agent believes was heard.
    pub text: String,
}

/// How well the clock was kept while a call was held in real time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Frames of 10 ms that came later than half a frame.
    pub late_frames: u64,
    /// The greatest lag, in ms.
    pub worst_ms: f64,
}

/// What an agent tells of a call, beside its sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentReport {
    /// What was said, as far as the agent tells; empty where it tells nothing.
    pub transcript: Vec<ReportedLine>,
    /// What it decided, for people who look for causes; no figure depends on it.
    pub decisions: Vec<Notice>,
    /// How well the clock was kept; all zero in virtual time.
    pub clock: Clock,
}

/// A call that was held: both sides as audible, and what is known beside.
#[derive(Clone, Debug, Default)]
pub struct Take {
    /// Sample rate of both tracks, in Hz.
    pub rate: u32,
    /// The user's side; without echo and noise.
    pub user: Vec<f32>,
    /// The assistant's side as it left the loudspeaker.
    pub assistant: Vec<f32>,
    /// When each cue was heard.
    pub fired: Vec<Fired>,
    /// What the agent tells.
    pub told: AgentReport,
}
