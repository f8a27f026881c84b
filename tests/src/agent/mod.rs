//! Agents under test.
//!
//! An [`Agent`] runs one call in a room and returns an [`AgentReport`]. It never judges the call.

pub mod local;
pub mod simulated;
pub mod websocket;

mod watch;

use std::path::PathBuf;

use duplex_audio::{Acoustics, room::Fired};
use duplex_core::{Command, SessionTime, Speaker};
use duplex_runtime::Stop;

use crate::{observe::Moment, report::Notice};

pub use local::Local;
pub use websocket::{WebSocketAgent, WebSocketOptions};

/// A voice agent that can be called.
pub trait Agent: Sync {
    /// Its name in reports.
    fn name(&self) -> String;

    /// Runs one call: drives the room frame by frame until it is over or `stop` is set.
    ///
    /// # Errors
    /// [`AgentError`] says whether the other cases can still run.
    fn call(&self, room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError>;

    /// Runs one call as [`call`](Self::call) does, with `directions`. An agent that does not
    /// implement this takes no commands and keeps no journal.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`AgentError::NoCommands`] before the call begins.
    fn directed(
        &self,
        room: Box<dyn Acoustics>,
        directions: Directions,
        stop: &Stop,
    ) -> Result<AgentReport, AgentError> {
        match directions.commands.is_empty() {
            true => self.call(room, stop),
            false => Err(AgentError::NoCommands),
        }
    }
}

/// What a call brings beside its room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directions {
    /// Commands that the agent is given at these moments of the call.
    pub commands: Vec<(SessionTime, Command)>,
    /// Where the agent writes the call's journal, if it keeps one.
    pub journal: Option<PathBuf>,
}

/// Why a call did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nothing answers at the agent's address: no case can run.
    #[error("the agent cannot be reached: {0}")]
    Unreachable(String),
    /// The agent broke this call with invalid data, a flood, or a hang-up in the middle. The next
    /// call may go well.
    #[error("the agent broke the call: {0}")]
    Broken(String),
    /// The call needs commands, and the agent takes none. Calls without commands can run.
    #[error("the agent takes no commands, and this call tells it to say something")]
    NoCommands,
}

/// A line of the transcript that an agent reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedLine {
    /// Who said it.
    pub speaker: Speaker,
    /// Its text; of the assistant, what the agent believes was heard.
    pub text: String,
}

/// How well the clock was kept during a call in real time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Frames of 10 ms that were timed; none in virtual time.
    pub frames: u64,
    /// Of those, the ones that came more than half a frame late.
    pub late_frames: u64,
    /// The greatest lag, in ms.
    pub worst_ms: f64,
}

/// What an agent reports about a call, besides its audio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentReport {
    /// What both sides said; empty if the agent reports nothing.
    pub transcript: Vec<ReportedLine>,
    /// The decisions it made, for diagnosis; no figure depends on them.
    pub decisions: Vec<Notice>,
    /// How well the clock was kept; all zero in virtual time.
    pub clock: Clock,
    /// What was observed of the user's sounds, where the agent was told to keep it.
    pub moments: Vec<Moment>,
}

/// A call that ran: the recording of both sides, and what is known besides.
#[derive(Clone, Debug, Default)]
pub struct Take {
    /// Sample rate of both tracks, in Hz.
    pub rate: u32,
    /// The user's side; without echo and noise.
    pub user: Vec<f32>,
    /// The assistant's side as it left the loudspeaker.
    pub assistant: Vec<f32>,
    /// When each cue was played.
    pub fired: Vec<Fired>,
    /// What the agent reported.
    pub report: AgentReport,
}
