use std::{io, path::PathBuf};

use duplex_audio::FileError;

/// What keeps a room from running.
#[derive(Debug, thiserror::Error)]
pub enum DeviceRoomError {
    /// A clip, an impulse response or a recording.
    #[error(transparent)]
    Sound(#[from] FileError),
    /// An impulse response without sound.
    #[error("{} is silent, and no impulse response", path.display())]
    Silent {
        /// The file.
        path: PathBuf,
    },
    /// A script that cannot be used.
    #[error("{}: {why}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody says which pipe feeds the microphone.
    #[error(
        "which pipe feeds the microphone? A sound server's environment says so \
         ({pipe}); or --microphone", pipe = crate::sound_server::MICROPHONE_PIPE
    )]
    NoMicrophone,
    /// A delay that is shorter than the room's own.
    #[error("a delay of {asked} ms: the room itself takes {own} ms")]
    Delay {
        /// What was asked for.
        asked: u64,
        /// The room's own delay.
        own: u64,
    },
    /// A drift that no device has.
    #[error("a drift of {0} ppm; it must be within 5000 of none")]
    Drift(f64),
    /// What records the loudspeaker is not there.
    #[error("parec cannot be run; in Debian: apt-get install pulseaudio-utils: {0}")]
    Parec(io::Error),
    /// The log cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
