//! The final lines of a call, and the part of them that is in view.

use std::collections::VecDeque;

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

use super::{
    look::Look,
    text::{Wrapped, width},
};
use crate::view::{Said, Who, clock, name};

/// Lines that are kept: those of some hours.
const KEPT: usize = 10_000;
/// Columns from which on a line begins with its moment.
const WIDE: usize = 60;
/// Columns from which on a line's words stand apart from who said them.
const NARROW: usize = 24;

/// A final line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) said: Said,
    pub(super) is_warning: bool,
}

/// Rows and columns in which the lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The lines, and how far the view is scrolled.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    entries: VecDeque<Entry>,
    /// The last row in view; none where the newest is.
    last: Option<Place>,
}

/// A row of a line, counted from its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    entry: usize,
    row: usize,
}

/// A movement of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scroll {
    Up(usize),
    Down(usize),
    First,
    Newest,
}

impl Transcript {
    pub(super) fn push(&mut self, entry: Entry) {
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
            if let Some(last) = &mut self.last {
                last.entry = last.entry.saturating_sub(1);
            }
        }
        self.entries.push_back(entry);
    }

    /// Lines below those in view.
    pub(super) fn below(&self) -> usize {
        self.last.map_or(0, |last| self.entries.len().saturating_sub(last.entry + 1))
    }

    /// Whether the view was scrolled away from the newest line.
    pub(super) fn is_scrolled(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn scroll(&mut self, scroll: Scroll, window: Window, look: Look) {
        let Some(newest) = self.newest(window, look) else { return };
        let at = self.last.map_or(newest, |last| self.within(last, window, look));
        let moved = match scroll {
            Scroll::Up(rows) => self.before(at, rows, window, look),
            Scroll::Down(rows) => self.after(at, rows, window, look),
            Scroll::First => Place { entry: 0, row: 0 },
            Scroll::Newest => newest,
        };
        // The view is full, where there are as many rows.
        let first =
            self.after(Place { entry: 0, row: 0 }, window.rows.saturating_sub(1), window, look);
        let moved = moved.max(first);
        self.last = (moved < newest).then_some(moved);
    }

    /// The rows in view, the newest last: no more than there is room for.
    pub(super) fn view(&self, window: Window, look: Look) -> Vec<Line<'static>> {
        let mut rows = Vec::new();
        let Some(newest) = self.newest(window, look) else { return rows };
        let last = self.last.map_or(newest, |last| self.within(last, window, look));
        for entry in (0..=last.entry).rev() {
            let lines = lines(&self.entries[entry], window.columns, look);
            let shown = if entry == last.entry { last.row + 1 } else { lines.len() };
            for line in lines.into_iter().take(shown).rev() {
                if rows.len() == window.rows {
                    rows.reverse();
                    return rows;
                }
                rows.push(line);
            }
        }
        rows.reverse();
        rows
    }

    fn rows(&self, entry: usize, window: Window, look: Look) -> usize {
        lines(&self.entries[entry], window.columns, look).len().max(1)
    }

    fn newest(&self, window: Window, look: Look) -> Option<Place> {
        let entry = self.entries.len().checked_sub(1)?;
        Some(Place { entry, row: self.rows(entry, window, look) - 1 })
    }

    /// A place that there is, where lines were broken otherwise when it was taken.
    fn within(&self, place: Place, window: Window, look: Look) -> Place {
        let entry = place.entry.min(self.entries.len().saturating_sub(1));
        Place { entry, row: place.row.min(self.rows(entry, window, look) - 1) }
    }

    fn before(&self, mut at: Place, mut rows: usize, window: Window, look: Look) -> Place {
        while rows > at.row {
            let Some(entry) = at.entry.checked_sub(1) else { return Place { entry: 0, row: 0 } };
            rows -= at.row + 1;
            at = Place { entry, row: self.rows(entry, window, look) - 1 };
        }
        Place { row: at.row - rows, ..at }
    }

    fn after(&self, mut at: Place, mut rows: usize, window: Window, look: Look) -> Place {
        loop {
            let left = self.rows(at.entry, window, look) - 1 - at.row;
            if rows <= left || at.entry + 1 == self.entries.len() {
                return Place { row: at.row + rows.min(left), ..at };
            }
            rows -= left + 1;
            at = Place { entry: at.entry + 1, row: 0 };
        }
    }
}

