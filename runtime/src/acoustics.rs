//! The sound device of a call.

use duplex_audio::{MICROPHONE_FRAME, PLAYOUT_FRAME};

/// Whether a device goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// More frames follow.
    Running,
    /// The user has left.
    Over,
}

/// A full-duplex sound device, a frame of 10 ms at a time: a room, simulated or real.
pub trait Acoustics: Send {
    /// Plays a frame at the playout rate, and gives what the microphone hears in the same time at
    /// the session rate. Samples have full scale 1. Called in a steady rhythm; must not wait.
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene;
}
