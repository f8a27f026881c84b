//! The log-mel spectrogram that smart-turn was trained on.
//!
//! Whisper's features (Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", section 2.2) over
//! a window of 8 s instead of 30 s, of audio normalised to zero mean and unit variance, padding included.
//! `model/fixtures/smart_turn_reference.py` writes the values of the reference implementation that the tests compare
//! with.

use std::f32::consts::PI;
use std::sync::Arc;

use duplex_core::SAMPLE_RATE;
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Length of the model's window in samples: 8 s.
pub const WINDOW: usize = 8 * SAMPLE_RATE as usize;
/// Mel bands: the rows of the features.
pub(super) const BANDS: usize = 80;
/// Frames: the columns of the features.
pub(super) const FRAMES: usize = WINDOW / HOP;

/// Hop size in samples: 10 ms.
const HOP: usize = SAMPLE_RATE as usize / 100;
/// Length of the analysis window in samples: 25 ms.
const FRAME: usize = SAMPLE_RATE as usize / 40;
/// Frames are centred: the first one reaches this many samples beyond the edge.
const HALF: usize = FRAME / 2;

/// Added to the variance, so that digital silence does not divide by zero.
const VARIANCE_FLOOR: f64 = 1e-7;
/// The lowest power of which a logarithm is taken.
const POWER_FLOOR: f32 = 1e-10;
/// Dynamic range in decades: everything further below the loudest value is clamped.
const RANGE: f32 = 8.0;

/// One triangular filter over contiguous FFT bins.
struct Band {
    first_bin: usize,
    weights: Vec<f32>,
}

/// Computes features into reused buffers.
pub(super) struct LogMel {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    bands: Vec<Band>,
    /// The normalised window with its two reflected edges.
    sound: Vec<f32>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    power: Vec<f32>,
    scratch: Vec<Complex32>,
    /// [`BANDS`] rows of [`FRAMES`] values.
    features: Vec<f32>,
}

impl LogMel {
    pub(super) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FRAME);
        let hann =
            (0..FRAME).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / FRAME as f32).cos()).collect();
        Self {
            hann,
            bands: mel_bands(),
            sound: vec![0.0; HALF + WINDOW + HALF],
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            power: vec![0.0; FRAME / 2 + 1],
            scratch: fft.make_scratch_vec(),
            features: vec![0.0; BANDS * FRAMES],
            fft,
        }
    }

    /// The features of `audio`, at most [`WINDOW`] samples, placed at the end of the window and preceded by silence.
    /// Row-major, [`BANDS`] rows of [`FRAMES`] values.
    pub(super) fn compute(&mut self, audio: &[f32]) -> &[f32] {
        let silent = WINDOW - audio.len();
        self.fill(audio);

        // All frames within the padding are equal: only one is computed.
        let first = silent.saturating_sub(HALF).div_ceil(HOP).min(FRAMES - 1);
        let mut loudest = f32::MIN;
        for frame in first.saturating_sub(1)..FRAMES {
            loudest = loudest.max(self.analyse(frame));
        }
        let floor = loudest - RANGE;
        let scale = |log_power: f32| (log_power.max(floor) + 4.0) / 4.0;
        for row in self.features.chunks_exact_mut(FRAMES) {
            let (padding, sound) = row.split_at_mut(first);
            if let Some(&last) = padding.last() {
                padding.fill(scale(last));
            }
            for value in sound {
                *value = scale(*value);
            }
        }
        &self.features
    }

    /// Normalises the window, padding included, to zero mean and unit variance, and reflects its edges.
    fn fill(&mut self, audio: &[f32]) {
        let mean = audio.iter().map(|&x| f64::from(x)).sum::<f64>() / WINDOW as f64;
        let power = audio.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / WINDOW as f64;
        let variance = (power - mean * mean).max(0.0);
        let gain = (variance + VARIANCE_FLOOR).sqrt().recip() as f32;
        let mean = mean as f32;

        let begin = HALF + WINDOW - audio.len();
        let end = HALF + WINDOW;
        self.sound[..begin].fill(-mean * gain);
        for (to, &from) in self.sound[begin..end].iter_mut().zip(audio) {
            *to = (from - mean) * gain;
        }
        for i in 1..=HALF {
            self.sound[HALF - i] = self.sound[HALF + i];
            self.sound[end - 1 + i] = self.sound[end - 1 - i];
        }
    }

    /// Writes one column of log10 mel power and returns its largest value.
    fn analyse(&mut self, column: usize) -> f32 {
        let sound = &self.sound[column * HOP..][..FRAME];
        for ((to, &sample), &weight) in self.frame.iter_mut().zip(sound).zip(&self.hann) {
            *to = sample * weight;
        }
        self.fft
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers were made by the plan");
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr();
        }
        let mut loudest = f32::MIN;
        for (row, band) in self.bands.iter().enumerate() {
            let bins = &self.power[band.first_bin..];
            let power: f32 = bins.iter().zip(&band.weights).map(|(p, w)| p * w).sum();
            let log_power = power.max(POWER_FLOOR).log10();
            self.features[row * FRAMES + column] = log_power;
            loudest = loudest.max(log_power);
        }
        loudest
    }
}

