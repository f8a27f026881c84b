//! A clause as it is to be read, with the way back to how it is written.

use std::borrow::Cow;
use std::ops::Range;

use super::phonemes::with_possessive;

/// What stands for a word with phonemes: a word that every rule of reading leaves alone, so that what is around it is
/// read as it would be around a name.
const STAND_IN: &str = "name";
const CAPITAL_STAND_IN: &str = "Name";

/// A clause as a voice is to read it: its text, of which some words are given as phonemes.
///
/// Text alone is read as it is: `Reading::from("Hello.")`.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    text: Cow<'a, str>,
    written: usize,
    pieces: Vec<Piece>,
}

/// A part of the text that is written otherwise.
#[derive(Clone, Debug)]
struct Piece {
    text: Range<usize>,
    written: Range<usize>,
    phonemes: Option<String>,
}

impl<'a> From<&'a str> for Reading<'a> {
    fn from(text: &'a str) -> Self {
        Self { text: text.into(), written: text.len(), pieces: Vec::new() }
    }
}

impl<'a> From<&'a String> for Reading<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl Reading<'_> {
    /// What is read. Where a word has phonemes, another one stands in for it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ranges of the text whose sound is given, in order, with their phonemes in the International Phonetic
    /// Alphabet.
    pub fn phonemes(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.pieces.iter().filter_map(|it| Some((it.text.clone(), it.phonemes.as_deref()?)))
    }

    /// How many bytes of the written clause have been spoken once so many of the text have; none within a word that is
    /// written otherwise, which is not spoken before all of it is.
    pub fn written(&self, bytes: usize) -> Option<usize> {
        if bytes >= self.text.len() {
            return Some(self.written);
        }
        let after = self.pieces.partition_point(|piece| piece.text.start < bytes);
        match after.checked_sub(1).map(|last| &self.pieces[last]) {
            Some(piece) if bytes < piece.text.end => None,
            Some(piece) => Some(piece.written.end + (bytes - piece.text.end)),
            None => Some(bytes),
        }
    }
}

/// A reading that is being made, from left to right.
pub(super) struct Draft<'a> {
    clause: &'a str,
    text: String,
    /// Bytes of the clause that are in `text`.
    at: usize,
    pieces: Vec<Piece>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(clause: &'a str) -> Self {
        Self { clause, text: String::new(), at: 0, pieces: Vec::new() }
    }

    /// Another spelling for a range of the clause.
    pub(super) fn spell(&mut self, written: Range<usize>, spelling: &str) {
        self.copy_to(written.start);
        self.piece(written, spelling, None);
    }

    /// Phonemes for a range of the clause, whose `'s` they may lack.
    pub(super) fn pronounce(&mut self, written: Range<usize>, phonemes: &str, possessive: bool) {
        self.copy_to(written.start);
        // A hyphen would make one word of the stand-in and its neighbour.
        if self.text.ends_with('-') {
            self.text.push(' ');
            self.pieces.push(Piece {
                text: self.text.len() - 1..self.text.len(),
                written: written.start..written.start,
                phonemes: None,
            });
        }
        let capital = self.clause[written.clone()].starts_with(char::is_uppercase);
        let stand_in = if capital { CAPITAL_STAND_IN } else { STAND_IN };
        let phonemes = if possessive { with_possessive(phonemes) } else { phonemes.to_owned() };
        let end = written.end;
        self.piece(written, stand_in, Some(phonemes));
        if self.clause[end..].starts_with('-') {
            self.piece(end..end + 1, " ", None);
        }
    }

    fn piece(&mut self, written: Range<usize>, text: &str, phonemes: Option<String>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.at = written.end;
        self.pieces.push(Piece { text: start..self.text.len(), written, phonemes });
    }

    fn copy_to(&mut self, end: usize) {
        self.text.push_str(&self.clause[self.at..end]);
        self.at = end;
    }

    pub(super) fn finish(mut self) -> Reading<'a> {
        if self.pieces.is_empty() {
            return self.clause.into();
        }
        self.copy_to(self.clause.len());
        Reading { text: self.text.into(), written: self.clause.len(), pieces: self.pieces }
    }
}
