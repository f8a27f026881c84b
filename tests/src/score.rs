//! Whether a call went as it should, from what was audible on both sides.
//!
//! Times are milliseconds from the beginning of the recording. *Response latency*: from the user's
//! last sound to the assistant's first. *Stop latency*: from the user's first sound to the
//! assistant's last, where the assistant was speaking when the user began.

use crate::report::{EventResult, Expect};

/// A stretch of audible speech, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

/// A cue as it was audible, and what it should lead to.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The cue's name.
    pub id: String,
    /// What should follow, each to be judged by itself.
    pub expect: Vec<Expect>,
    /// The user's speech in it; empty where the cue never came.
    pub speech: Vec<Span>,
}

/// The longest wait for an answer.
const ANSWER_WITHIN: f64 = 5_000.0;
/// The longest wait for silence.
const STOP_WITHIN: f64 = 2_000.0;
/// The longest gap in a reply that still counts as going on.
const GO_ON_WITHIN: f64 = 2_000.0;

/// Judges every cue. `cuts` are the moments at which a reply was cut for good: a reply that goes on
/// must not be a new one.
pub fn judge(cues: &[Heard], assistant: &[Span], cuts: &[f64]) -> Vec<EventResult> {
    let mut results = Vec::new();
    for (index, cue) in cues.iter().enumerate() {
        let next = cues[index + 1..].iter().find_map(|cue| cue.speech.first());
        let next = next.map_or(f64::INFINITY, |span| span.start);
        for &expect in &cue.expect {
            let (passed, outcome, latency) = match (cue.speech.first(), cue.speech.last()) {
                (Some(first), Some(last)) => match expect {
                    Expect::Respond => respond(*first, *last, assistant, next),
                    Expect::Stop => {
                        let answered = cue.expect.contains(&Expect::Respond);
                        stop(*first, assistant, next, answered)
                    }
                    Expect::Ignore => ignore(*first, *last, assistant, cuts, next),
                    Expect::Wait => wait(*first, *last, assistant),
                },
                _ => (false, "the moment for it never came", None),
            };
            let several = cue.expect.len() > 1;
            let id =
                if several { format!("{}-{}", cue.id, expect.as_str()) } else { cue.id.clone() };
            let from = match expect {
                Expect::Respond => cue.speech.last().map(|span| span.end),
                _ => cue.speech.first().map(|span| span.start),
            };
            results.push(EventResult {
                id,
                expect,
                outcome: outcome.to_owned(),
                passed,
                at_ms: cue.speech.first().map_or(0, |span| span.start as u64),
                from_ms: from.map(|from| from as u64),
                latency_ms: latency,
                detail: String::new(),
            });
        }
    }
    results
}

