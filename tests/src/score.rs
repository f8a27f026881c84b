//! Judges a call by what was audible on both sides.
//!
//! Times are milliseconds from the beginning of the recording. *Response latency*: from the user's
//! last sound to the assistant's first. *Stop latency*: from the user's first sound to the
//! assistant's last, if the assistant was speaking when the user began.

use crate::report::{EventResult, Expect};

/// A segment of audible speech, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

/// Longest accepted latencies, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Response latency.
    pub answer: f64,
    /// Stop latency.
    pub stop: f64,
    /// Whether an answer is accepted where only silence is expected: what was said wants something of the assistant, and
    /// it must not simply go on.
    pub may_answer: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: 5_000.0, stop: 2_000.0, may_answer: false }
    }
}

/// A cue as it was audible, and what is expected after it.
#[derive(Clone, Debug, Default)]
pub struct CueSpan {
    /// The cue's name.
    pub id: String,
    /// What should follow; each outcome is judged by itself.
    pub expect: Vec<Expect>,
    /// The user's speech in it; empty if the cue never came.
    pub speech: Vec<Span>,
    /// The longest accepted latencies.
    pub limits: Limits,
}

impl CueSpan {
    /// The name of one of its expectations in results.
    pub(crate) fn event_id(&self, expect: Expect) -> String {
        match self.expect.as_slice() {
            [_] => self.id.clone(),
            _ => format!("{}-{}", self.id, expect.as_str()),
        }
    }

    /// Whether the user speaks to the assistant, so that it may speak again.
    pub fn addresses(&self) -> bool {
        !self.expect.contains(&Expect::Ignore)
    }
}

/// An assistant that is heard this long after the user's sound, in ms, continues; before, it may
/// still be stopping.
const STOPPING: f64 = 1_000.0;
/// The longest gap between two sentences of a reply, in ms: voices pause for up to half a second at
/// a full stop, and a late sentence adds to that.
pub(crate) const SENTENCE_GAP: f64 = 1_000.0;
/// The longest gap, in ms, after which a reply still counts as continuing.
pub(crate) const GO_ON_WITHIN: f64 = 2_000.0;
/// Tolerance in ms: both sides' edges are rounded outwards to frames, so a prompt answer may seem
/// to overlap.
pub(crate) const EDGE: f64 = 10.0;

/// When the first of `cues` that was heard begins, in ms; infinity if there is none.
pub(crate) fn begins<'a>(cues: impl IntoIterator<Item = &'a CueSpan>) -> f64 {
    let first = cues.into_iter().find_map(|cue| cue.speech.first());
    first.map_or(f64::INFINITY, |span| span.start)
}

