//! A voice for every language that espeak-ng knows: espeak-ng synthesises the sound itself.
//!
//! espeak-ng is under the GPL, so it is run as a separate program and not linked. It writes sound, but not where in it
//! the words are. Two processes therefore speak the same text: one as it is heard, and one that is told with a command
//! before every word how loud the word shall be, each a step softer than the word before ([`STEPS`]). The commands
//! change nothing but the loudness, so the two sounds correspond sample by sample, and where their ratio changes a word
//! begins. Both take a thousandth of the time that the speech lasts.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::VoiceError;
use super::normalise::Stop;
use super::trim::Trim;
use super::voice::{Chunk, Mark, allowed};

/// Looked up on the PATH.
const PROGRAM: &str = "espeak-ng";
/// Spoken once at load: every language reads digits.
const PROBE: &str = "1";
/// espeak-ng's own pace, in words per minute.
const PACE: f32 = 175.0;
/// Longest wait for a process to read or write anything. It writes within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Samples read at once.
const BLOCK: usize = 4096;
/// Sound that a text may last, for each of its characters and once more: far more than any number or letter takes. A
/// process that writes without end is stopped there.
const LONGEST_CHARACTER: Duration = Duration::from_secs(10);
/// From full scale of 16 bits to the loudness of the Piper voice, whose RMS is 0.77 of espeak-ng's
/// (docs/measurements-tts.md).
const GAIN: f32 = 0.77 / 32768.0;

/// Loudness of the words of the second process in percent, in turn. As espeak-ng joins some words ("on the"), and finds
/// nothing to say in others, several steps tell how many words have begun.
const STEPS: [u16; 6] = [100, 85, 70, 55, 40, 25];
/// Largest distance of a ratio from its step. Rounding to 16 bits moves it by up to 2 in speech; a window in which two
/// words meet lies anywhere between.
const STEP_TOLERANCE: f32 = 5.0;
/// Samples in which espeak-ng computes speech, and for which a ratio is taken.
const WINDOW: usize = 64;
/// Mean amplitude of a window, of 32768, from which its ratio means something.
const MEASURABLE: u32 = 16;
/// Windows of a step that show that its word has begun.
const CERTAIN: usize = 2;

