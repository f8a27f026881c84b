//! Errors in scenarios: what is wrong, where, and what to do about it.

use std::path::PathBuf;

/// An error in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {fault}", file.display(), at(*line))]
pub struct ScenarioError {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

fn at(line: usize) -> String {
    if line == 0 { String::new() } else { format!(":{line}") }
}

/// What is wrong with a scenario. The text of each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file or folder that does not exist, cannot be read, or contains no scenario.
    #[error("{0}")]
    Unreadable(String),
    /// Text that is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that is unknown where it stands.
    #[error("there is no key {key} here; {}", advice(nearest.as_deref(), known))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that is probably meant.
        nearest: Option<String>,
        /// All known keys.
        known: Vec<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("{key}: {why}")]
    Value {
        /// The key.
        key: String,
        /// What it must be.
        why: String,
    },
    /// A key that is required and missing.
    #[error("{what} is missing: {advice}")]
    Missing {
        /// The key.
        what: &'static str,
        /// What to write.
        advice: String,
    },
    /// A sound file that is missing or cannot be used.
    #[error("{0}")]
    Clip(String),
    /// A name that is taken.
    #[error("the name {id} is taken by {}:{line}; give one of them another", file.display())]
    Duplicate {
        /// The name.
        id: String,
        /// Where it is taken.
        file: PathBuf,
        /// The line there.
        line: usize,
    },
    /// A turn that can never begin.
    #[error("turn {turn} can never begin: {why}")]
    NeverBegins {
        /// The turn's name.
        turn: String,
        /// Why not, and what to do.
        why: String,
    },
    /// Settings that contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// A text that cannot be synthesised.
    #[error("{0}")]
    Voice(String),
}

fn advice(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("there are {}", known.join(", ")),
    }
}
