//! A device whose microphone and loudspeaker run on clocks of their own, in simulated time.

use std::time::Duration;

use duplex_audio::{
    ACTIVITY_WINDOW, CallAudio, Clocks, DeviceCounters, DeviceFormat, FramePair, FramePairs,
    PLAYOUT_RATE, Playout, call_audio, playout,
};
use duplex_core::SAMPLE_RATE;

/// How often the other end looks, in seconds; of no multiple are usual blocks long.
const LOOK: f64 = 0.003;

/// Delay from the loudspeaker's block to the microphone, in seconds: of the device and of the air.
const DELAY: f64 = 0.030;

/// The device, and the time.
struct Device {
    format: DeviceFormat,
    /// Samples of each block.
    blocks: (usize, usize),
    /// By how much each clock is fast, in parts per million.
    ppm: (f64, f64),
}

impl Device {
    fn audio(&self) -> (Playout, CallAudio, FramePairs) {
        let (playout, speaker) = playout(self.format.playout_ahead());
        let (audio, pairs) = call_audio(self.format, speaker).expect("such a device exists");
        (playout, audio, pairs)
    }

    /// Samples a second, as the world's clock sees them.
    fn rates(&self) -> (f64, f64) {
        let fast = |rate: u32, ppm: f64| f64::from(rate) * (1.0 + ppm / 1e6);
        let format = self.format;
        (fast(format.microphone_rate, self.ppm.0), fast(format.loudspeaker_rate, self.ppm.1))
    }
}

fn device(microphone: (u32, usize), loudspeaker: (u32, usize), ppm: (f64, f64)) -> Device {
    let format = DeviceFormat {
        microphone_rate: microphone.0,
        loudspeaker_rate: loudspeaker.0,
        most_block: microphone.1.max(loudspeaker.1),
        clocks: Clocks::Two,
    };
    Device { format, blocks: (microphone.1, loudspeaker.1), ppm }
}

/// A pulse that is a millisecond wide, twice a second; `at` is in seconds.
fn pulse(at: f64) -> f32 {
    let halves = 2.0 * at;
    let from_peak = (halves - halves.round()) / 2.0;
    if from_peak.abs() > 0.005 {
        return 0.0;
    }
    (0.5 * (-0.5 * (from_peak / 0.000_5).powi(2)).exp()) as f32
}

/// Runs a device whose loudspeaker plays a pulse twice a second, which its microphone hears. `plays` says when the
/// loudspeaker's callback runs at all. Returns the pulses found on each side, in seconds of the microphone.
fn pulses(
    device: &Device,
    seconds: f64,
    plays: impl Fn(f64) -> bool,
) -> (Vec<f64>, Vec<f64>, Totals) {
    let (mut playout, audio, mut pairs) = device.audio();
    let CallAudio { mut microphone, mut loudspeaker } = audio;
    let (microphone_rate, loudspeaker_rate) = device.rates();
    let mut fed = 0_u64;
    let mut feed = |playout: &mut Playout| {
        let more: Vec<f32> = (0..playout.room())
            .map(|n| pulse((fed + n as u64) as f64 / f64::from(PLAYOUT_RATE)))
            .collect();
        fed += playout.push(&more) as u64;
    };
    feed(&mut playout);
    let mut heard = (Finder::default(), Finder::default());
    // The time at which each callback, and the look of the other end, comes next.
    let (mut record_at, mut play_at, mut look_at) =
        (device.blocks.0 as f64 / microphone_rate, 0.003, 0.001);
    let (mut recorded, mut position) = (0_u64, 0_u64);
    let mut block = vec![0.0; device.blocks.0];
    let mut out = vec![0.0; device.blocks.1];
    // When each half second of the loudspeaker's sound was heard: the world's time at which its first sample sounded.
    let mut played: Vec<(f64, f64)> = Vec::new();
    let mut sounded = 0.0;
    while look_at < seconds {
        if play_at <= record_at && play_at <= look_at {
            if plays(play_at) {
                loudspeaker.play(&mut out);
                let seconds = out.len() as f64 / f64::from(device.format.loudspeaker_rate);
                played.push((play_at + DELAY, sounded));
                sounded += seconds;
            }
            play_at += out.len() as f64 / loudspeaker_rate;
        } else if record_at <= look_at {
            for sample in &mut block {
                let at = recorded as f64 / microphone_rate;
                recorded += 1;
                let next = played.partition_point(|(from, _)| *from <= at);
                *sample = next.checked_sub(1).map_or(0.0, |this| {
                    let (from, sounded) = played[this];
                    let since = (at - from) * (1.0 + device.ppm.1 / 1e6);
                    let length = out.len() as f64 / f64::from(device.format.loudspeaker_rate);
                    if since < length { pulse(sounded + since) } else { 0.0 }
                });
            }
            let old = played.len().saturating_sub(256);
            played.drain(..old);
            microphone.record(&block);
            record_at += block.len() as f64 / microphone_rate;
        } else {
            let before = position / ACTIVITY_WINDOW as u64;
            pairs.take(Duration::from_secs_f64(look_at), &mut |pair: &FramePair| {
                heard.0.frame(position, &pair.microphone);
                heard.1.frame(position, &pair.far_end);
                position += pair.microphone.len() as u64;
            });
            if position / ACTIVITY_WINDOW as u64 > before {
                feed(&mut playout);
            }
            look_at += LOOK;
        }
    }
    let totals = Totals { underruns: playout.underruns(), device: pairs.counters() };
    (heard.0.found, heard.1.found, totals)
}

