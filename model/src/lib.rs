//! The models of Duplex: speech recognition ([`asr`]), acoustic endpointing ([`endpoint`]), the language model
//! ([`llm`]) or one that runs elsewhere ([`remote`]), speech synthesis ([`tts`]), and the store of their files
//! ([`weights`]).
//!
//! Each model is a plain type whose calls block: [`asr::Recogniser`], [`endpoint::EndOfTurn`], [`llm::Llm`] and
//! [`tts::Voice`]; [`remote::Endpoint`] is asynchronous, on the caller's tokio runtime. Beside the compute threads that
//! an inference runtime uses during a call, nothing here starts a thread, plays audio, or knows about turn-taking.

pub mod adapter;
pub mod asr;
pub mod endpoint;
pub mod llm;
pub mod remote;
pub mod tts;
pub mod weights;
