//! A set on the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::{
    case::Category,
    measure::{
        estimate::{Figure, Statistic},
        metric::{Kind, Metric},
    },
};

use super::{CaseReport, Change, ChangeVerdict, Counts, Group, Part, SuiteReport, Verdict};

/// The key figures of a set, by column.
const COLUMNS: [(&str, Metric, Statistic); 7] = [
    ("as expected", Metric::CasesPassed, Statistic::Rate),
    ("takeover", Metric::Takeover, Statistic::Rate),
    ("selectivity", Metric::Selectivity, Statistic::Rate),
    ("response p50", Metric::ResponseLatency, Statistic::P50),
    ("p90", Metric::ResponseLatency, Statistic::P90),
    ("stop p50", Metric::StopLatency, Statistic::P50),
    ("p90", Metric::StopLatency, Statistic::P90),
];

/// One line for each category and one for all of them, each with one for each split below where there
/// are several; then every figure over all cases, then the calls that did not pass, and
/// those that did though an issue is known.
pub fn table(report: &SuiteReport) -> String {
    let mut table = plain();
    table.set_header(["category", "calls"].into_iter().chain(COLUMNS.map(|(title, ..)| title)));
    let row = |name: &str, group: &Group| {
        let figures = COLUMNS.map(|(_, metric, statistic)| {
            right(group.figure(metric, statistic).map_or_else(String::new, with_interval))
        });
        [Cell::new(name), right(group.counts.calls.to_string())].into_iter().chain(figures)
    };
    for (category, group) in &report.categories {
        table.add_row(row(category.as_str(), group));
        for (split, part) in report.by_split() {
            let of_split = part.categories.get(category);
            of_split.map(|group| table.add_row(row(&format!("  {split}"), group)));
        }
    }
    table.add_row(row("all", &report.overall));
    for (split, part) in report.by_split() {
        table.add_row(row(&format!("  {split}"), &part.overall));
    }

    let mut figures = plain();
    let titles = ["over all cases", "value", "95 % interval", "n"].into_iter();
    figures.set_header(titles.chain(report.by_split().map(|(split, _)| split)));
    for figure in &report.overall.figures {
        let whole = [
            Cell::new(title(figure)),
            right(value(figure, figure.value)),
            right(format!("{} to {}", value(figure, figure.low), value(figure, figure.high))),
            right(figure.count.to_string()),
        ];
        let of_split = |part: &Part| {
            let same = part.overall.figure(figure.metric, figure.statistic);
            right(same.map_or_else(String::new, with_interval))
        };
        figures.add_row(whole.into_iter().chain(report.by_split().map(|(_, part)| of_split(part))));
    }
    let mut text = format!("{table}\n\n{figures}\n");
    let told = |case: &&CaseReport| !case.reason.is_empty() || case.known_issue.is_some();
    for (number, case) in report.cases.iter().filter(told).enumerate() {
        let known = match (&case.known_issue, case.verdict) {
            (Some(_), Verdict::Passed) => "its known_issue is no more".to_owned(),
            (Some(issue), _) => format!(" (known: {issue})"),
            (None, _) => String::new(),
        };
        text.push_str(if number == 0 { "\n" } else { "" });
        text.push_str(&format!("{} {}: {}{known}\n", case.verdict.as_str(), case.id, case.reason));
    }
    let Counts { calls, passed, failed, known, invalid, broken } = report.overall.counts;
    let known = if known > 0 { format!(" ({known} of them known)") } else { String::new() };
    text.push_str(&format!(
        "\n{passed} of {calls} passed, {failed} failed{known}, {broken} broken, {invalid} invalid, in {:.0} s\n",
        report.wall_s
    ));
    text
}

/// The figures that differ from an earlier set beyond chance.
pub fn changes(changes: &[Change]) -> String {
    let mut table = plain();
    table.set_header(["", "category", "figure", "before", "now"]);
    let mut any = false;
    for change in changes.iter().filter(|change| change.verdict != ChangeVerdict::Same) {
        any = true;
        let better = change.verdict == ChangeVerdict::Better;
        table.add_row([
            Cell::new(if better { "better" } else { "worse" }),
            Cell::new(change.category.map_or("all", Category::as_str)),
            Cell::new(title(&change.current)),
            right(with_interval(&change.baseline)),
            right(with_interval(&change.current)),
        ]);
    }
    if any { format!("{table}\n") } else { "no difference beyond the intervals\n".to_owned() }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The figure's name for people.
pub(super) fn title(figure: &Figure) -> String {
    let statistic = match (figure.metric.kind(), figure.statistic) {
        (Kind::Duration, Statistic::P50) => ", p50",
        (Kind::Duration, Statistic::P90) => ", p90",
        (Kind::Duration, _) => ", mean",
        _ => "",
    };
    format!("{}{statistic}", figure.metric.title())
}

/// A value of the figure with its unit.
pub(super) fn value(figure: &Figure, value: f64) -> String {
    match figure.statistic {
        Statistic::Rate => format!("{:.1} %", value * 100.0),
        Statistic::PerHour => format!("{value:.1} /h"),
        Statistic::Mean if figure.metric == Metric::WordErrors => format!("{:.1} %", value * 100.0),
        Statistic::Mean | Statistic::P50 | Statistic::P90 => format!("{value:.0} ms"),
    }
}

/// The ends of the interval, without their unit.
pub(super) fn ends(figure: &Figure) -> (String, String) {
    let end = |at: f64| match figure.statistic {
        Statistic::Rate => format!("{:.0}", at * 100.0),
        Statistic::Mean if figure.metric == Metric::WordErrors => format!("{:.0}", at * 100.0),
        _ => format!("{at:.0}"),
    };
    (end(figure.low), end(figure.high))
}

/// The value, and its interval in brackets.
pub(super) fn with_interval(figure: &Figure) -> String {
    let (low, high) = ends(figure);
    format!("{} [{low}, {high}]", value(figure, figure.value))
}
