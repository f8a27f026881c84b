//! An espeak-ng that speaks one text, and the sound that it writes.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::tts::VoiceError;

/// Samples read at once.
pub(super) const BLOCK: usize = 4096;

/// Longest header of a sound file before its samples.
const HEADER_BYTES: usize = 4096;
/// Lengths from here on, and zero, stand in headers of sounds whose length was unknown when they were begun.
const UNKNOWN_LENGTH: u32 = 0x7fff_0000;

/// An espeak-ng that speaks one text. Dropping it kills it.
pub(super) struct Process {
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
    pub(super) rate: Option<u32>,
    /// Bytes of samples still to come, if the header says so.
    left: Option<usize>,
}

impl Process {
    /// Starts a process that waits for its text, to be spoken in a language at a pace in words per minute. It is in a
    /// process group of its own: Ctrl-C in the terminal is not for it.
    pub(super) fn start(
        program: &Path,
        language: &str,
        pace: u32,
        patience: Duration,
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["--stdin", "--stdout", "-b", "1", "-s", &pace.to_string(), "-v", language])
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
        let language = language.to_owned();
        let unread = Vec::new();
        Ok(Self { stdin, stdout, language, patience, unread, rate: None, left: None, child })
    }

    /// Writes the text and closes the pipe. What a process that has died says is found when its sound is read.
    pub(super) fn say(&mut self, text: &str) -> Result<(), VoiceError> {
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
    pub(super) fn samples(&mut self, count: usize) -> Result<Vec<i16>, VoiceError> {
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

    pub(super) fn error(&self, what: &str) -> VoiceError {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::tts) const HEADER: &[u8; 44] =
        b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0\
        data\0\xf0\xff\x7f";

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
}
