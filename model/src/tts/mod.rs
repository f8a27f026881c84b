//! The assistant's voice: text to samples, in chunks, with marks from samples back to text.
//!
//! [`Voice`] speaks one clause at a time. The clause is written out for speech ([`normalise`]),
//! read by espeak-ng in a process of its own, and synthesised by a Piper network, slice by slice,
//! so that the first sound is there before the clause is computed. [`Splitter`] cuts a reply that
//! is still being written into such clauses.
//!
//! Nothing here has a thread of its own beside the network's pool, plays sound or knows who has
//! the floor.

mod align;
mod clauses;
mod config;
mod espeak;
mod graph;
pub mod normalise;
mod trim;
mod utterance;
mod voice;

use std::io;
use std::path::PathBuf;

pub use clauses::Splitter;
pub use voice::{Chunk, Mark, Voice, VoiceOptions};

/// Why a voice cannot be loaded or cannot speak.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A file of the voice cannot be read: fetch it, or name another.
    #[error("the voice's file {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The settings are not those of a supported voice: use a Piper voice of one English speaker.
    #[error("the voice's settings {}: {what}", path.display())]
    Config {
        /// The `.onnx.json` file.
        path: PathBuf,
        /// What is wrong with them.
        what: String,
    },
    /// The network is damaged or of another kind: fetch it again, or use a Piper voice of one
    /// speaker.
    #[error("the voice's network {}: {what}", path.display())]
    Model {
        /// The `.onnx` file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The speed asked for is out of range.
    #[error("the voice's speed is {speed}: it must be from 0.25 to 4")]
    Speed {
        /// What was asked for.
        speed: f32,
    },
    /// espeak-ng cannot be started: install it.
    #[error(
        "espeak-ng, which reads text for the voice, cannot be started ({source}): install it \
         (Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng)"
    )]
    NoEspeak {
        /// What the system said.
        source: io::Error,
    },
    /// espeak-ng started and failed.
    #[error("espeak-ng failed: {what}")]
    Espeak {
        /// What it said.
        what: String,
    },
    /// The network failed on an utterance. The voice can be used on.
    #[error("speech synthesis failed: {what}")]
    Inference {
        /// What the runtime said.
        what: String,
    },
}
