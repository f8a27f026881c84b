//! Converts written text to speakable text.

mod html;
mod latex;

use std::mem;

use html::{Tag, entity, tag};
use latex::{Command, command};

/// Turns a stream of model text into plain sentences on one line: without Markdown, HTML and the marks of LaTeX, without
/// list markers, link addresses, notes, code in a named language and emoji. The cells of a table have commas between
/// them.
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
    /// Held back until it is known to be markup or text.
    held: String,
    /// The last character of the text, markup or not, where `Place` is `Text`.
    before: Option<char>,
    /// Whether nothing of the line was text so far.
    fresh: bool,
    /// Whether the line is a row of a table.
    row: bool,
    /// Whether a formula is open that a dollar sign ends.
    formula: bool,
    /// Whether a note was left out since the last output: the space before it is left over.
    noted: bool,
    /// Which part of a fraction is open, and how many braces within it.
    fraction: Option<(Part, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first text of a line, where list markers and headings are.
    LineStart,
    /// Anywhere else.
    Text,
    /// After a mark whose meaning depends on what follows.
    Mark(char),
    /// After a `[` that may begin a note or the box of a task.
    Bracket,
    /// After the `]` of a link or a note.
    LinkText,
    /// In the address of a link, with so many open brackets.
    LinkAddress(u32),
    /// In the name of a link's address.
    LinkName,
    /// In what may be a tag.
    Tag,
    /// In what may be the name of a character.
    Entity,
    /// In the name of a LaTeX command.
    Command,
    /// In a source that a search gives, until its closing bracket.
    Source,
    /// In the line that begins or ends a block of code.
    Fence,
    /// In a block of code, until a line of this mark.
    Code(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    /// A cell of a table ended.
    Cell,
    /// A line ended: the sentence ends too, if it has no punctuation.
    Line,
}

/// A part of a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Over,
    Under,
}

/// Maximum digits of a list number; longer numbers are years or amounts.
const LIST_DIGITS: usize = 2;
/// Marks that begin a block of code.
const FENCE: usize = 3;
/// Longest note, tag, comment, name of a character, LaTeX command and line of a block of code that is held back.
const LONGEST_NOTE: usize = 12;
const LONGEST_TAG: usize = 200;
const LONGEST_ENTITY: usize = 10;
const LONGEST_COMMAND: usize = 20;
const LONGEST_FENCE: usize = 40;

