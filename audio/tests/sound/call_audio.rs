//! The sound of a call between a device's callbacks and the thread that hears it.

use std::time::Duration;

use duplex_audio::{
    ActivityFrame, CallAudio, Clocks, DeviceError, DeviceFormat, EchoPath, FarEnd, FrontEnd,
    FrontEndOptions, Hearing, ImpulseResponse, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE,
    call_audio, noise, playout,
};
use duplex_core::SAMPLE_RATE;
use proptest::prelude::*;

fn format(microphone_rate: u32, loudspeaker_rate: u32, most_block: usize) -> DeviceFormat {
    DeviceFormat { microphone_rate, loudspeaker_rate, most_block, clocks: Clocks::One }
}

fn front_end() -> FrontEnd {
    FrontEnd::new(crate::common::voice_activity(), FrontEndOptions::default())
}

/// Speech of the assistant at the playout rate.
fn assistant() -> Vec<f32> {
    let talk = crate::common::voice("af_bella", -23.0).repeat(2);
    duplex_audio::convert(&talk[..25 * SAMPLE_RATE as usize], SAMPLE_RATE, PLAYOUT_RATE)
}

#[test]
fn frames_of_a_device_without_a_clock_are_heard_as_if_nothing_were_between() {
    let talk = assistant();
    let (mut queue, mut speaker) = playout(talk.len());
    queue.push(&talk);
    let (mut other_queue, other_speaker) = playout(talk.len());
    other_queue.push(&talk);
    let (mut device, pairs) = call_audio(DeviceFormat::FRAMES, other_speaker).unwrap();
    let mut hearing = Hearing::new(pairs, front_end());

    let (mut far_end, mut direct) = (FarEnd::default(), front_end());
    let room = ImpulseResponse::decaying(31, Duration::from_millis(200), 3.0);
    let mut path = EchoPath::new(Duration::from_millis(40), -12.0, &room);
    let mut room_far_end = FarEnd::default();
    let mut noise = noise::pink(3);
    let (mut expected, mut expected_sound) = (Vec::new(), Vec::new());
    let (mut heard, mut heard_sound) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let (mut played, mut other_played) = ([0.0; PLAYOUT_FRAME], [0.0; PLAYOUT_FRAME]);
        speaker.fill(&mut played);
        device.loudspeaker.play(&mut other_played);
        assert_eq!(played, other_played);
        let mut microphone = [0.0; MICROPHONE_FRAME];
        path.step(&room_far_end.frame(&played), &mut microphone);
        microphone.iter_mut().zip(&mut noise).for_each(|(sample, noise)| *sample += 1e-3 * noise);

        let far = far_end.frame(&played);
        let cleaned = direct.push(&microphone, &far, &mut |frame| expected.push(frame));
        expected_sound.extend_from_slice(cleaned);

        device.microphone.record(&microphone);
        hearing.hear(Duration::ZERO, &mut |window| {
            heard_sound.extend(window.cleaned);
            heard.push(window.activity);
        });
    }
    assert_eq!(heard.len(), 1_000 * MICROPHONE_FRAME / duplex_audio::ACTIVITY_WINDOW);
    assert_eq!(heard, expected);
    assert_eq!(heard_sound, expected_sound[..heard_sound.len()]);
    assert_eq!(hearing.counters(), duplex_audio::DeviceCounters::default());
}

/// What a device does in a call.
#[derive(Clone, Debug)]
enum Step {
    Process(usize, usize),
    Record(usize),
    Play(usize),
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..700, 0usize..700).prop_map(|(m, l)| Step::Process(m, l)),
        2 => (0usize..700).prop_map(Step::Record),
        2 => (0usize..700).prop_map(Step::Play),
        3 => Just(Step::Look),
    ]
}

