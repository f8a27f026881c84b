//! The simulated room, as both sides hear it.

use std::sync::Arc;

use duplex_audio::{
    Acoustics as _, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene, level_db,
    room::{Anchor, Cue, NoiseKind, Room, RoomOptions, Sound},
};
use duplex_core::Samples;

const FRAME_MS: u64 = 10;

fn tone(millis: u64) -> Sound {
    let samples = Samples::from_millis(millis).0;
    Sound::from_session((0..samples).map(|n| (n as f32 * 0.2).sin() * 0.3).collect())
}

fn cue(id: &str, anchor: Anchor) -> Cue {
    Cue::new(id, tone(200), anchor)
}

/// An assistant that is audible from `from` to `to`, in ms; returns when each cue began.
fn begun(cues: Vec<Cue>, from: u64, to: u64) -> Vec<(String, Option<u64>)> {
    begun_while(cues, |at| (from..to).contains(&at))
}

/// The same for an assistant that is audible at the times at which `speaks` says so.
fn begun_while(cues: Vec<Cue>, speaks: impl Fn(u64) -> bool) -> Vec<(String, Option<u64>)> {
    begun_in(RoomOptions::default(), cues, speaks)
}

/// The same in a room of its own.
fn begun_in(
    options: RoomOptions,
    cues: Vec<Cue>,
    speaks: impl Fn(u64) -> bool,
) -> Vec<(String, Option<u64>)> {
    let options =
        RoomOptions { tail_ms: 500, hang_up_ms: Some(20_000), patience_ms: 5_000, ..options };
    let (mut room, log) = Room::new(options, cues, None).expect("nothing is recorded");
    let mut at = 0;
    loop {
        let level = if speaks(at) { 0.3 } else { 0.0 };
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
fn the_silence_before_an_answer_that_is_due_is_no_quiet() {
    let ms = Samples::from_millis;
    let asked = Cue { answer_within: ms(3_000), ..cue("first", Anchor::Start(ms(100))) };
    let cues = vec![asked, cue("second", Anchor::Quiet(ms(400)))];
    // The answer begins 1.7 s after the question, and ends at 2.5 s.
    assert_eq!(begun(cues.clone(), 2_000, 2_500)[1].1, Some(2_890));
    // One that never comes is waited for as long as it may take.
    assert_eq!(begun(cues, 0, 0)[1].1, Some(3_300));
}

#[test]
fn an_answer_may_begin_while_other_voices_go_on() {
    let ms = Samples::from_millis;
    let asked = |user_until| Cue {
        user_until,
        sound: tone(2_000),
        answer_within: ms(3_000),
        ..cue("first", Anchor::Start(ms(100)))
    };
    let next = |first| begun(vec![first, cue("second", Anchor::Quiet(ms(400)))], 1_000, 1_500)[1].1;
    // The user has finished at 600 ms, the voices at 2100: the answer between is the one that is due.
    assert_eq!(next(asked(Some(ms(500)))), Some(2_500));
    // To the user's own words it was no answer: that is waited for.
    assert_eq!(next(asked(None)), Some(5_100));
}

#[test]
fn whoever_is_spoken_to_first_waits_for_that() {
    let options = RoomOptions { first_words_within_ms: 7_000, ..RoomOptions::default() };
    let asked = |from: u64, to: u64| {
        let cues = vec![cue("first", Anchor::Quiet(Samples::from_millis(400)))];
        begun_in(options.clone(), cues, |at| (from..to).contains(&at))[0].1
    };
    assert_eq!(asked(6_000, 7_500), Some(7_890));
    // An assistant that says nothing is spoken to in the end.
    assert_eq!(asked(0, 0), Some(7_000));
}

#[test]
fn patience_begins_where_the_wait_for_an_answer_ends() {
    let ms = Samples::from_millis;
    let asked = Cue { answer_within: ms(7_000), ..cue("first", Anchor::Start(ms(100))) };
    let cues = vec![asked, cue("second", Anchor::Quiet(ms(400)))];
    // Six seconds are more than the user's patience, and less than the answer may take.
    assert_eq!(begun(cues, 6_000, 8_000)[1].1, Some(8_390));
}

#[test]
fn a_cue_whose_moment_never_comes_is_given_up() {
    let after = Anchor::Speaking(Samples::from_millis(700));
    assert_eq!(begun(vec![cue("in", after)], 0, 0), [("in".to_owned(), None)]);
}

#[test]
fn a_cue_comes_so_long_after_the_one_before_whatever_the_assistant_does() {
    let cues = vec![
        cue("first", Anchor::Start(Samples::from_millis(100))),
        cue("second", Anchor::AfterCue(Samples::from_millis(400))),
    ];
    assert_eq!(begun(cues, 0, 2_000)[1].1, Some(700));
}

#[test]
fn words_are_counted_in_the_time_in_which_the_assistant_is_audible() {
    // Four words take 1.54 s; the first cue ends at 1000 ms, in the middle of the reply.
    let cues = vec![
        cue("first", Anchor::Start(Samples::from_millis(800))),
        cue("second", Anchor::Words(4)),
    ];
    assert_eq!(begun(cues.clone(), 0, 4_000)[1].1, Some(2_530));
    // With a pause of half a second in every second it takes twice as long: from 1.5 s on.
    let in_halves = |at: u64| at % 1_000 >= 500;
    assert_eq!(begun_while(cues, in_halves)[1].1, Some(4_530));
}

#[test]
fn an_assistant_that_says_too_few_words_is_given_up() {
    assert_eq!(begun(vec![cue("in", Anchor::Words(4))], 0, 1_500), [("in".to_owned(), None)]);
}

/// How long a call lasts, in ms, with an assistant that never falls silent.
fn lasts(cues: Vec<Cue>, options: RoomOptions) -> Option<u64> {
    let (mut room, _) = Room::new(options, cues, None).expect("nothing is recorded");
    let mut microphone = [0.0; MICROPHONE_FRAME];
    let frames =
        (1..20_000).find(|_| room.exchange(&[0.3; PLAYOUT_FRAME], &mut microphone) == Scene::Over);
    frames.map(|frames| frames * FRAME_MS)
}

#[test]
fn the_user_hangs_up_after_the_last_cue_even_while_the_assistant_speaks() {
    let cues = vec![cue("only", Anchor::Start(Samples::from_millis(300)))];
    let patient = RoomOptions { tail_ms: 500, ..RoomOptions::default() };
    // The user does not listen for ever.
    assert_eq!(lasts(cues.clone(), patient.clone()), Some(180_500));
    let options = RoomOptions { hang_up_ms: Some(1_000), ..patient };
    assert_eq!(lasts(cues, options.clone()), Some(1_500));
    assert_eq!(lasts(Vec::new(), options), Some(1_000));
}

#[test]
fn a_call_without_cues_ends_after_its_length() {
    let options = RoomOptions { tail_ms: 800, ..RoomOptions::default() };
    let (mut room, log) = Room::new(options, Vec::new(), None).unwrap();
    let mut microphone = [0.0; MICROPHONE_FRAME];
    let frames =
        (1..6_000).find(|_| room.exchange(&[0.0; PLAYOUT_FRAME], &mut microphone) == Scene::Over);
    assert_eq!(frames.map(|frames| frames * FRAME_MS), Some(800));
    assert_eq!(log.fired(), []);
}

#[test]
fn every_kind_of_noise_has_the_level_that_is_asked_for() {
    let voice = || Sound::from_session((0..32_000).map(|n| (n as f32 * 0.2).sin() * 0.3).collect());
    let talker = Arc::new((0..20_000).map(|n| (n as f32 * 0.3).sin() * 0.1).collect::<Vec<_>>());
    for noise in [NoiseKind::Pink, NoiseKind::White, NoiseKind::Keyboard, NoiseKind::Babble] {
        let options = RoomOptions {
            snr_db: Some(15.0),
            noise,
            talkers: vec![Arc::clone(&talker), Arc::clone(&talker)],
            ..RoomOptions::default()
        };
        // An effect does not count as the user's voice, however loud.
        let loud = Sound::from_session(vec![0.9; 1_600]).effect();
        let late = Anchor::Start(Samples::from_millis(60_000));
        let cues = [("voice", voice()), ("loud", loud)];
        let cues = cues.map(|(id, sound)| Cue::new(id, sound, late)).to_vec();
        let level = level_db(voice().samples());
        let (mut room, _) = Room::new(options, cues, None).unwrap();
        let mut heard = Vec::new();
        for _ in 0..1_000 {
            let mut microphone = [0.0; MICROPHONE_FRAME];
            room.exchange(&[0.0; PLAYOUT_FRAME], &mut microphone);
            heard.extend(microphone);
        }
        let snr = level - level_db(&heard);
        assert!((snr - 15.0).abs() < 1.5, "{noise:?}: {snr} dB");
    }
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
