//! What the user's words do, as evidence: shares and flags, none of which decides alone.

use super::lists::{
    ADDRESS, ASKED_FOR, ASKING, ASSISTANT, AWAITING, BACKCHANNELS, BEFORE_A_NOUN, BEFORE_AN_OBJECT,
    CLOSING, DIGITS, FAREWELLS, GO_ON, INVITING, LISTING, NUMBERING, OPENERS, PERSONS, POLITE,
    PRAISE, PREPOSITIONS, REFUSALS, REPAIRS, STOP_OBJECTS, STOPS, THINKING, UNFINISHED, WH,
};
use super::{begins_with, ends_with, normalise};

/// Digits of a telephone number without its prefix: a row of this length may be complete.
const WHOLE_NUMBER: usize = 7;

/// How many of `words` belong to a phrase of each list. At every word the longest phrase counts, of two of the same
/// length that of the earlier list; a word that begins none is left out.
fn cover<const LISTS: usize>(words: &[String], lists: [&[&str]; LISTS]) -> [usize; LISTS] {
    let mut covered = [0; LISTS];
    let mut at = 0;
    while at < words.len() {
        let longest = lists
            .iter()
            .enumerate()
            .flat_map(|(list, phrases)| phrases.iter().map(move |phrase| (list, phrase)))
            .filter(|(_, phrase)| begins_with(&words[at..], phrase))
            .map(|(list, phrase)| (phrase.split(' ').count(), list))
            .max_by_key(|&(length, list)| (length, LISTS - list));
        match longest {
            Some((length, list)) => {
                covered[list] += length;
                at += length;
            }
            None => at += 1,
        }
    }
    covered
}

/// A share of the words, in thousandths.
fn share(part: usize, words: &[String]) -> i64 {
    (part * 1000 / words.len().max(1)) as i64
}

/// Whether any of the phrases stands anywhere in the words.
fn says(words: &[String], phrases: &[&str]) -> bool {
    (0..words.len()).any(|at| phrases.iter().any(|phrase| begins_with(&words[at..], phrase)))
}

fn ends_in_any(words: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| ends_with(words, phrase))
}

/// Share of the words, in thousandths, that belong to backchannels.
pub fn backchannel(words: &[String]) -> i64 {
    share(cover(words, [BACKCHANNELS, GO_ON]).iter().sum(), words)
}

/// Whether all of the words are backchannels, and some of them ask the assistant to go on.
pub fn asks_for_more(words: &[String]) -> bool {
    let [requests, others] = cover(words, [GO_ON, BACKCHANNELS]);
    requests > 0 && requests + others == words.len()
}

/// Share of the words, in thousandths, that belong to a command to be silent: what is to end, its object, politeness and
/// address. 0 where nothing is to end.
pub fn command(words: &[String]) -> i64 {
    let [stops, rest @ ..] = cover(words, [STOPS, STOP_OBJECTS, POLITE, ADDRESS]);
    if stops == 0 { 0 } else { share(stops + rest.iter().sum::<usize>(), words) }
}

/// Share of the words, in thousandths, that belong to a farewell. 0 where there is none.
pub fn farewell(words: &[String]) -> i64 {
    let [farewells, rest @ ..] = cover(words, [FAREWELLS, STOPS, POLITE, ADDRESS]);
    if farewells == 0 { 0 } else { share(farewells + rest.iter().sum::<usize>(), words) }
}

/// Share of the words, in thousandths, that ask for another way of speaking, or for a repetition. 0 where none does.
pub fn repairs(words: &[String]) -> i64 {
    let [repairs, rest @ ..] = cover(words, [REPAIRS, POLITE, ADDRESS]);
    if repairs == 0 { 0 } else { share(repairs + rest.iter().sum::<usize>(), words) }
}

/// Share of the words, in thousandths, that refuse or correct what was said.
pub fn refuses(words: &[String]) -> i64 {
    let [refusals, rest @ ..] = cover(words, [REFUSALS, POLITE, ADDRESS]);
    if refusals == 0 { 0 } else { share(refusals + rest.iter().sum::<usize>(), words) }
}

/// Whether the words open like a question or a request, or hold such an opening behind the first of them.
pub fn asks(words: &[String]) -> bool {
    // The second of two words asks for nothing.
    let asking = if words.len() > 2 { words } else { &words[..words.len().min(1)] };
    asking.iter().any(|word| ASKING.contains(&word.as_str()))
}