/// Triangular filters of equal area between points equally spaced on Slaney's mel scale (Auditory Toolbox, 1998), from
/// 0 Hz to half the sample rate.
fn mel_bands() -> Vec<Band> {
    let nyquist = f64::from(SAMPLE_RATE) / 2.0;
    let step = hertz_to_mel(nyquist) / (BANDS + 1) as f64;
    let edges: Vec<f64> = (0..BANDS + 2).map(|i| mel_to_hertz(step * i as f64)).collect();
    let bins: Vec<f64> =
        (0..=FRAME / 2).map(|bin| nyquist * bin as f64 / (FRAME / 2) as f64).collect();
    let triangle = |edges: &[f64]| {
        let (low, peak, high) = (edges[0], edges[1], edges[2]);
        let weight = |hertz: f64| {
            ((hertz - low) / (peak - low)).min((high - hertz) / (high - peak)) * 2.0 / (high - low)
        };
        let first_bin = bins.partition_point(|&hertz| hertz <= low);
        let last_bin = bins.partition_point(|&hertz| hertz < high);
        let weights = bins[first_bin..last_bin].iter().map(|&hertz| weight(hertz) as f32).collect();
        Band { first_bin, weights }
    };
    edges.windows(3).map(triangle).collect()
}

/// Where Slaney's scale changes from linear to logarithmic, in hertz and in mels.
const KNEE: (f64, f64) = (1000.0, 15.0);

/// Above the knee a factor of 6.4 in frequency is 27 mels; this is the number of mels per factor of e.
fn mels_per_neper() -> f64 {
    27.0 / 6.4_f64.ln()
}

fn hertz_to_mel(hertz: f64) -> f64 {
    if hertz < KNEE.0 {
        hertz * KNEE.1 / KNEE.0
    } else {
        KNEE.1 + (hertz / KNEE.0).ln() * mels_per_neper()
    }
}

fn mel_to_hertz(mel: f64) -> f64 {
    if mel < KNEE.1 {
        mel * KNEE.0 / KNEE.1
    } else {
        KNEE.0 * ((mel - KNEE.1) / mels_per_neper()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        silence_samples: usize,
        clips: Vec<Clip>,
    }

    #[derive(serde::Deserialize)]
    struct Clip {
        clip: String,
        mean: f64,
        deviation: f64,
        frames: Vec<Column>,
    }

    #[derive(serde::Deserialize)]
    struct Column {
        frame: usize,
        log_mel: Vec<f32>,
    }

    fn fixture() -> Fixture {
        serde_json::from_str(include_str!("../../fixtures/smart_turn_reference.json")).unwrap()
    }

    fn turn(clip: &str, silence: usize) -> Vec<f32> {
        let path = format!("{}/../tests/speech/{clip}.flac", env!("CARGO_MANIFEST_DIR"));
        let mut reader = claxon::FlacReader::open(path).unwrap();
        let mut audio: Vec<f32> =
            reader.samples().map(|sample| sample.unwrap() as f32 / 32768.0).collect();
        audio.resize(audio.len() + silence, 0.0);
        audio.split_off(audio.len().saturating_sub(WINDOW))
    }

    #[test]
    fn the_features_of_speech_equal_those_of_the_reference() {
        let fixture = fixture();
        let mut log_mel = LogMel::new();
        for clip in &fixture.clips {
            let features = log_mel.compute(&turn(&clip.clip, fixture.silence_samples));
            for column in &clip.frames {
                for (band, &expected) in column.log_mel.iter().enumerate() {
                    let value = features[band * FRAMES + column.frame];
                    assert!(
                        (value - expected).abs() <= 1e-3,
                        "{} frame {} band {band}: {value} for {expected}",
                        clip.clip,
                        column.frame
                    );
                }
            }
            let count = features.len() as f64;
            let mean = features.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
            let deviation = (features.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>()
                / count)
                .sqrt();
            assert!((mean - clip.mean).abs() <= 1e-4, "{}: mean {mean}", clip.clip);
            assert!((deviation - clip.deviation).abs() <= 1e-4, "{}: {deviation}", clip.clip);
        }
    }

    #[test]
    fn the_level_of_the_microphone_does_not_change_the_features() {
        let loud = turn("q01", 3200);
        let quiet: Vec<f32> = loud.iter().map(|x| x / 16.0).collect();
        let mut log_mel = LogMel::new();
        let expected = log_mel.compute(&loud).to_vec();
        for (a, b) in log_mel.compute(&quiet).iter().zip(&expected) {
            // The variance floor has a small effect at this level.
            assert!((a - b).abs() < 5e-3, "{a} for {b}");
        }
    }

    #[test]
    fn what_was_heard_before_leaves_nothing_behind() {
        let (long, short) = (turn("l01", 0), turn("s01", 3200));
        let mut used = LogMel::new();
        used.compute(&long);
        assert_eq!(used.compute(&short), LogMel::new().compute(&short));
    }

    #[test]
    fn silence_and_a_single_sample_give_finite_features() {
        for audio in [&[][..], &[0.5], &[0.0; WINDOW]] {
            assert!(LogMel::new().compute(audio).iter().all(|value| value.is_finite()));
        }
    }
}
