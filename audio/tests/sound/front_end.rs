//! The front end with the user's voice and the assistant's echo, from microphone to decision. Needs the voice activity
//! model.

use std::time::Duration;

use duplex_audio::{
    ACTIVITY_WINDOW, ActivityFrame, EchoPath, FrontEnd, FrontEndOptions, ImpulseResponse,
    MICROPHONE_FRAME, noise,
};
use duplex_core::SAMPLE_RATE;

const SECOND: usize = SAMPLE_RATE as usize;

/// A call in a room: the front end's output for `near` plus the echo of `far`.
fn frames(
    near: &[f32],
    far: &[f32],
    paths: &mut dyn FnMut(usize) -> Option<EchoPath>,
) -> Vec<ActivityFrame> {
    let mut front_end = FrontEnd::new(crate::common::voice_activity(), FrontEndOptions::default());
    let mut path = paths(0).expect("there is a path at the beginning");
    let mut noise = noise::pink(11);
    let mut frames = Vec::new();
    let near = near.as_chunks::<MICROPHONE_FRAME>().0;
    let far = far.as_chunks::<MICROPHONE_FRAME>().0;
    for (n, far) in far.iter().enumerate() {
        if n > 0
            && let Some(changed) = paths(n)
        {
            path = changed;
        }
        let mut microphone = [0.0; MICROPHONE_FRAME];
        path.step(far, &mut microphone);
        for (sample, noise) in microphone.iter_mut().zip(&mut noise) {
            *sample += 1e-3 * noise;
        }
        if let Some(near) = near.get(n) {
            microphone.iter_mut().zip(near).for_each(|(sample, near)| *sample += near);
        }
        front_end.push(&microphone, far, &mut |frame| frames.push(frame));
    }
    frames
}

fn path(seed: u64, delay: u64, gain_db: f32) -> EchoPath {
    let room = ImpulseResponse::decaying(seed, Duration::from_millis(200), 3.0);
    EchoPath::new(Duration::from_millis(delay), gain_db, &room)
}

fn talk() -> Vec<f32> {
    let mut talk = vec![0.0; SECOND / 2];
    talk.extend(crate::common::voice("af_bella", -23.0));
    talk
}

#[test]
fn the_assistant_does_not_hear_itself_while_the_canceller_converges() {
    let far = talk();
    for gain_db in [-12.0, -6.0] {
        let frames = frames(&[], &far, &mut |n| (n == 0).then(|| path(31, 60, gain_db)));
        assert!(frames.iter().any(|frame| frame.far_active));
        let heard = frames.iter().filter(|frame| frame.speech).count();
        assert_eq!(heard, 0, "windows of its own voice at {gain_db} dB");
    }
}

#[test]
fn the_assistant_hardly_hears_itself_when_the_room_changes() {
    let far = talk();
    let frames = frames(&[], &far, &mut |n| match n % 1_000 {
        0 => Some(path(31, 60, -6.0)),
        500 => Some(path(32, 95, -6.0)),
        _ => None,
    });
    let onsets = frames.windows(2).filter(|pair| !pair[0].speech && pair[1].speech).count();
    assert!(onsets <= 1, "{onsets} onsets in {} s", far.len() / SECOND);
}

#[test]
fn the_user_is_heard_over_the_assistant() {
    let far = talk();
    let at = 8 * SECOND / ACTIVITY_WINDOW * ACTIVITY_WINDOW;
    for clip in ["i02", "i07", "s03", "h06"] {
        let mut near = vec![0.0; at];
        near.extend(crate::common::speech(clip, -26.0));
        let frames = frames(&near, &far, &mut |n| (n == 0).then(|| path(31, 60, -12.0)));
        let onset = frames.iter().find(|frame| frame.speech).expect(clip);
        let delay = (onset.end as i64 - at as i64) * 1_000 / SECOND as i64;
        assert!((0..=400).contains(&delay), "{clip}: {delay} ms after the clip's first sample");
    }
}

