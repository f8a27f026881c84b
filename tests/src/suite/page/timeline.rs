//! A call of a set as one strip, drawn from its outline.

use duplex_core::Speaker;
use maud::Markup;

use crate::{
    report::{
        CallRecord, Said, Spoken,
        drawing::{Drawing, Sides},
        metrics::Segment,
    },
    score::Span,
    suite::{CaseResult, outline::POINTS},
};

/// Width of the sound, in pixels.
const WIDTH: f64 = 1_110.0;

pub(super) fn timeline(result: &CaseResult) -> Markup {
    let segments = |spans: &[Span]| -> Vec<Segment> {
        spans.iter().map(|span| Segment { start_ms: span.start, end_ms: span.end }).collect()
    };
    let record = CallRecord {
        title: result.id.clone(),
        user_turns: result.said.iter().map(said).collect(),
        assistant_turns: spoken(result),
        events: result.measured.events.clone(),
        notices: result.decisions.clone(),
        ..CallRecord::default()
    };
    let sides = Sides {
        user: &result.outline.user,
        assistant: &result.outline.assistant,
        user_speech: segments(&result.measured.user),
        assistant_speech: segments(&result.measured.assistant),
        length_ms: result.length_ms,
        bar: WIDTH / POINTS as f64,
    };
    Drawing::over(&record, sides).long(WIDTH * 1000.0 / result.length_ms.max(1.0))
}

fn said((from, to, text): &(f64, f64, String)) -> Said {
    Said {
        start_ms: *from as u64,
        end_ms: *to as u64,
        text: text.clone(),
        is_final: true,
        kind: "turn".to_owned(),
    }
}

/// The lines that the agent reported of itself, under its segments of speech. Lines carry no times:
/// they are placed only if there are as many of them as segments between the user's turns.
fn spoken(result: &CaseResult) -> Vec<Spoken> {
    let lines = result.transcript.iter().filter(|line| line.speaker == Speaker::Assistant);
    let lines: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
    let mut turns: Vec<Span> = Vec::new();
    for span in &result.measured.assistant {
        let asked = |last: &Span| {
            result.said.iter().any(|(_, to, _)| last.end.max(*to) <= span.start && *to > last.start)
        };
        match turns.last_mut() {
            Some(last) if !asked(last) => last.end = span.end,
            _ => turns.push(*span),
        }
    }
    if lines.len() != turns.len() {
        return Vec::new();
    }
    let turn = |(number, (span, text)): (usize, (&Span, &str))| Spoken {
        turn: number as u64,
        start_ms: span.start as u64,
        end_ms: span.end as u64,
        planned: text.to_owned(),
        heard: text.to_owned(),
        ..Spoken::default()
    };
    turns.iter().zip(lines).enumerate().map(turn).collect()
}
