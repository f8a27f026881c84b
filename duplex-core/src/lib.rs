//! A full-duplex conversation as a pure state machine.

mod time;

pub use time::{SAMPLE_RATE, Samples, SessionTime};
