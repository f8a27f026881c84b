//! The summary as plots: values with their intervals, and distributions of latencies.

use maud::{Markup, html};

use crate::{
    measure::{
        estimate::{Figure, Statistic},
        metric::Metric,
    },
    suite::{Group, SuiteReport, Verdict, table},
};

const WIDTH: f64 = 400.0;
/// Where the scale of a plot of rates begins and ends.
const LEFT: f64 = 165.0;
const RIGHT: f64 = 345.0;
const ROW: f64 = 21.0;

/// The share of cases that passed, by category.
pub(super) fn by_category(report: &SuiteReport) -> Markup {
    let pass_rate = |group: &Group| group.figure(Metric::CasesPassed, Statistic::Rate).copied();
    let each = report
        .categories
        .iter()
        .filter_map(|(name, group)| Some((name.as_str().to_owned(), pass_rate(group)?)));
    let all = pass_rate(&report.overall).map(|figure| ("all".to_owned(), figure));
    dots(&each.chain(all).collect::<Vec<_>>())
}

/// Every rate over all cases.
pub(super) fn rates(group: &Group) -> Markup {
    let rates = group.figures.iter().filter(|figure| figure.statistic == Statistic::Rate);
    let named = rates.map(|figure| {
        let sign = if figure.metric.more_is_better() { "▶" } else { "◀" };
        (format!("{} {sign}", table::title(figure)), *figure)
    });
    dots(&named.collect::<Vec<_>>())
}

/// A line for each row: the name, the interval as a bar, the value as a dot and as a number.
fn dots(rows: &[(String, Figure)]) -> Markup {
    let x = |rate: f64| LEFT + (RIGHT - LEFT) * rate.clamp(0.0, 1.0);
    let height = rows.len() as f64 * ROW + 24.0;
    let bottom = height - 18.0;
    html! {
        svg class="plot" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" {
            @for percent in [0, 25, 50, 75, 100] {
                @let x = x(f64::from(percent) / 100.0);
                line class="grid" x1=(x) x2=(x) y1="0" y2=(bottom) {}
                text class="soft" x=(x) y=(height - 4.0) text-anchor="middle" { (percent) " %" }
            }
            @for (row, (name, figure)) in rows.iter().enumerate() {
                @let y = (row as f64 + 0.5) * ROW;
                text x=(LEFT - 10.0) y=(y + 4.0) text-anchor="end" { (name) }
                line class="interval" x1=(x(figure.low)) x2=(x(figure.high)) y1=(y) y2=(y) {}
                circle class="value" cx=(x(figure.value)) cy=(y) r="4" {
                    title { (table::value(figure, figure.value)) ", " (table::value(figure, figure.low)) " to " (table::value(figure, figure.high)) ", n " (figure.count) }
                }
                text class="soft" x=(WIDTH - 4.0) y=(y + 4.0) text-anchor="end" { (format!("{:.0} %", figure.value * 100.0)) }
            }
        }
    }
}

const CURVES: [(Metric, &str); 3] = [
    (Metric::ResponseLatency, "first"),
    (Metric::StopLatency, "second"),
    (Metric::InterruptionResponse, "third"),
];
const PLOT_HEIGHT: f64 = 300.0;
const PLOT_LEFT: f64 = 40.0;
const PLOT_RIGHT: f64 = 380.0;
const PLOT_TOP: f64 = 68.0;
const PLOT_BOTTOM: f64 = 272.0;

/// Cumulative distributions of the latencies.
pub(super) fn latencies(report: &SuiteReport) -> Markup {
    let values = |metric| {
        let counted = report.cases.iter().filter(|case| case.verdict != Verdict::Invalid);
        let observed = counted.flat_map(|case| &case.observations);
        let mut values: Vec<f64> =
            observed.filter(|o| o.metric == metric).map(|o| o.value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let curves = CURVES.map(|(metric, class)| (metric, class, values(metric)));
    let longest =
        curves.iter().filter_map(|(_, _, values)| values.last()).fold(0.0f64, |a, b| a.max(*b));
    // Whole steps, at most six of them.
    let step = [100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0]
        .into_iter()
        .find(|step| longest / step <= 6.0)
        .unwrap_or(10_000.0);
    let to = (longest / step).ceil().max(1.0) * step;
    let x = |ms: f64| PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * (ms / to).min(1.0);
    let y = |share: f64| PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * share;
    let steps = (to / step) as usize;
    html! {
        svg class="plot" viewBox=(format!("0 0 {WIDTH} {PLOT_HEIGHT}")) role="img" {
            @for percent in [0, 50, 90, 100] {
                @let y = y(f64::from(percent) / 100.0);
                line class="grid" x1=(PLOT_LEFT) x2=(PLOT_RIGHT) y1=(y) y2=(y) {}
                text class="soft" x=(PLOT_LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (percent) " %" }
            }
            @for tick in 0..=steps {
                @let ms = tick as f64 * step;
                line class="grid" x1=(x(ms)) x2=(x(ms)) y1=(PLOT_TOP) y2=(PLOT_BOTTOM) {}
                // The unit extends to the left, where there is room.
                @let (label, anchor, at) = if tick == steps { (format!("{ms:.0} ms"), "end", WIDTH - 4.0) } else { (format!("{ms:.0}"), "middle", x(ms)) };
                text class="soft" x=(at) y=(PLOT_BOTTOM + 16.0) text-anchor=(anchor) { (label) }
            }
            @for (row, (metric, class, values)) in curves.iter().enumerate() {
                @let at = 10.0 + row as f64 * 17.0;
                line class=(format!("curve {class}")) x1=(PLOT_LEFT) x2=(PLOT_LEFT + 18.0) y1=(at) y2=(at) {}
                text x=(PLOT_LEFT + 24.0) y=(at + 4.0) {
                    (metric.title()) " · n " (values.len()) (middle(report, *metric))
                }
                path class=(format!("curve {class}")) d=(steps_of(values, x, y)) {}
            }
        }
    }
}

fn middle(report: &SuiteReport, metric: Metric) -> String {
    let figure = |statistic| report.overall.figure(metric, statistic);
    match (figure(Statistic::P50), figure(Statistic::P90)) {
        (Some(p50), Some(p90)) => format!(" · p50 {:.0} · p90 {:.0} ms", p50.value, p90.value),
        _ => String::new(),
    }
}

/// Most points of a curve; more would not be seen.
const MOST_POINTS: usize = 200;

fn steps_of(values: &[f64], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let Some(first) = values.first() else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", x(*first), y(0.0));
    let every = values.len().div_ceil(MOST_POINTS);
    let last = values.len() - 1;
    for (index, value) in values.iter().enumerate() {
        if index % every == 0 || index == last {
            let share = (index + 1) as f64 / values.len() as f64;
            path.push_str(&format!("H{:.1}V{:.1}", x(*value), y(share)));
        }
    }
    path
}
