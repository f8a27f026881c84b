//! A server that sends exactly what a test says.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// One thing that the server does in answer to a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Lets time pass.
    Pass(Duration),
    /// Sends bytes over and over until the client is gone.
    Endless(Vec<u8>),
    /// Sends nothing until the client is gone.
    Freeze,
    /// Waits for another request on the same connection.
    Next,
    /// Closes the connection so that the client's next read fails.
    Reset,
}

/// What the server tells the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The server sends nothing any more, and keeps the connection.
    Frozen,
    /// The client closed the connection that was frozen or endless.
    Closed,
    /// The client has taken nothing of an endless answer for a while.
    Blocked,
}

/// A server on this machine. Each connection that is made gets the next script; a script with no `Reset` at the end
/// closes it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Server {
    /// Answers the first connection with the first script, and so on; later ones are closed.
    pub(crate) async fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (tell, seen) = mpsc::unbounded_channel();
        let mut scripts: VecDeque<_> = scripts.into_iter().collect();
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let script = scripts.pop_front();
                let (log, tell) = (log.clone(), tell.clone());
                tokio::spawn(async move {
                    let Ok(request) = request(&mut connection).await else { return };
                    log.lock().unwrap().push(request);
                    let script = script.unwrap_or_default();
                    if script.iter().any(|step| matches!(step, Step::Reset)) {
                        connection.set_zero_linger().unwrap();
                    }
                    if play(&mut connection, &script, &tell).await.is_err() {
                        _ = tell.send(Seen::Closed);
                    }
                });
            }
        });
        Self { address, requests, seen }
    }

    /// The requests so far, each with its head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until the server tells this; a test that waits in vain fails.
    pub(crate) async fn until(&mut self, wanted: Seen) {
        let told = async { while self.seen.recv().await.unwrap() != wanted {} };
        let told = tokio::time::timeout(Duration::from_secs(10), told).await;
        told.unwrap_or_else(|_| panic!("the server never sees the connection {wanted:?}"));
    }
}

/// Reads a request with a body of a known length.
pub(crate) async fn request(from: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(text.into_owned());
            }
        }
        if from.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Plays a script; an error if the client is gone.
pub(crate) async fn play(
    to: &mut (impl AsyncRead + AsyncWrite + Unpin),
    script: &[Step],
    tell: &mpsc::UnboundedSender<Seen>,
) -> io::Result<()> {
    for step in script {
        match step {
            Step::Send(bytes) => {
                to.write_all(bytes).await?;
                to.flush().await?;
            }
            Step::Pass(time) => tokio::time::sleep(*time).await,
            Step::Freeze => {
                _ = tell.send(Seen::Frozen);
                to.read_u8().await?;
            }
            Step::Endless(bytes) => loop {
                let mut write = std::pin::pin!(to.write_all(bytes));
                let patience = Duration::from_millis(500);
                if let Ok(written) = tokio::time::timeout(patience, &mut write).await {
                    written?;
                } else {
                    _ = tell.send(Seen::Blocked);
                    write.await?;
                }
            },
            Step::Next => {
                request(to).await?;
            }
            Step::Reset => return Ok(()),
        }
    }
    to.shutdown().await
}
