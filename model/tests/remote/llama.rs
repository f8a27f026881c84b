//! llama.cpp's server, with the default model.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use duplex_model::llm::{ChatMessage, Role};
use duplex_model::remote::{
    ChatRequest, Endpoint, EndpointOptions, Listing, RemoteEnd, RemoteError,
};
use duplex_model::weights::{ModelSource, Role as Model, Store};

struct Llama {
    process: Child,
    base_url: String,
}

impl Llama {
    /// Starts the server; it is ready.
    fn start() -> Self {
        let source = ModelSource::Named("smollm2-135m".to_owned());
        let model = Store::open().unwrap().path(Model::Llm, &source).expect("run `make models`");
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/serve-llm");
        let process = Command::new(script).arg(model).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap();
        let mut base_url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut base_url).unwrap();
        Self { process, base_url: base_url.trim().to_owned() }
    }

    fn endpoint(&self, model: &str) -> Endpoint {
        // One core of a busy machine evaluates the prompt slowly.
        let first_token = Duration::from_secs(30);
        let stall = Duration::from_secs(10);
        let options = EndpointOptions::new(&self.base_url, model);
        Endpoint::new(EndpointOptions { first_token, stall, ..options }).unwrap()
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[tokio::test]
async fn llama_cpp_s_server_answers() {
    let server = Llama::start();
    let endpoint = server.endpoint("default");
    assert_eq!(endpoint.check().await.unwrap(), Listing::Listed);
    let unknown = server.endpoint("another").check().await.unwrap_err();
    assert!(
        matches!(&unknown, RemoteError::NoSuchModel { known, .. } if known == &["default"]),
        "{unknown:?}"
    );

    let messages = [
        ChatMessage::new(Role::System, "You are a voice assistant. Answer in one short sentence."),
        ChatMessage::new(Role::User, "What is the capital of France?"),
    ];
    let greedy = ChatRequest {
        messages: &messages,
        max_tokens: 24,
        temperature: Some(0.0),
        top_p: Some(1.0),
        seed: Some(7),
    };
    let mut pieces = Vec::new();
    let mut sink = |piece: &str| {
        pieces.push(piece.to_owned());
        ControlFlow::Continue(())
    };
    let end = endpoint.stream(&greedy, &mut sink).await.unwrap();
    assert!(matches!(end, RemoteEnd::Complete | RemoteEnd::Length));
    assert!(pieces.len() > 1 && pieces.concat().contains("Paris"), "{pieces:?}");

    // A reply that is given up leaves the server free for the next one.
    let mut stop = |_: &str| ControlFlow::Break(());
    let end = endpoint.stream(&ChatRequest { max_tokens: 2000, ..greedy }, &mut stop).await;
    assert_eq!(end.unwrap(), RemoteEnd::Stopped);
    let short = ChatRequest { max_tokens: 1, ..greedy };
    let end = endpoint.stream(&short, &mut |_: &str| ControlFlow::Continue(())).await;
    assert_eq!(end.unwrap(), RemoteEnd::Length);
}
