//! Speech recognition: Whisper in a separate process.
//!
//! [`Recogniser`] is the principal type. It starts the program `duplex-asr`, sends it windows of audio and returns
//! [`Hypothesis`]es. whisper.cpp and llama.cpp cannot be linked into one program. The separate process also means that
//! a crash of whisper.cpp does not end a call: the process is started again, and the same window is recognised by its
//! replacement.
//!
//! Windows are independent of each other. The caller decides which audio makes a window, and which words of a growing
//! window are final. This module decides which parts of the model's output are rejected as hallucinated.
//!
//! Nothing here has a thread of its own, keeps audio, or knows about turns.

mod error;
#[cfg(test)]
mod fuzz;
mod guard;
mod hypothesis;
mod locate;
mod measure;
mod protocol;
mod recogniser;
mod wer;
mod worker;

pub use error::AsrError;
pub use hypothesis::{Hypothesis, NonSpeech, Word};
pub use locate::find_worker;
pub use measure::{Measurement, measure};
pub use recogniser::{Framing, Recogniser, RecogniserOptions, Request};
pub use wer::{WordErrors, plain_words, wer};
