//! Summarises observations of many calls as figures with intervals.
//!
//! The unit of resampling is the case: observations of one case, and of its repetitions, are drawn
//! together. Intervals are those of the percentile bootstrap (Efron and Tibshirani, *An
//! Introduction to the Bootstrap*, 1993, chapter 13): 2000 resamples, 2.5 % to 97.5 %, from a fixed
//! seed, so that the same observations always give the same interval.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};

use super::metric::{Kind, Metric, Observation};

const RESAMPLES: usize = 2_000;
const SEED: u64 = 1_979;
/// Percent outside the interval, on each side.
const OUTSIDE: f64 = 2.5;

/// The statistic of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// The share of observations that are one, from 0 to 1.
    Rate,
    /// The mean, in the metric's unit.
    Mean,
    /// The median, in ms.
    P50,
    /// The ninth decile, in ms.
    P90,
    /// A count per hour.
    PerHour,
}

/// A figure with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What was measured.
    pub metric: Metric,
    /// The statistic that the value is.
    pub statistic: Statistic,
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// Number of observations.
    pub count: usize,
    /// Number of cases.
    pub cases: usize,
}

/// The figures of `metric`, from observations grouped by case; none if there are no observations.
pub fn figures(metric: Metric, cases: &[Vec<&Observation>]) -> Vec<Figure> {
    let of = |case: &Vec<&Observation>| -> Vec<(f64, f64)> {
        let wanted = case.iter().filter(|observation| observation.metric == metric);
        wanted.map(|observation| (observation.value, observation.weight)).collect()
    };
    let cases: Vec<Vec<(f64, f64)>> =
        cases.iter().map(of).filter(|observations| !observations.is_empty()).collect();
    let statistics: &[Statistic] = match metric.kind() {
        Kind::Rate => &[Statistic::Rate],
        Kind::Duration => &[Statistic::P50, Statistic::P90, Statistic::Mean],
        Kind::Mean => &[Statistic::Mean],
        Kind::PerHour => &[Statistic::PerHour],
    };
    let whole: Vec<(f64, f64)> = cases.iter().flatten().copied().collect();
    let Some(values) = evaluate(statistics, whole.clone()) else { return Vec::new() };

    let mut drawn = vec![Vec::with_capacity(RESAMPLES); statistics.len()];
    let mut random = Pcg32::seed_from_u64(SEED);
    for _ in 0..RESAMPLES {
        let draw = (0..cases.len()).flat_map(|_| &cases[random.random_range(0..cases.len())]);
        let Some(values) = evaluate(statistics, draw.copied().collect()) else { continue };
        drawn.iter_mut().zip(values).for_each(|(drawn, value)| drawn.push(value));
    }
    let figure = |((statistic, value), mut drawn): ((&Statistic, f64), Vec<f64>)| {
        drawn.sort_by(f64::total_cmp);
        let end = |percent| percentile(&drawn, percent).unwrap_or(value);
        Figure {
            metric,
            statistic: *statistic,
            value,
            low: end(OUTSIDE),
            high: end(100.0 - OUTSIDE),
            count: whole.len(),
            cases: cases.len(),
        }
    };
    statistics.iter().zip(values).zip(drawn).map(figure).collect()
}

/// Each statistic of the same observations; none if there are no observations, or if they weigh
/// nothing.
fn evaluate(statistics: &[Statistic], observations: Vec<(f64, f64)>) -> Option<Vec<f64>> {
    let weight: f64 = observations.iter().map(|(_, weight)| weight).sum();
    if observations.is_empty() || weight <= 0.0 {
        return None;
    }
    let sum: f64 = observations.iter().map(|(value, _)| value).sum();
    let mut sorted: Vec<f64> = observations.into_iter().map(|(value, _)| value).collect();
    sorted.sort_by(f64::total_cmp);
    let value = |statistic: &Statistic| match statistic {
        Statistic::Rate | Statistic::Mean | Statistic::PerHour => Some(sum / weight),
        Statistic::P50 => percentile(&sorted, 50.0),
        Statistic::P90 => percentile(&sorted, 90.0),
    };
    statistics.iter().map(value).collect()
}

/// The percentile of sorted values by linear interpolation between the two nearest (Hyndman and Fan,
/// *Sample Quantiles in Statistical Packages*, 1996, definition 7; numpy's and voicebench's).
pub fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * (percent / 100.0).clamp(0.0, 1.0);
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(values: &[&[f64]], metric: Metric) -> Vec<Vec<Observation>> {
        let case = |values: &&[f64]| {
            values.iter().map(|value| Observation::of(metric, "cue", *value)).collect()
        };
        values.iter().map(case).collect()
    }

    fn estimated(values: &[&[f64]], metric: Metric) -> Vec<Figure> {
        let cases = cases(values, metric);
        let cases: Vec<Vec<&Observation>> =
            cases.iter().map(|case| case.iter().collect()).collect();
        figures(metric, &cases)
    }

    #[test]
    fn percentiles_lie_between_their_neighbours() {
        let values = [100.0, 200.0, 300.0, 400.0];
        assert_eq!(percentile(&values, 50.0), Some(250.0));
        assert_eq!(percentile(&values, 90.0), Some(370.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn the_interval_of_a_rate_is_that_of_the_binomial() {
        // 80 of 100: the normal approximation gives 0.8 +- 1.96 * 0.04.
        let trials: Vec<[f64; 1]> = (0..100).map(|n| [f64::from(u8::from(n < 80))]).collect();
        let trials: Vec<&[f64]> = trials.iter().map(<[f64; 1]>::as_slice).collect();
        let figures = estimated(&trials, Metric::Takeover);
        assert_eq!((figures.len(), figures[0].count, figures[0].value), (1, 100, 0.8));
        assert!((figures[0].low - 0.722).abs() < 0.015, "{figures:?}");
        assert!((figures[0].high - 0.878).abs() < 0.015, "{figures:?}");
    }

    #[test]
    fn ten_observations_of_one_case_weigh_as_one_case() {
        let (all, none) = (vec![1.0; 10], vec![0.0; 10]);
        let figures = estimated(&[&all, &none], Metric::Takeover);
        assert_eq!((figures[0].low, figures[0].high), (0.0, 1.0));
        assert_eq!((figures[0].count, figures[0].cases), (20, 2));
    }

    #[test]
    fn a_count_per_hour_is_the_count_over_all_hours() {
        let first = [Observation::call(Metric::SelfInterruption, 1.0, 0.25)];
        let second = [Observation::call(Metric::SelfInterruption, 0.0, 0.75)];
        let cases = [first.iter().collect(), second.iter().collect()];
        assert_eq!(figures(Metric::SelfInterruption, &cases)[0].value, 1.0);
    }

    #[test]
    fn nothing_observed_is_no_figure() {
        assert_eq!(estimated(&[&[]], Metric::StopLatency), []);
    }
}
