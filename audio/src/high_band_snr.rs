//! HighBandSnr: what walls and distance take from a voice.

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F32, ToHertz, Type};
use duplex_core::SAMPLE_RATE;

use crate::units::level_db;

/// Where high_band_snr begins, in Hz: above the vowels' strongest formants. A voice close by has its
/// consonants there; of one behind a wall nothing arrives.
const FROM: f32 = 2_500.0;
/// Rooms and sound cards are never quieter, in dB of full scale.
const QUIETEST_DB: f32 = -70.0;
/// In the consonants of a voice close by there is about as much high_band_snr as anything else; what is left of it
/// behind a wall lies further than this below the rest, in dB.
const DULL_DB: f32 = 25.0;
/// How fast the background's level is taken to rise while something sounds, in dB a window.
const RISE_DB: f32 = 0.03;

/// Measures the high_band_snr of a stream against that of its background.
pub(crate) struct HighBandSnr {
    /// A high pass of the fourth order; empty where it cannot be made, which its constants rule out.
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

    /// By how many dB the high_band_snr of the next window exceeds the background's, and what walls would leave of
    /// such a sound; never negative.
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
