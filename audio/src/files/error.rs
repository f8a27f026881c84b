use std::{
    io,
    path::{Path, PathBuf},
};

/// What can be wrong with an audio file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("{path}: no such file; check the path", path = path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file contains no samples.
    #[error("{path}: the file holds no sound; record it again", path = path.display())]
    Empty {
        /// The file read.
        path: PathBuf,
    },
    /// The content is not that of an audio file.
    #[error("{path}: not a sound file; give a WAV, FLAC, MP3, Ogg Vorbis or M4A file", path = path.display())]
    NotAudio {
        /// The file read.
        path: PathBuf,
    },
    /// The file ends before the amount of audio that its header declares.
    #[error("{path}: cut off after {frames} samples; copy or download it again", path = path.display())]
    Truncated {
        /// The file read.
        path: PathBuf,
        /// Samples per channel that were read.
        frames: usize,
    },
    /// The file contradicts itself.
    #[error("{path}: damaged ({what}); copy or download it again", path = path.display())]
    Damaged {
        /// The file read.
        path: PathBuf,
        /// Where its structure breaks.
        what: &'static str,
    },
    /// An audio file in an encoding that is not supported.
    #[error(
        "{path}: {what} is not supported; convert it, for example: ffmpeg -i IN -ar 16000 OUT.wav",
        path = path.display()
    )]
    Unsupported {
        /// The file read.
        path: PathBuf,
        /// What is not supported about it.
        what: String,
    },
    /// The WAV file is full; its sizes are 32-bit numbers.
    #[error("{path}: a WAV file holds at most 4 GB; go on in another file", path = path.display())]
    Full {
        /// The file written.
        path: PathBuf,
    },
    /// The operating system could not read or write.
    #[error("{path}: {source}{hint}", path = path.display(), hint = hint(source))]
    Io {
        /// The file read or written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "; free some space or write elsewhere",
        io::ErrorKind::PermissionDenied => "; check who may use it",
        _ => "",
    }
}

impl FileError {
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path: path.into() },
            _ => Self::Io { path: path.into(), source },
        }
    }

    pub(super) fn unsupported(path: &Path, what: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into() }
    }
}
