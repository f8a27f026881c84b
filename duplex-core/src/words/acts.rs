//! What wording alone says of an utterance: a linear classifier over words, neighbouring words and parts of words.
//!
//! The word lists know the common forms; this knows what resembles the many phrasings that it was fitted to, by
//! `duplex-datasets acts`. Nothing but whole numbers is summed, so that every machine gives the same.

use crate::{Permille, evidence::exp};

/// What an utterance does in a conversation, as far as its wording tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// It asks, tells or requests something of an assistant.
    Request,
    /// It ends the assistant's speech, or the conversation.
    Stop,
    /// It shows attention.
    Backchannel,
    /// It is said to another person, or to an animal.
    Aside,
    /// It is what a television or people in the background say.
    Narration,
}

/// How many acts there are.
pub const ACTS: usize = Act::ALL.len();

impl Act {
    /// All of them, in the order of the table.
    pub const ALL: &[Self] =
        &[Self::Request, Self::Stop, Self::Backchannel, Self::Aside, Self::Narration];

    /// Its name in the file of phrasings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Stop => "stop",
            Self::Backchannel => "backchannel",
            Self::Aside => "aside",
            Self::Narration => "narration",
        }
    }
}

/// What wording says: the probability of each act, in the order of [`Act::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording(pub [Permille; ACTS]);

impl Wording {
    /// The probability of an act.
    pub const fn get(&self, act: Act) -> Permille {
        self.0[act as usize]
    }

    /// What the wording of normalised words says. No words are as likely to be anything.
    pub fn of(words: &[String]) -> Self {
        let scores = scores(words);
        let most = scores.iter().copied().max().unwrap_or_default();
        let parts = scores.map(|score| exp((score - most).max(-LARGEST) as i32));
        let sum: f64 = parts.iter().sum();
        Self(parts.map(|part| Permille((part / sum * 1000.0 + 0.5) as u16)))
    }
}

/// Scores beyond this are as good as certain.
const LARGEST: i64 = 20_000;

/// Positions of the table: every gram falls on one.
pub const GRAM_POSITIONS: usize = 1 << 13;

/// The table, as `duplex-datasets acts` writes it: how many thousandths a step is worth and the bias of each act, as
/// 32-bit integers, lowest byte first; then a signed byte for each act of each position.
const TABLE: &[u8] = include_bytes!("acts.bin");

/// Bytes before the steps.
const HEAD: usize = 4 * (1 + ACTS);

/// Of longer utterances the first words and the last ones count: what lies between says what they are about.
const FIRST: usize = 8;
const LAST: usize = 16;

/// What a gram of whole words counts, against a part of a word, of which there are more.
const OF_WORDS: u8 = 2;

/// What a gram counts at most, however often it comes up.
const MOST: u8 = 2 * OF_WORDS;

/// Parts of words are runs of so many letters, in words that are longer than the shorter run.
const RUNS: [usize; 2] = [3, 4];

/// The grams of normalised words: positions in the table, ascending, and what each counts.
pub fn grams(words: &[String]) -> Vec<(usize, u8)> {
    let middle = FIRST..words.len().saturating_sub(LAST).max(FIRST);
    let kept = words.iter().enumerate().filter(|(at, _)| !middle.contains(at));
    let kept: Vec<&str> = kept.map(|(_, word)| word.as_str()).collect();
    let mut found = Vec::new();
    let mut note = |kind: u8, parts: &[&str]| {
        let letters = parts.iter().flat_map(|part| part.chars().chain([' ']));
        found.push((position(kind, letters), OF_WORDS));
    };
    for (at, &word) in kept.iter().enumerate() {
        note(b'1', &[word]);
        if let Some(next) = kept.get(at + 1) {
            note(b'2', &[word, next]);
        }
    }
    if let [first, rest @ ..] = kept.as_slice() {
        note(b'^', &[first]);
        note(b'$', &[rest.last().unwrap_or(first)]);
        if let Some(second) = rest.first() {
            note(b'^', &[first, second]);
        }
        if let [.., before, last] = kept.as_slice() {
            note(b'$', &[before, last]);
        }
        note(b'n', &[&words.len().min(FIRST).to_string()]);
    }
    for word in kept.iter().filter(|word| word.chars().count() > RUNS[0]) {
        let letters: Vec<char> = ['<'].into_iter().chain(word.chars()).chain(['>']).collect();
        let runs = RUNS.iter().flat_map(|&length| letters.windows(length));
        found.extend(runs.map(|run| (position(b'c', run.iter().copied()), 1)));
    }
    found.sort_unstable();
    let mut counted: Vec<(usize, u8)> = Vec::with_capacity(found.len());
    for (position, counts) in found {
        match counted.last_mut() {
            Some((last, count)) if *last == position => *count = MOST.min(*count + counts),
            _ => counted.push((position, counts)),
        }
    }
    counted
}

