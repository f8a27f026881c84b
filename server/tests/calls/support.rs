//! A server in this process, and clients of it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use duplex_runtime::CallOptions;
use duplex_server::{Server, ServerError, ServerOptions, Shutdown};
use tungstenite::{Error, Message, WebSocket, client::client, protocol::CloseFrame};

use crate::engine;

/// No step of a test takes longer, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two checks whether it is ready, which take time from the loading.
const POLL: Duration = Duration::from_millis(10);

pub(crate) type Client = WebSocket<TcpStream>;

/// A server that runs until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    running: Option<JoinHandle<Result<(), ServerError>>>,
    open: Option<std::sync::mpsc::Sender<()>>,
}

pub(crate) fn options(max_calls: usize) -> ServerOptions {
    ServerOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        allow_remote: false,
        max_calls,
        idle: PATIENCE,
        lead: Duration::from_millis(40),
        call: CallOptions::default(),
    }
}

impl Served {
    /// A server whose models are loaded.
    pub(crate) fn ready(options: ServerOptions) -> Self {
        let mut served = Self::loading(options);
        served.load();
        served
    }

    /// A server that loads its models when [`load`](Self::load) is called.
    pub(crate) fn loading(options: ServerOptions) -> Self {
        let calls = u32::try_from(options.max_calls).unwrap();
        let server = Server::bind(options).unwrap();
        let address = server.address();
        let shutdown = Shutdown::default();
        let (open, gate): (_, Receiver<()>) = channel();
        let running = {
            let shutdown = shutdown.clone();
            std::thread::spawn(move || {
                let load = move || {
                    // Returns once `load` has closed the channel, or the test is over.
                    _ = gate.recv();
                    Ok(engine::engine(calls))
                };
                server.run(load, &shutdown)
            })
        };
        Self { address, shutdown, running: Some(running), open: Some(open) }
    }

    pub(crate) fn load(&mut self) {
        self.open = None;
        let until = Instant::now() + PATIENCE;
        while !self.get("/readyz").starts_with("HTTP/1.1 200") {
            assert!(Instant::now() < until, "the models are never ready");
            std::thread::sleep(POLL);
        }
    }

    /// Ends the server, and returns its result.
    pub(crate) fn stop(mut self) -> Result<(), ServerError> {
        self.open = None;
        self.shutdown.stop();
        self.running.take().unwrap().join().unwrap()
    }

    /// An HTTP response, head and body.
    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(path, "")
    }

    /// The same, with additional header lines.
    pub(crate) fn ask(&self, path: &str, head: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: duplex\r\nConnection: close\r\n{head}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn url(&self, query: &str) -> String {
        format!("ws://{}/v1/audio/stream{query}", self.address)
    }

    /// A connection, or the status and the body with which it was refused.
    pub(crate) fn try_call(&self, query: &str) -> Result<Client, (u16, String)> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match client(self.url(query), stream) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn call(&self) -> Client {
        self.try_call("?rate=16000").unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.open = None;
        self.shutdown.stop();
        if let Some(running) = self.running.take() {
            let ended = running.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// Silence of `millis` ms at 16 kHz.
pub(crate) fn silence(millis: usize) -> Message {
    Message::binary(vec![0; millis * 32])
}

/// Reads until the connection is closed; returns the server's close frame, if there was one.
pub(crate) fn closed(client: &mut Client) -> Option<CloseFrame> {
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => return frame,
            Ok(_) => {}
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the connection was never closed")
            }
            Err(_) => return None,
        }
    }
}

/// The code and the reason of the close frame.
pub(crate) fn close_code(client: &mut Client) -> Option<(u16, String)> {
    closed(client).map(|frame| (frame.code.into(), frame.reason.to_string()))
}
