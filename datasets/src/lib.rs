//! Dialogues in time slices: the training and evaluation data of the duplex model.
//!
//! [`Builder`] is the principal type. It generates [`Dialogue`]s: what a user says and what the assistant answers, laid
//! out in time and cut into slices, each with what the assistant does in it and why ([`Phase`]). Dialogue `n` of a seed
//! is always the same, whatever was generated before it. The words come from [`texts`]: prompts from packages,
//! templates, and replies that the base model wrote. [`eval`] and [`talk`] evaluate a model on them.
//!
//! Nothing here trains a model, and a data set contains text only, never tokens.

pub mod acts;
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
pub mod weights;

use std::fmt;

pub use build::{Builder, SLICES_MS};
pub use dialogue::{Category, Dialogue, Phase, Slice, Turn};
pub use error::Error;
pub use phrases::{Hearing, Phrasebook, Phrases};

/// A part of the data. No prompt, topic, template or phrase of one part occurs in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// For training.
    Train,
    /// Held out, for evaluation.
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
