//! Options of the room.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImpulseResponse;

/// Kind of background noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// Pink noise, as in most rooms: less power at higher frequencies.
    #[default]
    Pink,
    /// White noise: a hiss.
    White,
    /// Several people who talk at once.
    Babble,
    /// Somebody who types.
    Keyboard,
}

/// A change of the echo's delay, as where a device's buffer slips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayChange {
    /// When, in ms since the call began.
    pub at_ms: u64,
    /// The delay from then on, in ms.
    pub delay_ms: u64,
}

/// Acoustics of the room, and when a call in it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomOptions {
    /// Level of the assistant's echo in the microphone, in dB relative to the loudspeaker; none: no
    /// echo, as with headphones.
    pub echo_db: Option<f32>,
    /// Delay of the echo, in ms.
    pub echo_delay_ms: u64,
    /// Changes of that delay during the call, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub echo_delay_changes: Vec<DelayChange>,
    /// Reverberation time of the room, in ms.
    pub rt60_ms: u64,
    /// The room's measured impulse response, instead of one made from `rt60_ms`.
    #[serde(skip)]
    pub impulse: Option<Arc<ImpulseResponse>>,
    /// Signal-to-noise ratio at the microphone, of the user's voice to the noise, in dB; none: no
    /// noise.
    pub snr_db: Option<f32>,
    /// Kind of the noise.
    pub noise: NoiseKind,
    /// The talkers of babble noise, each a clip that is repeated, at the session rate.
    #[serde(skip)]
    pub talkers: Vec<Arc<Vec<f32>>>,
    /// Seed of everything random.
    pub seed: u64,
    /// Silence of both sides after the last cue that ends the call, in ms. Without cues, counted
    /// from the beginning of the call.
    pub tail_ms: u64,
    /// The user hangs up this long after the last cue ended, or after a call without cues began,
    /// whatever the assistant does, in ms; none: the user hears the assistant out, for three
    /// minutes at most.
    pub hang_up_ms: Option<u64>,
    /// How long a cue waits for its anchor before it is given up, in ms.
    pub patience_ms: u64,
    /// How long from the beginning of the call the user waits for the assistant to speak first, in
    /// ms, as for an answer that is due; 0: the assistant is not expected to.
    pub first_words_within_ms: u64,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            echo_db: None,
            echo_delay_ms: 40,
            echo_delay_changes: Vec::new(),
            rt60_ms: 250,
            impulse: None,
            snr_db: None,
            noise: NoiseKind::default(),
            talkers: Vec::new(),
            seed: 1,
            tail_ms: 3_000,
            hang_up_ms: None,
            patience_ms: 20_000,
            first_words_within_ms: 0,
        }
    }
}
