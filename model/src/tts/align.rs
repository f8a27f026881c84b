//! Finds where each word ends in the phonemes of a phrase.
//!
//! espeak-ng joins some words ("of the" becomes one) and splits others ("iPhone" becomes two), so spaces cannot be
//! counted. Each word is therefore also transcribed alone. The words' phonemes, with a boundary after each word, are
//! aligned to the phrase's by minimum edit distance. Boundaries are free at spaces and cheap between phonemes.

/// Costs of substituting a phoneme, and of inserting or deleting one.
const SUBSTITUTE: u32 = 4;
const SUBSTITUTE_VOWEL: u32 = 2;
const SKIP: u32 = 3;
/// Cost of a boundary where the phrase has no space, and of a space where the words have no boundary.
const SKIP_SPACE: u32 = 2;

/// An element of the words' sequence.
#[derive(Clone, Copy, PartialEq)]
enum Symbol {
    Phoneme(char),
    Space,
    /// The end of a word.
    Bound,
}

/// For each word, the index in `phrase` after its last phoneme. The indices never decrease or exceed `phrase.len()`,
/// and the last word ends with the phrase.
pub(super) fn word_ends(phrase: &[char], words: &[String]) -> Vec<usize> {
    let heard: Vec<(usize, char)> =
        phrase.iter().copied().enumerate().filter(|&(_, c)| !is_stress(c)).collect();
    let expected: Vec<Symbol> = words
        .iter()
        .flat_map(|word| {
            let phonemes = word.chars().filter(|&c| !is_stress(c)).map(|c| match c {
                ' ' => Symbol::Space,
                c => Symbol::Phoneme(c),
            });
            phonemes.chain([Symbol::Bound])
        })
        .collect();

    let (rows, columns) = (expected.len() + 1, heard.len() + 1);
    let mut cost = vec![0u32; rows * columns];
    let at = |row: usize, column: usize| row * columns + column;
    for row in 0..rows {
        for column in 0..columns {
            let mut least = if row == 0 && column == 0 { 0 } else { u32::MAX };
            if row > 0 {
                least = least.min(cost[at(row - 1, column)] + skip_expected(expected[row - 1]));
            }
            if column > 0 {
                least = least.min(cost[at(row, column - 1)] + skip_heard(heard[column - 1].1));
            }
            if row > 0 && column > 0 {
                let pair = pair(expected[row - 1], heard[column - 1].1);
                least = least.min(cost[at(row - 1, column - 1)].saturating_add(pair));
            }
            cost[at(row, column)] = least;
        }
    }

    let mut ends = Vec::with_capacity(words.len());
    let (mut row, mut column) = (rows - 1, columns - 1);
    while row > 0 {
        let symbol = expected[row - 1];
        let here = cost[at(row, column)];
        let paired = column > 0
            && cost[at(row - 1, column - 1)].saturating_add(pair(symbol, heard[column - 1].1))
                == here;
        if paired {
            column -= 1;
        } else if cost[at(row - 1, column)] + skip_expected(symbol) != here {
            column -= 1;
            continue;
        }
        row -= 1;
        if symbol == Symbol::Bound {
            // After the last phoneme before the boundary, so that a stress mark of the next word is not counted to this
            // word.
            ends.push(column.checked_sub(1).map_or(0, |last| heard[last].0 + 1));
        }
    }
    ends.reverse();
    if let Some(last) = ends.last_mut() {
        *last = phrase.len();
    }
    ends
}

fn skip_expected(symbol: Symbol) -> u32 {
    match symbol {
        Symbol::Phoneme(_) => SKIP,
        Symbol::Space | Symbol::Bound => SKIP_SPACE,
    }
}

fn skip_heard(phoneme: char) -> u32 {
    if phoneme == ' ' { SKIP_SPACE } else { SKIP }
}

fn pair(symbol: Symbol, phoneme: char) -> u32 {
    match (symbol, phoneme) {
        (Symbol::Space | Symbol::Bound, ' ') => 0,
        (Symbol::Space | Symbol::Bound, _) | (Symbol::Phoneme(_), ' ') => u32::MAX,
        (Symbol::Phoneme(expected), heard) if expected == heard => 0,
        (Symbol::Phoneme(expected), heard) if is_vowel(expected) && is_vowel(heard) => {
            SUBSTITUTE_VOWEL
        }
        (Symbol::Phoneme(_), _) => SUBSTITUTE,
    }
}

fn is_stress(phoneme: char) -> bool {
    matches!(phoneme, 'ˈ' | 'ˌ')
}

pub(super) fn is_vowel(phoneme: char) -> bool {
    "aeiouæɐɑɒɔəɘɚɛɜɝɞɨɪɯɵɤʉʊʌyøœᵻ".contains(phoneme)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phrase, cut at the word ends.
    fn cut(phrase: &str, words: &[&str]) -> Vec<String> {
        let chars: Vec<char> = phrase.chars().collect();
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut start = 0;
        word_ends(&chars, &words)
            .into_iter()
            .map(|end| {
                let word: String = chars[start..end].iter().collect();
                start = end;
                word.trim().to_owned()
            })
            .collect()
    }

    #[test]
    fn words_apart_end_at_the_spaces() {
        assert_eq!(cut("həlˈoʊ ðˈɛɹ", &["həlˈoʊ", "ðˈɛɹ"]), ["həlˈoʊ", "ðˈɛɹ"]);
    }

    #[test]
    fn words_that_espeak_joined_are_parted() {
        let parts = cut(
            "ɐ lˈɑːt ʌvðə pˈiːpəl ɪnðə wˈɜːld",
            &["ˈeɪ", "lˈɑːt", "ˈʌv", "ðə", "pˈiːpəl", "ˈɪn", "ðə", "wˈɜːld"],
        );
        assert_eq!(parts, ["ɐ", "lˈɑːt", "ʌv", "ðə", "pˈiːpəl", "ɪn", "ðə", "wˈɜːld"]);
    }

    #[test]
    fn a_word_that_espeak_parted_stays_whole() {
        let parts = cut("maɪ ˈaɪ fˈoʊn ɪz", &["mˈaɪ", "ˈaɪ fˈoʊn", "ˈɪz"]);
        assert_eq!(parts, ["maɪ", "ˈaɪ fˈoʊn", "ɪz"]);
    }

    #[test]
    fn a_word_without_phonemes_ends_where_the_one_before_it_ends() {
        assert_eq!(cut("ɡˈoʊ ˈɑːn", &["ɡˈoʊ", "", "ˈɑːn"]), ["ɡˈoʊ", "", "ˈɑːn"]);
        assert_eq!(cut("", &["", ""]), ["", ""]);
        assert!(cut("ɡˈoʊ", &[]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn ends_rise_and_the_last_is_the_end(
            phrase in "[ aeˈʌvðə]{0,40}",
            words in proptest::collection::vec("[ aeˈʌvðə]{0,6}", 1..8),
        ) {
            let chars: Vec<char> = phrase.chars().collect();
            let ends = word_ends(&chars, &words);
            assert_eq!(ends.len(), words.len());
            assert!(ends.is_sorted());
            assert_eq!(ends.last(), Some(&chars.len()));
        }
    }
}
