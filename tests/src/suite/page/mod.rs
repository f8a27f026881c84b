//! `index.html`: the set on one page that loads nothing from the network. Recordings are links.

mod plots;
mod timeline;

use maud::{DOCTYPE, Markup, html};

use crate::{
    case::Split,
    measure::{estimate::Statistic, metric::Metric},
    report::{
        clock,
        drawing::printable,
        html::{decisions, head},
    },
};

use super::{CaseResult, Group, SuiteReport, SuiteRun, Verdict, table};

const SUITE_STYLE: &str = include_str!("page.css");

/// The figures of the table by category.
const COLUMNS: [(&str, Metric, Statistic); 9] = [
    ("as expected", Metric::CasesPassed, Statistic::Rate),
    ("takeover", Metric::Takeover, Statistic::Rate),
    ("in pauses", Metric::PauseTakeover, Statistic::Rate),
    ("selectivity", Metric::Selectivity, Statistic::Rate),
    ("resumed", Metric::ResumeCorrect, Statistic::Rate),
    ("response p50", Metric::ResponseLatency, Statistic::P50),
    ("response p90", Metric::ResponseLatency, Statistic::P90),
    ("stop p50", Metric::StopLatency, Statistic::P50),
    ("stop p90", Metric::StopLatency, Statistic::P90),
];

pub(super) fn page(run: &SuiteRun, report: &SuiteReport) -> String {
    let mut results: Vec<&CaseResult> = run.results.iter().collect();
    results.sort_by_key(|result| match result.verdict {
        Verdict::Failed if result.failed_as_known() => 1,
        Verdict::Failed | Verdict::Broken => 0,
        Verdict::Invalid => 2,
        Verdict::Passed => 3,
    });
    let title = format!("{}: {} calls", printable(&run.agent), run.results.len());
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, SUITE_STYLE))
            body {
                header {
                    h1 { (title) " " (verdict(if report.passed { Verdict::Passed } else { Verdict::Failed })) }
                    p { "ran in " (clock((report.wall_s * 1000.0) as u64)) " · intervals: 95 %, bootstrap by case" }
                    @if let Some(why) = &report.unreachable {
                        p class="trouble" { "ended early: " (printable(why)) }
                    }
                }
                (tiles(report))
                section class="plots" {
                    figure {
                        figcaption { "As expected, by category" }
                        (plots::by_category(report))
                    }
                    figure {
                        figcaption { "Rates over all cases" small { " · ◀ less is better, ▶ more is better" } }
                        (plots::rates(&report.overall))
                    }
                    figure {
                        figcaption { "Latencies: share of turns answered or stopped within" }
                        (plots::latencies(report))
                    }
                }
                (categories(report))
                (overall(&report.overall))
                section {
                    h2 { "Calls" }
                    p class="key" {
                        "Shaded: speech, as found in the tracks. "
                        span class="answer" { "Green arrow" } ": from the user's last sound to the answer. "
                        span class="stop" { "Red arrow" } ": from the user's first sound to silence. "
                        "Badges: what was expected, and whether it happened."
                    }
                    @for result in results { (call(result)) }
                }
            }
        }
    }
    .into_string()
}

fn verdict(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::Passed => "verdict pass",
        Verdict::Invalid => "verdict invalid",
        Verdict::Failed | Verdict::Broken => "verdict fail",
    };
    html! { span class=(class) { (verdict.as_str()) } }
}

fn tiles(report: &SuiteReport) -> Markup {
    let group = &report.overall;
    let tile = |name: &str, metric, statistic, beside: &str| {
        let figure = group.figure(metric, statistic);
        html! {
            div class="tile" {
                b { (figure.map_or("–".to_owned(), |figure| table::value(figure, figure.value))) }
                span { (name) }
                small {
                    @if let Some(figure) = figure {
                        (table::value(figure, figure.low)) " to " (table::value(figure, figure.high)) " · n " (figure.count) (beside)
                    }
                }
            }
        }
    };
    let p90 = |metric| {
        let figure = group.figure(metric, Statistic::P90);
        figure.map_or(String::new(), |figure| {
            format!(" · p90 {}", table::value(figure, figure.value))
        })
    };
    let counts = group.counts;
    html! {
        section class="tiles" {
            div class="tile" {
                b { (counts.passed) " / " (counts.calls - counts.invalid) }
                span { "calls passed" }
                small { (counts.failed) " failed" @if counts.known > 0 { " (" (counts.known) " known)" } " · " (counts.broken) " broken · " (counts.invalid) " invalid" }
            }
            (tile("response latency, p50", Metric::ResponseLatency, Statistic::P50, &p90(Metric::ResponseLatency)))
            (tile("stop latency, p50", Metric::StopLatency, Statistic::P50, &p90(Metric::StopLatency)))
            (tile("selectivity", Metric::Selectivity, Statistic::Rate, ""))
        }
    }
}

