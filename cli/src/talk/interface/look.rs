//! How things are told from each other: by colour and style, or by marks where there are none.

use ratatui::style::{Color, Modifier, Style};

use super::text;
use crate::view::Who;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) colour: bool,
    pub(super) unicode: bool,
}

impl Look {
    /// A colour, where there are any.
    pub(super) fn ink(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What must not be overlooked.
    pub(super) fn alert(self, colour: Color) -> Style {
        self.ink(colour).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    pub(super) fn who(self, who: Who) -> Style {
        match who {
            Who::User => self.ink(Color::Cyan).add_modifier(Modifier::BOLD),
            Who::Assistant => self.ink(Color::Green).add_modifier(Modifier::BOLD),
            Who::Note => self.dim(),
        }
    }

    /// Nothing that a terminal would obey, nor what it cannot show.
    pub(super) fn clean(self, words: &str) -> String {
        text::clean(words, self.unicode)
    }

    /// Whether marks stand for styles.
    fn marks(self) -> bool {
        !(self.colour && self.unicode)
    }

    /// Words that may change, or are still to be said.
    pub(super) fn tentative(self, words: &str) -> Vec<(String, Style)> {
        self.marked(words, ("[", "]"), self.dim())
    }

    /// Words that nobody heard, nor will.
    pub(super) fn unheard(self, words: &str) -> Vec<(String, Style)> {
        self.marked(words, ("~~", "~~"), self.dim().add_modifier(Modifier::CROSSED_OUT))
    }

    fn marked(self, words: &str, marks: (&str, &str), style: Style) -> Vec<(String, Style)> {
        let words = self.clean(words);
        if words.trim().is_empty() {
            return Vec::new();
        }
        match self.marks() {
            true => vec![(format!("{}{words}{}", marks.0, marks.1), style)],
            false => vec![(words, style)],
        }
    }

    /// A character, or what stands for it in ASCII.
    pub(super) fn either<'a>(self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.unicode { unicode } else { ascii }
    }
}
