//! Which segments of the assistant's speech are what it was told to say, judged by its audio.
//!
//! An announcement answers nothing and was asked for by nobody in the room. It is the first segment
//! that begins after its moment and is not an answer that is due, with the sentences that follow it.

use crate::score::{CueSpan, EDGE, SENTENCE_GAP, Span, owes_answer};

/// The segments that are announcements, in order. `moments` are the times at which the assistant was
/// told, in ms. Where an answer is due at the same time, what begins first counts as the answer: the
/// two cannot be told apart by sound.
pub(super) fn announced(assistant: &[Span], cues: &[CueSpan], moments: &[f64]) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let mut moments = moments.to_vec();
    moments.sort_by(f64::total_cmp);
    for moment in moments {
        let others: Vec<Span> =
            assistant.iter().copied().filter(|span| !found.contains(span)).collect();
        let is_answer = |span: &Span| {
            let heard = |cue: &&CueSpan| {
                cue.speech.last().is_some_and(|last| last.end <= span.start + EDGE)
            };
            let before: Vec<CueSpan> = cues.iter().filter(heard).cloned().collect();
            owes_answer(&before, &others, span.start)
        };
        let mut later = others.iter().filter(|span| span.start >= moment - EDGE);
        let Some(first) = later.find(|span| !is_answer(span)) else { continue };
        found.push(*first);
        let mut end = first.end;
        let goes_on = |span: &&Span| {
            let follows = span.start - end <= SENTENCE_GAP && !is_answer(span);
            end = if follows { span.end } else { end };
            follows
        };
        found.extend(others.iter().filter(|span| span.start > first.start).take_while(goes_on));
    }
    found.sort_by(|a, b| a.start.total_cmp(&b.start));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Expect;

    fn span(start: f64, end: f64) -> Span {
        Span { start, end }
    }

    fn question(start: f64, end: f64) -> CueSpan {
        let speech = vec![span(start, end)];
        CueSpan { expect: vec![Expect::Respond], speech, ..CueSpan::default() }
    }

    #[test]
    fn what_begins_after_its_moment_is_the_announcement_with_its_sentences() {
        let spoken = [span(800.0, 2_000.0), span(2_700.0, 3_500.0), span(6_000.0, 7_000.0)];
        assert_eq!(announced(&spoken, &[], &[500.0]), spoken[..2]);
        assert_eq!(announced(&spoken, &[], &[500.0, 5_000.0]), spoken);
        assert_eq!(announced(&spoken, &[], &[]), []);
    }

    #[test]
    fn an_answer_that_is_due_is_no_announcement() {
        let cues = [question(1_000.0, 2_000.0)];
        let spoken = [span(2_600.0, 4_000.0), span(5_500.0, 6_000.0)];
        assert_eq!(announced(&spoken, &cues, &[1_500.0]), spoken[1..]);
        // The answer to a question that follows the announcement at once is none of its sentences.
        let spoken = [span(500.0, 1_400.0), span(2_300.0, 4_000.0)];
        assert_eq!(announced(&spoken, &cues, &[400.0]), spoken[..1]);
    }
}
