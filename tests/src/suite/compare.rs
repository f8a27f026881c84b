//! Two sets compared, figure by figure.

use serde::{Deserialize, Serialize};

use crate::{
    case::Category,
    measure::{estimate::Figure, metric::Metric},
};

use super::{Group, SuiteReport};

/// How a figure changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Better, beyond both intervals.
    Better,
    /// Worse, beyond both intervals.
    Worse,
    /// No difference beyond chance.
    Same,
}

/// A figure in two sets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The category; none for all cases.
    pub category: Option<Category>,
    /// Before.
    pub baseline: Figure,
    /// Now.
    pub current: Figure,
    /// How it changed.
    pub verdict: Verdict,
}

/// Compares every figure that both sets have: over all cases first, then by category.
///
/// A difference counts if each value lies outside the other's interval: a value inside of either
/// could be chance.
pub fn compare(baseline: &SuiteReport, current: &SuiteReport) -> Vec<Change> {
    let mut changes = groups(None, &baseline.overall, &current.overall);
    for (category, group) in &current.categories {
        let before = baseline.categories.get(category);
        changes
            .extend(before.into_iter().flat_map(|before| groups(Some(*category), before, group)));
    }
    changes
}

fn groups(category: Option<Category>, baseline: &Group, current: &Group) -> Vec<Change> {
    let change = |current: &Figure| {
        let baseline = *baseline.figure(current.metric, current.statistic)?;
        let verdict = verdict(current.metric, &baseline, current);
        Some(Change { category, baseline, current: *current, verdict })
    };
    current.figures.iter().filter_map(change).collect()
}

fn verdict(metric: Metric, baseline: &Figure, current: &Figure) -> Verdict {
    let within = |figure: &Figure, value: f64| (figure.low..=figure.high).contains(&value);
    if within(baseline, current.value) || within(current, baseline.value) {
        Verdict::Same
    } else if (current.value > baseline.value) == metric.more_is_better() {
        Verdict::Better
    } else {
        Verdict::Worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::estimate::Statistic;

    fn figure(metric: Metric, value: f64, low: f64, high: f64) -> Figure {
        Figure { metric, statistic: Statistic::Rate, value, low, high, count: 30, cases: 30 }
    }

    #[test]
    fn more_answers_are_better_and_more_talk_over_is_worse() {
        let few = |metric| figure(metric, 0.5, 0.4, 0.6);
        let many = |metric| figure(metric, 0.9, 0.8, 0.97);
        for (metric, verdict_up) in
            [(Metric::Takeover, Verdict::Better), (Metric::TalkOver, Verdict::Worse)]
        {
            assert_eq!(verdict(metric, &few(metric), &many(metric)), verdict_up);
            assert_ne!(verdict(metric, &many(metric), &few(metric)), verdict_up);
        }
    }

    #[test]
    fn a_value_inside_of_either_interval_is_no_difference() {
        let certain = figure(Metric::Takeover, 1.0, 1.0, 1.0);
        let less = figure(Metric::Takeover, 0.97, 0.9, 1.0);
        assert_eq!(verdict(Metric::Takeover, &certain, &less), Verdict::Same);
        assert_eq!(verdict(Metric::Takeover, &less, &certain), Verdict::Same);
        let much_less = figure(Metric::Takeover, 0.8, 0.6, 0.93);
        assert_eq!(verdict(Metric::Takeover, &certain, &much_less), Verdict::Worse);
    }
}
