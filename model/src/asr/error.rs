use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no transcript. Each variant implies what the caller can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AsrError {
    /// The recogniser program was not found: build it or name it.
    #[error(
        "the recogniser program duplex-asr was not found at {}; build it with `cargo build --release -p duplex-asr`, \
         or name it in the environment variable DUPLEX_ASR",
        join(.tried)
    )]
    WorkerNotFound {
        /// Where it was looked for, in order.
        tried: Vec<PathBuf>,
    },
    /// The recogniser program could not be started: check the path and its permissions.
    #[error("the recogniser program {} cannot be started: {source}", worker.display())]
    Spawn {
        /// The program.
        worker: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The program started, but is not this version's duplex-asr: name another.
    #[error("{} is not the recogniser program of this version of Duplex: {reason}", worker.display())]
    NotAWorker {
        /// The program.
        worker: PathBuf,
        /// What it did instead.
        reason: String,
    },
    /// The model is missing, damaged, of another format, or lacks the language: fetch it or name another.
    #[error("the Whisper model {} cannot be used: {reason}", model.display())]
    Model {
        /// The model's file.
        model: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The recogniser process died or hung, and so did its replacement. The window may be tried again: the next call
    /// starts another process.
    #[error("the recogniser process died: {how}")]
    WorkerDied {
        /// Exit status, or what went wrong with the pipe, and the last line the process wrote to standard error.
        how: String,
    },
    /// The model does not know the language asked for: ask for another, or load a model that knows it.
    #[error("the Whisper model {} does not know the language \"{language}\": {known}", model.display())]
    Language {
        /// The model's file.
        model: PathBuf,
        /// The language asked for.
        language: String,
        /// What it knows instead.
        known: String,
    },
    /// whisper.cpp refused this window; others may work.
    #[error("recognition failed: {reason}")]
    Failed {
        /// The worker's message.
        reason: String,
    },
    /// The window is longer than Whisper's context: shorten it.
    #[error("the window has {:.1} s of audio; at most {:.0} s can be recognised at once", given.as_secs_f32(), most.as_secs_f32())]
    TooLong {
        /// Length of the window.
        given: Duration,
        /// Longest window.
        most: Duration,
    },
    /// The window has a sample that is NaN or infinite: its source is broken.
    #[error("the window holds samples that are not finite, the first at {at}")]
    NotFinite {
        /// Index of the first such sample.
        at: usize,
    },
}

fn join(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
