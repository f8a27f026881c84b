//! Several agents on the same set, side by side: tables in Markdown, and a picture.

use std::{collections::BTreeSet, fmt::Write};

use maud::{Render, html};

use crate::{
    case::Category,
    measure::{
        estimate::{Figure, Statistic},
        metric::Metric,
    },
};

use super::{Group, SuiteReport, table};

const COLOURS: [&str; 4] = ["#2563eb", "#d97706", "#6b7280", "#059669"];
const WIDTH: f64 = 760.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 740.0;
const TOP: f64 = 34.0;
/// Height of an agent's line in a category's row.
const LINE: f64 = 9.0;
const GAP: f64 = 9.0;

/// Cases as expected by category, then every figure over all cases; one column per agent, values
/// with their 95 % intervals.
pub fn beside(reports: &[SuiteReport]) -> String {
    let mut text = String::from("| cases as expected |");
    for report in reports {
        _ = write!(text, " {} |", report.agent);
    }
    _ = writeln!(text, "\n|---|{}", "---|".repeat(reports.len()));
    for category in categories(reports) {
        let pass_rate = |report: &SuiteReport| pass_rate(report.categories.get(&category)?);
        row(&mut text, category.as_str(), reports.iter().map(pass_rate));
    }
    row(&mut text, "**all**", reports.iter().map(|report| pass_rate(&report.overall)));

    text.push_str("\n| over all cases |");
    for report in reports {
        _ = write!(text, " {} |", report.agent);
    }
    _ = writeln!(text, "\n|---|{}", "---|".repeat(reports.len()));
    let mut named = Vec::new();
    for figure in reports.iter().flat_map(|report| &report.overall.figures) {
        let name = (figure.metric, figure.statistic);
        if !named.contains(&name) {
            named.push(name);
            let same = |report: &SuiteReport| report.overall.figure(name.0, name.1).copied();
            row(&mut text, &table::title(figure), reports.iter().map(same));
        }
    }
    text
}

/// Cases as expected by category, drawn: one line per agent, the interval as a bar, the value as a
/// dot.
pub fn picture(reports: &[SuiteReport]) -> String {
    let categories = categories(reports);
    let row = reports.len() as f64 * LINE + GAP;
    let bottom = TOP + categories.len() as f64 * row;
    let x = |rate: f64| LEFT + (RIGHT - LEFT) * rate.clamp(0.0, 1.0);
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {}", bottom + 22.0)) font-family="sans-serif" font-size="12" {
            rect width="100%" height="100%" fill="#ffffff" {}
            @for (index, report) in reports.iter().enumerate() {
                @let at = LEFT + index as f64 * 180.0;
                circle cx=(at) cy="14" r="5" fill=(COLOURS[index % COLOURS.len()]) {}
                text x=(at + 10.0) y="18" fill="#111827" { (report.agent) }
            }
            @for percent in [0, 25, 50, 75, 100] {
                @let at = x(f64::from(percent) / 100.0);
                line x1=(at) x2=(at) y1=(TOP - 6.0) y2=(bottom) stroke="#e5e7eb" {}
                text x=(at) y=(bottom + 15.0) text-anchor="middle" fill="#6b7280" { (percent) " %" }
            }
            @for (number, category) in categories.iter().enumerate() {
                @let top = TOP + number as f64 * row;
                text x=(LEFT - 10.0) y=(top + row / 2.0 + 1.0) text-anchor="end" fill="#111827" { (category.as_str()) }
                @for (index, report) in reports.iter().enumerate() {
                    @if let Some(figure) = report.categories.get(category).and_then(pass_rate) {
                        @let y = top + (index as f64 + 0.5) * LINE;
                        @let colour = COLOURS[index % COLOURS.len()];
                        line x1=(x(figure.low)) x2=(x(figure.high)) y1=(y) y2=(y) stroke=(colour) stroke-width="4" stroke-opacity="0.35" stroke-linecap="round" {}
                        circle cx=(x(figure.value)) cy=(y) r="4" fill=(colour) {}
                    }
                }
            }
        }
    };
    drawing.render().into_string()
}

fn categories(reports: &[SuiteReport]) -> BTreeSet<Category> {
    reports.iter().flat_map(|report| report.categories.keys().copied()).collect()
}

fn pass_rate(group: &Group) -> Option<Figure> {
    group.figure(Metric::CasesPassed, Statistic::Rate).copied()
}

fn row(text: &mut String, name: &str, figures: impl Iterator<Item = Option<Figure>>) {
    _ = write!(text, "| {name} |");
    for figure in figures {
        let cell = figure.map_or_else(|| "-".to_owned(), |figure| table::with_interval(&figure));
        _ = write!(text, " {cell} |");
    }
    text.push('\n');
}