impl Default for SpeechText {
    fn default() -> Self {
        Self {
            place: Place::LineStart,
            gap: Gap::None,
            begun: false,
            sound: None,
            held: String::new(),
            before: None,
            fresh: true,
            row: false,
            formula: false,
            noted: false,
            fraction: None,
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
        match self.place {
            // A lone dash or hash is dropped; a number is spoken.
            Place::LineStart if !self.held.starts_with(|c: char| c.is_ascii_digit()) => {}
            Place::LineStart | Place::Bracket | Place::Tag | Place::Entity => {
                self.release(out);
                // The last of it may be a mark that waits for more.
                if let Place::Mark(mark) = self.place {
                    self.mark(mark, None, out);
                }
            }
            Place::Mark(mark) => self.mark(mark, None, out),
            Place::Command => self.command(out),
            _ => {}
        }
        self.held.clear();
        self.place = Place::Text;
    }

    fn step(&mut self, c: char, out: &mut String) {
        match self.place {
            Place::LineStart => self.line_start(c, out),
            Place::Text => self.text(c, out),
            Place::Mark(mark) => {
                self.place = Place::Text;
                self.mark(mark, Some(c), out);
                self.text(c, out);
            }
            Place::Bracket => self.bracket(c, out),
            Place::LinkText => match c {
                '(' => self.place = Place::LinkAddress(0),
                '[' => self.place = Place::LinkName,
                // The text of a note follows.
                ':' if self.fresh => self.place = Place::Text,
                c => self.resume(c, out),
            },
            Place::LinkAddress(_) | Place::LinkName | Place::Source if c == '\n' => {
                self.resume(c, out);
            }
            Place::LinkAddress(open) => match c {
                '(' => self.place = Place::LinkAddress(open + 1),
                ')' if open == 0 => self.place = Place::Text,
                ')' => self.place = Place::LinkAddress(open - 1),
                _ => {}
            },
            Place::LinkName if c == ']' => self.place = Place::Text,
            Place::Source if c == '】' => self.place = Place::Text,
            Place::LinkName | Place::Source => {}
            Place::Tag => self.tag(c, out),
            Place::Entity => self.entity(c, out),
            Place::Command => self.in_command(c, out),
            Place::Fence => self.fence(c, out),
            Place::Code(mark) => self.code(mark, c),
        }
    }

    /// Goes on with text.
    fn resume(&mut self, c: char, out: &mut String) {
        self.place = Place::Text;
        self.text(c, out);
    }

    /// The held-back characters are text after all.
    fn release(&mut self, out: &mut String) {
        self.place = Place::Text;
        let held = mem::take(&mut self.held);
        let mut chars = held.chars();
        // The first one was taken for a mark.
        if let Some(first) = chars.next() {
            match first {
                '<' | '&' | '[' => {
                    self.before = Some(first);
                    if first != '[' {
                        self.say(first, out);
                    }
                }
                first => self.step(first, out),
            }
        }
        chars.for_each(|c| self.step(c, out));
    }

    /// A marker is `#`s, one of `-+>–—`, or a short number and a full stop or bracket, each before a space.
    fn line_start(&mut self, c: char, out: &mut String) {
        let held = self.held.as_str();
        let numbered = held.ends_with(['.', ')']);
        let digits = !held.is_empty() && held.chars().all(|c| c.is_ascii_digit());
        let symbols = held.starts_with(['#', '-', '+', '>', '=', ':', '–', '—']);
        let fence = held.starts_with(['`', '~']);
        // The line under a heading, and that under the head of a table.
        let rule = held.chars().all(|c| matches!(c, '-' | ':'));
        if c.is_whitespace() {
            // A lone sign is part of a formula.
            let is_sign = matches!(held, "=" | ":");
            if (symbols && !is_sign) || numbered {
                self.held.clear();
            }
            if !self.held.is_empty() || c == '\n' {
                self.release(out);
                self.step(c, out);
            }
        } else if digits && matches!(c, '\u{fe0f}' | '\u{20e3}') {
            // A digit in a box is the number of an item.
            self.held.clear();
        } else if c == '|' && !self.held.is_empty() && rule {
            self.held.clear();
            self.row = true;
        } else if c == '|' && self.held.is_empty() {
            self.row = true;
        } else if (c.is_ascii_digit()
            && (digits || self.held.is_empty())
            && self.held.len() < LIST_DIGITS)
            || (digits && matches!(c, '.' | ')'))
            || (self.held.is_empty()
                && matches!(c, '#' | '-' | '+' | '>' | '=' | '`' | '~' | '–' | '—'))
            || (self.held.is_empty() && self.row && c == ':')
            || ((symbols || fence) && self.held.ends_with(c))
            || (!self.held.is_empty() && rule && c == ':')
            || (held == ":" && c == '-')
        {
            self.held.push(c);
            if self.held.len() >= FENCE && fence {
                self.place = Place::Fence;
            }
        } else if !is_unspeakable(c) || matches!(c, '[' | '\\' | '~') {
            self.release(out);
            self.step(c, out);
        }
    }

    fn text(&mut self, c: char, out: &mut String) {
        let before = self.before.replace(c);
        match c {
            '\n' => {
                self.gap = self.gap.max(Gap::Line);
                self.place = Place::LineStart;
                self.before = None;
                self.fresh = true;
                self.row = false;
                self.formula = false;
            }
            '|' => {
                let apart = self.row || before.is_none_or(char::is_whitespace);
                self.gap = self.gap.max(if apart { Gap::Cell } else { Gap::Space });
            }
            ']' => self.place = Place::LinkText,
            '[' | '<' | '&' | '\\' => {
                self.held.push(c);
                self.before = before;
                self.place = match c {
                    '[' => Place::Bracket,
                    '<' => Place::Tag,
                    '&' => Place::Entity,
                    _ => Place::Command,
                };
            }
            '【' => {
                self.place = Place::Source;
                self.noted = true;
            }
            '*' | '_' | '~' | '!' | '$' | '#' | '0'..='9' => {
                // What is before the mark decides as well.
                self.before = before;
                self.place = Place::Mark(c);
            }
            '{' | '}' => self.brace(c, out),
            '\u{2190}'..='\u{21ff}' => self.gap = self.gap.max(Gap::Cell),
            c if c.is_whitespace() => self.gap = self.gap.max(Gap::Space),
            c if is_unspeakable(c) => {}
            c => self.say(c, out),
        }
    }

    /// A mark whose meaning depends on what is before and behind it.
    fn mark(&mut self, mark: char, next: Option<char>, out: &mut String) {
        let before = self.before.replace(mark);
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let is_apart = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let boxed = matches!(next, Some('\u{fe0f}' | '\u{20e3}'));
        match mark {
            // Digits, `#` and `*` in a box are emoji.
            '0'..='9' | '#' | '*' if boxed => {}
            '*' if (is_digit(before) && is_digit(next))
                || (before.is_some() && is_apart(before) && next.is_some() && is_apart(next)) =>
            {
                self.say('×', out);
            }
            // Emphasis is not within words.
            '_' if is_word(before) && is_word(next) => self.gap = self.gap.max(Gap::Space),
            '~' if is_digit(next) && before != Some('~') => self.say('~', out),
            '*' | '_' | '~' => {}
            // A picture: its description is read.
            '!' if next == Some('[') => {}
            '$' if before == Some('$') => {}
            '$' if self.formula && !is_digit(next) => self.formula = false,
            '$' if !is_word(before)
                && next.is_some_and(|c| c.is_alphabetic() || "\\({$|".contains(c)) =>
            {
                self.formula = true;
            }
            mark => self.say(mark, out),
        }
    }

    /// In a bracket that may be a note, as `[^1]` and `[12]`, or the box of a task, as `[x]`.
    fn bracket(&mut self, c: char, out: &mut String) {
        let inside = &self.held[1..];
        let is_box = self.fresh && matches!(inside, " " | "x" | "X");
        if c == ']' && (is_box || !matches!(inside, "" | "^" | " " | "x" | "X")) {
            self.held.clear();
            self.place = Place::LinkText;
            self.noted = true;
            return;
        }
        let fits = match inside.chars().next() {
            None => c == '^' || c.is_ascii_digit() || (self.fresh && matches!(c, ' ' | 'x' | 'X')),
            Some('^') => c.is_alphanumeric() || matches!(c, '-' | '_'),
            Some('0'..='9') => c.is_ascii_digit() || matches!(c, ',' | '-' | '–'),
            Some(_) => false,
        };
        if fits && self.held.len() < LONGEST_NOTE {
            self.held.push(c);
            return;
        }
        self.release(out);
        self.step(c, out);
    }

    fn tag(&mut self, c: char, out: &mut String) {
        if c != '>' || self.held.starts_with("<!--") && !self.held.ends_with("--") {
            if c != '\n' && self.held.len() < LONGEST_TAG && may_be_tag(&self.held[1..], c) {
                self.held.push(c);
                return;
            }
            self.release(out);
            return self.step(c, out);
        }
        let inside = self.held[1..].to_owned();
        let is_address = inside.contains("://") || inside.contains('@');
        if !inside.contains(char::is_whitespace) && is_address {
            self.held.clear();
            self.place = Place::Text;
            let address = inside.strip_prefix("mailto:").unwrap_or(&inside);
            address.chars().for_each(|c| self.say(c, out));
            self.before = Some('>');
            return;
        }
        let name = tag_name(&inside);
        match tag(name) {
            _ if inside.starts_with('!') => {}
            Some(Tag::Line) => self.gap = self.gap.max(Gap::Line),
            Some(Tag::Cell) => self.gap = self.gap.max(Gap::Cell),
            Some(Tag::Exponent) if !inside.starts_with('/') => self.say('^', out),
            Some(_) => {}
            None => {
                self.release(out);
                return self.step(c, out);
            }
        }
        self.held.clear();
        self.place = Place::Text;
    }

    fn entity(&mut self, c: char, out: &mut String) {
        if c == ';'
            && let Some(named) = entity(&self.held[1..])
        {
            self.held.clear();
            self.place = Place::Text;
            self.before = Some(named);
            if named.is_whitespace() {
                self.gap = self.gap.max(Gap::Space);
            } else if matches!(named, '\u{2190}'..='\u{21ff}') {
                self.gap = self.gap.max(Gap::Cell);
            } else if !is_unspeakable(named) {
                self.say(named, out);
            }
        } else if (c.is_ascii_alphanumeric() || c == '#') && self.held.len() < LONGEST_ENTITY {
            self.held.push(c);
        } else {
            self.release(out);
            self.step(c, out);
        }
    }

    /// After a backslash: the name of a LaTeX command, or a character that is meant as it is.
    fn in_command(&mut self, c: char, out: &mut String) {
        if c.is_ascii_alphabetic() && self.held.len() < LONGEST_COMMAND {
            return self.held.push(c);
        }
        if self.held.len() > 1 {
            self.command(out);
            return self.step(c, out);
        }
        self.held.clear();
        self.place = Place::Text;
        self.before = Some(c);
        match c {
            // Marks of formulas, and spaces in them.
            '(' | ')' | '[' | ']' | ',' | ';' | ':' | '\\' => {
                self.gap = self.gap.max(Gap::Space);
            }
            c if c.is_ascii_punctuation() && !is_unspeakable(c) => self.say(c, out),
            c if c.is_ascii_punctuation() => {}
            c => self.text(c, out),
        }
    }

    /// The LaTeX command whose name is held back.
    fn command(&mut self, out: &mut String) {
        let held = mem::take(&mut self.held);
        self.place = Place::Text;
        self.gap = self.gap.max(Gap::Space);
        self.before = Some('\\');
        let command = command(&held[1..]);
        match command {
            Command::Symbol('→') => self.gap = self.gap.max(Gap::Cell),
            Command::Symbol(symbol) => self.say(symbol, out),
            Command::Fraction => self.fraction = Some((Part::Over, 0)),
            Command::Silent => {}
            Command::Named => held[1..].chars().for_each(|c| self.say(c, out)),
        }
        if !matches!(command, Command::Symbol('√' | '°')) {
            self.gap = self.gap.max(Gap::Space);
        }
    }

    /// A brace, which only a fraction's are more than markup.
    fn brace(&mut self, c: char, out: &mut String) {
        let Some((part, open)) = self.fraction else { return };
        self.fraction = match (c, part, open) {
            ('{', _, _) => Some((part, open + 1)),
            (_, Part::Over, 1) => {
                self.gap = self.gap.max(Gap::Space);
                "over".chars().for_each(|c| self.say(c, out));
                self.gap = Gap::Space;
                Some((Part::Under, 0))
            }
            (_, _, 0 | 1) => None,
            (_, _, open) => Some((part, open - 1)),
        };
    }

    /// The line that begins a block of code, or ends it.
    fn fence(&mut self, c: char, out: &mut String) {
        let mark = if self.held.starts_with('`') { '`' } else { '~' };
        if c == '\n' {
            let language = self.held.trim_start_matches(mark).trim().to_ascii_lowercase();
            let is_text =
                matches!(language.as_str(), "" | "text" | "txt" | "plaintext" | "markdown" | "md");
            self.held.clear();
            self.gap = self.gap.max(Gap::Line);
            self.place = if is_text { Place::LineStart } else { Place::Code(mark) };
        } else if (c == mark && !self.held.ends_with(mark)) || self.held.len() >= LONGEST_FENCE {
            // Code within a line.
            self.release(out);
            self.step(c, out);
        } else {
            self.held.push(c);
        }
    }

    /// In a block of code.
    fn code(&mut self, mark: char, c: char) {
        if c != '\n' {
            if self.held.len() < LONGEST_FENCE {
                self.held.push(c);
            }
            return;
        }
        let line = mem::take(&mut self.held);
        let line = line.trim();
        if line.len() >= FENCE && line.chars().all(|c| c == mark) {
            self.place = Place::LineStart;
            self.fresh = true;
        }
    }

    fn say(&mut self, c: char, out: &mut String) {
        let gap = mem::replace(&mut self.gap, Gap::None);
        if self.begun {
            let paused = self.sound.is_none_or(is_pause);
            match gap {
                Gap::Line if !paused => out.push('.'),
                Gap::Cell if !paused && !is_pause(c) => out.push(','),
                _ => {}
            }
            // A space before these is left over from an emoji or a note.
            let left_over =
                matches!(c, '!' | '?' | ',') || (self.noted && matches!(c, '.' | ':' | ';' | ')'));
            if gap == Gap::Line || (gap > Gap::None && !left_over) {
                out.push(' ');
            }
        }
        out.push(c);
        self.begun = true;
        self.noted = false;
        self.fresh = false;
        if !is_closing(c) {
            self.sound = Some(c);
        }
    }
}

/// Whether a tag that begins so may go on with this character.
fn may_be_tag(begun: &str, next: char) -> bool {
    if begun.starts_with('!') || begun.is_empty() {
        return begun.len() > 1 || next.is_ascii_alphabetic() || "/!-".contains(next);
    }
    let is_open = begun.contains("://") || begun.contains('@');
    if next.is_whitespace() || next == '/' {
        return tag(tag_name(begun)).is_some() || (next == '/' && begun.contains(':'));
    }
    let name = begun.trim_start_matches('/');
    let in_name = name.chars().all(|c| c.is_ascii_alphanumeric());
    // A mail address or a scheme, as in `<https:`.
    let in_address = !begun.contains(char::is_whitespace);
    is_open
        || begun.contains(char::is_whitespace)
        || (in_name && next.is_ascii_alphanumeric())
        || (in_address && (next.is_ascii_alphanumeric() || ".:@-_+/".contains(next)))
}

/// The name in a tag.
fn tag_name(tag: &str) -> &str {
    let tag = tag.trim_start_matches('/');
    tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// Brackets and quotation marks that close.
fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}')
}

