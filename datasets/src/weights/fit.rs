//! From rows to weights.

use std::{collections::BTreeMap, fmt::Write as _};

use duplex_core::{
    Costs, FEATURES, Feature, Features, Linear, SOUND_KINDS, Samples, SoundKind, Weights,
};

use super::{
    Row, Table,
    logistic::{self, Example, Fitted, predict},
};

/// How the weights are fitted.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Precision of the Gaussian prior on each weight, in logits: how little is believed of a feature that few phrases
    /// show.
    pub prior: f64,
    /// Steps at most.
    pub steps: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { prior: 1.5, steps: 3_000 }
    }
}

/// Silences at which a turn that is over is looked at, in ms: it was answered at one of them, and would have looked the
/// same at the others.
const SILENCES: [i64; 7] = [150, 300, 500, 800, 1_200, 1_600, 2_200];

/// How much a moment with final words counts against one without: at those it is decided.
const FINAL: f64 = 3.0;

/// Which question a model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Over,
    Sound,
}

/// Features that say nothing about what a sound is: those of whether a sentence is whole, and whether the words before
/// were passed over. In scripts, those who are not heard go on, and callers who are not heard try again: what the second
/// try is worth, the costs say. (How long a sound is, what happened before it in the call, and whether it has cut a
/// reply were features once: they told which script it was from.)
const NOT_OF_SOUNDS: &[Feature] = &[
    Feature::WasIgnored,
    Feature::EndOfTurn,
    Feature::Silence,
    Feature::Dangling,
    Feature::SmallWord,
    Feature::Preposition,
    Feature::EndOfWords,
    Feature::Awaiting,
    Feature::TrailsOff,
    Feature::FewDigits,
    Feature::Thinks,
];

/// Features that say nothing about whether a turn is over.
const NOT_OF_ENDS: &[Feature] = &[
    Feature::Brief,
    Feature::Clear,
    Feature::Far,
    Feature::Softer,
    Feature::LikeOthers,
    Feature::Partial,
    Feature::Backchannel,
    Feature::FullStop,
    Feature::Certainty,
    Feature::NoWords,
    Feature::OtherWords,
    Feature::SureWords,
    Feature::TooFast,
    Feature::Echo,
    Feature::GoOn,
    Feature::NearBackchannel,
    Feature::NearCommand,
    Feature::Repair,
    Feature::Refuses,
    Feature::CallsAssistant,
    Feature::CallsPerson,
    Feature::EndsInName,
    Feature::OpensWithName,
    Feature::Denies,
    Feature::Praise,
    Feature::LikeRequest,
    Feature::LikeStop,
    Feature::LikeBackchannel,
    Feature::LikeAside,
    Feature::LikeNarration,
    Feature::Overlaps,
    Feature::FollowsSpeech,
    Feature::WasIgnored,
    Feature::Repeats,
];

impl Question {
    pub(super) fn features(self) -> Vec<Feature> {
        let left_out = match self {
            Self::Over => NOT_OF_ENDS,
            Self::Sound => NOT_OF_SOUNDS,
        };
        Feature::ALL.iter().copied().filter(|feature| !left_out.contains(feature)).collect()
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Over => "is the turn over",
            Self::Sound => "what is this sound",
        }
    }

    /// Names of the outcomes.
    pub(super) fn names(self) -> Vec<&'static str> {
        match self {
            Self::Over => vec!["goes on", "over"],
            Self::Sound => SoundKind::ALL.iter().map(|kind| kind.name()).collect(),
        }
    }

    pub(super) const fn outcomes(self) -> usize {
        match self {
            Self::Over => 2,
            Self::Sound => SOUND_KINDS,
        }
    }

    /// How much all examples of an outcome count together in a situation, against those of the others: how often it comes
    /// about in calls, which scripts do not show.
    fn share(self, outcome: usize, overlaps: bool) -> f64 {
        use SoundKind as K;
        match (self, outcome) {
            (Self::Over, 0) => 0.4,
            (Self::Over, _) => 0.6,
            (Self::Sound, outcome) => match (SoundKind::ALL[outcome], overlaps) {
                (K::Turn, false) => 0.46,
                (K::Turn, true) => 0.10,
                (K::Answer, false) => 0.14,
                (K::Answer, true) => 0.04,
                (K::Backchannel, false) => 0.05,
                (K::Backchannel, true) => 0.36,
                (K::Command, false) => 0.03,
                (K::Command, true) => 0.16,
                (K::ToOthers | K::OtherVoice, _) => 0.12,
                (K::Nothing, false) => 0.08,
                (K::Nothing, true) => 0.10,
            },
        }
    }

    /// The situation of an example: whether the assistant was speaking.
    fn overlaps(self, row: &Row) -> bool {
        self == Self::Sound && row.features.get(Feature::Overlaps) == Some(1000)
    }
}

