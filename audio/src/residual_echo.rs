//! Residual echo detection: whether what is left after echo cancellation is the far end itself.
//!
//! While the canceller is converging, and after the room or the delay of the devices has changed, the assistant's own
//! voice passes at full level. Any voice activity detector reports it as speech, and rightly so. What distinguishes it
//! from the user is that its waveform is a delayed copy of the far end.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

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
    correlation: Correlation,
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
            correlation: Correlation::new(COMPARED + reach),
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
        let far = &self.far.samples;
        self.correlation.set_far(far);
        let is_echo = self.correlation.likeness(&self.cleaned.samples, far) >= COPY
            || self.expected > 0
                && self.correlation.likeness(&self.microphone.samples, far) >= MOSTLY;
        if is_echo {
            self.expected = self.expected.max(EXPECTED);
        }
        is_echo
    }

    /// For a microphone in which no echo was present so far: whether the speech in the latest window is the far end
    /// after all.
    pub(crate) fn is_new_echo(&mut self) -> bool {
        let far = &self.far.samples;
        self.correlation.set_far(far);
        let is_echo = self.correlation.likeness(&self.microphone.samples, far) >= MOSTLY;
        if is_echo {
            self.expected = COLD;
        }
        is_echo
    }
}

/// Cross-correlation with the far end over all delays, by way of the spectra, which is faster than delay by delay.
struct Correlation {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    signal: Vec<f32>,
    far: Vec<Complex<f32>>,
    near: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Correlation {
    /// For a far end of `length` samples.
    fn new(length: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let size = length.next_power_of_two();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            signal: forward.make_input_vec(),
            far: forward.make_output_vec(),
            near: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Sets the far end that is searched.
    fn set_far(&mut self, far: &[f32]) {
        fill(&mut self.signal, far);
        let done =
            self.forward.process_with_scratch(&mut self.signal, &mut self.far, &mut self.scratch);
        debug_assert!(done.is_ok(), "the lengths are those of the plan");
    }

    /// The maximum of the normalised cross-correlation of `near` with the far end over all delays: 1 for a copy. `far`
    /// is what was [set](Self::set_far).
    fn likeness(&mut self, near: &[f32], far: &[f32]) -> f32 {
        let least = LEAST_POWER * COMPARED as f32;
        let near_energy = dot(near, near);
        if near_energy < least {
            return 0.0;
        }
        self.correlate(near);
        let mut far_energy = dot(&far[..COMPARED], &far[..COMPARED]);
        let mut largest = 0.0f32;
        for (start, window) in far.windows(COMPARED).enumerate() {
            if far_energy > least {
                let product = self.signal[start];
                largest = largest.max(product * product / far_energy);
            }
            if let Some(next) = far.get(start + COMPARED) {
                far_energy += next * next - window[0] * window[0];
            }
        }
        (largest / near_energy).sqrt()
    }

    /// Leaves the products of `near` with the far end in `signal`, by delay. The transform is at least as long as the far
    /// end, so that none of its delays wraps around.
    fn correlate(&mut self, near: &[f32]) {
        let Self { forward, inverse, signal, far, near: spectrum, scratch } = self;
        fill(signal, near);
        let done = forward.process_with_scratch(signal, spectrum, scratch);
        debug_assert!(done.is_ok(), "the lengths are those of the plan");
        let scale = 1.0 / signal.len() as f32;
        for (near, far) in spectrum.iter_mut().zip(far) {
            *near = near.conj() * *far * scale;
        }
        // At both ends of the spectrum of a real signal nothing is imaginary.
        for end in [0, spectrum.len() - 1] {
            spectrum[end].im = 0.0;
        }
        let done = inverse.process_with_scratch(spectrum, signal, scratch);
        debug_assert!(done.is_ok(), "the lengths are those of the plan");
    }
}

/// `samples`, and silence behind them.
fn fill(signal: &mut [f32], samples: &[f32]) {
    let (head, rest) = signal.split_at_mut(samples.len());
    head.copy_from_slice(samples);
    rest.fill(0.0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise;

    /// The same, delay by delay.
    fn likeness_by_delay(near: &[f32], far: &[f32]) -> f32 {
        let of = |window: &[f32]| {
            let energy = dot(window, window);
            if energy > LEAST_POWER * COMPARED as f32 {
                dot(near, window).powi(2) / energy
            } else {
                0.0
            }
        };
        let largest = far.windows(COMPARED).map(of).fold(0.0, f32::max);
        (largest / dot(near, near)).sqrt()
    }

    #[test]
    fn correlation_by_spectra_is_that_by_delays() {
        let reach = 4_800;
        let far: Vec<f32> = noise::pink(1).take(COMPARED + reach).collect();
        let other: Vec<f32> = noise::pink(2).take(COMPARED).collect();
        let mut correlation = Correlation::new(far.len());
        // Silence before a loud end: what is rounded in the one must not count in the other.
        let mut late = far.clone();
        late[..reach].iter_mut().for_each(|sample| *sample *= 2e-4);
        for far in [&far, &late] {
            correlation.set_far(far);
            for delay in [0, 1, 1_000, reach] {
                for share in [0.0, 0.2, 1.0] {
                    let echo = &far[delay..delay + COMPARED];
                    let level = (dot(&other, &other) / dot(echo, echo)).sqrt();
                    let near: Vec<f32> = echo
                        .iter()
                        .zip(&other)
                        .map(|(echo, other)| share * level * echo + (1.0 - share) * other)
                        .collect();
                    let (fast, slow) =
                        (correlation.likeness(&near, far), likeness_by_delay(&near, far));
                    assert!((fast - slow).abs() < 2e-3, "{delay}, {share}: {fast} for {slow}");
                    assert!(share < 1.0 || fast > 0.999, "{delay}: {fast} of a copy");
                }
            }
        }
    }
}