#[test]
fn where_no_echo_arrives_the_user_keeps_every_word() {
    let far = talk();
    let at = 5 * SECOND;
    let command = crate::common::speech("s01", -26.0);
    let mut near = vec![0.0; at];
    near.extend(&command);
    near.resize(far.len(), 0.0);
    let mut front_end = FrontEnd::new(crate::common::voice_activity(), FrontEndOptions::default());
    let mut cleaned: Vec<f32> = Vec::new();
    let pairs = near.as_chunks::<MICROPHONE_FRAME>().0.iter().zip(far.as_chunks().0);
    for (near, far) in pairs {
        cleaned.extend(front_end.push(near, far, &mut |_| {}));
    }
    assert_eq!(&cleaned[at..at + command.len()], command);
}

#[test]
fn an_echo_that_begins_in_the_middle_of_a_call_is_noticed() {
    let far = talk();
    let frames = frames(&[], &far, &mut |n| match n {
        0 => Some(path(31, 60, -90.0)),
        600 => Some(path(31, 60, -12.0)),
        _ => None,
    });
    let heard = frames.iter().filter(|frame| frame.speech).count();
    assert!(heard <= 10, "{heard} windows of its own voice");
    assert!(frames.last().expect("there are some").far_active);
}

#[test]
fn a_window_ends_every_512_samples_and_the_cleaned_sound_is_given_back() {
    let options = FrontEndOptions { cancel_echo: false, ..FrontEndOptions::default() };
    let mut front_end = FrontEnd::new(crate::common::voice_activity(), options);
    let speech = crate::common::speech("q01", -26.0);
    let mut ends = Vec::new();
    for frame in speech.as_chunks::<MICROPHONE_FRAME>().0 {
        let cleaned = front_end.push(frame, &[0.0; MICROPHONE_FRAME], &mut |f| ends.push(f.end));
        assert_eq!(cleaned, frame, "nothing is taken away where cancelling is off");
    }
    let whole = speech.len() / MICROPHONE_FRAME * MICROPHONE_FRAME / ACTIVITY_WINDOW;
    let expected: Vec<u64> = (1..=whole as u64).map(|n| n * ACTIVITY_WINDOW as u64).collect();
    assert_eq!(ends, expected);
}

#[test]
fn a_minute_of_silence_clipping_or_no_numbers_is_no_speech_and_no_harm() {
    for value in [0.0, f32::NAN, f32::INFINITY, 1e30, f32::MIN_POSITIVE / 2.0] {
        let mut front_end =
            FrontEnd::new(crate::common::voice_activity(), FrontEndOptions::default());
        for _ in 0..6_000 {
            let frame = [value; MICROPHONE_FRAME];
            let cleaned = front_end.push(&frame, &frame, &mut |frame| {
                assert!(!frame.speech && frame.level_db.is_finite(), "{value}");
            });
            assert!(cleaned.iter().all(|x| x.is_finite()), "{value}");
        }
    }
}

#[test]
fn a_voice_through_a_wall_has_no_high_band_snr() {
    let high_band_snr = |voice: &[f32]| {
        let quiet = path(31, 60, -90.0);
        let silence = vec![0.0; voice.len()];
        let frames = frames(voice, &silence, &mut |n| (n == 0).then(|| quiet.clone()));
        frames.iter().map(|frame| frame.high_band_snr_db).fold(0.0, f32::max)
    };
    let voice = |level: f32| {
        let mut voice = vec![0.0; SECOND];
        voice.extend(crate::common::speech("g01", level));
        voice
    };
    // A moving average over 1 ms, applied three times: 40 dB less above 2.5 kHz.
    let mean = |samples: &[f32]| -> Vec<f32> {
        samples.windows(16).map(|window| window.iter().sum::<f32>() / 16.0).collect()
    };
    // Not even for a loud voice, though its remaining high band is louder than silence.
    for level in [-26.0, -6.0] {
        let voice = voice(level);
        let (near, far) = (high_band_snr(&voice), high_band_snr(&mean(&mean(&mean(&voice)))));
        assert!(near > 15.0, "{near} dB at {level}");
        assert!(far < 5.0, "{far} dB at {level}");
    }
}
