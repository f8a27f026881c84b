//! What a device's callbacks call must not allocate.

use std::{sync::Arc, time::Duration};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use duplex_audio::{
    CallAudio, Clocks, DeviceFormat, PLAYOUT_FRAME, call_audio,
    device::{CALL_FORMAT, Player, Recorder, SideMeter},
    playout,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn the_playback_callback_allocates_nothing() {
    let (mut playout, mut speaker) = playout(PLAYOUT_FRAME * 4);
    let mut out = [0.0; PLAYOUT_FRAME / 3 + 1];
    let sound = [0.5; PLAYOUT_FRAME * 4];
    let mut callbacks = |times: usize| {
        for _ in 0..times {
            assert_no_alloc(|| speaker.fill(&mut out));
        }
    };
    callbacks(2);
    playout.push(&sound);
    callbacks(2);
    playout.set_gain(0.3);
    callbacks(3);
    playout.hold();
    callbacks(4);
    playout.release();
    callbacks(2);
    playout.flush();
    playout.push(&sound);
    callbacks(40);
    assert!(playout.underruns() > 0, "the callback ran through every state");
}

#[test]
fn the_callbacks_of_a_device_allocate_nothing_at_any_rate_and_block() {
    for (microphone_rate, loudspeaker_rate) in
        [(8_000, 8_000), (16_000, 48_000), (44_100, 44_100), (48_000, 96_000), (192_000, 192_000)]
    {
        let blocks = [64, 441, 480, 1_024, 2_048];
        for clocks in [Clocks::One, Clocks::Two] {
            let format =
                DeviceFormat { microphone_rate, loudspeaker_rate, most_block: 1_024, clocks };
            let (mut queue, speaker) = playout(format.playout_ahead());
            let (mut device, mut pairs) = call_audio(format, speaker).unwrap();
            let (recorded, mut played) = ([0.1; 2_048], [0.0; 2_048]);
            for block in blocks.repeat(20) {
                queue.push(&[0.5; PLAYOUT_FRAME]);
                assert_no_alloc(|| device.process(&recorded[..block], &mut played[..block]));
            }
            let CallAudio { mut microphone, mut loudspeaker } = device;
            // Nobody takes what they record and play: the rings run full.
            for block in blocks.repeat(200) {
                assert_no_alloc(|| microphone.record(&recorded[..block]));
                assert_no_alloc(|| loudspeaker.play(&mut played[..block]));
            }
            assert!(pairs.counters().unheard > 0 || pairs.counters().far_lost > 0);
            assert!(pairs.counters().long_blocks > 0);
            pairs.take(Duration::ZERO, &mut |_| {});
        }
    }
}

/// What a device's callbacks do with samples of one format.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn callbacks<T: cpal::SizedSample + cpal::FromSample<f32>>(rate: u32, channels: usize)
where
    f32: cpal::FromSample<T>,
{
    let (mut queue, speaker) = playout(CALL_FORMAT.playout_ahead());
    let (device, mut pairs) = call_audio(CALL_FORMAT, speaker).unwrap();
    let CallAudio { microphone, loudspeaker } = device;
    let volume = loudspeaker.volume();
    let meter = Arc::<SideMeter>::default;
    let mut recorder = Recorder::new(microphone, channels, rate, meter()).map_err(|_| ()).unwrap();
    let mut player = Player::new(loudspeaker, channels, rate, meter()).map_err(|_| ()).unwrap();
    let recorded = vec![T::from_sample(0.25); 2_048 * channels];
    let mut played = vec![T::EQUILIBRIUM; 2_048 * channels];
    for (turn, block) in [64, 441, 480, 1_024, 2_048].repeat(8).into_iter().enumerate() {
        queue.push(&[0.5; PLAYOUT_FRAME]);
        volume.set_db(if turn % 20 < 10 { 0.0 } else { 9.0 });
        assert_no_alloc(|| recorder.record(&recorded[..block * channels]));
        assert_no_alloc(|| player.play(&mut played[..block * channels]));
    }
    let mut frames = 0;
    pairs.take(Duration::ZERO, &mut |_| frames += 1);
    assert!(frames > 0, "the callbacks handed on what they recorded");
}

#[test]
fn the_callbacks_of_a_microphone_and_a_loudspeaker_allocate_nothing_in_any_format() {
    for rate in [8_000, 16_000, 44_100, 48_000, 192_000] {
        for channels in [1, 2, 6, 12] {
            callbacks::<f32>(rate, channels);
        }
        callbacks::<i16>(rate, 2);
        callbacks::<i32>(rate, 1);
        callbacks::<cpal::I24>(rate, 2);
        callbacks::<u8>(rate, 1);
        callbacks::<f64>(rate, 1);
    }
}