type Judgement = (bool, &'static str, Option<f64>);

fn speaking_at(assistant: &[Span], at: f64) -> Option<Span> {
    assistant.iter().copied().find(|span| span.start < at && at < span.end)
}

fn respond(first: Span, last: Span, assistant: &[Span], next: f64) -> Judgement {
    if assistant.iter().any(|span| span.start > first.start && span.start < last.end) {
        return (false, "talked over the user", None);
    }
    let answer = assistant.iter().find(|span| span.start >= last.end && span.start < next);
    match answer.map(|span| span.start - last.end) {
        Some(latency) if latency <= ANSWER_WITHIN => (true, "answered", Some(latency)),
        Some(latency) => (false, "answered late", Some(latency)),
        None => (false, "did not answer", None),
    }
}

fn stop(first: Span, assistant: &[Span], next: f64, answers: bool) -> Judgement {
    let Some(cut) = speaking_at(assistant, first.start) else {
        return (false, "was not speaking", None);
    };
    let latency = cut.end - first.start;
    let again = assistant.iter().any(|span| span.start > cut.end && span.start < next);
    match latency <= STOP_WITHIN {
        false => (false, "went on", Some(latency)),
        true if again && !answers => (false, "stopped and spoke again", Some(latency)),
        true if answers => (true, "stopped", Some(latency)),
        true => (true, "stopped and stayed silent", Some(latency)),
    }
}

fn ignore(first: Span, last: Span, assistant: &[Span], cuts: &[f64], next: f64) -> Judgement {
    if speaking_at(assistant, first.start).is_none() {
        return (false, "was not speaking", None);
    }
    if cuts.iter().any(|&cut| cut >= first.start && cut < next.min(last.end + GO_ON_WITHIN)) {
        return (false, "was cut", None);
    }
    let heard =
        |from: f64, to: f64| assistant.iter().any(|span| span.start < to && span.end > from);
    if heard(last.end, (last.end + GO_ON_WITHIN).min(next)) {
        (true, "went on", None)
    } else {
        (false, "fell silent", None)
    }
}

fn wait(first: Span, last: Span, assistant: &[Span]) -> Judgement {
    if assistant.iter().any(|span| span.start >= first.end && span.start <= last.end) {
        (false, "spoke into the pause", None)
    } else {
        (true, "waited", None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, end: f64) -> Span {
        Span { start, end }
    }

    fn one(
        expect: &[Expect],
        speech: &[Span],
        assistant: &[Span],
        cuts: &[f64],
    ) -> Vec<(bool, Option<f64>)> {
        let cue = Heard { id: "cue".to_owned(), expect: expect.to_vec(), speech: speech.to_vec() };
        let results = judge(&[cue], assistant, cuts);
        results.iter().map(|result| (result.passed, result.latency_ms)).collect()
    }

    #[test]
    fn an_answer_counts_from_the_last_sound_to_the_first() {
        let user = [span(1_000.0, 2_000.0)];
        assert_eq!(
            one(&[Expect::Respond], &user, &[span(2_700.0, 4_000.0)], &[]),
            [(true, Some(700.0))]
        );
        assert_eq!(one(&[Expect::Respond], &user, &[span(1_700.0, 4_000.0)], &[]), [(false, None)]);
        assert_eq!(one(&[Expect::Respond], &user, &[], &[]), [(false, None)]);
    }

    #[test]
    fn a_stop_command_must_be_followed_by_silence() {
        let user = [span(3_000.0, 3_500.0)];
        let cut = span(1_000.0, 3_380.0);
        assert_eq!(one(&[Expect::Stop], &user, &[cut], &[]), [(true, Some(380.0))]);
        let again = [cut, span(5_000.0, 6_000.0)];
        assert_eq!(one(&[Expect::Stop], &user, &again, &[]), [(false, Some(380.0))]);
        let expected = [Expect::Stop, Expect::Respond];
        assert_eq!(
            one(&expected, &user, &again, &[]),
            [(true, Some(380.0)), (true, Some(1_500.0))]
        );
        assert_eq!(
            one(&[Expect::Stop], &user, &[span(1_000.0, 9_000.0)], &[]),
            [(false, Some(6_000.0))]
        );
    }

    #[test]
    fn going_on_means_the_same_reply_and_no_long_gap() {
        let user = [span(3_000.0, 3_500.0)];
        let held = [span(1_000.0, 3_300.0), span(4_200.0, 6_000.0)];
        assert_eq!(one(&[Expect::Ignore], &user, &held, &[]), [(true, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &held, &[3_300.0]), [(false, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &[span(1_000.0, 3_300.0)], &[]), [(false, None)]);
    }

    #[test]
    fn nothing_may_be_said_in_a_pause() {
        let user = [span(1_000.0, 2_000.0), span(3_000.0, 4_000.0)];
        assert_eq!(one(&[Expect::Wait], &user, &[span(4_600.0, 6_000.0)], &[]), [(true, None)]);
        assert_eq!(one(&[Expect::Wait], &user, &[span(2_700.0, 3_200.0)], &[]), [(false, None)]);
    }
}