/// Longest header of a sound file before its samples.
const HEADER_BYTES: usize = 4096;
/// Lengths from here on, and zero, stand in headers of sounds whose length was unknown when they were begun.
const UNKNOWN_LENGTH: u32 = 0x7fff_0000;

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
        let mut voice = Self { program, language, pace, rate: 0, patience, standby: None };
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

    /// Speaks a clause: passes chunks to `emit` as they are made, the first one early; each ends with a word. The last
    /// chunk ends with the pause that the clause's punctuation asks for, and its last mark is at the end of the text.
    /// Stops when `emit` breaks. `speed` is relative to the voice's own pace: 1 is that pace, 2 twice as fast.
    ///
    /// The text is only ever read aloud: what espeak-ng would take for commands is spoken or left out, as are emoji. A
    /// clause with nothing to say gives one empty chunk.
    ///
    /// # Errors
    /// [`VoiceError::Speed`] if the pace times `speed` is not from 0.25 to 4, [`VoiceError::NoEspeak`] or
    /// [`VoiceError::Espeak`] if espeak-ng cannot be started, fails, or does nothing for five seconds. Chunks emitted
    /// before remain valid; the voice remains usable.
    pub fn speak(
        &mut self,
        clause: &str,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), VoiceError> {
        let pace = words_per_minute(allowed(self.pace * speed)?);
        let words = words(clause);
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

    /// Starts a process that waits for its text. It is in a process group of its own: Ctrl-C in the terminal is not for
    /// it.
    fn spawn(&self, pace: u32) -> Result<Process, VoiceError> {
        let start = || {
            let mut child = Command::new(&self.program)
                .args(["--stdin", "--stdout", "-b", "1", "-s", &pace.to_string()])
                .args(["-v", &self.language])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .process_group(0)
                .spawn()?;
            let stdin = child.stdin.take();
            if let Some(stdin) = &stdin {
                // A process that is stopped and reads no more must not block in `write`.
                rustix::io::ioctl_fionbio(stdin, true)?;
            }
            let stdout = child.stdout.take();
            Ok(Process {
                stdin,
                stdout,
                language: self.language.clone(),
                patience: self.patience,
                unread: Vec::new(),
                rate: None,
                left: None,
                child,
            })
        };
        start().map_err(|source| VoiceError::NoEspeak { source })
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

/// An espeak-ng that speaks one text. Dropping it kills it.
struct Process {
    child: Child,
    /// None once the text has been written.
    stdin: Option<ChildStdin>,
    /// None once all of it has been read.
    stdout: Option<ChildStdout>,
    language: String,
    patience: Duration,
    /// What was read and not returned: of the header, or of samples.
    unread: Vec<u8>,
    /// From the header; none before it.
    rate: Option<u32>,
    /// Bytes of samples still to come, if the header says so.
    left: Option<usize>,
}

impl Process {
    /// Writes the text and closes the pipe. What a process that has died says is found when its sound is read.
    fn say(&mut self, text: &str) -> Result<(), VoiceError> {
        let mut rest = text.as_bytes();
        while let Some(mut stdin) = self.stdin.take().filter(|_| !rest.is_empty()) {
            self.wait(&stdin, PollFlags::OUT)?;
            match stdin.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if is_temporary(&error) => {}
                Err(_) => break,
            }
            self.stdin = Some(stdin);
        }
        Ok(())
    }

    /// The next samples, fewer than `count` only at the end of the sound.
    fn samples(&mut self, count: usize) -> Result<Vec<i16>, VoiceError> {
        loop {
            let whole = self.unread.len() / 2;
            let ended = self.stdout.is_none();
            if self.rate.is_some() && (whole >= count || ended) {
                let bytes: Vec<u8> = self.unread.drain(..2 * whole.min(count)).collect();
                let sample = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]);
                return Ok(bytes.chunks_exact(2).map(sample).collect());
            }
            if ended {
                // Without anything to say there is not even a header.
                return if self.unread.is_empty() {
                    Ok(Vec::new())
                } else {
                    Err(self.error("its sound ends within the header"))
                };
            }
            self.read()?;
            self.parse()?;
        }
    }

    /// Reads what is there, and waits until something is.
    fn read(&mut self) -> Result<(), VoiceError> {
        let Some(mut stdout) = self.stdout.take() else { return Ok(()) };
        self.wait(&stdout, PollFlags::IN)?;
        let mut buffer = [0; 2 * BLOCK];
        match stdout.read(&mut buffer) {
            Ok(0) => return self.ended(),
            Ok(length) => {
                let length = self.left.map_or(length, |left| left.min(length));
                self.left = self.left.map(|left| left - length);
                self.unread.extend_from_slice(&buffer[..length]);
            }
            Err(error) if is_temporary(&error) => {}
            Err(error) => return Err(self.error(&error.to_string())),
        }
        self.stdout = Some(stdout);
        Ok(())
    }

    /// Takes the header off, once it is there.
    fn parse(&mut self) -> Result<(), VoiceError> {
        if self.rate.is_some() || self.stdout.is_none() {
            return Ok(());
        }
        match header(&self.unread) {
            Ok(Some(header)) => {
                self.unread.drain(..header.bytes);
                self.rate = Some(header.rate);
                if let Some(length) = header.length {
                    self.unread.truncate(length);
                    self.left = Some(length - self.unread.len());
                }
                Ok(())
            }
            Ok(None) if self.unread.len() <= HEADER_BYTES => Ok(()),
            Ok(None) => Err(self.error("a sound without samples")),
            Err(what) => Err(self.error(what)),
        }
    }

    /// The process has closed its output: it has ended, or is about to.
    fn ended(&mut self) -> Result<(), VoiceError> {
        let (status, said) = self.end()?;
        if status.success() {
            return Ok(());
        }
        let what = if said.is_empty() { status.to_string() } else { said };
        Err(self.error(&what))
    }

    /// Waits for the end of the process; returns how it ended and what it said on standard error.
    fn end(&mut self) -> Result<(ExitStatus, String), VoiceError> {
        let mut said = Vec::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let deadline = Instant::now() + self.patience;
            let mut buffer = [0; 1024];
            loop {
                self.wait_until(&stderr, PollFlags::IN, deadline)?;
                match stderr.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) if said.len() < HEADER_BYTES => {
                        said.extend_from_slice(&buffer[..length]);
                    }
                    Ok(_) => {}
                    Err(error) if is_temporary(&error) => {}
                    Err(_) => break,
                }
            }
        }
        // It has closed its pipes, as only its exit does. The signal ends one that closed them by itself, and changes
        // nothing for one that exits, not even its status.
        let _ = self.child.kill();
        let status = self.child.wait().map_err(|error| self.error(&error.to_string()))?;
        Ok((status, String::from_utf8_lossy(&said).trim().to_owned()))
    }

    fn wait(&self, pipe: &impl AsFd, flags: PollFlags) -> Result<(), VoiceError> {
        self.wait_until(pipe, flags, Instant::now() + self.patience)
    }

    /// Waits until the pipe is ready, or its other end is closed.
    fn wait_until(
        &self,
        pipe: &impl AsFd,
        flags: PollFlags,
        deadline: Instant,
    ) -> Result<(), VoiceError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(|error| self.error(&error.to_string()))?;
            match poll(&mut [PollFd::new(pipe, flags)], Some(&left)) {
                Ok(0) => return Err(self.error("it no longer answers and was ended")),
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.error(&error.to_string())),
            }
        }
    }

    fn error(&self, what: &str) -> VoiceError {
        VoiceError::Espeak { what: format!("voice \"{}\": {what}", self.language) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either call fails only if the process has already exited and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The beginning of a sound file.
#[derive(Debug, PartialEq)]
struct Header {
    /// Its own length.
    bytes: usize,
    rate: u32,
    /// Bytes of samples, unless they go on to the end of the file.
    length: Option<usize>,
}

/// Reads a WAV header of 16-bit mono sound: none if `bytes` ends before the first sample could come, an error if it is
/// something else.
fn header(bytes: &[u8]) -> Result<Option<Header>, &'static str> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        four.try_into().ok().map(u32::from_le_bytes)
    };
    let known = bytes.len().min(4);
    if bytes[..known] != b"RIFF"[..known] || bytes.get(8..12).is_some_and(|kind| kind != b"WAVE") {
        return Err("its sound is no WAV");
    }
    let (mut at, mut rate) = (12, None);
    while let (Some(name), Some(length)) = (bytes.get(at..at + 4), number(at + 4)) {
        let begin = at + 8;
        match (name, rate) {
            (b"data", Some(rate)) => {
                let known = length != 0 && length < UNKNOWN_LENGTH;
                return Ok(Some(Header {
                    bytes: begin,
                    rate,
                    length: known.then_some(length as usize),
                }));
            }
            (b"fmt ", _) => {
                let Some(format) = bytes.get(begin..begin + 16) else { return Ok(None) };
                // Integer samples, one channel; 16 bits of them.
                if format[..4] != [1, 0, 1, 0] || format[14..] != [16, 0] {
                    return Err("its sound is not of 16 bits in one channel");
                }
                rate = number(begin + 4).filter(|rate| (8000..=192_000).contains(rate));
                if rate.is_none() {
                    return Err("its sound has no usable sample rate");
                }
            }
            _ => {}
        }
        // Parts are padded to an even length.
        at = begin.saturating_add(length as usize).saturating_add(length as usize % 2);
        if at > HEADER_BYTES {
            return Err("a sound without samples");
        }
    }
    Ok(None)
}

