//! The language model, with the real one: SmolLM2-135M from the models folder.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

mod bad_files;
mod calls;
mod ends;
mod fit;
mod mirror;
mod prompt;
mod repetition;
mod replies;
mod slices;
mod support;
