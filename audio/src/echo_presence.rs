//! Whether the loudspeaker can be heard in the microphone at all.
//!
//! A user with headphones, or a caller whose device has cancelled the echo already, sends none. A
//! canceller finds nothing to cancel there, and takes parts of the user's voice instead as soon as both
//! speak: "Stop." is gone from the sound. What tells such a call is silence: the far end sounds all the
//! time, and the microphone no louder than its noise.

use crate::units::{FRAME_MILLIS, MICROPHONE_FRAME, SILENCE_DB, power_db};

/// Frames of one step: 160 ms.
const STEP: usize = (160 / FRAME_MILLIS) as usize;

/// Steps of the far end that must have sounded for two steps of the microphone to hold its echo: one of
/// the three is among them whole, whatever the delay up to two steps.
const SOUNDING: usize = 3;

/// What counts as sounding: within so many dB of the loudest of the last steps.
const SOUNDING_DB: f32 = 9.0;

/// In a room quieter than this, in dB of full scale, softer steps count too: by as much as the room is
/// quieter, since an echo that is lost in the noise then is not heard at the loudest step either.
const QUIET_DB: f32 = -52.0;

/// How fast the loudest step is forgotten, in dB a step.
const FADE_DB: f32 = 0.1;

/// Below this, in dB of full scale, the far end is not worth a comparison.
const FAR_DB: f32 = -45.0;

/// A microphone this much louder than its noise, in dB, may hold an echo: one as loud as the noise adds 3,
/// and steady noise varies by less.
const AUDIBLE_DB: f32 = 1.0;

/// Steps with a far end that sounds for which silence is remembered: about five seconds.
const REMEMBERED: u32 = 32;

/// A microphone is taken to be at least this loud, in dB of full scale: nothing below matters.
const QUIETEST_DB: f32 = -80.0;

/// How much of a change of the noise is believed at each step.
const SMOOTHING: f32 = 0.3;

/// How fast the noise is taken to rise, in dB a step: 3 dB/s.
const RISE_DB: f32 = 0.5;

/// Compares the microphone's level with and without the far end.
pub(crate) struct EchoPresence {
    /// Power of the step that is being filled.
    microphone: f32,
    far: f32,
    frames: usize,
    /// Levels of the latest steps, newest last.
    microphones: [f32; 2],
    fars: [f32; SOUNDING],
    /// Level of the loudest step of the far end, which fades.
    loudest: f32,
    /// Level of the microphone while the far end is silent.
    noise: Option<f32>,
    /// Steps for which the latest silence still counts.
    silent: u32,
}

impl EchoPresence {
    pub(crate) fn new() -> Self {
        Self {
            microphone: 0.0,
            far: 0.0,
            frames: 0,
            microphones: [SILENCE_DB; 2],
            fars: [SILENCE_DB; SOUNDING],
            loudest: FAR_DB,
            noise: None,
            silent: 0,
        }
    }

    /// Takes the next frame of both.
    pub(crate) fn push(
        &mut self,
        microphone: &[f32; MICROPHONE_FRAME],
        far: &[f32; MICROPHONE_FRAME],
    ) {
        let power = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>();
        self.microphone += power(microphone);
        self.far += power(far);
        self.frames += 1;
        if self.frames == STEP {
            let samples = (STEP * MICROPHONE_FRAME) as f32;
            self.step(power_db(self.microphone / samples), power_db(self.far / samples));
            (self.microphone, self.far, self.frames) = (0.0, 0.0, 0);
        }
    }

    fn step(&mut self, microphone: f32, far: f32) {
        self.microphones = [self.microphones[1], microphone];
        self.fars.rotate_left(1);
        self.fars[SOUNDING - 1] = far;
        self.loudest = far.max(self.loudest - FADE_DB).max(FAR_DB + SOUNDING_DB);
        if self.fars.iter().all(|&far| far < FAR_DB - SOUNDING_DB) {
            let noise = microphone.max(QUIETEST_DB);
            self.noise = Some(
                self.noise
                    .map_or(noise, |before| before + (SMOOTHING * (noise - before)).min(RISE_DB)),
            );
        }
        let Some(noise) = self.noise else { return };
        let softest = self.loudest - SOUNDING_DB.max(QUIET_DB - noise);
        if self.fars.iter().all(|&far| far >= softest.max(FAR_DB)) {
            let heard = self.microphones.iter().sum::<f32>() / 2.0;
            self.silent = self.silent.saturating_sub(1);
            if heard <= noise + AUDIBLE_DB {
                self.silent = REMEMBERED;
            }
        }
    }

    /// The far end was found in the microphone.
    pub(crate) fn heard(&mut self) {
        self.silent = 0;
    }

    /// The far end sounds, and nothing of it arrives.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent > 0
    }
}
