//! Residual echo detection: whether what is left after echo cancellation is the far end itself.
//!
//! While the canceller is converging, and after the room or the delay of the devices has changed, the assistant's own
//! voice passes at full level. Any voice activity detector reports it as speech, and rightly so. What distinguishes it
//! from the user is that its waveform is a delayed copy of the far end.

use crate::units::{ACTIVITY_WINDOW, MICROPHONE_FRAME};

/// Samples of the near end that are compared: 64 ms. A shorter segment of a voice resembles itself one pitch period
/// later.
const COMPARED: usize = 2 * ACTIVITY_WINDOW;

/// If the cleaned signal correlates with the far end by at least this much, it is the far end. In a still room the
/// user's voice stays below it in 95 of 100 windows (docs/measurements-audio.md).
const COPY: f32 = 0.3;

/// If the canceller is known not to have converged and the microphone correlates with the far end by at least this
/// much, the microphone picks up mostly echo. In double talk with the echo at -12 dB, three of four windows are below
/// it.
const MOSTLY: f32 = 0.5;

/// Windows for which residual echo is expected to continue: about half a second, during which the canceller's
/// suppression comes and goes and blurs the waveform.
const EXPECTED: u32 = 15;

/// Windows of far-end speech, about five seconds, for which residual echo is expected from the start: the canceller has
/// not converged yet.
const COLD: u32 = 150;

/// The lowest power that is compared at all: a mean square of -90 dB.
const LEAST_POWER: f32 = 1e-9;

/// Keeps as much of each signal as the correlation needs.
pub(crate) struct ResidualEcho {
    microphone: Past,
    cleaned: Past,
    far: Past,
    /// Windows with the far end active for which residual echo is still expected.
    expected: u32,
}

impl ResidualEcho {
    /// Searches for the far end at delays of up to `reach` samples.
    pub(crate) fn new(reach: usize) -> Self {
        Self {
            microphone: Past::new(COMPARED),
            cleaned: Past::new(COMPARED),
            far: Past::new(COMPARED + reach),
            expected: COLD,
        }
    }

    /// Takes the next frame of all three signals.
    pub(crate) fn push(
        &mut self,
        microphone: &[f32; MICROPHONE_FRAME],
        cleaned: &[f32; MICROPHONE_FRAME],
        far: &[f32; MICROPHONE_FRAME],
    ) {
        self.microphone.push(microphone);
        self.cleaned.push(cleaned);
        self.far.push(far);
    }

    /// Counts a window with the far end active.
    pub(crate) fn tick(&mut self) {
        self.expected = self.expected.saturating_sub(1);
    }

    /// Whether the speech in the latest window is the far end.
    pub(crate) fn is_far_end(&mut self) -> bool {
        let is_echo = likeness(&self.cleaned, &self.far) >= COPY
            || self.expected > 0 && likeness(&self.microphone, &self.far) >= MOSTLY;
        if is_echo {
            self.expected = self.expected.max(EXPECTED);
        }
        is_echo
    }

    /// For a microphone in which no echo was present so far: whether the speech in the latest window is the far end
    /// after all.
    pub(crate) fn is_new_echo(&mut self) -> bool {
        let is_echo = likeness(&self.microphone, &self.far) >= MOSTLY;
        if is_echo {
            self.expected = COLD;
        }
        is_echo
    }
}

/// The maximum of the normalised cross-correlation of `near` with `far` over all delays: 1 for a copy.
fn likeness(near: &Past, far: &Past) -> f32 {
    let near = &near.samples[..];
    let far = &far.samples[..];
    let least = LEAST_POWER * COMPARED as f32;
    let near_energy = dot(near, near);
    if near_energy < least {
        return 0.0;
    }
    let mut far_energy = dot(&far[..COMPARED], &far[..COMPARED]);
    let mut largest = 0.0f32;
    for (start, window) in far.windows(COMPARED).enumerate() {
        if far_energy > least {
            let product = dot(near, window);
            largest = largest.max(product * product / far_energy);
        }
        if let Some(next) = far.get(start + COMPARED) {
            far_energy += next * next - window[0] * window[0];
        }
    }
    (largest / near_energy).sqrt()
}

/// The latest samples, newest last, with pre-emphasis: at low frequencies all voices are alike.
struct Past {
    samples: Vec<f32>,
    last: f32,
}

impl Past {
    fn new(length: usize) -> Self {
        Self { samples: vec![0.0; length], last: 0.0 }
    }

    fn push(&mut self, frame: &[f32; MICROPHONE_FRAME]) {
        const EMPHASIS: f32 = 0.9;
        self.samples.copy_within(MICROPHONE_FRAME.., 0);
        let newest = self.samples.len() - MICROPHONE_FRAME;
        for (sample, &x) in self.samples[newest..].iter_mut().zip(frame) {
            *sample = x - EMPHASIS * self.last;
            self.last = x;
        }
    }
}

/// Dot product, in lanes that the compiler vectorises.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0.0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
