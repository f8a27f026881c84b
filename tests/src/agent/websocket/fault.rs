//! How an agent can break a call.

use std::io::ErrorKind;

use duplex_audio::pcm::HalfSample;
use tungstenite::{Error as SocketError, error::ProtocolError, protocol::CloseFrame};

/// What an agent did that ends the call.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Half(#[from] HalfSample),
    #[error("a text message is not JSON: {0}")]
    NotJson(String),
    #[error("a flood of sound: it is {0:.0} s ahead of the clock")]
    SoundFlood(f64),
    #[error("a flood of text: {0} bytes in one call")]
    TextFlood(usize),
    #[error("it hung up in the middle of the call{0}")]
    HungUp(String),
    #[error("it does not read what is sent to it")]
    Unread,
    #[error("what it sends is no WebSocket: {0}")]
    Protocol(String),
    #[error("the connection failed: {0}")]
    Io(std::io::Error),
}

impl Fault {
    /// A hang-up, with the code and the reason of the agent's close frame.
    pub(super) fn closed(frame: Option<&CloseFrame>) -> Self {
        Self::HungUp(frame.map_or_else(String::new, |frame| {
            format!(": {} {:?}", u16::from(frame.code), frame.reason.as_str())
        }))
    }

    /// The fault that a socket error means; none if there is only nothing to do at the moment.
    pub(super) fn of(error: SocketError) -> Option<Self> {
        Some(match error {
            SocketError::Io(error) => match error.kind() {
                ErrorKind::WouldBlock => return None,
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof => Self::HungUp(String::new()),
                _ => Self::Io(error),
            },
            SocketError::WriteBufferFull(_) => Self::Unread,
            SocketError::ConnectionClosed
            | SocketError::AlreadyClosed
            | SocketError::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
            ) => Self::HungUp(String::new()),
            error => Self::Protocol(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::Message;

    use super::*;

    #[test]
    fn nothing_to_read_or_no_room_to_write_is_no_fault() {
        assert!(Fault::of(SocketError::Io(ErrorKind::WouldBlock.into())).is_none());
    }

    #[test]
    fn what_waits_unread_for_too_long_is_one() {
        let full = SocketError::WriteBufferFull(Box::new(Message::text("")));
        assert!(matches!(Fault::of(full), Some(Fault::Unread)));
    }
}
