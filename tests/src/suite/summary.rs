//! The report of a set: figures with intervals, and every case.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    case::{Category, Split},
    measure::{
        Observation,
        estimate::{Figure, Statistic, figures},
        metric::Metric,
    },
    report::{EventResult, Notice},
};

use super::{CaseResult, SuiteRun, Verdict};

/// Version of the layout of a set's `report.json`. It grows when a field changes its meaning or is
/// removed.
pub const SCHEMA: u32 = 2;

/// The report of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteReport {
    /// [`SCHEMA`] of the program that wrote it.
    pub schema_version: u32,
    /// The agent's name.
    pub agent: String,
    /// How long the set took, in seconds.
    pub wall_s: f64,
    /// Why it ended early, if it did.
    pub unreachable: Option<String>,
    /// Whether all calls that count passed, or failed as they were known to, and at least one counts.
    pub passed: bool,
    /// All cases.
    pub overall: Group,
    /// The cases of each category.
    pub categories: BTreeMap<Category, Group>,
    /// The same for the cases of each split; absent from reports before there were any.
    #[serde(default)]
    pub splits: BTreeMap<Split, Part>,
    /// Each call.
    pub cases: Vec<CaseReport>,
}

/// The cases of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// All of them.
    pub overall: Group,
    /// Those of each category.
    pub categories: BTreeMap<Category, Group>,
}

/// Cases taken together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// How many there are, by outcome.
    pub counts: Counts,
    /// What was measured in them, in the order of [`Metric::ALL`].
    pub figures: Vec<Figure>,
}

/// Number of calls, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All calls.
    pub calls: usize,
    /// Calls in which everything happened as expected.
    pub passed: usize,
    /// Calls in which something did not.
    pub failed: usize,
    /// Those of them that were known to fail; absent from reports before any were.
    #[serde(default)]
    pub known: usize,
    /// Calls that say nothing about the agent: see [`Verdict::Invalid`].
    pub invalid: usize,
    /// Calls that the agent broke.
    pub broken: usize,
}

/// One call. Times are milliseconds since it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case's id.
    pub id: String,
    /// What it tests.
    pub category: Category,
    /// What it may be used for.
    #[serde(default)]
    pub split: Split,
    /// Number of the repetition, from 1.
    pub repetition: usize,
    /// Where it is defined: file and line.
    pub source: Option<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The reason, if it did not pass.
    pub reason: String,
    /// Why it is known to fail, if it is.
    #[serde(default)]
    pub known_issue: Option<String>,
    /// Length of the call.
    pub length_ms: f64,
    /// The recording, relative to the report, if it was kept.
    pub audio: Option<String>,
    /// The journal, relative to the report, if it was kept.
    #[serde(default)]
    pub journal: Option<String>,
    /// The verdict on each expectation.
    pub events: Vec<EventResult>,
    /// What went wrong besides the expectations.
    pub problems: Vec<String>,
    /// All observations.
    pub observations: Vec<Observation>,
    /// The transcript that the agent reported.
    pub transcript: Vec<TranscriptLine>,
    /// The decisions that the agent reported, if any.
    #[serde(default)]
    pub decisions: Vec<Notice>,
}

/// A line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptLine {
    /// `user` or `assistant`.
    pub speaker: String,
    /// What was said.
    pub text: String,
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The file is not the report of a set.
    #[error("{path} is no report of a set of cases: {source}")]
    Format {
        /// The file.
        path: String,
        /// Where it differs from one.
        source: serde_json::Error,
    },
    /// Another version of this program wrote it.
    #[error("{path} has schema version {found}, and this program reads {SCHEMA}: make it again")]
    Version {
        /// The file.
        path: String,
        /// The version in it.
        found: u32,
    },
}

