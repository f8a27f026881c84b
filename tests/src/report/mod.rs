//! What a finished call leaves behind.
//!
//! A [`CallRecord`] is the call as plain data; [`CallRecord::write`] turns it into
//! `transcript.md`, `timeline.svg`, `timeline.html` and `report.json`. Nothing here runs a call or
//! decides whether it went well. [`metrics`] measures latencies in the two tracks alone.

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

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder or a file in it cannot be written; what stood there before is untouched.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
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
    /// What the call is called in headings.
    pub title: String,
    /// Samples per second of both tracks.
    pub rate: u32,
    /// What the user said, as audible in the room.
    #[serde(skip)]
    pub user: Vec<f32>,
    /// What the assistant's loudspeaker played, as audible; as long as `user`.
    #[serde(skip)]
    pub assistant: Vec<f32>,
    /// What was recognised, in the order of its beginning.
    pub user_turns: Vec<Said>,
    /// What the assistant said, in the order of its beginning.
    pub assistant_turns: Vec<Spoken>,
    /// What happened inside, in order.
    pub notices: Vec<Notice>,
    /// What the script asked for and what came of it.
    pub events: Vec<EventResult>,
    /// How the response latencies came about.
    pub stages: Vec<Stage>,
    /// Whether the behaviour was as expected; latencies do not enter.
    pub passed: bool,
    /// The figures of the whole call.
    pub summary: Summary,
    /// Whatever else was counted: overruns, dropped windows, restarts.
    pub counters: BTreeMap<String, u64>,
}

/// A stretch of the user's sound.
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
    /// What it was taken for: `turn`, `backchannel`, `noise`.
    pub kind: String,
}

/// A turn of the assistant that was at least begun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// The number of the turn.
    pub turn: u64,
    /// Its first sound.
    pub start_ms: u64,
    /// Its last sound.
    pub end_ms: u64,
    /// What it would have said.
    pub planned: String,
    /// What was audible of it: a prefix of `planned`.
    pub heard: String,
    /// Why it ended early, if it did.
    pub cut: Option<String>,
    /// Whether it took up a turn that had been cut.
    pub resumed: bool,
}

impl Spoken {
    /// The rest of what was planned, or nothing where `heard` is no prefix of it.
    pub fn unheard(&self) -> &str {
        self.planned.strip_prefix(self.heard.as_str()).unwrap_or_default().trim()
    }
}

/// Something that happened inside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at_ms: u64,
    /// What: `onset`, `offset`, `partial`, `final`, `end_of_turn`, `prepared`, `released`,
    /// `dropped`, `duck`, `unduck`, `hold`, `release`, `cancel`, `resume`, `ignore`.
    pub kind: String,
    /// The circumstances, for people.
    pub detail: String,
}

/// What the assistant ought to do at an event.
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
    /// Go on as if nothing had happened.
    Ignore,
    /// Stay silent until the user has finished.
    Wait,
}

impl Expect {
    /// The word for it in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Respond => "respond",
            Self::Stop => "stop",
            Self::Ignore => "ignore",
            Self::Wait => "wait",
        }
    }
}

/// An event of the script and its outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventResult {
    /// Its name in the script.
    pub id: String,
    /// What ought to happen.
    pub expect: Expect,
    /// What happened.
    pub outcome: String,
    /// Whether that is what ought to happen.
    pub passed: bool,
    /// When the user's sound begins.
    pub at_ms: u64,
    /// The sound the latency counts from: the user's last one of a question, the first one of an
    /// interruption.
    pub from_ms: Option<u64>,
    /// The latency, measured in the tracks.
    pub latency_ms: Option<f64>,
    /// The circumstances, for people.
    pub detail: String,
}

/// A point on the way from the user's last sound to the assistant's first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The [`EventResult::id`] it belongs to.
    pub event_id: String,
    /// `offset_detected`, `recognised`, `decided`, `first_clause`, `first_audio`, `audible`.
    pub name: String,
    /// Since the user's last sound; negative where it was reached before.
    pub ms: f64,
}

/// The figures of the whole call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The user's last sound to the assistant's first.
    pub response_latency_ms: Percentiles,
    /// The user's first sound to the assistant's last.
    pub stop_latency_ms: Percentiles,
    /// Peak resident memory of the program and its worker.
    pub rss_mb: f64,
    /// From start to ready, models in the cache.
    pub ready_ms: f64,
    /// Processor, cores, system.
    pub machine: String,
}

impl CallRecord {
    /// Length of the call in milliseconds.
    pub fn duration_ms(&self) -> f64 {
        self.user.len() as f64 * 1000.0 / f64::from(self.rate.max(1))
    }

    /// Writes the four files into `folder`, which is made where it is missing. Each appears whole
    /// or not at all. The page plays `call.wav` beside it, which is the caller's to write.
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

/// `m:ss.t`, for people.
pub(crate) fn clock(ms: u64) -> String {
    format!("{}:{:02}.{}", ms / 60_000, ms / 1000 % 60, ms / 100 % 10)
}
