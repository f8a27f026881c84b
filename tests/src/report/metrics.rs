//! Latencies, measured in the two tracks alone.
//!
//! The system's own events say when it believes it spoke; only the tracks say when it was heard.
//! All functions are pure. Positions are milliseconds since the beginning of the track, exact to
//! one frame.

use serde::{Deserialize, Serialize};

/// Length of a frame of the energy detector: the resolution of every measurement.
const FRAME_MS: f64 = 5.0;
/// A frame is sound if it is this much above the background, and at most `BELOW_PEAK_DB` below the
/// loudest sound of the track.
const ABOVE_FLOOR_DB: f32 = 10.0;
const BELOW_PEAK_DB: f32 = 40.0;
/// Sound below this level, relative to full scale, is inaudible.
const INAUDIBLE_DB: f32 = -60.0;
/// A pause up to this long lies within speech: the closure of a stop, a breath.
const HANGOVER_MS: f64 = 200.0;
/// Anything shorter is a click.
const SHORTEST_MS: f64 = 30.0;
/// The least share of frames that are background.
const BACKGROUND: f64 = 0.1;
/// The loudest sound is averaged over this many frames, so that a click does not count.
const PEAK_FRAMES: usize = 10;

/// A segment of sound, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Its first sound.
    pub start_ms: f64,
    /// Its last sound.
    pub end_ms: f64,
}

/// The segments of sound in `track`, in order, without overlap. A track of nothing but silence or
/// steady noise has none.
///
/// A frame is sound if its level exceeds the track's background (tenth percentile) by 10 dB, lies
/// at most 40 dB below its loudest 50 ms, and lies above -60 dBFS. Pauses of up to 200 ms are
/// closed, then segments under 30 ms are dropped.
pub fn segments(track: &[f32], rate: u32) -> Vec<Segment> {
    segments_closing(track, rate, HANGOVER_MS)
}

/// The same with pauses of up to `pause_ms` closed.
pub fn segments_closing(track: &[f32], rate: u32, pause_ms: f64) -> Vec<Segment> {
    let frame = (f64::from(rate) * FRAME_MS / 1000.0).round().max(1.0) as usize;
    let powers: Vec<f32> = track
        .chunks(frame)
        .map(|samples| samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32)
        .collect();
    let Some(threshold) = threshold(&powers) else { return Vec::new() };

    let ms = |frames: usize| (frames * frame) as f64 * 1000.0 / f64::from(rate.max(1));
    let mut found: Vec<Segment> = Vec::new();
    for (index, _) in powers.iter().enumerate().filter(|(_, power)| **power > threshold) {
        let (start_ms, end_ms) = (ms(index), ms(index + 1));
        match found.last_mut() {
            Some(last) if start_ms - last.end_ms <= pause_ms => last.end_ms = end_ms,
            _ => found.push(Segment { start_ms, end_ms }),
        }
    }
    found.retain(|segment| segment.end_ms - segment.start_ms >= SHORTEST_MS);
    found
}

/// The power above which a frame is sound; none if no frame can be.
fn threshold(powers: &[f32]) -> Option<f32> {
    let peak = powers
        .windows(PEAK_FRAMES.min(powers.len()).max(1))
        .map(|window| window.iter().sum::<f32>() / window.len() as f32)
        .fold(0.0, f32::max);
    let mut sorted = powers.to_vec();
    sorted.sort_by(f32::total_cmp);
    let floor = *sorted.get((sorted.len() as f64 * BACKGROUND) as usize)?;
    let factor = |decibels: f32| 10_f32.powf(decibels / 10.0);
    let threshold = (floor * factor(ABOVE_FLOOR_DB))
        .max(peak * factor(-BELOW_PEAK_DB))
        .max(factor(INAUDIBLE_DB));
    (threshold < peak).then_some(threshold)
}

/// From the user's last sound in `utterance` to the assistant's first sound after it, in ms. None
/// if the user is not heard there, or if the assistant does not begin before `until_ms`.
pub fn response_latency_ms(
    user: &[Segment],
    assistant: &[Segment],
    utterance: Segment,
    until_ms: f64,
) -> Option<f64> {
    let last = user.iter().rev().find(|segment| overlap(segment, &utterance))?;
    // Both edges are rounded outwards to frames, so that a prompt answer may seem to overlap.
    let first =
        assistant.iter().find(|segment| segment.start_ms >= last.end_ms - 2.0 * FRAME_MS)?;
    (first.start_ms < until_ms).then_some((first.start_ms - last.end_ms).max(0.0))
}

/// From the user's first sound in `utterance` to the assistant's last sound before `until_ms`, in
/// ms. None if the user is not heard there, or if the assistant was not speaking then.
///
/// `until_ms` is when the assistant may speak again: the user's last sound if an answer is due, the
/// next event if silence is. An assistant that pauses for breath and continues before `until_ms`
/// has not stopped, and is measured to where it does; one that still speaks then is measured to
/// `until_ms`.
pub fn stop_latency_ms(
    user: &[Segment],
    assistant: &[Segment],
    utterance: Segment,
    until_ms: f64,
) -> Option<f64> {
    let onset = user.iter().find(|segment| overlap(segment, &utterance))?.start_ms;
    assistant.iter().find(|segment| segment.start_ms <= onset && onset < segment.end_ms)?;
    let last = assistant.iter().rev().find(|segment| segment.start_ms < until_ms)?;
    Some(last.end_ms.min(until_ms) - onset)
}

fn overlap(a: &Segment, b: &Segment) -> bool {
    a.start_ms < b.end_ms && b.start_ms < a.end_ms
}

/// Percentiles by nearest rank: the p-th is the least value that at least p % of the values do not
/// exceed. It is always one of the values. None if there are no values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Number of values.
    pub count: usize,
    /// Half of the values are no greater.
    pub p50: Option<f64>,
    /// Nine tenths of the values are no greater.
    pub p90: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
}

impl Percentiles {
    /// The percentiles of `values`, in any order.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            let place = (sorted.len() * percent).div_ceil(100);
            sorted.get(place.max(1) - 1).copied()
        };
        Self { count: sorted.len(), p50: rank(50), p90: rank(90), max: rank(100) }
    }
}
