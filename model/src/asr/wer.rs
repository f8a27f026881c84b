//! Word error rate.

/// Distance of a transcript from the reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Minimum number of word substitutions, insertions and deletions that turn the reference into the hypothesis.
    pub errors: usize,
    /// Number of words in the reference.
    pub words: usize,
}

impl WordErrors {
    /// Word error rate: errors per word of the reference; above 1 if there are more errors than reference words.
    /// Without reference words, 0 if there are no errors, else infinite.
    pub fn rate(self) -> f64 {
        if self.errors == 0 { 0.0 } else { self.errors as f64 / self.words as f64 }
    }
}

impl std::iter::Sum for WordErrors {
    fn sum<I: Iterator<Item = Self>>(each: I) -> Self {
        each.fold(Self::default(), |sum, one| Self {
            errors: sum.errors + one.errors,
            words: sum.words + one.words,
        })
    }
}

/// Word errors of `hypothesis` against `reference`: the Levenshtein distance over words. Case and punctuation are
/// ignored; digits and spellings are not: "5" for "five" is an error.
pub fn wer(reference: &str, hypothesis: &str) -> WordErrors {
    let (reference, hypothesis) = (plain_words(reference), plain_words(hypothesis));
    // row[j]: distance between the reference so far and the first j words of the hypothesis.
    let mut row: Vec<usize> = (0..=hypothesis.len()).collect();
    for (i, word) in reference.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in hypothesis.iter().enumerate() {
            let substituted = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    WordErrors { errors: row[hypothesis.len()], words: reference.len() }
}

/// Lower-case words of letters, digits and apostrophes; everything else separates words.
pub fn plain_words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace('’', "'")
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn errors(reference: &str, hypothesis: &str) -> (usize, usize) {
        let WordErrors { errors, words } = wer(reference, hypothesis);
        (errors, words)
    }

    #[test]
    fn case_and_punctuation_are_no_errors() {
        assert_eq!(errors("Wait, what's that?", "wait what’s 'that'"), (0, 3));
    }

    #[test]
    fn substitutions_deletions_and_insertions_count_one_each() {
        assert_eq!(errors("the cat sat", "the dog sat"), (1, 3));
        assert_eq!(errors("the cat sat", "the sat"), (1, 3));
        assert_eq!(errors("the cat sat", "the big cat sat"), (1, 3));
        assert_eq!(errors("the cat sat", ""), (3, 3));
    }

    #[test]
    fn invention_without_a_reference_is_an_infinite_rate() {
        assert_eq!(wer("", "").rate(), 0.0);
        assert_eq!(wer("", "thank you").rate(), f64::INFINITY);
    }

    #[test]
    fn a_sum_weighs_each_clip_by_its_words() {
        let sum: WordErrors = [wer("a b c", "a b c"), wer("d", "e")].into_iter().sum();
        assert_eq!(sum.rate(), 0.25);
    }

    proptest! {
        #[test]
        fn the_distance_is_symmetric_and_bounded(a in "([ab] ){0,6}", b in "([ab] ){0,6}") {
            let (there, back) = (wer(&a, &b), wer(&b, &a));
            prop_assert_eq!(there.errors, back.errors);
            prop_assert!(there.errors <= there.words.max(back.words));
            prop_assert!(there.errors >= there.words.abs_diff(back.words));
        }
    }
}
