//! The file of phrasings.

use std::path::{Path, PathBuf};

use duplex_core::words::{Act, normalise};
use serde::Deserialize;

/// A phrasing.
#[derive(Clone, Debug)]
pub(super) struct Phrasing {
    /// What it is an example of.
    pub(super) act: Act,
    /// Number of the group of phrasings that are alike.
    pub(super) group: usize,
    /// Its words, normalised.
    pub(super) words: Vec<String>,
}

/// Phrasings, in the order of their file.
#[derive(Clone, Debug)]
pub struct Phrasings(pub(super) Vec<Phrasing>);

/// Why phrasings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PhrasingsError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no file of phrasings.
    #[error("{path} is no file of phrasings", path = path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
    /// There is no act of that name.
    #[error("there is no act {0}")]
    Act(String),
    /// An act has no phrasings.
    #[error("there are no phrasings of {0}")]
    Missing(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    act: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    groups: Vec<Vec<String>>,
}

impl Phrasings {
    /// Reads a file of phrasings.
    ///
    /// # Errors
    /// [`PhrasingsError`] names the file, or the act.
    pub fn read(path: &Path) -> Result<Self, PhrasingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PhrasingsError::Io { path: path.to_owned(), source })?;
        let file: File = toml::from_str(&text)
            .map_err(|source| PhrasingsError::Toml { path: path.to_owned(), source })?;
        let mut phrasings = Vec::new();
        let mut group = 0;
        for listed in file.act {
            let named = Act::ALL.iter().copied().find(|act| act.name() == listed.name);
            let act = named.ok_or(PhrasingsError::Act(listed.name))?;
            for texts in listed.groups {
                let of = |text: &String| Phrasing { act, group, words: normalise(text) };
                phrasings.extend(texts.iter().map(of).filter(|it| !it.words.is_empty()));
                group += 1;
            }
        }
        let is_missing = |act: &&Act| phrasings.iter().all(|it| it.act != **act);
        match Act::ALL.iter().find(is_missing) {
            Some(act) => Err(PhrasingsError::Missing(act.name())),
            None => Ok(Self(phrasings)),
        }
    }
}
