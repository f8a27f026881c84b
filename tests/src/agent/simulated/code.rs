//! The tones in which the simulated agent and its user speak. They can be told apart without
//! errors.
//!
//! Each utterance of the user is one tone, from whose first frame the agent knows what it means.
//! Each word of the agent is a tone, too. It differs from the word before, in an order that never
//! repeats three in a row: what was audible of a reply can be read back from its audio.

use std::f64::consts::TAU;

use duplex_audio::{MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, level_db};
use duplex_core::{SAMPLE_RATE, Samples};

use duplex_audio::room::Sound;

use crate::measure::words;

/// Amplitude of every tone: -17 dB of full scale.
const AMPLITUDE: f64 = 0.2;
/// Sound below this level, in dB of full scale, is not detected.
const AUDIBLE_DB: f32 = -45.0;
/// Length of the fade at each end of a tone, in ms.
const EDGE_MS: f64 = 2.0;
/// Length of one of the agent's words.
pub const WORD: Samples = Samples::from_millis(300);
/// The share of it that is silent, at its end: 6 ms, so that a stop there is measured as well.
const WORD_GAP: f64 = 0.02;

/// Meaning of a sound of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A question, or the rest of one.
    Question,
    /// The beginning of a sentence that continues after a pause.
    Unfinished,
    /// A new question while the agent speaks.
    Interruption,
    /// A command to be silent.
    Stop,
    /// A backchannel.
    Attention,
    /// A cough.
    Cough,
    /// Something said to somebody else.
    Aside,
}

impl Meaning {
    const ALL: [Self; 7] = [
        Self::Question,
        Self::Unfinished,
        Self::Interruption,
        Self::Stop,
        Self::Attention,
        Self::Cough,
        Self::Aside,
    ];

