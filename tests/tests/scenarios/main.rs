//! Scenario files: what is wrong with them, what they expand to, and the ones that are shipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod faults;
mod script;
mod sound;
mod splits;

use std::path::PathBuf;

use duplex_harness::{
    case::Case,
    scenario::{self, Options, ScenarioError},
};

/// The clips, in the place where the tests run.
fn speech() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "speech"].iter().collect()
}

/// Loads one file with this text.
fn load(text: &str) -> Result<Vec<Case>, Vec<ScenarioError>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    let clips = [speech()];
    scenario::load(&[file], Options { clips: &clips, ..Options::default() })
}

/// The faults of a file with this text, as `LINE: what`.
fn faults(text: &str) -> Vec<String> {
    let errors = load(text).expect_err("the file is taken to be in order");
    errors.iter().map(|error| format!("{}: {}", error.line, error.fault)).collect()
}
