//! `timeline.html`: one page that loads nothing from the network.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::drawing::{Drawing, HEIGHT, STYLE, legend, millis, printable};
use super::{CallRecord, EventResult, Notice, Percentiles, Stage, clock};

/// Scales of the strips that can be chosen, in pixels a second.
const SCALES: [f64; 3] = [60.0, 120.0, 240.0];
/// Strips wider than this are left out: browsers stop drawing, and the page grows by megabytes.
const WIDEST: f64 = 100_000.0;
/// The scale shown first.
const SHOWN: f64 = 120.0;

const PAGE_STYLE: &str = include_str!("page.css");
const PAGE_SCRIPT: &str = include_str!("page.js");

pub(super) fn page(record: &CallRecord, drawing: &Drawing<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&printable(&record.title), ""))
            body {
                header {
                    h1 { (printable(&record.title)) " " (verdict(record.passed)) }
                    p { (clock(record.duration_ms() as u64)) " · " (printable(&record.summary.machine)) }
                }
                (tiles(record))
                (timeline(record, drawing))
                (events(record))
                (details(record))
                script { (PreEscaped(PAGE_SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// The head of every page of this crate: its title, and what it adds to the common style.
pub(crate) fn head(title: &str, style: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(STYLE)) (PreEscaped(PAGE_STYLE)) (PreEscaped(style)) }
        }
    }
}

fn verdict(passed: bool) -> Markup {
    html! { span class=(if passed { "verdict pass" } else { "verdict fail" }) { (if passed { "passed" } else { "failed" }) } }
}

fn tiles(record: &CallRecord) -> Markup {
    let summary = &record.summary;
    let latency = |name: &str, values: &Percentiles| {
        html! {
            div class="tile" {
                b { (millis(values.p50)) }
                span { (name) ", p50" }
                small { "p90 " (millis(values.p90)) " · max " (millis(values.max)) " · n " (values.count) }
            }
        }
    };
    let passed = record.events.iter().filter(|event| event.passed).count();
    html! {
        section class="tiles" {
            (latency("response", &summary.response_latency_ms))
            (latency("stop", &summary.stop_latency_ms))
            div class="tile" { b { (passed) " / " (record.events.len()) } span { "events as expected" } small { "behaviour, not latency" } }
            div class="tile" { b { (format!("{:.0} MB", summary.rss_mb)) } span { "peak memory" } small { "ready in " (millis(Some(summary.ready_ms))) } }
        }
    }
}

fn timeline(record: &CallRecord, drawing: &Drawing<'_>) -> Markup {
    let fits = |scale: f64| record.duration_ms() / 1000.0 * scale <= WIDEST;
    let scales = SCALES.into_iter().filter(|&scale| scale <= SHOWN || fits(scale));
    html! {
        section class="timeline" {
            div class="controls" {
                audio controls preload="metadata" src="call.wav" {}
                span class="zoom" role="group" aria-label="zoom" {
                    @for scale in scales.clone() {
                        button type="button" data-scale=(scale) aria-pressed=(scale == SHOWN) { (scale) " px/s" }
                    }
                }
                small { "left: user, right: assistant · click to seek" }
            }
            div class="scroll" tabindex="0" data-origin=(Drawing::origin()) {
                div class="playhead" style=(format!("height:{HEIGHT}px")) hidden {}
                @for scale in scales {
                    div class="strip" data-scale=(scale) hidden[scale != SHOWN] { (drawing.long(scale)) }
                }
            }
            svg class="call key" height="14" { (legend()) }
            div class="paper" { (PreEscaped(drawing.picture())) }
        }
    }
}

fn events(record: &CallRecord) -> Markup {
    let longest = record.stages.iter().map(|stage| stage.ms).fold(1.0, f64::max);
    html! {
        section {
            h2 { "Events" }
            table {
                thead { tr { th { "time" } th { "event" } th { "expected" } th { "outcome" } th class="number" { "latency" } th { "from the user's last sound" } th {} } }
                tbody {
                    @for event in &record.events {
                        tr {
                            td { (clock(event.at_ms)) }
                            td { b { (printable(&event.id)) } }
                            td { (event.expect.as_str()) }
                            td { (printable(&event.outcome)) br; small { (printable(&event.detail)) } }
                            td class="number" { (millis(event.latency_ms)) }
                            td { (stages(record, event, longest)) }
                            td { (verdict(event.passed)) }
                        }
                    }
                }
            }
        }
    }
}

/// A bar for each stage, from the end of the one before it.
fn stages(record: &CallRecord, event: &EventResult, longest: f64) -> Markup {
    let mut stages: Vec<&Stage> =
        record.stages.iter().filter(|stage| stage.event_id == event.id).collect();
    stages.sort_by(|a, b| a.ms.total_cmp(&b.ms));
    let begins = std::iter::once(0.0).chain(stages.iter().map(|stage| stage.ms.max(0.0)));
    let percent = |ms: f64| format!("{:.2}%", 100.0 * ms / longest);
    html! {
        @if !stages.is_empty() {
            div class="stages" {
                @for (number, (stage, begin)) in stages.iter().zip(begins).enumerate() {
                    span class=(format!("stage s{}", number % 6)) title=(format!("{} at {:.0} ms", stage.name, stage.ms))
                        style=(format!("left:{};width:{}", percent(begin), percent((stage.ms - begin).max(0.0)))) {}
                }
            }
            small {
                @for (number, stage) in stages.iter().enumerate() {
                    span class="step" { i class=(format!("dot s{}", number % 6)) {} (printable(&stage.name.replace('_', " "))) " " (format!("{:.0}", stage.ms)) } " "
                }
            }
        }
    }
}

/// The decisions in order of time, folded away.
pub(crate) fn decisions(notices: &[Notice]) -> Markup {
    html! {
        details {
            summary { "Decisions (" (notices.len()) ")" }
            table {
                @for notice in notices {
                    tr { td { (clock(notice.at_ms)) } td { b { (printable(&notice.kind)) } } td { (printable(&notice.detail)) } }
                }
            }
        }
    }
}

fn details(record: &CallRecord) -> Markup {
    html! {
        section {
            (decisions(&record.notices))
            details {
                summary { "Counters (" (record.counters.len()) ")" }
                table {
                    @for (name, count) in &record.counters {
                        tr { td { (printable(name)) } td class="number" { (count) } }
                    }
                }
            }
        }
    }
}
