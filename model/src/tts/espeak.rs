//! Phonemes from espeak-ng, run as a separate process.
//!
//! espeak-ng is under the GPL, so it is run as a separate program and not linked. One process transcribes one clause.
//! It is started ahead of time and waits on its standard input with its dictionaries loaded, so that its start-up time
//! does not delay the clause.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};

use super::VoiceError;

/// Looked up on the PATH.
const PROGRAM: &str = "espeak-ng";
/// Transcribed once at load, to check that the program runs and knows the voice.
const PROBE: &str = "hello";
/// Bytes given to one process. Less than the capacity of a pipe, so that the process can write its whole answer before
/// any of it is read.
const BATCH_BYTES: usize = 8 * 1024;

/// espeak-ng with one of its voices.
pub(super) struct Espeak {
    program: &'static str,
    voice: String,
    /// A started process that waits for the next clause.
    standby: Option<Child>,
}

impl Espeak {
    /// Checks that the program runs and knows the voice.
    pub(super) fn start(voice: &str) -> Result<Self, VoiceError> {
        Self::start_program(PROGRAM, voice)
    }

    fn start_program(program: &'static str, voice: &str) -> Result<Self, VoiceError> {
        let mut espeak = Self { program, voice: voice.to_owned(), standby: None };
        if espeak.read(&[PROBE.to_owned()])?.iter().all(String::is_empty) {
            return Err(VoiceError::Espeak { what: format!("no phonemes for \"{PROBE}\"") });
        }
        espeak.prepare();
        Ok(espeak)
    }

    /// Starts the process that the next call of [`Self::read`] uses. A failure to start is reported there.
    pub(super) fn prepare(&mut self) {
        if self.standby.is_none() {
            self.standby = self.spawn().ok();
        }
    }

    /// The phonemes of each line, in the International Phonetic Alphabet with stress marks and with spaces between the
    /// words. Lines must contain words only, no punctuation.
    pub(super) fn read(&mut self, lines: &[String]) -> Result<Vec<String>, VoiceError> {
        let mut phonemes = Vec::with_capacity(lines.len());
        let mut rest = lines;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fit = rest.iter().take_while(|line| {
                bytes += line.len() + 1;
                bytes <= BATCH_BYTES
            });
            let (batch, after) = rest.split_at(fit.count().max(1));
            phonemes.extend(self.read_batch(batch)?);
            rest = after;
        }
        Ok(phonemes)
    }

    fn read_batch(&mut self, lines: &[String]) -> Result<Vec<String>, VoiceError> {
        let answer = self.exchange(lines)?;
        if answer.lines().count() == lines.len() {
            return Ok(answer.lines().map(clean).collect());
        }
        // A line that espeak-ng splits into several clauses gives several lines. When lines are sent one at a time, the
        // whole answer belongs to its line.
        lines
            .iter()
            .map(|line| {
                let answer = self.exchange(std::slice::from_ref(line))?;
                Ok(clean(&answer.replace('\n', " ")))
            })
            .collect()
    }

    /// Sends the lines to one process and reads all its output.
    fn exchange(&mut self, lines: &[String]) -> Result<String, VoiceError> {
        let failed = |error: io::Error| VoiceError::Espeak { what: error.to_string() };
        let mut child = match self.standby.take() {
            Some(child) => child,
            None => self.spawn().map_err(|source| VoiceError::NoEspeak { source })?,
        };
        let mut text = lines.join("\n");
        text.push('\n');
        // A process that has died reports why on standard error; the broken pipe is only a consequence.
        let written = match child.stdin.take() {
            Some(mut stdin) => stdin.write_all(text.as_bytes()),
            None => Ok(()),
        };
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let what = if said.is_empty() { output.status.to_string() } else { said };
            return Err(VoiceError::Espeak { what: format!("voice \"{}\": {what}", self.voice) });
        }
        written.map_err(failed)?;
        String::from_utf8(output.stdout)
            .map_err(|_| VoiceError::Espeak { what: "phonemes that are not UTF-8".to_owned() })
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(self.program)
            .args(["-q", "--ipa", "-b", "1", "-v", &self.voice])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

impl Drop for Espeak {
    fn drop(&mut self) {
        if let Some(mut child) = self.standby.take() {
            // Closing its input makes it exit by itself; waiting avoids a zombie.
            drop(child.stdin.take());
            let mut said = Vec::new();
            if let Some(mut stdout) = child.stdout.take() {
                let _ = stdout.read_to_end(&mut said);
            }
            let _ = child.wait();
        }
    }
}

/// Removes the language flags, such as "(fr)", that espeak-ng puts around words of another language, and doubled
/// spaces.
fn clean(line: &str) -> String {
    let mut depth = 0usize;
    let kept: String = line
        .chars()
        .filter(|&c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_install() {
        let error = Espeak::start_program("espeak-ng-that-is-not-there", "en-us").err().unwrap();
        assert!(error.to_string().contains("apt-get install espeak-ng"), "{error}");
    }

    #[test]
    fn an_unknown_voice_is_named_at_start() {
        let error = Espeak::start("xx-nobody").err().unwrap();
        assert!(error.to_string().contains("xx-nobody"), "{error}");
    }

    #[test]
    fn each_line_gives_one_line_of_phonemes_again_and_again() {
        let mut espeak = Espeak::start("en-us").unwrap();
        for _ in 0..2 {
            let read = espeak.read(&lines(&["hello there", "a lot of the time"])).unwrap();
            assert_eq!(read, ["həlˈoʊ ðˈɛɹ", "ɐ lˈɑːt ʌvðə tˈaɪm"]);
            espeak.prepare();
        }
    }

    #[test]
    fn a_line_that_espeak_splits_stays_one_line() {
        let mut espeak = Espeak::start("en-us").unwrap();
        let read = espeak.read(&lines(&["hello, there", "you"])).unwrap();
        assert_eq!(read, ["həlˈoʊ ðˈɛɹ", "jˈuː"]);
    }

    #[test]
    fn more_text_than_a_pipe_holds_is_read() {
        let mut espeak = Espeak::start("en-us").unwrap();
        let many = vec!["the quick brown fox jumps over the lazy dog".to_owned(); 400];
        let read = espeak.read(&many).unwrap();
        assert_eq!(read.len(), many.len());
        assert!(read.iter().all(|line| line == &read[0]));
    }

    #[test]
    fn flags_of_language_are_no_phonemes() {
        assert_eq!(clean("(fr)bɔ̃ʒˈuʁ(en-us)  ðˈɛɹ"), "bɔ̃ʒˈuʁ ðˈɛɹ");
    }
}
