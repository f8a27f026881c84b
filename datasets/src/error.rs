//! Errors of texts and files.

use std::io;
use std::path::{Path, PathBuf};

use duplex_model::weights;

/// Why dialogues could not be generated, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A package of texts could not be fetched.
    #[error(transparent)]
    Store(#[from] weights::Error),
    /// A package's file has unexpected content, although its digest is right.
    #[error("{path}: {message}", path = path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A line of a file is invalid.
    #[error("{path}:{line}: {message}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {verb} {path}", path = path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// There are no exchanges to make dialogues from.
    #[error(
        "no reply belongs to a prompt of the part `{0}`: write some with `duplex-datasets replies`"
    )]
    NoExchanges(crate::Part),
}

impl Error {
    pub(crate) fn io(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), source }
    }
}
