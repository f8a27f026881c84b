//! Where the words are in a sound.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::tts::normalise::Stop;
use crate::tts::trim::Trim;
use crate::tts::voice::{Chunk, Mark};

use super::words::Word;

/// From full scale of 16 bits to the loudness of the Piper voice, whose RMS is 0.77 of espeak-ng's
/// (docs/measurements-tts.md).
const GAIN: f32 = 0.77 / 32768.0;

/// Loudness of the words of the second process in percent, in turn. As espeak-ng joins some words ("on the"), and finds
/// nothing to say in others, several steps tell how many words have begun.
pub(super) const STEPS: [u16; 6] = [100, 85, 70, 55, 40, 25];
/// Largest distance of a ratio from its step. Rounding to 16 bits moves it by up to 2 in speech; a window in which two
/// words meet lies anywhere between.
const STEP_TOLERANCE: f32 = 5.0;
/// Samples in which espeak-ng computes speech, and for which a ratio is taken.
const WINDOW: usize = 64;
/// Mean amplitude of a window, of 32768, from which its ratio means something.
const MEASURABLE: u32 = 16;
/// Windows of a step that show that its word has begun.
const CERTAIN: usize = 2;

/// Finds the words in the two sounds, and makes chunks that end with words.
pub(super) struct Teller<'a> {
    words: &'a [Word],
    trim: Trim,
    /// Samples passed to `emit`.
    emitted: u64,
    /// What has been heard since the last word that is certain to have ended.
    held: Vec<f32>,
    /// Samples before `held`.
    passed: usize,
    /// Samples before the next window.
    pub(super) at: usize,
    /// The word that is being spoken, or the last of several that are.
    word: usize,
    /// Where its sound begins and ends, as far as is known; none before it is measurable.
    sound: Option<(usize, usize)>,
    /// Another word that may have begun: how many words further, since where, and in how many windows.
    next: Option<(usize, usize, usize)>,
    /// Marks that have not been emitted; their samples are those before trimming.
    marks: VecDeque<(usize, usize)>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(words: &'a [Word], rate: u32) -> Self {
        Self {
            words,
            trim: Trim::new(rate),
            emitted: 0,
            held: Vec::new(),
            passed: 0,
            at: 0,
            word: 0,
            sound: None,
            next: None,
            marks: VecDeque::new(),
        }
    }

    /// Takes the next part of both sounds, a whole number of windows unless it is the last.
    pub(super) fn push(
        &mut self,
        heard: &[i16],
        stepped: &[i16],
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let scaled = heard.iter().map(|&sample| (f32::from(sample) * GAIN).clamp(-1.0, 1.0));
        self.held.extend(scaled);
        for (heard, stepped) in heard.chunks(WINDOW).zip(stepped.chunks(WINDOW)) {
            let begin = self.at;
            self.at += heard.len();
            let Some(step) = step(heard, stepped) else { continue };
            let further = (step + STEPS.len() - self.word % STEPS.len()) % STEPS.len();
            if further == 0 {
                self.next = None;
                self.sound = Some((self.sound.map_or(begin, |(first, _)| first), self.at));
                continue;
            }
            let (since, windows) = match self.next {
                Some((same, since, windows)) if same == further => (since, windows + 1),
                _ => (begin, 1),
            };
            self.next = Some((further, since, windows));
            if windows >= CERTAIN && self.word + further < self.words.len() {
                let (first, end) = self.sound.unwrap_or((since, since));
                self.end_words(self.word + further, first, end);
                self.next = None;
                self.sound = Some((since, self.at));
                self.pass(end, emit)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Marks the words before word `until`: they share the sound from `first` to `end`.
    fn end_words(&mut self, until: usize, first: usize, end: usize) {
        let units = || self.words[self.word..until].iter().flat_map(|word| &word.units);
        let all = units().map(|unit| unit.characters).sum::<usize>().max(1);
        let mut spoken = 0;
        let marks = units().map(|unit| {
            spoken += unit.characters;
            (first + (end - first) * spoken / all, unit.end)
        });
        self.marks.extend(marks);
        self.word = until;
    }

    /// Passes on what was heard up to a sample.
    fn pass(
        &mut self,
        end: usize,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let count = end.saturating_sub(self.passed).min(self.held.len());
        let heard: Vec<f32> = self.held.drain(..count).collect();
        self.passed += count;
        let samples = self.trim.push(&heard);
        if samples.is_empty() {
            return ControlFlow::Continue(());
        }
        self.emitted += samples.len() as u64;
        let ended = |&&(at, _): &&(usize, usize)| self.trim.place(at) as u64 <= self.emitted;
        let count = self.marks.iter().take_while(ended).count();
        let marks = self.take_marks(count);
        emit(Chunk { samples, marks, last: false })
    }

    fn take_marks(&mut self, count: usize) -> Vec<Mark> {
        let (trim, emitted) = (&self.trim, self.emitted);
        let mark = |(at, bytes)| Mark { samples: (trim.place(at) as u64).min(emitted), bytes };
        self.marks.drain(..count).map(mark).collect()
    }

    /// Ends the clause.
    pub(super) fn finish(
        mut self,
        stop: Option<Stop>,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (first, end) = self.sound.unwrap_or((0, 0));
        self.end_words(self.words.len(), first, end);
        self.pass(usize::MAX, emit)?;
        let Self { trim, marks, emitted, .. } = self;
        let place = |(at, bytes)| Mark { samples: trim.place(at) as u64, bytes };
        let mut marks: Vec<Mark> = marks.into_iter().map(place).collect();
        let samples = trim.finish(stop);
        let end = emitted + samples.len() as u64;
        marks.iter_mut().for_each(|mark| mark.samples = mark.samples.clamp(emitted, end));
        emit(Chunk { samples, marks, last: true })
    }
}

/// Which step the loudness of a window is at; none if it is silent or between two.
fn step(heard: &[i16], stepped: &[i16]) -> Option<usize> {
    let sum = |samples: &[i16]| samples.iter().map(|x| u32::from(x.unsigned_abs())).sum::<u32>();
    let (heard_sum, stepped_sum) = (sum(heard), sum(stepped));
    if heard_sum < MEASURABLE * heard.len() as u32 {
        return None;
    }
    let percent = 100.0 * stepped_sum as f32 / heard_sum as f32;
    STEPS.iter().position(|&step| (percent - f32::from(step)).abs() < STEP_TOLERANCE)
}

#[cfg(test)]
mod tests {
    use crate::tts::espeak_voice::words::words;

    use super::*;

    #[test]
    fn words_without_sound_of_their_own_share_that_of_the_word_before() {
        let words = words(&"on the river".into());
        let window = |step: u16| [[1000i16; WINDOW], [10 * step as i16; WINDOW]];
        let mut teller = Teller::new(&words, 1000);
        let mut marks = Vec::new();
        let mut emit = |chunk: Chunk| {
            marks.extend(chunk.marks);
            ControlFlow::Continue(())
        };
        for step in [0, 0, 0, 0, 0, 2, 2, 2] {
            let [heard, stepped] = window(STEPS[step]);
            assert!(teller.push(&heard, &stepped, &mut emit).is_continue());
        }
        let _ = teller.finish(None, &mut emit);
        let ends: Vec<_> = marks.iter().map(|mark| (mark.samples as usize, mark.bytes)).collect();
        assert_eq!(ends, [(2 * WINDOW, 2), (5 * WINDOW, 6), (8 * WINDOW, 12)]);
    }
}

#[cfg(test)]
mod fuzz {
    use bolero::produce;

    use crate::tts::espeak_voice::words::{stop, words};

    use super::*;

    #[test]
    fn any_two_sounds_give_marks_to_the_end_of_the_text() {
        let sounds = produce::<(String, Vec<(i16, u8)>)>();
        bolero::check!().with_generator(sounds).for_each(|(clause, sounds)| {
            let words = words(&clause.into());
            if words.is_empty() {
                return;
            }
            let each = |level: &dyn Fn(&(i16, u8)) -> i16| -> Vec<i16> {
                sounds.iter().flat_map(|sound| [level(sound); WINDOW]).collect()
            };
            let heard = each(&|sound| sound.0);
            let stepped = each(&|sound| {
                let step = STEPS[usize::from(sound.1) % STEPS.len()];
                (i32::from(sound.0) * i32::from(step) / 100) as i16
            });
            let mut chunks = Vec::new();
            let mut emit = |chunk| {
                chunks.push(chunk);
                ControlFlow::Continue(())
            };
            let mut teller = Teller::new(&words, 22_050);
            assert!(teller.push(&heard, &stepped, &mut emit).is_continue());
            let _ = teller.finish(stop(clause), &mut emit);
            let marks: Vec<Mark> =
                chunks.iter().flat_map(|chunk: &Chunk| chunk.marks.clone()).collect();
            assert!(marks.is_sorted_by(|a, b| a.samples <= b.samples && a.bytes < b.bytes));
            assert_eq!(marks.last().unwrap().bytes, clause.len());
            assert!(chunks.last().unwrap().last);
        });
    }
}
