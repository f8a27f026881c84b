//! What a room is like.

use std::sync::Arc;

use duplex_audio::ImpulseResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a room sounds like while nobody in it speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// The noise of most rooms: less power the higher the frequency.
    #[default]
    Pink,
    /// A hiss.
    White,
    /// Several people who talk at once.
    Babble,
    /// Somebody who types.
    Keyboard,
}

/// What the room is like.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomOptions {
    /// Level of the assistant's echo in the microphone, in dB against the loudspeaker; none: no
    /// echo, as with headphones.
    pub echo_db: Option<f32>,
    /// How late the echo arrives, in ms.
    pub echo_delay_ms: u64,
    /// Reverberation time of the room, in ms.
    pub rt60_ms: u64,
    /// The room's impulse response in place of one made from `rt60_ms`.
    #[serde(skip)]
    pub impulse: Option<Arc<ImpulseResponse>>,
    /// The user's voice to noise at the microphone, in dB; none: no noise.
    pub snr_db: Option<f32>,
    /// What kind of noise that is.
    pub noise: NoiseKind,
    /// Who talks in babble, each what they say over and over, at the session rate.
    #[serde(skip)]
    pub talkers: Vec<Arc<Vec<f32>>>,
    /// Seed of everything random.
    pub seed: u64,
    /// Silence of both sides after the last cue that ends the call, in ms. Without cues, from the
    /// call's beginning.
    pub tail_ms: u64,
    /// So long after the last cue has ended, or after the beginning of a call without cues, the user
    /// hangs up, whatever the assistant does, in ms; none: the user hears it out, for three minutes at
    /// most.
    pub hang_up_ms: Option<u64>,
    /// How long a cue waits for its anchor before it is given up, in ms.
    pub patience_ms: u64,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            echo_db: None,
            echo_delay_ms: 40,
            rt60_ms: 250,
            impulse: None,
            snr_db: None,
            noise: NoiseKind::default(),
            talkers: Vec::new(),
            seed: 1,
            tail_ms: 3_000,
            hang_up_ms: None,
            patience_ms: 20_000,
        }
    }
}
