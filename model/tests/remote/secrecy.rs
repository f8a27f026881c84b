//! Whatever fails, the key is in no error and in no line of any crate's log.

use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duplex_model::remote::{Endpoint, EndpointOptions, RemoteError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::server::{Server, Step};
use crate::support::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// All that an error can show.
fn shown(error: &RemoteError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!("{error} {error:?}");
        cause = error.source();
    }
    text
}

/// Servers that fail and quote the key.
fn failing() -> Vec<Vec<Step>> {
    let quote = format!("{{\"error\":{{\"message\":\"bad key {KEY}\",\"code\":\"{KEY}\"}}}}");
    let named = format!("{{\"error\":{{\"message\":\"no model {KEY}\",\"type\":\"{KEY}\"}}}}");
    let location = format!("location: https://example.org/{KEY}\r\n");
    let mut scripts = vec![
        vec![],
        vec![Step::Reset],
        vec![send(format!("{KEY}\r\n\r\n"))],
        vec![send(format!("HTTP/1.1 200 OK\r\nx: {KEY}\r\ncontent-length: x\r\n\r\n"))],
        stream(piece(KEY)),
        stream(piece(KEY) + "data: {\n\n"),
        stream(format!("data: {KEY}\n\n")),
        stream(format!("data: {{\"choices\":\"{KEY}\"}}\n\n")),
        stream(format!("data: {quote}\n\n")),
        stream(format!("data: {KEY}\ndata: {KEY}\n\n")),
        stream([b"data: \"", KEY.as_bytes(), b"\xff\n\n"].concat()),
        vec![send(STREAM), Step::Freeze],
        vec![send(STREAM), send(piece(KEY)), Step::Freeze],
        vec![send(STREAM), Step::Endless(format!("data: {KEY}").into())],
        vec![
            send("HTTP/1.1 500 Internal Server Error\r\n\r\n"),
            Step::Endless(KEY.repeat(1000).into()),
        ],
        status("307 Temporary Redirect", &location, ""),
        status("404 Not Found", "", &named),
    ];
    for line in ["400 No", "401 No", "403 No", "404 No", "429 No", "500 No", "503 No"] {
        scripts.extend([&quote, KEY, ""].map(|body| status(line, "", body)));
    }
    scripts
}

#[tokio::test]
async fn the_key_is_in_no_error_and_in_no_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let _logged = subscriber.set_default();
    for script in failing() {
        let server = Server::start([script.clone(), script.clone(), script]).await;
        // Which error it is does not matter.
        let options = EndpointOptions {
            first_token: Duration::from_millis(300),
            stall: Duration::from_millis(300),
            ..options(format!("http://{}/v1", server.address))
        };
        let endpoint = Endpoint::new(options).unwrap();
        let error = reply(&endpoint).await.1.unwrap_err();
        let text = shown(&error);
        assert!(!text.contains(KEY), "{text}");
        assert!(text.len() < 4000 && !error.to_string().contains('\n'), "{text}");
        if let Err(error) = endpoint.check().await {
            let text = shown(&error);
            assert!(!text.contains(KEY), "{text}");
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("duplex_model"), "nothing was logged");
    let line = log.lines().find(|line| line.contains(KEY));
    assert_eq!(line, None);
}
