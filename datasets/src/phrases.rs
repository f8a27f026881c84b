//! The phrases that dialogues are composed from, separate for training and test.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::Part;

/// Phrases of one kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    train: Vec<String>,
    held_out: Vec<String>,
}

impl Phrases {
    /// The phrases that `part` may use.
    pub fn of(&self, part: Part) -> &[String] {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.held_out,
        }
    }
}

/// The contents of `datasets/text/phrases.toml`, in its order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the file describes each kind")]
pub struct Phrasebook {
    pub backchannels: Phrases,
    pub commands: Phrases,
    pub openers: Phrases,
    pub hard_openers: Phrases,
    pub regenerate_short: Phrases,
    pub regenerate_again: Phrases,
    pub resets: Phrases,
    pub thanks: Phrases,
    pub thanks_replies: Phrases,
    pub brief: Phrases,
    pub brief_replies: Phrases,
    pub returns: Phrases,
    pub vocatives: Phrases,
    pub asides: Phrases,
    pub takes_back: Phrases,
    pub fillers: Phrases,
    pub frames: Phrases,
    pub topics: Phrases,
}

impl Phrasebook {
    /// The built-in phrases.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Phrasebook> = LazyLock::new(|| {
            toml::from_str(include_str!("../text/phrases.toml"))
                .expect("the phrases in the program are checked by a test")
        });
        &BUILTIN
    }

    /// How many of the first words of `words` may be a backchannel, counted by the longest backchannel of either part
    /// that they start with.
    pub fn backchannel_words(&self, words: &[String]) -> usize {
        let plain: Vec<String> = words.iter().map(|word| plain(word)).collect();
        let backchannels = self.backchannels.train.iter().chain(&self.backchannels.held_out);
        let begins = |backchannel: &String| {
            let backchannel: Vec<&str> = backchannel.split(' ').collect();
            plain
                .starts_with(&backchannel.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
                .then_some(backchannel.len())
        };
        backchannels.filter_map(begins).max().unwrap_or(0)
    }
}

/// A phrase and a misrecognition of it; a line of `datasets/text/heard.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hearing {
    /// The phrase.
    pub said: String,
    /// Different words, as the recogniser wrote them.
    pub heard: String,
}

impl Hearing {
    /// Known misrecognitions of a phrase; empty if there are none.
    pub fn of(said: &str) -> &'static [String] {
        static BUILTIN: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
            let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for line in include_str!("../text/heard.jsonl").lines() {
                let Hearing { said, heard } = serde_json::from_str(line)
                    .expect("what is heard is checked by a test of the program");
                all.entry(said).or_default().push(heard);
            }
            all
        });
        BUILTIN.get(said).map_or(&[], Vec::as_slice)
    }
}

/// A word without punctuation and capitals.
fn plain(word: &str) -> String {
    let kept = word.chars().filter(|c| c.is_alphanumeric() || *c == '\'');
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_that_is_held_out_is_trained_on() {
        let book = Phrasebook::builtin();
        for kind in [
            &book.backchannels,
            &book.commands,
            &book.hard_openers,
            &book.regenerate_short,
            &book.regenerate_again,
            &book.resets,
            &book.thanks,
            &book.thanks_replies,
            &book.brief,
            &book.brief_replies,
            &book.returns,
            &book.vocatives,
            &book.asides,
            &book.takes_back,
            &book.fillers,
            &book.frames,
            &book.topics,
        ] {
            let train: BTreeSet<_> = kind.train.iter().collect();
            let both: Vec<_> = kind.held_out.iter().filter(|it| train.contains(it)).collect();
            assert!(both.is_empty(), "{both:?}");
            assert!(!kind.train.is_empty() && !kind.held_out.is_empty());
        }
    }

    #[test]
    fn what_is_heard_wrong_is_a_phrase_of_the_book_in_other_words() {
        let book = Phrasebook::builtin();
        let known = [&book.backchannels, &book.commands].map(|kind| [&kind.train, &kind.held_out]);
        let mut found = 0;
        for said in known.into_iter().flatten().flatten() {
            for heard in Hearing::of(said) {
                assert_ne!(plain(heard), plain(said));
                found += 1;
            }
        }
        let lines = include_str!("../text/heard.jsonl").lines().count();
        assert!(lines > 0 && lines == found, "{found} of {lines} lines are of phrases of the book");
    }

    #[test]
    fn a_backchannel_at_the_beginning_is_counted_whole() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let book = Phrasebook::builtin();
        assert_eq!(book.backchannel_words(&words("Oh, I see. But why?")), 3);
        assert_eq!(book.backchannel_words(&words("yeah but why")), 1);
        assert_eq!(book.backchannel_words(&words("what is tea")), 0);
    }
}
