//! A voice for every language that espeak-ng knows: espeak-ng synthesises the sound itself.
//!
//! espeak-ng is under the GPL, so it is run as a separate program and not linked. It writes sound, but not where in it
//! the words are. Two processes therefore speak the same text: one as it is heard, and one that is told with a command
//! before every word how loud the word shall be, each a step softer than the word before (`STEPS`). The commands
//! change nothing but the loudness, so the two sounds correspond sample by sample, and where their ratio changes a word
//! begins. Both take a thousandth of the time that the speech lasts.

mod marks;
mod mnemonics;
mod process;
mod words;

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use super::VoiceError;
use super::espeak::Espeak;
use super::pronunciation::Reading;
use super::pronunciation::phonemes::letters;
use super::voice::{Chunk, Mark, allowed};
use marks::{STEPS, Teller};
use mnemonics::mnemonics;
use process::{BLOCK, Process};
use words::{Word, script, stop, words};

/// Looked up on the PATH.
const PROGRAM: &str = "espeak-ng";
/// Spoken once at load: every language reads digits.
const PROBE: &str = "1";
/// espeak-ng's own pace, in words per minute.
const PACE: f32 = 175.0;
/// Longest wait for a process to read or write anything. It writes within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers about phonemes that are kept.
const MOST_KNOWN: usize = 1000;
/// Sound that a text may last, for each of its characters and once more: far more than any number or letter takes. A
/// process that writes without end is stopped there.
const LONGEST_CHARACTER: Duration = Duration::from_secs(10);

/// espeak-ng as a voice: turns clauses of text in one language into chunks of audio. It needs no model.
///
/// The first chunk is there within a few milliseconds. Marks are where the sound of each word ends: of 170, half are
/// within 6 ms of the word events of espeak-ng's own library, and all within 31 ms (by characters: 128 ms and 1.3 s;
/// docs/measurements-tts.md). Words that espeak-ng speaks as one share its sound in proportion to their characters, and
/// so do the characters of a script that does not part words.
///
/// There is no thread. Each clause has two processes, which are started when the clause before is done and wait for
/// their text; they are gone when [`Self::speak`] returns.
pub struct EspeakVoice {
    program: PathBuf,
    language: String,
    /// Relative to [`PACE`].
    pace: f32,
    rate: u32,
    patience: Duration,
    /// Started processes that wait for the next clause.
    standby: Option<Pair>,
    /// Transcribes, once phonemes are asked about.
    reader: Option<Espeak>,
    /// What was asked about already, and whether the language has it.
    known: HashMap<String, bool>,
}

impl EspeakVoice {
    /// Checks that espeak-ng runs and has the language, by one of the names that `espeak-ng --voices` lists, such as
    /// `de` or `en-us`, possibly with a variant, such as `de+f3`. `speed` is the voice's pace: 1 is espeak-ng's own
    /// (175 words per minute), 2 twice as fast; 0.25 to 4. espeak-ng does not go below 80 words per minute (0.46).
    ///
    /// # Errors
    /// [`VoiceError::Speed`], [`VoiceError::NoEspeak`] if espeak-ng is not installed, [`VoiceError::Language`] if it
    /// has no such language, [`VoiceError::Espeak`] if it fails otherwise.
    pub fn load(language: &str, speed: f32) -> Result<Self, VoiceError> {
        Self::load_program(PROGRAM.into(), language, speed, PATIENCE)
    }

    fn load_program(
        program: PathBuf,
        language: &str,
        speed: f32,
        patience: Duration,
    ) -> Result<Self, VoiceError> {
        let pace = allowed(speed)?;
        let unknown = || VoiceError::Language { language: language.to_owned() };
        // Anything else could be a path, or a list.
        let name = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
        if language.is_empty() || language.starts_with('-') || !language.chars().all(name) {
            return Err(unknown());
        }
        let language = language.to_owned();
        let mut voice = Self {
            program,
            language,
            pace,
            rate: 0,
            patience,
            standby: None,
            reader: None,
            known: HashMap::new(),
        };
        voice.rate = match voice.probe() {
            Err(VoiceError::Espeak { what }) if what.contains("voice does not exist") => {
                return Err(unknown());
            }
            other => other?,
        };
        voice.standby = voice.start(words_per_minute(pace)).ok();
        Ok(voice)
    }

