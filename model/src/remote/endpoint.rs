//! The endpoint and its requests.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::stream::StreamResponse;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Body, Response, Url};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout_at};

use super::events::{self, EVENT_LIMIT, Flow, REPLY_LIMIT};
use super::wire::{self, Chunk, Models};
use super::{Break, EndpointOptions, RemoteError, Secret, TextSink, Wait};
use crate::llm::ChatMessage;

/// The longest wait before a retry that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The wait before a retry where the server asks for none.
const PAUSE: Duration = Duration::from_millis(100);

/// After the end of a reply the rest of the stream is read for as long, so that the connection can be used again.
const LINGER: Duration = Duration::from_millis(100);

/// How many of the models that an endpoint has are named in an error.
const NAMED_MODELS: usize = 10;

/// A request for a reply.
#[derive(Clone, Copy, Debug)]
pub struct ChatRequest<'a> {
    /// The conversation, to be answered.
    pub messages: &'a [ChatMessage],
    /// The longest reply, in the model's tokens.
    pub max_tokens: u32,
    /// Sampling temperature; the server's default where it is not given, as for the following.
    pub temperature: Option<f32>,
    /// Nucleus sampling: the probability that the candidates add up to.
    pub top_p: Option<f32>,
    /// Seed of the sampler, where the server has one.
    pub seed: Option<u32>,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteEnd {
    /// It is complete.
    Complete,
    /// It reached the maximum length, of the request or of the model.
    Length,
    /// The sink wanted no more.
    Stopped,
}

/// What [`Endpoint::check`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The endpoint lists the model.
    Listed,
    /// The endpoint lists no models; whether it has this one shows with the first reply.
    NoList,
}

/// A chat completions endpoint. Connections are kept for the next request.
#[derive(Clone)]
pub struct Endpoint {
    http: reqwest::Client,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: EndpointOptions,
    /// Without a slash at the end.
    base: String,
    host: String,
    headers: HeaderMap,
}

