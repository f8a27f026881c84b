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
//! An engine is started once; each call needs a sound device, which is whatever implements [`Acoustics`].
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use duplex_audio::{MICROPHONE_FRAME, PLAYOUT_FRAME};
//! use duplex_model::{asr::RecogniserOptions, llm::LlmOptions, tts::VoiceOptions};
//! use duplex_runtime::{
//!     Acoustics, Call, CallOptions, Engine, EngineOptions, Scene, SessionStep, Stop,
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
//! let engine = Engine::start(EngineOptions {
//!     llm: "smollm2.gguf".into(),
//!     llm_options: LlmOptions::default(),
//!     duplex: None,
//!     system_prompt: "You answer in one short sentence.".to_owned(),
//!     asr: RecogniserOptions::new("duplex-asr", "ggml-tiny.en.bin"),
//!     voice: VoiceOptions {
//!         model: "voice.onnx".into(),
//!         config: "voice.onnx.json".into(),
//!         threads: 1,
//!         speed: 1.0,
//!         seed: 1,
//!     },
//!     vad: "silero_vad.onnx".into(),
//!     turn: "smart-turn.onnx".into(),
//!     turn_threads: 1,
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
//! `job` (what the session's thread and the models exchange), `session_driver` (carries out a session's actions),
//! `call` (the two threads of a live call) and its `inbox`, `virtual_call` (the same in one loop), `queue` and `worker` (how one model
//! serves all calls), `models` (what each model does with a piece of work), `engine` (starts them). To add a kind of
//! model, write its `Model` in `models` and start its worker in `engine`; to add a kind of work, begin
//! in `job`.

mod acoustics;
mod call;
mod engine;
mod inbox;
mod job;
mod journal;
mod models;
mod queue;
mod session_driver;
mod virtual_call;
mod worker;

pub use acoustics::{Acoustics, Scene};
pub use call::{Call, CallError, CallOptions, Counters, Outcome, SessionStep, Stop};
pub use engine::{DuplexOptions, Engine, EngineError, EngineInfo, EngineOptions};
pub use journal::{Difference, Journal, JournalError, replay, replay_from};
pub use virtual_call::{Charges, run_virtual};

#[cfg(test)]
mod tests;
