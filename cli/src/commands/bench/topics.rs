//! Whether a question on a new topic is answered for itself, whatever was answered before.
//!
//! Each pair of questions is asked in a call of its own. A reply is scored by its likelihood under the model that wrote
//! it, in a fresh conversation that has one of the questions alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use duplex_model::asr::plain_words;
use duplex_model::llm::{CallId, ChatMessage, Llm, LlmError, LlmOptions, Role, Weights};
use serde::Deserialize;

use super::{Bench, Report};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::run_call::machine;
use crate::set::SplitName;
use crate::setup;

/// So many words in a row that were said before are no coincidence.
const RUN: usize = 8;

/// The file of questions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    /// Requests for the last answer once more.
    again: Vec<String>,
    pair: Vec<Pair>,
}

/// Two questions on different topics.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    split: SplitName,
    first: String,
    second: String,
}

/// What came of a pair.
struct Outcome {
    split: SplitName,
    /// The reply to the second question, after the first and its reply.
    reply: Said,
    /// The reply to a request for the first reply once more.
    again: Said,
}

/// A reply after the first question and its reply.
struct Said {
    text: String,
    /// By how much a token of it is likelier (mean, natural logarithm) after the question that it is to be about than
    /// after the other; none if it is empty.
    gain: Option<f64>,
    /// Words of it, and the longest run of words that it shares with the reply to the first question.
    words: usize,
    run: usize,
}

pub(super) fn run(args: &Bench, config: &Config) -> Result<Report, Failure> {
    let questions = read(args)?;
    let failed = |error| setup::model_failure("language model", &error);
    let weights = Weights::load(&setup::reply_model(config)?).map_err(failed)?;
    let options = LlmOptions { calls: 1, ..setup::llm_options(config) };
    let mut asker = Asker {
        llm: Llm::new(&weights, options).map_err(failed)?,
        instructions: &config.llm.system_prompt,
    };
    let mut rows = Vec::new();
    let mut outcomes = Vec::new();
    for (pair, request) in questions.pair.iter().zip(questions.again.iter().cycle()) {
        if args.split.is_some_and(|split| split != pair.split) {
            continue;
        }
        let first = asker.reply(&[], &pair.first).map_err(failed)?;
        let before = [
            ChatMessage::new(Role::User, pair.first.as_str()),
            ChatMessage::new(Role::Assistant, first.as_str()),
        ];
        let reply = asker.reply(&before, &pair.second).map_err(failed)?;
        let reply = asker.said(reply, &pair.second, &pair.first, &first).map_err(failed)?;
        let again = asker.reply(&before, request).map_err(failed)?;
        let again = asker.said(again, &pair.first, &pair.second, &first).map_err(failed)?;
        rows.push(BTreeMap::from([
            ("first".to_owned(), pair.first.as_str().into()),
            ("first_reply".to_owned(), first.into()),
            ("second".to_owned(), pair.second.as_str().into()),
            ("second_reply".to_owned(), reply.text.as_str().into()),
            ("gain".to_owned(), reply.gain.into()),
            ("run".to_owned(), reply.run.into()),
            ("request".to_owned(), request.as_str().into()),
            ("again".to_owned(), again.text.as_str().into()),
            ("again_gain".to_owned(), again.gain.into()),
            ("again_run".to_owned(), again.run.into()),
        ]));
        outcomes.push(Outcome { split: pair.split, reply, again });
    }
    let mut figures = BTreeMap::new();
    for (name, split) in [("dev", SplitName::Dev), ("test", SplitName::Test)] {
        let of_split: Vec<_> = outcomes.iter().filter(|outcome| outcome.split == split).collect();
        figures.extend(figures_of(name, &of_split));
    }
    figures.extend(figures_of("all", &outcomes.iter().collect::<Vec<_>>()));
    Ok(Report { bench: "topics", machine: machine(), figures, rows })
}

fn read(args: &Bench) -> Result<Questions, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("cannot read {}: {error}", args.pairs.display()))
            .with_hint("run this in the repository, or name a file with --pairs")
    };
    let text = std::fs::read_to_string(&args.pairs).map_err(|error| unreadable(&error))?;
    toml::from_str(&text).map_err(|error| unreadable(&error))
}

