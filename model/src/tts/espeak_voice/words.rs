//! The words of a clause, as espeak-ng is given them.

use crate::tts::normalise::Stop;
use crate::tts::pronunciation::{Reading, is_unparted};

use super::mnemonics::mnemonics;

/// A word of the clause, or several characters of a script that does not part words.
#[derive(Debug, PartialEq)]
pub(super) struct Word {
    /// What espeak-ng is given: without commands and without line ends.
    pub(super) text: String,
    /// The ends in the clause of what gets a mark, with the characters of each.
    pub(super) units: Vec<Unit>,
}

/// What gets a mark: its characters, and where it ends in the clause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) characters: usize,
    pub(super) end: usize,
}

/// The words of a clause. The last ends with the clause.
pub(super) fn words(reading: &Reading<'_>) -> Vec<Word> {
    let clause = reading.text();
    let mut given = reading.phonemes().peekable();
    let mut words: Vec<Word> = Vec::new();
    // Whether the next character begins a word.
    let mut apart = true;
    for (at, c) in clause.char_indices() {
        given.next_if(|(range, _)| range.end <= at);
        if let Some((range, phonemes)) = given.peek().filter(|(range, _)| range.contains(&at)) {
            if at == range.start {
                let characters = phonemes.chars().count();
                let unit = Unit { characters, end: range.end };
                // Between spaces: espeak-ng takes them for phonemes nowhere else.
                let text = format!("[[{}]]", mnemonics(phonemes).unwrap_or_default());
                words.push(Word { text, units: vec![unit] });
                apart = true;
            }
            continue;
        }
        if is_unspoken(c) {
            apart = true;
            continue;
        }
        // Two square brackets begin phonemes.
        let c = match c {
            '[' => '(',
            ']' => ')',
            c => c,
        };
        if apart {
            words.push(Word { text: String::new(), units: Vec::new() });
        }
        let Some(word) = words.last_mut() else { continue };
        word.text.push(c);
        let end = at + c.len_utf8();
        match word.units.last_mut() {
            Some(unit) if !is_unparted(c) => {
                unit.characters += 1;
                unit.end = end;
            }
            _ => word.units.push(Unit { characters: 1, end }),
        }
        apart = "。、，！？；：".contains(c);
    }
    // What has only punctuation belongs to the word before it.
    let mut sounding: Vec<Word> = Vec::new();
    for word in words {
        if word.text.contains(char::is_alphanumeric) {
            sounding.push(word);
        } else if let Some(last) = sounding.last_mut() {
            last.text.push(' ');
            last.text.push_str(&word.text);
        }
    }
    if let Some(unit) = sounding.last_mut().and_then(|word| word.units.last_mut()) {
        unit.end = clause.len();
    }
    sounding
}

/// Whether a character parts words and is not read aloud: spaces, control characters, of which espeak-ng takes some for
/// commands, and pictures, whose names nobody wants to hear.
fn is_unspoken(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}' | '\u{1f000}'..='\u{1faff}' | '\u{e0000}'..='\u{10ffff}')
}

/// What espeak-ng is given: each word behind a command (control-A, a number, A) that sets its loudness.
pub(super) fn script(words: &[Word], steps: &[u16]) -> String {
    let word = |(word, step): (&Word, &u16)| format!("\u{1}{step}A{}", word.text);
    words.iter().zip(steps.iter().cycle()).map(word).collect::<Vec<_>>().join(" ") + "\n"
}

/// The stop at the end of a clause.
pub(super) fn stop(clause: &str) -> Option<Stop> {
    let end = |c: char| c.is_whitespace() || "\"'”’»)]」』".contains(c);
    match clause.trim_end_matches(end).chars().last()? {
        ',' | '،' | '、' | '，' => Some(Stop::Comma),
        ':' | '：' => Some(Stop::Colon),
        ';' | '；' | '؛' => Some(Stop::Semicolon),
        '.' | '。' | '…' | '।' | '．' => Some(Stop::Period),
        '!' | '！' => Some(Stop::Exclamation),
        '?' | '？' | '؟' => Some(Stop::Question),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(clause: &str) -> Vec<String> {
        words(&clause.into()).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_hold_nothing_that_espeak_takes_for_a_command() {
        assert_eq!(texts("a\u{1}9A b\0c [[x]] 👋 d"), ["a", "9A", "b", "c", "((x))", "d"]);
        assert_eq!(texts("- Oh , no !"), ["Oh ,", "no !"]);
        assert_eq!(texts("你好，今天。"), ["你好，", "今天。"]);
        assert_eq!(
            words(&"你好，今天。".into()).iter().map(|word| word.units.len()).sum::<usize>(),
            4
        );
    }

    #[test]
    fn stops_of_other_scripts_count() {
        assert_eq!(stop("「はい。」"), Some(Stop::Period));
        assert_eq!(stop("كيف حالك؟"), Some(Stop::Question));
        assert_eq!(stop("well,\n"), Some(Stop::Comma));
        assert_eq!(stop("so"), None);
    }
}
