//! Text on its way to the terminal: nothing in it but what can be shown, and no wider than there is room.

use std::ops::Range;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// The text with nothing in it that a terminal would obey, and, where `unicode` is not, nothing but ASCII.
///
/// A control character becomes a space. Gone are characters that turn the direction of what follows, that hide, and
/// those on whose width terminals do not agree.
pub(super) fn clean(text: &str, unicode: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' '..='~' => clean.push(character),
            character if is_hidden(character) => {}
            // It joins pictures to one, whose width depends on the terminal; in scripts it shapes letters.
            '\u{200d}' if characters.peek().is_some_and(|&next| next >= '\u{2190}') => {}
            '\u{200c}' | '\u{200d}' if unicode => clean.push(character),
            character if character.is_control() || character.is_whitespace() => clean.push(' '),
            character if unicode => clean.push(character),
            character => clean.push_str(ascii(character)),
        }
    }
    clean
}

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1f3fb}'..='\u{1f3ff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What stands for a character where there is only ASCII.
fn ascii(character: char) -> &'static str {
    match character {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\u{2022}' | '\u{b7}' | '\u{d7}' => "*",
        '\u{b0}' => " deg",
        '\u{20ac}' => "EUR",
        '\u{a3}' => "GBP",
        '\u{c0}'..='\u{c3}' | '\u{c5}' => "A",
        '\u{c4}' | '\u{c6}' => "Ae",
        '\u{c7}' => "C",
        '\u{c8}'..='\u{cb}' => "E",
        '\u{cc}'..='\u{cf}' => "I",
        '\u{d1}' => "N",
        '\u{d2}'..='\u{d5}' | '\u{d8}' => "O",
        '\u{d6}' | '\u{152}' => "Oe",
        '\u{d9}'..='\u{db}' => "U",
        '\u{dc}' => "Ue",
        '\u{dd}' => "Y",
        '\u{df}' => "ss",
        '\u{e0}'..='\u{e3}' | '\u{e5}' => "a",
        '\u{e4}' | '\u{e6}' => "ae",
        '\u{e7}' => "c",
        '\u{e8}'..='\u{eb}' => "e",
        '\u{ec}'..='\u{ef}' => "i",
        '\u{f1}' => "n",
        '\u{f2}'..='\u{f5}' | '\u{f8}' => "o",
        '\u{f6}' | '\u{153}' => "oe",
        '\u{f9}'..='\u{fb}' => "u",
        '\u{fc}' => "ue",
        '\u{fd}' | '\u{ff}' => "y",
        _ => "?",
    }
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// The text in at most so many columns: where it is longer, with a sign that something is left out.
pub(super) fn shorten(text: &str, room: usize, unicode: bool) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let sign = if unicode { "\u{2026}" } else { "~" };
    let mut short = String::new();
    let mut columns = 0;
    for glyph in glyphs(&[(text.to_owned(), Style::new())]) {
        if columns + glyph.width >= room {
            break;
        }
        columns += glyph.width;
        short.push_str(&glyph.symbol);
    }
    if room > 0 {
        short.push_str(sign);
    }
    short
}

/// What a reader takes for one character.
#[derive(Clone, Debug)]
struct Glyph {
    symbol: String,
    width: usize,
    style: Style,
}

fn glyphs(spans: &[(String, Style)]) -> Vec<Glyph> {
    let of_span = |(text, style): &(String, Style)| {
        let span = Span::styled(text.clone(), *style);
        let of = |it: ratatui::text::StyledGrapheme<'_>| Glyph {
            symbol: it.symbol.to_owned(),
            width: width(it.symbol),
            style: it.style,
        };
        span.styled_graphemes(Style::new()).map(of).collect::<Vec<_>>()
    };
    spans.iter().flat_map(of_span).collect()
}

/// Words in rows of a certain width.
#[derive(Clone, Debug)]
pub(super) struct Wrapped {
    glyphs: Vec<Glyph>,
    rows: Vec<Range<usize>>,
}

