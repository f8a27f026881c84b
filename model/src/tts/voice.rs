use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::VoiceError;
use super::config::{Config, Inference};
use super::espeak::Espeak;
use super::graph::{Graph, Latent};
use super::normalise::normalise;
use super::pronunciation::Reading;
use super::trim::Trim;
use super::utterance::{Utterance, utterances};

/// Frames of the first chunk: short, because it determines the latency.
const FIRST_CHUNK: usize = 28;
/// Later chunks grow by half each, up to this: each is decoded with its context, whose share is smaller in larger ones.
const LARGEST_CHUNK: usize = 160;
/// Allowed speeds, relative to the speaker's own.
const SPEEDS: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// Configuration of a [`Voice`].
#[derive(Clone, Debug)]
pub struct VoiceOptions {
    /// The network, a Piper voice of one speaker (`.onnx`).
    pub model: PathBuf,
    /// Its settings (`.onnx.json`).
    pub config: PathBuf,
    /// Threads of the network.
    pub threads: usize,
    /// The voice's pace: 1 is the speaker's own, 2 twice as fast; 0.25 to 4.
    pub speed: f32,
    /// Seed of the voice's variation. The same text with the same seed sounds the same.
    pub seed: u64,
}

/// A piece of a clause's audio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// Mono samples at [`Voice::sample_rate`], in -1..=1.
    pub samples: Vec<f32>,
    /// Ends of the words that end in this chunk, in order.
    pub marks: Vec<Mark>,
    /// Whether the clause is finished.
    pub last: bool,
}

/// How much of a clause has been spoken at some sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Samples since the clause began.
    pub samples: u64,
    /// Once this many samples have been played, `clause[..bytes]` has been spoken. Always on a character boundary.
    pub bytes: usize,
}

/// A Piper voice: turns clauses of text into chunks of audio.
pub struct Voice {
    config: Config,
    graph: Graph,
    espeak: Espeak,
    /// See [`VoiceOptions::speed`].
    pace: f32,
    seed: u64,
}

impl Voice {
    /// Loads the voice, runs every part of it once, and checks that espeak-ng is there.
    ///
    /// # Errors
    /// [`VoiceError`] if a file cannot be read or is not a Piper voice of one English speaker, if the speed is out of
    /// range, or if espeak-ng is missing or lacks the voice's language.
    pub fn load(options: &VoiceOptions) -> Result<Self, VoiceError> {
        let pace = allowed(options.speed)?;
        let config = Config::load(&options.config)?;
        let espeak = Espeak::start(&config.espeak_voice)?;
        let graph = Graph::load(&options.model, options.threads)?;
        // The rules are compiled on first use.
        let _ = normalise("1");
        Ok(Self { config, graph, espeak, pace, seed: options.seed })
    }

