//! The models, each behind one function that does a piece of work and answers with its result.

use std::{collections::BTreeMap, ops::ControlFlow, time::Instant};

use duplex_audio::{PLAYOUT_RATE, Resampler};
use duplex_core::{
    Context, Event, Failure, Mark, Permille, SAMPLE_RATE, Samples, Speaker, TurnContext,
};
use duplex_model::{
    asr::{Recogniser, Request},
    endpoint::EndOfTurn,
    llm::{
        CallId, ChatMessage, DEFAULT_SYSTEM_PROMPT, End, LONGEST_SILENCE, Llm, LlmError,
        LlmOptions, Marks, Role, Slice, UserInput, Weights,
    },
    tts::{Splitter, Voice},
};

use crate::{
    job::{CallKey, Job, SessionMessage, Work},
    worker::Model,
};

/// Recognises a window.
pub(crate) fn recognise(recogniser: &mut Recogniser, job: &Job) {
    let Work::Recognise { segment, to, audio } = &job.work else { return };
    let event = match recogniser.recognise(audio, &Request::default()) {
        Ok(hypothesis) => {
            let words = hypothesis.words.len().max(1) as f32;
            let sum: f32 = hypothesis.words.iter().map(|word| word.probability).sum();
            Event::Recognised {
                segment: *segment,
                to: *to,
                text: hypothesis.text,
                confidence: Permille::from_probability(sum / words),
            }
        }
        Err(error) => {
            tracing::warn!("recognition failed: {error}");
            Event::Failed(Failure::Recogniser(*segment))
        }
    };
    (job.reply)(SessionMessage::Event(event));
}

/// Scores from the sound whether a turn is over.
pub(crate) fn detect_end_of_turn(model: &mut EndOfTurn, job: &Job) {
    let Work::DetectEndOfTurn { to, audio } = &job.work else { return };
    match model.probability(audio) {
        Ok(probability) => (job.reply)(SessionMessage::Event(Event::EndOfTurn {
            to: *to,
            probability: Permille::from_probability(probability),
        })),
        // The other evidence decides.
        Err(error) => tracing::warn!("no end-of-turn score: {error}"),
    }
}

/// A reply that is being written.
struct Draft {
    turn: duplex_core::Turn,
    /// The text handed to the session so far. If the session's differs, a clause was lost on the way.
    said: String,
    /// The conversation as it was when the reply began.
    messages: Vec<ChatMessage>,
    splitter: Splitter,
    complete: bool,
}

/// The language model, with the replies that are being written, one a call.
pub(crate) struct ReplyWorker<'w> {
    llm: Llm<'w>,
    system_prompt: String,
    calls: BTreeMap<CallKey, (CallId, Option<Draft>)>,
}

impl Model for ReplyWorker<'_> {
    fn work(&mut self, job: &Job) {
        match &job.work {
            Work::Prefill(context) => {
                if let Err(error) = self.prefill(job, context) {
                    tracing::warn!("the conversation was not read ahead: {error}");
                }
            }
            Work::Write { turn, context } => {
                let event = match self.write(job, *turn, context) {
                    Ok(event) => event,
                    Err(error) => {
                        tracing::warn!("no reply was written: {error}");
                        Event::Failed(Failure::Model(*turn))
                    }
                };
                (job.reply)(SessionMessage::Event(event));
            }
            _ => {}
        }
    }

    fn close(&mut self, call: CallKey) {
        if let Some((id, _)) = self.calls.remove(&call)
            && let Err(error) = self.llm.close_call(id)
        {
            tracing::warn!("a call's cache was not freed: {error}");
        }
    }
}

impl<'w> ReplyWorker<'w> {
    pub(crate) fn new(llm: Llm<'w>, system_prompt: String) -> Self {
        Self { llm, system_prompt, calls: BTreeMap::new() }
    }

    fn call(&mut self, key: CallKey) -> Result<CallId, LlmError> {
        if let Some((id, _)) = self.calls.get(&key) {
            return Ok(*id);
        }
        let id = self.llm.open_call()?;
        self.calls.insert(key, (id, None));
        Ok(id)
    }

