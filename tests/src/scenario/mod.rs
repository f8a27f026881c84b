//! Scenario files: scripted calls as TOML, and the cases that they stand for.
//!
//! [`load`] reads files and folders into [`Case`]s. A file says what its room is like, what the user says
//! and when, and what should follow; lists of values make many cases of one. The same files and seeds give
//! the same sound, bit for bit. docs/scenarios.md describes the format.
//!
//! Nothing here holds a call, and no fault of a file ends in a panic: every fault is named with its file,
//! its line and what to do, all of them in one go.

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

/// Says a text: the text and the voice in, samples at the session rate out, or why not.
pub type Synthesise<'a> = dyn Fn(&str, &str) -> Result<Vec<f32>, String> + 'a;

/// What scenarios may need beside their files.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Folders in which a clip is looked for that its file does not find.
    pub clips: &'a [PathBuf],
    /// Who says the texts; none: a text is an error.
    pub synthesise: Option<&'a Synthesise<'a>>,
}

/// What was found in scenario files.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The cases without a fault, in the order of the paths, files and lines.
    pub cases: Vec<Case>,
    /// Every fault, in the same order.
    pub errors: Vec<ScenarioError>,
}

/// Reads scenario files. A path is a file, or a folder: of it every `.toml` in it is read, in the order of
/// their names, and of folders inside of it none.
///
/// # Errors
/// Every fault of every file. To go on with the cases that have none, use [`read()`].
pub fn load(paths: &[PathBuf], options: Options<'_>) -> Result<Vec<Case>, Vec<ScenarioError>> {
    let loaded = read(paths, options);
    if loaded.errors.is_empty() { Ok(loaded.cases) } else { Err(loaded.errors) }
}

/// As [`load`], with the cases that have no fault beside the faults.
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
        // A fault of a case that is varied would come once for each variation.
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

/// Takes out the cases whose names are taken.
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
