//! Converts written text to speakable text.

use std::mem;

/// Turns a stream of model text into plain sentences on one line: without Markdown, list markers, link addresses and
/// emoji.
///
/// Text goes in and comes out in pieces. The concatenated output has no white space at either end and never two spaces
/// in a row; it does not depend on where the pieces were cut.
#[derive(Clone, Debug)]
pub struct SpeechText {
    place: Place,
    /// What separates the last character of the output from the next.
    gap: Gap,
    /// Whether there is output.
    begun: bool,
    /// The last character of the output but for brackets and quotation marks that close.
    sound: Option<char>,
    /// Held back at the start of a line until it is known to be a list marker or text.
    held: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first text of a line, where list markers and headings are.
    LineStart,
    /// Anywhere else.
    Text,
    /// After the `]` of a link.
    LinkText,
    /// In the address of a link.
    LinkAddress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    /// A line ended: the sentence ends too, if it has no punctuation.
    Line,
}

/// Maximum digits of a list number; longer numbers are years or amounts.
const LIST_DIGITS: usize = 2;

impl Default for SpeechText {
    fn default() -> Self {
        Self {
            place: Place::LineStart,
            gap: Gap::None,
            begun: false,
            sound: None,
            held: String::new(),
        }
    }
}

impl SpeechText {
    /// Takes a piece of text and appends to `out` what can be spoken of it and of what was held back.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        for c in piece.chars() {
            self.step(c, out);
        }
    }

    /// Appends what was held back: no more text follows.
    pub fn finish(&mut self, out: &mut String) {
        let held = mem::take(&mut self.held);
        // A lone dash or hash is dropped; a number is spoken.
        if held.starts_with(|c: char| c.is_ascii_digit()) {
            held.chars().for_each(|c| self.say(c, out));
        }
        self.place = Place::Text;
    }

    fn step(&mut self, c: char, out: &mut String) {
        match self.place {
            Place::LineStart => self.line_start(c, out),
            Place::Text => self.text(c, out),
            Place::LinkText if c == '(' => self.place = Place::LinkAddress,
            Place::LinkText => {
                self.place = Place::Text;
                self.text(c, out);
            }
            Place::LinkAddress if c == ')' => self.place = Place::Text,
            Place::LinkAddress => {}
        }
    }

    /// A marker is `#`s, one of `-+>`, or a short number and a full stop or bracket, each before a space.
    fn line_start(&mut self, c: char, out: &mut String) {
        let numbered = self.held.ends_with(['.', ')']);
        let digits = !self.held.is_empty() && self.held.chars().all(|c| c.is_ascii_digit());
        let symbols = self.held.starts_with(['#', '-', '+', '>']);
        if c.is_whitespace() {
            if symbols || numbered {
                self.held.clear();
            }
            if !self.held.is_empty() || c == '\n' {
                self.flush(out);
                self.text(c, out);
            }
        } else if (c.is_ascii_digit()
            && (digits || self.held.is_empty())
            && self.held.len() < LIST_DIGITS)
            || (digits && matches!(c, '.' | ')'))
            || (self.held.is_empty() && matches!(c, '#' | '-' | '+' | '>'))
            || (symbols && self.held.ends_with(c))
        {
            self.held.push(c);
        } else if !is_unspeakable(c) {
            self.flush(out);
            self.text(c, out);
        }
    }

    /// The held-back characters are text after all.
    fn flush(&mut self, out: &mut String) {
        self.place = Place::Text;
        for c in mem::take(&mut self.held).chars() {
            self.text(c, out);
        }
    }

    fn text(&mut self, c: char, out: &mut String) {
        match c {
            '\n' => {
                self.gap = self.gap.max(Gap::Line);
                self.place = Place::LineStart;
            }
            '|' => self.gap = self.gap.max(Gap::Space),
            ']' => self.place = Place::LinkText,
            c if c.is_whitespace() => self.gap = self.gap.max(Gap::Space),
            c if is_unspeakable(c) => {}
            c => self.say(c, out),
        }
    }

    fn say(&mut self, c: char, out: &mut String) {
        let gap = mem::replace(&mut self.gap, Gap::None);
        if self.begun {
            if gap == Gap::Line && !self.sound.is_none_or(is_pause) {
                out.push('.');
            }
            // A space before these is left over from an emoji.
            if gap == Gap::Line || (gap == Gap::Space && !matches!(c, '!' | '?' | ',')) {
                out.push(' ');
            }
        }
        out.push(c);
        self.begun = true;
        if !is_closing(c) {
            self.sound = Some(c);
        }
    }
}

/// Brackets and quotation marks that close.
fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}')
}

