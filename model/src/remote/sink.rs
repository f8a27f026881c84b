//! Where the text of a reply goes.

use std::future::{Future, ready};
use std::ops::ControlFlow;

/// Takes a reply as it arrives. While [`take`](Self::take) waits, nothing more is read from the server, and the wait
/// counts towards no limit.
///
/// A closure `FnMut(&str) -> ControlFlow<()>` is a sink that never waits.
pub trait TextSink: Send {
    /// Takes the next piece of text, which is never empty. `Break` ends the reply ([`RemoteEnd::Stopped`]) and closes
    /// the connection.
    ///
    /// [`RemoteEnd::Stopped`]: super::RemoteEnd::Stopped
    fn take(&mut self, piece: &str) -> impl Future<Output = ControlFlow<()>> + Send;
}

impl<F: FnMut(&str) -> ControlFlow<()> + Send> TextSink for F {
    fn take(&mut self, piece: &str) -> impl Future<Output = ControlFlow<()>> + Send {
        ready(self(piece))
    }
}
