//! The far-end reference: what the loudspeaker played, at the microphone's rate and frame size.

use duplex_core::SAMPLE_RATE;

use crate::{
    resample::Resampler,
    units::{MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE},
};

/// Resamples played audio to the far-end reference that an echo canceller or an echo path takes.
///
/// The reference lags by the resampler's delay, about 4 ms: the first frame begins with silence. After that, no sample
/// is lost or inserted.
pub struct FarEnd {
    rate: Resampler,
    /// Resampled samples that do not fill a frame yet; fewer than one frame.
    waiting: Vec<f32>,
}

impl Default for FarEnd {
    fn default() -> Self {
        let rate = Resampler::new(PLAYOUT_RATE, SAMPLE_RATE)
            .unwrap_or_else(|error| unreachable!("both rates are constants: {error}"));
        Self { rate, waiting: Vec::with_capacity(2 * MICROPHONE_FRAME) }
    }
}

impl FarEnd {
    /// Takes one frame as played and returns one frame of the far-end reference. Does not allocate.
    pub fn frame(&mut self, played: &[f32; PLAYOUT_FRAME]) -> [f32; MICROPHONE_FRAME] {
        self.rate.process(played, &mut self.waiting);
        let mut far = [0.0; MICROPHONE_FRAME];
        // The resampler's delay: the output begins with silence.
        let ready = self.waiting.len().min(MICROPHONE_FRAME);
        far[MICROPHONE_FRAME - ready..].copy_from_slice(&self.waiting[..ready]);
        self.waiting.drain(..ready);
        far
    }
}
