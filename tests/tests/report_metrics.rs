//! Latencies measured in tracks whose delays are known.

use duplex_harness::report::Percentiles;
use duplex_harness::report::metrics::{Segment, response_latency_ms, segments, stop_latency_ms};

const TOLERANCE_MS: f64 = 10.0;

/// Noise that is the same every time.
fn noise(length: usize, amplitude: f32) -> impl Iterator<Item = f32> {
    let mut state = 0x2545_f491_u32;
    (0..length).map(move |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state as f32 / u32::MAX as f32 * 2.0 - 1.0) * amplitude
    })
}

/// Bursts of a voice-like level over a background, `seconds` long.
fn track(rate: u32, seconds: usize, background: f32, bursts: &[(f64, f64)]) -> Vec<f32> {
    let mut track: Vec<f32> = noise(rate as usize * seconds, background).collect();
    for &(start_ms, end_ms) in bursts {
        let sample = |ms: f64| (ms * f64::from(rate) / 1000.0) as usize;
        let (start, end) = (sample(start_ms), sample(end_ms));
        for (to, from) in track[start..end].iter_mut().zip(noise(end - start, 0.3)) {
            *to += from;
        }
    }
    track
}

fn span(start_ms: f64, end_ms: f64) -> Segment {
    Segment { start_ms, end_ms }
}

fn assert_close(measured: Option<f64>, expected: f64) {
    let measured = measured.expect("a latency");
    assert!((measured - expected).abs() <= TOLERANCE_MS, "{measured} for {expected}");
}

#[test]
fn a_response_is_measured_to_ten_milliseconds_at_any_rate_and_in_noise() {
    for rate in [8000, 16_000, 44_100, 48_000] {
        for background in [0.0, 0.0005, 0.01] {
            for delay in [1.0, 123.0, 642.5, 2001.0] {
                let user = segments(&track(rate, 8, background, &[(1003.0, 2511.0)]), rate);
                let reply = 2511.0 + delay;
                let voice = [(reply, reply + 1500.0)];
                let assistant = segments(&track(rate, 8, background, &voice), rate);
                let utterance = span(1000.0, 2600.0);
                let latency = response_latency_ms(&user, &assistant, utterance, 8000.0);
                assert_close(latency, delay);
            }
        }
    }
}

#[test]
fn a_stop_is_measured_to_ten_milliseconds() {
    for delay in [40.0, 180.0, 399.0] {
        let rate = 16_000;
        let user = segments(&track(rate, 8, 0.001, &[(3000.0, 4500.0)]), rate);
        let voice = [(500.0, 3000.0 + delay), (5200.0, 7000.0)];
        let assistant = segments(&track(rate, 8, 0.001, &voice), rate);
        assert_close(stop_latency_ms(&user, &assistant, span(3000.0, 4500.0), 4500.0), delay);
    }
}

#[test]
fn an_assistant_that_only_draws_breath_has_not_stopped() {
    let user = [span(3000.0, 3500.0)];
    let assistant = [span(500.0, 3100.0), span(3600.0, 6000.0)];
    let latency = stop_latency_ms(&user, &assistant, user[0], 5000.0);
    assert_eq!(latency, Some(2000.0), "still speaking when it was measured");
}

#[test]
fn nobody_speaking_has_no_latency() {
    let (user, assistant) = ([span(1000.0, 2000.0)], [span(5000.0, 6000.0)]);
    assert_eq!(stop_latency_ms(&user, &assistant, user[0], 4000.0), None, "nothing to stop");
    assert_eq!(response_latency_ms(&user, &assistant, user[0], 4000.0), None, "too late");
    assert_eq!(response_latency_ms(&user, &[], user[0], 9000.0), None, "no answer");
    assert_eq!(response_latency_ms(&[], &assistant, user[0], 9000.0), None, "no question");
}

#[test]
fn an_answer_before_the_users_last_word_is_not_a_response_to_it() {
    let user = [span(1000.0, 1800.0), span(2600.0, 3500.0)];
    let assistant = [span(2000.0, 2500.0), span(4100.0, 5000.0)];
    let latency = response_latency_ms(&user, &assistant, span(1000.0, 3500.0), 9000.0);
    assert_eq!(latency, Some(600.0));
}

#[test]
fn silence_and_steady_noise_contain_no_sound() {
    for amplitude in [0.0, 0.0001, 0.05] {
        assert_eq!(segments(&track(16_000, 3, amplitude, &[]), 16_000), []);
    }
    assert_eq!(segments(&[], 16_000), []);
    assert_eq!(segments(&[0.5], 16_000), []);
}

#[test]
fn a_click_is_no_speech_and_does_not_hide_any() {
    let mut sound = track(16_000, 4, 0.0, &[(2000.0, 2600.0)]);
    sound[16_000..16_020].fill(1.0);
    let found = segments(&sound, 16_000);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].start_ms - 2000.0).abs() <= TOLERANCE_MS, "{found:?}");
}

#[test]
fn a_short_pause_lies_within_speech_and_a_long_one_between() {
    let bursts = [(1000.0, 1300.0), (1450.0, 1800.0), (2200.0, 2500.0)];
    let found = segments(&track(16_000, 4, 0.001, &bursts), 16_000);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_voice_lowered_by_ducking_is_still_heard() {
    let mut sound = track(16_000, 4, 0.0, &[(1000.0, 3000.0)]);
    sound[24_000..40_000].iter_mut().for_each(|x| *x *= 0.1);
    let found = segments(&sound, 16_000);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn percentiles_are_values_that_occurred() {
    let ten: Vec<f64> = (1..=10).rev().map(f64::from).collect();
    let of_ten = Percentiles::of(&ten);
    assert_eq!((of_ten.p50, of_ten.p90, of_ten.max), (Some(5.0), Some(9.0), Some(10.0)));
    let one = Percentiles::of(&[7.0]);
    assert_eq!((one.p50, one.p90, one.max), (Some(7.0), Some(7.0), Some(7.0)));
    let none = Percentiles::of(&[]);
    assert_eq!((none.count, none.p50, none.max), (0, None, None));
}
