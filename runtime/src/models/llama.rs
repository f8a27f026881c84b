//! A language model in llama.cpp that writes the replies of all calls.

use std::{collections::BTreeMap, ops::ControlFlow, path::PathBuf, time::Instant};

use ::duplex_model::llm::{
    CallId, ChatMessage, End, Llm, LlmError, LlmOptions, Role, Weights, Written,
};
use duplex_core::Speaker;

use crate::{
    Flow, ReplySink,
    ports::{
        CallKey, Conversation, Description, ModelOptions, Port, PortError, ReplyModel,
        ReplyRequest, Replying,
    },
};

use super::{SHORTENED, message};

/// A language model in llama.cpp (GGUF).
pub fn llama(model: PathBuf, options: LlmOptions) -> ModelOptions<Replying> {
    ModelOptions::<Replying>::one(move |serve| {
        let weights = Weights::load(&model)?;
        serve(&mut Llama::new(Llm::new(&weights, options.clone())?));
        Ok(())
    })
}

/// One context, with the reply that is being written of each call.
struct Llama<'w> {
    llm: Llm<'w>,
    calls: BTreeMap<CallKey, Call>,
}

struct Call {
    id: CallId,
    draft: Option<Draft>,
    /// How many lines there were when it was last said that the newest is too long.
    told: usize,
}

/// A reply that is being written.
struct Draft {
    /// The conversation as it was when the reply began, with what was written of it before.
    messages: Vec<ChatMessage>,
    sink: ReplySink,
}

impl Port for Llama<'_> {
    fn describe(&self) -> Description {
        Description { name: self.llm.info().model.name, process: None }
    }

    fn close(&mut self, call: CallKey) {
        if let Some(Call { id, .. }) = self.calls.remove(&call)
            && let Err(error) = self.llm.close_call(id)
        {
            tracing::warn!("a call's cache was not freed: {error}");
        }
    }
}

impl ReplyModel for Llama<'_> {
    fn begin(&mut self, call: CallKey, request: ReplyRequest, sink: ReplySink) {
        match self.prepare(call, &request) {
            Ok((messages, is_short)) => {
                let lines = request.conversation.lines.len();
                if let Some(call) = self.calls.get_mut(&call) {
                    if is_short && std::mem::replace(&mut call.told, lines) != lines {
                        sink.warn(SHORTENED);
                    }
                    call.draft = Some(Draft { messages, sink });
                }
                self.resume(call);
            }
            Err(error) => sink.fail(&error),
        }
    }

    fn resume(&mut self, call: CallKey) {
        let Some(Call { id, draft, .. }) = self.calls.get_mut(&call) else { return };
        let Some(Draft { messages, sink }) = draft.take() else { return };
        match write(&mut self.llm, *id, &messages, &sink) {
            Ok(Written { end: End::EndOfTurn | End::Length, .. }) => sink.end(),
            Ok(Written { end: End::NoAnswer(why), .. }) => sink.fail(&why),
            Ok(Written { end: End::Stopped | End::Paused, .. }) => {
                sink.flush();
                *draft = Some(Draft { messages, sink });
            }
            Err(error) => sink.fail(&error),
        }
    }

    fn end_of_words(
        &mut self,
        call: CallKey,
        conversation: &Conversation,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<f32>, PortError> {
        let id = self.call(call)?;
        let (messages, _) = self.messages(id, conversation, "")?;
        Ok(self.llm.end_probability(id, &messages, &mut || stop())?)
    }

    fn check(&self, instructions: &str) -> Result<(), PortError> {
        Ok(self.llm.check_instructions(instructions)?)
    }

    fn read_ahead(
        &mut self,
        call: CallKey,
        conversation: &Conversation,
        others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        let id = self.call(call)?;
        let (messages, _) = self.messages(id, conversation, "")?;
        // No reply waits for this: its own prefill reads the newest words.
        let read = self.llm.prefill(id, &messages, &mut || others())?;
        tracing::debug!(tokens = read.decoded, gave_way = read.stopped, "read ahead");
        Ok(())
    }
}

impl<'w> Llama<'w> {
    fn new(llm: Llm<'w>) -> Self {
        Self { llm, calls: BTreeMap::new() }
    }

    fn call(&mut self, key: CallKey) -> Result<CallId, LlmError> {
        if let Some(call) = self.calls.get(&key) {
            return Ok(call.id);
        }
        let id = self.llm.open_call()?;
        self.calls.insert(key, Call { id, draft: None, told: 0 });
        Ok(id)
    }

    /// The messages of a reply that is about to begin; see [`messages`](Self::messages).
    fn prepare(
        &mut self,
        call: CallKey,
        request: &ReplyRequest,
    ) -> Result<(Vec<ChatMessage>, bool), LlmError> {
        let id = self.call(call)?;
        let messages = self.messages(id, &request.conversation, &request.begun)?;
        // A reply to the same words was dropped before; it must not be continued.
        self.llm.discard_reply(id)?;
        self.llm.limit_reply(id, request.most_tokens.map(|most| most as usize))?;
        self.llm.set_temperature(id, request.temperature)?;
        Ok(messages)
    }

    /// The chat messages for the model, without the oldest that no longer fit its context, and whether of the user's
    /// newest turn only a part does.
    fn messages(
        &mut self,
        id: CallId,
        conversation: &Conversation,
        begun: &str,
    ) -> Result<(Vec<ChatMessage>, bool), LlmError> {
        let Conversation { instructions, lines, open } = conversation;
        let mut messages = vec![ChatMessage::new(Role::System, &**instructions)];
        messages.extend(lines.iter().map(|line| message(line)));
        let last = lines.last().map(|line| line.speaker);
        if *open && last != Some(Speaker::User) {
            messages.push(ChatMessage::new(Role::User, ""));
        }
        if !begun.is_empty() {
            messages.push(ChatMessage::new(Role::Assistant, begun));
        }
        let short = self.llm.shorten(id, &messages)?;
        let is_short = short.is_some();
        if let Some((at, message)) = short {
            messages[at] = message;
        }
        let drop = self.llm.fit(id, &messages)?;
        messages.drain(1..1 + drop);
        Ok((messages, is_short))
    }
}

/// Writes until the sink is full or cancelled, or the reply is complete.
fn write(
    llm: &mut Llm<'_>,
    id: CallId,
    messages: &[ChatMessage],
    sink: &ReplySink,
) -> Result<Written, LlmError> {
    let began = Instant::now();
    let written = llm.write(id, messages, &mut || sink.is_cancelled(), &mut |piece| match sink
        .push(piece)
    {
        Flow::More => ControlFlow::Continue(()),
        Flow::Full | Flow::Cancelled => ControlFlow::Break(()),
    })?;
    let Written { prefilled, tokens, .. } = written;
    let ms = began.elapsed().as_millis() as u64;
    tracing::debug!(prefilled, tokens, ms, "wrote a part of a reply");
    Ok(written)
}
