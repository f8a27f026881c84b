//! Calls over real sockets, on the real models.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/tests/engine/mod.rs"]
mod engine;

mod bad_input;
mod conversations;
mod http;
mod places;
mod support;
