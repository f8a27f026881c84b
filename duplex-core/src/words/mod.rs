//! What the user's words are for the conversation: a backchannel, a command to stop, a question, an unfinished
//! sentence, words for somebody else.
//!
//! `lists` has the common forms of spoken English. Sounds that a recogniser spells in its own way ("Mm-hmm") are
//! classified by their length instead, in `overlap_policy`. What one recogniser mishears is data that comes with it
//! ([`Mishearings`]). `text` is the recogniser's, with case and punctuation; `words` are the same, normalised.

mod lists;
mod mishearings;

pub use mishearings::Mishearings;

use lists::{
    ASKING, ASSISTANT, AWAITING, BACKCHANNELS, BEFORE_A_NOUN, DIGITS, GO_ON, PERSONS, POLITE,
    PRAISE, PREPOSITIONS, STOPS, UNFINISHED, WH,
};

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

/// The languages that have word lists, as ISO 639-1 codes. The words of any other would be judged by these lists.
pub const LANGUAGES: &[&str] = &["en"];

/// Takes the longest phrase of `lists` off the front of `words` until none fits. Gives the number of phrases from the
/// first list, and whether all words were taken.
fn consists_of(words: &[String], lists: [&[&str]; 2]) -> (usize, bool) {
    let mut at = 0;
    let mut of_first = 0;
    while at < words.len() {
        let longest = lists
            .iter()
            .enumerate()
            .flat_map(|(list, phrases)| phrases.iter().map(move |phrase| (list, phrase)))
            .filter_map(|(list, phrase)| {
                let parts = phrase.split(' ');
                let length = parts.clone().count();
                let fits = words.len() - at >= length
                    && parts.zip(&words[at..]).all(|(part, word)| part == word);
                fits.then_some((length, list))
            })
            .max_by_key(|&(length, list)| (length, 1 - list));
        let Some((length, list)) = longest else { return (of_first, false) };
        at += length;
        of_first += usize::from(list == 0);
    }
    (of_first, true)
}

fn begins_with(words: &[String], phrase: &str) -> bool {
    let length = phrase.split(' ').count();
    words.len() >= length && words.iter().zip(phrase.split(' ')).all(|(word, part)| word == part)
}

fn ends_with(words: &[String], phrase: &str) -> bool {
    let before = words.len().checked_sub(phrase.split(' ').count());
    before.is_some_and(|before| begins_with(&words[before..], phrase))
}

/// Whether all of `words` is backchannels.
pub fn is_backchannel(words: &[String]) -> bool {
    !words.is_empty() && consists_of(words, [BACKCHANNELS, GO_ON]).1
}

/// Whether all of `words` is backchannels, and some of them ask the assistant to go on.
pub fn asks_for_more(words: &[String]) -> bool {
    let (requests, all) = consists_of(words, [GO_ON, BACKCHANNELS]);
    all && requests > 0
}

/// Whether all of `words` is a command to stop.
pub fn is_stop(words: &[String]) -> bool {
    let (stops, all) = consists_of(words, [STOPS, POLITE]);
    all && stops > 0
}

/// Whether `words` (of `text`) are a question or a request.
pub fn asks(text: &str, words: &[String]) -> bool {
    // The second of two words asks for nothing.
    let asking = if words.len() > 2 { words } else { &words[..words.len().min(1)] };
    text.trim_end().ends_with('?') && words.len() > 1
        || asking.iter().any(|word| ASKING.contains(&word.as_str()))
}

/// Whether the sentence cannot end here, so that more words must follow.
pub fn is_unfinished(text: &str, words: &[String]) -> bool {
    let Some(last) = words.last().map(String::as_str) else { return false };
    let text = text.trim_end();
    if text.ends_with([',', '-', '\u{2026}']) || text.ends_with("...") {
        return true;
    }
    if !text.ends_with('?') {
        return UNFINISHED.contains(&last)
            || AWAITING.iter().any(|phrase| ends_with(words, phrase));
    }
    let asks_for_a_thing = words.iter().any(|word| WH.contains(&word.as_str()));
    BEFORE_A_NOUN.contains(&last) || PREPOSITIONS.contains(&last) && !asks_for_a_thing
}

/// Digits of a telephone number without its prefix: a row of this length may be complete.
const WHOLE_NUMBER: usize = 7;

/// Whether the words end in a row of digits that is too short for a whole number: people say long ones in groups. A
/// question has ended in any case.
pub fn ends_in_digits(text: &str, words: &[String]) -> bool {
    let digits = |word: &String| {
        let written = word.chars().filter(char::is_ascii_digit).count();
        let all = written == word.chars().count();
        if all { Some(written) } else { DIGITS.contains(&word.as_str()).then_some(1) }
    };
    let count: usize = words.iter().rev().map_while(digits).sum();
    (1..WHOLE_NUMBER).contains(&count) && !text.trim_end().ends_with('?')
}