    fn prefill(&mut self, job: &Job, context: &Context) -> Result<(), LlmError> {
        let id = self.call(job.call)?;
        let messages = self.messages(id, context)?;
        // No reply waits for this: its own prefill reads the newest words.
        let began = Instant::now();
        let read = self.llm.prefill(id, &messages, &mut || false)?;
        tracing::debug!(
            tokens = read.decoded,
            ms = began.elapsed().as_millis() as u64,
            "read ahead"
        );
        Ok(())
    }

    fn write(
        &mut self,
        job: &Job,
        turn: duplex_core::Turn,
        context: &Context,
    ) -> Result<Event, LlmError> {
        let id = self.call(job.call)?;
        let begun = self.calls.get_mut(&job.call).and_then(|(_, draft)| draft.take());
        let mut draft =
            match begun.filter(|draft| draft.turn == turn && draft.said == context.reply) {
                Some(draft) => draft,
                None => {
                    let messages = self.messages(id, context)?;
                    // A reply to the same words was dropped before; it must not be continued.
                    self.llm.discard_reply(id)?;
                    let said = context.reply.clone();
                    Draft { turn, said, messages, splitter: Splitter::new(), complete: false }
                }
            };
        let Draft { messages, splitter, complete, .. } = &mut draft;
        let mut clause = splitter.next_clause();
        if clause.is_none() && !*complete {
            let began = Instant::now();
            let written = self.llm.write(
                id,
                messages,
                &mut || job.cancellation.is_cancelled(turn),
                &mut |piece| {
                    splitter.push(piece);
                    clause = splitter.next_clause();
                    if clause.is_some() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                },
            )?;
            tracing::debug!(
                prefilled = written.prefilled,
                tokens = written.tokens,
                ms = began.elapsed().as_millis() as u64,
                "wrote a clause"
            );
            *complete = matches!(written.end, End::EndOfTurn | End::Length);
        }
        let mut last = false;
        if *complete {
            let rest = std::mem::take(splitter).finish();
            match (&clause, rest) {
                (Some(_), Some(rest)) => splitter.push(&rest),
                (Some(_), None) => last = true,
                (None, rest) => (clause, last) = (rest, true),
            }
        }
        let text = clause.unwrap_or_default();
        // The session does not keep a blank clause.
        if !text.trim().is_empty() {
            draft.said.push_str(&text);
        }
        if let Some((_, slot)) = self.calls.get_mut(&job.call) {
            *slot = (!last).then_some(draft);
        }
        Ok(Event::Written { turn, text, last })
    }

    /// The chat messages for the model, without the oldest that no longer fit its context.
    fn messages(&mut self, id: CallId, context: &Context) -> Result<Vec<ChatMessage>, LlmError> {
        let mut messages = vec![ChatMessage::new(Role::System, self.system_prompt.as_str())];
        messages.extend(context.lines.iter().map(line));
        let last = context.lines.last().map(|line| line.speaker);
        if context.open && last != Some(Speaker::User) {
            messages.push(ChatMessage::new(Role::User, ""));
        }
        if !context.reply.is_empty() {
            messages.push(ChatMessage::new(Role::Assistant, context.reply.as_str()));
        }
        let drop = self.llm.fit(id, &messages)?;
        messages.drain(1..1 + drop);
        Ok(messages)
    }
}

const _: () =
    assert!(TurnContext::LONGEST_SILENCE as usize == LONGEST_SILENCE, "one silence is the longest");

/// The duplex model, with the calls in which it decides.
pub(crate) struct TurnModelWorker<'w> {
    weights: &'w Weights,
    llm: Llm<'w>,
    marks: Marks,
    calls: BTreeMap<CallKey, CallId>,
}

impl Model for TurnModelWorker<'_> {
    fn work(&mut self, job: &Job) {
        match &job.work {
            Work::Decide { slice, context } => match self.decide(job.call, context) {
                Ok(idle) => {
                    (job.reply)(SessionMessage::Event(Event::Decided { slice: *slice, idle }))
                }
                // The other evidence decides.
                Err(error) => tracing::warn!("the duplex model did not decide: {error}"),
            },
            Work::PrefillTurnModel(context) => self.listen(job.call, context),
            _ => {}
        }
    }

    fn close(&mut self, call: CallKey) {
        if let Some(id) = self.calls.remove(&call)
            && let Err(error) = self.llm.close_call(id)
        {
            tracing::warn!("a call's cache was not freed: {error}");
        }
    }
}