    /// Its word: what the user says, and what the agent reports to have understood.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Unfinished => "unfinished",
            Self::Interruption => "interruption",
            Self::Stop => "stop",
            Self::Attention => "attention",
            Self::Cough => "cough",
            Self::Aside => "aside",
        }
    }

    /// Frequency of its tone. Tones 400 Hz apart differ by eight zero crossings in a frame.
    fn hertz(self) -> f64 {
        400.0 * (1 + self as u8) as f64
    }

    /// The meaning of a microphone frame; none if it is silent.
    pub fn heard(frame: &[f32; MICROPHONE_FRAME]) -> Option<Self> {
        if level_db(frame) < AUDIBLE_DB {
            return None;
        }
        let hertz = crossings(frame) / 2.0 * f64::from(SAMPLE_RATE) / MICROPHONE_FRAME as f64;
        let distance = |meaning: &Self| (meaning.hertz() - hertz).abs();
        Self::ALL.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

fn crossings(samples: &[f32]) -> f64 {
    samples.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count() as f64
}

/// The user's sound for `meaning`, `ms` long.
pub fn say(meaning: Meaning, ms: u64) -> Sound {
    Sound::from_session(tone(meaning.hertz(), Samples::from_millis(ms).0 as usize, SAMPLE_RATE))
}

fn tone(hertz: f64, length: usize, rate: u32) -> Vec<f32> {
    let edge = EDGE_MS * f64::from(rate) / 1000.0;
    let sample = |n: usize| {
        let rim = (n.min(length - 1 - n) as f64 / edge).min(1.0);
        (AMPLITUDE * rim * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32
    };
    (0..length).map(sample).collect()
}

const VOCABULARY: [&str; 16] = [
    "amber", "birch", "cloud", "delta", "ember", "field", "grove", "heron", "inlet", "jetty",
    "knoll", "lotus", "maple", "north", "otter", "pearl",
];

fn word_hertz(word: usize) -> f64 {
    200.0 + 50.0 * word as f64
}

/// A reply: its words and their audio.
#[derive(Clone, Debug)]
pub struct Reply {
    words: Vec<usize>,
    sound: Vec<f32>,
}

impl Reply {
    /// The `number`th reply of a call, with `words` words. The order of the words follows steps
    /// through the vocabulary that grow from word to word.
    pub fn new(number: usize, words: usize) -> Self {
        let size = VOCABULARY.len();
        let words: Vec<usize> = (0..words)
            .scan(7 * number, |at, n| {
                *at += 1 + n % (size - 1);
                Some(*at % size)
            })
            .collect();
        Self::of(words)
    }

    /// A reply of the words of a text; those that the agent cannot say are left out.
    pub fn saying(text: &str) -> Self {
        let word = |word: String| VOCABULARY.iter().position(|known| *known == word);
        Self::of(words::normalise(text).into_iter().filter_map(word).collect())
    }

    fn of(words: Vec<usize>) -> Self {
        let length = (WORD.0 * u64::from(PLAYOUT_RATE / SAMPLE_RATE)) as usize;
        let sounding = (length as f64 * (1.0 - WORD_GAP)) as usize;
        let mut sound = Vec::new();
        for word in &words {
            sound.extend(tone(word_hertz(*word), sounding, PLAYOUT_RATE));
            sound.resize(sound.len() + length - sounding, 0.0);
        }
        Self { words, sound }
    }

    /// Length in samples at the playout rate.
    pub fn length(&self) -> usize {
        self.sound.len()
    }

    /// The frame that begins at sample `at`.
    pub fn frame(&self, at: usize) -> [f32; PLAYOUT_FRAME] {
        let mut frame = [0.0; PLAYOUT_FRAME];
        let rest = self.sound.get(at..).unwrap_or_default();
        let length = rest.len().min(PLAYOUT_FRAME);
        frame[..length].copy_from_slice(&rest[..length]);
        frame
    }

    /// The words before sample `until`. A word that is cut off counts if more than half of it was
    /// heard. A reply that was heard to its end closes with a full stop.
    pub fn text(&self, until: usize) -> String {
        let word = self.sound.len() / self.words.len().max(1);
        let heard = ((until as f64 / word.max(1) as f64).round() as usize).min(self.words.len());
        let words: Vec<&str> = self.words[..heard].iter().map(|word| VOCABULARY[*word]).collect();
        let end = if heard == self.words.len() && heard > 0 { "." } else { "" };
        words.join(" ") + end
    }
}

/// Recognises the agent's words in its audio at the session rate.
pub fn recognise(sound: &[f32]) -> Option<String> {
    const WINDOW: usize = Samples::from_millis(40).0 as usize;
    /// A word is heard in at least this many windows.
    const LEAST: usize = 3;
    let heard = |window: &[f32]| {
        let hertz = crossings(window) / 2.0 * f64::from(SAMPLE_RATE) / window.len() as f64;
        let word = ((hertz - word_hertz(0)) / (word_hertz(1) - word_hertz(0))).round().max(0.0);
        (level_db(window) >= AUDIBLE_DB).then_some(word as usize)
    };
    let windows: Vec<Option<usize>> = sound.chunks(WINDOW).map(heard).collect();
    let runs = windows.chunk_by(|a, b| a == b).filter(|run| run.len() >= LEAST);
    let words = runs.filter_map(|run| run.first().copied().flatten());
    Some(words.filter_map(|word| VOCABULARY.get(word).copied()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use duplex_audio::resample::convert;

    use super::*;

    #[test]
    fn every_meaning_is_understood_in_one_frame() {
        for meaning in Meaning::ALL {
            let samples = tone(meaning.hertz(), 1_600, SAMPLE_RATE);
            for frame in samples.chunks(MICROPHONE_FRAME) {
                let frame = frame.try_into().unwrap_or([0.0; MICROPHONE_FRAME]);
                assert_eq!(Meaning::heard(&frame), Some(meaning));
            }
        }
        assert_eq!(Meaning::heard(&[0.0; MICROPHONE_FRAME]), None);
    }

    #[test]
    fn a_reply_is_read_back_from_its_sound() {
        for number in 0..6 {
            let reply = Reply::new(number, 20);
            let heard = recognise(&convert(&reply.sound, PLAYOUT_RATE, SAMPLE_RATE));
            assert_eq!(heard.map(|text| text + "."), Some(reply.text(reply.length())));
        }
    }
}
