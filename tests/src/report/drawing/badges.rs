//! Expectations, and whether they were met, above the sound they belong to.

use maud::{Markup, html};

use super::{
    EventResult, MARGIN, Strip, USER_WAVE, WAVE,
    captions::{BOLD, width},
    printable, px,
};

/// Where the rows of badges lie; below them are words.
const ROWS: [f64; 2] = [22.0, 43.0];
const GAP: f64 = 4.0;

struct Badge<'a> {
    event: &'a EventResult,
    label: String,
    /// The moment it belongs to.
    anchor: f64,
    x: f64,
    y: f64,
    width: f64,
}

pub(super) fn badges(events: &[EventResult], strip: &Strip) -> Markup {
    let badges = placed(events, strip);
    html! {
        // All lines lie under all badges.
        @for badge in &badges {
            line class="badge" x1=(px(badge.anchor)) x2=(px(badge.anchor)) y1=(badge.y + 18.0) y2=(USER_WAVE + WAVE) {}
        }
        @for Badge { event, label, x, y, width, .. } in &badges {
            g class=(if event.passed { "badge pass" } else { "badge fail" }) {
                title { (printable(&event.id)) ": expected " (event.expect.as_str()) ", " (printable(&event.outcome)) ". " (printable(&event.detail)) }
                rect x=(px(*x)) y=(y) width=(px(*width)) height="18" rx="9" {}
                text x=(px(x + width / 2.0)) y=(y + 13.0) text-anchor="middle" { (label) }
            }
        }
    }
}

/// Places each badge in the first row that is free at its moment; if none is, behind the badge that
/// ends first.
fn placed<'a>(events: &'a [EventResult], strip: &Strip) -> Vec<Badge<'a>> {
    let mut here: Vec<&EventResult> =
        events.iter().filter(|event| strip.contains(event.at_ms as f64)).collect();
    here.sort_by_key(|event| event.at_ms);
    let right = strip.x(strip.to_ms) + MARGIN;
    let mut free = [0.0f64; ROWS.len()];
    let place = |event: &'a EventResult| {
        let label = label(event);
        let width = width(&label) * BOLD + 18.0;
        let anchor = strip.x(event.at_ms as f64);
        let wanted = anchor.min(right - width).max(0.0);
        let earliest = |a: &usize, b: &usize| free[*a].total_cmp(&free[*b]);
        let row = (0..ROWS.len())
            .find(|row| free[*row] <= wanted)
            .or_else(|| (0..ROWS.len()).min_by(earliest))
            .unwrap_or(0);
        let x = wanted.max(free[row]);
        free[row] = x + width + GAP;
        Badge { event, label, anchor, x, y: ROWS[row], width }
    };
    here.into_iter().map(place).collect()
}

/// The cue and its expectation; the latter is left out if the name already says it.
fn label(event: &EventResult) -> String {
    let expect = event.expect.as_str();
    let cue = event.id.strip_suffix(expect).and_then(|cue| cue.strip_suffix('-'));
    let sign = if event.passed { "✓" } else { "✗" };
    match cue.unwrap_or(&event.id) {
        cue if cue == expect => format!("{sign} {expect}"),
        cue => format!("{sign} {} · {expect}", printable(cue)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Expect;

    #[test]
    fn badges_of_one_moment_do_not_overlap() {
        let event = |id: &str, at_ms, expect| EventResult {
            id: id.to_owned(),
            at_ms,
            expect,
            ..EventResult::default()
        };
        let events = [
            event("cough", 7_300, Expect::Ignore),
            event("interruption-stop", 9_100, Expect::Stop),
            event("interruption-respond", 9_100, Expect::Respond),
            event("again-wait", 9_100, Expect::Wait),
            event("again-respond", 9_300, Expect::Respond),
        ];
        let strip = Strip { from_ms: 0.0, to_ms: 15_000.0, scale: 69.0 };
        let badges = placed(&events, &strip);
        assert_eq!(badges.len(), events.len());
        for (index, a) in badges.iter().enumerate() {
            for b in &badges[index + 1..] {
                let apart = a.x + a.width <= b.x || b.x + b.width <= a.x;
                assert!(apart || a.y != b.y, "{} and {}", a.label, b.label);
            }
        }
    }

    #[test]
    fn a_label_says_what_was_expected_once() {
        let event =
            |id: &str| EventResult { id: id.to_owned(), passed: true, ..EventResult::default() };
        assert_eq!(label(&event("question")), "✓ question · respond");
        assert_eq!(label(&event("question-respond")), "✓ question · respond");
        assert_eq!(label(&event("respond")), "✓ respond");
    }
}
