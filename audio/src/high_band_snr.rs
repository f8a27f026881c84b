//! High-band SNR: the part of a voice that walls and distance remove.

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F32, ToHertz, Type};
use duplex_core::SAMPLE_RATE;

use crate::units::level_db;

/// Lower edge of the high band, in Hz: above the vowels' strongest formants. The consonants of a nearby voice have
/// energy there; of a voice behind a wall nothing arrives.
const FROM: f32 = 2_500.0;
/// Lower limit of the high band's level, in dBFS: rooms and sound cards are never quieter.
const QUIETEST_DB: f32 = -70.0;
/// A nearby voice's consonants have about as much energy in the high band as in the rest. What remains of the high band
/// behind a wall is lower than the rest by more than this, in dB.
const DULL_DB: f32 = 25.0;
/// Limit on how fast the background estimate rises while there is sound, in dB per window.
const RISE_DB: f32 = 0.03;

/// Measures the energy of a stream in the high band relative to its background.
pub(crate) struct HighBandSnr {
    /// A fourth-order high-pass filter; empty if it cannot be built, which the constants rule out.
    high_pass: Vec<DirectForm2Transposed<f32>>,
    background_db: Option<f32>,
    filtered: Vec<f32>,
}

impl HighBandSnr {
    pub(crate) fn new() -> Self {
        let coefficients = Coefficients::from_params(
            Type::HighPass,
            SAMPLE_RATE.hz(),
            FROM.hz(),
            Q_BUTTERWORTH_F32,
        );
        let high_pass = coefficients.map(|high| vec![DirectForm2Transposed::new(high); 2]);
        Self { high_pass: high_pass.unwrap_or_default(), background_db: None, filtered: Vec::new() }
    }

    /// High-band SNR of the next window, in dB: by how much its level in the high band exceeds both the background's
    /// and what a wall would leave of such a sound; never negative.
    pub(crate) fn above_background(&mut self, window: &[f32]) -> f32 {
        self.filtered.clear();
        let sections = &mut self.high_pass;
        self.filtered.extend(
            window.iter().map(|&x| sections.iter_mut().fold(x, |x, section| section.run(x))),
        );
        let level = level_db(&self.filtered).max(QUIETEST_DB);
        let background = match self.background_db {
            Some(background) => level.min(background + RISE_DB),
            None => level,
        };
        self.background_db = Some(background);
        (level - background.max(level_db(window) - DULL_DB)).max(0.0)
    }
}
