//! How words are pronounced that a voice would read otherwise.
//!
//! [`Lexicon`] is the principal type. It is applied to a clause before a voice reads it, so it works alike for all
//! voices; the [`Reading`] that comes out of it maps what is said back to what is written.

pub(super) mod phonemes;
mod reading;

use std::collections::HashMap;

pub use reading::Reading;

/// Most entries of a lexicon: more than a call needs, and few enough to be read at once.
const MOST_ENTRIES: usize = 10_000;
/// Most bytes of a word, and of what is said for it.
const LONGEST_WORD: usize = 64;
const LONGEST_SAID: usize = 256;
/// Characters of an entry that an error shows.
const SHOWN: usize = 24;

/// Words and how they are pronounced: each is said as another spelling, or as phonemes.
///
/// A word is found as a whole, also with `'s` after it, in any case; one that is written in capitals, as "US", only so.
/// It may be several words; of two that fit the longer counts. What is said for a word is not looked up again, so
/// entries that name one another make no cycle. Addresses are read as they are.
///
/// ```
/// use duplex_model::tts::Lexicon;
///
/// let lexicon = Lexicon::new([("Saoirse", "SEER-sha"), ("Niamh", "/niːv/")])?;
/// let reading = lexicon.read("I met Saoirse's aunt.", |_| true);
/// assert_eq!(reading.text(), "I met SEER-sha's aunt.");
/// assert_eq!(reading.written("I met SEER-sha's".len()), Some("I met Saoirse's".len()));
/// # Ok::<(), duplex_model::tts::LexiconError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    /// By the first run of letters and digits of the word, in lower case; the longest words first.
    entries: HashMap<String, Vec<Entry>>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    /// With single spaces and straight apostrophes, in lower case unless it is found as it is written only.
    word: String,
    /// Whether its case counts.
    exact: bool,
    said: Said,
}

#[derive(Clone, Debug)]
enum Said {
    Spelling(String),
    /// In the International Phonetic Alphabet, as espeak-ng writes it.
    Phonemes(String),
}

/// What is wrong with an entry of a lexicon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LexiconError {
    /// There are too many entries.
    #[error("{count} words have a pronunciation: at most {MOST_ENTRIES} may")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A word is empty, or begins with no letter or digit.
    #[error("a pronunciation is of `{word}`, which does not begin with a letter or a digit")]
    NoWord {
        /// The word, shortened.
        word: String,
    },
    /// Nothing is said for a word.
    #[error(
        "the pronunciation of `{word}` is empty: write another spelling, or phonemes as in \"/niːv/\""
    )]
    NothingSaid {
        /// The word, shortened.
        word: String,
    },
    /// A word, or what is said for it, is too long.
    #[error(
        "the pronunciation of `{word}` is too long: a word has at most {LONGEST_WORD} bytes, and what is said for it \
         {LONGEST_SAID}"
    )]
    TooLong {
        /// The word, shortened.
        word: String,
    },
    /// Two entries are of the same word.
    #[error("`{word}` has two pronunciations")]
    Twice {
        /// The word, shortened.
        word: String,
    },
    /// A word has a control character or a mark that is never said.
    #[error(
        "a pronunciation is of `{word}`, which has {character:?}: that is never part of a spoken word"
    )]
    Word {
        /// The word, shortened.
        word: String,
        /// The character.
        character: char,
    },
    /// A spelling has something else than words.
    #[error(
        "the pronunciation of `{word}` has {character:?}: a spelling is made of letters, digits, spaces, apostrophes, \
         hyphens, commas and full stops; phonemes stand between two slashes, as in \"/niːv/\""
    )]
    Spelling {
        /// The word, shortened.
        word: String,
        /// The character.
        character: char,
    },
    /// Phonemes have something that is none.
    #[error(
        "the phonemes of `{word}` have {character:?}, which is no letter of the International Phonetic Alphabet"
    )]
    Phoneme {
        /// The word, shortened.
        word: String,
        /// The character.
        character: char,
    },
}

impl Lexicon {
    /// A lexicon of words, each with another spelling or with phonemes between slashes: "SEER-sha", "/ˈsɪɹʃə/".
    ///
    /// # Errors
    /// The first entry that is none, or two that are of the same word.
    pub fn new<W: AsRef<str>, S: AsRef<str>>(
        entries: impl IntoIterator<Item = (W, S)>,
    ) -> Result<Self, LexiconError> {
        let mut lexicon = Self::default();
        for (word, said) in entries {
            let entry = Entry::parse(word.as_ref(), said.as_ref())?;
            if lexicon.has(&entry) {
                return Err(LexiconError::Twice { word: shown(word.as_ref()) });
            }
            lexicon.insert(entry);
        }
        lexicon.check()
    }