/// What was counted.
#[derive(Debug)]
struct Totals {
    underruns: u64,
    device: DeviceCounters,
}

/// Finds the peaks of the pulses.
#[derive(Default)]
struct Finder {
    found: Vec<f64>,
    peak: f32,
    at: f64,
}

impl Finder {
    fn frame(&mut self, position: u64, frame: &[f32]) {
        for (n, &sample) in frame.iter().enumerate() {
            if sample > 0.2 && sample > self.peak {
                (self.peak, self.at) = (sample, (position + n as u64) as f64);
            } else if sample < 0.05 && self.peak > 0.0 {
                self.found.push(self.at / f64::from(SAMPLE_RATE));
                self.peak = 0.0;
            }
        }
    }
}

/// By how much each of the microphone's pulses is later than that of the far end, in ms, with its time.
fn lags(microphone: &[f64], far_end: &[f64]) -> Vec<(f64, f64)> {
    let nearest = |at: f64| {
        let distance = |far: &&f64| (at - **far).abs();
        far_end.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).map(|far| at - far)
    };
    microphone.iter().filter_map(|&at| Some((at, nearest(at)? * 1_000.0))).collect()
}

fn stays_aligned(microphone: (u32, usize), loudspeaker: (u32, usize)) {
    for ppm in [(0.0, 200.0), (150.0, -50.0)] {
        let device = device(microphone, loudspeaker, ppm);
        let (near, far, totals) = pulses(&device, 600.0, |_| true);
        let name = format!("{microphone:?}, {loudspeaker:?}, {ppm:?} ppm");
        assert_eq!((totals.underruns, totals.device.unheard), (0, 0), "{name}: {totals:?}");
        let lags = lags(&near, &far);
        let settled = lags.iter().filter(|(at, _)| *at >= 60.0).map(|(_, lag)| *lag);
        let settled: Vec<f64> = settled.collect();
        assert!(settled.len() > 1_050, "{name}: {} pulses", settled.len());
        let (least, most) = settled
            .iter()
            .fold((f64::MAX, f64::MIN), |(least, most), &lag| (least.min(lag), most.max(lag)));
        assert!(most - least < 3.0, "{name}: the echo comes {least:.1} to {most:.1} ms later");
        assert!(least > 0.0, "{name}: the echo comes {least:.1} ms after its far end");
    }
}

#[test]
fn a_loudspeaker_that_stands_still_for_three_seconds_is_aligned_again_when_it_goes_on() {
    let device = device((48_000, 480), (44_100, 1_024), (0.0, 100.0));
    let (near, far, totals) = pulses(&device, 40.0, |at| !(20.0..23.0).contains(&at));
    assert_eq!(totals.device.unheard, 0, "{totals:?}");
    let lags = lags(&near, &far);
    let usual = lags.iter().rfind(|(at, _)| *at < 20.0).expect("there are pulses before").1;
    let after: Vec<_> = lags.iter().filter(|(at, _)| *at > 24.0).collect();
    assert!(after.len() > 25, "{after:?}");
    for (at, lag) in after {
        assert!((lag - usual).abs() < 3.0, "{lag:.1} ms at {at:.1} s, {usual:.1} ms before");
    }
}

#[test]
fn ten_minutes_of_small_blocks_stay_aligned() {
    stays_aligned((SAMPLE_RATE, 64), (48_000, 480));
}

#[test]
fn ten_minutes_of_blocks_that_are_nearly_equally_long_stay_aligned() {
    stays_aligned((44_100, 441), (48_000, 480));
}

#[test]
fn ten_minutes_of_a_quarter_of_a_second_a_block_stay_aligned() {
    stays_aligned((8_000, 2_048), (8_000, 2_048));
}

#[test]
fn ten_minutes_of_large_blocks_to_the_loudspeaker_alone_stay_aligned() {
    stays_aligned((96_000, 64), (16_000, 2_048));
}

#[test]
fn ten_minutes_of_large_blocks_from_the_microphone_alone_stay_aligned() {
    stays_aligned((8_000, 1_024), (44_100, 441));
}

#[test]
fn ten_minutes_at_the_highest_rates_stay_aligned() {
    stays_aligned((192_000, 1_024), (96_000, 2_048));
}
