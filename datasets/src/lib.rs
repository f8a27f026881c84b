//! Dialogues cut into time slices: what the duplex model is trained on and judged by.
//!
//! [`Builder`] makes [`Dialogue`]s: what a user says and what the assistant answers, laid out in time and cut into slices, each with
//! what the assistant does in it and why ([`Phase`]). Dialogue `n` of a seed is always the same, whatever was built before it. The words
//! come from [`texts`]: prompts of packages, templates, and replies that the base model wrote.
//!
//! Nothing here trains a model or knows a vocabulary: a data set is text.

mod build;
mod compose;
mod dialogue;
mod error;
pub mod eval;
mod phrases;
mod stage;
pub mod stats;
pub mod talk;
pub mod texts;
mod utterance;

use std::fmt;

pub use build::{Builder, SLICES_MS};
pub use dialogue::{Category, Dialogue, Phase, Slice, Turn};
pub use error::Error;
pub use phrases::{Hearing, Phrasebook, Phrases};

/// A part of the data. No prompt, topic, template or phrase of one is said in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// To train on.
    Train,
    /// Held out, to judge by.
    Test,
}

impl Part {
    /// Both parts.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}