/// Punctuation after which a line needs no full stop.
fn is_pause(c: char) -> bool {
    is_stop(c) || matches!(c, ',' | ':' | ';' | '-' | '–' | '—' | '、' | '，')
}

/// Punctuation that ends a sentence.
fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '؟')
}

/// Markup, emoji, and characters without a sound.
fn is_unspeakable(c: char) -> bool {
    matches!(c,
        '*' | '_' | '`' | '~' | '[' | ']' | '{' | '}' | '\\' | '|'
        // Marks of ownership and of notes.
        | '©' | '®' | '™' | '†' | '‡' | 'ℹ' | '‼' | '⁉'
        // Bullets, geometric shapes, arrows, dingbats, emoji and what joins or colours them.
        | '\u{2022}' | '\u{2023}' | '\u{2043}' | '\u{25A0}'..='\u{27BF}' | '\u{2190}'..='\u{21FF}'
        | '\u{2300}'..='\u{23FF}' | '\u{24C2}' | '\u{2934}'..='\u{2935}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{E000}'..='\u{F8FF}'
        | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{20E3}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFFD}'
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

/// Whether a text ends within a sentence: with a word, or with a mark after which one follows.
pub(super) fn breaks_off(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || is_closing(c));
    text.ends_with(|c: char| c.is_alphanumeric() || (is_pause(c) && !is_stop(c)))
}

#[cfg(test)]
mod tests;
