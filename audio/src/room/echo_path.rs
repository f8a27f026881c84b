//! The acoustic path from loudspeaker to microphone.

use std::time::Duration;

use duplex_core::SAMPLE_RATE;

use crate::{
    noise,
    residual_echo::dot,
    units::{MICROPHONE_FRAME, amplitude},
};

/// The longest impulse response that is used; the rest is cut off.
const LONGEST: Duration = Duration::from_millis(500);

/// A room impulse response at the session rate, with a total energy of one: it changes the spectrum of a sound and adds
/// reverberation, and leaves its level about as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpulseResponse(Vec<f32>);

impl ImpulseResponse {
    /// No room: the direct sound alone.
    pub fn direct() -> Self {
        Self(vec![1.0])
    }

    /// A direct sound and a tail of exponentially decaying noise (Polack's model) that falls by 60 dB within `rt60`;
    /// the direct sound has `direct_db` more energy than the tail.
    pub fn decaying(seed: u64, rt60: Duration, direct_db: f32) -> Self {
        let length = samples(rt60).max(1);
        // 60 dB is a factor of 1000 in amplitude.
        let decay = 1000f32.ln() / length as f32;
        let mut taps: Vec<f32> = noise::white(seed)
            .take(length)
            .enumerate()
            .map(|(n, x)| x * (-decay * n as f32).exp())
            .collect();
        taps[0] = 0.0;
        let tail = energy(&taps);
        let direct = amplitude(direct_db);
        taps.iter_mut().for_each(|tap| *tap /= tail.max(f32::MIN_POSITIVE).sqrt());
        taps[0] = direct;
        let whole = energy(&taps).sqrt();
        taps.iter_mut().for_each(|tap| *tap /= whole);
        Self(taps)
    }

    /// A measured impulse response, scaled to a total energy of one; none if it is silent. Anything later than half a
    /// second is cut off: it would cost time in every frame and is hardly audible.
    pub fn measured(mut taps: Vec<f32>) -> Option<Self> {
        taps.truncate(samples(LONGEST));
        let whole = energy(&taps).sqrt();
        let is_sound = whole.is_finite() && whole > 0.0;
        is_sound.then(|| Self(taps.into_iter().map(|tap| tap / whole).collect()))
    }

    /// The filter taps, one per sample.
    pub fn taps(&self) -> &[f32] {
        &self.0
    }
}

fn energy(taps: &[f32]) -> f32 {
    taps.iter().map(|tap| tap * tap).sum()
}

fn samples(duration: Duration) -> usize {
    (duration.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as usize
}

/// The echo path: from the loudspeaker back into the microphone.
#[derive(Clone, Debug)]
pub struct EchoPath {
    /// Reversed in time and scaled, so that the dot product with the past samples in their order is the echo.
    taps: Vec<f32>,
    delay: usize,
    /// Past far-end samples, oldest first: at least as many as taps and delay reach back, plus one frame.
    past: Vec<f32>,
}

impl EchoPath {
    /// An echo that arrives after `delay` with `gain_db` relative to the far end's level, filtered by `room`.
    pub fn new(delay: Duration, gain_db: f32, room: &ImpulseResponse) -> Self {
        let gain = amplitude(gain_db);
        let taps: Vec<f32> = room.taps().iter().rev().map(|tap| tap * gain).collect();
        let mut path = Self { taps, delay: 0, past: Vec::new() };
        path.set_delay(delay);
        path
    }

    /// From the next frame on, the echo arrives after `delay`: the far end before the change is heard again, or left
    /// out. What lies further back than any delay before is silent.
    pub fn set_delay(&mut self, delay: Duration) {
        self.delay = samples(delay);
        let missing = (self.delay + self.window()).saturating_sub(self.past.len());
        self.past.splice(..0, std::iter::repeat_n(0.0, missing));
    }

    /// How many samples of the far end a frame of the echo is made of.
    fn window(&self) -> usize {
        self.taps.len() - 1 + MICROPHONE_FRAME
    }

    /// Takes the next frame of the far end and writes to `echo` what of it arrives at the microphone in that time.
    ///
    /// Costs one multiplication per sample and tap.
    pub fn step(&mut self, far: &[f32; MICROPHONE_FRAME], echo: &mut [f32; MICROPHONE_FRAME]) {
        self.past.copy_within(MICROPHONE_FRAME.., 0);
        let newest = self.past.len() - MICROPHONE_FRAME;
        self.past[newest..].copy_from_slice(far);
        let heard = &self.past[..self.past.len() - self.delay];
        let heard = &heard[heard.len() - self.window()..];
        for (echo, window) in echo.iter_mut().zip(heard.windows(self.taps.len())) {
            *echo = dot(window, &self.taps);
        }
    }
}
