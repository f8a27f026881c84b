//! The simulated room: sounds generated from a seed, and the echo path into the microphone.

use std::time::Duration;

use duplex_audio::{
    EchoPath, ImpulseResponse, MICROPHONE_FRAME, level_db,
    noise::{self, active_level_db},
};
use duplex_core::SAMPLE_RATE;

const SECOND: usize = SAMPLE_RATE as usize;

fn stream(name: &str, seed: u64) -> Vec<f32> {
    let samples: Box<dyn Iterator<Item = f32>> = match name {
        "white" => Box::new(noise::white(seed)),
        "pink" => Box::new(noise::pink(seed)),
        "hum" => Box::new(noise::hum(seed)),
        _ => Box::new(noise::keyboard(seed)),
    };
    samples.take(10 * SECOND).collect()
}

fn event(name: &str, seed: u64) -> Vec<f32> {
    match name {
        "cough" => noise::cough(seed),
        "click" => noise::click(seed),
        _ => noise::door(seed),
    }
}

#[test]
fn babble_is_the_same_for_a_seed_and_as_loud_as_other_noise() {
    let talkers: Vec<Vec<f32>> = [0.1, 0.23, 0.37]
        .map(|pitch| (0..SECOND).map(|n| 0.2 * (n as f32 * pitch).sin()).collect())
        .to_vec();
    let talkers: Vec<&[f32]> = talkers.iter().map(Vec::as_slice).collect();
    let babble = |seed| noise::babble(seed, &talkers).take(10 * SECOND).collect::<Vec<_>>();
    assert_eq!(babble(1), babble(1));
    assert_ne!(babble(1), babble(2));
    // The talkers pause for up to a third of the time.
    let level = level_db(&babble(1));
    assert!((-2.5..=0.5).contains(&level), "{level} dB");
    assert!(noise::babble(1, &[]).take(SECOND).all(|x| x == 0.0));
}

#[test]
fn a_measured_impulse_response_is_scaled_and_a_silent_one_refused() {
    let response = ImpulseResponse::measured(vec![3.0, 0.0, 4.0]).unwrap();
    assert_eq!(response.taps(), [0.6, 0.0, 0.8]);
    assert_eq!(ImpulseResponse::measured(vec![0.0; 8]), None);
    let long = ImpulseResponse::measured(vec![1.0; 2 * SECOND]).unwrap();
    assert_eq!(long.taps().len(), SECOND / 2);
}

#[test]
fn every_sound_is_the_same_for_a_seed_and_another_for_another() {
    for name in ["white", "pink", "hum", "keyboard"] {
        assert_eq!(stream(name, 1), stream(name, 1), "{name}");
        assert_ne!(stream(name, 1), stream(name, 2), "{name}");
    }
    for name in ["cough", "click", "door"] {
        assert_eq!(event(name, 1), event(name, 1), "{name}");
        assert_ne!(event(name, 1), event(name, 2), "{name}");
    }
}

#[test]
fn streams_have_a_root_mean_square_of_one_and_events_a_peak_of_one() {
    for name in ["white", "pink", "hum"] {
        let level = level_db(&stream(name, 5));
        assert!(level.abs() < 1.0, "{name}: {level} dB");
    }
    for name in ["cough", "click", "door"] {
        let peak = event(name, 5).iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!((peak - 1.0).abs() < 1e-6, "{name}: {peak}");
    }
}

#[test]
fn pauses_do_not_count_towards_the_level_of_speech() {
    let speech = crate::common::speech("l01", -26.0);
    let mut spaced = vec![0.0; 5 * SECOND];
    spaced.extend(&speech);
    spaced.extend(vec![0.0; 5 * SECOND]);
    assert!((active_level_db(&spaced) - active_level_db(&speech)).abs() < 0.2);
    assert_eq!(active_level_db(&[0.0; 1_000]), level_db(&[]));
}

#[test]
fn mixed_noise_lies_as_far_below_the_speech_as_asked() {
    let speech = crate::common::speech("l01", -20.0);
    let mut mixed = speech.clone();
    noise::mix(&mut mixed, noise::white(1), 10.0);
    let noise: Vec<f32> = mixed.iter().zip(&speech).map(|(a, b)| a - b).collect();
    assert!((level_db(&noise) + 30.0).abs() < 0.5);
}

/// Sends `far` through `path`, frame by frame.
fn echo(path: &mut EchoPath, far: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    for frame in far.as_chunks::<MICROPHONE_FRAME>().0 {
        let mut echo = [f32::NAN; MICROPHONE_FRAME];
        path.step(frame, &mut echo);
        out.extend(echo);
    }
    out
}

#[test]
fn an_impulse_comes_back_as_the_room_after_the_delay() {
    let room = ImpulseResponse::decaying(3, Duration::from_millis(50), 3.0);
    let mut path = EchoPath::new(Duration::from_millis(15), -12.0, &room);
    let mut impulse = vec![0.0; 16 * MICROPHONE_FRAME];
    impulse[7] = 1.0;
    let heard = echo(&mut path, &impulse);
    let at = 7 + 15 * SECOND / 1_000;
    assert!(heard[..at].iter().all(|&x| x == 0.0));
    for (n, tap) in room.taps().iter().enumerate() {
        assert!((heard[at + n] - tap * 10f32.powf(-0.6)).abs() < 1e-6);
    }
    assert!(heard[at + room.taps().len()..].iter().all(|&x| x == 0.0));
}

#[test]
fn the_echo_has_the_level_asked_for() {
    let far: Vec<f32> = noise::white(1).take(4 * SECOND).map(|x| x * 0.1).collect();
    for rt60 in [100, 400] {
        let room = ImpulseResponse::decaying(9, Duration::from_millis(rt60), 3.0);
        let heard = echo(&mut EchoPath::new(Duration::from_millis(60), -6.0, &room), &far);
        let loss = level_db(&heard[SECOND..]) - level_db(&far);
        assert!((loss + 6.0).abs() < 0.5, "{loss} dB in {rt60} ms");
    }
}

#[test]
fn a_room_decays_by_sixty_decibels_in_its_time() {
    let room = ImpulseResponse::decaying(4, Duration::from_millis(400), 0.0);
    let tail = &room.taps()[1..];
    let early = level_db(&tail[..800]);
    let late = level_db(&tail[3_200..4_000]);
    // From 25 to 225 ms: half of the time, so half of the decay.
    assert!((early - late - 30.0).abs() < 2.0, "{early} {late}");
}

#[test]
fn a_delay_that_changes_repeats_the_far_end_or_leaves_some_out_and_never_falls_silent() {
    let far: Vec<f32> = noise::white(4).take(SECOND).collect();
    let mut path = EchoPath::new(Duration::from_millis(120), 0.0, &ImpulseResponse::direct());
    path.set_delay(Duration::from_millis(40));
    let mut heard = Vec::new();
    for (n, frame) in far.as_chunks::<MICROPHONE_FRAME>().0.iter().enumerate() {
        match n {
            40 => path.set_delay(Duration::from_millis(120)),
            70 => path.set_delay(Duration::from_millis(10)),
            _ => {}
        }
        let mut echo = [0.0; MICROPHONE_FRAME];
        path.step(frame, &mut echo);
        heard.extend(echo);
    }
    for (frames, delay) in [(4..40, 4), (40..70, 12), (70..100, 1)] {
        let (from, to) = (frames.start * MICROPHONE_FRAME, frames.end * MICROPHONE_FRAME);
        let late = delay * MICROPHONE_FRAME;
        assert_eq!(heard[from..to], far[from - late..to - late], "{frames:?}");
    }
}
