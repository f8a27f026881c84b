//! Noise suppression of what is recorded.

use duplex_audio::{MICROPHONE_FRAME, NoiseSuppressor, level_db, noise};
use duplex_core::SAMPLE_RATE;

use crate::common::speech;

const SECOND: usize = SAMPLE_RATE as usize;

fn suppressed(sound: &[f32]) -> Vec<f32> {
    let mut suppressor = NoiseSuppressor::new();
    let frames = sound.as_chunks::<MICROPHONE_FRAME>().0;
    let each = |frame: &[f32; MICROPHONE_FRAME]| {
        let mut frame = *frame;
        suppressor.process(&mut frame);
        frame
    };
    frames.iter().flat_map(each).collect()
}

#[test]
fn steady_noise_goes_and_the_voice_in_it_stays() {
    let voice = speech("q01", -26.0);
    let from = 3 * SECOND;
    let mut sound: Vec<f32> = noise::pink(1).map(|x| 0.01 * x).take(from + voice.len()).collect();
    for (sample, voice) in sound[from..].iter_mut().zip(&voice) {
        *sample += voice;
    }
    let left = suppressed(&sound);
    let noise = 2 * SECOND..from - SECOND / 10;
    let gone = level_db(&sound[noise.clone()]) - level_db(&left[noise]);
    assert!(gone >= 12.0, "{gone} dB of the noise are gone");
    let lost = level_db(&voice) - level_db(&left[from..]);
    assert!((-1.0..=2.0).contains(&lost), "{lost} dB of the voice are lost");
}

#[test]
fn what_is_no_number_is_silence_to_it() {
    let mut sound: Vec<f32> = noise::white(1).map(|x| 0.1 * x).take(SECOND).collect();
    sound[SECOND / 2] = f32::NAN;
    sound[SECOND / 2 + 1] = f32::INFINITY;
    let left = suppressed(&sound);
    assert!(left.iter().all(|x| x.is_finite()));
    assert!(level_db(&left[SECOND * 3 / 4..]) > -60.0);
}
