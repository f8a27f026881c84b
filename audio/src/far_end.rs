//! What the loudspeaker played, at the microphone's rate and in its frames.

use duplex_core::SAMPLE_RATE;

use crate::{
    resample::Resampler,
    units::{MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE},
};

/// Turns what is played into the far end that an echo canceller or an echo path takes.
///
/// The far end is late by the delay of the resampling, about 4 ms: the first frame begins with
/// silence, and from then on no sample is missing and none is made up.
pub struct FarEnd {
    rate: Resampler,
    /// Converted samples that do not fill a frame yet; less than one frame.
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
    /// Takes a frame as it is played, gives a frame of the far end. Does not allocate.
    pub fn frame(&mut self, played: &[f32; PLAYOUT_FRAME]) -> [f32; MICROPHONE_FRAME] {
        self.rate.process(played, &mut self.waiting);
        let mut far = [0.0; MICROPHONE_FRAME];
        // The converter holds back its delay: silence comes first.
        let ready = self.waiting.len().min(MICROPHONE_FRAME);
        far[MICROPHONE_FRAME - ready..].copy_from_slice(&self.waiting[..ready]);
        self.waiting.drain(..ready);
        far
    }
}
