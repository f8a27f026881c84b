//! A reply model on another server, behind an OpenAI-compatible endpoint.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ::duplex_model::{
    llm::{ChatMessage, Role, SpeechText},
    remote::{ChatRequest, Endpoint, EndpointOptions, RemoteEnd, RemoteError, TextSink},
};
use tokio::{runtime::Runtime, sync::Notify};

use crate::{
    Flow, ReplySink,
    ports::{
        CallKey, Conversation, Description, ModelOptions, Port, ReplyModel, ReplyRequest, Replying,
    },
};

use super::message;

/// Bytes of text for a token, at the least: an estimate, since the model's vocabulary is on the server. A conversation
/// that does not fit after all is an error of the server's.
const BYTES_PER_TOKEN: usize = 3;

/// Text that may wait for the session: some sentences. More stays in the connection.
const AHEAD: usize = 2_048;

/// How a reply model on another server is asked.
#[derive(Clone, Debug)]
pub struct RemoteReplyOptions {
    /// Where it is.
    pub endpoint: EndpointOptions,
    /// The longest reply, in tokens.
    pub most_tokens: u32,
    /// Sampling temperature.
    pub temperature: f32,
    /// Nucleus sampling.
    pub top_p: f32,
    /// Seed of the sampler.
    pub seed: u32,
    /// Tokens of the model's context, of the reply among them.
    pub context: u32,
    /// How long no reply is asked of the server after it failed, unless it says how long: each try costs the limits.
    pub rest: Duration,
}

/// A reply model on another server. That it cannot be reached is no error here: the model that stands in for it
/// answers until it can.
pub fn endpoint(options: RemoteReplyOptions) -> ModelOptions<Replying> {
    ModelOptions::<Replying>::one(move |serve| {
        let endpoint = Endpoint::new(options.endpoint.clone())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("endpoint")
            .enable_all()
            .build()?;
        let remote = &mut Remote {
            endpoint,
            options: options.clone(),
            runtime,
            calls: BTreeMap::new(),
            rest: Arc::default(),
        };
        remote.greet();
        serve(remote);
        Ok(())
    })
}

struct Remote {
    endpoint: Endpoint,
    options: RemoteReplyOptions,
    /// Ends its tasks when it is dropped.
    runtime: Runtime,
    /// Tells the reply of each call that there is room.
    calls: BTreeMap<CallKey, Arc<Notify>>,
    rest: Arc<Mutex<Option<Rest>>>,
}

/// The server failed, and is left alone for a while.
struct Rest {
    until: Instant,
    why: String,
}

impl Rest {
    fn after(error: &RemoteError, usual: Duration) -> Self {
        let until = Instant::now() + error.retry_after().unwrap_or(usual);
        Self { until, why: error.to_string() }
    }
}

impl Port for Remote {
    fn describe(&self) -> Description {
        Description { name: self.options.endpoint.model.clone(), process: None }
    }

    fn close(&mut self, call: CallKey) {
        self.calls.remove(&call);
    }
}

impl ReplyModel for Remote {
    fn begin(&mut self, call: CallKey, request: ReplyRequest, sink: ReplySink) {
        if let Some(why) = self.resting() {
            return sink.fail(&why);
        }
        let room = Arc::new(Notify::new());
        self.calls.insert(call, Arc::clone(&room));
        let messages = messages(&request, self.options.context, self.options.most_tokens);
        let most = self.options.most_tokens;
        let max_tokens = request.most_tokens.map_or(most, |own| own.min(most)).max(1);
        let (endpoint, options) = (self.endpoint.clone(), self.options.clone());
        let rest = Arc::clone(&self.rest);
        let cancelled = Arc::new(Notify::new());
        sink.on_cancel({
            let cancelled = Arc::clone(&cancelled);
            move || cancelled.notify_one()
        });
        self.runtime.spawn(async move {
            let request = ChatRequest {
                messages: &messages,
                max_tokens,
                temperature: Some(options.temperature),
                top_p: Some(options.top_p),
                seed: Some(options.seed),
            };
            let mut speech =
                Spoken { sink, room, speech: SpeechText::default(), text: String::new() };
            let ended = tokio::select! {
                // Dropping the stream closes the connection.
                () = cancelled.notified() => return,
                ended = endpoint.stream(&request, &mut speech) => ended,
            };
            match ended {
                Ok(RemoteEnd::Complete | RemoteEnd::Length) => speech.end(),
                Ok(RemoteEnd::Stopped) => {}
                Err(error) => {
                    let next = Rest::after(&error, options.rest);
                    *rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
                    speech.sink.fail(&error);
                }
            }
        });
    }

