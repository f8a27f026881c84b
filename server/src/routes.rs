//! The HTTP routes.

use std::{net::IpAddr, sync::Arc, sync::atomic::Ordering::Relaxed};

use axum::{
    Router,
    extract::{
        Query, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, Uri, header::ORIGIN},
    response::Response,
    routing::get,
};
use duplex_runtime::SessionOptions;
use serde::Deserialize;

use crate::{
    connection::{self, Caller},
    refusal::Refusal,
    server::{RATES, Shared},
    socket_audio,
};

/// The query of a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Sample rate in both directions, in Hz.
    #[serde(default = "usual_rate")]
    rate: u32,
    /// What the call has of its own, as in [`SessionOptions`].
    instructions: Option<String>,
    reply: Option<String>,
    voice: Option<String>,
    speed: Option<f32>,
}

impl Wanted {
    /// The options of the call, where those that it does not name are the server's.
    fn session(self, usual: &SessionOptions) -> SessionOptions {
        let Self { rate: _, instructions, reply, voice, speed } = self;
        SessionOptions {
            instructions: instructions.or_else(|| usual.instructions.clone()),
            reply: reply.or_else(|| usual.reply.clone()),
            voice: voice.or_else(|| usual.voice.clone()),
            speed: speed.or(usual.speed),
            ..usual.clone()
        }
    }
}

const fn usual_rate() -> u32 {
    duplex_core::SAMPLE_RATE
}

/// All routes.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/audio/stream", get(stream))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || Refusal::Nowhere)
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Result<&'static str, Refusal> {
    let engine = shared.engine()?;
    if engine.is_healthy() { Ok("ok\n") } else { Err(Refusal::Broken) }
}

async fn stream(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    if !shared.options.allow_remote {
        local_page(&headers)?;
    }
    let Query(wanted) = wanted.map_err(|error| Refusal::Query(error.body_text()))?;
    let rate = wanted.rate;
    if !RATES.contains(&rate) {
        return Err(Refusal::Rate(rate));
    }
    let upgrade = upgrade.map_err(|error| Refusal::NoWebSocket(error.body_text()))?;
    let engine = shared.engine()?;
    let session = wanted.session(&shared.options.call.session);
    engine.check_session(&session).map_err(Refusal::Session)?;
    let place = shared.place().await?;
    let ends =
        socket_audio::socket_audio(rate, shared.options.lead).map_err(|_| Refusal::Rate(rate))?;
    let number = shared.calls.fetch_add(1, Relaxed);
    let caller = Caller { number, rate, session, engine, shared };
    Ok(upgrade
        .max_message_size(connection::most_bytes(rate))
        .max_frame_size(connection::most_bytes(rate))
        .write_buffer_size(0)
        .max_write_buffer_size(connection::MOST_UNWRITTEN)
        .on_failed_upgrade(move |error| tracing::warn!("call {number} did not begin: {error}"))
        .on_upgrade(move |socket| async move {
            connection::run_call(socket, caller, ends).await;
            drop(place);
        }))
}

/// Refuses web pages of other machines. A browser lets any page of any site open a WebSocket to
/// this machine, and sends the page's origin. Other programs send none.
fn local_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let uri = Uri::try_from(origin.as_bytes()).ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if host == "localhost" || address.is_ok_and(|address| address.is_loopback()) {
        return Ok(());
    }
    Err(Refusal::Origin(String::from_utf8_lossy(origin.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn may_call(origin: &str) -> bool {
        let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_str(origin).unwrap())]);
        local_page(&headers).is_ok()
    }

    #[test]
    fn pages_of_other_sites_may_not_call() {
        for origin in ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"] {
            assert!(may_call(origin), "{origin}");
        }
        for origin in ["https://example.org", "http://localhost.example.org", "null", ""] {
            assert!(!may_call(origin), "{origin}");
        }
        assert!(local_page(&HeaderMap::new()).is_ok(), "a program says nothing");
    }
}
