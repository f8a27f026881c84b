//! Speech synthesis: text to samples, in chunks, with marks that map samples back to text.
//!
//! [`Voice`] is the principal type: it speaks one clause at a time. The clause is written out for speech
//! ([`normalise`]), transcribed to phonemes by espeak-ng in a separate process, and synthesised by a Piper network,
//! slice by slice, so that the first audio is ready before the whole clause is computed. [`Splitter`] splits a reply
//! that is still being generated into such clauses. [`EspeakVoice`] is a voice for other languages, without a model.
//! A [`Lexicon`] says how words are pronounced that a voice would read otherwise.
//!
//! Nothing here has a thread of its own except the network's thread pool, plays audio, or knows about turn-taking.

mod align;
mod clauses;
mod config;
mod espeak;
mod espeak_voice;
mod graph;
pub mod normalise;
mod pronunciation;
mod trim;
mod utterance;
mod voice;

use std::io;
use std::path::PathBuf;

pub use clauses::Splitter;
pub use espeak_voice::EspeakVoice;
pub use pronunciation::{Lexicon, LexiconError, Reading};
pub use voice::{Chunk, Mark, Voice, VoiceOptions};

/// Why a voice cannot be loaded or cannot speak.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A file of the voice cannot be read: fetch it, or name another.
    #[error("the voice's file {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
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
    /// The network is damaged or of another kind: fetch it again, or use a Piper voice of one speaker.
    #[error("the voice's network {}: {what}", path.display())]
    Model {
        /// The `.onnx` file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The speed is out of range.
    #[error("the voice's speed is {speed}: it must be from 0.25 to 4")]
    Speed {
        /// The requested speed.
        speed: f32,
    },
    /// espeak-ng cannot be started: install it.
    #[error(
        "espeak-ng, which reads text for the voice, cannot be started ({source}): install it \
         (Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng)"
    )]
    NoEspeak {
        /// The operating system's error.
        source: io::Error,
    },
    /// espeak-ng has no such language: name one that it lists.
    #[error("espeak-ng has no voice \"{language}\"; espeak-ng --voices lists those it has")]
    Language {
        /// The requested language.
        language: String,
    },
    /// espeak-ng started and failed.
    #[error("espeak-ng failed: {what}")]
    Espeak {
        /// Its error message.
        what: String,
    },
    /// Inference failed on an utterance. The voice remains usable.
    #[error("speech synthesis failed: {what}")]
    Inference {
        /// The runtime's error message.
        what: String,
    },
}