    fn resume(&mut self, call: CallKey) {
        if let Some(room) = self.calls.get(&call) {
            room.notify_one();
        }
    }

    fn ahead(&self) -> usize {
        AHEAD
    }
}

impl Remote {
    /// Asks whether the server has the model: a wrong name is seen before a call needs it.
    fn greet(&mut self) {
        match self.runtime.block_on(self.endpoint.check()) {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("the reply model on another server cannot be used yet: {error}");
                let next = Rest::after(&error, self.options.rest);
                *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
            }
        }
    }

    /// Why the server is left alone, if it is.
    fn resting(&self) -> Option<String> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.take_if(|rest| rest.until <= Instant::now());
        rest.as_ref().map(|rest| rest.why.clone())
    }
}

/// The conversation as chat messages, without the oldest that no longer fit the model's context.
fn messages(request: &ReplyRequest, context: u32, most_tokens: u32) -> Vec<ChatMessage> {
    let Conversation { instructions, lines, open: _ } = &request.conversation;
    let tokens = (context as usize).saturating_sub(most_tokens as usize);
    let room = (tokens * BYTES_PER_TOKEN).saturating_sub(instructions.len());
    let mut messages = Vec::new();
    if !instructions.trim().is_empty() {
        messages.push(ChatMessage::new(Role::System, &**instructions));
    }
    let sizes: Vec<_> = lines.iter().map(|line| line.text.len()).collect();
    let from = oldest_to_keep(&sizes, room);
    messages.extend(lines[from..].iter().map(|line| message(line)));
    if !request.begun.trim().is_empty() {
        messages.push(ChatMessage::new(Role::Assistant, request.begun.as_str()));
    }
    messages
}

/// The oldest of some lines that is kept, so that the rest fits. Where it no longer does, the older half goes at once:
/// the server's cache of the conversation then holds for many turns.
fn oldest_to_keep(sizes: &[usize], room: usize) -> usize {
    let (mut oldest, mut size) = (0, 0);
    for (newest, line) in sizes.iter().enumerate() {
        size += line;
        if size > room {
            while size > room / 2 && oldest < newest {
                size -= sizes[oldest];
                oldest += 1;
            }
        }
    }
    oldest
}

/// Puts what can be spoken of a reply into its sink.
struct Spoken {
    sink: ReplySink,
    /// Tells that there is room in it.
    room: Arc<Notify>,
    speech: SpeechText,
    /// Scratch.
    text: String,
}

impl Spoken {
    fn end(mut self) {
        self.text.clear();
        self.speech.finish(&mut self.text);
        self.sink.push(&self.text);
        self.sink.end();
    }
}

impl TextSink for Spoken {
    async fn take(&mut self, piece: &str) -> ControlFlow<()> {
        self.text.clear();
        self.speech.push(piece, &mut self.text);
        self.sink.push(&self.text);
        loop {
            match self.sink.flush() {
                Flow::More => return ControlFlow::Continue(()),
                Flow::Cancelled => return ControlFlow::Break(()),
                Flow::Full => self.room.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_half_goes_when_a_conversation_no_longer_fits() {
        assert_eq!(oldest_to_keep(&[10; 10], 100), 0);
        assert_eq!(oldest_to_keep(&[10; 11], 100), 6);
        assert_eq!(oldest_to_keep(&[10; 15], 100), 6);
        assert_eq!(oldest_to_keep(&[10, 10, 500], 100), 2, "the newest always stays");
        assert_eq!(oldest_to_keep(&[], 0), 0);
    }
}
