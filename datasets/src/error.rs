//! What can go wrong with texts and files.

use std::io;
use std::path::{Path, PathBuf};

use duplex_model::weights;

/// Why no dialogues could be made, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A package of texts cannot be had.
    #[error(transparent)]
    Store(#[from] weights::Error),
    /// A package's file is not what it should be, although its digest is right.
    #[error("{path}: {message}", path = path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A line of a file is not what it should be.
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
    /// There is nothing to make dialogues of.
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