proptest! {
    #[test]
    fn every_sample_is_heard_once_in_order_whatever_the_blocks(
        steps in prop::collection::vec(step(), 1..80),
        clocks in prop_oneof![Just(Clocks::One), Just(Clocks::Two)],
        loudspeaker_rate in prop_oneof![Just(8_000), Just(44_100), Just(48_000)],
    ) {
        let format = DeviceFormat { clocks, ..format(SAMPLE_RATE, loudspeaker_rate, 256) };
        let (mut queue, speaker) = playout(format.playout_ahead());
        let (mut device, mut pairs) = call_audio(format, speaker).unwrap();
        // Small enough to count exactly.
        let number = |n: usize| (n + 1) as f32 / (1 << 20) as f32;
        let (mut recorded, mut heard, mut played) = (0, 0, 0);
        let mut record = |length: usize| -> Vec<f32> {
            recorded += length;
            (recorded - length..recorded).map(number).collect()
        };
        let (mut long, mut now) = (0, Duration::ZERO);
        for step in steps.into_iter().chain([Step::Look]) {
            queue.push(&[0.5; 100]);
            match step {
                Step::Process(microphone, loudspeaker) => {
                    device.process(&record(microphone), &mut vec![f32::NAN; loudspeaker]);
                    long += u64::from(microphone > 256) + u64::from(loudspeaker > 256);
                }
                Step::Record(length) => {
                    device.microphone.record(&record(length));
                    long += u64::from(length > 256);
                }
                Step::Play(length) => {
                    let mut block = vec![f32::NAN; length];
                    device.loudspeaker.play(&mut block);
                    prop_assert!(block.iter().all(|sample| sample.is_finite()));
                    long += u64::from(length > 256);
                }
                Step::Look => {
                    now += Duration::from_millis(5);
                    pairs.take(now, &mut |pair| {
                        for sample in pair.microphone {
                            assert_eq!(sample, number(heard));
                            heard += 1;
                        }
                    });
                }
            }
            prop_assert!(queue.played() >= played);
            played = queue.played();
        }
        let counters = pairs.counters();
        if counters.unheard == 0 {
            prop_assert_eq!(heard, recorded / MICROPHONE_FRAME * MICROPHONE_FRAME);
        }
        prop_assert_eq!(counters.long_blocks, long);
    }
}

#[test]
fn a_device_that_cannot_exist_is_refused_by_the_number_that_is_wrong() {
    let refused = |format| call_audio(format, playout(480).1).err();
    assert_eq!(refused(format(7_999, 48_000, 480)), Some(DeviceError::Rate(7_999)));
    assert_eq!(refused(format(16_000, 192_001, 480)), Some(DeviceError::Rate(192_001)));
    assert_eq!(refused(format(0, 48_000, 480)), Some(DeviceError::Rate(0)));
    let block = |samples, rate| Some(DeviceError::Block { samples, rate });
    assert_eq!(refused(format(16_000, 48_000, 0)), block(0, 16_000));
    assert_eq!(refused(format(48_000, 8_000, 8_001)), block(8_001, 8_000));
    assert_eq!(refused(format(48_000, 8_000, usize::MAX)), block(usize::MAX, 48_000));
    assert_eq!(refused(format(8_000, 192_000, 8_000)), None);
}

#[test]
fn a_clock_that_runs_back_or_stands_still_costs_no_sample_of_the_microphone() {
    let device = DeviceFormat { clocks: Clocks::Two, ..format(16_000, 48_000, 480) };
    let (_playout, speaker) = playout(device.playout_ahead());
    let (mut audio, mut pairs) = call_audio(device, speaker).unwrap();
    let mut frames = 0;
    let mut out = [0.0; 480];
    for step in 0..600_u64 {
        audio.process(&[0.1; 160], &mut out);
        let millis = match step {
            200..300 => 0,
            400..500 => 4_000,
            _ => 10 * step,
        };
        pairs.take(Duration::from_millis(millis), &mut |_| frames += 1);
    }
    assert_eq!(frames, 600);
    assert_eq!(pairs.counters().unheard, 0);
}

#[test]
fn a_loudspeaker_that_stalls_or_never_plays_holds_up_no_microphone() {
    for clocks in [Clocks::One, Clocks::Two] {
        let format = DeviceFormat { clocks, ..format(48_000, 48_000, 480) };
        let (mut device, mut pairs) = call_audio(format, playout(480).1).unwrap();
        let mut frames = 0;
        for n in 1..=100 {
            device.microphone.record(&[0.1; 480]);
            pairs.take(Duration::from_millis(10 * n), &mut |pair| {
                assert_eq!(pair.far_end, [0.0; MICROPHONE_FRAME]);
                frames += 1;
            });
            assert!(frames + 1 >= n, "{frames} frames after {n} blocks");
        }
        assert!(pairs.counters().far_missing >= 98 * PLAYOUT_FRAME as u64, "{clocks:?}");
    }
}

#[test]
fn a_far_end_that_comes_back_belongs_to_what_is_recorded_then() {
    let (mut queue, speaker) = playout(PLAYOUT_RATE as usize);
    let (mut device, mut pairs) = call_audio(DeviceFormat::FRAMES, speaker).unwrap();
    let mut levels = Vec::new();
    for n in 0..400 {
        // Silence, but for the first block after two seconds without any.
        if !(100..300).contains(&n) {
            queue.push(&[if n == 300 { 0.5 } else { 0.0 }; PLAYOUT_FRAME]);
            device.loudspeaker.play(&mut [0.0; PLAYOUT_FRAME]);
        }
        device.microphone.record(&[0.0; MICROPHONE_FRAME]);
        pairs.take(Duration::ZERO, &mut |pair| levels.push(duplex_audio::level_db(&pair.far_end)));
    }
    let loud: Vec<usize> = (0..400).filter(|&n| levels[n] > -20.0).collect();
    assert_eq!(loud.first(), Some(&300), "{loud:?}");
}

