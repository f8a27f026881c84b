//! When the cues of a call were played, beside its journal.

use std::path::Path;

use duplex_audio::room::Fired;
use duplex_core::{SAMPLE_RATE, SessionTime};
use serde::{Deserialize, Serialize};

use crate::{
    case::{Case, Category, Split},
    report::{Expect, ReportError, files},
};

/// A cue of a call, as a line of the list beside its journal: JSON Lines, in the order of the cues.
/// Times are samples at 16 kHz since the call began, as in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CueTime {
    /// The case's id.
    pub case: String,
    /// Number of the repetition, from 1.
    pub repetition: usize,
    /// What the case tests.
    pub category: Category,
    /// What it may be used for.
    pub split: Split,
    /// The cue's name.
    pub cue: String,
    /// What is expected after it.
    pub expect: Vec<Expect>,
    /// When it began; none if its moment never came.
    pub began: Option<SessionTime>,
    /// When it ended.
    pub ended: Option<SessionTime>,
    /// When the user's own words in it ended: earlier than the cue where the rest is other voices.
    pub user_ended: Option<SessionTime>,
}

const _: () = assert!(SAMPLE_RATE == 16_000, "the unit of the times");

impl CueTime {
    /// The cues of a call, those that never came included.
    pub(super) fn of(case: &Case, repetition: usize, fired: &[Fired]) -> Vec<Self> {
        let time = |cue: &duplex_audio::room::Cue| {
            let fired = fired.iter().find(|fired| fired.id == cue.id);
            let span = fired.and_then(|fired| fired.span);
            let expect = case.expect.get(&cue.id).map(|expected| expected.outcomes.clone());
            let user_ended = |(began, ended)| cue.user_until.map_or(ended, |until| began + until);
            Self {
                case: case.id.clone(),
                repetition,
                category: case.category,
                split: case.split,
                cue: cue.id.clone(),
                expect: expect.unwrap_or_default(),
                began: span.map(|(began, _)| began),
                ended: span.map(|(_, ended)| ended),
                user_ended: span.map(user_ended),
            }
        };
        case.cues.iter().map(time).collect()
    }

    /// Writes the list, completely or not at all.
    pub(super) fn write(list: &[Self], path: &Path) -> Result<(), ReportError> {
        let failed = |source| ReportError::Write { path: path.to_owned(), source };
        let mut text = String::new();
        for cue in list {
            let line = serde_json::to_string(cue).map_err(|error| failed(error.into()))?;
            text.push_str(&line);
            text.push('\n');
        }
        files::write(path, &text)
    }
}
