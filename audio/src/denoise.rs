//! Noise suppression, for what people listen to afterwards. Speech recognition copes better with noise than with what
//! its suppression leaves of a voice.

use duplex_core::SAMPLE_RATE;
use sonora::{AudioProcessing, Config, StreamConfig, config};

use crate::units::{MICROPHONE_FRAME, sane};

/// WebRTC's noise suppression at the session rate: steady noise becomes about 18 dB softer, voices stay.
pub struct NoiseSuppressor {
    processing: AudioProcessing,
    suppressed: [f32; MICROPHONE_FRAME],
}

impl NoiseSuppressor {
    /// A suppressor that knows no noise yet; it takes about a second to.
    pub fn new() -> Self {
        let stream = StreamConfig::new(SAMPLE_RATE, 1);
        let suppression = config::NoiseSuppression {
            level: config::NoiseSuppressionLevel::High,
            ..config::NoiseSuppression::default()
        };
        let config = Config { noise_suppression: Some(suppression), ..Config::default() };
        let processing = AudioProcessing::builder().config(config).capture_config(stream).build();
        Self { processing, suppressed: [0.0; MICROPHONE_FRAME] }
    }

    /// Takes the noise out of the next frame. What comes out is a few ms late. NaN samples count as silence.
    pub fn process(&mut self, frame: &mut [f32; MICROPHONE_FRAME]) {
        *frame = frame.map(sane);
        // Rate and frame size are those that the stream was built with, so it cannot fail.
        if self.processing.process_capture_f32(&[frame], &mut [&mut self.suppressed]).is_ok() {
            *frame = self.suppressed.map(sane);
        }
    }
}

impl Default for NoiseSuppressor {
    fn default() -> Self {
        Self::new()
    }
}