impl SuiteReport {
    /// The report of a run.
    pub fn of(run: &SuiteRun) -> Self {
        let all: Vec<&CaseResult> = run.results.iter().collect();
        let Part { overall, categories } = part(&all);
        let mut splits: BTreeMap<Split, Vec<&CaseResult>> = BTreeMap::new();
        for result in all {
            splits.entry(result.split).or_default().push(result);
        }
        Self {
            schema_version: SCHEMA,
            agent: run.agent.clone(),
            wall_s: run.wall.as_secs_f64(),
            unreachable: run.unreachable.clone(),
            passed: run.passed(),
            overall,
            categories,
            splits: splits.iter().map(|(split, results)| (*split, part(results))).collect(),
            cases: run.results.iter().map(case).collect(),
        }
    }

    /// A split by its name, and its cases, where the set has cases of more than one.
    pub(super) fn by_split(&self) -> impl Iterator<Item = (&'static str, &Part)> {
        let parts = self.splits.iter().filter(|_| self.splits.len() > 1);
        parts.map(|(split, part)| (split.as_str(), part))
    }

    /// Its text in `report.json`.
    ///
    /// # Errors
    /// None is known: every part can be written as JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads what [`json`](Self::json) wrote.
    ///
    /// # Errors
    /// [`ReadError`] names the file, and says what to do about another version.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Versioned {
            schema_version: u32,
        }
        let name = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(path.as_ref())
            .map_err(|source| ReadError::Io { path: name.clone(), source })?;
        let format = |source| ReadError::Format { path: name.clone(), source };
        let Versioned { schema_version: found } = serde_json::from_str(&text).map_err(format)?;
        if found != SCHEMA {
            return Err(ReadError::Version { path: name, found });
        }
        serde_json::from_str(&text).map_err(format)
    }
}

impl Group {
    /// A figure, if it was measured.
    pub fn figure(&self, metric: Metric, statistic: Statistic) -> Option<&Figure> {
        let wanted = |figure: &&Figure| figure.metric == metric && figure.statistic == statistic;
        self.figures.iter().find(wanted)
    }
}

fn part(results: &[&CaseResult]) -> Part {
    let mut categories: BTreeMap<Category, Vec<&CaseResult>> = BTreeMap::new();
    for result in results {
        categories.entry(result.category).or_default().push(result);
    }
    Part {
        overall: group(results),
        categories: categories.iter().map(|(name, results)| (*name, group(results))).collect(),
    }
}

fn group(results: &[&CaseResult]) -> Group {
    let count = |verdict| results.iter().filter(|result| result.verdict == verdict).count();
    let counts = Counts {
        calls: results.len(),
        passed: count(Verdict::Passed),
        failed: count(Verdict::Failed),
        known: results.iter().filter(|result| result.failed_as_known()).count(),
        invalid: count(Verdict::Invalid),
        broken: count(Verdict::Broken),
    };
    // Repetitions of a case belong together.
    let mut cases: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for result in results.iter().filter(|result| result.verdict != Verdict::Invalid) {
        cases.entry(&result.id).or_default().extend(&result.measured.observations);
    }
    let cases: Vec<Vec<&Observation>> = cases.into_values().collect();
    Group {
        counts,
        figures: Metric::ALL.iter().flat_map(|metric| figures(*metric, &cases)).collect(),
    }
}

fn case(result: &CaseResult) -> CaseReport {
    let source = result.source.as_ref();
    let line = |line: &crate::agent::ReportedLine| TranscriptLine {
        speaker: match line.speaker {
            duplex_core::Speaker::User => "user".to_owned(),
            duplex_core::Speaker::Assistant => "assistant".to_owned(),
        },
        text: line.text.clone(),
    };
    CaseReport {
        id: result.id.clone(),
        category: result.category,
        split: result.split,
        repetition: result.repetition,
        source: source.map(|source| format!("{}:{}", source.file.display(), source.line)),
        verdict: result.verdict,
        reason: result.reason.clone(),
        known_issue: result.known_issue.clone(),
        length_ms: result.length_ms,
        audio: result.audio.as_ref().map(|audio| audio.display().to_string()),
        journal: result.journal.as_ref().map(|journal| journal.display().to_string()),
        events: result.measured.events.clone(),
        problems: result.measured.problems.clone(),
        observations: result.measured.observations.clone(),
        transcript: result.transcript.iter().map(line).collect(),
        decisions: result.decisions.clone(),
    }
}
