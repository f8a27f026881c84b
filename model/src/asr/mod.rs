//! Speech recognition: Whisper in a process of its own.
//!
//! [`Recogniser`] is the principal type. It starts the program `duplex-asr`, sends it windows of audio and gives back
//! [`Hypothesis`]es. whisper.cpp and llama.cpp cannot be linked into one program, and a crash of whisper.cpp then ends a
//! window rather than a call: the process is started again, and the window it held is recognised by the next.
//!
//! Windows are independent of each other. Which audio makes a window, and which words of a growing window are final,
//! is for the caller to decide; what of the model's answer is believed at all is decided here.
//!
//! Nothing here has a thread of its own, keeps audio, or knows of turns.

mod error;
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
