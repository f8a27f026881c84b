//! Words: errors in what was understood, and whether a transcript contains what was audible.

/// Lower case, without punctuation except apostrophes inside words, split at spaces.
pub fn normalise(text: &str) -> Vec<String> {
    let text: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '\'' || c == '’' { c } else { ' ' })
        .map(|c| if c == '’' { '\'' } else { c })
        .collect();
    let words = text.split_whitespace().map(|word| word.trim_matches('\'').to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// Word error rate: substitutions, deletions and insertions per word of `said`. If nothing was
/// said: zero if nothing was understood, one otherwise.
pub fn error_rate(said: &str, understood: &str) -> f64 {
    let (said, understood) = (normalise(said), normalise(understood));
    if said.is_empty() {
        return if understood.is_empty() { 0.0 } else { 1.0 };
    }
    strsim::generic_levenshtein(&said, &understood) as f64 / said.len() as f64
}

/// The word error rate against the run of successive `lines` that fits best, at most 1: lines carry
/// no times, and an agent may split a turn into several.
pub fn best_error_rate(said: &str, lines: &[&str]) -> f64 {
    let runs = (0..lines.len()).flat_map(|from| (from..lines.len()).map(move |to| (from, to)));
    let rates = runs.map(|(from, to)| error_rate(said, &lines[from..=to].join(" ")));
    rates.fold(1.0, f64::min)
}

/// Two words at least this similar are one word, misrecognised.
const ALIKE: f64 = 0.6;
/// A word that was cut off in its middle may be in the transcript or not.
const MOST_AT_END: usize = 1;
/// Errors per word that recognition alone may cause.
const MOST_ERRORS: f64 = 0.25;

/// How a transcript differs from what was audible.
#[derive(Clone, Debug, PartialEq)]
pub struct Truncation {
    /// Words differing, per word reported.
    pub distance: f64,
    /// The most words at the end of any line that were not heard.
    pub unheard: usize,
    /// The most words heard after any line that are not in it.
    pub unreported: usize,
}

impl Truncation {
    /// Whether recognition alone explains the difference: at most a quarter of the words differ,
    /// and at no line's end more than the one word that may have been cut off in its middle.
    pub fn is_correct(&self) -> bool {
        self.distance <= MOST_ERRORS
            && self.unheard <= MOST_AT_END
            && self.unreported <= MOST_AT_END
    }
}

/// Compares the lines that an agent reports of itself with the words recognised in its track.
///
/// The words are aligned as for the word error rate. A line's end is what follows its last word
/// that was heard, or heard as something similar.
pub fn truncation(reported: &[&str], heard: &str) -> Truncation {
    let lines: Vec<Vec<String>> = reported.iter().map(|line| normalise(line)).collect();
    let words: Vec<(usize, &String)> = lines
        .iter()
        .enumerate()
        .flat_map(|(line, words)| words.iter().map(move |w| (line, w)))
        .collect();
    let heard = normalise(heard);
    let table = costs(&words, &heard);
    let mut unheard = vec![0; lines.len()];
    let mut unreported = vec![0; lines.len()];
    let mut ended = vec![false; lines.len()];
    let (mut i, mut j) = (words.len(), heard.len());
    let mut differing = 0;
    while i > 0 || j > 0 {
        let same = i > 0 && j > 0 && alike(words[i - 1].1, &heard[j - 1]);
        let here = table[i][j];
        if i > 0 && j > 0 && here == table[i - 1][j - 1] + usize::from(!same) {
            differing += usize::from(!same);
            ended[words[i - 1].0] |= same;
            (i, j) = (i - 1, j - 1);
        } else if i > 0 && here == table[i - 1][j] + 1 {
            let line = words[i - 1].0;
            unheard[line] += usize::from(!ended[line]);
            differing += 1;
            i -= 1;
        } else {
            // Heard, and not reported: it belongs behind the word before it.
            if let Some(line) = i.checked_sub(1).map(|i| words[i].0)
                && !ended[line]
            {
                unreported[line] += 1;
            }
            differing += 1;
            j -= 1;
        }
    }
    let most = |counts: Vec<usize>| counts.into_iter().max().unwrap_or(0);
    Truncation {
        distance: differing as f64 / words.len().max(1) as f64,
        unheard: most(unheard),
        unreported: most(unreported),
    }
}

fn alike(a: &str, b: &str) -> bool {
    a == b || strsim::normalized_levenshtein(a, b) >= ALIKE
}

/// Least differences between the first `i` words reported and the first `j` heard.
fn costs(reported: &[(usize, &String)], heard: &[String]) -> Vec<Vec<usize>> {
    let mut table = vec![(0..=heard.len()).collect::<Vec<usize>>()];
    for (i, (_, word)) in reported.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in heard.iter().enumerate() {
            let replaced = table[i][j] + usize::from(!alike(word, other));
            row.push(replaced.min(table[i][j + 1] + 1).min(row[j] + 1));
        }
        table.push(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_punctuation_are_no_errors() {
        assert_eq!(
            error_rate("What's the weather, in London?", "what’s the Weather in london"),
            0.0
        );
        assert_eq!(error_rate("one two three four", "one three four five"), 0.5);
        assert_eq!(error_rate("", "noise"), 1.0);
    }

    #[test]
    fn a_turn_in_two_lines_is_one_turn() {
        let lines = ["yes", "tell me about", "the moon"];
        assert_eq!(best_error_rate("Tell me about the moon.", &lines), 0.0);
        assert_eq!(best_error_rate("Tell me about the moon.", &[]), 1.0);
    }

    #[test]
    fn misheard_words_are_no_wrong_truncation() {
        let found = truncation(
            &["The train on platform four is", "In London it will rain today."],
            "the train on platforms for is in London it'll rain today",
        );
        assert!(found.is_correct(), "{found:?}");
    }

    #[test]
    fn a_word_cut_in_its_middle_may_be_reported_or_not() {
        assert!(truncation(&["The train on platform four"], "the train on platform").is_correct());
        assert!(truncation(&["The train on platform"], "the train on platform four").is_correct());
    }

    #[test]
    fn more_reported_than_heard_is_wrong_and_so_is_less() {
        let reported = ["The train on platform four is delayed by ten minutes.", "It will rain."];
        let found = truncation(&reported, "the train on platform four is it will rain");
        assert_eq!((found.unheard, found.unreported), (4, 0));
        assert!(!found.is_correct());
        let reported = ["The train on platform", "It will rain."];
        let found = truncation(&reported, "the train on platform four is delayed it will rain");
        assert_eq!((found.unheard, found.unreported), (0, 3));
        assert!(!found.is_correct());
    }
}
