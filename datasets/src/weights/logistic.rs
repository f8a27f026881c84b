//! Logistic regression with several outcomes, weighted examples and a Gaussian prior on the weights.
//!
//! The bound of Böhning (1992, Multinomial logistic regression algorithm) on the Hessian makes every step a fixed matrix
//! times the gradient, and lets no step overshoot: nothing is tuned, and the result does not depend on chance. Sums run
//! in the order of the examples.

use duplex_core::exp;

/// An example: its values, its outcome, and how much it counts.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// Positions and values of those that are not 0; the bias is one of them.
    pub(super) values: Vec<(usize, f64)>,
    pub(super) outcome: usize,
    pub(super) weight: f64,
}

/// Weights, by outcome and position.
pub(super) type Fitted = Vec<Vec<f64>>;

/// Fits a row of weights for each row of `prior`, the precision of the prior on each weight. Where `from` is given, the
/// steps begin there.
pub(super) fn fit(
    examples: &[Example],
    prior: &[Vec<f64>],
    steps: usize,
    from: Option<Fitted>,
) -> Fitted {
    let (outcomes, positions) = (prior.len(), prior.first().map_or(0, Vec::len));
    let mut bound = vec![vec![0.0; positions]; positions];
    for example in examples {
        for &(i, a) in &example.values {
            for &(j, b) in &example.values {
                bound[i][j] += 0.5 * example.weight * a * b;
            }
        }
    }
    let factor = |prior: &Vec<f64>| {
        let mut bound = bound.clone();
        for (i, precision) in prior.iter().enumerate() {
            bound[i][i] += precision.max(1e-6);
        }
        cholesky(bound)
    };
    let factors: Vec<_> = prior.iter().map(factor).collect();
    let mut weights = from.unwrap_or_else(|| vec![vec![0.0; positions]; outcomes]);
    // Nesterov's momentum, begun again where it would lose ground.
    let mut momentum = weights.clone();
    let (mut speed, mut last) = (1.0_f64, f64::INFINITY);
    for _ in 0..steps {
        let (loss, gradient) = gradient(examples, &momentum, prior);
        if loss > last {
            speed = 1.0;
        }
        last = loss;
        let next_speed = f64::midpoint(1.0, (1.0 + 4.0 * speed * speed).sqrt());
        let push = (speed - 1.0) / next_speed;
        let mut largest = 0.0_f64;
        for (outcome, slope) in gradient.into_iter().enumerate() {
            let step = solve(&factors[outcome], slope);
            for (position, step) in step.into_iter().enumerate() {
                let new = momentum[outcome][position] - step;
                let moved = new - weights[outcome][position];
                largest = largest.max(moved.abs());
                weights[outcome][position] = new;
                momentum[outcome][position] = new + push * moved;
            }
        }
        speed = next_speed;
        if largest < 1e-6 {
            break;
        }
    }
    weights
}

/// Probability of each outcome.
pub(super) fn predict(values: &[(usize, f64)], weights: &[Vec<f64>]) -> Vec<f64> {
    let scores: Vec<f64> = weights
        .iter()
        .map(|row| values.iter().map(|&(position, value)| row[position] * value).sum())
        .collect();
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<f64> =
        scores.iter().map(|score| exp(((score - most) * 1000.0) as i32)).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

fn gradient(
    examples: &[Example],
    weights: &[Vec<f64>],
    prior: &[Vec<f64>],
) -> (f64, Vec<Vec<f64>>) {
    let pull = |(row, prior): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
        row.iter().zip(prior).map(|(weight, precision)| weight * precision).collect()
    };
    let mut slope: Vec<Vec<f64>> = weights.iter().zip(prior).map(pull).collect();
    let pulled = weights.iter().flatten().zip(slope.iter().flatten());
    let mut loss = 0.5 * pulled.map(|(weight, pull)| weight * pull).sum::<f64>();
    for example in examples {
        let predicted = predict(&example.values, weights);
        loss -= example.weight * predicted[example.outcome].max(1e-12).ln();
        for (outcome, row) in slope.iter_mut().enumerate() {
            let is = f64::from(u8::from(outcome == example.outcome));
            let error = example.weight * (predicted[outcome] - is);
            for &(position, value) in &example.values {
                row[position] += error * value;
            }
        }
    }
    (loss, slope)
}

/// The lower triangle whose product with its transpose is `matrix`.
fn cholesky(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = matrix.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - sum;
            matrix[i][j] = if i == j { rest.max(1e-12).sqrt() } else { rest / matrix[j][j] };
        }
    }
    matrix
}

fn solve(lower: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    let n = vector.len();
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| lower[i][k] * vector[k]).sum();
        vector[i] = (vector[i] - sum) / lower[i][i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| lower[k][i] * vector[k]).sum();
        vector[i] = (vector[i] - sum) / lower[i][i];
    }
    vector
}
