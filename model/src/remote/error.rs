//! Errors of a remote language model, by what the caller can do about them.

use std::fmt;
use std::io;
use std::time::Duration;

/// An error of a remote language model. None holds the key; what the server said is in one line of bounded length.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The base URL is not one of an endpoint.
    #[error("{url} is not the URL of an endpoint: {reason}")]
    NotAUrl {
        /// The URL as configured; without what looks like a password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key would go to another machine unencrypted.
    #[error("the key would go to {host} unencrypted: use https, or allow plain http")]
    PlainHttp {
        /// The machine.
        host: String,
    },
    /// There is no key where one should be.
    #[error("no key: {origin} {reason}{}", .source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default())]
    Key {
        /// The variable or file.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
        /// The operating system's error.
        source: Option<io::Error>,
    },
    /// There is no connection, or the server closed it before it answered.
    #[error("{host} cannot be reached ({reason}): check the URL and whether the server runs")]
    Unreachable {
        /// The machine.
        host: String,
        /// The operating system's error.
        reason: String,
    },
    /// The server's certificate does not verify, or there are none to verify it with.
    #[error(
        "the certificate of {host} does not verify ({reason}): add its issuer to the system's certificates"
    )]
    Certificate {
        /// The machine.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refused the key, or asks for one. What it said is left out: some quote the key.
    #[error("{host} refused {}", if *.with_key { "the key: check it" } else { "a request without a key: give one" })]
    Unauthorized {
        /// The machine.
        host: String,
        /// Whether a key was sent.
        with_key: bool,
    },
    /// The server does not have the model.
    #[error("the endpoint has no model `{model}`{}", known_models(.known))]
    NoSuchModel {
        /// The name as configured.
        model: String,
        /// Some of those that the server has, as far as it said.
        known: Vec<String>,
    },
    /// Too many requests, or a quota is used up.
    #[error("the endpoint takes no more requests for now: {message}")]
    RateLimited {
        /// When the server wants the next one.
        retry_after: Option<Duration>,
        /// What the server said.
        message: String,
    },
    /// The server answered with an error.
    #[error("the endpoint failed{}: {message}", .status.map(|status| format!(" with status {status}")).unwrap_or_default())]
    Server {
        /// The HTTP status; none where the error came inside a reply that did not say.
        status: Option<u16>,
        /// What the server said.
        message: String,
        /// When the server wants the next request.
        retry_after: Option<Duration>,
    },
    /// A limit of time was reached.
    #[error("the endpoint took longer than {limit:?} {what}: raise the limit, or use a faster one")]
    TooSlow {
        /// What was waited for.
        what: Wait,
        /// The limit.
        limit: Duration,
    },
    /// The reply does not end as one does; what came of it before was given to the sink.
    #[error("the reply is broken: {how}")]
    Broken {
        /// What is wrong with it.
        how: Break,
    },
    /// The server sends more than any reply needs.
    #[error("the endpoint sent {what} of more than {limit} bytes: ask for a shorter reply")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What a [`RemoteError::TooSlow`] waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The connection.
    Connect,
    /// The first text of a reply, or the list of models.
    FirstToken,
    /// The next text of a reply.
    Stall,
}

/// What is wrong with a broken reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The connection was lost.
    Lost,
    /// The stream ended without saying that the reply does.
    NoEnd,
    /// What came is not JSON of the expected shape.
    NotJson,
    /// What came is not UTF-8.
    NotUtf8,
    /// The stream ended inside a character.
    InsideCharacter,
}

impl RemoteError {
    /// When the server wants the next request, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Server { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}

fn known_models(known: &[String]) -> String {
    match known {
        [] => ": check the name".to_owned(),
        known => format!(": it has {}", known.join(", ")),
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "to connect",
            Self::FirstToken => "to the first token",
            Self::Stall => "between two tokens",
        })
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "the connection was lost",
            Self::NoEnd => "it stopped in the middle",
            Self::NotJson => "the server does not speak the chat completions protocol",
            Self::NotUtf8 => "it is not UTF-8",
            Self::InsideCharacter => "it stopped inside a character",
        })
    }
}
