//! Converts written English to words that can be spoken, with a mapping back.
//!
//! [`normalise`] writes out numbers, money, dates, times, units, abbreviations, addresses and symbols, and drops what
//! has no sound. Its output contains only words and the stops between them, so normalising it again changes nothing.

mod address;
mod expressions;
pub(crate) mod lexicon;
mod numbers;

use std::ops::Range;

use self::lexicon::{Abbreviated, Roman, abbreviation, dotted, starts_sentence, symbol};

/// Longer runs of letters are read in pieces of this length.
const WORD_CHARS: usize = 60;
/// Rounds of writing out abbreviations that the previous round produced. One is enough for any text not made to need
/// more.
const ROUNDS: usize = 4;
/// Spoken form of the letter A when it is not the article; a synthesiser takes a written "A" for the article.
const LETTER_A: &str = "eh";

/// A pause in speech, named after its punctuation mark. Ordered by strength: of several marks in a row the strongest
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// A comma; also a dash or a bracket.
    Comma,
    /// A colon.
    Colon,
    /// A semicolon.
    Semicolon,
    /// A full stop; also the end of a paragraph.
    Period,
    /// An exclamation mark.
    Exclamation,
    /// A question mark.
    Question,
}

impl Stop {
    /// The mark itself.
    pub const fn mark(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Colon => ':',
            Self::Semicolon => ';',
            Self::Period => '.',
            Self::Exclamation => '!',
            Self::Question => '?',
        }
    }

    /// Whether a sentence ends here.
    pub const fn ends_sentence(self) -> bool {
        matches!(self, Self::Period | Self::Exclamation | Self::Question)
    }
}

/// One written expression and its spoken form: a word, or all words of a number, a date and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range in [`Spoken::text`], without the stop.
    pub spoken: Range<usize>,
    /// Byte range in the text that was normalised.
    pub written: Range<usize>,
    /// The stop after it.
    pub stop: Option<Stop>,
}

/// Text as it is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    text: String,
    words: Vec<Word>,
}

impl Spoken {
    /// Words separated by single spaces, each followed by its stop.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The expressions in order; their ranges neither overlap nor go backwards.
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The spoken form of an expression.
    pub fn word(&self, word: &Word) -> &str {
        &self.text[word.spoken.clone()]
    }

    /// `self`, which is the normalised text of `first`, with ranges into the text that `first` was made from. What is
    /// one expression in `first` remains one.
    fn written_as(self, first: &Self) -> Self {
        let mut words: Vec<Word> = Vec::with_capacity(self.words.len());
        for word in self.words {
            let covers = |other: &&Word| {
                other.spoken.start < word.written.end && word.written.start < other.spoken.end
            };
            let written = first.words.iter().filter(covers).map(|other| &other.written);
            let (Some(start), Some(end)) =
                (written.clone().map(|r| r.start).min(), written.map(|r| r.end).max())
            else {
                continue;
            };
            match words.last_mut().filter(|last| last.stop.is_none() && start < last.written.end) {
                Some(last) => {
                    last.spoken.end = word.spoken.end;
                    last.written.end = end;
                    last.stop = word.stop;
                }
                None => words.push(Word { written: start..end, ..word }),
            }
        }
        Self { text: self.text, words }
    }
}

/// Writes out English text for speech. Never fails: what cannot be spoken is left out.
pub fn normalise(text: &str) -> Spoken {
    let mut spoken = scan(text);
    // Once the symbols between them are gone, a word and a full stop may form an abbreviation.
    for _ in 0..ROUNDS {
        let again = scan(&spoken.text);
        if again.text == spoken.text {
            break;
        }
        spoken = again.written_as(&spoken);
    }
    spoken
}