/// Words in rows, below each other, after who said them.
pub(super) struct Labelled {
    /// None where there is no room for a column of its own: it is part of the words then.
    label: Option<Line<'static>>,
    /// What of the words is the label.
    inline: String,
    indent: usize,
    wrapped: Wrapped,
}

impl Labelled {
    pub(super) fn new(
        at_ms: Option<u64>,
        who: Who,
        words: &[(String, Style)],
        columns: usize,
        look: Look,
    ) -> Self {
        let mut label = match columns {
            WIDE.. => {
                let at = at_ms.map(clock).unwrap_or_default();
                let who = (format!("{:>7} ", who.name()), look.who(who));
                vec![(format!("{at:>7} "), look.dim()), who]
            }
            NARROW.. => vec![(format!("{:<7}", who.name()), look.who(who))],
            _ if who == Who::Note => Vec::new(),
            _ => vec![(format!("{} ", who.name()), look.who(who))],
        };
        let indent: usize = label.iter().map(|(text, _)| width(text)).sum();
        if columns < NARROW {
            let inline = label.iter().map(|(text, _)| text.as_str()).collect();
            label.extend_from_slice(words);
            let wrapped = Wrapped::new(&label, columns);
            return Self { label: None, inline, indent: 0, wrapped };
        }
        let spans = label.into_iter().map(|(text, style)| Span::styled(text, style));
        let wrapped = Wrapped::new(words, columns.saturating_sub(indent));
        Self { label: Some(spans.collect()), inline: String::new(), indent, wrapped }
    }

    pub(super) fn rows(&self) -> usize {
        self.wrapped.rows()
    }

    /// The row in which that part of the words ends with which they begin.
    pub(super) fn row_after(&self, words: &str) -> usize {
        self.wrapped.row_after(&format!("{}{words}", self.inline))
    }

    /// The rows from this one on. The label stands in the first of them.
    pub(super) fn lines(&self, from: usize) -> Vec<Line<'static>> {
        let line = |row: usize| {
            let mut line = match &self.label {
                Some(label) if row == from => label.clone(),
                _ => Line::from(" ".repeat(self.indent)),
            };
            line.extend(self.wrapped.line(row));
            line
        };
        (from..self.rows()).map(line).collect()
    }
}

/// An entry in rows.
fn lines(entry: &Entry, columns: usize, look: Look) -> Vec<Line<'static>> {
    let Entry { said, is_warning } = entry;
    let mut words = Vec::new();
    match (said.who, is_warning) {
        (Who::Note, true) => {
            let warned = look.ink(Color::Yellow);
            words.push(("! ".to_owned(), warned.add_modifier(Modifier::BOLD)));
            words.push((look.clean(&said.text), warned));
        }
        (Who::Note, false) => words.push((look.clean(&said.text), look.dim())),
        (Who::User | Who::Assistant, _) => words.push((look.clean(&said.text), Style::new())),
    }
    if let Some((unheard, why)) = &said.cut {
        let unheard = unheard.trim();
        if !unheard.is_empty() {
            let space = if said.text.is_empty() { "" } else { " " };
            words.push((space.to_owned(), Style::new()));
            words.extend(look.unheard(unheard));
        }
        words.push((format!(" (cut: {})", name(*why)), look.dim()));
    }
    Labelled::new(Some(said.at_ms), said.who, &words, columns, look).lines(0)
}

#[cfg(test)]
mod tests {
    use duplex_core::Why;

    use super::*;

