//! Taking the assistant's own voice out of the microphone.

use duplex_core::SAMPLE_RATE;
use sonora::{AudioProcessing, Config, StreamConfig, config};

use crate::units::{MICROPHONE_FRAME, sane};

/// WebRTC's third echo canceller (AEC3) at the session rate, without noise suppression: recognition
/// copes better with noise than with what suppression does to a voice.
///
/// It finds the delay between the two signals by itself, up to about half a second, and needs some
/// seconds of far-end speech to converge.
pub struct EchoCanceller {
    processing: AudioProcessing,
    far: [f32; MICROPHONE_FRAME],
    cleaned: [f32; MICROPHONE_FRAME],
}

impl EchoCanceller {
    /// A canceller that knows nothing of the room yet.
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

    /// Removes from `near` what comes from `far`, the frame handed to the loudspeaker meanwhile.
    ///
    /// The cleaned sound lags behind by the canceller's own block of 4 ms. Samples that are not
    /// numbers count as silence; one of them would stay in the filter for ever.
    pub fn process(&mut self, far: &[f32; MICROPHONE_FRAME], near: &mut [f32; MICROPHONE_FRAME]) {
        let far = far.map(sane);
        *near = near.map(sane);
        // Rate and frame size are those that both streams were built with, so neither can fail.
        let rendered = self.processing.process_render_f32(&[&far], &mut [&mut self.far]);
        let captured = self.processing.process_capture_f32(&[near], &mut [&mut self.cleaned]);
        if rendered.is_ok() && captured.is_ok() {
            *near = self.cleaned.map(sane);
        }
    }

    /// By how many dB the canceller believes to weaken the echo (its estimate of the echo return loss
    /// enhancement); nothing before it has an estimate.
    pub fn erle_db(&self) -> Option<f32> {
        self.processing.statistics().echo_return_loss_enhancement.map(|erle| erle as f32)
    }
}

impl Default for EchoCanceller {
    fn default() -> Self {
        Self::new()
    }
}