impl Wrapped {
    /// Breaks between words, and within those that are longer than a row. There is at least one row, unless there are
    /// no columns.
    pub(super) fn new(spans: &[(String, Style)], columns: usize) -> Self {
        let glyphs = glyphs(spans);
        if columns == 0 {
            return Self { glyphs, rows: Vec::new() };
        }
        let mut rows = Vec::new();
        let mut from = 0;
        while from < glyphs.len() {
            let (end, next) = row(&glyphs, from, columns);
            rows.push(from..end);
            from = next;
        }
        if rows.is_empty() {
            rows.push(0..0);
        }
        Self { glyphs, rows }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The row in which that part of the text ends with which it begins.
    pub(super) fn row_after(&self, text: &str) -> usize {
        let at = glyphs(&[(text.to_owned(), Style::new())]).len();
        let row = self.rows.iter().rposition(|row| row.start < at);
        row.unwrap_or_default()
    }

    pub(super) fn line(&self, row: usize) -> Line<'static> {
        let Some(range) = self.rows.get(row) else { return Line::default() };
        let mut spans: Vec<Span<'static>> = Vec::new();
        for glyph in &self.glyphs[range.clone()] {
            match spans.last_mut().filter(|last| last.style == glyph.style) {
                Some(last) => last.content.to_mut().push_str(&glyph.symbol),
                None => spans.push(Span::styled(glyph.symbol.clone(), glyph.style)),
            }
        }
        Line::from(spans)
    }
}

/// Where a row that begins at `from` ends, and where the next begins: spaces between them are left out.
fn row(glyphs: &[Glyph], from: usize, columns: usize) -> (usize, usize) {
    let is_space = |at: usize| glyphs[at].symbol == " ";
    let after_spaces = |at: usize| (at..glyphs.len()).find(|&at| !is_space(at));
    let mut used = 0;
    let mut end = from;
    while end < glyphs.len() && used + glyphs[end].width <= columns {
        used += glyphs[end].width;
        end += 1;
    }
    if end == glyphs.len() {
        return (end, end);
    }
    // A character that is wider than the row has one for itself.
    let end = end.max(from + 1);
    if end >= glyphs.len() {
        return (end, end);
    }
    if is_space(end) {
        return (end, after_spaces(end).unwrap_or(glyphs.len()));
    }
    let break_at = (from + 1..end).rev().find(|&at| is_space(at));
    match break_at {
        Some(space) if (from..space).any(|at| !is_space(at)) => (space, space + 1),
        _ => (end, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize) -> Vec<String> {
        let wrapped = Wrapped::new(&[(text.to_owned(), Style::new())], columns);
        (0..wrapped.rows()).map(|row| wrapped.line(row).to_string()).collect()
    }

    #[test]
    fn what_a_terminal_would_obey_is_gone() {
        let hostile = "a\u{1b}[31mb\u{7}c\r\nd\u{9b}2Je\u{202e}f\u{200b}\u{ad}";
        assert_eq!(clean(hostile, true), "a [31mb c  d 2Jef");
    }

    #[test]
    fn without_unicode_letters_lose_their_marks_and_others_become_a_question_mark() {
        assert_eq!(
            clean("Gr\u{fc}\u{df}e \u{2014} \u{201c}caf\u{e9}\u{201d}\u{2026}", false),
            "Gruesse - \"cafe\"..."
        );
        assert_eq!(clean("\u{65e5}\u{672c}", false), "??");
    }

    #[test]
    fn pictures_that_are_joined_stand_beside_each_other() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(width(&clean(family, true)), 6);
    }

    #[test]
    fn rows_break_between_words() {
        assert_eq!(wrapped("once upon a time", 9), ["once upon", "a time"]);
        assert_eq!(wrapped("sixsix sixsix", 6), ["sixsix", "sixsix"]);
        assert_eq!(wrapped("", 6), [""]);
    }

    #[test]
    fn a_word_that_is_longer_than_a_row_is_broken() {
        assert_eq!(wrapped("incomprehensible", 6), ["incomp", "rehens", "ible"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrapped("\u{65e5}\u{672c}\u{8a9e}", 5), ["\u{65e5}\u{672c}", "\u{8a9e}"]);
        // There is room for none of them, and no row is without one.
        assert_eq!(wrapped("\u{65e5}\u{672c}", 1).len(), 2);
    }

    #[test]
    fn what_is_left_out_is_marked() {
        assert_eq!(shorten("a long name", 11, true), "a long name");
        assert_eq!(shorten("a long name", 7, true), "a long\u{2026}");
        assert_eq!(shorten("\u{65e5}\u{672c}\u{8a9e}", 4, false), "\u{65e5}~");
        assert_eq!(shorten("name", 0, true), "");
    }
}
