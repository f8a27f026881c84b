//! Scenario files: scripted calls as TOML, and the cases they expand to.
//!
//! [`load`] reads files and folders into [`Case`]s. A file describes its room, what the user says
//! and when, and what should follow; lists of values make many cases of one. The same files and
//! seeds give the same audio, bit for bit. docs/scenarios.md describes the format.
//!
//! Nothing here runs a call, and no error in a file causes a panic: every error is reported with
//! its file, its line and a remedy, all of them at once.

mod build;
mod check;
mod clips;
mod error;
mod estimate;
mod expand;
mod file;
mod read;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use error::{Fault, ScenarioError};
pub use estimate::{estimate, trials};

use crate::case::Case;
use clips::Library;

/// Synthesises speech: takes the text and the voice, returns samples at the session rate, or why it
/// cannot.
pub type Synthesise<'a> = dyn Fn(&str, &str) -> Result<Vec<f32>, String> + 'a;

/// What scenarios may need besides their files.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// More folders to look for a clip in, after those of its file.
    pub clips: &'a [PathBuf],
    /// Synthesises the texts; none: a text is an error.
    pub synthesise: Option<&'a Synthesise<'a>>,
}

/// What was read from scenario files.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The cases without an error, in the order of the paths, files and lines.
    pub cases: Vec<Case>,
    /// Every error, in the same order; duplicate names come last.
    pub errors: Vec<ScenarioError>,
}

/// Reads scenario files. A path is a file, or a folder. Of a folder every `.toml` file is read, in
/// the order of their names, and nothing in its subfolders.
///
/// # Errors
/// Every error of every file. To continue with the cases that have none, use [`read()`].
pub fn load(paths: &[PathBuf], options: Options<'_>) -> Result<Vec<Case>, Vec<ScenarioError>> {
    let loaded = read(paths, options);
    if loaded.errors.is_empty() { Ok(loaded.cases) } else { Err(loaded.errors) }
}

/// Like [`load`], but returns the cases without an error beside the errors.
pub fn read(paths: &[PathBuf], options: Options<'_>) -> Loaded {
    let mut library = Library::new(&options);
    let mut loaded = Loaded::default();
    for file in files(paths, &mut loaded.errors) {
        let mut errors = Vec::new();
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let scenario = read::scenario(&file, &text, &mut errors);
                loaded.cases.extend(build::cases(&file, &scenario, &mut library, &mut errors));
            }
            Err(error) => errors.push(unreadable(&file, format!("cannot be read: {error}"))),
        }
        // An error of a case that varies would be reported once for each variation.
        errors.sort_by_key(|error| error.line);
        errors.dedup();
        loaded.errors.extend(errors);
    }
    let Loaded { cases, errors } = &mut loaded;
    errors.extend(duplicates(cases));
    loaded
}

/// The JSON schema of a scenario file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(file::FileKeys).to_value()
}

fn unreadable(file: &Path, why: String) -> ScenarioError {
    ScenarioError { file: file.to_owned(), line: 0, fault: Fault::Unreadable(why) }
}

fn files(paths: &[PathBuf], errors: &mut Vec<ScenarioError>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map(|entries| {
            let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        });
        let mut found: Vec<_> = match entries {
            Ok(paths) => paths.collect(),
            Err(error) => {
                errors.push(unreadable(path, format!("cannot be read: {error}")));
                continue;
            }
        };
        if found.is_empty() {
            let why = "there is no scenario (.toml) in this folder; name another, or a file";
            errors.push(unreadable(path, why.to_owned()));
        }
        found.sort();
        files.extend(found);
    }
    files
}

/// Removes the cases whose names are taken, and returns an error for each.
fn duplicates(cases: &mut Vec<Case>) -> Vec<ScenarioError> {
    let mut places = BTreeMap::new();
    let mut errors = Vec::new();
    cases.retain(|case| {
        let Some(here) = &case.source else { return true };
        let Some(first) = places.get(&case.id) else {
            places.insert(case.id.clone(), here.clone());
            return true;
        };
        let crate::case::Source { file, line } = first.clone();
        let fault = Fault::Duplicate { id: case.id.clone(), file, line };
        errors.push(ScenarioError { file: here.file.clone(), line: here.line, fault });
        false
    });
    errors
}
