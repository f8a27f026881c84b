//! Rates and frame sizes: the only place where they are numbers.

use duplex_core::{SAMPLE_RATE, Samples};

/// Samples per second of everything played: three times the session rate, so that the far-end
/// reference is an integer ratio away, and the rate that most sound cards run at.
pub const PLAYOUT_RATE: u32 = 3 * SAMPLE_RATE;

/// Milliseconds of one frame of the front end; the echo canceller works on no other.
pub const FRAME_MILLIS: u64 = 10;

/// Samples of one frame at the session rate.
pub const MICROPHONE_FRAME: usize = Samples::from_millis(FRAME_MILLIS).0 as usize;

/// Samples of one frame at [`PLAYOUT_RATE`].
pub const PLAYOUT_FRAME: usize = playout_samples(FRAME_MILLIS);

/// Samples at the session rate over which the voice activity model gives one probability (32 ms).
pub const ACTIVITY_WINDOW: usize = Samples::from_millis(32).0 as usize;

/// Turns milliseconds into samples at [`PLAYOUT_RATE`].
pub(crate) const fn playout_samples(millis: u64) -> usize {
    (millis * PLAYOUT_RATE as u64 / 1000) as usize
}

/// The level that silence is given, in dB of full scale.
pub(crate) const SILENCE_DB: f32 = -100.0;

/// Mean power of `samples` in dB of full scale (a full-scale square wave is 0 dB), at least -100.
pub fn level_db(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DB;
    }
    power_db(samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32)
}

/// `power` in dB, at least [`SILENCE_DB`].
pub(crate) fn power_db(power: f32) -> f32 {
    (10.0 * power.max(0.0).log10()).max(SILENCE_DB)
}

/// `db` as a factor on amplitudes.
pub(crate) fn amplitude(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// `sample` limited to full scale, or silence where it is not a number or so small (-300 dB) that the
/// processor would slow down over it.
pub(crate) fn sane(sample: f32) -> f32 {
    if sample.abs() > 1e-15 { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
