//! The language model: a conversation as text in, a reply as speakable text out, piece by piece.
//!
//! [`Llm`] owns one llama.cpp context over [`Weights`] and serves several calls with it. The truth of each conversation is the list
//! of [`ChatMessage`]s that the caller holds; what the context has cached is only a mirror of it ([`Mirror`]). Whatever happens to the
//! messages (a word is revised, a reply is cut to what was heard), the caller passes the new list, and no more than the
//! difference is decoded.
//!
//! Everything blocks, and nothing here has a thread or a clock of its own: a caller interrupts through the closures that it
//! passes. One `Llm` is used by one thread at a time.

mod error;
mod mirror;
mod options;
mod prompt;
mod reply;
mod slices;
mod speech;
mod weights;

use std::ops::ControlFlow;
use std::time::Duration;

pub use llama_cpp_2::token::LlamaToken as Token;

pub use error::LlmError;
pub use mirror::{MAX_BATCH, Mirror, Need, Synced};
pub use options::{DEFAULT_SYSTEM_PROMPT, LlmOptions, ReplyLimits, Sampling};
pub use prompt::{ChatMessage, Prompt, Role};
pub use slices::{LONGEST_SILENCE, Marks, Slice, UserInput};
pub use speech::SpeechText;
pub use weights::{ModelInfo, Weights};

use prompt::Memo;
use reply::Reply;

/// An open call of an [`Llm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId {
    slot: usize,
    /// Tells a call from an earlier one in the same slot.
    serial: u64,
}

/// What [`Llm::write`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Tokens of the reply written by this call of `write`.
    pub tokens: usize,
    /// Tokens decoded before the first of them: of the prompt, or 1 for the last token before a pause.
    pub prefilled: usize,
    /// Why it returned.
    pub end: End,
}

/// Why [`Llm::write`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The reply is complete.
    EndOfTurn,
    /// The reply reached its longest length.
    Length,
    /// `stop` said so. The same conversation goes on where it stopped.
    Stopped,
    /// `emit` said so. The same conversation goes on where it paused.
    Paused,
}

/// Facts about an [`Llm`], for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlmInfo {
    /// The model.
    pub model: ModelInfo,
    /// Tokens of conversation for each call.
    pub context: usize,
    /// Bytes of key and value cache for all calls and drafts, allocated from the start.
    pub cache_bytes: u64,
}

/// One llama.cpp context that writes the replies of several calls.
#[derive(Debug)]
pub struct Llm<'w> {
    weights: &'w Weights,
    options: LlmOptions,
    mirror: Mirror<'w>,
    /// By slot, which is also the sequence in the mirror.
    calls: Vec<Option<Call>>,
    /// Calls opened so far.
    serial: u64,
}

#[derive(Debug)]
struct Call {
    serial: u64,
    memo: Memo,
    /// The last reply begun.
    reply: Option<Reply>,
}

impl<'w> Llm<'w> {
    /// Makes the context.
    ///
    /// # Errors
    /// [`LlmError::ContextRefused`] where llama.cpp does not make it.
    pub fn new(weights: &'w Weights, options: LlmOptions) -> Result<Self, LlmError> {
        let mirror = Mirror::new(weights, &options)?;
        let calls = (0..options.calls).map(|_| None).collect();
        Ok(Self { weights, options, mirror, calls, serial: 0 })
    }

    /// Facts for reports.
    pub fn info(&self) -> LlmInfo {
        LlmInfo {
            model: self.weights.info(),
            context: self.mirror.capacity(),
            cache_bytes: self.mirror.cache_bytes(),
        }
    }

    /// Begins a call, with an empty cache.
    ///
    /// # Errors
    /// [`LlmError::TooManyCalls`].
    pub fn open_call(&mut self) -> Result<CallId, LlmError> {
        let free = self.calls.iter().position(Option::is_none);
        let slot = free.ok_or(LlmError::TooManyCalls { limit: self.options.calls })?;
        self.serial += 1;
        self.calls[slot] = Some(Call { serial: self.serial, memo: Memo::default(), reply: None });
        Ok(CallId { slot, serial: self.serial })
    }

    /// Ends a call and frees its part of the cache.
    ///
    /// # Errors
    /// [`LlmError::NoSuchCall`] where it is not open.
    pub fn close_call(&mut self, call: CallId) -> Result<(), LlmError> {
        find(&mut self.calls, call)?;
        self.calls[call.slot] = None;
        self.mirror.sync(call.slot, &[], Need::Cache, &mut || false).map(drop)
    }

