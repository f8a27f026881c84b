//! What is wrong with a scenario, where, and what to do about it.

use std::path::PathBuf;

/// A fault of a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {fault}", file.display(), at(*line))]
pub struct ScenarioError {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1; 0 where it is the file as a whole.
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
    /// There is no such file or folder, or no scenario in it.
    #[error("{0}")]
    Unreadable(String),
    /// It is no TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that means nothing where it stands.
    #[error("there is no key {key} here; {}", advice(nearest.as_deref(), known))]
    UnknownKey {
        /// The key.
        key: String,
        /// The one that is probably meant.
        nearest: Option<String>,
        /// All that there are.
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
    /// Something that cannot be left out.
    #[error("{what} is missing: {advice}")]
    Missing {
        /// The key.
        what: &'static str,
        /// What to write.
        advice: String,
    },
    /// A sound file that is not there, or is none.
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
    /// A turn whose moment never comes.
    #[error("turn {turn} can never begin: {why}")]
    NeverBegins {
        /// The turn's name.
        turn: String,
        /// Why not, and what to do.
        why: String,
    },
    /// Two things that cannot both be.
    #[error("{0}")]
    Contradiction(String),
    /// A text that nobody can say.
    #[error("{0}")]
    Voice(String),
}

fn advice(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("there are {}", known.join(", ")),
    }
}
