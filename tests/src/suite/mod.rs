//! A whole set of cases: run, measured, summarised and reported.
//!
//! [`run`] runs the cases with an [`Agent`](crate::agent::Agent) and returns a [`SuiteRun`].
//! [`SuiteReport`] is its report: figures with intervals, by category and over all cases, which
//! [`compare`](fn@compare) compares with an earlier one. [`SuiteRun::write`] writes `report.json`,
//! `junit.xml` and `index.html`; [`table()`] is for the terminal.

mod beside;
mod compare;
mod cues;
mod junit;
mod outline;
mod page;
mod quarter;
mod runner;
mod summary;
mod table;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use duplex_audio::FileError;
use duplex_runtime::Stop;
use serde::{Deserialize, Serialize};

pub use beside::{beside, picture};
pub use compare::{Change, Verdict as ChangeVerdict, compare};
pub use cues::CueTime;
pub use outline::Outline;
pub use quarter::quarter;
pub use runner::run;
pub use summary::{
    CaseReport, Counts, Group, Part, ReadError, SCHEMA, SuiteReport, TranscriptLine,
};
pub use table::{changes, table};

use crate::{
    agent::ReportedLine,
    case::{Category, Source, Split},
    measure::Measured,
    report::{Notice, ReportError, files},
};

/// How a set is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many calls run at once; at least one.
    pub jobs: usize,
    /// How often each case runs; at least once.
    pub repeat: usize,
    /// Whether the audio of cases that passed is kept too.
    pub keep_audio: bool,
    /// Whether the journals of all calls are kept, each with a list of its cues ([`CueTime`]), in
    /// `journals` in the folder of the set. Only [`Local`](crate::agent::Local) keeps any.
    pub keep_journals: bool,
    /// The folder of the set. The audio goes into `audio` in it.
    pub folder: PathBuf,
    /// Ends the set: calls that are running end early and do not count.
    pub stop: Stop,
}

impl Options {
    /// Each case once, one after the other, with the audio of failures in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            jobs: 1,
            repeat: 1,
            keep_audio: false,
            keep_journals: false,
            folder: folder.into(),
            stop: Stop::default(),
        }
    }
}

/// Progress of a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress<'a> {
    /// Calls that are finished.
    pub done: usize,
    /// Calls in all.
    pub total: usize,
    /// Estimated time for the rest, at the pace so far; none before the first call is finished.
    pub remaining: Option<Duration>,
    /// The case that began or finished last.
    pub case: &'a str,
    /// Whether it passed; none while it runs.
    pub passed: Option<bool>,
}

/// Verdict on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything happened as expected.
    Passed,
    /// Something did not.
    Failed,
    /// The call says nothing about the agent, and counts nowhere: the machine could not keep time, or
    /// the call needs commands and the agent takes none.
    Invalid,
    /// The agent broke the call; counts as a failure.
    Broken,
}

impl Verdict {
    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Broken => "broken",
        }
    }
}

/// A call of a case, and its results.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The case's id.
    pub id: String,
    /// What it tests.
    pub category: Category,
    /// What it may be used for.
    pub split: Split,
    /// Why it is known to fail, if it is.
    pub known_issue: Option<String>,
    /// Number of the repetition, from 1.
    pub repetition: usize,
    /// Where the case is defined.
    pub source: Option<Source>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The reason, if it did not pass.
    pub reason: String,
    /// What was measured; for a broken call, only that its case did not pass.
    pub measured: Measured,
    /// Length of the call, in ms.
    pub length_ms: f64,
    /// What the user said, by cue: begin, end (both in ms), words.
    pub said: Vec<(f64, f64, String)>,
    /// The transcript that the agent reported.
    pub transcript: Vec<ReportedLine>,
    /// The decisions that the agent reported, if any.
    pub decisions: Vec<Notice>,
    /// Both sides, for drawing.
    pub outline: Outline,
    /// The recording, relative to the folder of the set, if it was kept.
    pub audio: Option<PathBuf>,
    /// The journal, relative to the folder of the set, if it was kept. Its cues are listed beside it.
    pub journal: Option<PathBuf>,
    /// What was observed of the user's sounds, as rows of a table ([`observe`](crate::observe)).
    pub observed: String,
}

impl CaseResult {
    /// Whether it failed, and was known to: that does not fail the set.
    pub(super) fn failed_as_known(&self) -> bool {
        self.verdict == Verdict::Failed && self.known_issue.is_some()
    }
}

/// A set that ran.
#[derive(Clone, Debug)]
pub struct SuiteRun {
    /// The agent's name.
    pub agent: String,
    /// The calls, in the order of the cases.
    pub results: Vec<CaseResult>,
    /// Why the set ended early: the agent could not be reached.
    pub unreachable: Option<String>,
    /// How long it took.
    pub wall: Duration,
}

/// Why a set could not run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A folder of the set cannot be created.
    #[error("cannot make {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The list of a call's cues cannot be written.
    #[error(transparent)]
    Cues(#[from] ReportError),
    /// A recording cannot be written or read; the next one could not either.
    #[error(transparent)]
    Sound(#[from] FileError),
}

impl SuiteRun {
    /// Whether all calls that count passed, or failed as they were known to, and at least one counts.
    pub fn passed(&self) -> bool {
        let counts = |result: &&CaseResult| result.verdict != Verdict::Invalid;
        let mut counted = self.results.iter().filter(counts).peekable();
        self.unreachable.is_none()
            && counted.peek().is_some()
            && counted.all(|result| result.verdict == Verdict::Passed || result.failed_as_known())
    }

    /// Writes `report.json`, `junit.xml` and `index.html` into `folder`, each completely or not at
    /// all, and returns the report.
    ///
    /// # Errors
    /// [`ReportError::Write`] at the first file that fails.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<SuiteReport, ReportError> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder)
            .map_err(|source| ReportError::Write { path: folder.to_owned(), source })?;
        let report = SuiteReport::of(self);
        let path = folder.join("report.json");
        let json = report
            .json()
            .map_err(|error| ReportError::Write { path: path.clone(), source: error.into() })?;
        files::write(&path, &json)?;
        let path = folder.join("junit.xml");
        let xml = junit::xml(self).map_err(|error| ReportError::Write {
            path: path.clone(),
            source: std::io::Error::other(error),
        })?;
        files::write(&path, &xml)?;
        files::write(&folder.join("index.html"), &page::page(self, &report))?;
        Ok(report)
    }
}
