//! Phonemes as people write them, in the form in which espeak-ng writes them, and for espeak-ng to speak.

use crate::tts::align::is_vowel;

/// The phonemes of a transcription in the International Phonetic Alphabet.
///
/// # Errors
/// The first character that is none.
pub(super) fn parse(transcription: &str) -> Result<String, char> {
    let mut phonemes = String::new();
    for c in transcription.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            // What a keyboard has for it.
            '\'' => phonemes.push('ˈ'),
            ':' => phonemes.push('ː'),
            'g' => phonemes.push('ɡ'),
            // The r of a broad transcription is the language's own; espeak-ng's English has this one.
            'r' => phonemes.push('ɹ'),
            'ɝ' => phonemes.push_str("ɜː"),
            'ʧ' => phonemes.push_str("tʃ"),
            'ʤ' => phonemes.push_str("dʒ"),
            // Ties, the borders of syllables, and the brackets of sounds that may be left out.
            '\u{35c}' | '\u{361}' | '‿' | '.' | '(' | ')' => {}
            ' ' | 'a'..='z' | 'ˈ' | 'ˌ' | 'ː' | 'ˑ' | 'ʰ' | 'ʲ' | 'ˠ' | 'ˤ' => {
                phonemes.push(c)
            }
            '\u{250}'..='\u{2af}' | '\u{300}'..='\u{36f}' => phonemes.push(c),
            'æ' | 'ç' | 'ð' | 'ø' | 'ħ' | 'ŋ' | 'œ' | 'β' | 'θ' | 'χ' | 'ᵻ' => {
                phonemes.push(c)
            }
            other => return Err(other),
        }
    }
    Ok(stressed(&phonemes))
}

/// The phonemes with each mark of stress right before its vowel, where espeak-ng has it: people put it before the
/// syllable. A voice that has learnt the one stumbles over the other.
fn stressed(phonemes: &str) -> String {
    let mut moved = String::with_capacity(phonemes.len());
    let mut stress = None;
    for c in phonemes.chars() {
        match c {
            'ˈ' | 'ˌ' => stress = Some(c),
            c if is_vowel(c) => {
                moved.extend(stress.take());
                moved.push(c);
            }
            c => moved.push(c),
        }
    }
    moved
}

/// How many sounds have a letter: all but marks of stress and length.
pub(in crate::tts) fn letters(phonemes: &str) -> usize {
    let is_letter = |c: &char| c.is_alphabetic() && !('\u{2b0}'..='\u{2ff}').contains(c);
    phonemes.chars().filter(is_letter).count()
}

/// The phonemes with the English `'s` after them.
pub(super) fn with_possessive(phonemes: &str) -> String {
    let ending = match phonemes.chars().rfind(|c| !matches!(c, 'ː' | 'ˑ' | '\u{300}'..='\u{36f}'))
    {
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ɕ' | 'ʑ' | 'ʂ' | 'ʐ') => "ᵻz",
        Some('p' | 't' | 'k' | 'f' | 'θ' | 'x' | 'χ' | 'ç' | 'q' | 'c' | 'ʔ') => "s",
        _ => "z",
    };
    format!("{phonemes}{ending}")
}
