//! Threads and the clock around a [`DuplexSession`](duplex_core::DuplexSession).
//!
//! A [`Call`] is one live conversation: a thread that turns a sound device into events, a thread that steps the
//! session, and the [`Engine`], whose threads own the models and serve all calls. [`run_virtual`] runs the same
//! conversation without waiting for the clock: every model job is charged a fixed latency, so that the outcome does
//! not depend on the machine's speed. The [`Journal`] has the events of a call in their order; [`replay`] steps a
//! session through them again.
//!
//! No rule of conversation lives here: what to do is decided in `duplex-core` alone.
//!
//! # Running a call
//!
//! An engine is started once; each call needs a sound device. One without a clock of its own is whatever implements
//! [`Acoustics`](duplex_audio::Acoustics); one that has a clock drives the call's sound itself ([`Call::on_device`]).
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use duplex_audio::{Acoustics, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene};
//! use duplex_model::{
//!     asr::RecogniserOptions, llm::LlmOptions, tts::{Lexicon, VoiceOptions},
//! };
//! use duplex_runtime::{
//!     Call, CallOptions, Engine, EngineOptions, ReplyOptions, SessionStep, Stop, models,
//! };
//!
//! /// A device without a microphone, for ten seconds.
//! struct Silence(usize);
//!
//! impl Acoustics for Silence {
//!     fn exchange(
//!         &mut self,
//!         _playout: &[f32; PLAYOUT_FRAME],
//!         microphone: &mut [f32; MICROPHONE_FRAME],
//!     ) -> Scene {
//!         microphone.fill(0.0);
//!         self.0 += 1;
//!         if self.0 < 1_000 { Scene::Running } else { Scene::Over }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `duplex models list` shows where the files lie.
//! let llm = models::llama("smollm2.gguf".into(), LlmOptions::default());
//! let engine = Engine::start(EngineOptions {
//!     recogniser: models::whisper(RecogniserOptions::new("duplex-asr", "ggml-tiny.en.bin")),
//!     end_of_turn: models::smart_turn("smart-turn.onnx".into(), 1),
//!     duplex: None,
//!     replies: vec![ReplyOptions::new("smollm2", llm)],
//!     voices: vec![("joe".to_owned(), models::voices::piper(VoiceOptions {
//!         model: "voice.onnx".into(),
//!         config: "voice.onnx.json".into(),
//!         threads: 1,
//!         speed: 1.0,
//!         seed: 1,
//!     }))],
//!     instructions: "You answer in one short sentence.".to_owned(),
//!     lexicon: Lexicon::new([("Saoirse", "SEER-sha")])?,
//!     vad: "silero_vad.onnx".into(),
//! })?;
//! // Called on the session's thread with every event and what the session did about it.
//! let observer = Box::new(|step: SessionStep<'_>| {
//!     if !step.actions.is_empty() {
//!         eprintln!("{} ms: {:?}", step.at.as_millis(), step.actions);
//!     }
//! });
//! let stop = Stop::default(); // `stop.stop()` ends the call from anywhere
//! let device = Box::new(Silence(0));
//! let call = Call::start(Arc::new(engine), device, CallOptions::default(), stop, observer)?;
//! for line in call.join()?.transcript {
//!     println!("{:?}: {}", line.speaker, line.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Reading order
//!
//! `ports` (what a model must be able to do) and `models` (those there are). `job` (a piece of
//! work, and who asks for it) and `jobs` (each kind of it in a file). `session_driver` (carries out a session's
//! actions), `call` (the two threads of a live call), its `inbox`, its `sound` (who has the clock), `call_handle` (what
//! steers it) and `event_queue` (what it shows, on its way to a reader who may be slow), `virtual_call` (the same in one
//! loop). `queue` and `worker` (how the models of a port serve all calls), `reply_stream` (a reply on its way), `engine`
//! (starts them).

mod call;
mod call_handle;
mod engine;
mod event_queue;
mod inbox;
mod job;
mod jobs;
mod journal;
pub mod models;
pub mod ports;
mod queue;
mod reply_stream;
mod session_driver;
mod settings;
mod sound;
mod virtual_call;
mod worker;

pub use call::{Call, CallError, CallOptions, Counters, Outcome, SessionStep, Stop};
pub use call_handle::{CallHandle, CommandError};
pub use engine::{Engine, EngineError, EngineInfo, EngineOptions, ReplyOptions};
pub use event_queue::{EVENT_QUEUE, EventReader, EventWriter, WhenFull, event_queue};
pub use journal::{Difference, Journal, JournalError, replay, replay_from, replay_seen};
pub use ports::CallKey;
pub use reply_stream::{Flow, ReplySink};
pub use settings::{SessionError, SessionOptions};
pub use virtual_call::{Charges, run_virtual};
pub use worker::ModelCounters;

#[cfg(test)]
mod tests;
