//! Assembles words from the model's tokens.

use std::time::Duration;

use super::protocol::Token;

/// The transcript of one window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hypothesis {
    /// The words, trimmed, with the model's case and punctuation; empty if nothing was said.
    pub text: String,
    /// The same text, word by word.
    pub words: Vec<Word>,
    /// Why audible sound, or the whole window, gave no words.
    pub non_speech: Option<NonSpeech>,
    /// The model's no-speech probability, from 0 to 1.
    pub no_speech: f32,
    /// Mean natural logarithm of the tokens' probabilities; 0 is certainty.
    pub mean_logprob: f32,
    /// Wall time spent in whisper.cpp.
    pub compute: Duration,
    /// CPU time of all its threads.
    pub cpu: Duration,
}

/// A word and the model's confidence in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word with the punctuation attached to it, without spaces.
    pub text: String,
    /// Mean probability of its tokens, from 0 to 1.
    pub probability: f32,
}

/// Why a window, or a part of it, has no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonSpeech {
    /// Too quiet for speech, or the model returned no text.
    Silence,
    /// The model annotated a sound, such as `(coughing)` or `[BLANK_AUDIO]`.
    Sound,
    /// The words were rejected: their log probability is very low, or it is low and the no-speech probability high.
    Doubtful,
    /// The model repeated itself; the repetitions are removed.
    Loop,
}

/// Joins tokens to words: a word starts at a token that begins with a space.
pub(super) fn words(tokens: &[Token]) -> Vec<Word> {
    let mut words: Vec<(Vec<u8>, f32, u32)> = Vec::new();
    for token in tokens {
        match words.last_mut() {
            Some((bytes, probability, count)) if !token.text.starts_with(b" ") => {
                bytes.extend_from_slice(&token.text);
                *probability += token.probability;
                *count += 1;
            }
            _ => words.push((token.text.clone(), token.probability, 1)),
        }
    }
    // A character that the token limit cut becomes U+FFFD.
    words
        .into_iter()
        .map(|(bytes, probability, count)| Word {
            text: String::from_utf8_lossy(&bytes).trim().to_owned(),
            probability: probability / count as f32,
        })
        .filter(|word| !word.text.is_empty())
        .collect()
}

/// Removes what is not a word: annotations in brackets or asterisks, music notes, lone punctuation. Returns whether
/// there was an annotation.
pub(super) fn remove_annotations(words: &mut Vec<Word>) -> bool {
    let mut closing: Option<char> = None;
    let mut found = false;
    words.retain(|word| {
        if closing.is_none() {
            closing = word.text.chars().next().and_then(closing_mark);
            // A lone opening mark does not close itself.
            if closing.is_some() && word.text.chars().count() == 1 {
                found = true;
                return false;
            }
        }
        let Some(mark) = closing else {
            return word.text.chars().any(char::is_alphanumeric);
        };
        found = true;
        if word.text.trim_end_matches(|c: char| c != mark && !c.is_alphanumeric()).ends_with(mark) {
            closing = None;
        }
        false
    });
    found
}

fn closing_mark(opening: char) -> Option<char> {
    Some(match opening {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '*' => '*',
        '♪' | '♫' => opening,
        _ => return None,
    })
}

/// The words on one line.
pub(super) fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, probability: f32) -> Token {
        Token { text: text.into(), probability }
    }

    fn without_annotations(said: &str) -> (String, bool) {
        let mut words = said
            .split_whitespace()
            .map(|text| Word { text: text.into(), probability: 1.0 })
            .collect();
        let found = remove_annotations(&mut words);
        (text(&words), found)
    }

    #[test]
    fn tokens_join_to_words_with_their_punctuation_and_mean_probability() {
        let words = words(&[
            token(" Mum", 0.5),
            token(",", 1.0),
            token(" I", 0.9),
            token("'ll", 0.7),
            token(" ", 0.1),
        ]);
        assert_eq!(text(&words), "Mum, I'll");
        assert_eq!(words[0].probability, 0.75);
    }

    #[test]
    fn a_character_that_spans_tokens_is_whole() {
        let tokens = [
            Token { text: vec![b' ', 0xc3], probability: 1.0 },
            Token { text: vec![0xa9], probability: 1.0 },
        ];
        assert_eq!(text(&words(&tokens)), "é");
    }

    #[test]
    fn sounds_in_brackets_are_no_words() {
        for sound in [
            "[BLANK_AUDIO]",
            "(coughing)",
            "(dog barks).",
            "*sighs deeply*",
            "♪ la la ♪",
            "( )",
            "[music",
        ] {
            assert_eq!(without_annotations(sound), (String::new(), true), "{sound}");
        }
        assert_eq!(
            without_annotations("(coughs) Hello there. [MUSIC PLAYING]"),
            ("Hello there.".into(), true)
        );
    }

    #[test]
    fn lone_punctuation_is_no_word_and_no_sound() {
        assert_eq!(without_annotations("... - ."), (String::new(), false));
        assert_eq!(without_annotations("Well - no."), ("Well no.".into(), false));
    }
}