    /// These words and those of `other`, of which these count where both have one.
    ///
    /// # Errors
    /// [`LexiconError::TooMany`].
    pub fn or(mut self, other: &Self) -> Result<Self, LexiconError> {
        for entry in other.entries.values().flatten() {
            if !self.has(entry) {
                self.insert(entry.clone());
            }
        }
        self.check()
    }

    /// Whether it has no word.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The phonemes that it has, each with its word.
    pub fn phonemes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.values().flatten().filter_map(|entry| match &entry.said {
            Said::Phonemes(phonemes) => Some((entry.word.as_str(), phonemes.as_str())),
            Said::Spelling(_) => None,
        })
    }

    /// The clause as it is to be read. `knows` says whether the voice has all of these phonemes; where it has not, the
    /// word is read as it is written.
    pub fn read<'a>(&self, clause: &'a str, mut knows: impl FnMut(&str) -> bool) -> Reading<'a> {
        let mut draft = reading::Draft::new(clause);
        let mut at = 0;
        while !self.is_empty() && at < clause.len() {
            let rest = &clause[at..];
            let run = first_run(rest);
            if run.is_empty() {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            match self.find(clause, at, run) {
                Some((length, entry)) => {
                    match &entry.said {
                        Said::Spelling(spelling) => draft.spell(at..at + length, spelling),
                        Said::Phonemes(phonemes) if knows(phonemes) => {
                            let more = possessive(&rest[length..]);
                            draft.pronounce(at..at + length + more, phonemes, more > 0);
                        }
                        Said::Phonemes(_) => {}
                    }
                    at += length;
                }
                None => at += run.len(),
            }
        }
        draft.finish()
    }

    /// The longest entry that the clause has at a place, and its length there.
    fn find(&self, clause: &str, at: usize, run: &str) -> Option<(usize, &Entry)> {
        let entries = self.entries.get(&run.to_lowercase())?;
        if !begins(clause, at) || is_in_address(clause, at) {
            return None;
        }
        entries.iter().find_map(|entry| Some((entry.length_in(&clause[at..])?, entry)))
    }

    fn key(entry: &Entry) -> String {
        first_run(&entry.word).to_lowercase()
    }

    fn has(&self, entry: &Entry) -> bool {
        let alike = |other: &Entry| other.word == entry.word && other.exact == entry.exact;
        self.entries.get(&Self::key(entry)).is_some_and(|entries| entries.iter().any(alike))
    }

    fn insert(&mut self, entry: Entry) {
        let entries = self.entries.entry(Self::key(&entry)).or_default();
        // Of two of the same length, the one whose case counts comes first.
        let rank = |entry: &Entry| (std::cmp::Reverse(entry.word.len()), !entry.exact);
        let place = entries.partition_point(|other| rank(other) <= rank(&entry));
        entries.insert(place, entry);
        self.count += 1;
    }

    fn check(self) -> Result<Self, LexiconError> {
        if self.count > MOST_ENTRIES {
            return Err(LexiconError::TooMany { count: self.count });
        }
        Ok(self)
    }
}