/// A word of the clause, or several characters of a script that does not part words.
#[derive(Debug, PartialEq)]
struct Word {
    /// What espeak-ng is given: without commands and without line ends.
    text: String,
    /// The ends in the clause of what gets a mark, with the characters of each.
    units: Vec<Unit>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    characters: usize,
    end: usize,
}

/// The words of a clause. The last ends with the clause.
fn words(clause: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Whether the next character begins a word.
    let mut apart = true;
    for (at, c) in clause.char_indices() {
        if is_unspoken(c) {
            apart = true;
            continue;
        }
        // Two square brackets begin phonemes.
        let c = match c {
            '[' => '(',
            ']' => ')',
            c => c,
        };
        if apart {
            words.push(Word { text: String::new(), units: Vec::new() });
        }
        let Some(word) = words.last_mut() else { continue };
        word.text.push(c);
        let end = at + c.len_utf8();
        match word.units.last_mut() {
            Some(unit) if !is_unparted(c) => {
                unit.characters += 1;
                unit.end = end;
            }
            _ => word.units.push(Unit { characters: 1, end }),
        }
        apart = "。、，！？；：".contains(c);
    }
    // What has only punctuation belongs to the word before it.
    let mut sounding: Vec<Word> = Vec::new();
    for word in words {
        if word.text.contains(char::is_alphanumeric) {
            sounding.push(word);
        } else if let Some(last) = sounding.last_mut() {
            last.text.push(' ');
            last.text.push_str(&word.text);
        }
    }
    if let Some(unit) = sounding.last_mut().and_then(|word| word.units.last_mut()) {
        unit.end = clause.len();
    }
    sounding
}

/// Whether a character parts words and is not read aloud: spaces, control characters, of which espeak-ng takes some for
/// commands, and pictures, whose names nobody wants to hear.
fn is_unspoken(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}' | '\u{1f000}'..='\u{1faff}' | '\u{e0000}'..='\u{10ffff}')
}

/// Whether a character is of a script that does not part words: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
fn is_unparted(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        && c.is_alphanumeric()
}