fn scan(text: &str) -> Spoken {
    let mut scanner = Scanner { text, at: 0, words: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.finish()
}

struct Draft {
    spoken: String,
    written: Range<usize>,
    stop: Option<Stop>,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    words: Vec<Draft>,
}

impl Scanner<'_> {
    /// Reads one expression, stop or symbol.
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let Some(next) = rest.chars().next() else { return };
        let touches = self.text[..self.at].chars().next_back();
        let joined = touches.is_some_and(char::is_alphanumeric);
        if next.is_alphabetic() {
            self.letters(rest, joined);
        } else if next.is_ascii_digit()
            || lexicon::vulgar_fraction(next).is_some()
            || (matches!(next, '$' | '€' | '£' | '¥' | '₹') && !joined)
        {
            self.expression(rest);
        } else {
            self.sign(rest, next, joined);
        }
    }

    fn expression(&mut self, rest: &str) {
        if let Some((length, spoken)) = expressions::read(rest, &self.before(), self.in_name()) {
            self.push(length, &spoken);
            self.stop_after_point(length);
        } else {
            self.sign(rest, rest.chars().next().unwrap_or_default(), true);
        }
    }

    fn letters(&mut self, rest: &str, joined: bool) {
        if !joined {
            let space = rest.find(char::is_whitespace).unwrap_or(rest.len());
            if rest[..space].contains(['.', '/', '@'])
                && let Some((length, spoken)) = address::read(rest)
            {
                return self.push(length, &spoken);
            }
            if let Some((letters, length)) = initials(rest) {
                return self.initials(letters, length);
            }
            // Names of months and codes of currencies are capitalised; nothing else in letters starts an expression.
            if rest.starts_with(char::is_uppercase)
                && lexicon::starts_expression(rest)
                && let Some((length, spoken)) = expressions::read(rest, &self.before(), false)
            {
                self.push(length, &spoken);
                return self.stop_after_point(length);
            }
        }
        let length = word_length(rest);
        self.word(&rest[..length], &rest[length..]);
    }

    /// Letters with a full stop after each: "U.S.", "e.g.".
    fn initials(&mut self, letters: &str, length: usize) {
        let spoken = dotted(letters).map_or_else(|| spell(letters), str::to_owned);
        self.push(length, &spoken);
        self.stop_after_point(length);
    }

    fn word(&mut self, word: &str, after: &str) {
        let length = word.len();
        // Marks without a sound may be between a word and its full stop; without them the full stop would be the
        // abbreviation's.
        let point = after.trim_start_matches(silent);
        let point_at = after.len() - point.len();
        let pointed = point.starts_with('.') && !point[1..].starts_with('.');
        if let Some((spoken, place)) = abbreviation(word) {
            let behind = if pointed { &point[1..] } else { after };
            let next = behind.trim_start().chars().next();
            let read = match place {
                Abbreviated::BeforeName => {
                    pointed && next.is_none_or(char::is_alphabetic)
                        || !pointed && next.is_some_and(char::is_uppercase)
                }
                Abbreviated::BeforeNumber => pointed && next.is_some_and(|c| c.is_ascii_digit()),
                Abbreviated::Anywhere => pointed,
            };
            if read {
                // "Main St." is a street, "St. Paul" a saint.
                let named =
                    next.is_some_and(char::is_uppercase) && !starts_sentence(behind.trim_start());
                let spoken = match spoken {
                    "Saint" if !named => "Street",
                    spoken => spoken,
                };
                let taken = if pointed { length + point_at + 1 } else { length };
                let title = place == Abbreviated::BeforeName && spoken != "Street";
                self.push(taken, spoken);
                if pointed && !title && place != Abbreviated::BeforeNumber {
                    self.stop_after_point(taken);
                }
                return;
            }
        }
        if let Some(roman) = lexicon::roman(&self.before(), word) {
            let spoken = match roman {
                Roman::Cardinal(value) => numbers::cardinal(value),
                Roman::Ordinal(value) => format!("the {}", numbers::ordinal(value)),
            };
            return self.push(length, &spoken);
        }
        let single = {
            let mut chars = word.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        match single {
            Some('A') if after.starts_with(|c: char| c.is_ascii_digit()) => {
                return self.push(length, LETTER_A);
            }
            // An initial: "George W. Bush", "J. Smith".
            Some(letter) if letter.is_uppercase() && letter != 'I' && letter != 'A' && pointed => {
                let behind = point[1..].trim_start();
                if behind.starts_with(char::is_uppercase) && !starts_sentence(behind) {
                    return self.push(length + point_at + 1, word);
                }
            }
            Some('C' | 'F' | 'G' | 'D') if after.starts_with('#') => {
                return self.push(length + 1, &format!("{word} sharp"));
            }
            _ => {}
        }
        let plain = word.replace('’', "'");
        self.push(length, &plain);
    }

    fn sign(&mut self, rest: &str, next: char, joined: bool) {
        let length = next.len_utf8();
        let behind = &rest[length..];
        let following = behind.chars().next();
        let digit_follows = following.is_some_and(|c| c.is_ascii_digit());
        let money_follows = following.is_some_and(|c| matches!(c, '$' | '€' | '£'));
        let run = rest.len() - rest.trim_start_matches(next).len();
        let spaced = following.is_none_or(char::is_whitespace);
        match next {
            '.' if digit_follows && !joined => return self.expression(rest),
            // ".NET".
            '.' if following.is_some_and(char::is_uppercase) && self.is_apart() => {
                return self.push(length, "dot");
            }
            '+' if digit_follows && !joined => {
                if let Some((length, spoken)) = expressions::read(rest, &self.before(), false) {
                    return self.push(length, &spoken);
                }
                return self.push(length, "plus");
            }
            // "file(s)", "main()".
            '(' if joined && rest.starts_with("(s)") => return self.at += "(s)".len(),
            '(' if rest.starts_with("()") => return self.at += "()".len(),
            // "'90s".
            '\'' | '’' if digit_follows && !joined => {
                if let Some((length, spoken)) = decade(behind) {
                    return self.push(next.len_utf8() + length, &spoken);
                }
            }
            '(' if digit_follows => {
                // A telephone number may start with a bracket.
                if let Some((length, spoken)) = expressions::read(rest, &self.before(), false) {
                    return self.push(length, &spoken);
                }
                self.stop(next, behind);
            }
            '-' | '−' if (digit_follows || money_follows) && !joined => {
                return self.push(length, "minus");
            }
            '-' | '−' if spaced && !joined && self.between_digits(behind) => {
                return self.push(length, "minus");
            }
            '-' if behind.starts_with('>') => return self.arrow("->"),
            '=' if behind.starts_with('>') => return self.arrow("=>"),
            '–' | '-' if digit_follows && joined && self.after_number() => {
                return self.push(length, "to");
            }
            '=' | '!' | '<' | '>' if behind.starts_with('=') => {
                let spoken = match next {
                    '!' => "is not",
                    '<' => "is at most",
                    '>' => "is at least",
                    _ => "equals",
                };
                return self.push(length + 1, spoken);
            }
            '*' if self.between_digits(behind) => return self.push(length, "times"),
            '/' if digit_follows && self.after_digit() => return self.push(length, "slash"),
            // "$5/month", "500 MB/s".
            '/' if following.is_some_and(char::is_alphabetic) && joined && self.after_number() => {
                let name = &behind[..word_length(behind)];
                return match lexicon::UNITS.iter().find(|unit| unit.0 == name) {
                    Some((_, one, _)) => self.push(length + name.len(), &format!("per {one}")),
                    None => self.push(length, "per"),
                };
            }
            '/' if joined && self.after_word("w") => return self.with(behind, length),
            '^' if !spaced => {
                let mut power = behind.chars();
                let (first, second) = (power.next(), power.next());
                let is_simple = !second.is_some_and(|c| c.is_alphanumeric() || ".,".contains(c));
                let has_letters = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                return match first {
                    Some('2') if is_simple => self.push(length + 1, "squared"),
                    Some('3') if is_simple => self.push(length + 1, "cubed"),
                    Some('-') if has_letters(second) => {
                        self.push(length + 1, "to the power of minus");
                    }
                    first if has_letters(first) => self.push(length, "to the power of"),
                    _ => self.at += length,
                };
            }
            '~' if digit_follows => return self.push(length, "about"),
            '#' if digit_follows && !joined => return self.push(length, "number"),
            '#' if following.is_some_and(char::is_alphabetic) && !joined => {
                return self.push(length, "hashtag");
            }
            '<' if spaced && !joined && self.beside_digit(behind) => {
                return self.push(length, "is less than");
            }
            '>' if spaced && !joined && self.beside_digit(behind) => {
                return self.push(length, "is greater than");
            }
            // The way through a menu.
            '>' if spaced && !joined => self.stop('—', behind),
            c if lexicon::superscript(c).is_some() || lexicon::subscript(c).is_some() => {
                return self.script(rest);
            }
            '\n' | '—' | '–' | '…' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '.' | '!' | '?' =>
            {
                self.stop(next, behind);
            }
            '-' if run > 1 || (!joined && spaced) => self.stop('—', behind),
            // A rule under a heading and similar.
            '=' | '+' | '&' | '@' | '%' | '$' if run > 2 => self.at += run - length,
            _ => {
                if let Some(spoken) = symbol(next) {
                    return self.push(length, spoken);
                }
            }
        }
        self.at += length;
    }

    fn stop(&mut self, mark: char, behind: &str) {
        let Some(last) = self.words.last_mut() else { return };
        let stop = match mark {
            ';' => Stop::Semicolon,
            ':' => Stop::Colon,
            '!' => Stop::Exclamation,
            '?' => Stop::Question,
            '.' if behind.starts_with('.') => return,
            '.' | '…' => {
                let trails = behind.trim_start().starts_with(char::is_lowercase)
                    && (mark == '…' || self.text[..self.at].ends_with('.'));
                if trails { Stop::Comma } else { Stop::Period }
            }
            '\n' if last.stop.is_none() => Stop::Period,
            '\n' => return,
            _ => Stop::Comma,
        };
        last.stop = last.stop.max(Some(stop));
    }

    /// The full stop of the abbreviation just read may also end its sentence.
    fn stop_after_point(&mut self, length: usize) {
        if !self.text[self.at - length..self.at].ends_with('.') {
            return;
        }
        let behind = self.text[self.at..].trim_start_matches(|c| c == ' ' || silent(c));
        let ends = behind.is_empty() || behind.starts_with('\n') || starts_sentence(behind);
        if let Some(last) = self.words.last_mut().filter(|_| ends) {
            last.stop = last.stop.max(Some(Stop::Period));
        }
    }

    /// An arrow of ASCII, which is a pause.
    fn arrow(&mut self, arrow: &str) {
        self.stop('—', "");
        self.at += arrow.len();
    }

    /// "w/ milk", "w/o milk": the slash, and what stands for the word before it.
    fn with(&mut self, behind: &str, length: usize) {
        let without =
            behind.strip_prefix('o').is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if let Some(last) = self.words.last_mut() {
            let taken = if without { length + 1 } else { length };
            last.spoken = if without { "without" } else { "with" }.to_owned();
            self.at += taken;
            last.written.end = self.at;
        }
    }

    /// Digits above or below the line.
    fn script(&mut self, rest: &str) {
        let above = rest.chars().map_while(lexicon::superscript).collect::<String>();
        let below = rest.chars().map_while(lexicon::subscript).collect::<String>();
        let (digits, spoken) = match above.as_str() {
            "" => (below.as_str(), numbers::number(&below)),
            "2" => ("2", "squared".to_owned()),
            "3" => ("3", "cubed".to_owned()),
            above => (above, format!("to the power of {}", numbers::number(above))),
        };
        let length = rest.chars().take(digits.len()).map(char::len_utf8).sum();
        self.push(length, &spoken);
    }

    /// Whether a letter stands right before this place.
    fn in_name(&self) -> bool {
        self.text[..self.at].ends_with(char::is_alphabetic)
    }

    /// Whether nothing or white space stands right before this place.
    fn is_apart(&self) -> bool {
        self.text[..self.at].chars().next_back().is_none_or(char::is_whitespace)
    }

    /// Whether what was read last has a digit, and ends right before this place.
    fn after_number(&self) -> bool {
        let number = |word: &Draft| {
            word.written.end == self.at
                && self.text[word.written.clone()].contains(|c: char| c.is_ascii_digit())
        };
        self.words.last().is_some_and(number)
    }

    /// Whether this word was read last, and ends right before this place.
    fn after_word(&self, word: &str) -> bool {
        let is_word =
            |last: &Draft| last.written.end == self.at && last.spoken.eq_ignore_ascii_case(word);
        self.words.last().is_some_and(is_word)
    }

    /// Takes `length` bytes of the text as one expression.
    fn push(&mut self, length: usize, spoken: &str) {
        let written = self.at..self.at + length;
        self.at = written.end;
        self.words.push(Draft { spoken: spoken.to_owned(), written, stop: None });
    }

    /// The last spoken word of this phrase, in lower case.
    fn before(&self) -> String {
        self.words
            .last()
            .filter(|last| last.stop.is_none())
            .and_then(|last| last.spoken.split(' ').next_back())
            .map(str::to_lowercase)
            .unwrap_or_default()
    }

    fn after_digit(&self) -> bool {
        self.text[..self.at].trim_end().ends_with(|c: char| c.is_ascii_digit())
    }

    fn beside_digit(&self, behind: &str) -> bool {
        self.after_digit() || behind.trim_start().starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether this place is between two digits.
    fn between_digits(&self, behind: &str) -> bool {
        self.after_digit() && behind.trim_start().starts_with(|c: char| c.is_ascii_digit())
    }

    fn finish(self) -> Spoken {
        let mut spoken = Spoken::default();
        for draft in self.words {
            if !spoken.text.is_empty() {
                spoken.text.push(' ');
            }
            let start = spoken.text.len();
            spoken.text.push_str(&draft.spoken);
            let range = start..spoken.text.len();
            spoken.text.extend(draft.stop.map(Stop::mark));
            spoken.words.push(Word { spoken: range, written: draft.written, stop: draft.stop });
        }
        spoken
    }
}

/// Length in bytes of the decade that the text starts with, and its spoken form.
fn decade(rest: &str) -> Option<(usize, String)> {
    let digits = rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    rest[2..].strip_prefix('s').filter(|rest| !rest.starts_with(char::is_alphanumeric))?;
    expressions::read(&rest[..=digits.len()], "the", false)
}

/// Whether a character has neither a sound nor a pause, wherever it occurs.
fn silent(c: char) -> bool {
    !(c.is_alphanumeric()
        || ".,;:!?…—–()[]\n-−^~#<>/*=+&@%$€£¥₹'’".contains(c)
        || symbol(c).is_some()
        || lexicon::vulgar_fraction(c).is_some())
}

/// Length in bytes of the word that the text starts with: letters, and between them apostrophes and hyphens.
fn word_length(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    let mut count = 0;
    while let Some((at, c)) = chars.next() {
        let inside = match c {
            '\'' | '’' | '-' => chars.peek().is_some_and(|(_, next)| next.is_alphabetic()),
            c => c.is_alphabetic() || is_combining(c),
        };
        count += 1;
        if !inside || count > WORD_CHARS {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Single letters with a full stop after each, at least two (or as in "Ph.D."): the letters without the last full stop,
/// and the length in bytes of the whole.
fn initials(rest: &str) -> Option<(&str, usize)> {
    let mut end = 0;
    let mut count = 0;
    loop {
        let mut chars = rest[end..].char_indices();
        let (_, letter) = chars.next()?;
        let double = rest[end..].starts_with("Ph.");
        let length = if double { 2 } else { letter.len_utf8() };
        if letter.is_alphabetic() && rest[end + length..].starts_with('.') {
            end += length + 1;
            count += 1;
        } else {
            break;
        }
        if end == rest.len() {
            break;
        }
    }
    // The last letter may lack its full stop: "e.g" and "U.S".
    let open = rest[end..].chars().next().filter(|c| c.is_alphabetic());
    if let Some(last) = open {
        let after = &rest[end + last.len_utf8()..];
        if count > 0 && !after.starts_with(|c: char| c.is_alphanumeric() || c == '\'' || c == '’')
        {
            let length = end + last.len_utf8();
            return Some((&rest[..length], length));
        }
        return None;
    }
    (count > 1).then(|| (&rest[..end - 1], end))
}

/// Spells letter by letter.
fn spell(letters: &str) -> String {
    let names: Vec<String> = letters
        .split('.')
        .map(|letter| match letter {
            "A" | "a" => LETTER_A.to_owned(),
            letter => letter.to_uppercase(),
        })
        .collect();
    names.join(" ")
}

#[cfg(test)]
mod tests;
