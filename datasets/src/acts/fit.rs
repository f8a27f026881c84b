//! From phrasings to the table.

use duplex_core::words::{ACTS, Act, GRAM_POSITIONS, grams};

use super::{
    Phrasings,
    phrasings::Phrasing,
    sparse::{self, Example, Fitted},
};

/// How much all phrasings of an act count together.
const fn share(act: Act) -> f64 {
    match act {
        Act::Request => 0.30,
        Act::Stop | Act::Aside => 0.20,
        Act::Backchannel | Act::Narration => 0.15,
    }
}

/// The values of words by position: the counts of their grams, at length 1.
pub(super) fn values(words: &[String]) -> Vec<(usize, f64)> {
    let grams = grams(words);
    let squares: f64 = grams.iter().map(|&(_, count)| f64::from(count) * f64::from(count)).sum();
    let length = squares.sqrt().max(1e-9);
    grams.into_iter().map(|(position, count)| (position, f64::from(count) / length)).collect()
}

/// The examples of phrasings. All phrasings of an act count as much together as its share says, and an example counts 1
/// in the mean.
pub(super) fn examples<'a>(phrasings: impl Iterator<Item = &'a Phrasing>) -> Vec<Example> {
    let of = |phrasing: &Phrasing| Example {
        values: values(&phrasing.words),
        outcome: phrasing.act as usize,
        weight: 1.0,
    };
    let mut examples: Vec<Example> = phrasings.map(of).collect();
    let mut counts = [0.0; ACTS];
    examples.iter().for_each(|example| counts[example.outcome] += 1.0);
    let all = examples.len() as f64;
    for example in &mut examples {
        let act = example.outcome;
        example.weight = share(Act::ALL[act]) * all / counts[act];
    }
    examples
}

/// Fits the table to phrasings, in the form in which `duplex-core` reads it.
pub fn fit(phrasings: &Phrasings) -> Vec<u8> {
    table(&sparse::fit(&examples(phrasings.0.iter()), ACTS))
}

/// What a step of the table is worth, in thousandths: weights of up to 11.4 fit.
const UNIT: i32 = 90;

fn table(fitted: &Fitted) -> Vec<u8> {
    let mut table = UNIT.to_le_bytes().to_vec();
    for bias in &fitted.bias {
        table.extend(((bias * 1000.0).round() as i32).to_le_bytes());
    }
    for position in 0..GRAM_POSITIONS {
        for act in 0..ACTS {
            let steps = fitted.weights[act][position] * 1000.0 / f64::from(UNIT);
            table.push((steps.round() as i8).cast_unsigned());
        }
    }
    table
}