/// The position of a gram (FNV-1a).
fn position(kind: u8, letters: impl Iterator<Item = char>) -> usize {
    let codes = std::iter::once(u32::from(kind)).chain(letters.map(u32::from));
    let hash = codes.fold(0x811c_9dc5_u32, |hash, code| (hash ^ code).wrapping_mul(0x0100_0193));
    // The lowest bits of a product depend on the lowest bits of its factors alone.
    ((hash ^ (hash >> 15)) as usize) % GRAM_POSITIONS
}

/// The score of each act in thousandths: the bias, and the steps of the grams, over the length of their vector.
fn scores(words: &[String]) -> [i64; ACTS] {
    let number = |at: usize| -> i64 {
        let bytes = TABLE.get(4 * at..4 * at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, |bytes| i64::from(i32::from_le_bytes(bytes)))
    };
    let unit = number(0);
    let grams = grams(words);
    let mut sums = [0_i64; ACTS];
    let mut squares = 0_u64;
    for &(position, count) in &grams {
        let from = HEAD + position * ACTS;
        let steps = TABLE.get(from..from + ACTS).unwrap_or_default();
        for (sum, &step) in sums.iter_mut().zip(steps) {
            *sum += i64::from(count) * i64::from(step.cast_signed());
        }
        squares += u64::from(count) * u64::from(count);
    }
    let length = (squares * 1_000_000).isqrt().max(1) as i64;
    let mut scores = [0; ACTS];
    for (act, (score, sum)) in scores.iter_mut().zip(sums).enumerate() {
        *score = (number(1 + act) + unit * sum * 1000 / length).clamp(-LARGEST, LARGEST);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::{super::normalise, *};

    fn likeliest(text: &str) -> Act {
        let wording = Wording::of(&normalise(text));
        *Act::ALL.iter().rev().max_by_key(|act| wording.get(**act)).unwrap()
    }

    #[test]
    fn the_table_has_a_step_for_every_act_of_every_position() {
        assert_eq!(TABLE.len(), HEAD + GRAM_POSITIONS * ACTS);
    }

    #[test]
    fn phrasings_that_no_list_has_are_told_apart() {
        for (text, act) in [
            ("Would you kindly stop chattering now?", Act::Stop),
            ("I need a little silence, please.", Act::Stop),
            ("Could you explain how a volcano works?", Act::Request),
            ("Play something cheerful for me.", Act::Request),
            ("Oh, how very interesting.", Act::Backchannel),
            ("Have you packed your swimming things, Harry?", Act::Aside),
            ("Put your plate in the sink, darling.", Act::Aside),
            ("The minister has announced new plans for hospitals.", Act::Narration),
        ] {
            assert_eq!(likeliest(text), act, "{text}: {:?}", Wording::of(&normalise(text)));
        }
    }

    #[test]
    fn any_words_have_a_wording() {
        let long = "word ".repeat(5_000);
        for text in ["", "\u{4f60}\u{597d}", "a", &long] {
            let sum: u32 = Wording::of(&normalise(text)).0.iter().map(|it| u32::from(it.0)).sum();
            assert!((990..=1010).contains(&sum), "{text:.20}: {sum}");
        }
        assert!(grams(&normalise(&long)).len() < 100);
    }
}