/// Whether the words are for somebody who is not the assistant.
///
/// They call a person: "Mum, I am here.", "Close the door, Sarah.". A name is the capitalised word alone behind the
/// last comma of a sentence, unless the word before it is capitalised too: "Paris, France" is none. Or they say it:
/// "No, not you.". Or they are praise that only animals and small children get: "Good dog.".
pub fn is_to_others(text: &str) -> bool {
    let words = normalise(text);
    let says = |phrase: &&str| (0..words.len()).any(|at| begins_with(&words[at..], phrase));
    let denies = |at: usize| words.get(at..).is_some_and(|rest| begins_with(rest, "not you"));
    if PRAISE.iter().any(says) || denies(0) || denies(1) {
        return true;
    }
    let opens = text.split_once(',').is_some_and(|(first, _)| is_person(first));
    opens || text.split_inclusive(['.', '?', '!']).any(ends_in_a_name)
}

fn ends_in_a_name(sentence: &str) -> bool {
    let Some((before, name)) = sentence.rsplit_once(',') else { return false };
    let name = name.trim().trim_end_matches(['.', '?', '!']);
    let is_word = !name.is_empty() && name.chars().all(char::is_alphabetic);
    let is_capital = |word: &str| word.starts_with(char::is_uppercase);
    let after_a_name = before.split_whitespace().skip(1).last().is_some_and(is_capital);
    let is_ours = ASSISTANT.contains(&name.to_lowercase().as_str());
    is_person(name) || (is_word && is_capital(name) && name != "I" && !after_a_name && !is_ours)
}

fn is_person(word: &str) -> bool {
    PERSONS.contains(&word.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backchannel_is_distinguished_from_an_answer_that_begins_like_it() {
        for text in ["Uh-huh.", "Yes, yes.", "Oh, wow.", "That makes sense.", "I see.", "Really?"] {
            assert!(is_backchannel(&normalise(text)), "{text}");
        }
        for text in [
            "Yeah, but what about Venus?",
            "Right now I need something else.",
            "I see a problem with that.",
            "",
        ] {
            assert!(!is_backchannel(&normalise(text)), "{text}");
        }
    }

    #[test]
    fn a_request_to_go_on_is_distinguished_from_a_mere_backchannel() {
        for (text, more) in [("Please go on.", true), ("Yeah, go on.", true), ("I see.", false)] {
            assert!(is_backchannel(&normalise(text)), "{text}");
            assert_eq!(asks_for_more(&normalise(text)), more, "{text}");
        }
    }

    #[test]
    fn a_stop_command_is_distinguished_from_a_question_that_begins_like_it() {
        for text in [
            "Stop.",
            "Okay, that's enough.",
            "Please stop talking.",
            "Thank you, I\u{2019}ve heard enough.",
            "Okay, stop there.",
            "Hold on a second.",
            "Forget that.",
        ] {
            assert!(is_stop(&normalise(text)), "{text}");
        }
        for text in [
            "Hold on, how long does that take?",
            "Forget that, what time is it?",
            "Wait, what about the weather?",
            "Okay.",
            "Thanks.",
            "",
        ] {
            assert!(!is_stop(&normalise(text)), "{text}");
        }
    }

    #[test]
    fn a_number_may_go_on_until_it_is_whole() {
        for text in ["My number is five five five,", "It is 555", "My number is 5-5-5."] {
            assert!(ends_in_digits(text, &normalise(text)), "{text}");
        }
        for text in [
            "My number is five five five, zero one two three.",
            "It is 555-0123.",
            "Five dogs.",
            "Two plus two?",
        ] {
            assert!(!ends_in_digits(text, &normalise(text)), "{text}");
        }
    }

    #[test]
    fn a_sentence_that_calls_somebody_else_by_name_is_noticed() {
        for text in [
            "Mum, I'll be there in a minute.",
            "Can you close the door, Sarah?",
            "No, not you. Put it on the table, Tom.",
            "Sit down, boy. Good dog.",
            "Sit down boy, good dog.",
            "No not you put it on the table.",
        ] {
            assert!(is_to_others(text), "{text}");
        }
        for text in [
            "How long is the train to Paris, France?",
            "I like apples, pears, and plums.",
            "Stop it, Duplex.",
            "Tell me a joke, please.",
            "Paris, how far is it?",
            "If I want to travel from Paris to Berlin, how long does it take?",
            "",
        ] {
            assert!(!is_to_others(text), "{text}");
        }
    }

    #[test]
    fn a_sentence_that_must_go_on_is_noticed() {
        for text in [
            "I was wondering if you could",
            "My favourite colour is",
            "the market, because",
            "five five five,",
            "Can you help me with?",
            "What is the name of the?",
            "Let me think. I would like to know.",
            "Well, I was wondering.",
        ] {
            assert!(is_unfinished(text, &normalise(text)), "{text}");
        }
        for text in [
            "What is the capital of France?",
            "What is this for?",
            "Tell me a story about a dog.",
            "I would like a cup of tea.",
            "Now you know.",
        ] {
            assert!(!is_unfinished(text, &normalise(text)), "{text}");
        }
    }
}