impl<'w> TurnModelWorker<'w> {
    pub(crate) fn new(weights: &'w Weights, options: LlmOptions) -> Result<Self, LlmError> {
        let marks = Marks::of(weights)?;
        Ok(Self { weights, llm: Llm::new(weights, options)?, marks, calls: BTreeMap::new() })
    }

    fn listen(&mut self, key: CallKey, context: &TurnContext) {
        let read = self.call(key).and_then(|id| {
            let (history, slices) = laid_out(context);
            let tokens = self.marks.lay_out(self.weights, &history, &slices);
            self.llm.listen(id, &tokens, &mut || false)
        });
        if let Err(error) = read {
            tracing::debug!("the duplex model did not read ahead: {error}");
        }
    }

    fn decide(&mut self, key: CallKey, context: &TurnContext) -> Result<Permille, LlmError> {
        let id = self.call(key)?;
        let began = Instant::now();
        let (history, mut slices) = laid_out(context);
        let mut user =
            UserInput::Words { text: context.user.clone(), falls_silent: context.falls_silent };
        if context.silence > 0 {
            // The slice of the words is over; the assistant was silent in it.
            slices.push(Slice { user, ..Slice::default() });
            user = UserInput::Silence(context.silence as usize);
        }
        let tokens = self.marks.question(self.weights, &history, &slices, &user);
        let idle = self.llm.idle_probability(id, self.marks, &tokens, &mut || false)?;
        tracing::debug!(tokens = tokens.len(), ms = began.elapsed().as_millis() as u64, "decided");
        Ok(Permille::from_probability(idle.unwrap_or(1.0)))
    }

    fn call(&mut self, key: CallKey) -> Result<CallId, LlmError> {
        Ok(match self.calls.get(&key) {
            Some(id) => *id,
            None => *self.calls.entry(key).or_insert(self.llm.open_call()?),
        })
    }
}

/// The turns that are over, and the slices since, without the user's newest words.
fn laid_out(context: &TurnContext) -> (Vec<ChatMessage>, Vec<Slice>) {
    // The system prompt of its training, whatever that of the reply model is.
    let mut history = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    history.extend(context.lines.iter().map(line));
    let slices = context.slices.iter().map(|said| Slice {
        user: UserInput::Words { text: said.user.clone(), falls_silent: said.falls_silent },
        assistant: (!said.assistant.is_empty()).then(|| said.assistant.clone()),
        ends: false,
    });
    (history, slices.collect())
}

/// A line of the transcript as the models read it.
fn line(line: &duplex_core::Line) -> ChatMessage {
    let role = match line.speaker {
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    ChatMessage::new(role, line.text.as_str())
}

/// The synthesiser.
pub(crate) struct SpeechWorker {
    voice: Voice,
}

impl SpeechWorker {
    pub(crate) fn new(voice: Voice) -> Self {
        Self { voice }
    }
}

impl Model for SpeechWorker {
    /// Synthesises a clause, chunk by chunk, at the playout rate.
    fn work(&mut self, job: &Job) {
        let Work::Synthesise { turn, clause, text } = &job.work else { return };
        let (turn, clause) = (*turn, *clause);
        let rate = self.voice.sample_rate();
        let mut resampler = match Resampler::new(rate, PLAYOUT_RATE) {
            Ok(resampler) => resampler,
            Err(error) => {
                tracing::error!("the voice's sample rate cannot be played: {error}");
                return (job.reply)(SessionMessage::Event(Event::Failed(Failure::Voice(turn))));
            }
        };
        let spoken = self.voice.speak(text, &mut |chunk| {
            if job.cancellation.is_cancelled(turn) {
                return ControlFlow::Break(());
            }
            let mut samples = Vec::new();
            resampler.process(&chunk.samples, &mut samples);
            if chunk.last {
                resampler.finish(&mut samples);
            }
            let at = |samples: u64| Samples(samples * u64::from(SAMPLE_RATE) / u64::from(rate));
            let marks = chunk.marks.iter();
            let marks =
                marks.map(|mark| Mark { at: at(mark.samples), bytes: mark.bytes }).collect();
            (job.reply)(SessionMessage::Audio { turn, clause, samples, marks, last: chunk.last });
            ControlFlow::Continue(())
        });
        if let Err(error) = spoken {
            tracing::warn!("a clause was not spoken: {error}");
            (job.reply)(SessionMessage::Event(Event::Failed(Failure::Voice(turn))));
        }
    }
}