/// Whether the words call the assistant by a name of its own.
pub fn calls_assistant(words: &[String]) -> bool {
    words.iter().any(|word| ASSISTANT.contains(&word.as_str()))
}

/// Whether the words say that the assistant is not meant.
pub fn denies(words: &[String]) -> bool {
    says(&words[..words.len().min(4)], &["not you"])
}

/// Whether the words hold praise that only animals and small children get.
pub fn praises(words: &[String]) -> bool {
    says(words, PRAISE)
}

/// Whether a sentence addresses a person at its beginning or its end.
pub fn calls_person(text: &str) -> bool {
    let opens = text.split_once(',').is_some_and(|(first, _)| is_person(first));
    let is_named =
        |sentence: &str| sentence.rsplit_once(',').is_some_and(|(_, name)| is_person(name));
    opens || sentences(text).any(is_named)
}

fn is_person(words: &str) -> bool {
    let words = normalise(words);
    words.len() <= 3 && words.last().is_some_and(|last| PERSONS.contains(&last.as_str()))
}

/// Whether a sentence ends in a comma and one capitalised word, which is no name of the assistant's, and the word before
/// the comma is not capitalised too: "Paris, France" is no address.
pub fn ends_in_name(text: &str) -> bool {
    sentences(text).any(|sentence| {
        let Some((before, name)) = sentence.rsplit_once(',') else { return false };
        let after_a_name = before.split_whitespace().skip(1).last().is_some_and(is_capitalised);
        is_name(name.trim_end_matches(['.', '?', '!'])) && !after_a_name
    })
}

/// Whether the text opens with one capitalised word and a comma: "Sarah, can you ...".
pub fn opens_with_name(text: &str) -> bool {
    text.split_once(',').is_some_and(|(first, _)| {
        let word = normalise(first);
        is_name(first)
            && backchannel(&word) == 0
            && !OPENERS.contains(&first.trim().to_lowercase().as_str())
    })
}

fn is_name(word: &str) -> bool {
    let word = word.trim();
    let lower = word.to_lowercase();
    is_capitalised(word)
        && word.chars().all(char::is_alphabetic)
        && word != "I"
        && !ASSISTANT.contains(&lower.as_str())
        && !PERSONS.contains(&lower.as_str())
}

fn is_capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '?', '!'])
}

/// Whether the last word belongs to one that is still to come: "the", "and".
pub fn dangles(words: &[String]) -> bool {
    words.last().is_some_and(|last| BEFORE_A_NOUN.contains(&last.as_str()))
}

/// Whether the last word is a small one that often has something behind it. In a question a preposition may be the end:
/// "Who is it for?".
pub fn ends_in_small_word(text: &str, words: &[String]) -> bool {
    let Some(last) = words.last().map(String::as_str) else { return false };
    let asks_for_a_thing = words.iter().any(|word| WH.contains(&word.as_str()));
    let is_question = text.trim_end().ends_with('?');
    let may_end = is_question && (asks_for_a_thing || !PREPOSITIONS.contains(&last));
    UNFINISHED.contains(&last) && !BEFORE_A_NOUN.contains(&last) && !may_end
}

/// Whether the last word is a preposition, and nothing before it asks for what belongs to it.
pub fn ends_in_preposition(words: &[String]) -> bool {
    words.len() > 1
        && words.last().is_some_and(|last| BEFORE_AN_OBJECT.contains(&last.as_str()))
        && !words.iter().any(|word| WH.contains(&word.as_str()))
}

fn last_sentence(text: &str) -> &str {
    sentences(text.trim_end()).last().unwrap_or_default()
}

/// Whether the words end in a phrase whose object is still to come.
pub fn awaits(text: &str, words: &[String]) -> bool {
    !text.trim_end().ends_with('?') && ends_in_any(words, AWAITING)
}

/// Whether the text ends in a comma, a dash or an ellipsis.
pub fn trails_off(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with([',', '-', '\u{2026}']) || text.ends_with("...")
}

/// Whether the text ends in a full stop, a question mark or an exclamation mark.
pub fn has_full_stop(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with(['.', '?', '!']) && !text.ends_with("...")
}

