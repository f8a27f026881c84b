//! The report of a finished call.
//!
//! A [`CallRecord`] is the call as plain data; [`CallRecord::write`] turns it into `transcript.md`,
//! `timeline.svg`, `timeline.html` and `report.json`. Nothing here runs a call or decides whether
//! it passed. [`metrics`] measures latencies in the two tracks alone.

pub(crate) mod drawing;
pub(crate) mod files;
pub(crate) mod html;
mod json;
pub mod metrics;
mod transcript;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use json::SCHEMA;
pub use metrics::Percentiles;
pub use transcript::plain_markdown;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder or a file in it cannot be written; an existing file is left as it was.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The tracks do not belong to one recording.
    #[error("the user's track has {user} samples and the assistant's {assistant}, at {rate} Hz")]
    Tracks {
        /// Samples of the user's track.
        user: usize,
        /// Samples of the assistant's track.
        assistant: usize,
        /// Samples per second, which must not be zero.
        rate: u32,
    },
}

/// A finished call. Times are milliseconds since it began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The title for headings.
    pub title: String,
    /// Sample rate of both tracks, in Hz.
    pub rate: u32,
    /// The user's side, as audible in the room.
    #[serde(skip)]
    pub user: Vec<f32>,
    /// The assistant's side as its loudspeaker played it; as long as `user`.
    #[serde(skip)]
    pub assistant: Vec<f32>,
    /// What was recognised, in order of beginning.
    pub user_turns: Vec<Said>,
    /// What the assistant said, in order of beginning.
    pub assistant_turns: Vec<Spoken>,
    /// Events inside the session, in order.
    pub notices: Vec<Notice>,
    /// The script's expectations, and what came of them.
    pub events: Vec<EventResult>,
    /// The stages of the response latencies.
    pub stages: Vec<Stage>,
    /// Whether every expectation was met within the default [`Limits`](crate::score::Limits), and
    /// the call ended without an error.
    pub passed: bool,
    /// The figures of the whole call.
    pub summary: Summary,
    /// Other counters, such as lost and late frames, refused jobs and underruns.
    pub counters: BTreeMap<String, u64>,
}

/// A segment of the user's speech.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Its first sound.
    pub start_ms: u64,
    /// Its last sound.
    pub end_ms: u64,
    /// The words recognised in it.
    pub text: String,
    /// Whether the words are committed.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Its class: `turn`, `stop`, `backchannel` or `noise`.
    pub kind: String,
}

/// A turn of the assistant that at least began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// The number of the turn.
    pub turn: u64,
    /// Its first sound.
    pub start_ms: u64,
    /// Its last sound.
    pub end_ms: u64,
    /// The text that was planned.
    pub planned: String,
    /// What was audible of it: a prefix of `planned`.
    pub heard: String,
    /// Why it was cut off, if it was.
    pub cut: Option<String>,
    /// Whether it resumed a turn that had been cut off.
    pub resumed: bool,
}

impl Spoken {
    /// The rest of `planned`; empty if `heard` is no prefix of it.
    pub fn unheard(&self) -> &str {
        self.planned.strip_prefix(self.heard.as_str()).unwrap_or_default().trim()
    }
}

/// An event inside the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// When it happened.
    pub at_ms: u64,
    /// Its kind: `onset`, `offset`, `partial`, `final`, `end_of_turn`, `prepared`, `released`, `dropped`, `duck`, `hold`,
    /// `cancel`, `reopened`, `resume`, `finished`, `truncated`, `ignore`, `idle`, `microphone`, `refused` or `warning`.
    /// The drawing also knows `unduck` and `release`.
    pub kind: String,
    /// Details, for people.
    pub detail: String,
}

/// What the assistant should do at a cue.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// Answer.
    #[default]
    Respond,
    /// Fall silent.
    Stop,
    /// Continue as if nothing had happened.
    Ignore,
    /// Stay silent until the user has finished.
    Wait,
}

impl Expect {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Respond => "respond",
            Self::Stop => "stop",
            Self::Ignore => "ignore",
            Self::Wait => "wait",
        }
    }
}

/// An expectation of the script, and its outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventResult {
    /// Its name: that of the cue, with the expectation where the cue has several.
    pub id: String,
    /// What should happen.
    pub expect: Expect,
    /// What happened.
    pub outcome: String,
    /// Whether the expectation was met.
    pub passed: bool,
    /// When the user's sound begins.
    pub at_ms: u64,
    /// The sound that the latency counts from: the user's last one for a response, the first one
    /// otherwise.
    pub from_ms: Option<u64>,
    /// The latency, measured in the tracks.
    pub latency_ms: Option<f64>,
    /// Details, for people.
    pub detail: String,
}

/// A stage between the user's last sound and the assistant's first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The [`EventResult::id`] it belongs to.
    pub event_id: String,
    /// `offset_detected`, `recognised`, `decided`, `first_clause`, `first_audio`, `released` or
    /// `audible`.
    pub name: String,
    /// Time since the user's last sound, in ms; negative if it was reached before.
    pub ms: f64,
}

/// The figures of the whole call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// From the user's last sound to the assistant's first.
    pub response_latency_ms: Percentiles,
    /// From the user's first sound to the assistant's last.
    pub stop_latency_ms: Percentiles,
    /// Peak resident memory of the program and its recogniser's process, in MB.
    pub rss_mb: f64,
    /// From start to ready with the models in the cache, in ms.
    pub ready_ms: f64,
    /// Processor, number of cores, operating system.
    pub machine: String,
}

impl CallRecord {
    /// Length of the call, in ms.
    pub fn duration_ms(&self) -> f64 {
        self.user.len() as f64 * 1000.0 / f64::from(self.rate.max(1))
    }

    /// Writes the four files into `folder`, which is created if it is missing. Each is written
    /// completely or not at all. The page plays `call.wav` beside it, which the caller writes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Tracks`] before anything is written, [`ReportError::Write`] at the first file
    /// that fails.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), ReportError> {
        if self.rate == 0 || self.user.len() != self.assistant.len() {
            let (user, assistant) = (self.user.len(), self.assistant.len());
            return Err(ReportError::Tracks { user, assistant, rate: self.rate });
        }
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder)
            .map_err(|source| ReportError::Write { path: folder.to_owned(), source })?;
        let drawing = drawing::Drawing::new(self);
        files::write(&folder.join("transcript.md"), &transcript::markdown(self))?;
        files::write(&folder.join("timeline.svg"), &drawing.picture())?;
        files::write(&folder.join("timeline.html"), &html::page(self, &drawing))?;
        files::write(&folder.join("report.json"), &json::report(self))
    }
}

/// A time as `m:ss.t`, for people.
pub(crate) fn clock(ms: u64) -> String {
    format!("{}:{:02}.{}", ms / 60_000, ms / 1000 % 60, ms / 100 % 10)
}