    /// Sample rate of all chunks, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.config.sample_rate
    }

    /// Whether the network has learnt all of these phonemes, which are in the International Phonetic Alphabet.
    pub fn knows(&self, phonemes: &str) -> bool {
        phonemes.chars().all(|phoneme| self.config.alphabet.ids(phoneme).is_some())
    }

    /// Speaks a clause: passes chunks to `emit` as they are made, the first one early. The last chunk ends with the
    /// pause that the clause's punctuation asks for, and its last mark is at the end of the text. Stops when `emit`
    /// breaks. Marks count bytes of the reading's text ([`Reading::written`]). `speed` is relative to the voice's own
    /// pace ([`VoiceOptions::speed`]): 1 is that pace, 2 twice as fast.
    ///
    /// A clause with nothing to say gives one empty chunk.
    ///
    /// # Errors
    /// [`VoiceError::Speed`] if the pace times `speed` is not from 0.25 to 4; another [`VoiceError`] if espeak-ng or
    /// the network fails. Chunks emitted before remain valid; the voice remains usable.
    pub fn speak<'a>(
        &mut self,
        clause: impl Into<Reading<'a>>,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), VoiceError> {
        let scales = Inference {
            length_scale: self.config.inference.length_scale / allowed(self.pace * speed)?,
            ..self.config.inference
        };
        let reading = clause.into();
        let clause = reading.text();
        let spoken = normalise(clause);
        let mut utterances =
            utterances(&spoken, &reading, &mut self.espeak, &self.config.alphabet)?;
        // Punctuation and symbols after the last word count as spoken with it.
        if let Some(word) = utterances.last_mut().and_then(|last| last.words.last_mut()) {
            word.written = clause.len();
        }
        let mut outlet = Outlet { emit, emitted: 0 };
        let done = self.utter_all(&utterances, scales, &mut outlet);
        self.espeak.prepare();
        if done?.is_continue() && utterances.is_empty() {
            let _ = outlet.send(Vec::new(), vec![Mark { samples: 0, bytes: clause.len() }], true);
        }
        Ok(())
    }

    fn utter_all(
        &self,
        utterances: &[Utterance],
        scales: Inference,
        outlet: &mut Outlet<'_>,
    ) -> Result<ControlFlow<()>, VoiceError> {
        let mut size = FIRST_CHUNK;
        for (index, utterance) in utterances.iter().enumerate() {
            let last = index + 1 == utterances.len();
            if self.utter(utterance, scales, last, &mut size, outlet)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn utter(
        &self,
        utterance: &Utterance,
        scales: Inference,
        last: bool,
        size: &mut usize,
        outlet: &mut Outlet<'_>,
    ) -> Result<ControlFlow<()>, VoiceError> {
        let latent = self.graph.encode(&utterance.ids, scales, self.seed)?;
        let mut words = Words {
            ends: word_samples(utterance, &latent, self.graph.hop()),
            begun: outlet.emitted,
        };
        let mut trim = Trim::new(self.config.sample_rate);
        let mut vocoder = self.graph.vocoder(&latent);
        while let Some(samples) = vocoder.next(*size)? {
            let samples = trim.push(&samples);
            *size = (*size + *size / 2).min(LARGEST_CHUNK);
            if samples.is_empty() {
                continue;
            }
            let marks = words.spoken_by(outlet.emitted + samples.len() as u64, &trim);
            if outlet.send(samples, marks, false).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let mut marks = words.spoken_by(u64::MAX, &trim);
        let samples = trim.finish(utterance.stop);
        let end = outlet.emitted + samples.len() as u64;
        marks.iter_mut().for_each(|mark| mark.samples = mark.samples.min(end));
        Ok(outlet.send(samples, marks, last))
    }
}

/// The speed, if it is an allowed one.
pub(super) fn allowed(speed: f32) -> Result<f32, VoiceError> {
    if SPEEDS.contains(&speed) { Ok(speed) } else { Err(VoiceError::Speed { speed }) }
}

/// Words of an utterance that are still to be spoken.
struct Words {
    /// For each word, the sample of the utterance at which it ends, and the bytes of the clause up to there.
    ends: VecDeque<(usize, usize)>,
    /// Samples of the clause before this utterance.
    begun: u64,
}

impl Words {
    /// Marks of the words that end before so many samples of the clause.
    fn spoken_by(&mut self, samples: u64, trim: &Trim) -> Vec<Mark> {
        let mark = |&(sample, bytes): &(usize, usize)| Mark {
            samples: self.begun + trim.place(sample) as u64,
            bytes,
        };
        let count = self.ends.iter().take_while(|end| mark(end).samples <= samples).count();
        let marks = self.ends.iter().take(count).map(mark).collect();
        self.ends.drain(..count);
        marks
    }
}

/// From ids to samples: each id lasts its number of frames, each frame one hop.
fn word_samples(utterance: &Utterance, latent: &Latent, hop: usize) -> VecDeque<(usize, usize)> {
    let mut ends = VecDeque::with_capacity(utterance.words.len());
    let (mut ids, mut frames) = (0, 0);
    for word in &utterance.words {
        frames += latent.durations[ids..word.ids].iter().sum::<usize>();
        ids = word.ids;
        ends.push_back((frames * hop, word.written));
    }
    ends
}

/// Passes chunks to the caller.
struct Outlet<'a> {
    emit: &'a mut dyn FnMut(Chunk) -> ControlFlow<()>,
    /// Samples emitted since the clause began.
    emitted: u64,
}

impl Outlet<'_> {
    fn send(&mut self, samples: Vec<f32>, marks: Vec<Mark>, last: bool) -> ControlFlow<()> {
        if samples.is_empty() && marks.is_empty() && !last {
            return ControlFlow::Continue(());
        }
        self.emitted += samples.len() as u64;
        (self.emit)(Chunk { samples, marks, last })
    }
}
