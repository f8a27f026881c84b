//! A reply model on another server, behind an OpenAI-compatible endpoint.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use ::duplex_model::{
    llm::{ChatMessage, Opening, ReplyFilter, Role, SpeechText, fit_by_size, newest_words},
    remote::{ChatRequest, Endpoint, EndpointOptions, RemoteEnd, RemoteError, TextSink, Wait},
};
use tokio::{runtime::Runtime, sync::Notify};

use crate::{
    Flow, ReplySink,
    ports::{
        CallKey, Conversation, Description, ModelOptions, Port, PortError, ReplyModel,
        ReplyRequest, Replying,
    },
};

use super::{SHORTENED, message};

/// Bytes of text for a token, and tokens around a message: an estimate, since the model's vocabulary is on the server. A
/// conversation that does not fit after all is an error of the server's.
const BYTES_PER_TOKEN: usize = 3;
const TOKENS_AROUND: usize = 8;

/// The longest rest, whatever a server says.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Text that may wait for the session: some sentences. More stays in the connection.
const AHEAD: usize = 2_048;

/// Tokens for what a model thinks before it replies, of a context that has as many for a conversation.
const THOUGHT: u32 = 4_096;

/// How a reply model on another server is asked.
#[derive(Clone, Debug)]
pub struct RemoteReplyOptions {
    /// Where it is.
    pub endpoint: EndpointOptions,
    /// The longest reply, in tokens. A model that is seen to think may write more, before the reply.
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
            runtime: Some(runtime),
            calls: BTreeMap::new(),
            told: BTreeMap::new(),
            rest: Arc::default(),
            habits: Arc::default(),
        };
        remote.greet();
        serve(remote);
        Ok(())
    })
}

struct Remote {
    endpoint: Endpoint,
    options: RemoteReplyOptions,
    /// There until it is dropped, which waits for nothing: a name may be looked up for long.
    runtime: Option<Runtime>,
    /// Tells the reply of each call that there is room.
    calls: BTreeMap<CallKey, Arc<Notify>>,
    /// How many lines each call had when it was last said that the newest is too long.
    told: BTreeMap<CallKey, usize>,
    rest: Arc<Mutex<Option<Rest>>>,
    habits: Arc<Habits>,
}

/// What the model was seen to do in earlier replies.
#[derive(Default)]
struct Habits {
    /// It thinks before it replies, in the text or apart from it.
    thinks: AtomicBool,
    /// Its template opens the think block, so that only the end of it is written.
    begins_in_thought: AtomicBool,
}

/// The server failed, and is left alone for a while.
struct Rest {
    until: Instant,
    why: String,
}

