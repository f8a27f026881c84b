//! What a user says, as a recogniser would write it, in time.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg32;

/// Words a second that users speak.
const USER_RATE: std::ops::Range<f32> = 2.0..3.6;

/// How much longer or shorter than the mean a word is.
const WORD_SPREAD: std::ops::Range<f32> = 0.6..1.4;

/// Words said in one go.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// At least one.
    pub(crate) words: Vec<String>,
    /// When each word ends, in ms from the beginning of the run; rising.
    pub(crate) ends_ms: Vec<u32>,
    /// The silence after the run, in ms; of no account for the last one.
    pub(crate) pause_ms: u32,
}

/// Something said, with the pauses in it.
#[derive(Clone, Debug)]
pub(crate) struct Utterance {
    /// At least one.
    pub(crate) runs: Vec<Run>,
}

/// How the recogniser of a dialogue writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand {
    /// With capitals and marks.
    marked: bool,
    /// How often it takes a pause for the end of a sentence.
    false_ends: f64,
    /// How often it writes another word, or none.
    errors: f64,
    /// Words a second of the user.
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

    /// The utterance of `text`, broken by a silence of `pauses` ms before each of the word numbers given with them; a silence may
    /// carry a filler. `wrong` are the words that may be heard instead of the true ones.
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

    /// What is heard of a word.
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

    /// Capitals and marks, or neither.
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

/// A silence in an utterance.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// The number of the word before which it stands, from 0.
    pub(crate) before: usize,
    /// How long it is.
    pub(crate) ms: u32,
    /// What the user says in the middle of it.
    pub(crate) filler: Option<String>,
}

/// Whether a sentence asks, by its mark or its first word.
pub(crate) fn asks(text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "what", "who", "why", "how", "where", "when", "which", "can", "could", "do", "does", "did",
        "is", "are", "was", "were", "will", "would", "should", "have", "has", "am",
    ];
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    text.ends_with('?') || WORDS.contains(&first.as_str())
}

/// `text` as a sentence is written: a capital at its beginning, a mark at its end, and "I" in capitals.
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
