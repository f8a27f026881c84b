//! Sample rates and frame sizes: the only place where they are numbers.

use duplex_core::{SAMPLE_RATE, Samples};

/// Sample rate of everything played, in Hz: three times the session rate, so that the far-end reference is an integer
/// ratio away, and the rate that most sound cards run at.
pub const PLAYOUT_RATE: u32 = 3 * SAMPLE_RATE;

/// Milliseconds per frame of the front end; the echo canceller works on no other length.
pub const FRAME_MILLIS: u64 = 10;

/// Samples per frame at the session rate.
pub const MICROPHONE_FRAME: usize = Samples::from_millis(FRAME_MILLIS).0 as usize;

/// Samples per frame at [`PLAYOUT_RATE`].
pub const PLAYOUT_FRAME: usize = playout_samples(FRAME_MILLIS);

/// Samples per speech probability of the voice activity model, at the session rate (32 ms).
pub const ACTIVITY_WINDOW: usize = Samples::from_millis(32).0 as usize;

/// Converts milliseconds to samples at [`PLAYOUT_RATE`].
pub(crate) const fn playout_samples(millis: u64) -> usize {
    (millis * PLAYOUT_RATE as u64 / 1000) as usize
}

/// The level that stands for silence, in dBFS.
pub(crate) const SILENCE_DB: f32 = -100.0;

/// RMS level of `samples` in dBFS, where a full-scale square wave is 0 dBFS; at least -100.
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

/// Converts `db` to an amplitude factor.
pub(crate) fn amplitude(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// `sample` clamped to full scale; 0 if it is NaN, or so small (below -300 dB) that denormals would slow the CPU down.
pub(crate) fn sane(sample: f32) -> f32 {
    if sample.abs() > 1e-15 { sample.clamp(-1.0, 1.0) } else { 0.0 }
}
