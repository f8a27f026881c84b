//! Sounds of the user's side, and how they are edited before a call.

use std::{path::Path, sync::Arc, time::Duration};

use biquad::{Biquad as _, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F32, Type};
use duplex_core::{SAMPLE_RATE, Samples};

use super::{EchoPath, ImpulseResponse};
use crate::{
    files::{Clip, FileError},
    resample::convert,
    units::{MICROPHONE_FRAME, PLAYOUT_RATE, amplitude},
};

/// Level of sound from another room, in dB.
const FAR_DB: f32 = -12.0;
/// Cut-off of the low pass that a wall is, in Hz.
const FAR_CUTOFF: f32 = 1_200.0;
/// Reverberation time of sound from another room: two rooms in a row reverberate longer than one.
const FAR_RT60: Duration = Duration::from_millis(450);
/// Direct sound against reverberation, in dB, for sound from another room: less of it arrives
/// directly than by way of the walls.
const FAR_DIRECT_DB: f32 = -6.0;
/// Length of the fade at a cut, which prevents a click.
const FADE: Samples = Samples::from_millis(5);

/// A sound of the user's side. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// At the session rate: the input of the microphone.
    near: Arc<Vec<f32>>,
    /// At the playout rate, for the recording; none: resampled from `near` when the room is made.
    recorded: Option<Arc<Vec<f32>>>,
    is_effect: bool,
}

impl Sound {
    /// Reads a sound file of any rate and number of channels.
    ///
    /// # Errors
    /// The file cannot be read as sound.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let clip = Clip::read(path)?;
        let recorded = Some(Arc::new(clip.mono(PLAYOUT_RATE)));
        Ok(Self { recorded, ..Self::from_session(clip.mono(SAMPLE_RATE)) })
    }

    /// Makes a sound from samples at the session rate.
    pub fn from_session(samples: Vec<f32>) -> Self {
        Self { near: Arc::new(samples), ..Self::default() }
    }

    /// Marks the sound as something other than the user's voice. The signal-to-noise ratio of a
    /// room refers to the user's voice alone.
    #[must_use]
    pub fn effect(self) -> Self {
        Self { is_effect: true, ..self }
    }

    /// Whether it is something other than the user's voice.
    pub fn is_effect(&self) -> bool {
        self.is_effect
    }

    /// This sound, then a silence of length `pause`, then `other`.
    #[must_use]
    pub fn then(mut self, pause: Samples, other: &Self) -> Self {
        let factor = (PLAYOUT_RATE / SAMPLE_RATE) as usize;
        let join = |first: &mut Vec<f32>, silence: usize, second: &[f32]| {
            first.resize(first.len() + silence, 0.0);
            first.extend_from_slice(second);
        };
        if self.recorded.is_some() || other.recorded.is_some() {
            let mut whole = self.for_recording().to_vec();
            join(&mut whole, pause.0 as usize * factor, &other.for_recording());
            self.recorded = Some(Arc::new(whole));
        }
        join(Arc::make_mut(&mut self.near), pause.0 as usize, &other.near);
        self
    }

    /// The part from `from` to `to`, faded at both ends; what lies beyond the sound is left out.
    #[must_use]
    pub fn cut(&self, from: Samples, to: Samples) -> Self {
        let end = (to.0 as usize).min(self.near.len());
        let mut part = self.near[(from.0 as usize).min(end)..end].to_vec();
        let fade = (FADE.0 as usize).min(part.len() / 2);
        for n in 0..fade {
            let gain = (n + 1) as f32 / (fade + 1) as f32;
            let last = part.len() - 1 - n;
            part[n] *= gain;
            part[last] *= gain;
        }
        Self { near: Arc::new(part), recorded: None, is_effect: self.is_effect }
    }

    /// Louder by `gain_db`, or quieter if it is negative.
    #[must_use]
    pub fn amplified(mut self, gain_db: f32) -> Self {
        if gain_db != 0.0 {
            let gain = amplitude(gain_db);
            let scale = |samples: &mut Arc<Vec<f32>>| {
                Arc::make_mut(samples).iter_mut().for_each(|x| *x *= gain)
            };
            scale(&mut self.near);
            self.recorded.iter_mut().for_each(scale);
        }
        self
    }

    /// `speed` times as fast, rounded to a hundredth, by resampling: the pitch rises with the
    /// speed, as on a faster tape.
    #[must_use]
    pub fn at_speed(self, speed: f64) -> Self {
        let hundredths = (speed * 100.0).round().clamp(1.0, 1_000.0) as u32;
        if hundredths == 100 {
            return self;
        }
        let near = convert(&self.near, SAMPLE_RATE / 100 * hundredths, SAMPLE_RATE);
        Self { near: Arc::new(near), recorded: None, is_effect: self.is_effect }
    }

    /// As heard from another room: quieter, low-passed, and with reverberation made from `seed`. It
    /// does not count as the user's voice.
    #[must_use]
    pub fn from_afar(&self, seed: u64) -> Self {
        let mut walls = wall();
        let response = ImpulseResponse::decaying(seed, FAR_RT60, FAR_DIRECT_DB);
        let mut path = EchoPath::new(Duration::ZERO, FAR_DB, &response);
        let mut far = Vec::with_capacity(self.near.len());
        for frame in self.near.chunks(MICROPHONE_FRAME) {
            let mut dull = [0.0; MICROPHONE_FRAME];
            for (dull, sample) in dull.iter_mut().zip(frame) {
                *dull = walls.iter_mut().fold(*sample, |sample, wall| wall.run(sample));
            }
            let mut heard = [0.0; MICROPHONE_FRAME];
            path.step(&dull, &mut heard);
            far.extend_from_slice(&heard);
        }
        far.truncate(self.near.len());
        Self::from_session(far).effect()
    }

    /// Its samples at the session rate.
    pub fn samples(&self) -> &[f32] {
        &self.near
    }

    /// The same samples, shared.
    pub fn shared(&self) -> Arc<Vec<f32>> {
        Arc::clone(&self.near)
    }

    /// Its samples at the playout rate.
    pub(super) fn for_recording(&self) -> Arc<Vec<f32>> {
        let made = || Arc::new(convert(&self.near, SAMPLE_RATE, PLAYOUT_RATE));
        self.recorded.clone().unwrap_or_else(made)
    }

    /// How long it lasts.
    pub fn length(&self) -> Samples {
        Samples(self.near.len() as u64)
    }
}

/// The low pass of a wall, of the fourth order. Empty if the filter cannot be made, which its
/// constants rule out.
fn wall() -> Vec<DirectForm2Transposed<f32>> {
    let (rate, cutoff) =
        (biquad::Hertz::from_hz(SAMPLE_RATE as f32), biquad::Hertz::from_hz(FAR_CUTOFF));
    let (Ok(rate), Ok(cutoff)) = (rate, cutoff) else { return Vec::new() };
    Coefficients::from_params(Type::LowPass, rate, cutoff, Q_BUTTERWORTH_F32)
        .map(|low_pass| vec![DirectForm2Transposed::new(low_pass); 2])
        .unwrap_or_default()
}
