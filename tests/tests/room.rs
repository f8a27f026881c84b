//! The simulated room, heard from both of its ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use duplex_audio::{MICROPHONE_FRAME, PLAYOUT_FRAME, level_db};
use duplex_core::Samples;
use duplex_harness::room::{Anchor, Cue, Room, RoomOptions, Sound};
use duplex_runtime::{Acoustics as _, Scene};

const FRAME_MS: u64 = 10;

fn tone(millis: u64) -> Sound {
    let samples = Samples::from_millis(millis).0;
    Sound::from_session((0..samples).map(|n| (n as f32 * 0.2).sin() * 0.3).collect())
}

fn cue(id: &str, anchor: Anchor) -> Cue {
    Cue { id: id.to_owned(), sound: tone(200), anchor }
}

/// An assistant that is audible from `from` to `to`, in ms; gives when each cue began.
fn begun(cues: Vec<Cue>, from: u64, to: u64) -> Vec<(String, Option<u64>)> {
    let options = RoomOptions { tail_ms: 500, patience_ms: 3_000, ..RoomOptions::default() };
    let (mut room, log) = Room::new(options, cues, None).unwrap();
    let mut at = 0;
    loop {
        let level = if (from..to).contains(&at) { 0.3 } else { 0.0 };
        let mut playout = [0.0; PLAYOUT_FRAME];
        playout.iter_mut().enumerate().for_each(|(n, x)| *x = level * (n as f32 * 0.1).sin());
        if room.exchange(&playout, &mut [0.0; MICROPHONE_FRAME]) == Scene::Over {
            break;
        }
        at += FRAME_MS;
        assert!(at < 60_000, "the call never ends");
    }
    let fired = log.fired().into_iter();
    fired.map(|cue| (cue.id, cue.span.map(|(from, _)| from.as_millis()))).collect()
}

#[test]
fn a_cue_waits_until_the_assistant_has_been_audible_for_so_long() {
    let after = Anchor::Speaking(Samples::from_millis(700));
    assert_eq!(begun(vec![cue("in", after)], 1_000, 3_000), [("in".to_owned(), Some(1_700))]);
}

#[test]
fn a_cue_waits_until_both_sides_are_quiet() {
    let cues = vec![
        cue("first", Anchor::Start(Samples::from_millis(100))),
        cue("second", Anchor::Quiet(Samples::from_millis(400))),
    ];
    let fired = begun(cues, 200, 2_000);
    assert_eq!(fired[0].1, Some(100));
    // The assistant's last audible frame begins at 1990.
    assert_eq!(fired[1].1, Some(2_390));
}

#[test]
fn a_cue_whose_moment_never_comes_is_given_up() {
    let after = Anchor::Speaking(Samples::from_millis(700));
    assert_eq!(begun(vec![cue("in", after)], 0, 0), [("in".to_owned(), None)]);
}

#[test]
fn the_microphone_hears_the_assistant_at_the_level_and_delay_of_the_echo() {
    let options = RoomOptions {
        echo_db: Some(-12.0),
        echo_delay_ms: 50,
        rt60_ms: 0,
        ..RoomOptions::default()
    };
    let late = vec![cue("late", Anchor::Start(Samples::from_millis(2_000)))];
    let (mut room, _) = Room::new(options, late, None).unwrap();
    let mut microphone = [0.0; MICROPHONE_FRAME];
    let mut first = None;
    let mut loudest = f32::MIN;
    let mut played = f32::MIN;
    for frame in 0..100 {
        let mut playout = [0.0; PLAYOUT_FRAME];
        let phase = frame * PLAYOUT_FRAME;
        playout
            .iter_mut()
            .enumerate()
            .for_each(|(n, x)| *x = 0.5 * ((phase + n) as f32 * 0.1).sin());
        room.exchange(&playout, &mut microphone);
        played = played.max(level_db(&playout));
        loudest = loudest.max(level_db(&microphone));
        if level_db(&microphone) > -60.0 {
            first.get_or_insert(frame as u64 * FRAME_MS);
        }
    }
    assert!((loudest - (played - 12.0)).abs() < 0.5, "{loudest} dB for {played} dB");
    assert!((50..=60).contains(&first.unwrap()), "{first:?} ms");
}
