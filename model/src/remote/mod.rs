//! A language model that runs elsewhere, behind an OpenAI-compatible chat completions endpoint: vLLM, SGLang,
//! llama-server, Ollama, or a cloud's.
//!
//! [`Endpoint`] is the principal type; [`Endpoint::stream`] gives a reply piece by piece. It has no thread of its own:
//! its futures run on the caller's tokio runtime, with IO and time enabled. What the server sends is bounded before it
//! is kept, a wait is bounded by [`EndpointOptions`], and the key ([`Secret`]) appears in no error, log or `Debug`.

mod endpoint;
mod error;
mod events;
#[cfg(test)]
mod fuzz;
mod options;
mod secret;
mod sink;
mod wire;

pub use endpoint::{ChatRequest, Endpoint, Listing, RemoteEnd};
pub use error::{Break, RemoteError, Wait};
pub use events::{EVENT_LIMIT, REPLY_LIMIT};
pub use options::EndpointOptions;
pub use secret::Secret;
pub use sink::TextSink;
