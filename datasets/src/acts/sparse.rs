//! Logistic regression with several outcomes over many positions, of which each example has few.

use duplex_core::{exp, words::GRAM_POSITIONS};

/// An example: its values by position, its outcome, and how much it counts.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) values: Vec<(usize, f64)>,
    pub(super) outcome: usize,
    pub(super) weight: f64,
}

/// A bias and weights by position, for each outcome.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub(super) bias: Vec<f64>,
    pub(super) weights: Vec<Vec<f64>>,
}

/// Precision of the prior on each weight: of those tried, the least loss on groups left out.
const PRIOR: f64 = 0.2;

/// Steps. Further ones change no decision.
const STEPS: usize = 150;

impl Fitted {
    fn nothing(outcomes: usize) -> Self {
        Self { bias: vec![0.0; outcomes], weights: vec![vec![0.0; GRAM_POSITIONS]; outcomes] }
    }

    /// Probability of each outcome.
    pub(super) fn predict(&self, values: &[(usize, f64)]) -> Vec<f64> {
        let score = |(weights, bias): (&Vec<f64>, &f64)| {
            bias + values.iter().map(|&(position, value)| weights[position] * value).sum::<f64>()
        };
        let scores: Vec<f64> = self.weights.iter().zip(&self.bias).map(score).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> =
            scores.iter().map(|score| exp(((score - most) * 1000.0) as i32)).collect();
        let sum: f64 = parts.iter().sum();
        parts.into_iter().map(|part| part / sum).collect()
    }

    /// Every number of this, and of `other`.
    fn pairs<'a>(&'a mut self, other: &'a Self) -> impl Iterator<Item = (&'a mut f64, f64)> {
        let biases = self.bias.iter_mut().zip(other.bias.iter().copied());
        let weights = self.weights.iter_mut().flatten();
        biases.chain(weights.zip(other.weights.iter().flatten().copied()))
    }
}

/// Fits by gradient steps with Nesterov's momentum. The steps are as long as the curvature allows anywhere.
pub(super) fn fit(examples: &[Example], outcomes: usize) -> Fitted {
    let step = 1.0 / (0.5 * largest_curvature(examples) + PRIOR);
    let mut weights = Fitted::nothing(outcomes);
    let mut momentum = weights.clone();
    let mut speed = 1.0_f64;
    for _ in 0..STEPS {
        let slope = gradient(examples, &momentum, outcomes);
        let next_speed = f64::midpoint(1.0, (1.0 + 4.0 * speed * speed).sqrt());
        let push = (speed - 1.0) / next_speed;
        let mut moved = momentum.clone();
        moved.pairs(&slope).for_each(|(at, slope)| *at -= step * slope);
        momentum = moved.clone();
        let pushed = momentum.pairs(&weights);
        pushed.for_each(|(new, old)| *new += push * (*new - old));
        weights = moved;
        speed = next_speed;
    }
    weights
}

fn gradient(examples: &[Example], at: &Fitted, outcomes: usize) -> Fitted {
    let mut slope = Fitted::nothing(outcomes);
    slope.pairs(at).for_each(|(slope, weight)| *slope = PRIOR * weight);
    slope.bias.fill(0.0);
    for example in examples {
        let predicted = at.predict(&example.values);
        for (outcome, part) in predicted.into_iter().enumerate() {
            let is = f64::from(u8::from(outcome == example.outcome));
            let error = example.weight * (part - is);
            slope.bias[outcome] += error;
            for &(position, value) in &example.values {
                slope.weights[outcome][position] += error * value;
            }
        }
    }
    slope
}

/// The largest eigenvalue of the examples' weighted products, by power iteration; a little more, as that comes from
/// below.
fn largest_curvature(examples: &[Example]) -> f64 {
    let mut direction = vec![1.0; GRAM_POSITIONS + 1];
    let mut length = 1.0;
    for _ in 0..20 {
        let mut next = vec![0.0; GRAM_POSITIONS + 1];
        for example in examples {
            let along = direction[GRAM_POSITIONS]
                + example.values.iter().map(|&(at, value)| direction[at] * value).sum::<f64>();
            let push = example.weight * along;
            next[GRAM_POSITIONS] += push;
            example.values.iter().for_each(|&(at, value)| next[at] += push * value);
        }
        length = next.iter().map(|part| part * part).sum::<f64>().sqrt().max(1e-9);
        next.iter_mut().for_each(|part| *part /= length);
        direction = next;
    }
    1.1 * length
}