/// How many digits a word is; none if it is another word.
fn digits(word: &str) -> Option<usize> {
    let written = word.chars().filter(char::is_ascii_digit).count();
    let all = written == word.chars().count();
    if all { Some(written) } else { DIGITS.contains(&word).then_some(1) }
}

/// Whether nothing but digits is said.
pub fn are_digits(words: &[String]) -> bool {
    words.iter().all(|word| digits(word).is_some())
}

/// Whether the words end in a row of digits that is shorter than a number said in groups.
pub fn few_digits(text: &str, words: &[String]) -> bool {
    let row = words.iter().rev().map_while(|word| digits(word)).sum();
    (1..WHOLE_NUMBER).contains(&row) && !text.trim_end().ends_with('?')
}

/// Whether the words end in a request for time to think.
pub fn thinks(words: &[String]) -> bool {
    ends_in_any(words, THINKING)
}

/// Whether the user's words open a list, a spelling or a dictation, or those of the assistant ask for one, and nothing
/// has closed it: neither a phrase that does, nor a question behind it.
pub fn gives_list(text: &str, user: &[String], assistant: &[String]) -> bool {
    let last = normalise(last_sentence(text));
    let asks = last.first().is_some_and(|first| ASKING.contains(&first.as_str()))
        || text.trim_end().ends_with('?') && last.len() > 2;
    (says(user, LISTING) || says(assistant, ASKED_FOR)) && !says(user, CLOSING) && !asks
}

/// Whether the user's words say that a number follows, or those of the assistant ask for one.
pub fn gives_number(user: &[String], assistant: &[String]) -> bool {
    says(user, NUMBERING) || says(assistant, NUMBERING)
}

/// Whether the words close a list, or follow what closed it.
pub fn closes_list(words: &[String]) -> bool {
    says(words, CLOSING)
}

/// Whether what the assistant said last invites an answer, though it may be no question.
pub fn invites(said: &str) -> bool {
    says(&normalise(last_sentences(said)), INVITING)
}

/// Whether what the assistant said last is a question.
pub fn is_question(said: &str) -> bool {
    said.trim_end().trim_end_matches(['"', '\u{201d}', ')']).ends_with('?')
}

/// The last two sentences.
pub fn last_sentences(text: &str) -> &str {
    let text = text.trim_end();
    let body = text.trim_end_matches(['.', '?', '!']);
    let ends = body.char_indices().rev().filter(|(_, c)| matches!(c, '.' | '?' | '!'));
    ends.map(|(at, c)| at + c.len_utf8()).nth(1).map_or(text, |from| &text[from..])
}

/// Share of `words`, in thousandths, that stand among `others`. Short words stand everywhere, and do not count.
pub fn shared(words: &[String], others: &[String]) -> i64 {
    let long: Vec<&String> = words.iter().filter(|word| word.len() > 3).collect();
    let counted: Vec<&String> = if long.is_empty() { words.iter().collect() } else { long };
    let both = counted.iter().filter(|word| others.contains(word)).count();
    (both * 1000 / counted.len().max(1)) as i64
}

