//! What a call shows while it runs: a live picture on a terminal, plain lines elsewhere, JSON Lines for programs.
//!
//! All are made from the stream of conversation events, on a thread of their own: a terminal or a program that does not
//! read keeps neither the call nor the end of the program waiting.

mod conversation;
mod picture;

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use duplex_audio::room::RoomLog;
use duplex_runtime::{EVENT_QUEUE, EventReader, SessionStep, WhenFull, event_queue};

use crate::failure::{Exit, Failure};
pub(crate) use conversation::{Conversation, Said, Voice, Who, clock, name};

/// How long a call that is over waits until everything of it was shown.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A live picture.
    Picture,
    /// A line for each final text.
    Lines,
    /// Every event as a JSON object on a line of standard output.
    Json,
}

impl Mode {
    /// JSON if asked for, else a picture if standard error is a terminal, else lines.
    pub(crate) fn choose(json: bool) -> Self {
        match json {
            true => Self::Json,
            false if io::stderr().is_terminal() => Self::Picture,
            false => Self::Lines,
        }
    }
}

/// Shows a call. Dropping it, after the observer, waits a little until all is shown, and restores the terminal.
pub(crate) struct View {
    mode: Mode,
    shown: Receiver<io::Result<()>>,
}

impl View {
    /// A view, and the observer to give to the call.
    pub(crate) fn start(
        mode: Mode,
        levels: RoomLog,
        when_full: WhenFull,
    ) -> Result<(Self, impl FnMut(SessionStep<'_>) + Send + 'static), Failure> {
        let (mut writer, reader) = event_queue(EVENT_QUEUE, when_full);
        let clock = Arc::<AtomicU64>::default();
        let (showing, shown) = channel();
        let show = {
            let clock = Arc::clone(&clock);
            move || {
                let result = match mode {
                    Mode::Picture => picture::draw(reader, &clock, &levels),
                    Mode::Lines => lines(reader, &mut io::stderr()),
                    Mode::Json => json(reader, &mut io::stdout()),
                };
                // Nobody waits for it once it was given up.
                _ = showing.send(result);
            }
        };
        let spawned = thread::Builder::new().name("view".to_owned()).spawn(show);
        spawned.map_err(|error| Failure::new(Exit::Io, format!("no thread: {error}")))?;
        let observer = move |step: SessionStep<'_>| {
            clock.store(step.at.as_millis(), Relaxed);
            writer.see(step);
        };
        Ok((Self { mode, shown }, observer))
    }
}

/// Writes every event as a JSON object on a line of standard output, on a thread of its own. Dropping the view, after the
/// events' writer, waits a little until all is written.
pub(crate) fn json_of(reader: EventReader) -> Result<View, Failure> {
    let (showing, shown) = channel();
    // Nobody waits for it once it was given up.
    let show = move || _ = showing.send(json(reader, &mut io::stdout()));
    let spawned = thread::Builder::new().name("view".to_owned()).spawn(show);
    spawned.map_err(|error| Failure::new(Exit::Io, format!("no thread: {error}")))?;
    Ok(View { mode: Mode::Json, shown })
}

impl Drop for View {
    fn drop(&mut self) {
        match (self.shown.recv_timeout(PATIENCE), self.mode) {
            (Ok(Ok(())), _) => {}
            // With standard error closed nobody can see it.
            (Ok(Err(_)), Mode::Lines) => {}
            (Ok(Err(error)), Mode::Picture) => {
                tracing::warn!("the terminal could not be drawn: {error}");
            }
            (Ok(Err(error)), Mode::Json) => {
                tracing::warn!("the events could not be written: {error}");
            }
            // A warning would go where nobody reads.
            (Err(RecvTimeoutError::Timeout), Mode::Lines | Mode::Picture) => {}
            (Err(RecvTimeoutError::Timeout), Mode::Json) => {
                tracing::warn!("nobody reads the events: those that are left are given up");
            }
            (Err(RecvTimeoutError::Disconnected), _) => {
                tracing::error!("showing the call panicked")
            }
        }
    }
}

fn lines(events: EventReader, out: &mut impl Write) -> io::Result<()> {
    let mut conversation = Conversation::default();
    for event in events {
        conversation.see(&event);
        for said in conversation.said() {
            writeln!(out, "{said}")?;
        }
    }
    Ok(())
}

fn json(events: EventReader, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    for event in events {
        line.clear();
        serde_json::to_writer(&mut line, &event)?;
        line.push(b'\n');
        match out.write_all(&line).and_then(|()| out.flush()) {
            // Whoever read it has seen enough: the call goes on.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(())
}
