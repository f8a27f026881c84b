//! The command line of a room.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use crate::sound_server::{MICROPHONE_PIPE, SPEAKER};

/// A room: its acoustics, its user, and what it writes.
#[derive(Clone, Debug, Args)]
pub struct DeviceRoomOptions {
    /// Pipe that feeds the virtual microphone
    #[arg(long, env = MICROPHONE_PIPE, value_name = "PIPE")]
    pub microphone: Option<PathBuf>,

    /// Name of the loudspeaker, a sink of the sound server
    #[arg(long, value_name = "NAME", default_value = SPEAKER)]
    pub loudspeaker: String,

    /// Level of the echo relative to the loudspeaker, in dB; left out: none, as with headphones
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    pub echo: Option<f32>,

    /// Delay of the echo, in ms
    #[arg(long, value_name = "MS", default_value_t = 40)]
    pub delay: u64,

    /// Another delay of the echo from a second on, as in 60:120; may be repeated
    #[arg(long, value_name = "SECOND:MS")]
    pub delay_at: Vec<DelayAt>,

    /// Reverberation of the echo: none, small, large, or a sound file with an impulse response
    #[arg(long, value_name = "ROOM", default_value = "small")]
    pub room: String,

    /// Noise at the microphone: pink, white, keyboard, or a sound file that is repeated
    #[arg(long, value_name = "NOISE")]
    pub noise: Option<String>,

    /// Level of the noise, in dB of full scale
    #[arg(long, value_name = "DB", allow_negative_numbers = true, default_value_t = -50.0)]
    pub noise_level: f32,

    /// By how much the microphone's clock is faster than the loudspeaker's, in ppm
    #[arg(long, value_name = "PPM", allow_negative_numbers = true, default_value_t = 0.0)]
    pub drift: f64,

    /// What the user says, and when: a TOML file
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,

    /// Give a clip up that has waited this long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub patience: f64,

    /// End after this long, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,

    /// End once the script is done and both sides have been silent for this long, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub tail: Option<f64>,

    /// Begin at once, instead of when a program first opens the microphone
    #[arg(long)]
    pub at_once: bool,

    /// Record the user, before echo and noise (left), and the loudspeaker (right)
    #[arg(long, value_name = "WAV")]
    pub record: Option<PathBuf>,

    /// Write when each clip was played, and how regularly the devices ran
    #[arg(long, value_name = "JSON")]
    pub log: Option<PathBuf>,

    /// Seed of what is random in the room
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// A delay of the echo from a moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayAt {
    /// The moment, in seconds.
    pub second: f64,
    /// The delay, in ms.
    pub delay_ms: u64,
}

impl FromStr for DelayAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (second, delay) = text.split_once(':')?;
            let second = second.parse().ok().filter(|second| (0.0..1e6).contains(second))?;
            Some(Self { second, delay_ms: delay.parse().ok()? })
        };
        parse().ok_or_else(|| "write SECOND:MS, as in 60:120".into())
    }
}