/// How many words stand in both in the same order: the length of the longest common subsequence.
pub fn in_order(words: &[String], others: &[String]) -> usize {
    // Of each beginning of `others`, with the words so far.
    let mut lengths = vec![0; others.len() + 1];
    for word in words {
        let mut diagonal = 0;
        for (index, other) in others.iter().enumerate() {
            let above = lengths[index + 1];
            lengths[index + 1] =
                if word == other { diagonal + 1 } else { above.max(lengths[index]) };
            diagonal = above;
        }
    }
    lengths[others.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backchannels_are_told_from_an_answer_that_begins_like_one() {
        for text in ["Uh-huh.", "Yes, yes.", "Oh, wow.", "That makes sense.", "I see.", "Really?"] {
            assert_eq!(backchannel(&normalise(text)), 1000, "{text}");
        }
        for text in ["Yeah, but who painted that ceiling?", "Right now I need something else.", ""]
        {
            assert!(backchannel(&normalise(text)) < 400, "{text}");
        }
    }

    #[test]
    fn a_request_to_go_on_is_told_from_a_mere_backchannel() {
        for (text, more) in [("Please go on.", true), ("Yeah, go on.", true), ("I see.", false)] {
            assert_eq!(asks_for_more(&normalise(text)), more, "{text}");
        }
    }

    #[test]
    fn a_command_is_a_verb_with_object_politeness_and_address() {
        for text in [
            "Stop.",
            "Okay, that's enough.",
            "Would you please stop talking?",
            "Could you be quiet now, please?",
            "Thank you, I\u{2019}ve heard enough.",
            "Hold on a second.",
            "Forget that.",
        ] {
            assert_eq!(command(&normalise(text)), 1000, "{text}");
        }
        for text in ["Hold on, how long does that take?", "Forget that, what time is it?"] {
            assert!(command(&normalise(text)) < 700, "{text}");
        }
        for text in ["Okay.", "Thanks.", "Where is it?", ""] {
            assert_eq!(command(&normalise(text)), 0, "{text}");
        }
    }

    #[test]
    fn a_farewell_needs_a_word_of_farewell() {
        assert_eq!(farewell(&normalise("Okay, thank you, bye.")), 1000);
        assert_eq!(farewell(&normalise("Okay, thank you.")), 0);
    }

    #[test]
    fn a_number_may_go_on_until_it_is_whole() {
        for (text, few) in [
            ("My number is five five five,", true),
            ("My number is 5-5-5.", true),
            ("My number is 555.", true),
            ("My number is five five five, zero one two three.", false),
            ("Five dogs.", false),
            ("Two plus two?", false),
        ] {
            assert_eq!(few_digits(text, &normalise(text)), few, "{text}");
        }
    }

    #[test]
    fn who_is_addressed_is_noticed() {
        for text in ["Mum, the soup is boiling.", "Sit down, boy.", "Hey mum, look."] {
            assert!(calls_person(text), "{text}");
        }
        assert!(ends_in_name("Can you close the door, Sarah?"));
        assert!(opens_with_name("Sarah, can you close the door?"));
        assert!(denies(&normalise("No, not you. Put it on the table.")));
        assert!(praises(&normalise("Sit down boy, good dog.")));
        for text in [
            "How long is the train to Paris, France?",
            "I like apples, pears, and plums.",
            "Stop it, Duplex.",
            "Okay, how far is it?",
            "Really, how far is it?",
            "",
        ] {
            assert!(!calls_person(text) && !ends_in_name(text) && !opens_with_name(text), "{text}");
        }
    }

    #[test]
    fn a_sentence_that_may_go_on_is_noticed() {
        let goes_on = |text: &str| {
            let words = normalise(text);
            dangles(&words)
                || ends_in_small_word(text, &words)
                || awaits(text, &words)
                || trails_off(text)
        };
        for text in [
            "I was wondering if you could",
            "The nearest harbour is",
            "the market, because",
            "five five five,",
            "Can you help me with?",
            "What is the name of the?",
            "Let me think. I would like to know.",
        ] {
            assert!(goes_on(text), "{text}");
        }
        for text in ["What is the capital of France?", "What is this for?", "Now you know."] {
            assert!(!goes_on(text), "{text}");
        }
    }

    #[test]
    fn a_preposition_at_the_end_needs_a_question_that_asks_for_what_belongs_to_it() {
        for text in ["Can you help me with?", "I live at"] {
            assert!(ends_in_preposition(&normalise(text)), "{text}");
        }
        for text in ["Who is it for?", "Go on.", "Tell me what it is made of."] {
            assert!(!ends_in_preposition(&normalise(text)), "{text}");
        }
    }

    #[test]
    fn what_invites_an_answer_need_be_no_question() {
        for said in
            ["It is a dog. Just tell me if you want to hear more.", "I could read it again."]
        {
            assert!(invites(said) && !is_question(said), "{said}");
        }
        assert!(is_question("Shall I go on?"));
        // What was said three sentences ago is over.
        assert!(!invites("Let me know. It rains. It snows. It is cold."));
    }

    #[test]
    fn lists_and_numbers_are_opened_by_either_side() {
        let words = |text: &str| normalise(text);
        let list = |user: &str, said: &str| gives_list(user, &words(user), &words(said));
        assert!(list("Take this down: milk.", "") && list("Milk.", "What is on your list?"));
        assert!(!list("Take this down: milk. That is all.", ""));
        assert!(!list("Take this down: milk. What was the first?", ""));
        assert!(awaits("The address is", &words("The address is")));
        assert!(gives_number(&words("Five."), &words("What is your phone number?")));
        assert!(!list("What time is it?", ""));
        assert!(closes_list(&words("And eggs. That is all.")));
    }
}