impl Endpoint {
    /// Checks the options; it does not connect.
    ///
    /// # Errors
    /// [`RemoteError::NotAUrl`], [`RemoteError::PlainHttp`]; [`RemoteError::Certificate`] if the system has no
    /// certificates to verify a server with.
    pub fn new(options: EndpointOptions) -> Result<Self, RemoteError> {
        let url = parse(&options)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let secure = url.scheme() == "https";
        let local = is_loopback(&url);
        if options.key.is_some() && !(secure || local || options.allow_plain_http) {
            return Err(RemoteError::PlainHttp { host });
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = &options.key
            && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", key.expose()))
        {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let unverifiable = |reason: String| RemoteError::Certificate { host: host.clone(), reason };
        let tls = tls(secure).map_err(|e| unverifiable(e.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(options.connect)
            // A redirect would take the key and the conversation to a place that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("duplex/", env!("CARGO_PKG_VERSION")));
        let http = if local { http.no_proxy() } else { http };
        let http = http.build().map_err(|e| unverifiable(root_cause(&e)))?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, shared: Arc::new(Shared { options, base, host, headers }) })
    }

    /// Asks for the models of the endpoint, so that a wrong URL, key or name shows before the first reply. A server that
    /// lists none is accepted. It takes at most as long as the first token may.
    ///
    /// # Errors
    /// As [`stream`](Self::stream); [`RemoteError::NoSuchModel`] names some of the models that there are.
    pub async fn check(&self) -> Result<Listing, RemoteError> {
        let deadline = Instant::now() + self.shared.options.first_token;
        let listing = match self.in_time(deadline, self.list()).await {
            Err(error) => match pause(&error).filter(|&pause| Instant::now() + pause < deadline) {
                Some(pause) => {
                    sleep(pause).await;
                    self.in_time(deadline, self.list()).await?
                }
                None => return Err(error),
            },
            Ok(listing) => listing,
        };
        let Some(models) = listing else { return Ok(Listing::NoList) };
        let model = &self.shared.options.model;
        // Ollama lists the tag that a name without one stands for.
        let is_it = |id: &str| id == model || id.strip_suffix(":latest") == Some(model);
        if models.ids().any(is_it) {
            return Ok(Listing::Listed);
        }
        let known = models.ids().take(NAMED_MODELS);
        let known = known.map(|id| self.shared.one_line(id)).collect();
        Err(RemoteError::NoSuchModel { model: model.clone(), known })
    }

    /// Streams the reply to a request. `sink` takes the text as it arrives.
    ///
    /// Before the first text it tries once more where that may help: a refused or lost connection, a status from 500
    /// on, and a limit of requests that ends within half a second. Both tries together take no longer than the first
    /// token may. Dropping the future closes the connection.
    ///
    /// # Errors
    /// Whatever the server did wrong, or did not do in time; a reply that is broken was given to `sink` as far as it
    /// came. [`RemoteError::NotAUrl`], [`RemoteError::PlainHttp`] and [`RemoteError::Key`] do not occur.
    pub async fn stream<S: TextSink>(
        &self,
        request: &ChatRequest<'_>,
        sink: &mut S,
    ) -> Result<RemoteEnd, RemoteError> {
        let deadline = Instant::now() + self.shared.options.first_token;
        let mut given = false;
        match self.attempt(request, deadline, sink, &mut given).await {
            Err(error) if !given => {
                let Some(pause) = pause(&error).filter(|&pause| Instant::now() + pause < deadline)
                else {
                    return Err(error);
                };
                tracing::debug!(%error, "the endpoint is asked once more");
                sleep(pause).await;
                self.attempt(request, deadline, sink, &mut given).await
            }
            result => result,
        }
    }

    async fn attempt<S: TextSink>(
        &self,
        request: &ChatRequest<'_>,
        first: Instant,
        sink: &mut S,
        given: &mut bool,
    ) -> Result<RemoteEnd, RemoteError> {
        let options = &self.shared.options;
        let flow = Arc::new(Flow::default());
        let client = self.client(&flow);
        let body = self.shared.body(request);
        let chat = client.chat();
        let opened = async {
            let opened = chat.create_stream_byot(body).await;
            opened.map_err(|error| self.shared.fault_of_client(error))
        };
        let mut chunks: StreamResponse<Chunk> = self.in_time(first, opened).await?;

        let (mut deadline, mut what, mut limit) = (first, Wait::FirstToken, options.first_token);
        let mut end = None;
        loop {
            let chunk = match (timeout_at(deadline, chunks.next()).await, end) {
                (Ok(Some(Ok(chunk))), _) => chunk,
                (Ok(None | Some(Err(_))) | Err(_), Some(end)) => return Ok(end),
                (Err(_), None) => return Err(RemoteError::TooSlow { what, limit }),
                (Ok(Some(Err(_)) | None), _) => {
                    let ending = flow.ending();
                    return match (ending.fault, ending.done) {
                        (Some(fault), _) => Err(fault),
                        (None, true) => Ok(RemoteEnd::Complete),
                        (None, false) => Err(RemoteError::Broken { how: Break::NoEnd }),
                    };
                }
            };
            if end.is_some() {
                continue;
            }
            if let Some((status, message)) = chunk.complaint() {
                return Err(self.shared.refusal(status, message, None));
            }
            let (text, reason) = chunk.into_parts();
            if !text.is_empty() {
                *given = true;
                let _closed = flow.gate.lock().await;
                if sink.take(&text).await.is_break() {
                    return Ok(RemoteEnd::Stopped);
                }
                (what, limit) = (Wait::Stall, options.stall);
                deadline = Instant::now() + limit;
            }
            if let Some(reason) = reason {
                end = Some(match reason.as_str() {
                    "length" => RemoteEnd::Length,
                    _ => RemoteEnd::Complete,
                });
                deadline = Instant::now() + LINGER;
            }
        }
    }

    /// A client of one request: its responses pass through `flow`.
    fn client(&self, flow: &Arc<Flow>) -> Client<Settings> {
        let (http, shared, flow) = (self.http.clone(), self.shared.clone(), flow.clone());
        let service = tower::service_fn(move |request: HttpRequestFactory| {
            let (http, shared, flow) = (http.clone(), shared.clone(), flow.clone());
            async move {
                let request = request.build().await?;
                let response = http.execute(request).await.map_err(|e| shared.fault(&e));
                let response = match response {
                    Ok(response) => shared.accepted(response).await,
                    Err(error) => Err(error),
                };
                let response = response.map_err(|error| OpenAIError::Boxed(Box::new(error)))?;
                let body = Box::pin(events::bounded(response.bytes_stream(), flow));
                Ok::<_, OpenAIError>(Response::from(http::Response::new(Body::wrap_stream(body))))
            }
        });
        let settings = Settings(self.shared.clone());
        Client::build(self.http.clone(), settings).with_http_service(service)
    }

    /// The models; none where the server lists none.
    async fn list(&self) -> Result<Option<Models>, RemoteError> {
        let url = format!("{}/models", self.shared.base);
        let request = self.http.get(url).headers(self.shared.headers.clone());
        let response = request.send().await.map_err(|e| self.shared.fault(&e))?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Ok(None);
        }
        let mut response = self.shared.accepted(response).await?;
        let mut body = Vec::new();
        read(&mut response, &mut body, REPLY_LIMIT, "a list of models").await?;
        let models = serde_json::from_slice(&body);
        models.map(Some).map_err(|_| RemoteError::Broken { how: Break::NotJson })
    }

    async fn in_time<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, RemoteError> {
        let limit = self.shared.options.first_token;
        let late = || RemoteError::TooSlow { what: Wait::FirstToken, limit };
        timeout_at(deadline, work).await.map_err(|_| late())?
    }
}

impl Shared {
    fn body<'a>(&'a self, request: &ChatRequest<'a>) -> wire::Request<'a> {
        let messages = request.messages.iter().map(|message| wire::Message {
            role: message.role.name(),
            content: message.text.trim(),
        });
        wire::Request {
            model: &self.options.model,
            messages: messages.collect(),
            stream: true,
            max_tokens: request.max_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            seed: request.seed,
        }
    }

