//! One WebSocket connection, and the call on it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use duplex_runtime::{Call, CallError, CallOptions, Engine, Outcome, SessionOptions, Stop};
use serde_json::Value;
use tokio::{
    task::JoinError,
    time::{Instant, sleep, timeout},
};
use tungstenite::error::{CapacityError, Error as SocketError, ProtocolError};

use crate::{
    server::Shared,
    socket_audio::{
        EventSink, Inbox, IngressError, MOST_AHEAD, OutboxOverflow, Outgoing, PcmIngress,
        SocketAudio,
    },
};

/// The longest message, in bytes: as much audio as may wait.
pub(crate) const fn most_bytes(rate: u32) -> usize {
    rate as usize * duplex_audio::pcm::SAMPLE_BYTES * MOST_AHEAD.as_secs() as usize
}

/// Bytes that may wait to be written, answers to pings included.
pub(crate) const MOST_UNWRITTEN: usize = 256 << 10;

/// How long a peer may leave a message unread.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a peer has to answer a close frame.
const FAREWELL: Duration = Duration::from_millis(500);

/// The longest reason that fits into a close frame, in bytes.
const MOST_REASON: usize = 123;

/// A peer and what its call needs.
pub(crate) struct Caller {
    /// Number of the call, for the log.
    pub(crate) number: u64,
    /// Sample rate in both directions, in Hz.
    pub(crate) rate: u32,
    /// What it has of its own.
    pub(crate) session: SessionOptions,
    pub(crate) engine: Arc<Engine>,
    pub(crate) shared: Arc<Shared>,
}