    /// The sample rate, learnt from a sound.
    fn probe(&self) -> Result<u32, VoiceError> {
        let mut process = self.spawn(words_per_minute(self.pace))?;
        process.say(PROBE)?;
        let (mut sound, mut length) = (false, 0);
        loop {
            let samples = process.samples(BLOCK)?;
            sound |= samples.iter().any(|&sample| sample != 0);
            length += samples.len() as u64;
            if samples.is_empty() {
                break;
            }
            if process
                .rate
                .is_some_and(|rate| length > LONGEST_CHARACTER.as_secs() * u64::from(rate))
            {
                return Err(process.error("its sound does not end"));
            }
        }
        process.rate.filter(|_| sound).ok_or_else(|| process.error("no sound for a digit"))
    }

    /// Sample rate of all chunks, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.rate
    }

    /// Whether the language has all of these phonemes, which are in the International Phonetic Alphabet: espeak-ng leaves
    /// out those that it has not. The first question about phonemes takes some milliseconds.
    pub fn knows(&mut self, phonemes: &str) -> bool {
        if let Some(&known) = self.known.get(phonemes) {
            return known;
        }
        let known = self.transcribes(phonemes);
        if self.known.len() == MOST_KNOWN {
            self.known.clear();
        }
        self.known.insert(phonemes.to_owned(), known);
        known
    }

    /// Whether espeak-ng, given phonemes, transcribes them again by as many letters.
    fn transcribes(&mut self, phonemes: &str) -> bool {
        let Some(mnemonics) = mnemonics(phonemes) else { return false };
        if self.reader.is_none() {
            self.reader = Espeak::start(&self.language).ok();
        }
        let Some(reader) = &mut self.reader else { return false };
        match reader.read(&[format!("[[{mnemonics}]]")]) {
            Ok(read) => read.iter().map(|line| letters(line)).sum::<usize>() >= letters(phonemes),
            Err(error) => {
                tracing::warn!("phonemes were not checked: {error}");
                false
            }
        }
    }

    /// Speaks a clause: passes chunks to `emit` as they are made, the first one early; each ends with a word. The last
    /// chunk ends with the pause that the clause's punctuation asks for, and its last mark is at the end of the text.
    /// Stops when `emit` breaks. Marks count bytes of the reading's text ([`Reading::written`]). `speed` is relative to
    /// the voice's own pace: 1 is that pace, 2 twice as fast.
    ///
    /// The text is only ever read aloud: what espeak-ng would take for commands is spoken or left out, as are emoji. A
    /// clause with nothing to say gives one empty chunk.
    ///
    /// # Errors
    /// [`VoiceError::Speed`] if the pace times `speed` is not from 0.25 to 4, [`VoiceError::NoEspeak`] or
    /// [`VoiceError::Espeak`] if espeak-ng cannot be started, fails, or does nothing for five seconds. Chunks emitted
    /// before remain valid; the voice remains usable.
    pub fn speak<'a>(
        &mut self,
        clause: impl Into<Reading<'a>>,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), VoiceError> {
        let pace = words_per_minute(allowed(self.pace * speed)?);
        let reading = clause.into();
        let clause = reading.text();
        let words = words(&reading);
        if words.is_empty() {
            let marks = vec![Mark { samples: 0, bytes: clause.len() }];
            let _ = emit(Chunk { samples: Vec::new(), marks, last: true });
            return Ok(());
        }
        let begun = Cell::new(false);
        let mut emit = |chunk| {
            begun.set(true);
            emit(chunk)
        };
        let mut done = match self.standby.take().filter(|pair| pair.pace == pace) {
            Some(pair) => self.utter(pair, clause, &words, &mut emit),
            None => self.start(pace).and_then(|pair| self.utter(pair, clause, &words, &mut emit)),
        };
        if matches!(done, Err(VoiceError::Espeak { .. })) && !begun.get() {
            // A process may have died while it waited.
            done = self.start(pace).and_then(|pair| self.utter(pair, clause, &words, &mut emit));
        }
        // A failure to start is reported by the next clause.
        self.standby = self.start(pace).ok();
        done
    }

    fn utter(
        &self,
        mut pair: Pair,
        clause: &str,
        words: &[Word],
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), VoiceError> {
        pair.heard.say(&script(words, &STEPS[..1]))?;
        pair.stepped.say(&script(words, &STEPS))?;
        let characters = clause.chars().count() as u64 + 1;
        let longest = characters * LONGEST_CHARACTER.as_secs() * u64::from(self.rate);
        let mut teller = Teller::new(words, self.rate);
        loop {
            let (heard, stepped) = (pair.heard.samples(BLOCK)?, pair.stepped.samples(BLOCK)?);
            if heard.is_empty() {
                break;
            }
            if pair.heard.rate != Some(self.rate) {
                return Err(pair.heard.error("another sample rate than before"));
            }
            if teller.at as u64 > longest {
                return Err(pair.heard.error("its sound does not end"));
            }
            if teller.push(&heard, &stepped, emit).is_break() {
                return Ok(());
            }
        }
        let _ = teller.finish(stop(clause), emit);
        Ok(())
    }

    fn start(&self, pace: u32) -> Result<Pair, VoiceError> {
        Ok(Pair { pace, heard: self.spawn(pace)?, stepped: self.spawn(pace)? })
    }

    fn spawn(&self, pace: u32) -> Result<Process, VoiceError> {
        Process::start(&self.program, &self.language, pace, self.patience)
            .map_err(|source| VoiceError::NoEspeak { source })
    }
}