/// Precision of the prior on a weight that is to be 0.
const NEVER: f64 = 1e9;

/// What a feature may say of a sound. Scripts have few of the situations that calls have: a television that is never
/// heard after an invitation, callers who ask briefly. Left to themselves, the weights would learn the scripts.
const fn speaks_of(feature: Feature) -> &'static [SoundKind] {
    use SoundKind as K;
    match feature {
        // What is short may be a backchannel; whose it is, that does not say.
        Feature::OneWord | Feature::TwoWords | Feature::Brief | Feature::TooFast => {
            &[K::Answer, K::Backchannel, K::Command, K::Nothing]
        }
        // Backchannels and commands are made to a voice.
        Feature::Overlaps | Feature::WasAsked | Feature::WasInvited | Feature::FollowsSpeech => {
            &[K::Answer, K::Backchannel, K::Command]
        }
        // Who speaks, and how far away, but not what for.
        Feature::Softer => &[K::ToOthers, K::OtherVoice],
        Feature::Far => &[K::OtherVoice, K::Nothing],
        Feature::LikeOthers => &[K::OtherVoice],
        _ => SoundKind::ALL,
    }
}

/// The precision of the prior on each weight, by outcome and position.
fn priors(question: Question, usual: f64) -> Vec<Vec<f64>> {
    let of = |outcome: usize| {
        let precision = |feature: &Feature| {
            let says = question == Question::Over
                || speaks_of(*feature).iter().any(|kind| *kind as usize == outcome);
            if says { usual } else { NEVER }
        };
        std::iter::once(0.0).chain(Feature::ALL.iter().map(precision)).collect()
    };
    (0..question.outcomes()).map(of).collect()
}

/// An example, and what it is an example of.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) row: &'a Row,
    pub(super) example: Example,
    /// It continues the example before it: the same moment, had the silence gone on.
    continues: bool,
}

/// The values of features by position; the bias is at 0.
pub(super) fn values(features: &Features, question: Question) -> Vec<(usize, f64)> {
    let used = question.features();
    let of = |feature: Feature| {
        let value = features.get(feature).filter(|value| *value != 0)?;
        used.contains(&feature).then(|| (feature as usize + 1, f64::from(value) / 1000.0))
    };
    std::iter::once((0, 1.0))
        .chain(Feature::ALL.iter().filter_map(|&feature| of(feature)))
        .collect()
}

/// What the words of a row are at its moment: the user has said none, some, or all of them.
fn stage(row: &Row) -> u8 {
    let is_partial = row.features.get(Feature::Partial) == Some(1000);
    match (is_partial, row.words.is_empty()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => 2,
    }
}

/// What a language model says, which is absent in many calls and at many moments: the duplex model is switched off, the
/// replies come from elsewhere.
const OF_MODELS: [Feature; 2] = [Feature::ModelYields, Feature::EndOfWords];

/// A row as it is, and as it would be without each of the language models.
fn views(row: &Row) -> impl Iterator<Item = (&Row, Option<Feature>)> {
    let known = |feature: &Feature| row.features.get(*feature).is_some();
    let without = OF_MODELS.into_iter().filter(known).map(Some);
    std::iter::once(None).chain(without).map(move |without| (row, without))
}

/// The examples of rows. All moments of a phrase at one stage count as one example together, however often the phrase is
/// said in the scripts, so that a phrase that is said in thirty calls is not thirty phrases.
pub(super) fn cases<'a>(rows: impl Iterator<Item = &'a Row>, question: Question) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for (row, without) in rows.flat_map(views) {
        let mut push = |features: &Features, outcome: usize, continues: bool| {
            let features = without.map_or(*features, |feature| features.without(feature));
            let values = values(&features, question);
            let example = Example { values, outcome, weight: 1.0 };
            cases.push(Case { row, example, continues });
        };
        match question {
            Question::Sound => push(&row.features, row.kind as usize, false),
            Question::Over => match (row.over, stage(row)) {
                (Some(true), 2) => {
                    for silence in SILENCES {
                        let mut features = row.features;
                        features.set(Feature::Silence, silence / 2);
                        push(&features, 1, silence > SILENCES[0]);
                    }
                }
                (Some(false), 2) => push(&row.features, 0, false),
                _ => {}
            },
        }
    }
    weigh(&mut cases, question);
    cases
}