fn figures_of(name: &str, outcomes: &[&Outcome]) -> Vec<(String, f64)> {
    if outcomes.is_empty() {
        return Vec::new();
    }
    let count = outcomes.len() as f64;
    let replies = || outcomes.iter().map(|outcome| &outcome.reply);
    let again = || outcomes.iter().map(|outcome| &outcome.again);
    let figures = [
        ("pairs", count),
        ("on_topic", replies().filter(|said| said.fits()).count() as f64 / count),
        ("gain", replies().filter_map(|said| said.gain).sum::<f64>() / count),
        ("verbatim", replies().map(Said::verbatim).sum::<f64>() / count),
        ("verbatim_replies", replies().filter(|said| said.run >= RUN).count() as f64),
        ("empty", replies().filter(|said| said.words == 0).count() as f64),
        ("words", replies().map(|said| said.words as f64).sum::<f64>() / count),
        ("again_on_topic", again().filter(|said| said.fits()).count() as f64 / count),
        ("again_verbatim_replies", again().filter(|said| said.run >= RUN).count() as f64),
        ("again_words", again().map(|said| said.words as f64).sum::<f64>() / count),
    ];
    figures.map(|(figure, value)| (format!("{name}_{figure}"), value)).to_vec()
}

impl Said {
    /// Whether it is likelier after the question that it is to be about.
    fn fits(&self) -> bool {
        self.gain.is_some_and(|gain| gain > 0.0)
    }

    /// The share of its words that are one run of the first reply's.
    fn verbatim(&self) -> f64 {
        if self.run < RUN { 0.0 } else { self.run as f64 / self.words as f64 }
    }
}

/// Asks the model as a call does.
struct Asker<'w, 'c> {
    llm: Llm<'w>,
    instructions: &'c str,
}

impl Asker<'_, '_> {
    /// The reply to `question` in a new call, in which `before` was said.
    fn reply(&mut self, before: &[ChatMessage], question: &str) -> Result<String, LlmError> {
        self.in_a_call(|llm, call, system| {
            let question = ChatMessage::new(Role::User, question);
            let mut messages = [&[system], before, &[question]].concat();
            let dropped = llm.fit(call, &messages)?;
            messages.drain(1..1 + dropped);
            let mut reply = String::new();
            llm.write(call, &messages, &mut || false, &mut |piece| {
                reply.push_str(piece);
                ControlFlow::Continue(())
            })?;
            Ok(reply.trim().to_owned())
        })
    }

    /// What there is to say of the reply `text`, which is to be about the question `own` and not about `other`, after
    /// the reply `first`.
    fn said(
        &mut self,
        text: String,
        own: &str,
        other: &str,
        first: &str,
    ) -> Result<Said, LlmError> {
        let own = self.likelihood(own, &text)?;
        let other = self.likelihood(other, &text)?;
        let words = plain_words(&text);
        let run = longest_run(&plain_words(first), &words);
        let gain = own.zip(other).map(|(own, other)| own - other);
        Ok(Said { text, gain, words: words.len(), run })
    }

    /// The mean log probability of the tokens of `reply` as the answer to `question`; none if it has none.
    fn likelihood(&mut self, question: &str, reply: &str) -> Result<Option<f64>, LlmError> {
        self.in_a_call(|llm, call, system| {
            let question = ChatMessage::new(Role::User, question);
            let messages = [system, question, ChatMessage::new(Role::Assistant, reply)];
            let prompt = llm.prompt(call, &messages)?;
            let from = prompt.starts.last().copied().unwrap_or_default();
            let each = llm.log_probabilities(call, &prompt.tokens, from)?;
            let sum: f64 = each.iter().copied().map(f64::from).sum();
            Ok((!reply.is_empty()).then(|| sum / each.len() as f64))
        })
    }

    fn in_a_call<T>(
        &mut self,
        ask: impl FnOnce(&mut Llm<'_>, CallId, ChatMessage) -> Result<T, LlmError>,
    ) -> Result<T, LlmError> {
        let call = self.llm.open_call()?;
        let system = ChatMessage::new(Role::System, self.instructions);
        let asked = ask(&mut self.llm, call, system);
        self.llm.close_call(call)?;
        asked
    }
}

/// The length of the longest run of words that both have.
fn longest_run(one: &[String], other: &[String]) -> usize {
    let mut longest = 0;
    let mut ending_here = vec![0; other.len() + 1];
    for word in one {
        for at in (0..other.len()).rev() {
            ending_here[at + 1] = if *word == other[at] { ending_here[at] + 1 } else { 0 };
            longest = longest.max(ending_here[at + 1]);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_run_is_counted_in_words() {
        let run = |one: &str, other: &str| longest_run(&plain_words(one), &plain_words(other));
        assert_eq!(run("the moon is far away", "How far away is the moon?"), 2);
        assert_eq!(run("It rains, and it rains.", "and it rains and it rains"), 5);
        assert_eq!(run("", "rain"), 0);
    }

    #[test]
    fn there_are_sixty_pairs_in_two_halves() {
        let questions: Questions =
            toml::from_str(include_str!("../../../../tests/topics.toml")).unwrap();
        let dev = questions.pair.iter().filter(|pair| pair.split == SplitName::Dev).count();
        assert_eq!((questions.pair.len(), dev), (60, 30));
    }
}
