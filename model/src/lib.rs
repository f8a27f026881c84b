//! The models of Duplex, each behind a plain, blocking type without threads of its own.

pub mod adapter;
pub mod asr;
pub mod endpoint;
pub mod llm;
pub mod tts;
pub mod weights;