    const LOOK: Look = Look { colour: true, unicode: true };

    fn entry(text: &str) -> Entry {
        let said = Said { at_ms: 1500, who: Who::User, text: text.to_owned(), cut: None };
        Entry { said, is_warning: false }
    }

    fn numbered(count: usize) -> Transcript {
        let mut transcript = Transcript::default();
        (0..count).for_each(|number| transcript.push(entry(&format!("{number} and more"))));
        transcript
    }

    fn shown(transcript: &Transcript, window: Window) -> Vec<String> {
        transcript
            .view(window, LOOK)
            .iter()
            .map(|line| line.to_string().trim().to_owned())
            .collect()
    }

    const SMALL: Window = Window { columns: 30, rows: 3 };

    #[test]
    fn the_newest_lines_are_in_view_until_somebody_scrolls() {
        let mut transcript = numbered(5);
        assert_eq!(shown(&transcript, SMALL)[2], "you    4 and more");
        transcript.scroll(Scroll::Up(1), SMALL, LOOK);
        transcript.push(entry("new"));
        assert_eq!(shown(&transcript, SMALL)[2], "you    3 and more");
        assert_eq!(transcript.below(), 2);
        transcript.scroll(Scroll::Newest, SMALL, LOOK);
        assert_eq!(shown(&transcript, SMALL)[2], "you    new");
        assert!(!transcript.is_scrolled());
    }

    #[test]
    fn the_view_stays_full_at_the_first_line() {
        let mut transcript = numbered(5);
        for scroll in [Scroll::First, Scroll::Up(100)] {
            transcript.scroll(scroll, SMALL, LOOK);
            assert_eq!(shown(&transcript, SMALL)[0], "you    0 and more");
            assert_eq!(shown(&transcript, SMALL).len(), 3);
        }
        transcript.scroll(Scroll::Down(1), SMALL, LOOK);
        assert_eq!(shown(&transcript, SMALL)[0], "you    1 and more");
        transcript.scroll(Scroll::Down(100), SMALL, LOOK);
        assert!(!transcript.is_scrolled());
    }

    #[test]
    fn there_is_nothing_to_scroll_where_all_is_in_view() {
        let mut transcript = numbered(2);
        transcript.scroll(Scroll::Up(1), SMALL, LOOK);
        assert!(!transcript.is_scrolled());
        Transcript::default().scroll(Scroll::First, SMALL, LOOK);
    }

    #[test]
    fn a_long_line_is_scrolled_row_by_row() {
        let mut transcript = Transcript::default();
        transcript.push(entry("one two three four five six seven eight nine ten eleven twelve"));
        let window = Window { columns: 30, rows: 1 };
        transcript.scroll(Scroll::Up(1), window, LOOK);
        assert_eq!(shown(&transcript, window), ["six seven eight nine"]);
        // A wider window has fewer rows.
        assert_eq!(shown(&transcript, Window { columns: 200, rows: 1 }).len(), 1);
    }

    #[test]
    fn what_nobody_heard_is_struck_through_or_marked() {
        let mut cut = entry("It is");
        cut.said.cut = Some((" sunny.".to_owned(), Why::StopCommand));
        let struck = &lines(&cut, 80, LOOK)[0];
        let unheard = struck.iter().find(|span| span.content == "sunny.").unwrap();
        assert!(unheard.style.add_modifier.contains(Modifier::CROSSED_OUT));
        let plain = Look { colour: false, unicode: false };
        let marked = lines(&cut, 80, plain)[0].to_string();
        assert_eq!(marked, "00:01.5     you It is ~~sunny.~~ (cut: stop command)");
    }

    #[test]
    fn only_so_many_lines_are_kept() {
        let mut transcript = numbered(KEPT + 3);
        transcript.scroll(Scroll::First, SMALL, LOOK);
        assert_eq!(shown(&transcript, SMALL)[0], "you    3 and more");
    }
}
