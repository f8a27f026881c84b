//! Synthetic sounds that are not speech, generated from a seed: for the simulated room and for tests.
//!
//! Everything is at the session rate and the same for the same seed on every machine of one architecture. Streams have
//! an RMS of about one, single events a peak of one; scale them, or let [`mix`] do it.

use std::f32::consts::TAU;

use duplex_core::{SAMPLE_RATE, Samples};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg32;

use crate::units::{SILENCE_DB, amplitude, power_db};

const RATE: f32 = SAMPLE_RATE as f32;

/// Noise of equal power at all frequencies.
pub fn white(seed: u64) -> impl Iterator<Item = f32> + Send {
    let mut random = Pcg32::seed_from_u64(seed);
    // Uniform noise in -1..1 has a variance of 1/3.
    std::iter::repeat_with(move || random.random_range(-1.0f32..1.0) * 3f32.sqrt())
}

/// Noise whose power falls by 3 dB per octave, like that of many rooms.
///
/// White noise through the sum of first-order filters by Paul Kellet
/// (<https://www.firstpr.com.au/dsp/pink-noise/>).
pub fn pink(seed: u64) -> impl Iterator<Item = f32> + Send {
    const POLES: [(f32, f32); 6] = [
        (0.99886, 0.055_517_9),
        (0.99332, 0.075_075_9),
        (0.96900, 0.153_852),
        (0.86650, 0.310_485_6),
        (0.55000, 0.532_952_2),
        (-0.7616, -0.016_898),
    ];
    const SCALE: f32 = 0.58;
    let mut state = [0.0f32; POLES.len()];
    let mut rest = 0.0;
    white(seed).map(move |x| {
        for (state, (pole, gain)) in state.iter_mut().zip(POLES) {
            *state = pole * *state + gain * x;
        }
        let y = state.iter().sum::<f32>() + rest + 0.5362 * x;
        rest = 0.115_926 * x;
        y * SCALE / 1.8
    })
}

/// The hum of the mains: 50 Hz and its harmonics, at phases drawn from the seed.
pub fn hum(seed: u64) -> impl Iterator<Item = f32> + Send {
    const LEVELS: [f32; 5] = [1.0, 0.5, 0.6, 0.2, 0.3];
    let mut random = Pcg32::seed_from_u64(seed);
    let phases = LEVELS.map(|_| random.random_range(0.0..TAU));
    let power: f32 = LEVELS.iter().map(|x| x * x / 2.0).sum();
    (0u64..).map(move |n| {
        // Exact for any length: the fundamental divides the sample rate.
        let cycle = (n % u64::from(SAMPLE_RATE / 50)) as f32 * 50.0 / RATE;
        let harmonics = LEVELS.iter().zip(phases).zip(1u8..);
        harmonics
            .map(|((level, phase), k)| level * (TAU * cycle * f32::from(k) + phase).sin())
            .sum::<f32>()
            / power.sqrt()
    })
}

/// Typing: about five keys a second, each a press and a weaker release. Peaks reach about one.
pub fn keyboard(seed: u64) -> impl Iterator<Item = f32> + Send {
    let mut random = Pcg32::seed_from_u64(seed);
    let mut typed = std::collections::VecDeque::new();
    std::iter::repeat_with(move || {
        if typed.is_empty() {
            let press = click(random.random());
            let release = click(random.random());
            let travel = random.random_range(millis(60)..millis(120));
            let gap = random.random_range(millis(60)..millis(160));
            let loudness = random.random_range(0.4..1.0);
            typed.extend(press.iter().map(|x| x * loudness));
            typed.extend(std::iter::repeat_n(0.0, travel));
            typed.extend(release.iter().map(|x| x * loudness * 0.4));
            typed.extend(std::iter::repeat_n(0.0, gap));
        }
        typed.pop_front().unwrap_or(0.0)
    })
}

/// Babble noise: each of `talkers` is repeated endlessly, from a start drawn from the seed and with a pause of up to
/// half a second after each round; all are equally loud. Silence if there are no talkers.
pub fn babble(seed: u64, talkers: &[&[f32]]) -> impl Iterator<Item = f32> + Send + use<> {
    let mut random = Pcg32::seed_from_u64(seed);
    let scale = (talkers.len().max(1) as f32).sqrt().recip();
    let mut loops: Vec<_> = talkers
        .iter()
        .map(|talker| {
            let gain = scale * amplitude(-active_level_db(talker));
            let mut piece: Vec<f32> = talker.iter().map(|x| x * gain).collect();
            piece.extend(std::iter::repeat_n(0.0, random.random_range(1..=millis(500))));
            let from = random.random_range(0..piece.len());
            piece.into_iter().cycle().skip(from)
        })
        .collect();
    std::iter::repeat_with(move || loops.iter_mut().filter_map(Iterator::next).sum())
}