fn categories(report: &SuiteReport) -> Markup {
    let all = std::iter::once(("all", None, &report.overall));
    let each = report.categories.iter().map(|(name, group)| (name.as_str(), Some(*name), group));
    html! {
        section {
            h2 { "By category" }
            div class="wide" {
                table {
                    thead { tr { th { "category" } th class="number" { "calls" } @for (title, ..) in COLUMNS { th class="number" { (title) } } } }
                    tbody {
                        @for (name, category, group) in each.chain(all) {
                            (row(html! { b { (name) } }, group))
                            @for (split, part) in report.by_split() {
                                @let group = match category {
                                    Some(category) => part.categories.get(&category),
                                    None => Some(&part.overall),
                                };
                                @if let Some(group) = group { (row(html! { small { (split) } }, group)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(name: Markup, group: &Group) -> Markup {
    html! {
        tr {
            td { (name) }
            td class="number" { (group.counts.calls) }
            @for (_, metric, statistic) in COLUMNS { (cell(group, metric, statistic)) }
        }
    }
}

fn cell(group: &Group, metric: Metric, statistic: Statistic) -> Markup {
    let figure = group.figure(metric, statistic);
    html! {
        td class="number" {
            @if let Some(figure) = figure {
                @let (low, high) = table::ends(figure);
                (table::value(figure, figure.value))
                br;
                small { (low) " – " (high) }
            }
        }
    }
}

fn overall(group: &Group) -> Markup {
    html! {
        section {
            details {
                summary { "Every figure over all cases (" (group.figures.len()) ")" }
                table {
                    thead { tr { th { "figure" } th class="number" { "value" } th class="number" { "95 % interval" } th class="number" { "observations" } th class="number" { "cases" } } }
                    tbody {
                        @for figure in &group.figures {
                            tr {
                                td { (table::title(figure)) }
                                td class="number" { (table::value(figure, figure.value)) }
                                td class="number" { (table::value(figure, figure.low)) " – " (table::value(figure, figure.high)) }
                                td class="number" { (figure.count) }
                                td class="number" { (figure.cases) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One call, folded away if it passed.
fn call(result: &CaseResult) -> Markup {
    html! {
        details class="case" open[result.verdict != Verdict::Passed] {
            summary {
                (verdict(result.verdict)) " " (printable(&result.id))
                @if result.repetition > 1 { " (" (result.repetition) ")" }
                small { " " (result.category.as_str()) @if result.split == Split::Test { " · test" } @if !result.reason.is_empty() { " · " (printable(&result.reason)) } }
            }
            @if result.length_ms > 0.0 { div class="scroll" { (timeline::timeline(result)) } }
            @if let Some(audio) = &result.audio {
                audio controls preload="none" src=(audio.display()) {}
            }
            @if let Some(issue) = &result.known_issue { p { small { "known issue: " (printable(issue)) } } }
            @if let Some(source) = &result.source {
                p { small { (source.file.display()) ":" (source.line) } }
            }
            @if !result.transcript.is_empty() {
                table class="told" {
                    @for line in &result.transcript {
                        @let user = line.speaker == duplex_core::Speaker::User;
                        tr {
                            td class=(if user { "user" } else { "assistant" }) { (if user { "user" } else { "assistant" }) }
                            td { (printable(&line.text)) }
                        }
                    }
                }
            }
            @if !result.decisions.is_empty() { (decisions(&result.decisions)) }
        }
    }
}
