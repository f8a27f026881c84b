//! What goes over the wire: the request, and the parts of an answer that are needed. Servers leave out what they like,
//! so everything is optional.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest message of a server, in characters.
const LONGEST_MESSAGE: usize = 200;

/// A request for a streamed reply.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) stream: bool,
    pub(super) max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
}

/// One event of a reply.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

/// What a reasoning model thinks (`reasoning_content`) is no part of what it says.
#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Chunk {
    /// What the server says went wrong, with the status where it gives one.
    pub(super) fn complaint(&self) -> Option<(Option<u16>, String)> {
        let error = self.error.as_ref()?;
        let status = error.get("code").and_then(Value::as_u64);
        let status = status.and_then(|code| u16::try_from(code).ok());
        Some((status.filter(|code| (400..600).contains(code)), said(error)))
    }

    /// The text of this event, and why the reply ends, if it does.
    pub(super) fn into_parts(self) -> (String, Option<String>) {
        // One choice was asked for.
        let Some(choice) = self.choices.into_iter().flatten().next() else {
            return (String::new(), None);
        };
        let text = choice.delta.and_then(|delta| delta.content).unwrap_or_default();
        // Some send an empty reason until there is one.
        (text, choice.finish_reason.filter(|reason| !reason.is_empty()))
    }
}

/// The models of an endpoint.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    data: Option<Vec<Model>>,
}

#[derive(Debug, Deserialize)]
struct Model {
    id: Option<String>,
}

impl Models {
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.data.iter().flatten().filter_map(|model| model.id.as_deref())
    }
}

/// What the body of an error says, and whether it is about the model's name.
pub(super) fn complaint(status: u16, body: &[u8]) -> (String, bool) {
    let Ok(whole) = serde_json::from_slice::<Value>(body) else {
        return (String::from_utf8_lossy(body).into_owned(), false);
    };
    let error = whole.get("error").unwrap_or(&whole);
    let message = said(error);
    let model = error.get("code").is_some_and(|code| code == "model_not_found")
        || status == 404 && message.to_lowercase().contains("model");
    (message, model)
}

/// The message of an error object: OpenAI's `message`, FastAPI's `detail`, or the whole of it.
fn said(error: &Value) -> String {
    let message = [Some(error), error.get("message"), error.get("detail")];
    let message = message.into_iter().flatten().find_map(Value::as_str);
    message.map_or_else(|| error.to_string(), str::to_owned)
}

/// One line of bounded length, without the key.
pub(super) fn one_line(text: &str, key: Option<&str>) -> String {
    let text = match key {
        Some(key) => Cow::Owned(text.replace(key, "[key]")),
        None => Cow::Borrowed(text),
    };
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let mut line = String::new();
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST_MESSAGE) {
        line.truncate(end);
        line.push('…');
    }
    if line.is_empty() { "it did not say why".to_owned() } else { line }
}

/// When the server wants the next request: RFC 9110, Retry-After, or the finer header that OpenAI sends besides.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = text(header::RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