/// Why a call ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer left")]
    Left,
    #[error("nothing was sent for {} s", .0.as_secs_f32())]
    Idle(Duration),
    #[error(transparent)]
    IngressError(#[from] IngressError),
    #[error("{0}")]
    NoText(Cow<'static, str>),
    #[error("a text message is not UTF-8")]
    NoUtf8,
    #[error("a message is longer than {0} bytes, a second of sound")]
    TooLong(usize),
    #[error("no WebSocket: {0}")]
    Protocol(String),
    #[error(transparent)]
    OutboxOverflow(#[from] OutboxOverflow),
    #[error("Duplex is shutting down")]
    Shutdown,
    #[error("the call failed")]
    Failed,
}

impl End {
    /// The code of the close frame (RFC 6455, section 7.4.1); none if nobody would read it.
    fn code(&self) -> Option<u16> {
        Some(match self {
            Self::Left | Self::OutboxOverflow(_) => return None,
            Self::Idle(_) => close_code::NORMAL,
            Self::IngressError(IngressError::Half(_)) | Self::NoText(_) | Self::NoUtf8 => {
                close_code::INVALID
            }
            Self::IngressError(IngressError::Flood(_)) => close_code::POLICY,
            Self::TooLong(_) => close_code::SIZE,
            Self::Protocol(_) => close_code::PROTOCOL,
            Self::Shutdown => close_code::AWAY,
            Self::Failed => close_code::ERROR,
        })
    }

    /// Whether nothing more can be read from the connection.
    fn is_unreadable(&self) -> bool {
        matches!(self, Self::TooLong(_) | Self::Protocol(_) | Self::NoUtf8)
    }

    /// Whether it is logged as a warning.
    fn is_fault(&self) -> bool {
        !matches!(self, Self::Left | Self::Idle(_) | Self::Shutdown)
    }
}

/// Runs a call until either side ends it.
pub(crate) async fn run_call(
    mut socket: WebSocket,
    caller: Caller,
    (device, events, mut ingress, mut inbox): (SocketAudio, EventSink, PcmIngress, Inbox),
) {
    let Caller { number, rate, session, engine, shared } = caller;
    tracing::info!("call {number} begins, at {rate} Hz");
    let stop = Stop::default();
    let options = CallOptions { session, ..shared.options.call.clone() };
    let call = {
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || {
            let observer = Box::new(move |seen: duplex_runtime::SessionStep<'_>| events.see(seen));
            Call::start(engine, Box::new(device), options, stop, observer)?.join()
        })
    };
    let end = exchange(&mut socket, &mut ingress, &mut inbox, rate, &shared).await;
    stop.stop();
    inbox.close();
    let (outcome, ()) = tokio::join!(call, hang_up(socket, &end));
    report(number, &end, &ingress, outcome);
}

/// Exchanges messages until there is a reason to end the call.
async fn exchange(
    socket: &mut WebSocket,
    ingress: &mut PcmIngress,
    inbox: &mut Inbox,
    rate: u32,
    shared: &Shared,
) -> End {
    let idle = shared.options.idle;
    let mut heard = Instant::now();
    let stopped = shared.shutdown.stopped();
    tokio::pin!(stopped);
    loop {
        let taken = tokio::select! {
            () = &mut stopped => Err(End::Shutdown),
            // A sleep may be longer than any moment that a clock can name.
            () = sleep(idle.saturating_sub(heard.elapsed())) => Err(End::Idle(idle)),
            message = socket.recv() => match message {
                Some(Ok(message)) => {
                    if matches!(message, Message::Binary(_) | Message::Text(_)) {
                        heard = Instant::now();
                    }
                    take(message, ingress, rate)
                }
                Some(Err(error)) => Err(broken(error)),
                None => Err(End::Left),
            },
            message = inbox.next() => match message {
                Ok(Some(message)) => send(socket, message).await,
                Ok(None) => Err(End::Failed),
                Err(unread) => Err(unread.into()),
            },
        };
        if let Err(end) = taken {
            return end;
        }
    }
}

fn take(message: Message, ingress: &mut PcmIngress, rate: u32) -> Result<(), End> {
    match message {
        Message::Binary(sound) => Ok(ingress.push(&sound)?),
        Message::Text(text) => understand(&text, rate),
        // The library answers pings.
        Message::Ping(_) | Message::Pong(_) => Ok(()),
        Message::Close(_) => Err(End::Left),
    }
}

/// Checks a text message. No text from a peer has an effect, but one that shows a misunderstanding
/// ends the call: text that is not JSON, or another sample rate.
fn understand(text: &str, rate: u32) -> Result<(), End> {
    let Ok(said) = serde_json::from_str::<Value>(text) else {
        return Err(End::NoText("a text message is not JSON".into()));
    };
    match said.get("sample_rate") {
        Some(said) if said.as_f64() != Some(f64::from(rate)) => Err(End::NoText(
            format!("sample_rate is {said}, but the call was asked for at {rate} Hz").into(),
        )),
        _ => Ok(()),
    }
}

async fn send(socket: &mut WebSocket, message: Outgoing) -> Result<(), End> {
    let message = match message {
        Outgoing::Sound(pcm) => Message::Binary(pcm),
        Outgoing::Text(text) => Message::Text(text.into()),
    };
    match timeout(PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(error)),
        Err(_) => Err(OutboxOverflow.into()),
    }
}

fn broken(error: axum::Error) -> End {
    let error = error.into_inner();
    match error.downcast_ref::<SocketError>() {
        Some(SocketError::Capacity(CapacityError::MessageTooLong { max_size, .. })) => {
            End::TooLong(*max_size)
        }
        Some(SocketError::WriteBufferFull(_)) => OutboxOverflow.into(),
        Some(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Left,
        Some(SocketError::Protocol(error)) => End::Protocol(error.to_string()),
        Some(SocketError::Utf8(_)) => End::NoUtf8,
        _ => End::Left,
    }
}

/// Sends the close frame, or answers the peer's, and waits a little until the peer has read it: a
/// connection that is closed with unread input is reset, and the reason is lost.
async fn hang_up(mut socket: WebSocket, end: &End) {
    let farewell = async {
        if let Some(code) = end.code() {
            let frame = CloseFrame { code, reason: reason(end) };
            // If it cannot be sent, there is nothing to read either.
            _ = socket.send(Message::Close(Some(frame))).await;
        }
        while let Some(Ok(_)) = socket.recv().await {}
        if end.is_unreadable() {
            std::future::pending::<()>().await;
        }
    };
    _ = timeout(FAREWELL, farewell).await;
}

fn reason(end: &End) -> Utf8Bytes {
    let mut reason = end.to_string();
    reason.truncate(reason.floor_char_boundary(MOST_REASON));
    reason.into()
}

fn report(
    number: u64,
    end: &End,
    ingress: &PcmIngress,
    outcome: Result<Result<Outcome, CallError>, JoinError>,
) {
    let outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => return tracing::error!("call {number} failed: {error}"),
        Err(error) => return tracing::error!("call {number} failed: {error}"),
    };
    if let Some(error) = &outcome.error {
        tracing::error!("call {number} failed: {error}");
    }
    let sound = ingress.buffer().counters();
    let ms = |samples: u64| duplex_core::Samples(samples).as_millis();
    let summary = format!(
        "call {number} ended after {:.1} s: {end} (of the peer's sound {} ms missing, {} ms dropped, {} ms skipped; {} late frames, {} underruns)",
        outcome.lasted.as_millis() as f64 / 1000.0,
        ms(sound.missing),
        ms(sound.dropped),
        ms(sound.skipped),
        outcome.counters.late,
        outcome.counters.underruns,
    );
    if end.is_fault() { tracing::warn!("{summary}") } else { tracing::info!("{summary}") }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_json_or_speaks_of_another_rate_is_a_misunderstanding() {
        for said in [r#"{"type":"hello"}"#, "[]", "3", r#"{"sample_rate":16000}"#] {
            assert!(understand(said, 16_000).is_ok(), "{said}");
        }
        for said in ["hello", "", r#"{"sample_rate":24000}"#, r#"{"sample_rate":"16000"}"#] {
            assert!(understand(said, 16_000).is_err(), "{said}");
        }
    }

    #[test]
    fn a_long_reason_fits_into_a_close_frame() {
        let end = End::Protocol("\u{fc}".repeat(200));
        let reason = reason(&end);
        assert!(reason.len() <= MOST_REASON && reason.len() > MOST_REASON - 2);
    }
}
