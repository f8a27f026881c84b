//! Notices as marks between the two sides.

use maud::{Markup, html};

use super::{Notice, Strip, captions::width, clock, printable, px};

const MARKERS: f64 = 196.0;
const MARKER_TEXT: f64 = 211.0;

pub(super) fn markers(notices: &[Notice], strip: &Strip) -> Markup {
    let notices: Vec<(f64, &Notice)> = notices
        .iter()
        .filter(|notice| strip.contains(notice.at_ms as f64))
        .map(|notice| (strip.x(notice.at_ms as f64), notice))
        .collect();
    html! {
        @for (x, notice) in &notices {
            @let group = group(&notice.kind);
            g class=(format!("marker {group}")) {
                title { (clock(notice.at_ms)) " " (printable(&notice.kind)) ": " (printable(&notice.detail)) }
                @if group == "hearing" {
                    rect x=(px(x - 1.0)) y=(MARKERS - 4.0) width="2" height="8" {}
                } @else {
                    circle cx=(px(*x)) cy=(MARKERS) r="4" {}
                }
            }
        }
        @for (x, kind) in labels(&notices) {
            text class="decision" x=(px(x)) y=(MARKER_TEXT) text-anchor="middle" { (printable(kind)) }
        }
    }
}

/// Labels of the decisions, as many as fit: cancellations first, preparations of turns last.
fn labels<'a>(notices: &[(f64, &'a Notice)]) -> Vec<(f64, &'a str)> {
    let mut placed: Vec<(f64, &str)> = Vec::new();
    let half = |kind: &str| width(kind) * 0.42 + 2.0;
    for wanted in ["cancel", "floor", "turn", "other"] {
        for (x, notice) in notices.iter().filter(|(_, notice)| group(&notice.kind) == wanted) {
            let kind = notice.kind.as_str();
            if placed.iter().all(|(other, name)| (x - other).abs() >= half(kind) + half(name)) {
                placed.push((*x, kind));
            }
        }
    }
    placed
}

/// The group of a kind of notice: the kinds of one group look alike.
fn group(kind: &str) -> &'static str {
    match kind {
        "onset" | "offset" | "partial" | "final" => "hearing",
        "end_of_turn" | "prepared" | "released" | "dropped" => "turn",
        "duck" | "unduck" | "hold" | "release" | "ignore" | "resume" => "floor",
        "cancel" => "cancel",
        _ => "other",
    }
}

/// The legend of the marks, one line high.
pub(crate) fn legend() -> Markup {
    let entries = [
        ("hearing", "heard: onset, words, offset"),
        ("turn", "turn: prepared, released, dropped"),
        ("floor", "floor: duck, unduck, ignore, resume"),
        ("cancel", "cancel"),
    ];
    let mut x = 0.0;
    html! {
        @for (group, label) in entries {
            g class=(format!("marker {group}")) {
                circle cx=(px(x + 5.0)) cy="6" r="4" {}
                text class="legend" x=(px(x + 14.0)) y="10" { (label) }
            }
            ({ x += 36.0 + label.len() as f64 * 5.9; "" })
        }
        rect class="duck" x=(px(x)) y="0" width="14" height="12" {}
        text class="legend" x=(px(x + 20.0)) y="10" { "voice lowered" }
        text class="words unheard legend" x=(px(x + 120.0)) y="10" { "never heard" }
    }
}
