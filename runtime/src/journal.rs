//! The events of a call, written down in their order.
//!
//! A journal is JSON Lines: a header, then one line for each event with the actions it led to.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use duplex_core::{Action, DuplexSession, Event, Policy, SessionTime};
use serde::{Deserialize, Serialize};

use crate::SessionStep;

/// Version of what this program writes and reads. It changes with everything that is written: the policy, the events
/// and the actions, their fields too. `tests/golden.rs` checks that.
const VERSION: u32 = 9;

/// Why a journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not what a journal has there.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The journal.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal was written by another version of the program.
    #[error(
        "{} is a journal of version {found}, this program reads {VERSION}: record the call again, or replay it with \
         the program that wrote it",
        path.display()
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
}

/// Longest line in bytes: the context of a conversation of many hours.
const LONGEST_LINE: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    journal: u32,
    policy: Policy,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    at: SessionTime,
    event: Event,
    actions: Vec<Action>,
}

/// The writing end of a journal.
#[derive(Debug)]
pub struct Journal {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Journal {
    /// Version of what is written and read.
    pub const VERSION: u32 = VERSION;

    /// Begins a journal of a session with this policy.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn create(path: &Path, policy: &Policy) -> Result<Self, JournalError> {
        let file = File::create(path)
            .map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
        let mut journal = Self { file: BufWriter::new(file), path: path.to_owned() };
        journal.line(&Header { journal: VERSION, policy: policy.clone() })?;
        Ok(journal)
    }

    /// Writes down an event and what it led to.
    ///
    /// # Errors
    /// The file cannot be written: the disk may be full.
    pub fn push(
        &mut self,
        at: SessionTime,
        event: &Event,
        actions: &[Action],
    ) -> Result<(), JournalError> {
        let (event, actions) = (event.clone(), actions.to_vec());
        let silent =
            matches!(event, Event::VoiceActivity(_) | Event::Played { .. }) && actions.is_empty();
        self.line(&Entry { at, event, actions })?;
        // What matters is flushed at once; a program that is killed loses a few voice activity frames.
        if silent { Ok(()) } else { self.flush() }
    }

    /// Puts everything on disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        self.file.flush().map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let written = serde_json::to_writer(&mut self.file, value)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

/// The first event after which a replayed session acts differently from the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Line of the journal, counted from 1.
    pub line: usize,
    /// The moment.
    pub at: SessionTime,
    /// What happened.
    pub event: Event,
    /// What was done then.
    pub then: Vec<Action>,
    /// What is done now.
    pub now: Vec<Action>,
}

/// Steps a fresh session through a journal. Returns how many events it holds, and the first
/// difference, where there is one. A last line that was cut off by a crash is left out.
///
/// # Errors
/// The journal cannot be read.
pub fn replay(path: &Path) -> Result<(usize, Option<Difference>), JournalError> {
    replay_seen(path, &mut |_| ())
}

/// As [`replay`]; `observer` sees every event and what the session does now.
///
/// # Errors
/// The journal cannot be read.
pub fn replay_seen(
    path: &Path,
    observer: &mut dyn FnMut(SessionStep<'_>),
) -> Result<(usize, Option<Difference>), JournalError> {
    let file =
        File::open(path).map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
    replay_from(path, BufReader::new(file), observer)
}

/// As [`replay_seen`], of a journal that is no file; `name` stands for its path in errors.
///
/// # Errors
/// The journal cannot be read.
pub fn replay_from(
    name: &Path,
    mut reader: impl BufRead,
    observer: &mut dyn FnMut(SessionStep<'_>),
) -> Result<(usize, Option<Difference>), JournalError> {
    let io = |source| JournalError::Io { path: name.to_owned(), source };
    let malformed =
        |line, reason: String| JournalError::Malformed { path: name.to_owned(), line, reason };
    let mut text = Vec::new();
    // Bytes, because a crash may cut a line within a character; limited, because a file may have no line end at all.
    let mut next = |text: &mut Vec<u8>| -> Result<usize, JournalError> {
        text.clear();
        (&mut reader).take(LONGEST_LINE).read_until(b'\n', text).map_err(io)
    };
    next(&mut text)?;
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| malformed(1, format!("not the header of a journal: {error}")))?;
    match value.get("journal").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => {
            return Err(JournalError::Version { path: name.to_owned(), found: version });
        }
        None => return Err(malformed(1, "not the header of a journal".to_owned())),
    }
    let header: Header =
        serde_json::from_value(value).map_err(|error| malformed(1, error.to_string()))?;
    let mut session = DuplexSession::new(header.policy);
    let mut line = 1;
    loop {
        if next(&mut text)? == 0 {
            return Ok((line - 1, None));
        }
        line += 1;
        let entry: Entry = match serde_json::from_slice(&text) {
            Ok(entry) => entry,
            Err(_) if text.len() as u64 == LONGEST_LINE => {
                return Err(malformed(line, "the line is longer than any of a journal".to_owned()));
            }
            Err(_) if !text.ends_with(b"\n") => return Ok((line - 2, None)),
            Err(error) => return Err(malformed(line, error.to_string())),
        };
        let now = session.step(entry.at, entry.event.clone());
        observer(SessionStep { at: entry.at, event: &entry.event, actions: &now });
        if now != entry.actions {
            let Entry { at, event, actions: then } = entry;
            return Ok((line - 1, Some(Difference { line, at, event, then, now })));
        }
    }
}
