//! Evidence: what is observed of the user's sound, weighed in one place.
//!
//! Every observation is a [`Feature`]. Two linear models weigh them ([`Weights`]): *is the user's turn over*, and *what
//! is this sound*. What is done follows from the probabilities and from what mistakes cost ([`Costs`]). No word, list or
//! detector decides alone. The weights are data, fitted by `duplex-datasets weights`.

mod costs;
mod feature;
mod fitted;
mod gather;
#[cfg(feature = "serde")]
mod names;
mod weights;

pub use costs::{Choice, Costs};
pub use feature::{FEATURES, Feature, Features};
pub use weights::{Linear, SOUND_KINDS, Sound, SoundKind, Weights, exp};

pub use gather::wording;
pub(crate) use gather::{SAME_VOICE_DB, Situation, gather, set_silence};
