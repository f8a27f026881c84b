//! Echo cancellation with the assistant's and the user's voice in one microphone.

use std::time::Duration;

use duplex_audio::{EchoCanceller, EchoPath, ImpulseResponse, MICROPHONE_FRAME, level_db, noise};
use duplex_core::SAMPLE_RATE;

const SECOND: usize = SAMPLE_RATE as usize;

/// `near` after echo cancellation, with `far` as the far end.
fn cleaned(canceller: &mut EchoCanceller, far: &[f32], near: &[f32]) -> Vec<f32> {
    let frames = far.as_chunks::<MICROPHONE_FRAME>().0.iter();
    let mut out = Vec::new();
    for (far, near) in frames.zip(near.as_chunks::<MICROPHONE_FRAME>().0) {
        let mut frame = *near;
        canceller.process(far, &mut frame);
        out.extend(frame);
    }
    out
}

fn echo_of(far: &[f32], gain_db: f32) -> Vec<f32> {
    let room = ImpulseResponse::decaying(7, Duration::from_millis(200), 3.0);
    let mut path = EchoPath::new(Duration::from_millis(60), gain_db, &room);
    let mut out = Vec::new();
    for frame in far.as_chunks::<MICROPHONE_FRAME>().0 {
        let mut echo = [0.0; MICROPHONE_FRAME];
        path.step(frame, &mut echo);
        out.extend(echo);
    }
    // A microphone is never quite silent.
    out.iter_mut().zip(noise::pink(1)).for_each(|(x, noise)| *x += 3e-4 * noise);
    out
}

#[test]
fn an_echo_is_twenty_decibels_weaker_once_the_canceller_has_converged() {
    let far = crate::common::voice("bm_george", -23.0);
    for gain_db in [-12.0, -6.0] {
        let mut canceller = EchoCanceller::new();
        let microphone = echo_of(&far, gain_db);
        let left = cleaned(&mut canceller, &far, &microphone);
        let settled = 5 * SECOND..left.len();
        let erle = level_db(&microphone[settled.clone()]) - level_db(&left[settled]);
        assert!(erle >= 20.0, "{erle:.1} dB at {gain_db} dB");
        assert!(canceller.erle_db().is_some());
    }
}

#[test]
fn the_user_alone_passes_at_the_same_level() {
    let near = crate::common::voice("af_heart", -26.0);
    let silence = vec![0.0; near.len()];
    let out = cleaned(&mut EchoCanceller::new(), &silence, &near);
    let change = level_db(&out) - level_db(&near[..out.len()]);
    assert!(change.abs() < 3.0, "{change:.1} dB");
}

#[test]
fn the_user_after_the_assistant_passes_at_the_same_level() {
    let assistant = crate::common::voice("bm_george", -23.0);
    let user = crate::common::speech("l02", -26.0);
    let mut far = assistant.clone();
    far.extend(vec![0.0; user.len()]);
    let mut microphone = echo_of(&far, -12.0);
    for (sample, user) in microphone[assistant.len()..].iter_mut().zip(&user) {
        *sample += user;
    }
    let out = cleaned(&mut EchoCanceller::new(), &far, &microphone);
    let change = level_db(&out[assistant.len() + SECOND / 2..]) - level_db(&user[SECOND / 2..]);
    assert!(change.abs() < 3.0, "{change:.1} dB");
}

#[test]
fn samples_that_are_no_numbers_do_no_lasting_harm() {
    let far = crate::common::voice("bm_george", -23.0);
    let microphone = echo_of(&far, -12.0);
    let mut canceller = EchoCanceller::new();
    let mut frame = [f32::NAN; MICROPHONE_FRAME];
    canceller.process(&[f32::INFINITY; MICROPHONE_FRAME], &mut frame);
    assert!(frame.iter().all(|x| x.is_finite()));
    let left = cleaned(&mut canceller, &far, &microphone);
    assert!(left.iter().all(|x| x.is_finite()));
    let settled = 5 * SECOND..left.len();
    assert!(level_db(&microphone[settled.clone()]) - level_db(&left[settled]) > 20.0);
}