fn words_per_minute(speed: f32) -> u32 {
    (PACE * speed).round() as u32
}

/// Two processes that wait for the same text.
struct Pair {
    /// Words per minute.
    pace: u32,
    heard: Process,
    stepped: Process,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::process::tests::HEADER;
    use super::*;

    /// Loads a voice whose program is a shell script.
    fn scripted(folder: &tempfile::TempDir, body: &str) -> Result<EspeakVoice, VoiceError> {
        let path = folder.path().join("espeak");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        EspeakVoice::load_program(path, "en", 1.0, Duration::from_millis(300))
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_install() {
        let program = PathBuf::from("espeak-ng-that-is-not-there");
        let error = EspeakVoice::load_program(program, "en", 1.0, PATIENCE).err().unwrap();
        assert!(error.to_string().contains("apt-get install espeak-ng"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_dies_or_writes_something_else_is_an_error_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let header = HEADER.iter().map(|byte| format!("\\{byte:03o}")).collect::<String>();
        for (body, said) in [
            ("exec sleep 60".to_owned(), "no longer answers"),
            ("exec >&-; exec sleep 60".to_owned(), "no longer answers"),
            ("cat >/dev/null; echo 'no data' >&2; exit 3".to_owned(), "no data"),
            ("kill -KILL $$".to_owned(), "signal"),
            ("exec yes".to_owned(), "no WAV"),
            ("printf RIFF".to_owned(), "within the header"),
            ("exec true".to_owned(), "no sound"),
            (format!("printf '{header}'; exec cat /dev/zero"), "does not end"),
        ] {
            let begun = Instant::now();
            let error = scripted(&folder, &body).err().unwrap();
            assert!(error.to_string().contains(said), "{body}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{body}");
        }
    }

    #[test]
    fn a_program_that_hangs_in_a_clause_fails_the_clause_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hang");
        let body =
            format!("[ -e {file} ] && exec sleep 60; exec {PROGRAM} \"$@\"", file = file.display());
        let mut voice = scripted(&folder, &body).unwrap();
        fs::write(&file, "").unwrap();
        // The processes that wait were started before.
        voice.standby = None;
        let mut speak = || voice.speak("Hello there.", 1.0, &mut |_| ControlFlow::Continue(()));
        let error = speak().unwrap_err();
        assert!(matches!(error, VoiceError::Espeak { .. }), "{error}");
        fs::remove_file(&file).unwrap();
        speak().unwrap();
    }
}
