//! Acoustic echo cancellation: removes the assistant's own voice from the microphone.

use duplex_core::SAMPLE_RATE;
use sonora::{AudioProcessing, Config, StreamConfig, config};

use crate::units::{MICROPHONE_FRAME, sane};

/// WebRTC's third echo canceller (AEC3) at the session rate, without noise suppression: speech recognition copes better
/// with noise than with the artefacts of suppression.
///
/// It finds the delay between the two signals by itself, up to about half a second, and needs a few seconds of far-end
/// speech to converge.
pub struct EchoCanceller {
    processing: AudioProcessing,
    far: [f32; MICROPHONE_FRAME],
    cleaned: [f32; MICROPHONE_FRAME],
}

impl EchoCanceller {
    /// A canceller that has not adapted to a room yet.
    pub fn new() -> Self {
        let stream = StreamConfig::new(SAMPLE_RATE, 1);
        let config =
            Config { echo_canceller: Some(config::EchoCanceller::default()), ..Config::default() };
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(stream)
            .render_config(stream)
            .build();
        Self { processing, far: [0.0; MICROPHONE_FRAME], cleaned: [0.0; MICROPHONE_FRAME] }
    }

    /// Removes the echo of `far`, the frame sent to the loudspeaker meanwhile, from `near`.
    ///
    /// The output lags by the canceller's own block of 4 ms. NaN samples count as silence; a single one would stay in
    /// the adaptive filter for ever.
    pub fn process(&mut self, far: &[f32; MICROPHONE_FRAME], near: &mut [f32; MICROPHONE_FRAME]) {
        let far = far.map(sane);
        *near = near.map(sane);
        // Sample rate and frame size are those that both streams were built with, so neither call can fail.
        let rendered = self.processing.process_render_f32(&[&far], &mut [&mut self.far]);
        let captured = self.processing.process_capture_f32(&[near], &mut [&mut self.cleaned]);
        if rendered.is_ok() && captured.is_ok() {
            *near = self.cleaned.map(sane);
        }
    }

    /// The canceller's estimate of its echo return loss enhancement (ERLE), in dB; none before there is an estimate.
    pub fn erle_db(&self) -> Option<f32> {
        self.processing.statistics().echo_return_loss_enhancement.map(|erle| erle as f32)
    }
}

impl Default for EchoCanceller {
    fn default() -> Self {
        Self::new()
    }
}
