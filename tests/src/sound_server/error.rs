use std::{io, process::ExitStatus};

/// What keeps a [`SoundServer`](super::SoundServer) from doing what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum SoundServerError {
    /// A program that is not installed.
    #[error(
        "{program} is not installed; in Debian: apt-get install pulseaudio pulseaudio-utils \
         libasound2-plugins"
    )]
    NotInstalled {
        /// The program.
        program: &'static str,
    },
    /// A program that cannot be run, or a file of the server's that cannot be written.
    #[error("the sound server's files or programs cannot be used: {0}")]
    Io(#[from] io::Error),
    /// The server ended before it answered.
    #[error("pulseaudio ended at once ({status}); its log:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What it logged.
        log: String,
    },
    /// The server runs and does not answer.
    #[error("pulseaudio does not answer; its log:\n{log}")]
    Silent {
        /// What it logged.
        log: String,
    },
    /// The server does not do what it was asked for.
    #[error("pactl {request}: {said}")]
    Refused {
        /// What it was asked for.
        request: String,
        /// Its answer.
        said: String,
    },
}

impl SoundServerError {
    pub(super) fn run(program: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotInstalled { program },
            _ => Self::Io(error),
        }
    }
}
