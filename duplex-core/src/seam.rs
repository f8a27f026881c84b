//! Where the words of two windows whose audio overlaps are joined.
//!
//! A long segment is cut while the user speaks, maybe within a word. What a recogniser makes of the edges of a window is
//! unsure: the last word of the first window and the first one of the second may be halves. The windows therefore
//! overlap, so that every word is whole in one of them, and their words are joined where both heard the same.

use crate::words;

/// Most words of each side among which the same ones are looked for: as many as fit into the overlap, spoken fast.
const MOST: usize = 8;

/// What a word is worth that both windows heard, and one of more than three letters, which hardly comes twice by chance.
const SAME: i32 = 2;
const TELLING: i32 = 3;

/// What half of a word at the edge of a window is worth.
const HALF: i32 = 1;

/// What a word costs that only one window heard, or that each heard as another.
const OTHER: i32 = -1;

/// Which words of two overlapping windows make up the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seam<'a> {
    /// Words of the first window.
    pub(crate) head: Vec<&'a str>,
    /// How many words of the second one the head has already, or that are halves.
    pub(crate) skip: usize,
}

impl<'a> Seam<'a> {
    /// Joins the words of one window, `before`, to those of the next, `after`.
    pub(crate) fn of(before: &'a str, after: &str) -> Self {
        let mut head: Vec<_> = before.split_whitespace().collect();
        let beginning = head.len().saturating_sub(MOST);
        let first = compared(&head[beginning..]);
        let second = compared(&after.split_whitespace().take(MOST).collect::<Vec<_>>());
        match same(&first, &second).as_slice() {
            [] => {
                // Nothing was said in the overlap, or nothing of it was understood twice.
                trim_end(&mut head, is_cut_mark);
                Self { head, skip: 0 }
            }
            [(at, from)] => {
                head.truncate(beginning + at + 1);
                trim_end(&mut head, |c| c == '.' || is_cut_mark(c));
                Self { head, skip: from + 1 }
            }
            // Each window is surest in its middle.
            several => {
                let (at, from) = several[several.len() / 2];
                head.truncate(beginning + at);
                Self { head, skip: from }
            }
        }
    }

    /// The whole text.
    pub(crate) fn join(before: &str, after: &str) -> String {
        let seam = Seam::of(before, after);
        let rest = after.split_whitespace().skip(seam.skip);
        seam.head.iter().copied().chain(rest).collect::<Vec<_>>().join(" ")
    }
}

/// The words that the end of the first window and the beginning of the second have in common: their places in both.
///
/// It is the best alignment of the two in which the first window's earlier words and the second one's later ones cost
/// nothing (Needleman and Wunsch, with free ends). None where it is no better than chance.
fn same(first: &[String], second: &[String]) -> Vec<(usize, usize)> {
    // `scores[i][j]`: of the first `i` words of the one and the first `j` of the other.
    let mut scores = vec![vec![0; second.len() + 1]; first.len() + 1];
    for j in 1..=second.len() {
        scores[0][j] = scores[0][j - 1] + OTHER;
    }
    let worth = |i: usize, j: usize| {
        let is_cut = i + 1 == first.len() && !first[i].is_empty();
        worth(&first[i], &second[j], is_cut, j == 0)
    };
    for i in 1..=first.len() {
        for j in 1..=second.len() {
            let pair = scores[i - 1][j - 1] + worth(i - 1, j - 1).unwrap_or(OTHER);
            scores[i][j] = pair.max(scores[i - 1][j] + OTHER).max(scores[i][j - 1] + OTHER);
        }
    }
    let last = &scores[first.len()];
    // Of several as good, the one with the fewest words of the second window.
    let Some(mut j) = (0..=second.len()).rev().max_by_key(|&j| last[j]) else { return Vec::new() };
    if last[j] < SAME {
        return Vec::new();
    }
    let (mut i, mut pairs) = (first.len(), Vec::new());
    while i > 0 && j > 0 {
        let worth = worth(i - 1, j - 1);
        if scores[i][j] == scores[i - 1][j - 1] + worth.unwrap_or(OTHER) {
            (i, j) = (i - 1, j - 1);
            if worth.is_some() {
                pairs.push((i, j));
            }
        } else if scores[i][j] == scores[i - 1][j] + OTHER {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs.reverse();
    pairs
}

/// What it is worth that the windows heard these words; none where they are not the same. The first window's last word
/// may be `cut`, and the second one's first word `begun` in its middle.
fn worth(a: &str, b: &str, cut: bool, begun: bool) -> Option<i32> {
    if a == b && !a.is_empty() {
        return Some(if a.chars().count() > 3 { TELLING } else { SAME });
    }
    let is_half = cut && b.starts_with(a) || begun && !b.is_empty() && a.ends_with(b);
    is_half.then_some(HALF)
}

/// Each written word as it is compared.
fn compared(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| words::normalise(word).concat()).collect()
}

/// What a recogniser writes behind speech that breaks off.
fn is_cut_mark(mark: char) -> bool {
    matches!(mark, '-' | '\u{2013}' | '\u{2014}' | '\u{2026}')
}

/// The speech goes on: takes the marks off its last word.
fn trim_end(head: &mut Vec<&str>, is_mark: impl Fn(char) -> bool) {
    let last = head.pop().map(|last| last.trim_end_matches(is_mark));
    head.extend(last.filter(|last| last.chars().any(char::is_alphanumeric)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_both_windows_heard_are_said_once() {
        let joined = Seam::join("we drove along the coast in an", "Coast in an old green van.");
        assert_eq!(joined, "we drove along the coast in an old green van.");
    }

    #[test]
    fn halves_of_words_at_the_edges_are_left_out() {
        let joined = Seam::join("we drove along the coast in a--", "post in an old green van.");
        assert_eq!(joined, "we drove along the coast in an old green van.");
        let joined = Seam::join("and then the gardener opened", "Dinner opened the shed.");
        assert_eq!(joined, "and then the gardener opened the shed.");
    }

    #[test]
    fn words_that_one_window_misheard_do_not_double_the_others() {
        let joined = Seam::join(
            "all the way down to the coast and in old",
            "to the coast in an old green van",
        );
        assert_eq!(joined, "all the way down to the coast in an old green van");
    }

    #[test]
    fn a_single_word_in_the_overlap_is_said_once() {
        assert_eq!(
            Seam::join("it was a holiday.", "Holiday by the sea"),
            "it was a holiday by the sea"
        );
    }

    #[test]
    fn words_without_overlap_follow_each_other() {
        assert_eq!(
            Seam::join("it was on Monday--", "we went home"),
            "it was on Monday we went home"
        );
        assert_eq!(Seam::join("", "we went home"), "we went home");
        assert_eq!(Seam::join("we went home.", "Then it rained."), "we went home. Then it rained.");
        assert_eq!(
            Seam::join("I saw the dog", "and then the cat"),
            "I saw the dog and then the cat"
        );
    }

    #[test]
    fn what_was_said_twice_before_the_cut_stays() {
        let joined = Seam::join("it is very very cold", "very cold outside");
        assert_eq!(joined, "it is very very cold outside");
    }
}