#[test]
fn what_nobody_hears_for_a_second_is_dropped_counted_and_leaves_the_sides_aligned() {
    let (mut queue, speaker) = playout(PLAYOUT_RATE as usize);
    let (mut device, mut pairs) = call_audio(DeviceFormat::FRAMES, speaker).unwrap();
    let mut levels = Vec::new();
    for n in 0..1_000 {
        let sample = if n == 900 { 0.5 } else { 0.0 };
        queue.push(&[sample; PLAYOUT_FRAME]);
        device.process(&[sample; MICROPHONE_FRAME], &mut [0.0; PLAYOUT_FRAME]);
        if !(100..500).contains(&n) {
            pairs.take(Duration::ZERO, &mut |pair| {
                let [near, far] =
                    [&pair.microphone, &pair.far_end].map(|side| duplex_audio::level_db(side));
                levels.push((near, far));
            });
        }
    }
    assert!(pairs.counters().unheard > 2 * u64::from(SAMPLE_RATE), "{:?}", pairs.counters());
    let near = levels.iter().position(|(near, _)| *near > -20.0).expect("it was recorded");
    let far = levels.iter().position(|(_, far)| *far > -20.0).expect("it was played");
    assert!(near.abs_diff(far) <= 2, "frames {near} and {far}");
}

#[test]
fn a_far_end_that_began_before_the_microphone_is_not_behind_for_long() {
    let (mut queue, speaker) = playout(PLAYOUT_RATE as usize);
    let (mut device, mut pairs) = call_audio(DeviceFormat::FRAMES, speaker).unwrap();
    (0..30).for_each(|_| device.loudspeaker.play(&mut [0.0; PLAYOUT_FRAME]));
    let mut loud = Vec::new();
    for n in 0..500 {
        queue.push(&[if n == 400 { 0.5 } else { 0.0 }; PLAYOUT_FRAME]);
        device.process(&[0.0; MICROPHONE_FRAME], &mut [0.0; PLAYOUT_FRAME]);
        pairs.take(Duration::ZERO, &mut |pair| {
            if duplex_audio::level_db(&pair.far_end) > -20.0 {
                loud.push(n);
            }
        });
    }
    assert_eq!(loud.first(), Some(&400), "{loud:?}");
    assert_eq!(pairs.counters().far_skipped, 30 * PLAYOUT_FRAME as u64);
}

#[test]
fn a_device_that_stops_calling_is_silent_and_one_that_is_dropped_is_closed() {
    let (mut device, mut pairs) = call_audio(DeviceFormat::FRAMES, playout(480).1).unwrap();
    device.process(&[0.1; MICROPHONE_FRAME], &mut [0.0; PLAYOUT_FRAME]);
    let mut frames = 0;
    let mut look = |pairs: &mut duplex_audio::FramePairs, after: u64| {
        pairs.take(Duration::from_secs(after), &mut |_| frames += 1);
        frames
    };
    assert_eq!((look(&mut pairs, 1), pairs.is_closed()), (1, false));
    assert_eq!((look(&mut pairs, 60), pairs.is_closed()), (1, false));
    let CallAudio { mut microphone, loudspeaker } = device;
    drop(loudspeaker);
    assert!(!pairs.is_closed(), "the microphone is the clock");
    microphone.record(&[0.1; MICROPHONE_FRAME]);
    drop(microphone);
    assert!(pairs.is_closed());
    assert_eq!(look(&mut pairs, 61), 2, "what came before is still heard");
}

#[test]
fn the_playout_is_as_far_ahead_as_the_device_needs() {
    let ms = |format: DeviceFormat| format.playout_ahead() * 1_000 / PLAYOUT_RATE as usize;
    assert!(ms(DeviceFormat::FRAMES) <= 100);
    // Of a device that cannot exist, it is some number all the same.
    assert!(format(0, 0, usize::MAX).playout_ahead() > 0);
    // Both blocks, and the window.
    let large = format(16_000, 8_000, 2_048);
    assert!((256 + 128 + 32..500).contains(&ms(large)), "{} ms", ms(large));
}

/// Four-point interpolation, of the third order.
fn between(samples: &[f32], at: f64) -> f32 {
    let (whole, part) = (at.floor(), at.fract() as f32);
    let sample = |n: i64| {
        usize::try_from(whole as i64 + n).ok().and_then(|n| samples.get(n)).copied().unwrap_or(0.0)
    };
    let [a, b, c, d] = [-1, 0, 1, 2].map(sample);
    let (even, odd) = (0.5 * (c - a), 0.5 * (d - b));
    let rest = c - b;
    b + part * (even + part * (3.0 * rest - 2.0 * even - odd + part * (even + odd - 2.0 * rest)))
}

