//! Where an endpoint is.

use std::time::Duration;

use super::Secret;

/// Where the endpoint is, and how long it may take.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    /// The URL that `/chat/completions` is appended to; it mostly ends in `/v1`.
    pub base_url: String,
    /// Name of the model, as the endpoint knows it.
    pub model: String,
    /// What the endpoint asks for, if it asks.
    pub key: Option<Secret>,
    /// Whether the key may go to another machine unencrypted.
    pub allow_plain_http: bool,
    /// Time to connect, with the name lookup and the TLS handshake.
    pub connect: Duration,
    /// Time from the request to the first text, with the connect and the retry.
    pub first_token: Duration,
    /// Time between two pieces of text.
    pub stall: Duration,
}

impl EndpointOptions {
    /// An endpoint without a key, with the default limits: 1 s to connect, 3 s to the first text, 2 s between pieces.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            allow_plain_http: false,
            connect: Duration::from_secs(1),
            first_token: Duration::from_secs(3),
            stall: Duration::from_secs(2),
        }
    }
}
