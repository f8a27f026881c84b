//! Any agent that speaks raw PCM over a WebSocket, as docs/protocol.md describes.
//!
//! One thread does everything, one frame at a time: it receives messages, plays to the room the
//! audio that is due, and sends the room's microphone signal. The agent may be ahead of the clock:
//! its audio is played in order, until it sends `clear`.

mod fault;
mod peer;

use std::{
    net::{TcpStream, ToSocketAddrs as _},
    thread,
    time::{Duration, Instant},
};

use duplex_audio::{Acoustics, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene};
use duplex_core::SAMPLE_RATE;
use duplex_runtime::Stop;
use tungstenite::{
    Error as SocketError, HandshakeError,
    client::{IntoClientRequest as _, client_with_config},
    http::Uri,
};

use super::{Agent, AgentError, AgentReport, watch::Watch};
use peer::Peer;

/// Options of a connection to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Longest time for the TCP connection, and for each read and write of the handshake.
    pub connect_within: Duration,
    /// Audio of the agent that is buffered before any of it is played, against jitter.
    pub lead: Duration,
    /// How far the agent's audio may be ahead of the clock; more is a flood.
    pub most_ahead: Duration,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(10),
            lead: Duration::from_millis(20),
            most_ahead: Duration::from_secs(120),
        }
    }
}

/// An agent at a `ws://` address.
#[derive(Clone, Debug)]
pub struct WebSocketAgent {
    url: Uri,
    rate: u32,
    options: WebSocketOptions,
}

impl WebSocketAgent {
    /// The agent at `url`. Its query may give the sample rate as `rate=`, in Hz; the default is 16
    /// 000.
    ///
    /// # Errors
    /// [`AgentError::Unreachable`] if the address is not one that can be called.
    pub fn new(url: &str, options: WebSocketOptions) -> Result<Self, AgentError> {
        let refused = |why: &str| AgentError::Unreachable(format!("{url}: {why}"));
        let parsed: Uri = url.parse().map_err(|_| refused("this is no address"))?;
        if parsed.scheme_str() != Some("ws") || parsed.host().is_none() {
            return Err(refused("only addresses such as ws://127.0.0.1:8000/path can be called"));
        }
        let mut pairs = parsed.query().unwrap_or_default().split('&');
        let rate = match pairs.find_map(|pair| pair.strip_prefix("rate=")) {
            Some(rate) => rate.parse().map_err(|_| refused("the rate is no number"))?,
            None => SAMPLE_RATE,
        };
        if let Err(error) = duplex_audio::Resampler::new(rate, SAMPLE_RATE) {
            return Err(refused(&error.to_string()));
        }
        Ok(Self { url: parsed, rate, options })
    }

    fn connect(&self) -> Result<Peer, AgentError> {
        let name = self.name();
        let unreachable = |why: String| AgentError::Unreachable(format!("{name}: {why}"));
        let stream = self.stream().map_err(|error| unreachable(error.to_string()))?;
        let request = self
            .url
            .clone()
            .into_client_request()
            .map_err(|error| unreachable(error.to_string()))?;
        let (socket, _) =
            client_with_config(request, stream, Some(peer::limits())).map_err(|error| {
                unreachable(match error {
                    HandshakeError::Interrupted(_) => format!(
                        "no answer to the handshake within {} s",
                        self.options.connect_within.as_secs_f32()
                    ),
                    HandshakeError::Failure(SocketError::Http(response)) => {
                        let body = response.body().as_deref().unwrap_or_default();
                        format!("{} {}", response.status(), String::from_utf8_lossy(body).trim())
                    }
                    HandshakeError::Failure(error) => error.to_string(),
                })
            })?;
        Peer::new(socket, self.rate, &self.options).map_err(|error| unreachable(error.to_string()))
    }

    /// A TCP connection on which connecting, each read and each write time out after
    /// `connect_within`.
    fn stream(&self) -> std::io::Result<TcpStream> {
        let host = self.url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = self.url.port_u16().unwrap_or(80);
        let within = self.options.connect_within;
        let mut refused = std::io::Error::other("the name has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, within) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(within))?;
                    stream.set_write_timeout(Some(within))?;
                    return Ok(stream);
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Agent for WebSocketAgent {
    /// The address without its query, which may contain what does not belong in reports.
    fn name(&self) -> String {
        let url = self.url.to_string();
        url.split('?').next().unwrap_or_default().to_owned()
    }

    fn call(&self, mut room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError> {
        let mut peer = self.connect()?;
        let began = Instant::now();
        let mut watch = Watch::default();
        loop {
            let next = watch.frame(Instant::now());
            let mut playout = [0.0; PLAYOUT_FRAME];
            let mut microphone = [0.0; MICROPHONE_FRAME];
            let scene = peer
                .receive()
                .and_then(|()| {
                    peer.hear(&mut playout);
                    let scene = room.exchange(&playout, &mut microphone);
                    peer.say(&microphone).map(|()| scene)
                })
                .map_err(|fault| {
                    let at = began.elapsed().as_secs_f64();
                    AgentError::Broken(format!("{}, after {at:.2} s: {fault}", self.name()))
                })?;
            if scene == Scene::Over || stop.is_stopped() {
                break;
            }
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(AgentReport { transcript: peer.leave(), clock: watch.clock(), ..AgentReport::default() })
    }
}
