//! Why a request is refused, as the peer reads it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use duplex_runtime::SessionError;
use serde::Serialize;

use crate::server::RATES;

/// A request that is refused before there is a WebSocket.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing here: calls are at /v1/audio/stream")]
    Nowhere,
    #[error("pages of {0} may not call: only those of this machine")]
    Origin(String),
    #[error("the query is not understood: {0}")]
    Query(String),
    #[error("the rate is {0} Hz: it must lie between {first} and {last} Hz", first = RATES.start(), last = RATES.end())]
    Rate(u32),
    #[error("{0}")]
    Session(SessionError),
    #[error("a call needs a WebSocket: {0}")]
    NoWebSocket(String),
    #[error("the models are still being loaded")]
    Loading,
    #[error("a model has failed again and again: see the server's log")]
    Broken,
    #[error("{0} calls are running already: no more at once")]
    Busy(usize),
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: String,
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Nowhere => (StatusCode::NOT_FOUND, "not_found"),
            Self::Origin(_) => (StatusCode::FORBIDDEN, "origin"),
            Self::Query(_) => (StatusCode::BAD_REQUEST, "query"),
            Self::Rate(_) => (StatusCode::BAD_REQUEST, "rate"),
            Self::Session(_) => (StatusCode::BAD_REQUEST, "session"),
            Self::NoWebSocket(_) => (StatusCode::BAD_REQUEST, "websocket"),
            Self::Loading => (StatusCode::SERVICE_UNAVAILABLE, "loading"),
            Self::Broken => (StatusCode::SERVICE_UNAVAILABLE, "broken"),
            Self::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = self.parts();
        (status, Json(Body { error, message: self.to_string() })).into_response()
    }
}
