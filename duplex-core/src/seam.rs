//! Where the words of two windows whose audio overlaps are joined.
//!
//! A long segment is cut while the user speaks, maybe within a word. What a recogniser makes of the edges of a window is
//! unsure: the last word of the first window and the first one of the second may be halves. The windows therefore
//! overlap, so that every word is whole in one of them, and their words are joined where both heard the same.

use crate::words;

/// Most words of each side among which the same ones are looked for: as many as fit into the overlap, spoken fast.
const MOST: usize = 8;

/// Most words of each side that are left out at its edge: a halved one, and one that it was made of.
const EDGE: usize = 2;

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
        let first = normalised(&head);
        let second = normalised(&after.split_whitespace().take(MOST).collect::<Vec<_>>());
        let Some(Run { end, from, length }) = same(&first, &second) else {
            // Nothing was said in the overlap, or nothing of it was understood twice.
            trim_end(&mut head, is_cut_mark);
            return Self { head, skip: 0 };
        };
        // The first of the same words is written as the words before it go on, the last one as those behind it do.
        let own = if length > 1 { 1 } else { 0 };
        head.truncate(end - own);
        if own == 0 {
            trim_end(&mut head, |c| c == '.' || is_cut_mark(c));
        }
        Self { head, skip: from + length - own }
    }

    /// The whole text.
    pub(crate) fn join(before: &str, after: &str) -> String {
        let seam = Seam::of(before, after);
        let rest = after.split_whitespace().skip(seam.skip);
        seam.head.iter().copied().chain(rest).collect::<Vec<_>>().join(" ")
    }
}

/// The same words on both sides.
struct Run {
    /// Behind the last of them, in the first window.
    end: usize,
    /// The first of them, in the second window.
    from: usize,
    length: usize,
}

/// The longest run of words that ends the first window and begins the second, but for what the edges did to them.
fn same(first: &[Vec<String>], second: &[Vec<String>]) -> Option<Run> {
    let mut best: Option<(Run, (usize, usize))> = None;
    for lost in 0..=EDGE.min(first.len()) {
        let end = first.len() - lost;
        for from in 0..=EDGE.min(second.len()) {
            // A run of each length that ends at `end` and begins at `from`.
            for length in 1..=MOST.min(end).min(second.len() - from) {
                let (a, b) = (&first[end - length..end], &second[from..from + length]);
                if !are_same(a, b, lost == 0, from == 0) || !is_telling(a, lost + from) {
                    continue;
                }
                let rank = (length, 2 * EDGE - lost - from);
                if best.as_ref().is_none_or(|(_, other)| rank > *other) {
                    best = Some((Run { end, from, length }, rank));
                }
            }
        }
    }
    best.map(|(run, _)| run)
}

/// Whether both heard the same. Of several words, the first window's last one may be `cut`, and so may the second
/// window's first one: `begun` within it.
fn are_same(a: &[Vec<String>], b: &[Vec<String>], cut: bool, begun: bool) -> bool {
    let last = a.len() - 1;
    a.iter().zip(b).enumerate().all(|(at, (a, b))| {
        let (a_text, b_text) = (a.concat(), b.concat());
        let is_cut = cut && at == last && at > 0 && !a.is_empty() && b_text.starts_with(&a_text);
        let is_begun = begun && at == 0 && at < last && !b.is_empty() && a_text.ends_with(&b_text);
        a == b || is_cut || is_begun
    })
}

/// Whether the same words are no chance: a short word may well come twice.
fn is_telling(words: &[Vec<String>], left_out: usize) -> bool {
    match words {
        [word] => !word.is_empty() && (left_out == 0 || word.concat().chars().count() > 3),
        words => words.iter().any(|word| !word.is_empty()),
    }
}

/// Each written word as it is compared.
fn normalised(words: &[&str]) -> Vec<Vec<String>> {
    words.iter().map(|word| words::normalise(word)).collect()
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
