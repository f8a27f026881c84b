//! What a microphone's and a loudspeaker's callbacks do with their samples.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{f32::consts::TAU, sync::Arc, time::Duration};

use duplex_audio::{
    CallAudio, FramePairs, Playout, call_audio,
    device::{CALL_FORMAT, Player, Recorder, SideMeter},
    level_db, playout,
};
use duplex_core::SAMPLE_RATE;

/// A second of a tone of 300 Hz, so many dB below full scale.
fn tone(rate: u32, db: f32) -> Vec<f32> {
    let peak = 10f32.powf(db / 20.0);
    (0..rate).map(|at| peak * (TAU * 300.0 * at as f32 / rate as f32).sin()).collect()
}

fn call() -> (CallAudio, FramePairs, Playout) {
    let (queue, speaker) = playout(48_000);
    let (audio, pairs) = call_audio(CALL_FORMAT, speaker).unwrap();
    (audio, pairs, queue)
}

fn recorder(audio: CallAudio, channels: usize, rate: u32) -> (Recorder, Arc<SideMeter>) {
    let meter = Arc::<SideMeter>::default();
    let recorder = Recorder::new(audio.microphone, channels, rate, Arc::clone(&meter));
    (recorder.map_err(|refused| refused.1).unwrap(), meter)
}

fn player(audio: CallAudio, channels: usize, rate: u32) -> Player {
    let player = Player::new(audio.loudspeaker, channels, rate, Arc::default());
    player.map_err(|refused| refused.1).unwrap()
}

/// What the call hears.
fn heard(pairs: &mut FramePairs) -> Vec<f32> {
    let mut heard = Vec::new();
    pairs.take(Duration::ZERO, &mut |pair| heard.extend(pair.microphone));
    heard
}

/// Level of the middle, where no filter begins or ends.
fn level(sound: &[f32]) -> f32 {
    level_db(&sound[sound.len() / 4..sound.len() * 3 / 4])
}

#[test]
fn a_microphone_of_any_rate_and_format_is_heard_at_its_level() {
    for rate in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let (audio, mut pairs, _queue) = call();
        let (mut recorder, meter) = recorder(audio, 1, rate);
        let whole: Vec<i16> = tone(rate, -20.0).iter().map(|x| (x * 32_768.0) as i16).collect();
        // Blocks as no device has them.
        whole.chunks(rate as usize / 97 + 1).for_each(|block| recorder.record(block));
        let heard = heard(&mut pairs);
        let seconds = heard.len() as f32 / SAMPLE_RATE as f32;
        assert!((0.95..=1.0).contains(&seconds), "{rate} Hz: {seconds} s");
        assert!((level(&heard) + 23.0).abs() < 0.3, "{rate} Hz: {} dB", level(&heard));
        assert!((meter.level_db() + 23.0).abs() < 0.5, "{rate} Hz: {} dB", meter.level_db());
    }
}

#[test]
fn the_voice_is_heard_whichever_channel_it_is_in_and_where_two_would_cancel_each_other() {
    let voice = tone(48_000, -20.0);
    let silent = vec![0.0; voice.len()];
    let inverted: Vec<f32> = voice.iter().map(|x| -x).collect();
    for (left, right) in [(&voice, &silent), (&silent, &voice), (&voice, &inverted)] {
        let (audio, mut pairs, _queue) = call();
        let (mut recorder, _) = recorder(audio, 2, 48_000);
        let both: Vec<f32> = left.iter().zip(right).flat_map(|(&l, &r)| [l, r]).collect();
        both.chunks(960).for_each(|block| recorder.record(block));
        assert!((level(&heard(&mut pairs)) + 23.0).abs() < 0.3);
    }
}

#[test]
fn samples_that_are_no_numbers_are_silence() {
    let (audio, mut pairs, _queue) = call();
    let (mut recorder, meter) = recorder(audio, 1, 48_000);
    recorder.record(&[f32::NAN; 4_800]);
    recorder.record(&[f32::INFINITY; 4_800]);
    recorder.record(&tone(48_000, -20.0));
    let heard = heard(&mut pairs);
    assert!(heard.iter().all(|sample| sample.is_finite()));
    assert!((level(&heard[heard.len() / 2..]) + 23.0).abs() < 0.5, "{}", meter.level_db());
}

#[test]
fn a_loudspeaker_of_any_rate_plays_the_same_on_all_of_its_channels() {
    for (rate, channels) in [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 6), (192_000, 2)] {
        let (audio, _pairs, mut queue) = call();
        let mut player = player(audio, channels, rate);
        assert_eq!(queue.push(&tone(48_000, -20.0)), 48_000);
        let mut played = vec![0i16; rate as usize * channels];
        played.chunks_mut(rate as usize / 89 * channels).for_each(|block| player.play(block));
        let first: Vec<f32> =
            played.chunks_exact(channels).map(|frame| f32::from(frame[0]) / 32_768.0).collect();
        assert!((level(&first) + 23.0).abs() < 0.3, "{rate} Hz: {} dB", level(&first));
        assert!(played.chunks_exact(channels).all(|it| it.iter().all(|x| *x == it[0])));
    }
}

#[test]
fn a_loud_volume_is_limited_softly_and_the_canceller_is_told_of_it() {
    let (audio, mut pairs, mut queue) = call();
    let volume = audio.loudspeaker.volume();
    volume.set_db(12.0);
    let CallAudio { microphone, loudspeaker } = audio;
    let mut player = Player::new(loudspeaker, 1, 48_000, Arc::default()).map_err(|_| ()).unwrap();
    let mut recorder =
        Recorder::new(microphone, 1, 48_000, Arc::default()).map_err(|_| ()).unwrap();
    queue.push(&tone(48_000, -3.0));
    let mut played = vec![0.0f32; 48_000];
    let mut far_end = Vec::new();
    for (at, block) in played.chunks_mut(480).enumerate() {
        player.play(block);
        recorder.record(&[0.0f32; 480]);
        let now = Duration::from_millis(10 * (at as u64 + 1));
        pairs.take(now, &mut |pair| far_end.extend(pair.far_end));
    }
    let loudest = played.iter().fold(0.0f32, |loudest, x| loudest.max(x.abs()));
    assert!(loudest <= 1.0 && level(&played) > -3.0, "{loudest}, {} dB", level(&played));
    assert!((level(&far_end) - level(&played)).abs() < 1.0, "{} dB", level(&far_end));
    volume.set_db(f32::NAN);
    assert_eq!(volume.db(), 12.0);
}

#[test]
fn an_end_that_moves_to_another_device_goes_on_where_it_was() {
    let (audio, mut pairs, _queue) = call();
    let (mut first, _) = recorder(audio, 2, 44_100);
    let voice = tone(44_100, -20.0);
    let both: Vec<f32> = voice.iter().flat_map(|&x| [x, x]).collect();
    first.record(&both);
    let mut samples = heard(&mut pairs).len();
    let end = first.into_end();
    assert!(!pairs.is_closed());
    let mut second = Recorder::new(end, 1, 16_000, Arc::default()).map_err(|_| ()).unwrap();
    second.record(&tone(16_000, -20.0));
    samples += heard(&mut pairs).len();
    let seconds = samples as f32 / SAMPLE_RATE as f32;
    assert!((1.9..=2.0).contains(&seconds), "{seconds} s");
    drop(second);
    assert!(pairs.is_closed());
}
