//! Who speaks when, from the two tracks alone.

use crate::{
    report::metrics,
    score::{SENTENCE_GAP, Span},
};

/// Gaps of the assistant up to this long, in ms, lie within its speech: it pauses at full stops.
pub const BREATH: f64 = 450.0;
/// An assistant that begins to speak this soon after the user, in ms, had not heard the user yet.
const UNAWARE: f64 = 500.0;

/// The speech in `track`, in order: energy above the background, exact to 5 ms, pauses up to 200 ms
/// closed. See [`metrics::segments`] for its thresholds.
pub fn speech(track: &[f32], rate: u32) -> Vec<Span> {
    let segments = metrics::segments(track, rate).into_iter();
    segments.map(|segment| Span { start: segment.start_ms, end: segment.end_ms }).collect()
}

/// The silences of `track` longer than `longer_than` ms between two sounds, and the one after the last,
/// which has no end; exact to 5 ms.
pub fn gaps(track: &[f32], rate: u32, longer_than: f64) -> Vec<Span> {
    let sounds = metrics::segments_closing(track, rate, longer_than);
    let next = sounds.iter().skip(1).map(|sound| sound.start_ms).chain([f64::INFINITY]);
    sounds.iter().zip(next).map(|(sound, end)| Span { start: sound.end_ms, end }).collect()
}

/// Merges `spans` into segments, with gaps of up to [`BREATH`] closed. A gap that contains one of
/// `ends`, at which an answer falls due, stays open: what follows it is the answer, however soon it
/// comes. A longer gap between two sentences that contains one of the user's `onsets` is closed if
/// the next sentence follows before the assistant can have heard the user: the user meant to speak
/// into a reply, and did.
pub fn stretches(spans: &[Span], ends: &[f64], onsets: &[f64]) -> Vec<Span> {
    let mut stretches: Vec<Span> = Vec::new();
    for span in spans {
        match stretches.last_mut() {
            Some(last)
                if is_pause(last.end, span.start, onsets)
                    && !ends.iter().any(|end| (last.end..=span.start).contains(end)) =>
            {
                last.end = span.end;
            }
            _ => stretches.push(*span),
        }
    }
    stretches
}

/// Whether the assistant, silent from `from` to `to`, has only paused.
fn is_pause(from: f64, to: f64, onsets: &[f64]) -> bool {
    let unaware = |onset: &f64| (from..=to).contains(onset) && to - onset <= UNAWARE;
    to - from <= BREATH || to - from <= SENTENCE_GAP && onsets.iter().any(unaware)
}

/// How long both speak at once, in ms.
pub fn overlap(a: &[Span], b: &[Span]) -> f64 {
    let both =
        a.iter().flat_map(|a| b.iter().map(move |b| a.end.min(b.end) - a.start.max(b.start)));
    both.filter(|shared| *shared > 0.0).sum()
}

/// What of `spans` lies outside of `others`.
pub fn apart(spans: &[Span], others: &[Span]) -> Vec<Span> {
    let mut rest = spans.to_vec();
    for other in others {
        let around = |span: &Span| {
            let before = Span { end: span.end.min(other.start), ..*span };
            let after = Span { start: span.start.max(other.end), ..*span };
            [before, after].into_iter().filter(|part| part.start < part.end)
        };
        rest = rest.iter().flat_map(around).collect();
    }
    rest
}

/// Whether any of `spans` is heard between two times.
pub fn heard(spans: &[Span], from: f64, to: f64) -> bool {
    spans.iter().any(|span| span.start < to && span.end > from)
}

/// The first sample louder than -60 dBFS at or after `from_ms`, in ms. It counts even if the sound
/// is too short or too soft to count as speech.
pub fn first_audio(track: &[f32], rate: u32, from_ms: f64) -> Option<f64> {
    const AUDIBLE: f32 = 0.001;
    let per_ms = f64::from(rate) / 1000.0;
    let from = (from_ms * per_ms).max(0.0) as usize;
    let rest = track.get(from..)?;
    let ahead = rest.iter().position(|sample| sample.abs() > AUDIBLE)?;
    Some((from + ahead) as f64 / per_ms)
}

/// The samples of `track` between two times, as far as they exist.
pub fn excerpt(track: &[f32], rate: u32, from_ms: f64, to_ms: f64) -> &[f32] {
    let at = |ms: f64| ((ms * f64::from(rate) / 1000.0).max(0.0) as usize).min(track.len());
    let (from, to) = (at(from_ms), at(to_ms));
    track.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, end: f64) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_breath_is_part_of_a_reply_and_an_answer_is_not() {
        let spans = [span(0.0, 1_000.0), span(1_300.0, 2_000.0)];
        assert_eq!(stretches(&spans, &[], &[]), [span(0.0, 2_000.0)]);
        assert_eq!(stretches(&spans, &[1_200.0], &[]), spans);
        let apart = [span(0.0, 1_000.0), span(1_500.0, 2_000.0)];
        assert_eq!(stretches(&apart, &[], &[]), apart);
    }

    #[test]
    fn whoever_begins_between_two_sentences_speaks_into_the_reply() {
        let sentences = [span(0.0, 1_000.0), span(1_800.0, 2_200.0)];
        assert_eq!(stretches(&sentences, &[], &[1_400.0]), [span(0.0, 2_200.0)]);
        // So late it is an answer, or talks over the user.
        assert_eq!(stretches(&sentences, &[], &[1_200.0]), sentences);
        let replies = [span(0.0, 1_000.0), span(2_100.0, 2_200.0)];
        assert_eq!(stretches(&replies, &[], &[1_900.0]), replies);
    }

    #[test]
    fn what_others_say_is_taken_out_of_speech() {
        let spans = [span(0.0, 1_000.0), span(1_300.0, 2_000.0)];
        assert_eq!(apart(&spans, &[]), spans);
        assert_eq!(
            apart(&spans, &[span(700.0, 1_400.0), span(1_600.0, 1_700.0)]),
            [span(0.0, 700.0), span(1_400.0, 1_600.0), span(1_700.0, 2_000.0)]
        );
    }

    #[test]
    fn a_gap_is_a_silence_that_is_long_enough_and_the_last_one_has_no_end() {
        // Half a second of sound, then 160 ms of silence, and so on; 140 ms the second time.
        let parts =
            [(500, true), (160, false), (500, true), (140, false), (500, true), (900, false)];
        let part = |(ms, sounds): (usize, bool)| {
            (0..ms * 16).map(move |n| if sounds { 0.3 * (n as f32 * 0.2).sin() } else { 0.0 })
        };
        let track: Vec<f32> = parts.into_iter().flat_map(part).collect();
        let found = gaps(&track, 16_000, 150.0);
        assert_eq!(found, [span(500.0, 660.0), span(1_800.0, f64::INFINITY)]);
    }

    #[test]
    fn the_first_audio_is_the_first_sample_that_can_be_heard() {
        let mut track = vec![0.000_1; 1_600];
        track[800] = 0.01;
        assert_eq!(first_audio(&track, 16_000, 10.0), Some(50.0));
        assert_eq!(first_audio(&track, 16_000, 60.0), None);
    }
}
