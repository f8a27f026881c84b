//! Detects whether the loudspeaker is audible in the microphone at all.
//!
//! With headphones, or with a device that has already cancelled the echo, no echo arrives. An echo canceller then has
//! nothing to cancel and removes parts of the user's voice instead as soon as both sides speak: a "Stop." can vanish
//! entirely. Such a call shows in the levels: the far end is active continuously while the microphone stays at its
//! noise floor.

use crate::units::{FRAME_MILLIS, MICROPHONE_FRAME, SILENCE_DB, power_db};

/// Frames per step: 160 ms.
const STEP: usize = (160 / FRAME_MILLIS) as usize;

/// The far end must have been active for this many steps before its echo is expected in the last two steps of the
/// microphone: for any delay of up to two steps, the echo of one of these steps falls entirely within those two.
const SOUNDING: usize = 3;

/// A far-end step counts as active if it is within this many dB of the loudest recent step.
const SOUNDING_DB: f32 = 9.0;

/// With a low noise floor, softer far-end steps count as active too: within as many dB of the loudest as the noise is
/// below this level, in dBFS, if that is more than [`SOUNDING_DB`]. An echo that is masked by so little noise would be
/// masked at the loudest step too.
const QUIET_DB: f32 = -52.0;

/// How fast the level of the loudest step decays, in dB per step.
const FADE_DB: f32 = 0.1;

/// Below this, in dBFS, the far end is too quiet for a comparison.
const FAR_DB: f32 = -45.0;

/// A microphone louder than its noise floor by more than this, in dB, may contain an echo. An echo as loud as the noise
/// adds 3 dB; steady noise varies by less than this.
const AUDIBLE_DB: f32 = 1.0;

/// Number of far-end-active steps for which a detected absence of echo stays valid: about five seconds.
const REMEMBERED: u32 = 32;

/// Lower limit of the microphone's level, in dBFS: differences below it do not matter.
const QUIETEST_DB: f32 = -80.0;

/// Smoothing factor of the noise estimate, per step.
const SMOOTHING: f32 = 0.3;

/// Limit on how fast the noise estimate rises, in dB per step: 3 dB/s.
const RISE_DB: f32 = 0.5;

/// Compares the microphone's level with and without an active far end.
pub(crate) struct EchoPresence {
    /// Energy of the step being accumulated.
    microphone: f32,
    far: f32,
    frames: usize,
    /// Levels of the latest steps, in dBFS, newest last.
    microphones: [f32; 2],
    fars: [f32; SOUNDING],
    /// Level of the loudest far-end step, decaying over time.
    loudest: f32,
    /// Noise floor: the microphone's level while the far end is silent.
    noise: Option<f32>,
    /// Far-end-active steps for which the absence of echo is still assumed.
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

    /// Takes the next frame of microphone and far end.
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

    /// Records that the far end was found in the microphone.
    pub(crate) fn heard(&mut self) {
        self.silent = 0;
    }

    /// Whether the far end is active and no echo of it arrives.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent > 0
    }
}
