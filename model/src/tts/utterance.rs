//! Converts spoken words to the network's phoneme ids, with the position of each word among them.

use super::VoiceError;
use super::align::word_ends;
use super::config::Alphabet;
use super::espeak::Espeak;
use super::normalise::{Spoken, Stop, Word};
use super::pronunciation::Reading;

/// Maximum length of a line: espeak-ng reads lines of less than a kilobyte.
const LINE_BYTES: usize = 800;
/// Ids after which an utterance ends at the next stop. The encoder's attention is quadratic in the number of ids, so a
/// longer one would cost more than in proportion.
const UTTERANCE_IDS: usize = 500;

/// The input of one run of the network.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Utterance {
    /// Phoneme ids: the start mark, each phoneme with padding after it, the end mark.
    pub(super) ids: Vec<i32>,
    pub(super) words: Vec<WordEnd>,
    /// The stop after it.
    pub(super) stop: Option<Stop>,
}

/// The end of a word in an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordEnd {
    /// Ids up to here belong to this word and those before it.
    pub(super) ids: usize,
    /// Bytes of the written clause up to the end of the word.
    pub(super) written: usize,
}

/// Transcribes a text to phonemes, where the reading does not give them.
pub(super) fn utterances(
    spoken: &Spoken,
    reading: &Reading<'_>,
    espeak: &mut Espeak,
    alphabet: &Alphabet,
) -> Result<Vec<Utterance>, VoiceError> {
    let phrases = phrases(spoken);
    // Each phrase, followed by each of its words alone, for the alignment.
    let lines: Vec<String> = phrases
        .iter()
        .flat_map(|phrase| {
            let words = phrase.iter().map(|word| spoken.word(word).to_owned());
            let whole = words.clone().collect::<Vec<_>>().join(" ");
            std::iter::once(whole).chain(words)
        })
        .collect();
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let phonemes = espeak.read(&lines)?;

    let mut rest = phonemes.as_slice();
    let mut done = Vec::new();
    let mut draft = Draft::new(alphabet, reading);
    for phrase in phrases {
        let (read, after) = rest.split_at(phrase.len() + 1);
        rest = after;
        draft.phrase(&read[0], &read[1..], phrase);
        let stop = phrase.last().and_then(|word| word.stop);
        let full = draft.utterance.ids.len() > UTTERANCE_IDS;
        if stop.is_some_and(Stop::ends_sentence) || full {
            done.extend(std::mem::replace(&mut draft, Draft::new(alphabet, reading)).finish(stop));
        } else {
            draft.utterance.stop = stop;
        }
    }
    let stop = draft.utterance.stop;
    done.extend(draft.finish(stop));
    Ok(done)
}

/// Words between stops, in lines that espeak-ng accepts whole.
fn phrases(spoken: &Spoken) -> Vec<&[Word]> {
    spoken
        .words()
        .split_inclusive(|word| word.stop.is_some())
        .flat_map(|phrase| {
            let mut bytes = 0;
            let mut line = 0;
            phrase.chunk_by(move |word, next| {
                bytes += word.spoken.len() + 1;
                let same = (bytes + next.spoken.len()) / LINE_BYTES == line;
                line = (bytes + next.spoken.len()) / LINE_BYTES;
                same
            })
        })
        .collect()
}

struct Draft<'a> {
    alphabet: &'a Alphabet,
    reading: &'a Reading<'a>,
    utterance: Utterance,
}

impl<'a> Draft<'a> {
    fn new(alphabet: &'a Alphabet, reading: &'a Reading<'a>) -> Self {
        let ids = [alphabet.begin(), alphabet.pad()].concat();
        Self { alphabet, reading, utterance: Utterance { ids, words: Vec::new(), stop: None } }
    }

    /// Adds one phrase: its phonemes, the phonemes of each of its words alone, its words.
    fn phrase(&mut self, phonemes: &str, alone: &[String], words: &[Word]) {
        if !self.utterance.words.is_empty() {
            self.phoneme(' ');
        }
        let phonemes: Vec<char> = phonemes.chars().collect();
        let mut at = 0;
        for (end, word) in word_ends(&phonemes, alone).into_iter().zip(words) {
            // espeak-ng's own for a word with given phonemes are those of its stand-in.
            match self.given(word) {
                Some(given) => {
                    if phonemes[at..end].first() == Some(&' ') {
                        self.phoneme(' ');
                    }
                    given.chars().for_each(|phoneme| self.phoneme(phoneme));
                }
                None => phonemes[at..end].iter().for_each(|&phoneme| self.phoneme(phoneme)),
            }
            at = end;
            let ids = self.utterance.ids.len();
            self.utterance.words.push(WordEnd { ids, written: word.written.end });
        }
        if let Some(stop) = words.last().and_then(|word| word.stop) {
            self.phoneme(stop.mark());
        }
    }

    /// The phonemes that the reading gives for a word.
    fn given(&self, word: &Word) -> Option<&'a str> {
        let Word { written, .. } = word;
        let is_of = |range: &std::ops::Range<usize>| {
            written.start <= range.start && range.end <= written.end
        };
        let mut given = self.reading.phonemes();
        given.find(|(range, _)| is_of(range)).map(|(_, phonemes)| phonemes)
    }

    fn phoneme(&mut self, phoneme: char) {
        match self.alphabet.ids(phoneme) {
            Some(ids) => {
                self.utterance.ids.extend(ids);
                self.utterance.ids.extend(self.alphabet.pad());
            }
            None => tracing::debug!(%phoneme, "the voice does not know this phoneme"),
        }
    }

    /// The utterance, unless it is empty.
    fn finish(mut self, stop: Option<Stop>) -> Option<Utterance> {
        if self.utterance.words.is_empty() {
            return None;
        }
        self.utterance.ids.extend(self.alphabet.end());
        self.utterance.stop = stop;
        Some(self.utterance)
    }
}
