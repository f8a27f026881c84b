//! The room's noise and its echo path.

use std::time::Duration;

use duplex_core::SAMPLE_RATE;

use super::{Cue, EchoPath, ImpulseResponse, NoiseKind, RoomOptions};
use crate::{
    noise,
    units::{amplitude, level_db},
};

/// Level of ordinary speech, in dB of full scale: the reference for the noise if the user says
/// nothing.
const SPEECH_DB: f32 = -26.0;

pub(super) type Noise = Box<dyn Iterator<Item = f32> + Send>;

/// The echo path from the loudspeaker to the microphone, if the room has one.
pub(super) fn echo_path(options: &RoomOptions) -> Option<EchoPath> {
    let gain = options.echo_db?;
    let delays = options.echo_delay_changes.iter().map(|change| change.delay_ms);
    let longest = Duration::from_millis(delays.max().unwrap_or(0));
    let mut path = match (&options.impulse, options.rt60_ms) {
        (Some(measured), _) => EchoPath::new(longest, gain, measured),
        (None, 0) => EchoPath::new(longest, gain, &ImpulseResponse::direct()),
        (None, rt60) => {
            let rt60 = Duration::from_millis(rt60);
            EchoPath::new(longest, gain, &ImpulseResponse::decaying(options.seed, rt60, 0.0))
        }
    };
    // It remembers as much of the far end as the longest delay needs.
    path.set_delay(Duration::from_millis(options.echo_delay_ms));
    Some(path)
}

/// The room's noise as the microphone receives it, if there is any.
pub(super) fn noise_of(options: &RoomOptions, cues: &[Cue]) -> Option<Noise> {
    let snr = options.snr_db?;
    // Typing and talk have pauses: their level takes longer to measure.
    let seconds = match options.noise {
        NoiseKind::Pink | NoiseKind::White => 1,
        NoiseKind::Babble | NoiseKind::Keyboard => 8,
    };
    let sample: Vec<f32> = stream(options).take(seconds * SAMPLE_RATE as usize).collect();
    if sample.iter().all(|&x| x == 0.0) {
        return None;
    }
    let gain = amplitude(voice_db(cues) - snr - level_db(&sample));
    Some(Box::new(stream(options).map(move |x| x * gain)))
}

fn stream(options: &RoomOptions) -> Noise {
    match options.noise {
        NoiseKind::Pink => Box::new(noise::pink(options.seed)),
        NoiseKind::White => Box::new(noise::white(options.seed)),
        NoiseKind::Keyboard => Box::new(noise::keyboard(options.seed)),
        NoiseKind::Babble => {
            let talkers: Vec<&[f32]> =
                options.talkers.iter().map(|talker| talker.as_slice()).collect();
            Box::new(noise::babble(options.seed, &talkers))
        }
    }
}

/// The active level of the user's voice, in dB of full scale. If it varies, that of the softest
/// cue, so that the noise is at least `snr_db` below every word.
fn voice_db(cues: &[Cue]) -> f32 {
    let sounds = cues.iter().map(|cue| &cue.sound).filter(|sound| !sound.is_effect());
    let voices =
        sounds.map(|sound| sound.samples()).filter(|sound| sound.iter().any(|&x| x != 0.0));
    voices.map(noise::active_level_db).min_by(f32::total_cmp).unwrap_or(SPEECH_DB)
}
