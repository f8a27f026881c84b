//! How good the weights are on what they were not fitted to, and what each feature is worth.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use duplex_core::{Feature, Linear, SoundKind, Weights};

use super::{
    Options, Table,
    fit::{Case, Question, cases, fit_cases},
    logistic::{Fitted, predict},
};

/// Parts of the cross-validation. All moments of a phrase are in one part.
const FOLDS: u64 = 5;

/// How a model does on phrases that were left out.
#[derive(Clone, Debug)]
pub struct Report {
    question: Question,
    /// Mean loss of an example in bits: on what it was fitted to, on phrases left out in turn, and on `test`.
    pub fitted: f64,
    /// On phrases left out in turn.
    pub held_out: f64,
    /// On `test`; none where there is none.
    pub test: Option<f64>,
    /// Of the phrases left out: true kind, taken kind, and their weight.
    confusion: Vec<Vec<f64>>,
    /// What the loss on phrases left out grows by, in thousandths of a bit, where a feature is not known.
    worth: Vec<(Feature, f64)>,
    /// Phrases and how often their final moment was taken for something else.
    mistakes: BTreeMap<String, (usize, usize)>,
}

impl Report {
    /// Reports on both models of a table: is the turn over, and what is the sound.
    pub fn both(table: &Table, options: Options, with_worth: bool) -> [Self; 2] {
        [Question::Over, Question::Sound]
            .map(|question| Self::of(table, question, options, with_worth))
    }

    fn of(table: &Table, question: Question, options: Options, with_worth: bool) -> Self {
        let dev = cases(table.rows.iter().filter(|row| row.is_dev), question);
        let test = cases(table.rows.iter().filter(|row| !row.is_dev), question);
        let whole = fit_cases(&dev, question, options, None);
        let quick = Options { steps: 150, ..options };
        let folds: Vec<Fitted> = (0..FOLDS)
            .map(|fold| {
                let rest: Vec<_> = dev.iter().filter(|it| part(it) != fold).cloned().collect();
                fit_cases(&rest, question, quick, Some(whole.clone()))
            })
            .collect();
        let mut confusion = vec![vec![0.0; question.outcomes()]; question.outcomes()];
        let mut mistakes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for case in &dev {
            let predicted = predict(&case.example.values, &folds[part(case) as usize]);
            let taken = most_likely(&predicted);
            confusion[case.example.outcome][taken] += case.example.weight;
            if case.row.features.get(Feature::Partial) != Some(1000) {
                let kind = SoundKind::ALL[case.row.kind as usize].name();
                let entry = mistakes.entry(format!("{kind}: {}", case.row.phrase)).or_default();
                entry.1 += 1;
                entry.0 += usize::from(taken != case.example.outcome);
            }
        }
        let held_out = |without: Option<Feature>, folds: &[Fitted]| {
            mean_loss(dev.iter().map(|case| {
                let mut case = case.clone();
                if let Some(feature) = without {
                    case.example.values.retain(|&(at, _)| at != feature as usize + 1);
                }
                let fold = part(&case) as usize;
                (case, &folds[fold])
            }))
        };
        let base = held_out(None, &folds);
        let mut worth = Vec::new();
        if with_worth {
            for feature in question.features() {
                let without = held_out(Some(feature), &folds);
                worth.push((feature, (without - base) * 1000.0));
            }
            worth.sort_by(|a, b| b.1.total_cmp(&a.1));
        }
        Self {
            question,
            fitted: mean_loss(dev.iter().map(|case| (case.clone(), &whole))),
            held_out: base,
            test: (!test.is_empty())
                .then(|| mean_loss(test.iter().map(|case| (case.clone(), &whole)))),
            confusion,
            worth,
            mistakes,
        }
    }
}

/// The part of the cross-validation that a phrase is in (FNV-1a).
fn part(case: &Case<'_>) -> u64 {
    let key = if case.row.phrase.is_empty() { &case.row.case } else { &case.row.phrase };
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 20) % FOLDS
}

fn most_likely(predicted: &[f64]) -> usize {
    let most = predicted.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    most.map_or(0, |(outcome, _)| outcome)
}

fn mean_loss<'a>(cases: impl Iterator<Item = (Case<'a>, &'a Fitted)>) -> f64 {
    let (mut loss, mut sum) = (0.0, 0.0);
    for (case, weights) in cases {
        let predicted = predict(&case.example.values, weights);
        loss -= case.example.weight * predicted[case.example.outcome].max(1e-9).log2();
        sum += case.example.weight;
    }
    loss / f64::max(sum, 1e-9)
}

