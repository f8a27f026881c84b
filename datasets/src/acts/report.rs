//! How good the classifier is on phrasings that were left out.

use std::fmt;

use duplex_core::words::{ACTS, Act};

use super::{Phrasings, fit::examples, phrasings::Phrasing, sparse};

/// Parts of the cross-validation. All phrasings of a group are in one part.
const FOLDS: usize = 5;

/// How the classifier does on groups of phrasings that are left out in turn.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Mean loss of a phrasing, in bits.
    pub loss: f64,
    /// True act, taken act, and their weight.
    confusion: [[f64; ACTS]; ACTS],
}

impl Report {
    /// Leaves groups out in turn.
    pub fn of(phrasings: &Phrasings) -> Self {
        let mut report = Self::default();
        let mut all = 0.0;
        for fold in 0..FOLDS {
            let is_left_out = |phrasing: &&Phrasing| phrasing.group % FOLDS == fold;
            let rest = phrasings.0.iter().filter(|it| !is_left_out(it));
            let left_out = phrasings.0.iter().filter(is_left_out);
            let fitted = sparse::fit(&examples(rest), ACTS);
            for example in examples(left_out) {
                let predicted = fitted.predict(&example.values);
                let likely = predicted[example.outcome].max(1e-9);
                report.loss -= example.weight * likely.log2();
                all += example.weight;
                let most = predicted.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                let taken = most.map_or(0, |(act, _)| act);
                report.confusion[example.outcome][taken] += example.weight;
            }
        }
        report.loss /= f64::max(all, 1e-9);
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loss, confusion } = self;
        writeln!(
            f,
            "groups left out: {loss:.3} bits a phrasing; of each act (row), in per cent, taken for (column):"
        )?;
        write!(f, "{:12}", "")?;
        for act in Act::ALL {
            write!(f, " {:>11}", act.name())?;
        }
        writeln!(f)?;
        for (act, row) in Act::ALL.iter().zip(confusion) {
            write!(f, "{:12}", act.name())?;
            let sum: f64 = row.iter().sum();
            for part in row {
                write!(f, " {:>11.1}", 100.0 * part / sum.max(1e-9))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
