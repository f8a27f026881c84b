//! A line of text that is typed.

use ratatui::{style::Style, text::Span};

use super::text::clean;

/// Characters of a typed line at most: more than anybody says at once.
const LONGEST: usize = 2000;

/// The text, before and after the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) before: String,
    pub(super) after: String,
}

impl Input {
    /// Puts in what was typed or pasted, as far as there is room.
    pub(super) fn insert(&mut self, text: &str) {
        let held = self.before.chars().count() + self.after.chars().count();
        let text = clean(text, true);
        self.before.extend(text.chars().take(LONGEST.saturating_sub(held)));
    }

    pub(super) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    pub(super) fn backspace(&mut self) {
        self.before.truncate(last(&self.before));
    }

    pub(super) fn delete(&mut self) {
        self.after.drain(..first(&self.after));
    }

    pub(super) fn left(&mut self) {
        let moved = self.before.split_off(last(&self.before));
        self.after.insert_str(0, &moved);
    }

    pub(super) fn right(&mut self) {
        let moved: String = self.after.drain(..first(&self.after)).collect();
        self.before.push_str(&moved);
    }

    pub(super) fn home(&mut self) {
        self.after.insert_str(0, &std::mem::take(&mut self.before));
    }

    pub(super) fn end(&mut self) {
        self.before.push_str(&std::mem::take(&mut self.after));
    }

    /// Deletes the word before the cursor.
    pub(super) fn delete_word(&mut self) {
        let word = self.before.trim_end();
        let from = word.rfind(' ').map_or(0, |space| space + 1);
        self.before.truncate(from);
    }

    /// Deletes what stands before the cursor.
    pub(super) fn delete_before(&mut self) {
        self.before.clear();
    }

    /// Deletes what stands after the cursor.
    pub(super) fn delete_after(&mut self) {
        self.after.clear();
    }
}

/// The lengths, in bytes, of what a reader takes for characters.
fn lengths(text: &str) -> Vec<usize> {
    Span::raw(text).styled_graphemes(Style::new()).map(|glyph| glyph.symbol.len()).collect()
}

fn first(text: &str) -> usize {
    lengths(text).first().copied().unwrap_or_default()
}

/// Where the last of them begins.
fn last(text: &str) -> usize {
    text.len() - lengths(text).last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Input {
        let mut input = Input::default();
        input.insert(text);
        input
    }

    #[test]
    fn the_cursor_moves_and_deletes_by_what_a_reader_takes_for_characters() {
        let mut input = typed("na\u{308}i");
        input.left();
        input.backspace();
        assert_eq!((&*input.before, &*input.after), ("n", "i"));
        input.delete();
        input.delete();
        input.right();
        assert_eq!(input.text(), "n");
        input.backspace();
        input.backspace();
        assert_eq!(input.text(), "");
    }

    #[test]
    fn a_word_is_deleted_at_once() {
        let mut input = typed("how are you ");
        input.delete_word();
        assert_eq!(input.text(), "how are ");
        input.home();
        input.delete_word();
        assert_eq!(input.text(), "how are ");
        input.end();
        input.delete_before();
        assert_eq!(input.text(), "");
    }

    #[test]
    fn what_is_pasted_is_one_line_without_anything_that_a_terminal_would_obey() {
        assert_eq!(typed("one\ntwo\u{1b}[2J").text(), "one two [2J");
        assert_eq!(typed(&"x".repeat(5000)).text().len(), LONGEST);
    }
}