    /// Brings the cache to `messages`, whose last one may still grow: a user who is still speaking, or, with an empty message of the
    /// assistant at the end, a reply about to begin. `stop` is asked every 32 tokens.
    ///
    /// # Errors
    /// [`LlmError::ContextFull`] before anything is changed; [`LlmError::NoSuchCall`]; [`LlmError::Decode`].
    pub fn prefill(
        &mut self,
        call: CallId,
        messages: &[ChatMessage],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Synced, LlmError> {
        let state = find(&mut self.calls, call)?;
        let prompt = state.render(self.weights, messages)?;
        let synced = self.mirror.sync(call.slot, &prompt.tokens, Need::Cache, stop)?;
        if let Some(reply) = &mut state.reply {
            reply.abandoned |= !reply.belongs_to(&prompt.tokens);
        }
        Ok(synced)
    }

    /// Writes the reply to `messages`. Where the last of them is the assistant's, its text is the beginning of the reply, which is
    /// continued.
    ///
    /// `emit` takes speakable text (see [`SpeechText`]) as it is written; when it breaks, `write` returns [`End::Paused`].
    /// The same messages, or those with the text so far as a message of the assistant, take the reply up again and give
    /// what an uninterrupted one would have given, whatever other calls were served between. After other messages were prefilled only
    /// the text so far does so. `stop` is asked before every token, and every 32 tokens of prefill.
    ///
    /// # Errors
    /// [`LlmError::ContextFull`], counting the longest reply, before anything is changed; [`LlmError::NoSuchCall`];
    /// [`LlmError::Decode`].
    pub fn write(
        &mut self,
        call: CallId,
        messages: &[ChatMessage],
        stop: &mut dyn FnMut() -> bool,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Written, LlmError> {
        let state = find(&mut self.calls, call)?;
        let prompt = match messages.last() {
            Some(ChatMessage { role: Role::Assistant, .. }) => {
                state.render(self.weights, messages)?
            }
            _ => {
                let opened = [messages, &[ChatMessage::new(Role::Assistant, "")]].concat();
                state.render(self.weights, &opened)?
            }
        };
        let begun = messages.last().filter(|last| last.role == Role::Assistant);
        let begun = begun.map_or("", |last| last.text.trim());
        let reply = match state.reply.take() {
            Some(reply) if reply.is_continued_by(&prompt.tokens, begun) => reply,
            _ => {
                let needed = prompt.tokens.len() + self.options.reply.hard;
                let have = self.mirror.capacity();
                if needed > have {
                    return Err(LlmError::ContextFull { needed, have });
                }
                let given = prompt.starts.last().map_or(0, |start| prompt.tokens.len() - start);
                Reply::new(
                    prompt.tokens,
                    given,
                    &self.options.sampling,
                    self.weights.vocab().n_tokens(),
                )
            }
        };
        let reply = state.reply.insert(reply);
        reply.abandoned = false;
        go_on(&mut self.mirror, self.weights, call.slot, reply, self.options.reply, stop, emit)
    }

    /// The probability that the assistant says nothing after `tokens`, which end with the assistant's mark (see [`Marks::ask`]); nothing
    /// where `stop` ended it.
    ///
    /// # Errors
    /// [`LlmError::ContextFull`] before anything is changed; [`LlmError::NoSuchCall`]; [`LlmError::Decode`].
    pub fn idle_probability(
        &mut self,
        call: CallId,
        marks: Marks,
        tokens: &[Token],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<f32>, LlmError> {
        find(&mut self.calls, call)?;
        let synced = self.mirror.sync(call.slot, tokens, Need::Logits, stop)?;
        let logits = if synced.stopped { None } else { self.mirror.logits(call.slot) };
        Ok(logits.map(|logits| slices::probability(logits, marks.idle)))
    }

    /// Reads `tokens` laid out by [`Marks`] into the cache of a call, so that a question that begins with them takes less time. What is in the cache
    /// behind them stays.
    ///
    /// # Errors
    /// As [`Llm::idle_probability`].
    pub fn listen(
        &mut self,
        call: CallId,
        tokens: &[Token],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<(), LlmError> {
        find(&mut self.calls, call)?;
        if self.mirror.cached(call.slot).starts_with(tokens) {
            return Ok(());
        }
        self.mirror.sync(call.slot, tokens, Need::Cache, stop).map(|_| ())
    }

    /// The natural logarithm of the probability of each of `tokens` from number `from` on, after those before it; at least the first has
    /// some before it. To judge texts by: one decoding a token.
    ///
    /// # Errors
    /// As [`Llm::idle_probability`].
    pub fn log_probabilities(
        &mut self,
        call: CallId,
        tokens: &[Token],
        from: usize,
    ) -> Result<Vec<f32>, LlmError> {
        find(&mut self.calls, call)?;
        let mut all = Vec::with_capacity(tokens.len().saturating_sub(from));
        for at in from.max(1)..tokens.len() {
            self.mirror.sync(call.slot, &tokens[..at], Need::Logits, &mut || false)?;
            let logits = self.mirror.logits(call.slot).unwrap_or_default();
            all.push(slices::log_probability(logits, tokens[at]));
        }
        Ok(all)
    }

    /// The likeliest words of a reply that goes on, or begins, after `tokens`: `words` of them, or fewer where it ends.
    ///
    /// # Errors
    /// As [`Llm::idle_probability`].
    pub fn speak_slice(
        &mut self,
        call: CallId,
        marks: Marks,
        tokens: &[Token],
        words: usize,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Slice, LlmError> {
        find(&mut self.calls, call)?;
        slices::speak(&mut self.mirror, self.weights, call.slot, marks, tokens, words, stop)
    }

    /// Forgets the reply in the making: the next [`Llm::write`] of the same messages writes it from its beginning.
    ///
    /// # Errors
    /// [`LlmError::NoSuchCall`].
    pub fn discard_reply(&mut self, call: CallId) -> Result<(), LlmError> {
        find(&mut self.calls, call)?.reply = None;
        Ok(())
    }

    /// How many of the oldest messages after the system prompt to leave out, so that the rest and a reply fit the context.
    ///
    /// When the history no longer fits, at least half of it goes at once, so that the cache is rebuilt rarely. The answer
    /// depends on the messages alone, and stays the same while messages are added until the rest is full again. What is left begins
    /// with a user's message, and the newest message always stays, even where it alone does not fit.
    ///
    /// # Errors
    /// [`LlmError::NoSuchCall`].
    pub fn fit(&mut self, call: CallId, messages: &[ChatMessage]) -> Result<usize, LlmError> {
        let prompt = find(&mut self.calls, call)?.render(self.weights, messages)?;
        let have = self.mirror.capacity().saturating_sub(self.options.reply.hard + REPLY_OPENING);
        Ok(prompt::oldest_to_drop(messages, &prompt, have))
    }

    /// The tokens of `messages`, as [`Llm::prefill`] has them decoded.
    ///
    /// # Errors
    /// [`LlmError::NoSuchCall`].
    pub fn prompt(&mut self, call: CallId, messages: &[ChatMessage]) -> Result<Prompt, LlmError> {
        find(&mut self.calls, call)?.render(self.weights, messages)
    }

    /// The time to decode a batch of each size: see [`Mirror::measure_batches`].
    ///
    /// # Errors
    /// [`LlmError::Decode`].
    pub fn measure_batches(&mut self, sizes: &[usize]) -> Result<Vec<(usize, Duration)>, LlmError> {
        self.mirror.measure_batches(sizes)
    }
}

/// Room for the template's marks between the last message and the reply.
const REPLY_OPENING: usize = 16;

fn find(calls: &mut [Option<Call>], call: CallId) -> Result<&mut Call, LlmError> {
    let open = calls.get_mut(call.slot).and_then(Option::as_mut);
    open.filter(|open| open.serial == call.serial).ok_or(LlmError::NoSuchCall { call })
}

impl Call {
    /// Renders the messages; the newest of the assistant's keeps the tokens its reply was written in, as far as it is that reply.
    fn render(&mut self, weights: &Weights, messages: &[ChatMessage]) -> Result<Prompt, LlmError> {
        let newest = messages.iter().rev().find(|message| message.role == Role::Assistant);
        if let (Some(reply), Some(message)) = (&self.reply, newest) {
            let text = message.text.trim();
            if let Some((tokens, rest)) = reply.recall(text) {
                let rest = weights.vocab().tokenize(rest.as_bytes(), false, false);
                self.memo.insert(text, &[tokens, &rest].concat());
            }
        }
        prompt::render(weights, &mut self.memo, messages)
    }
}

/// Samples and decodes until the reply ends or the caller has enough.
fn go_on(
    mirror: &mut Mirror<'_>,
    weights: &Weights,
    sequence: usize,
    reply: &mut Reply,
    limits: ReplyLimits,
    stop: &mut dyn FnMut() -> bool,
    emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Written, LlmError> {
    let vocab = weights.vocab();
    let before = reply.tokens().len();
    let mut prefilled = None;
    let end = loop {
        if let Some(end) = reply.end {
            break end;
        }
        let synced = mirror.sync(sequence, reply.tokens(), Need::Logits, stop)?;
        prefilled.get_or_insert(synced.decoded);
        if synced.stopped {
            break End::Stopped;
        }
        let token = mirror.sample(sequence, reply.sampler());
        let said = reply.take(token, &vocab, limits);
        if !said.is_empty() && emit(said).is_break() && reply.end.is_none() {
            break End::Paused;
        }
    };
    let tokens = reply.tokens().len() - before;
    Ok(Written { tokens, prefilled: prefilled.unwrap_or(0), end })
}
