//! The models of Duplex: speech recognition ([`asr`]), acoustic endpointing ([`endpoint`]), the language model
//! ([`llm`]), speech synthesis ([`tts`]), and the store of their files ([`weights`]).
//!
//! Each model is a plain type whose calls block: [`asr::Recogniser`], [`endpoint::EndOfTurn`], [`llm::Llm`] and
//! [`tts::Voice`]. Beside the compute threads that an inference runtime uses during a call, nothing here starts a
//! thread, plays audio, or knows about turn-taking.

pub mod adapter;
pub mod asr;
pub mod endpoint;
pub mod llm;
pub mod tts;
pub mod weights;
