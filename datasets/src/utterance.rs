//! An utterance of the user as a recogniser would write it, with timing.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg32;

/// Speaking rate of users, in words per second.
const USER_RATE: std::ops::Range<f32> = 2.0..3.6;

/// Duration of a word, relative to the mean.
const WORD_SPREAD: std::ops::Range<f32> = 0.6..1.4;

/// Words said without a pause.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// At least one.
    pub(crate) words: Vec<String>,
    /// When each word ends, in ms from the start of the run; increasing.
    pub(crate) ends_ms: Vec<u32>,
    /// The silence after the run, in ms; ignored for the last one.
    pub(crate) pause_ms: u32,
}

/// An utterance, with its pauses.
#[derive(Clone, Debug)]
pub(crate) struct Utterance {
    /// At least one.
    pub(crate) runs: Vec<Run>,
}

/// How the recogniser of a dialogue writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand {
    /// Whether it writes capitals and punctuation.
    marked: bool,
    /// Probability that it takes a pause for the end of a sentence.
    false_ends: f64,
    /// Probability that it writes another word, or none.
    errors: f64,
    /// Speaking rate of the user, in words per second.
    rate: f32,
}

impl Hand {
    pub(crate) fn new(errors: f64, random: &mut Pcg32) -> Self {
        Self {
            marked: random.random_bool(0.75),
            false_ends: 0.3,
            errors,
            rate: random.random_range(USER_RATE),
        }
    }

    /// The utterance of `text`, with the given `pauses`, each before a word and with an optional filler word. `wrong`
    /// are the words that may be written as recognition errors.
    pub(crate) fn write(
        &self,
        text: &str,
        pauses: &[Pause],
        wrong: &[String],
        random: &mut Pcg32,
    ) -> Utterance {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let mut runs: Vec<Vec<String>> = vec![Vec::new()];
        let mut silences = Vec::new();
        let mut place = 0;
        for (at, word) in words.iter().enumerate() {
            for pause in pauses.iter().filter(|pause| pause.before == at && at > 0) {
                if let Some(filler) = &pause.filler {
                    runs.push(filler.split(' ').map(str::to_owned).collect());
                    silences.push(pause.ms / 2);
                    place += 1;
                }
                runs.push(Vec::new());
                silences.push(pause.ms);
                place += 1;
            }
            if let Some(word) = self.hear(word, wrong, random) {
                runs[place].push(word);
            }
        }
        silences.push(0);
        let mut runs: Vec<(Vec<String>, u32)> = runs.into_iter().zip(silences).collect();
        runs.retain(|(words, _)| !words.is_empty());
        if runs.is_empty() {
            runs.push((words, 0));
        }
        let last = runs.len() - 1;
        let marked = |(at, (words, pause_ms)): (usize, (Vec<String>, u32))| {
            let words = self.mark(words, at == last, random);
            let ends_ms = self.time(words.len(), random);
            Run { words, ends_ms, pause_ms }
        };
        Utterance { runs: runs.into_iter().enumerate().map(marked).collect() }
    }

    /// A word as it is recognised.
    fn hear(&self, word: &str, wrong: &[String], random: &mut Pcg32) -> Option<String> {
        if self.errors == 0.0 || !random.random_bool(self.errors) {
            return Some(word.to_owned());
        }
        let first = word.chars().next();
        let alike: Vec<&String> = wrong.iter().filter(|it| it.chars().next() == first).collect();
        match alike.choose(random) {
            Some(other) if random.random_bool(0.75) => Some((*other).clone()),
            _ => None,
        }
    }

    /// With capitals and punctuation, or without either.
    fn mark(&self, mut words: Vec<String>, is_last: bool, random: &mut Pcg32) -> Vec<String> {
        if !self.marked {
            for word in &mut words {
                let plain: String =
                    word.chars().filter(|c| c.is_alphanumeric() || "'-".contains(*c)).collect();
                *word = plain.to_lowercase();
            }
            words.retain(|word| !word.is_empty());
            return words;
        }
        if !is_last
            && random.random_bool(self.false_ends)
            && let Some(word) = words.last_mut()
            && word.ends_with(char::is_alphanumeric)
        {
            word.push_str(["...", ".", ","].choose(random).copied().unwrap_or("."));
        }
        words
    }

    /// When each of `count` words ends, in ms.
    fn time(&self, count: usize, random: &mut Pcg32) -> Vec<u32> {
        let mut end = 0.0;
        let mut next = || {
            end += 1000.0 / self.rate * random.random_range(WORD_SPREAD);
            end as u32
        };
        (0..count).map(|_| next()).collect()
    }
}

/// A pause in an utterance.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// Index of the word after the pause, from 0.
    pub(crate) before: usize,
    /// Its duration.
    pub(crate) ms: u32,
    /// What the user says in the middle of it.
    pub(crate) filler: Option<String>,
}

/// Whether a sentence is a question, by its punctuation or its first word.
pub(crate) fn asks(text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "what", "who", "why", "how", "where", "when", "which", "can", "could", "do", "does", "did",
        "is", "are", "was", "were", "will", "would", "should", "have", "has", "am",
    ];
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    text.ends_with('?') || WORDS.contains(&first.as_str())
}

/// `text` written as a sentence: with a capital at its start, punctuation at its end, and a capital "I".
pub(crate) fn sentence(text: &str) -> String {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    for word in &mut words {
        if word == "i" || word.starts_with("i'") {
            word.replace_range(..1, "I");
        }
    }
    let text = capital(&words.join(" "));
    if text.ends_with(['.', '?', '!']) {
        return text;
    }
    format!("{text}{}", if asks(&text) { '?' } else { '.' })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}