impl Entry {
    fn parse(word: &str, said: &str) -> Result<Self, LexiconError> {
        let named = || shown(word);
        if word.len() > LONGEST_WORD || said.len() > LONGEST_SAID {
            return Err(LexiconError::TooLong { word: named() });
        }
        // What markup is made of is taken out of a reply before it is spoken.
        let never = |c: &char| c.is_control() || "*_`~[]\\|<>\"".contains(*c);
        if let Some(character) = word.chars().find(never) {
            return Err(LexiconError::Word { word: named(), character });
        }
        let plain = word.split_whitespace().collect::<Vec<_>>().join(" ").replace('’', "'");
        if !plain.starts_with(char::is_alphanumeric) {
            return Err(LexiconError::NoWord { word: named() });
        }
        let letters = plain.chars().filter(|c| c.is_alphabetic()).count();
        let exact =
            letters > 1 && !plain.chars().any(char::is_lowercase) && plain.to_lowercase() != plain;
        let said = said.trim();
        let transcribed = said.strip_prefix('/').and_then(|said| said.strip_suffix('/'));
        let said = match transcribed {
            Some(transcribed) => Said::Phonemes(
                phonemes::parse(transcribed)
                    .map_err(|character| LexiconError::Phoneme { word: named(), character })?,
            ),
            None => {
                let none =
                    |c: &char| !(c.is_alphanumeric() || is_combining(*c) || " '’-.,".contains(*c));
                if let Some(character) = said.chars().find(none) {
                    return Err(LexiconError::Spelling { word: named(), character });
                }
                Said::Spelling(said.to_owned())
            }
        };
        let is_silent = match &said {
            Said::Spelling(spelling) => !spelling.contains(char::is_alphanumeric),
            Said::Phonemes(phonemes) => phonemes::letters(phonemes) == 0,
        };
        if is_silent {
            return Err(LexiconError::NothingSaid { word: named() });
        }
        let word = if exact { plain } else { plain.to_lowercase() };
        Ok(Self { word, exact, said })
    }

    /// The length of the word, where the text begins with it.
    fn length_in(&self, text: &str) -> Option<usize> {
        let mut word = self.word.chars().peekable();
        let mut chars = text.char_indices().peekable();
        while word.peek().is_some() {
            let (_, c) = chars.next()?;
            if c.is_whitespace() {
                while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
                word.next_if_eq(&' ')?;
                continue;
            }
            let c = if c == '’' { '\'' } else { c };
            if self.exact {
                word.next_if_eq(&c)?;
            } else {
                for c in c.to_lowercase() {
                    word.next_if_eq(&c)?;
                }
            }
        }
        let end = chars.peek().map_or(text.len(), |&(at, _)| at);
        ends(text, end).then_some(end)
    }
}

/// A word for an error: shortened, and without what a terminal might obey.
fn shown(word: &str) -> String {
    let mut shown: String = word.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if word.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

/// The letters and digits that a text begins with; of a script that does not part words, one.
fn first_run(text: &str) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if !is_of_word(c) || (at > 0 && is_unparted(c)) {
            break;
        }
        end = at + c.len_utf8();
        if is_unparted(c) {
            break;
        }
    }
    &text[..end]
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining(c) || c == '_'
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// Whether a character is of a script that does not part words: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
pub(super) fn is_unparted(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// Whether a word may begin at a place where a letter or digit is.
fn begins(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    let Some(last) = before.next() else { return true };
    let apart = is_unparted(last) || text[at..].starts_with(is_unparted);
    // "O'Brien" is no Brien.
    let inside = is_apostrophe(last) && before.next().is_some_and(char::is_alphanumeric);
    apart || !(is_of_word(last) || inside)
}

/// Whether a word may end at a place.
fn ends(text: &str, end: usize) -> bool {
    let Some(next) = text[end..].chars().next() else { return true };
    let apart = is_unparted(next) || text[..end].ends_with(is_unparted);
    let mut behind = text[end..].chars().skip(1);
    // "we'll" is no we.
    let inside = is_apostrophe(next)
        && behind.next().is_some_and(char::is_alphanumeric)
        && possessive(&text[end..]) == 0;
    apart || !(is_of_word(next) || inside)
}

/// Length of the `'s` that a text begins with.
fn possessive(text: &str) -> usize {
    let mut chars = text.char_indices();
    let apostrophe = chars.next().filter(|&(_, c)| is_apostrophe(c));
    let letter = chars.next().filter(|&(_, c)| matches!(c, 's' | 'S'));
    match (apostrophe, letter, chars.next()) {
        (Some(_), Some((at, _)), next) if !next.is_some_and(|(_, c)| is_of_word(c)) => at + 1,
        _ => 0,
    }
}

/// Whether a place is in an address: what stands there without spaces has an `@`, or dots or colons as an address has.
fn is_in_address(text: &str, at: usize) -> bool {
    let begin = text[..at].rfind(char::is_whitespace).unwrap_or(0);
    let end = text[at..].find(char::is_whitespace).map_or(text.len(), |length| at + length);
    let token = &text[begin..end];
    let dotted = token.match_indices('.').any(|(at, _)| {
        token[..at].ends_with(|c: char| c.is_alphanumeric())
            && token[at + 1..].starts_with(|c: char| c.is_alphanumeric())
    });
    dotted || token.contains('@') || token.contains("://")
}

#[cfg(test)]
mod tests;
