//! The client of a remote language model, against servers that a test writes byte by byte, and against llama.cpp's.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

mod certificates;
mod failures;
mod llama;
mod options;
mod replies;
mod secrecy;
mod server;
mod support;