    fn one_line(&self, text: &str) -> String {
        wire::one_line(text, self.options.key.as_ref().map(Secret::expose))
    }

    /// The response, if its status is one of success.
    async fn accepted(&self, mut response: Response) -> Result<Response, RemoteError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED {
            let with_key = self.options.key.is_some();
            return Err(RemoteError::Unauthorized { host: self.host.clone(), with_key });
        }
        let retry_after = wire::retry_after(response.headers(), SystemTime::now());
        let code = Some(status.as_u16());
        if status.is_redirection() {
            let target = response.headers().get(header::LOCATION);
            let target = target.and_then(|target| target.to_str().ok()).unwrap_or("elsewhere");
            let message = format!("it redirects to {target}; give that URL instead");
            return Err(self.refusal(code, message, None));
        }
        let mut body = Vec::new();
        // Where the body ends early, what came of it says enough.
        if let Err(error @ RemoteError::TooLong { .. }) =
            read(&mut response, &mut body, EVENT_LIMIT, "an error").await
        {
            return Err(error);
        }
        let (message, about_model) = wire::complaint(status.as_u16(), &body);
        if about_model {
            let model = self.options.model.clone();
            return Err(RemoteError::NoSuchModel { model, known: Vec::new() });
        }
        Err(self.refusal(code, message, retry_after))
    }

    fn refusal(
        &self,
        status: Option<u16>,
        message: String,
        retry_after: Option<Duration>,
    ) -> RemoteError {
        let message = self.one_line(&message);
        let with_key = self.options.key.is_some();
        match status {
            Some(401) => RemoteError::Unauthorized { host: self.host.clone(), with_key },
            Some(429) => RemoteError::RateLimited { retry_after, message },
            status => RemoteError::Server { status, message, retry_after },
        }
    }

