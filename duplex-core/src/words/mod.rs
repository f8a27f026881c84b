//! What the user's words do in a conversation: they belong to backchannels, to a command, to a sentence that goes on.
//!
//! `lists` has the common forms of spoken English, and `speech_act` turns them into evidence; what it is worth is decided
//! in [`evidence`](crate::Weights). `acts` does the same for wordings that no list has. What one recogniser mishears is
//! data that comes with it ([`Mishearings`]). `text` is the recogniser's, with case and punctuation; `words` are the
//! same, normalised.

mod acts;
mod lists;
mod mishearings;
mod speech_act;

pub use acts::{ACTS, Act, GRAM_POSITIONS, Wording, grams};
pub use lists::all_phrases;
pub use mishearings::Mishearings;
pub use speech_act::*;

/// The words of `text` as they are compared: lower case; letters, digits and apostrophes within a word.
pub fn normalise(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace('\u{2019}', "'")
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether two texts have the same words, however they are written.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    normalise(one) == normalise(other)
}

/// The languages that have word lists, as ISO 639-1 codes. The words of any other would be judged by these lists.
pub const LANGUAGES: &[&str] = &["en"];

fn begins_with(words: &[String], phrase: &str) -> bool {
    // Every word of a turn is held against every phrase: most differ in the first letter.
    if !words.first().is_some_and(|first| phrase.starts_with(first.as_str())) {
        return false;
    }
    let mut words = words.iter();
    phrase.split(' ').all(|part| words.next().is_some_and(|word| word == part))
}

fn ends_with(words: &[String], phrase: &str) -> bool {
    if !words.last().is_some_and(|last| phrase.ends_with(last.as_str())) {
        return false;
    }
    let mut words = words.iter().rev();
    phrase.rsplit(' ').all(|part| words.next().is_some_and(|word| word == part))
}