/// The page of the weights: every feature, its weights, and what it is worth to each model.
pub fn page(weights: &Weights, reports: &[Report; 2]) -> String {
    let mut text = String::from(PAGE);
    for report in reports {
        let test = report.test.map_or_else(|| "-".to_owned(), |test| format!("{test:.3}"));
        let Report { fitted, held_out, .. } = report;
        let title = report.question.title();
        _ = writeln!(text, "| {title} | {fitted:.3} | {held_out:.3} | {test} |");
    }
    for report in reports {
        let names = report.question.names();
        _ = write!(
            text,
            "\n## {}\n\nOf the phrases left out, in per cent of the kind (row), taken for (column):\n\n| |",
            report.question.title()
        );
        names.iter().for_each(|name| _ = write!(text, " {name} |"));
        _ = write!(text, "\n|---|");
        names.iter().for_each(|_| text.push_str("---|"));
        for (name, row) in names.iter().zip(&report.confusion) {
            _ = write!(text, "\n| {name} |");
            let sum: f64 = row.iter().sum();
            row.iter().for_each(|part| _ = write!(text, " {:.1} |", 100.0 * part / sum.max(1e-9)));
        }
        let models: Vec<(&str, &Linear)> = match report.question {
            Question::Over => vec![("weight", &weights.over)],
            Question::Sound => names.iter().copied().zip(&weights.sound).collect(),
        };
        _ = write!(text, "\n\nWeights, in thousandths of a logit, and worth:\n\n| feature |");
        models.iter().for_each(|(name, _)| _ = write!(text, " {name} |"));
        _ = write!(text, " worth |\n|---|");
        models.iter().for_each(|_| text.push_str("---|"));
        _ = write!(text, "---|\n| (bias) |");
        models.iter().for_each(|(_, model)| _ = write!(text, " {} |", model.bias));
        text.push_str(" |\n");
        for (feature, worth) in &report.worth {
            _ = write!(text, "| `{}` |", feature.name());
            let weight = |model: &Linear| model.weights[*feature as usize];
            models.iter().for_each(|(_, model)| _ = write!(text, " {} |", weight(model)));
            _ = writeln!(text, " {worth:.1} |");
        }
    }
    text
}

const PAGE: &str = "\
# The weights of turn-taking

Written by `duplex-datasets weights`; not to be changed by hand. [turn-taking.md](turn-taking.md) says what the features
are, what is done with the probabilities, and how to fit the weights again.

*Worth*: by how many thousandths of a bit the mean loss of a moment grows, on phrases that were left out of the fit,
where the feature is not known. One of about 0 is not needed by what was recorded; below 0, it misleads on phrases that
are new.

| question | bits a moment, fitted | on phrases left out | on `test` |
|---|---|---|---|
";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, names) = (self.question.title(), self.question.names());
        writeln!(f, "{title}: bits a moment")?;
        let test = self.test.map_or("-".to_owned(), |test| format!("{test:.3}"));
        let Self { fitted, held_out, .. } = self;
        writeln!(f, "  fitted {fitted:.3}, phrases left out {held_out:.3}, test {test}\n")?;
        writeln!(
            f,
            "  phrases left out, in per cent of the kind (row) that are taken for (column):"
        )?;
        write!(f, "  {:12}", "")?;
        for name in &names {
            write!(f, " {name:>11}")?;
        }
        writeln!(f)?;
        for (name, row) in names.iter().zip(&self.confusion) {
            write!(f, "  {name:12}")?;
            let sum: f64 = row.iter().sum();
            for part in row {
                write!(f, " {:>11.1}", 100.0 * part / sum.max(1e-9))?;
            }
            writeln!(f)?;
        }
        if !self.worth.is_empty() {
            writeln!(
                f,
                "\n  worth, in thousandths of a bit that the loss on phrases left out grows by:"
            )?;
            for (feature, worth) in &self.worth {
                writeln!(f, "  {:18} {worth:7.1}", feature.name())?;
            }
        }
        writeln!(f, "\n  phrases most often mistaken, when final:")?;
        let mut worst: Vec<_> = self.mistakes.iter().filter(|(_, (wrong, _))| *wrong > 0).collect();
        worst.sort_by_key(|(_, (wrong, all))| (std::cmp::Reverse(wrong * 1000 / all), *all));
        for (phrase, (wrong, all)) in worst.iter().take(60) {
            writeln!(f, "  {wrong:4} of {all:4}  {phrase}")?;
        }
        Ok(())
    }
}