    fn fault_of_client(&self, error: OpenAIError) -> RemoteError {
        match error {
            OpenAIError::Boxed(inner) => match inner.downcast() {
                Ok(error) => *error,
                Err(other) => self.unreachable(&other.to_string()),
            },
            OpenAIError::Reqwest(error) => self.fault(&error),
            other => self.unreachable(&other.to_string()),
        }
    }

    fn unreachable(&self, reason: &str) -> RemoteError {
        RemoteError::Unreachable { host: self.host.clone(), reason: self.one_line(reason) }
    }

    /// What went wrong before there was a response.
    fn fault(&self, error: &reqwest::Error) -> RemoteError {
        if error.is_connect() && error.is_timeout() {
            return RemoteError::TooSlow { what: Wait::Connect, limit: self.options.connect };
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(rustls::Error::InvalidCertificate(what)) = error.downcast_ref() {
                let reason = self.one_line(&what.to_string());
                return RemoteError::Certificate { host: self.host.clone(), reason };
            }
            cause = beneath(error);
        }
        self.unreachable(&root_cause(error))
    }
}

/// What the client library is told about the endpoint.
#[derive(Clone)]
struct Settings(Arc<Shared>);

impl Config for Settings {
    fn headers(&self) -> HeaderMap {
        self.0.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.0.base
    }

    fn api_key(&self) -> &SecretString {
        static NONE: std::sync::LazyLock<SecretString> = std::sync::LazyLock::new(|| "".into());
        // The headers hold it; nothing else asks.
        &NONE
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.shared.options;
        let mut out = f.debug_struct("Endpoint");
        out.field("base", &self.shared.base).field("model", &options.model).finish_non_exhaustive()
    }
}

/// How long to wait before another try, if one may help.
fn pause(error: &RemoteError) -> Option<Duration> {
    match error {
        RemoteError::Unreachable { .. } | RemoteError::Broken { how: Break::Lost } => Some(PAUSE),
        RemoteError::Server { status: Some(500..), retry_after, .. } => {
            Some(retry_after.unwrap_or(PAUSE)).filter(|&pause| pause <= LONGEST_PAUSE)
        }
        RemoteError::RateLimited { retry_after, .. } => {
            retry_after.filter(|&pause| pause <= LONGEST_PAUSE)
        }
        _ => None,
    }
}

fn parse(options: &EndpointOptions) -> Result<Url, RemoteError> {
    let text = options.base_url.trim();
    if text.is_empty() {
        let reason = "it begins with https:// or http:// and the name of a machine";
        return Err(RemoteError::NotAUrl { url: "an empty text".to_owned(), reason });
    }
    let not_a_url = |reason| {
        // Whoever puts a password into a URL, or the key, need not read it in a log.
        let secret = text.contains('@')
            || options.key.as_ref().is_some_and(|key| text.contains(key.expose()));
        let url = if secret { "what is configured".to_owned() } else { wire::one_line(text, None) };
        Err(RemoteError::NotAUrl { url, reason })
    };
    let Ok(url) = Url::parse(text) else {
        return not_a_url("it begins with https:// or http:// and the name of a machine");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return not_a_url("it begins with https:// or http:// and the name of a machine");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return not_a_url("it has a user's name or password: give a key instead");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return not_a_url("nothing may follow its path");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The system's certificates, read only where they are needed: not every system has some.
fn tls(secure: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    if secure {
        return Ok(builder.with_platform_verifier()?.with_no_client_auth());
    }
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Reads a body up to a limit.
async fn read(
    response: &mut Response,
    body: &mut Vec<u8>,
    limit: usize,
    what: &'static str,
) -> Result<(), RemoteError> {
    let lost = |_| RemoteError::Broken { how: Break::Lost };
    while let Some(bytes) = response.chunk().await.map_err(lost)? {
        if body.len() + bytes.len() > limit {
            return Err(RemoteError::TooLong { what, limit });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(())
}

/// The cause of an error. An `io::Error` that wraps another hides it from `source`.
fn beneath<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(cause) = beneath(error) {
        error = cause;
    }
    error.to_string()
}