/// A cough: a burst of 40 ms, then about 200 ms of turbulent air through the throat's resonances, sometimes a second
/// one.
pub fn cough(seed: u64) -> Vec<f32> {
    let mut random = Pcg32::seed_from_u64(seed);
    let mut sound = Vec::new();
    for _ in 0..random.random_range(1..=2) {
        let length = random.random_range(millis(200)..millis(320));
        let mut throat = [
            Resonator::new(random.random_range(450.0..700.0), 250.0),
            Resonator::new(random.random_range(1100.0..1600.0), 400.0),
            Resonator::new(random.random_range(2400.0..3200.0), 700.0),
        ];
        let air: Vec<f32> = white(random.random()).take(length).collect();
        for (n, air) in air.into_iter().enumerate() {
            let time = n as f32 / RATE;
            let attack = (time / 0.004).min(1.0);
            let envelope = attack * ((-time / 0.025).exp() + 0.35 * (-time / 0.09).exp());
            let voiced: f32 = throat.iter_mut().map(|resonator| resonator.next(air)).sum();
            sound.push((voiced + 0.1 * air) * envelope);
        }
        sound.extend(std::iter::repeat_n(0.0, random.random_range(millis(80)..millis(200))));
    }
    to_unit_peak(sound)
}

/// A click of a few milliseconds, such as a switch or a key.
pub fn click(seed: u64) -> Vec<f32> {
    let mut random = Pcg32::seed_from_u64(seed);
    let decay = random.random_range(0.001..0.003);
    let mut body = Resonator::new(random.random_range(1500.0..4000.0), 1200.0);
    let sound = white(random.random()).take(millis(20)).enumerate();
    to_unit_peak(sound.map(|(n, x)| body.next(x) * (-(n as f32) / RATE / decay).exp()).collect())
}

/// A door falling shut: a knock and the low resonances of the wall.
pub fn door(seed: u64) -> Vec<f32> {
    let mut random = Pcg32::seed_from_u64(seed);
    let mut wall = [
        Resonator::new(random.random_range(60.0..90.0), 12.0),
        Resonator::new(random.random_range(120.0..220.0), 30.0),
        Resonator::new(random.random_range(400.0..700.0), 120.0),
    ];
    let latch = random.random_range(millis(30)..millis(90));
    let blow: Vec<f32> = white(random.random()).take(millis(600)).collect();
    let sound = blow.into_iter().enumerate().map(|(n, x)| {
        let blow = |start: usize, decay: f32| {
            n.checked_sub(start).map_or(0.0, |n| (-(n as f32) / RATE / decay).exp())
        };
        let strike = x * (blow(0, 0.008) + 0.3 * blow(latch, 0.003));
        wall.iter_mut().map(|resonator| resonator.next(strike)).sum::<f32>() + 0.2 * strike
    });
    to_unit_peak(sound.collect())
}

/// Active speech level, in dBFS: the mean power of the 20 ms blocks of `speech` that are within 25 dB of the loudest,
/// so that pauses do not count (in the spirit of ITU-T P.56).
pub fn active_level_db(speech: &[f32]) -> f32 {
    let powers: Vec<f32> = speech
        .chunks(millis(20))
        .map(|block| block.iter().map(|x| x * x).sum::<f32>() / block.len() as f32)
        .collect();
    let floor = powers.iter().copied().fold(0.0, f32::max) * amplitude(-25.0).powi(2);
    let active: Vec<f32> =
        powers.into_iter().filter(|&power| power > 0.0 && power >= floor).collect();
    if active.is_empty() {
        return SILENCE_DB;
    }
    power_db(active.iter().sum::<f32>() / active.len() as f32)
}

/// Adds `noise`, which has an RMS of one, to `speech` at an SNR of `snr_db`, measured from the active speech level.
pub fn mix(speech: &mut [f32], noise: impl Iterator<Item = f32>, snr_db: f32) {
    let gain = amplitude(active_level_db(speech) - snr_db);
    for (sample, noise) in speech.iter_mut().zip(noise) {
        *sample += gain * noise;
    }
}

const fn millis(millis: u64) -> usize {
    Samples::from_millis(millis).0 as usize
}

fn to_unit_peak(mut sound: Vec<f32>) -> Vec<f32> {
    let peak = sound.iter().fold(f32::MIN_POSITIVE, |peak, x| peak.max(x.abs()));
    sound.iter_mut().for_each(|x| *x /= peak);
    sound
}

/// A second-order band-pass filter with unity gain at its centre (Audio EQ Cookbook, constant peak gain).
struct Resonator {
    b0: f32,
    a1: f32,
    a2: f32,
    x: [f32; 2],
    y: [f32; 2],
}

impl Resonator {
    /// Centre frequency and bandwidth in Hz.
    fn new(centre: f32, width: f32) -> Self {
        let omega = TAU * centre / RATE;
        let alpha = omega.sin() * width / (2.0 * centre);
        let a0 = 1.0 + alpha;
        Self {
            b0: alpha / a0,
            a1: -2.0 * omega.cos() / a0,
            a2: (1.0 - alpha) / a0,
            x: [0.0; 2],
            y: [0.0; 2],
        }
    }

    fn next(&mut self, x: f32) -> f32 {
        let y = self.b0 * (x - self.x[1]) - self.a1 * self.y[0] - self.a2 * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}