/// What espeak-ng is given: each word behind a command (control-A, a number, A) that sets its loudness.
fn script(words: &[Word], steps: &[u16]) -> String {
    let word = |(word, step): (&Word, &u16)| format!("\u{1}{step}A{}", word.text);
    words.iter().zip(steps.iter().cycle()).map(word).collect::<Vec<_>>().join(" ") + "\n"
}

/// The stop at the end of a clause.
fn stop(clause: &str) -> Option<Stop> {
    let end = |c: char| c.is_whitespace() || "\"'”’»)]」』".contains(c);
    match clause.trim_end_matches(end).chars().last()? {
        ',' | '،' | '、' | '，' => Some(Stop::Comma),
        ':' | '：' => Some(Stop::Colon),
        ';' | '；' | '؛' => Some(Stop::Semicolon),
        '.' | '。' | '…' | '।' | '．' => Some(Stop::Period),
        '!' | '！' => Some(Stop::Exclamation),
        '?' | '？' | '؟' => Some(Stop::Question),
        _ => None,
    }
}

/// Finds the words in the two sounds, and makes chunks that end with words.
struct Teller<'a> {
    words: &'a [Word],
    trim: Trim,
    /// Samples passed to `emit`.
    emitted: u64,
    /// What has been heard since the last word that is certain to have ended.
    held: Vec<f32>,
    /// Samples before `held`.
    passed: usize,
    /// Samples before the next window.
    at: usize,
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
    fn new(words: &'a [Word], rate: u32) -> Self {
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
    fn push(
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
    fn finish(
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HEADER: &[u8; 44] =
        b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0\
        data\0\xf0\xff\x7f";

    fn texts(clause: &str) -> Vec<String> {
        words(clause).into_iter().map(|word| word.text).collect()
    }

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

    #[test]
    fn a_header_is_read_with_and_without_the_length_of_the_sound() {
        let expected = Header { bytes: 44, rate: 22_050, length: None };
        assert_eq!(header(HEADER), Ok(Some(expected)));
        let with = |length: u32| [&HEADER[..40], &length.to_le_bytes()].concat();
        for (length, known) in [(0, None), (6, Some(6)), (u32::MAX, None), (0x7fff_ffff, None)] {
            assert_eq!(header(&with(length)).unwrap().unwrap().length, known);
        }
        let other = [&HEADER[..36], b"LIST\x03\0\0\0abc\0", &HEADER[36..]].concat();
        assert_eq!(header(&other).unwrap().unwrap().bytes, 56);
        for length in 0..HEADER.len() {
            assert_eq!(header(&HEADER[..length]), Ok(None), "{length}");
        }
        for (at, byte) in [(0, b'X'), (8, b'X'), (20, 3), (22, 2), (34, 8), (24, 0), (26, 9)] {
            let mut damaged = *HEADER;
            damaged[at] = byte;
            if at == 24 {
                damaged[25] = 0;
            }
            assert!(header(&damaged).is_err(), "{at}");
        }
    }

    #[test]
    fn words_hold_nothing_that_espeak_takes_for_a_command() {
        assert_eq!(texts("a\u{1}9A b\0c [[x]] 👋 d"), ["a", "9A", "b", "c", "((x))", "d"]);
        assert_eq!(texts("- Oh , no !"), ["Oh ,", "no !"]);
        assert_eq!(texts("你好，今天。"), ["你好，", "今天。"]);
        assert_eq!(words("你好，今天。").iter().map(|word| word.units.len()).sum::<usize>(), 4);
    }

    #[test]
    fn words_without_sound_of_their_own_share_that_of_the_word_before() {
        let words = words("on the river");
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

    #[test]
    fn stops_of_other_scripts_count() {
        assert_eq!(stop("「はい。」"), Some(Stop::Period));
        assert_eq!(stop("كيف حالك؟"), Some(Stop::Question));
        assert_eq!(stop("well,\n"), Some(Stop::Comma));
        assert_eq!(stop("so"), None);
    }
}

#[cfg(test)]
mod fuzz {
    use bolero::produce;

    use super::*;

    #[test]
    fn any_bytes_are_a_header_the_beginning_of_one_or_an_error() {
        bolero::check!().with_generator(produce::<(u8, Vec<u8>)>()).for_each(|(part, bytes)| {
            let begin =
                &b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\0\0\0\0\x02\0\x10\0"[..];
            let bytes = [&begin[..usize::from(*part).min(begin.len())], bytes].concat();
            if let Ok(Some(header)) = header(&bytes) {
                assert!(header.bytes <= bytes.len());
            }
        });
    }

    #[test]
    fn any_two_sounds_give_marks_to_the_end_of_the_text() {
        let sounds = produce::<(String, Vec<(i16, u8)>)>();
        bolero::check!().with_generator(sounds).for_each(|(clause, sounds)| {
            let words = words(clause);
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
