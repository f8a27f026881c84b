//! Scripts of answers, and a client for them.

use std::ops::ControlFlow;
use std::time::Duration;

use duplex_model::llm::{ChatMessage, Role};
use duplex_model::remote::{
    ChatRequest, Endpoint, EndpointOptions, RemoteEnd, RemoteError, Secret,
};

use crate::server::{Server, Step};

pub(crate) const KEY: &str = "sk-test-5d0f0e4c9b7a";

/// The head of a streamed answer that ends with the connection.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

pub(crate) fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}

/// The event of a piece of text.
pub(crate) fn piece(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}]}}\n\n"
    )
}

pub(crate) fn finish(reason: &str) -> String {
    format!(
        "data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\ndata: [DONE]\n\n"
    )
}

/// A whole good reply.
pub(crate) fn good() -> Vec<Step> {
    vec![send(STREAM), send(piece("Good ") + &piece("morning.") + &finish("stop"))]
}

/// An answer with a status and further header fields, each with its line end.
pub(crate) fn status(line: &str, fields: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![send(format!(
        "HTTP/1.1 {line}\r\n{fields}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))]
}

/// A stream that is not at its end after `text`.
pub(crate) fn stream(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![send(STREAM), send(text)]
}

pub(crate) fn key() -> Secret {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    Secret::from_file(&file).unwrap()
}

/// Limits that a test can wait for.
pub(crate) fn options(base_url: String) -> EndpointOptions {
    EndpointOptions {
        key: Some(key()),
        first_token: Duration::from_millis(1500),
        stall: Duration::from_millis(700),
        ..EndpointOptions::new(base_url, "small")
    }
}

pub(crate) fn endpoint(server: &Server) -> Endpoint {
    Endpoint::new(options(format!("http://{}/v1", server.address))).unwrap()
}

pub(crate) fn conversation() -> [ChatMessage; 2] {
    [ChatMessage::new(Role::System, "Be brief."), ChatMessage::new(Role::User, " Good morning! ")]
}

pub(crate) fn ask(messages: &[ChatMessage]) -> ChatRequest<'_> {
    ChatRequest { messages, max_tokens: 16, temperature: None, top_p: None, seed: None }
}

/// What came of a reply, and how it ended.
pub(crate) async fn reply(endpoint: &Endpoint) -> (String, Result<RemoteEnd, RemoteError>) {
    let mut text = String::new();
    let mut sink = |piece: &str| {
        text.push_str(piece);
        ControlFlow::Continue(())
    };
    let end = endpoint.stream(&ask(&conversation()), &mut sink).await;
    (text, end)
}

/// The reply to a scripted answer, whose server is asked once.
pub(crate) async fn reply_to(script: Vec<Step>) -> (String, Result<RemoteEnd, RemoteError>) {
    let server = Server::start([script]).await;
    let outcome = reply(&endpoint(&server)).await;
    assert_eq!(server.requests().len(), 1);
    outcome
}
