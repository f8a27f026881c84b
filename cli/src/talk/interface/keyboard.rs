//! The keys of the terminal.

use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::{AsFd as _, BorrowedFd},
    thread,
    time::{Duration, Instant},
};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::terminal::{Keys, write};

/// Events that are taken from the terminal at once.
const AT_ONCE: usize = 4096;
/// How long a terminal may take to say what it can do: those that do not know the question never answer.
const ANSWER: Duration = Duration::from_secs(1);
/// Asks which keys the terminal tells more of, in the protocol of kitty, and then what kind of terminal it is, which
/// any answers (<https://sw.kovidgoyal.net/kitty/keyboard-protocol/#detection-of-support-for-this-protocol>).
const QUESTION: &[u8] = b"\x1b[?u\x1b[c";

/// The keys of the terminal, and what was typed before anybody asked for them.
pub(super) struct Keyboard {
    source: Source,
    early: Vec<Event>,
    /// More was read than was taken.
    has_more: bool,
}

enum Source {
    Input(io::Stdin),
    /// Standard input is something else.
    Terminal(File),
}

impl Keyboard {
    /// None where there are no keys.
    pub(super) fn open() -> Option<Self> {
        let input = io::stdin();
        let source = match input.is_terminal() {
            true => Source::Input(input),
            false => Source::Terminal(File::open("/dev/tty").ok()?),
        };
        Some(Self { source, early: Vec::new(), has_more: false })
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Input(input) => input.as_fd(),
            Source::Terminal(file) => file.as_fd(),
        }
    }

    /// Waits until there is something to read. Whoever read from a terminal that is gone would do so for ever.
    fn is_ready(&self, timeout: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::from_borrowed_fd(self.as_fd(), PollFlags::IN)];
        match poll(&mut polled, Timespec::try_from(timeout).ok().as_ref()) {
            // A signal: perhaps the size has changed.
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is = |flags| polled[0].revents().intersects(flags);
        if is(PollFlags::NVAL) {
            // Some systems cannot wait for a terminal that is opened by this name.
            thread::sleep(timeout);
        }
        match is(PollFlags::HUP | PollFlags::ERR) {
            true => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal is gone")),
            false => Ok(is(PollFlags::IN)),
        }
    }
}

impl Keys for Keyboard {
    fn wait(&mut self, timeout: Duration) -> io::Result<Vec<Event>> {
        let mut events = std::mem::take(&mut self.early);
        let waits = events.is_empty() && !self.has_more;
        let is_ready = self.is_ready(if waits { timeout } else { Duration::ZERO })?;
        // Its size is asked before each drawing: only keys have to be read.
        if is_ready || std::mem::take(&mut self.has_more) {
            while event::poll(Duration::ZERO)? {
                if events.len() >= AT_ONCE {
                    self.has_more = true;
                    break;
                }
                events.push(event::read()?);
                self.is_ready(Duration::ZERO)?;
            }
        }
        Ok(events)
    }

    fn can_tell_releases(&mut self) -> io::Result<bool> {
        write(QUESTION)?;
        let since = Instant::now();
        let (mut answer, mut bytes) = (Vec::new(), [0; 256]);
        while !parts(&answer).any(|part| is_answer(part, b'c')) {
            let left = ANSWER.saturating_sub(since.elapsed());
            if left.is_zero() {
                break;
            }
            if self.is_ready(left)? {
                match rustix::io::read(self.as_fd(), &mut bytes) {
                    Ok(read) => answer.extend_from_slice(&bytes[..read]),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.early.extend(parts(&answer).filter_map(typed));
        Ok(parts(&answer).any(|part| is_answer(part, b'u')))
    }
}

/// What a terminal sends, in single bytes and sequences that begin with an escape.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = match rest {
            [] => return None,
            [b'\x1b', b'[', sequence @ ..] => {
                let end = sequence.iter().position(|byte| (b'@'..=b'~').contains(byte));
                end.map_or(rest.len(), |end| end + 3)
            }
            _ => 1,
        };
        let (part, left) = rest.split_at(length);
        rest = left;
        Some(part)
    })
}

fn is_answer(part: &[u8], kind: u8) -> bool {
    part.starts_with(b"\x1b[?") && part.ends_with(&[kind])
}

/// A key that was typed before the terminal answered.
fn typed(part: &[u8]) -> Option<Event> {
    let &[byte] = part else { return None };
    let (code, modifiers) = match byte {
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\x1b' => (KeyCode::Esc, KeyModifiers::NONE),
        b'\x7f' => (KeyCode::Backspace, KeyModifiers::NONE),
        1..=26 => (KeyCode::Char((byte - 1 + b'a').into()), KeyModifiers::CONTROL),
        b' '..=b'~' => (KeyCode::Char(byte.into()), KeyModifiers::NONE),
        _ => return None,
    };
    Some(Event::Key(KeyEvent::new(code, modifiers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_before_the_terminal_answers_is_not_lost() {
        let sent = b"m\x1b[?0u\x03\x1b[?62;22c/";
        let answers: Vec<_> = parts(sent).filter(|part| part.len() > 1).collect();
        assert!(is_answer(answers[0], b'u') && is_answer(answers[1], b'c'));
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let typed: Vec<_> = parts(sent).filter_map(typed).collect();
        assert_eq!(
            typed,
            [
                key(KeyCode::Char('m'), KeyModifiers::NONE),
                key(KeyCode::Char('c'), KeyModifiers::CONTROL),
                key(KeyCode::Char('/'), KeyModifiers::NONE),
            ]
        );
    }

    #[test]
    fn an_answer_that_is_not_complete_is_none() {
        assert!(!parts(b"\x1b[?62;2").any(|part| is_answer(part, b'c')));
        assert_eq!(parts(b"").count(), 0);
    }
}
