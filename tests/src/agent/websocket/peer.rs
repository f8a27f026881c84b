//! The connection to an agent, as a headset.

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

/// Sound of one message.
const MESSAGE: Duration = Duration::from_millis(20);

/// Bytes of a message that is taken at all.
const MOST_BYTES: usize = 16 << 20;

/// Bytes taken in one frame, so that a flood does not hold up the clock.
const MOST_AT_ONCE: usize = 1 << 20;

/// What a message costs beside its bytes: empty ones can be a flood, too.
const MESSAGE_COST: usize = 64;

/// Bytes of text in one call.
const MOST_TEXT: usize = 1 << 20;

/// Bytes that wait until the agent reads them.
const MOST_UNREAD: usize = 256 << 10;

/// How long the agent gets to answer the close frame, and to say what it still has to say.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often that is looked for.
const LOOKS: Duration = Duration::from_millis(5);

/// What a connection may take.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES))
        .write_buffer_size(0)
        .max_write_buffer_size(MOST_UNREAD)
}

/// What an agent may say in text; anything else in JSON is passed over.
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
    /// What the room is to hear, at the playout rate.
    sound: JitterBuffer,
    heard: Resampler,
    spoken: Resampler,
    decoded: Vec<f32>,
    resampled: Vec<f32>,
    /// What the room said and was not sent yet, at the agent's rate.
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

    /// Takes what has come in.
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

    /// Fills a frame of what the room is to hear.
    pub(super) fn hear(&mut self, playout: &mut [f32]) {
        self.sound.pull(playout);
    }

    /// Sends a frame of the room's microphone, once a message is full.
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

    /// Ends the call in order, and gives what was told in it. A farewell that goes wrong is none of
    /// the call's.
    pub(super) fn leave(mut self) -> Vec<ReportedLine> {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "the call is over".into() };
        let until = Instant::now() + FAREWELL;
        let mut ended =
            self.socket.close(Some(frame)).is_err_and(|error| Fault::of(error).is_some());
        while !ended && Instant::now() < until {
            match self.socket.read() {
                Ok(Message::Text(text)) => ended = self.understand(&text).is_err(),
                Ok(_) => {}
                // What could not be sent at once may go out by now.
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

/// Why a connection that stands is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Rate(#[from] RateError),
}