impl Rest {
    /// The rest after an error, where it says something of the server, and not of a single conversation.
    fn after(error: &RemoteError, usual: Duration) -> Option<Self> {
        let is_servers = match error {
            RemoteError::Unreachable { .. }
            | RemoteError::Certificate { .. }
            | RemoteError::Unauthorized { .. }
            | RemoteError::NoSuchModel { .. }
            | RemoteError::RateLimited { .. } => true,
            RemoteError::TooSlow { what, .. } => matches!(what, Wait::Connect | Wait::FirstToken),
            RemoteError::Server { status, .. } => status.is_some_and(|status| status >= 500),
            _ => false,
        };
        let span = error.retry_after().unwrap_or(usual).min(LONGEST_REST);
        is_servers.then(|| Self { until: Instant::now() + span, why: error.to_string() })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Port for Remote {
    fn describe(&self) -> Description {
        Description { name: self.options.endpoint.model.clone(), process: None }
    }

    fn close(&mut self, call: CallKey) {
        self.calls.remove(&call);
        self.told.remove(&call);
    }
}

impl ReplyModel for Remote {
    fn begin(&mut self, call: CallKey, request: ReplyRequest, sink: ReplySink) {
        if let Some(why) = self.resting() {
            return sink.fail(&why);
        }
        let notify = Arc::new(Notify::new());
        self.calls.insert(call, Arc::clone(&notify));
        let thought = self.thought();
        let room = room(&self.options).saturating_sub(thought as usize);
        let (messages, is_short) = messages(&request, room);
        let lines = request.conversation.lines.len();
        if is_short && self.told.insert(call, lines) != Some(lines) {
            sink.warn(SHORTENED);
        }
        let most = self.options.most_tokens;
        let max_tokens = request.most_tokens.map_or(most, |own| own.min(most)).max(1) + thought;
        let (endpoint, options) = (self.endpoint.clone(), self.options.clone());
        let temperature = request.temperature.unwrap_or(options.temperature);
        let begun = request.begun.trim().to_owned();
        let rest = Arc::clone(&self.rest);
        let habits = Arc::clone(&self.habits);
        let cancelled = Arc::new(Notify::new());
        sink.on_cancel({
            let cancelled = Arc::clone(&cancelled);
            move || cancelled.notify_one()
        });
        let Some(runtime) = &self.runtime else { return };
        runtime.spawn(async move {
            let request = ChatRequest {
                messages: &messages,
                max_tokens,
                temperature: Some(temperature),
                top_p: Some(options.top_p),
                seed: Some(options.seed),
            };
            let mut speech = Spoken::new(sink, notify, begun, habits);
            let ended = tokio::select! {
                // Dropping the stream closes the connection.
                () = cancelled.notified() => return,
                ended = endpoint.stream(&request, &mut speech) => ended,
            };
            match ended {
                Ok(RemoteEnd::Stopped) if !speech.filter.is_over() => {}
                Ok(end) => speech.end(end),
                Err(error) => {
                    if let Some(next) = Rest::after(&error, options.rest) {
                        *rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
                    }
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

    fn check(&self, instructions: &str) -> Result<(), PortError> {
        let (needed, have) = (tokens(instructions), room(&self.options));
        if needed <= have {
            return Ok(());
        }
        Err(format!("the instructions take about {needed} tokens, and there is room for {have}")
            .into())
    }

    fn ahead(&self) -> usize {
        AHEAD
    }
}

impl Remote {
    /// Asks whether the server has the model: a wrong name is seen before a call needs it.
    fn greet(&mut self) {
        let Some(runtime) = &self.runtime else { return };
        match runtime.block_on(self.endpoint.check()) {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("the reply model on another server cannot be used yet: {error}");
                *self.rest.lock().unwrap_or_else(PoisonError::into_inner) =
                    Rest::after(&error, self.options.rest);
            }
        }
    }

    /// Tokens that the model may write before its reply.
    fn thought(&self) -> u32 {
        if self.habits.thinks.load(Relaxed) {
            THOUGHT.min(room(&self.options) as u32 / 2)
        } else {
            0
        }
    }

    /// Why the server is left alone, if it is.
    fn resting(&self) -> Option<String> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.take_if(|rest| rest.until <= Instant::now());
        rest.as_ref().map(|rest| rest.why.clone())
    }
}

/// About how many tokens a message takes.
fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN) + TOKENS_AROUND
}

/// Tokens of the model's context without the longest reply.
fn room(options: &RemoteReplyOptions) -> usize {
    (options.context as usize).saturating_sub(options.most_tokens as usize)
}

/// The conversation as chat messages, without the oldest that no longer fit `room` tokens, and whether of the user's
/// newest turn only a part does.
fn messages(request: &ReplyRequest, room: usize) -> (Vec<ChatMessage>, bool) {
    let Conversation { instructions, lines, open: _ } = &request.conversation;
    let mut messages = Vec::new();
    if !instructions.trim().is_empty() {
        messages.push(ChatMessage::new(Role::System, &**instructions));
    }
    let first = messages.len();
    messages.extend(lines.iter().map(|line| message(line)));
    if !request.begun.trim().is_empty() {
        messages.push(ChatMessage::new(Role::Assistant, request.begun.as_str()));
    }
    let is_short = shorten(&mut messages, first, room);
    let drop = fit_by_size(&messages, room, |message| tokens(&message.text));
    messages.drain(first..first + drop);
    (messages, is_short)
}

/// Leaves of the user's newest turn what fits beside the instructions, which are the `first` messages, and what is begun
/// of the reply. Whether that is only a part of it.
fn shorten(messages: &mut [ChatMessage], first: usize, room: usize) -> bool {
    let Some(at) = messages.iter().rposition(|message| message.role == Role::User) else {
        return false;
    };
    let beside = messages[..first].iter().chain(&messages[at + 1..]);
    let taken: usize = beside.map(|message| tokens(&message.text)).sum();
    let room = room.saturating_sub(taken);
    if tokens(&messages[at].text) <= room {
        return false;
    }
    let size = |text: &str| text.len().div_ceil(BYTES_PER_TOKEN);
    let words = newest_words(&messages[at].text, room.saturating_sub(TOKENS_AROUND), size);
    messages[at].text = words.to_owned();
    true
}

/// Puts what can be spoken of a reply into its sink.
struct Spoken {
    sink: ReplySink,
    /// Tells that there is room in it.
    room: Arc<Notify>,
    /// Marks are known by what [`SpeechText`] takes for markup.
    filter: ReplyFilter,
    speech: SpeechText,
    repeats: Repetition,
    habits: Arc<Habits>,
    /// Scratch.
    answer: String,
    text: String,
}

impl Spoken {
    /// Of a reply of which `begun` is written already.
    fn new(sink: ReplySink, room: Arc<Notify>, begun: String, habits: Arc<Habits>) -> Self {
        let in_thought = habits.begins_in_thought.load(Relaxed);
        Self {
            sink,
            room,
            filter: ReplyFilter::new(Opening { in_thought, begun: !begun.is_empty() }),
            speech: SpeechText::default(),
            repeats: Repetition::of(begun),
            habits,
            answer: String::new(),
            text: String::new(),
        }
    }

    fn push(&mut self) {
        self.sink.push(&self.repeats.without(&self.text));
    }

    fn end(mut self, end: RemoteEnd) {
        self.answer.clear();
        self.text.clear();
        let answer = self.filter.finish(&mut self.answer);
        self.speech.push(&self.answer, &mut self.text);
        self.speech.finish(&mut self.text);
        self.push();
        // A thought that the server keeps to itself counts as well.
        let only_thought = answer.is_err() && end == RemoteEnd::Length;
        if only_thought || self.filter.has_thought() {
            self.habits.thinks.store(true, Relaxed);
        }
        // Without the end of a think block, what was taken for a thought was the answer.
        if answer.is_err() && end == RemoteEnd::Complete {
            self.habits.begins_in_thought.store(false, Relaxed);
        }
        match answer {
            Ok(()) => self.sink.end(),
            Err(why) => self.sink.fail(&why),
        }
    }
}

impl TextSink for Spoken {
    async fn take(&mut self, piece: &str) -> ControlFlow<()> {
        self.answer.clear();
        self.text.clear();
        if self.filter.push(piece, &mut self.answer) {
            self.habits.begins_in_thought.store(true, Relaxed);
            self.speech = SpeechText::default();
            self.sink.take_back();
        }
        self.speech.push(&self.answer, &mut self.text);
        self.push();
        if self.filter.is_over() {
            return ControlFlow::Break(());
        }
        loop {
            match self.sink.flush() {
                Flow::More => return ControlFlow::Continue(()),
                Flow::Cancelled => return ControlFlow::Break(()),
                Flow::Full => self.room.notified().await,
            }
        }
    }
}

/// What is written of a reply already. Some servers go on after it, others begin again: then it is left out.
struct Repetition {
    begun: String,
    /// What came so far and may repeat it.
    held: String,
}

impl Repetition {
    const fn of(begun: String) -> Self {
        Self { begun, held: String::new() }
    }

    /// The new part of a piece.
    fn without(&mut self, piece: &str) -> String {
        if self.begun.is_empty() {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        if self.begun.starts_with(self.held.as_str()) {
            return String::new();
        }
        let begun = std::mem::take(&mut self.begun);
        let held = std::mem::take(&mut self.held);
        held.strip_prefix(begun.as_str()).map(str::to_owned).unwrap_or(held)
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::{Line, Speaker};

    use super::*;

    #[test]
    fn a_reply_that_begins_again_is_not_said_again() {
        let all = |begun: &str, pieces: &[&str]| {
            let mut repeats = Repetition::of(begun.to_owned());
            pieces.iter().map(|piece| repeats.without(piece)).collect::<String>()
        };
        assert_eq!(all("The sea is", &["The ", "sea", " is wide", "."]), " wide.");
        assert_eq!(all("The sea is", &["wide", "."]), "wide.");
        assert_eq!(all("The sea is", &["The ", "moon."]), "The moon.");
        assert_eq!(all("", &["The ", "sea."]), "The sea.");
    }

    #[test]
    fn a_window_begins_with_a_user_and_counts_what_stands_around_each_message() {
        let line = |speaker, text: &str| {
            Line { speaker, text: text.to_owned(), cut: None, aside: None }.into()
        };
        let lines =
            (0..20).flat_map(|_| [line(Speaker::User, "Yes."), line(Speaker::Assistant, "No.")]);
        let conversation = Conversation { lines: lines.collect(), ..Conversation::default() };
        let request = ReplyRequest { conversation, ..ReplyRequest::default() };
        let (kept, is_short) = messages(&request, 150);
        assert!(kept.len() < 15 && kept[0].role == Role::User && !is_short, "{kept:?}");
    }

    #[test]
    fn of_a_turn_longer_than_the_context_the_end_is_sent() {
        let line = |speaker, text: String| Line { speaker, text, cut: None, aside: None }.into();
        let long = format!("{}and what is that?", "There was a time. ".repeat(200));
        let lines = vec![
            line(Speaker::User, "Hello.".to_owned()),
            line(Speaker::Assistant, "Hi.".to_owned()),
            line(Speaker::User, long.clone()),
        ];
        let instructions = "You answer in one sentence.".into();
        let conversation = Conversation { instructions, lines, open: false };
        for begun in ["", "That is"] {
            let request = ReplyRequest {
                conversation: conversation.clone(),
                begun: begun.to_owned(),
                ..ReplyRequest::default()
            };
            let (kept, is_short) = messages(&request, 200);
            let turn = kept.iter().rfind(|message| message.role == Role::User).unwrap();
            assert!(is_short && long.ends_with(&turn.text) && turn.text.len() > 100, "{kept:?}");
            let all: usize = kept.iter().map(|message| tokens(&message.text)).sum();
            assert!(all <= 200, "{all}");
            assert_eq!(kept[0].role, Role::System);
        }
    }

    #[test]
    fn one_conversations_error_rests_nobody_and_a_servers_wish_is_bounded() {
        let server = |status, retry_after| RemoteError::Server {
            status: Some(status),
            message: String::new(),
            retry_after,
        };
        let usual = Duration::from_secs(1);
        assert!(Rest::after(&server(400, None), usual).is_none());
        let rest = Rest::after(&server(503, Some(Duration::MAX)), usual).unwrap();
        assert!(rest.until <= Instant::now() + LONGEST_REST);
    }
}
