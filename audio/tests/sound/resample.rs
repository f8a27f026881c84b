//! Sample rate conversion, of whole signals and of streams.

use std::f64::consts::TAU;

use duplex_audio::{PLAYOUT_RATE, Resampler, convert};
use duplex_core::SAMPLE_RATE;

/// The rates that the project converts between: synthesis, sound cards, files, the session.
const PAIRS: [(u32, u32); 8] = [
    (SAMPLE_RATE, PLAYOUT_RATE),
    (PLAYOUT_RATE, SAMPLE_RATE),
    (22_050, PLAYOUT_RATE),
    (22_050, SAMPLE_RATE),
    (44_100, SAMPLE_RATE),
    (8_000, SAMPLE_RATE),
    (96_000, SAMPLE_RATE),
    (44_101, SAMPLE_RATE),
];

fn tone(rate: u32, hertz: f64, length: usize) -> Vec<f32> {
    (0..length).map(|n| (0.5 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

/// Error of `got` against a tone, in dB relative to the tone, away from the ends.
fn error_db(got: &[f32], rate: u32, hertz: f64, delay: f64) -> f64 {
    let margin = rate as usize / 50;
    let middle = margin..got.len() - margin;
    let error: f64 = middle
        .clone()
        .map(|n| {
            let time = (n as f64 - delay) / f64::from(rate);
            (f64::from(got[n]) - 0.5 * (TAU * hertz * time).sin()).powi(2)
        })
        .sum();
    10.0 * (error / middle.len() as f64 / 0.125).log10()
}

#[test]
fn a_converted_tone_keeps_its_phase_and_length() {
    for (from, to) in PAIRS {
        let got = convert(&tone(from, 1_000.0, 12_345), from, to);
        let expected = (12_345.0 * f64::from(to) / f64::from(from)).round() as usize;
        assert_eq!(got.len(), expected, "{from} to {to}");
        let error = error_db(&got, to, 1_000.0, 0.0);
        assert!(error < -80.0, "{from} to {to}: {error:.1} dB");
    }
}

#[test]
fn a_streamed_tone_lags_by_the_delay_and_by_no_more_than_five_milliseconds() {
    for (from, to) in PAIRS {
        let mut stream = Resampler::new(from, to).unwrap();
        assert!(stream.delay() as f64 / f64::from(to) <= 0.005, "{from} to {to}");
        let mut got = Vec::new();
        for block in tone(from, 1_000.0, 12_345).chunks(441) {
            stream.process(block, &mut got);
        }
        stream.finish(&mut got);
        let expected = (12_345.0 * f64::from(to) / f64::from(from)).round() as usize;
        assert_eq!(got.len(), expected + stream.delay(), "{from} to {to}");
        // The filter's own delay may fall between two samples.
        let error = (-5..=5)
            .map(|tenth| stream.delay() as f64 + f64::from(tenth) / 10.0)
            .map(|delay| error_db(&got, to, 1_000.0, delay))
            .fold(f64::INFINITY, f64::min);
        assert!(error < -30.0, "{from} to {to}: {error:.1} dB");
    }
}

#[test]
fn what_lies_above_the_new_half_rate_is_gone() {
    for stream in [false, true] {
        let input = tone(PLAYOUT_RATE, 9_000.0, 48_000);
        let got = if stream {
            let mut got = Vec::new();
            Resampler::new(PLAYOUT_RATE, SAMPLE_RATE).unwrap().process(&input, &mut got);
            got
        } else {
            convert(&input, PLAYOUT_RATE, SAMPLE_RATE)
        };
        let loudest = got[800..15_000].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(loudest < 0.5e-3, "60 dB down at least: {loudest}");
    }
}

#[test]
fn the_size_of_blocks_makes_no_difference() {
    let input = tone(22_050, 440.0, 5_000);
    let whole = {
        let (mut stream, mut out) = (Resampler::new(22_050, PLAYOUT_RATE).unwrap(), Vec::new());
        stream.process(&input, &mut out);
        stream.finish(&mut out);
        out
    };
    for size in [1, 7, 160, 1_023, 3_000] {
        let (mut stream, mut out) = (Resampler::new(22_050, PLAYOUT_RATE).unwrap(), Vec::new());
        input.chunks(size).for_each(|block| stream.process(block, &mut out));
        stream.finish(&mut out);
        assert_eq!(out.len(), whole.len(), "blocks of {size}");
        let difference = out.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-4, "blocks of {size}: {difference}");
    }
}

#[test]
fn a_finished_stream_starts_anew() {
    let mut stream = Resampler::new(PLAYOUT_RATE, SAMPLE_RATE).unwrap();
    let mut runs = [Vec::new(), Vec::new()];
    for out in &mut runs {
        stream.process(&tone(PLAYOUT_RATE, 500.0, 4_800), out);
        stream.finish(out);
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn equal_rates_change_nothing() {
    let input = tone(SAMPLE_RATE, 300.0, 100);
    let (mut stream, mut out) = (Resampler::new(SAMPLE_RATE, SAMPLE_RATE).unwrap(), Vec::new());
    stream.process(&input, &mut out);
    stream.finish(&mut out);
    assert_eq!(out, input);
    assert_eq!(convert(&input, SAMPLE_RATE, SAMPLE_RATE), input);
    assert_eq!(stream.delay(), 0);
}

#[test]
fn rates_of_no_sound_are_refused() {
    assert!(Resampler::new(0, SAMPLE_RATE).is_err());
    assert!(Resampler::new(SAMPLE_RATE, 2_000_000).is_err());
    assert!(convert(&[1.0], 0, SAMPLE_RATE).is_empty());
    assert!(convert(&[], SAMPLE_RATE, PLAYOUT_RATE).is_empty());
}
