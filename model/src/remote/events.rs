//! Bounds the body of a reply before anything else reads it.
//!
//! The client library parses server-sent events of any length, reads ahead without a limit, and logs what it cannot
//! parse. What it is given are therefore whole lines only, of bounded length, and only data that it can parse; and it
//! is given nothing while the sink waits.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use futures_util::{Stream, StreamExt, stream};

use super::wire::Chunk;
use super::{Break, RemoteError};

/// The longest answer of a server, in bytes.
pub const REPLY_LIMIT: usize = 4 << 20;

/// The longest event of a stream, and the longest body of an error, in bytes.
pub const EVENT_LIMIT: usize = 256 << 10;

const DONE: &[u8] = b"data: [DONE]\n\n";

/// What the reader of the body and the reader of the events share.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Held while the sink waits: the body is read by a task of the client library.
    pub(super) gate: tokio::sync::Mutex<()>,
    ending: Mutex<Ending>,
}

/// How the body ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Whether the stream said that it is complete.
    pub(super) done: bool,
    /// What was wrong.
    pub(super) fault: Option<RemoteError>,
}

impl Flow {
    /// How the body ended; to be asked after the last event.
    pub(super) fn ending(&self) -> Ending {
        std::mem::take(&mut *self.ending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&self, ending: Ending) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }
}

/// The lines of `body`, up to its end or to what is wrong with it.
pub(super) fn bounded<B, E>(
    body: B,
    flow: std::sync::Arc<Flow>,
) -> impl Stream<Item = Result<Vec<u8>, Infallible>>
where
    B: Stream<Item = Result<E, reqwest::Error>> + Unpin,
    E: AsRef<[u8]>,
{
    let lines = Lines::new(REPLY_LIMIT, EVENT_LIMIT);
    stream::unfold(Some((body, lines, flow)), |state| async move {
        let (mut body, mut lines, flow) = state?;
        drop(flow.gate.lock().await);
        let whole = match body.next().await {
            Some(Ok(bytes)) => lines.push(bytes.as_ref()),
            Some(Err(_)) => {
                lines.fault.get_or_insert(RemoteError::Broken { how: Break::Lost });
                Vec::new()
            }
            None => {
                flow.end(lines.finish());
                return None;
            }
        };
        if lines.done || lines.fault.is_some() {
            flow.end(Ending { done: lines.done, fault: lines.fault });
            return Some((Ok(whole), None));
        }
        Some((Ok(whole), Some((body, lines, flow))))
    })
}

/// Cuts a stream of server-sent events into lines, and checks each.
#[derive(Debug)]
pub(super) struct Lines {
    /// Bytes that may still come.
    left: usize,
    reply_limit: usize,
    event_limit: usize,
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Bytes of the complete lines of the event that is not complete yet.
    event: usize,
    /// Whether one of them is data.
    has_data: bool,
    pub(super) done: bool,
    pub(super) fault: Option<RemoteError>,
}

impl Lines {
    pub(super) fn new(reply_limit: usize, event_limit: usize) -> Self {
        Self {
            left: reply_limit,
            reply_limit,
            event_limit,
            line: Vec::new(),
            event: 0,
            has_data: false,
            done: false,
            fault: None,
        }
    }

    /// The lines that `bytes` complete, up to the end of the reply or to the first that is wrong. What comes after
    /// either is ignored.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        let taken = &bytes[..bytes.len().min(self.left)];
        self.left -= taken.len();
        for piece in taken.split_inclusive(|&byte| byte == b'\n') {
            if self.done || self.fault.is_some() {
                return whole;
            }
            if self.event + self.line.len() + piece.len() > self.event_limit {
                self.fault =
                    Some(RemoteError::TooLong { what: "an event", limit: self.event_limit });
                return whole;
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                match self.check(&line) {
                    Ok(()) if self.done => whole.extend_from_slice(DONE),
                    Ok(()) => whole.extend_from_slice(&line),
                    Err(how) => self.fault = Some(RemoteError::Broken { how }),
                }
            }
        }
        if taken.len() < bytes.len() && !self.done && self.fault.is_none() {
            self.fault = Some(RemoteError::TooLong { what: "a reply", limit: self.reply_limit });
        }
        whole
    }

    /// How the reply ended, when nothing more comes.
    pub(super) fn finish(self) -> Ending {
        let cut = std::str::from_utf8(&self.line).err();
        let how = cut.map(|cut| match cut.error_len() {
            None => Break::InsideCharacter,
            Some(_) => Break::NotUtf8,
        });
        let fault = self.fault.or(how.map(|how| RemoteError::Broken { how }));
        Ending { done: self.done, fault }
    }

    fn check(&mut self, line: &[u8]) -> Result<(), Break> {
        self.event += line.len();
        let text = std::str::from_utf8(line).map_err(|_| Break::NotUtf8)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        // It would end a line, too; no server means it so.
        if text.contains('\r') {
            return Err(Break::NotJson);
        }
        if text.is_empty() {
            self.event = 0;
            self.has_data = false;
        }
        // A byte order mark may precede the first line.
        let Some(data) = text.trim_start_matches('\u{feff}').strip_prefix("data:") else {
            return Ok(());
        };
        // Data over several lines would be joined; no server sends it.
        if std::mem::replace(&mut self.has_data, true) {
            return Err(Break::NotJson);
        }
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        serde_json::from_str::<Chunk>(data).map(drop).map_err(|_| Break::NotJson)
    }
}
