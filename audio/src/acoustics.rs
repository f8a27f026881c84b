//! A sound device without a clock of its own.

use crate::units::{MICROPHONE_FRAME, PLAYOUT_FRAME};

/// Whether the device still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// More frames follow.
    Running,
    /// The user has left.
    Over,
}

/// A full-duplex sound device without a clock of its own, a frame of 10 ms at a time: a simulated room, a socket.
///
/// To write another, keep the rhythm: [`exchange`](Self::exchange) is called every 10 ms by the call's sound thread and
/// must return at once. A device with callbacks of its own drives a [`CallAudio`](crate::CallAudio) instead. The echo of `playout` in `microphone` is removed by the call, if it comes within
/// 300 ms; level, voice activity and rates are no concern of the device beyond the rates given here.
pub trait Acoustics: Send {
    /// Plays a frame at the playout rate, and gives what the microphone hears in the same time at
    /// the session rate. Samples have full scale 1. Called in a steady rhythm; must not wait.
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene;
}