/// A call on a device: the assistant talks, and after twenty seconds the user does. Returns the windows.
fn conversation(format: DeviceFormat, blocks: (usize, usize), ppm: f64) -> Vec<ActivityFrame> {
    const ECHO: f32 = 0.25;
    const DELAY: f64 = 0.060;
    let talk = assistant();
    let mut user = vec![0.0; 20 * format.microphone_rate as usize];
    let clip = crate::common::speech("i02", -26.0);
    user.extend(duplex_audio::convert(&clip, SAMPLE_RATE, format.microphone_rate));
    let mut noise = noise::pink(11);
    let (mut queue, speaker) = playout(format.playout_ahead());
    let (device, pairs) = call_audio(format, speaker).expect("there is such a device");
    let CallAudio { mut microphone, mut loudspeaker } = device;
    let mut hearing = Hearing::new(pairs, front_end());
    let (mut fed, mut windows) = (0, Vec::new());
    fed += queue.push(&talk);
    let (mut block, mut out) = (vec![0.0; blocks.0], vec![0.0; blocks.1]);
    let microphone_rate = f64::from(format.microphone_rate);
    let loudspeaker_rate = f64::from(format.loudspeaker_rate) * (1.0 + ppm / 1e6);
    let (mut recorded, mut look_at, mut play_at) = (0, 0.0, 0.0);
    while recorded < 23 * format.microphone_rate as usize {
        let record_at = (recorded + block.len()) as f64 / microphone_rate;
        if play_at <= record_at.min(look_at) {
            loudspeaker.play(&mut out);
            play_at += out.len() as f64 / loudspeaker_rate;
        } else if record_at <= look_at {
            for (n, sample) in block.iter_mut().enumerate() {
                let since = (recorded + n) as f64 / microphone_rate - DELAY;
                let echo = between(&talk, since * f64::from(PLAYOUT_RATE) * (1.0 + ppm / 1e6));
                *sample = ECHO * echo + user.get(recorded + n).copied().unwrap_or(0.0);
                *sample += 1e-3 * noise.next().unwrap_or(0.0);
            }
            recorded += block.len();
            microphone.record(&block);
        } else {
            let before = windows.len();
            hearing.hear(Duration::from_secs_f64(look_at), &mut |window| {
                windows.push(window.activity);
            });
            if windows.len() > before {
                fed += queue.push(&talk[fed..]);
            }
            look_at += 0.003;
        }
    }
    assert_eq!(queue.underruns(), 0);
    windows
}

/// Mean level of the windows from `from` to `to`, in seconds, and how many of them count as speech.
fn span(windows: &[ActivityFrame], from: u64, to: u64) -> (f32, usize) {
    let rate = u64::from(SAMPLE_RATE);
    let windows: Vec<_> =
        windows.iter().filter(|w| (from * rate..to * rate).contains(&w.end)).collect();
    let level = windows.iter().map(|window| window.level_db).sum::<f32>() / windows.len() as f32;
    (level, windows.iter().filter(|window| window.speech).count())
}

#[test]
fn echo_and_voice_are_told_apart_as_well_on_odd_devices_as_on_the_plainest() {
    let plain = conversation(DeviceFormat::FRAMES, (MICROPHONE_FRAME, PLAYOUT_FRAME), 0.0);
    let (residual, own) = span(&plain, 10, 20);
    let (_, user) = span(&plain, 20, 23);
    assert_eq!(own, 0, "windows of its own voice");
    assert!(user > 10, "{user} windows of the user");
    for (rates, blocks, clocks, ppm) in [
        ((44_100, 44_100), (441, 441), Clocks::One, 0.0),
        ((48_000, 96_000), (64, 2_048), Clocks::One, 0.0),
        ((48_000, 44_100), (480, 1_024), Clocks::Two, 200.0),
        ((16_000, 48_000), (1_024, 64), Clocks::Two, -200.0),
        ((192_000, 16_000), (2_048, 2_048), Clocks::Two, 200.0),
    ] {
        let name = format!("{rates:?} Hz, {blocks:?} samples, {clocks:?}, {ppm} ppm");
        let format = DeviceFormat { clocks, ..format(rates.0, rates.1, blocks.0.max(blocks.1)) };
        let windows = conversation(format, blocks, ppm);
        let (level, own) = span(&windows, 10, 20);
        let (_, voice) = span(&windows, 20, 23);
        assert_eq!(own, 0, "{name}: windows of its own voice");
        assert!((level - residual).abs() < 3.0, "{name}: {level:.1} dB are left, {residual:.1} dB");
        assert!(voice.abs_diff(user) <= user / 5, "{name}: {voice} windows of the user, {user}");
    }
}