/// Punctuation after which a line needs no full stop.
fn is_pause(c: char) -> bool {
    matches!(
        c,
        '.' | ','
            | ':'
            | ';'
            | '!'
            | '?'
            | '…'
            | '-'
            | '–'
            | '—'
            | '。'
            | '、'
            | '，'
            | '！'
            | '？'
            | '।'
            | '؟'
    )
}

/// Markup, emoji, and characters without a sound.
fn is_unspeakable(c: char) -> bool {
    matches!(c,
        '*' | '_' | '`' | '~' | '[' | ']' | '\\'
        // Bullets, geometric shapes, arrows, dingbats, emoji and what joins or colours them.
        | '\u{2022}' | '\u{2023}' | '\u{25A0}'..='\u{27BF}' | '\u{2190}'..='\u{21FF}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{200B}'..='\u{200F}' | '\u{20E3}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFFD}'
        | '\u{1F000}'..='\u{1FAFF}' | '\u{E0000}'..='\u{E007F}')
        || c.is_control()
}

/// Whether `text` ends with a sentence: with its punctuation, but not that of a title or an initial.
pub(super) fn ends_sentence(text: &str) -> bool {
    const TITLES: [&str; 6] = ["Dr", "Mr", "Mrs", "Ms", "Prof", "St"];
    let text = text.trim_end_matches(['"', '\'', ')', '\u{201D}', '\u{2019}']);
    let Some(before) = text.strip_suffix('.') else {
        return text.ends_with(['!', '?', '\u{2026}']);
    };
    let word = before.rsplit([' ', '.']).next().unwrap_or(before);
    let initial =
        word.len() == 1 && word != "I" && word.starts_with(|c: char| c.is_ascii_uppercase());
    !initial && !TITLES.contains(&word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spoken(pieces: &[&str]) -> String {
        let (mut text, mut out) = (SpeechText::default(), String::new());
        pieces.iter().for_each(|piece| text.push(piece, &mut out));
        text.finish(&mut out);
        out
    }

    #[test]
    fn plain_sentences_pass_unchanged() {
        let text = "It's 3.5 miles, or 5-6 km (roughly). Isn't that well-known? 20% off: $4.99!";
        assert_eq!(spoken(&[text]), text);
    }

    #[test]
    fn emphasis_code_and_headings_lose_their_marks() {
        assert_eq!(
            spoken(&["# Tips\n\nUse **bold** and `code`, *always*."]),
            "Tips. Use bold and code, always."
        );
    }

    #[test]
    fn list_items_become_sentences() {
        assert_eq!(
            spoken(&["Try:\n1. Walk\n2) Run\n- Swim\n* Rest."]),
            "Try: Walk. Run. Swim. Rest."
        );
    }

    #[test]
    fn a_line_without_a_stop_gets_one_whatever_closes_it() {
        assert_eq!(
            spoken(&[
                "- Walk (slowly)\n- Give 100%\n- Say \"Yes.\"\n- And \"No\"\nThen 休む。\nRest"
            ]),
            "Walk (slowly). Give 100%. Say \"Yes.\" And \"No\". Then 休む。 Rest"
        );
    }

    #[test]
    fn paragraphs_go_on_after_one_another() {
        assert_eq!(
            spoken(&["It is late.\n\nSo go home\n\n## Tomorrow\n\nCome again."]),
            "It is late. So go home. Tomorrow. Come again."
        );
    }

    #[test]
    fn numbers_that_begin_a_line_are_kept() {
        for text in ["365 days make a year.", "3.14 is pi.", "12", "1969.", "-5 degrees"] {
            assert_eq!(spoken(&[text]), text);
        }
    }

    #[test]
    fn emoji_are_silent_and_links_are_read_by_their_text() {
        assert_eq!(
            spoken(&[
                "Hi \u{1F44B}\u{1F3FD} there \u{2764}\u{FE0F}! See [the docs](https://x.y/z)."
            ]),
            "Hi there! See the docs."
        );
    }

    #[test]
    fn titles_and_initials_end_no_sentence() {
        for text in ["It is here.", "Really?", "He said \"no.\"", "So am I.", "It costs 5."] {
            assert!(ends_sentence(text), "{text}");
        }
        for text in ["Her name is Mrs.", "By J. R. R.", "It is", "It is,", ""] {
            assert!(!ends_sentence(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn where_the_text_is_cut_does_not_matter(text in "[ a1.\\-*#\\n\\])(\\[>]{0,40}", cut in 0usize..40) {
            let cut = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
            prop_assert_eq!(spoken(&[&text[..cut], &text[cut..]]), spoken(&[&text]));
        }

        #[test]
        fn nothing_spoken_has_loose_white_space(text in "\\PC{0,60}|[ a1.\\-*#\\n]{0,40}") {
            let said = spoken(&[&text]);
            prop_assert_eq!(said.trim(), said.as_str());
            prop_assert!(!said.contains("  ") && !said.contains('\n'));
        }
    }
}