/// Judges every cue. `cuts` are the times in ms at which a reply was cut for good: a cue to be
/// ignored fails if one falls into its window, since what follows is then another reply. `announced`
/// are those of the assistant's segments that it was told to say by somebody else: they answer
/// nothing, and no cue is to blame for them. `given_up` are the times at which the agent says that it has
/// cut a reply for good.
///
/// An answer may come, and silence must last, until the next cue that addresses the assistant. What
/// is to be ignored is judged until the next cue of any kind.
pub fn judge(
    cues: &[CueSpan],
    assistant: &[Span],
    announced: &[Span],
    cuts: &[f64],
    given_up: &[f64],
) -> Vec<EventResult> {
    let mut results = Vec::new();
    let own = without(assistant, announced, f64::NEG_INFINITY);
    for (index, cue) in cues.iter().enumerate() {
        let later = &cues[index + 1..];
        let next = begins(later.iter().filter(|cue| cue.addresses()));
        let from = cue.speech.first().map_or(f64::INFINITY, |span| span.start);
        let assistant = &without(assistant, announced, from);
        for &expect in &cue.expect {
            let (passed, outcome, latency) = match (cue.speech.first(), cue.speech.last()) {
                (Some(first), Some(last)) => match expect {
                    Expect::Respond => respond(*first, *last, assistant, next, cue.limits.answer),
                    Expect::Stop => {
                        let answered =
                            cue.expect.contains(&Expect::Respond) || cue.limits.may_answer;
                        stop(*first, assistant, given_up, next, answered, cue.limits.stop)
                    }
                    Expect::Ignore => {
                        let until = begins(later);
                        let within = first.start..until.min(last.end + GO_ON_WITHIN);
                        let owes = || owes_answer(&cues[..index], &own, first.start);
                        match assistant_activity_at(assistant, first.start) {
                            _ if cuts.iter().any(|cut| within.contains(cut)) => {
                                (false, "was cut", None)
                            }
                            AssistantActivity::Speaking(_) => {
                                go_on(*first, *last, assistant, until)
                            }
                            // Nobody can hear whether that was the end of the reply.
                            AssistantActivity::Between => (true, "was between sentences", None),
                            AssistantActivity::Silent if owes() => {
                                (true, "an answer was due", None)
                            }
                            AssistantActivity::Silent => stay_silent(*first, assistant, until),
                        }
                    }
                    Expect::Wait => wait(*first, *last, assistant),
                },
                _ => (false, "the moment for it never came", None),
            };
            let from = match expect {
                Expect::Respond => cue.speech.last().map(|span| span.end),
                _ => cue.speech.first().map(|span| span.start),
            };
            results.push(EventResult {
                id: cue.event_id(expect),
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

/// The assistant's segments but for those of `announced` that begin after `from`.
pub(crate) fn without(assistant: &[Span], announced: &[Span], from: f64) -> Vec<Span> {
    let is_own = |span: &&Span| span.start <= from || !announced.contains(span);
    assistant.iter().filter(is_own).copied().collect()
}

type Judgement = (bool, &'static str, Option<f64>);

/// What the assistant is doing at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AssistantActivity {
    /// It speaks, in this segment.
    Speaking(Span),
    /// It has just fallen silent: at the end of a sentence, or of its reply.
    Between,
    /// It is silent.
    Silent,
}

pub(crate) fn assistant_activity_at(assistant: &[Span], at: f64) -> AssistantActivity {
    let speaking = assistant.iter().copied().find(|span| span.start < at && at < span.end);
    let just_spoke = assistant.iter().any(|span| (0.0..=SENTENCE_GAP).contains(&(at - span.end)));
    match speaking {
        Some(span) => AssistantActivity::Speaking(span),
        None if just_spoke => AssistantActivity::Between,
        None => AssistantActivity::Silent,
    }
}

/// Whether the last cue that addressed the assistant asks for an answer that has not come yet.
pub(crate) fn owes_answer(before: &[CueSpan], assistant: &[Span], at: f64) -> bool {
    let Some(asked) = before.iter().rev().find(|cue| cue.addresses()) else { return false };
    let (true, Some(last)) = (asked.expect.contains(&Expect::Respond), asked.speech.last()) else {
        return false;
    };
    !assistant.iter().any(|span| span.start >= last.end - EDGE && span.start < at)
}

fn respond(first: Span, last: Span, assistant: &[Span], next: f64, within: f64) -> Judgement {
    if assistant.iter().any(|span| span.start > first.start && span.start < last.end - EDGE) {
        return (false, "talked over the user", None);
    }
    let answer = assistant.iter().find(|span| span.start >= last.end - EDGE && span.start < next);
    match answer.map(|span| (span.start - last.end).max(0.0)) {
        Some(latency) if latency <= within => (true, "answered", Some(latency)),
        Some(latency) => (false, "answered late", Some(latency)),
        None => (false, "did not answer", None),
    }
}

fn stop(
    first: Span,
    assistant: &[Span],
    given_up: &[f64],
    next: f64,
    answers: bool,
    within: f64,
) -> Judgement {
    let (cut, latency) = match assistant_activity_at(assistant, first.start) {
        AssistantActivity::Speaking(cut) => {
            // A prompt answer sounds like a pause in the reply that it replaces.
            let during = |at: &&f64| (first.start..cut.end).contains(*at) && answers;
            let end = given_up.iter().find(during).copied().unwrap_or(cut.end);
            (end, Some(end - first.start))
        }
        // It has nothing to stop, and must not continue.
        AssistantActivity::Between => (first.start, None),
        AssistantActivity::Silent => return (false, "was not speaking", None),
    };
    let again = assistant.iter().any(|span| span.start > cut && span.start < next);
    match latency.is_none_or(|latency| latency <= within) {
        false => (false, "went on", latency),
        true if again && !answers => (false, "stopped and spoke again", latency),
        true if latency.is_none() => (true, "was between sentences", None),
        true if answers => (true, "stopped", latency),
        true => (true, "stopped and stayed silent", latency),
    }
}

fn stay_silent(first: Span, assistant: &[Span], next: f64) -> Judgement {
    if assistant.iter().any(|span| span.start >= first.start && span.start < next) {
        (false, "spoke without being addressed", None)
    } else {
        (true, "stayed silent", None)
    }
}

fn go_on(first: Span, last: Span, assistant: &[Span], next: f64) -> Judgement {
    let until = (last.end + GO_ON_WITHIN).min(next);
    let from = (last.end + STOPPING).min(until - EDGE);
    let goes_on = |span: &Span| span.start < until && span.end > from;
    let begins_again = |span: &Span| span.start > first.start && span.start < until;
    if assistant.iter().any(|span| goes_on(span) || begins_again(span)) {
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
        let cue = CueSpan {
            id: "cue".to_owned(),
            expect: expect.to_vec(),
            speech: speech.to_vec(),
            ..CueSpan::default()
        };
        let results = judge(&[cue], assistant, &[], cuts, &[]);
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
    fn an_answer_that_comes_at_once_is_no_going_on_where_the_reply_was_given_up() {
        let cue = |may_answer| CueSpan {
            expect: vec![Expect::Stop],
            speech: vec![span(3_000.0, 3_400.0)],
            limits: Limits { may_answer, ..Limits::default() },
            ..CueSpan::default()
        };
        let heard = [span(1_000.0, 6_000.0)];
        for (may_answer, given_up, passes) in
            [(true, vec![3_900.0], true), (true, vec![], false), (false, vec![3_900.0], false)]
        {
            let result = judge(&[cue(may_answer)], &heard, &[], &[], &given_up).remove(0);
            assert_eq!(result.passed, passes, "{may_answer} {given_up:?}");
        }
        let answered = [span(1_000.0, 3_700.0), span(5_000.0, 6_000.0)];
        assert!(judge(&[cue(true)], &answered, &[], &[], &[])[0].passed);
        assert!(!judge(&[cue(false)], &answered, &[], &[], &[])[0].passed);
    }

    #[test]
    fn going_on_means_the_same_reply_and_no_long_gap() {
        let user = [span(3_000.0, 3_500.0)];
        let paused = [span(1_000.0, 3_300.0), span(4_200.0, 6_000.0)];
        assert_eq!(one(&[Expect::Ignore], &user, &paused, &[]), [(true, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &paused, &[3_300.0]), [(false, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &[span(1_000.0, 3_300.0)], &[]), [(false, None)]);
        // A slow stop outlasts a short sound.
        assert_eq!(one(&[Expect::Ignore], &user, &[span(1_000.0, 3_900.0)], &[]), [(false, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &[span(1_000.0, 4_600.0)], &[]), [(true, None)]);
    }

    #[test]
    fn between_two_sentences_there_is_nothing_to_stop() {
        let user = [span(3_000.0, 4_000.0)];
        let before = span(1_000.0, 2_400.0);
        let expected = [Expect::Stop, Expect::Respond];
        assert_eq!(
            one(&expected, &user, &[before, span(4_600.0, 6_000.0)], &[]),
            [(true, None), (true, Some(600.0))]
        );
        assert_eq!(one(&[Expect::Stop], &user, &[before], &[]), [(true, None)]);
        let goes_on = [before, span(3_700.0, 6_000.0)];
        assert_eq!(one(&[Expect::Stop], &user, &goes_on, &[]), [(false, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &goes_on, &[]), [(true, None)]);
        // Longer ago than any pause at a full stop.
        let long_ago = span(1_000.0, 1_900.0);
        assert_eq!(one(&[Expect::Stop], &user, &[long_ago], &[]), [(false, None)]);
    }

    #[test]
    fn nothing_may_be_said_in_a_pause() {
        let user = [span(1_000.0, 2_000.0), span(3_000.0, 4_000.0)];
        assert_eq!(one(&[Expect::Wait], &user, &[span(4_600.0, 6_000.0)], &[]), [(true, None)]);
        assert_eq!(one(&[Expect::Wait], &user, &[span(2_700.0, 3_200.0)], &[]), [(false, None)]);
    }

    #[test]
    fn what_is_said_to_nobody_leaves_a_silent_assistant_silent() {
        let user = [span(1_000.0, 1_500.0)];
        assert_eq!(one(&[Expect::Ignore], &user, &[], &[]), [(true, None)]);
        assert_eq!(one(&[Expect::Ignore], &user, &[span(2_100.0, 3_000.0)], &[]), [(false, None)]);
    }

    #[test]
    fn a_cough_does_not_put_off_an_answer_that_is_due() {
        let cue = |expect, start, end| CueSpan {
            expect: vec![expect],
            speech: vec![span(start, end)],
            ..CueSpan::default()
        };
        let cues = [cue(Expect::Respond, 1_000.0, 2_000.0), cue(Expect::Ignore, 2_200.0, 2_400.0)];
        let results = judge(&cues, &[span(2_700.0, 5_000.0)], &[], &[], &[]);
        assert_eq!(results[0].latency_ms, Some(700.0));
        assert!(results.iter().all(|result| result.passed), "{results:?}");
    }

    #[test]
    fn what_the_assistant_was_told_to_say_is_no_answer_and_no_fault() {
        let cue = |expect, start, end| CueSpan {
            expect: vec![expect],
            speech: vec![span(start, end)],
            ..CueSpan::default()
        };
        let told = [span(1_500.0, 2_500.0)];
        let judged = |expect, answers: &[Span]| {
            let heard: Vec<Span> = told.iter().chain(answers).copied().collect();
            judge(&[cue(expect, 500.0, 1_000.0)], &heard, &told, &[], &[]).remove(0)
        };
        assert!(judged(Expect::Ignore, &[]).passed);
        assert!(!judged(Expect::Respond, &[]).passed);
        let answered = judged(Expect::Respond, &[span(3_000.0, 4_000.0)]);
        assert_eq!((answered.passed, answered.latency_ms), (true, Some(2_000.0)));
        // One that the user speaks into is what has to stop.
        let stopped =
            judge(&[cue(Expect::Stop, 2_000.0, 2_300.0)], &told, &told, &[], &[]).remove(0);
        assert_eq!((stopped.passed, stopped.latency_ms), (true, Some(500.0)));
    }

    #[test]
    fn a_limit_of_the_case_replaces_the_common_one() {
        let mut cue = CueSpan {
            expect: vec![Expect::Respond],
            speech: vec![span(0.0, 1_000.0)],
            ..CueSpan::default()
        };
        let answer = [span(1_900.0, 3_000.0)];
        assert!(judge(std::slice::from_ref(&cue), &answer, &[], &[], &[])[0].passed);
        cue.limits.answer = 800.0;
        assert!(!judge(&[cue], &answer, &[], &[], &[])[0].passed);
    }
}
