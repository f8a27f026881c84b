//! The connection to an agent. To the agent, it is a headset.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use duplex_audio::{JitterBuffer, JitterOptions, PLAYOUT_RATE, RateError, Resampler, pcm};
use duplex_core::{SAMPLE_RATE, Speaker};
use serde::Deserialize;
use tungstenite::{
    Message, WebSocket,
    protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
};

use super::{WebSocketOptions, fault::Fault};
use crate::agent::ReportedLine;

/// Audio per message.
const MESSAGE: Duration = Duration::from_millis(20);

/// Longest message that is accepted, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// Bytes received per frame at most, so that a flood does not delay the clock.
const MOST_AT_ONCE: usize = 1 << 20;

/// Cost of a message in addition to its bytes: empty messages can be a flood, too.
const MESSAGE_COST: usize = 64;

/// Bytes of text in one call at most.
const MOST_TEXT: usize = 1 << 20;

/// Bytes that may wait to be read by the agent.
const MOST_UNREAD: usize = 256 << 10;

/// How long the agent has to answer the close frame and to send its last messages.
const FAREWELL: Duration = Duration::from_secs(2);

/// Polling interval during that time.
const LOOKS: Duration = Duration::from_millis(5);

/// Limits of a connection.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES))
        .write_buffer_size(0)
        .max_write_buffer_size(MOST_UNREAD)
}

/// Text messages of an agent; any other JSON is ignored.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    Clear,
    Transcript {
        #[serde(default)]
        role: Option<String>,
        text: String,
        #[serde(default = "yes", rename = "final")]
        is_final: bool,
    },
}

const fn yes() -> bool {
    true
}

pub(super) struct Peer {
    socket: WebSocket<TcpStream>,
    rate: u32,
    /// Audio to play in the room, at the playout rate.
    sound: JitterBuffer,
    heard: Resampler,
    spoken: Resampler,
    decoded: Vec<f32>,
    resampled: Vec<f32>,
    /// Microphone audio that was not sent yet, at the agent's rate.
    pending: Vec<i16>,
    text: usize,
    transcript: Vec<ReportedLine>,
}

impl Peer {
    pub(super) fn new(
        socket: WebSocket<TcpStream>,
        rate: u32,
        options: &WebSocketOptions,
    ) -> Result<Self, PeerError> {
        socket.get_ref().set_nonblocking(true)?;
        let jitter =
            JitterOptions { lead: options.lead, most: options.most_ahead, catch_up: false };
        Ok(Self {
            socket,
            rate,
            sound: JitterBuffer::new(PLAYOUT_RATE, jitter),
            heard: Resampler::new(rate, PLAYOUT_RATE)?,
            spoken: Resampler::new(SAMPLE_RATE, rate)?,
            decoded: Vec::new(),
            resampled: Vec::new(),
            pending: Vec::new(),
            text: 0,
            transcript: Vec::new(),
        })
    }

    /// Receives what has arrived.
    pub(super) fn receive(&mut self) -> Result<(), Fault> {
        let mut taken = 0;
        while taken < MOST_AT_ONCE {
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(error) => return Fault::of(error).map_or(Ok(()), Err),
            };
            taken += MESSAGE_COST + message.len();
            match message {
                Message::Binary(sound) => self.take(&sound)?,
                Message::Text(text) => self.understand(&text)?,
                Message::Close(frame) => return Err(Fault::closed(frame.as_ref())),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, message: &[u8]) -> Result<(), Fault> {
        self.decoded.clear();
        self.resampled.clear();
        pcm::decode(message, &mut self.decoded)?;
        self.heard.process(&self.decoded, &mut self.resampled);
        match self.sound.push(&self.resampled) {
            0 => Ok(()),
            dropped => {
                let ahead = self.sound.depth() + dropped;
                Err(Fault::SoundFlood(ahead as f64 / f64::from(PLAYOUT_RATE)))
            }
        }
    }

    fn understand(&mut self, text: &str) -> Result<(), Fault> {
        self.text += text.len();
        if self.text > MOST_TEXT {
            return Err(Fault::TextFlood(self.text));
        }
        let said: serde_json::Value =
            serde_json::from_str(text).map_err(|error| Fault::NotJson(error.to_string()))?;
        match serde_json::from_value(said) {
            Ok(Said::Clear) => self.sound.clear(),
            Ok(Said::Transcript { role, text, is_final: true }) => {
                let speaker = match role.as_deref() {
                    Some("agent" | "assistant") => Speaker::Assistant,
                    _ => Speaker::User,
                };
                self.transcript.push(ReportedLine { speaker, text });
            }
            Ok(Said::Transcript { is_final: false, .. }) | Err(_) => {}
        }
        Ok(())
    }

    /// Fills a frame with the audio to play in the room.
    pub(super) fn hear(&mut self, playout: &mut [f32]) {
        self.sound.pull(playout);
    }

    /// Takes a frame of the room's microphone, and sends each complete message.
    pub(super) fn say(&mut self, microphone: &[f32]) -> Result<(), Fault> {
        self.resampled.clear();
        self.spoken.process(microphone, &mut self.resampled);
        self.pending.extend(self.resampled.iter().map(|&sample| pcm::quantise(sample)));
        let message = (u128::from(self.rate) * MESSAGE.as_millis() / 1000) as usize;
        while self.pending.len() >= message {
            let sound = pcm::encode(&self.pending[..message]);
            self.pending.drain(..message);
            if let Err(error) = self.socket.write(Message::binary(sound)) {
                Fault::of(error).map_or(Ok(()), Err)?;
            }
        }
        self.socket.flush().or_else(|error| Fault::of(error).map_or(Ok(()), Err))
    }

    /// Closes the connection and returns the transcript. An error while closing does not count
    /// against the call.
    pub(super) fn leave(mut self) -> Vec<ReportedLine> {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "the call is over".into() };
        let until = Instant::now() + FAREWELL;
        let mut ended =
            self.socket.close(Some(frame)).is_err_and(|error| Fault::of(error).is_some());
        while !ended && Instant::now() < until {
            match self.socket.read() {
                Ok(Message::Text(text)) => ended = self.understand(&text).is_err(),
                Ok(_) => {}
                // What could not be sent at once may be sent by now.
                Err(error) => {
                    let flushed = self.socket.flush().map_or_else(Fault::of, |()| None);
                    ended = Fault::of(error).or(flushed).is_some();
                    thread::sleep(LOOKS);
                }
            }
        }
        self.transcript
    }
}

/// Why an open connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Rate(#[from] RateError),
}