/// Sets how much each example counts.
fn weigh(cases: &mut [Case<'_>], question: Question) {
    let overlaps = |case: &Case<'_>| question.overlaps(case.row);
    let key = |case: &Case<'_>| {
        (case.row.phrase.clone(), case.example.outcome, overlaps(case), stage(case.row))
    };
    let mut counts: BTreeMap<_, f64> = BTreeMap::new();
    for case in &*cases {
        *counts.entry(key(case)).or_default() += 1.0;
    }
    let mut sums = [vec![0.0; question.outcomes()], vec![0.0; question.outcomes()]];
    for case in &mut *cases {
        let stage = if stage(case.row) == 2 { FINAL } else { 1.0 };
        case.example.weight = stage / counts[&key(case)].sqrt();
        sums[usize::from(overlaps(case))][case.example.outcome] += case.example.weight;
    }
    let all: f64 = sums.iter().flatten().sum();
    let situations = sums.iter().filter(|sums| sums.iter().sum::<f64>() > 0.0).count() as f64;
    for case in cases {
        let (outcome, overlaps) = (case.example.outcome, overlaps(case));
        let sum = sums[usize::from(overlaps)][outcome].max(1.0);
        case.example.weight *= question.share(outcome, overlaps) * all / situations / sum;
    }
}

/// The examples without those of silences that the user would never have heard: the turn was answered before.
fn unanswered<'a>(cases: &[Case<'a>], weights: &Fitted) -> Vec<Case<'a>> {
    let costs = Costs::default();
    let at = Feature::Silence as usize + 1;
    let threshold = |case: &Case<'_>| {
        let silence = case.example.values.iter().find(|(position, _)| *position == at);
        let ms = silence.map_or(0.0, |(_, value)| value * 2_000.0) as u64;
        f64::from(costs.answers_from(Samples::from_millis(ms)).0) / 1000.0
    };
    let mut is_answered = false;
    let mut left = Vec::new();
    for case in cases {
        is_answered &= case.continues;
        if !is_answered {
            left.push(case.clone());
        }
        is_answered |= predict(&case.example.values, weights)[1] >= threshold(case);
    }
    weigh(&mut left, Question::Over);
    left
}

pub(super) fn fit_cases(
    cases: &[Case<'_>],
    question: Question,
    options: Options,
    from: Option<Fitted>,
) -> Fitted {
    let prior = priors(question, options.prior);
    let fit = |cases: &[Case<'_>], from| {
        let examples: Vec<Example> = cases.iter().map(|case| case.example.clone()).collect();
        logistic::fit(&examples, &prior, options.steps, from)
    };
    let mut fitted = fit(cases, from);
    if question == Question::Over {
        // Which silences are heard depends on the weights, and the weights on those.
        for _ in 0..ROUNDS {
            let left = unanswered(cases, &fitted);
            fitted = fit(&left, Some(fitted));
        }
    }
    fitted
}

/// How often the weights and the silences that are heard with them are brought in line.
const ROUNDS: usize = 6;

fn linear(row: &[f64]) -> Linear {
    let thousandths = |weight: f64| (weight * 1000.0).round() as i32;
    let mut weights = [0; FEATURES];
    for (weight, fitted) in weights.iter_mut().zip(&row[1..]) {
        *weight = thousandths(*fitted);
    }
    Linear { bias: thousandths(row[0]), weights }
}

/// Fits both models to the `dev` rows of a table.
pub fn fit(table: &Table, options: Options) -> Weights {
    let dev = || table.rows.iter().filter(|row| row.is_dev);
    let over = fit_cases(&cases(dev(), Question::Over), Question::Over, options, None);
    let sound = fit_cases(&cases(dev(), Question::Sound), Question::Sound, options, None);
    // Of two outcomes, the difference counts.
    let difference: Vec<f64> = over[1].iter().zip(&over[0]).map(|(yes, no)| yes - no).collect();
    let mut kinds = [Linear { bias: 0, weights: [0; FEATURES] }; SOUND_KINDS];
    for (kind, row) in kinds.iter_mut().zip(&sound) {
        *kind = linear(row);
    }
    Weights { over: linear(&difference), sound: kinds }
}

/// The weights as a file of Rust.
pub fn source(weights: &Weights) -> String {
    let mut text = String::from(
        "//! The shipped weights. Written by `duplex-datasets weights`, and not to be changed by hand.\n\n\
         use super::{Feature as F, Weights, weights::linear};\n\n\
         #[rustfmt::skip]\n\
         pub(super) const WEIGHTS: Weights = Weights {\n    over: ",
    );
    write_linear(&mut text, &weights.over, "    ");
    text.push_str("    sound: [\n");
    for (kind, model) in SoundKind::ALL.iter().zip(&weights.sound) {
        _ = write!(text, "        // {}\n        ", kind.name());
        write_linear(&mut text, model, "        ");
    }
    text.push_str("    ],\n};\n");
    text
}

fn write_linear(text: &mut String, model: &Linear, indent: &str) {
    _ = writeln!(text, "linear({}, &[", model.bias);
    for (feature, weight) in
        Feature::ALL.iter().zip(&model.weights).filter(|(_, weight)| **weight != 0)
    {
        _ = writeln!(text, "{indent}    (F::{feature:?}, {weight}),");
    }
    _ = writeln!(text, "{indent}]),");
}
