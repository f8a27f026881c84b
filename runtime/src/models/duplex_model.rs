//! The duplex model: a small language model with the adapter that lets it decide who has the floor.

use std::{collections::BTreeMap, path::PathBuf};

use ::duplex_model::llm::{
    CallId, ChatMessage, DEFAULT_SYSTEM_PROMPT, LONGEST_SILENCE, Llm, LlmError, LlmOptions, Marks,
    Role, Slice, UserInput, Weights,
};
use duplex_core::TurnContext;

use crate::ports::{
    CallKey, ModelOptions, Port, PortError, TurnPrediction, TurnPredictor, TurnQuestion, TurnView,
};

use super::message;

/// Its context in tokens: the history that it reads, and a reply under way in slices.
const CONTEXT: u32 = 1_536;

const _: () =
    assert!(TurnContext::LONGEST_SILENCE as usize == LONGEST_SILENCE, "one silence is the longest");

/// The duplex model's files, and how it runs.
#[derive(Clone, Debug)]
pub struct DuplexOptions {
    /// The language model, in GGUF.
    pub model: PathBuf,
    /// The adapter, in GGUF.
    pub adapter: PathBuf,
    /// Calls and threads; its context and its sampling are its own.
    pub llm: LlmOptions,
}

/// The duplex model.
pub fn duplex_model(options: DuplexOptions) -> ModelOptions<TurnPrediction> {
    ModelOptions::<TurnPrediction>::one(move |serve| {
        let weights = Weights::load(&options.model)?.with_adapter(&options.adapter)?;
        let llm = LlmOptions { context: CONTEXT, ..options.llm.clone() };
        serve(&mut DuplexModel::new(&weights, llm)?);
        Ok(())
    })
}

struct DuplexModel<'w> {
    weights: &'w Weights,
    llm: Llm<'w>,
    marks: Marks,
    calls: BTreeMap<CallKey, CallId>,
}

impl Port for DuplexModel<'_> {
    fn close(&mut self, call: CallKey) {
        if let Some(id) = self.calls.remove(&call)
            && let Err(error) = self.llm.close_call(id)
        {
            tracing::warn!("a call's cache was not freed: {error}");
        }
    }
}

impl TurnPredictor for DuplexModel<'_> {
    fn predict(
        &mut self,
        call: CallKey,
        question: TurnQuestion<'_>,
    ) -> Result<Option<f32>, PortError> {
        let TurnQuestion::IsIdle(view) = question else { return Ok(None) };
        let id = self.call(call)?;
        let (mut history, mut slices) = laid_out(view);
        let mut user =
            UserInput::Words { text: view.user.clone(), falls_silent: view.falls_silent };
        if view.silence > 0 {
            // The slice of the words is over; the assistant was silent in it.
            slices.push(Slice { user, ..Slice::default() });
            user = UserInput::Silence(view.silence as usize);
        }
        self.fit(id, &mut history, &mut slices, &user)?;
        let tokens = self.marks.question(self.weights, &history, &slices, &user);
        Ok(self.llm.idle_probability(id, self.marks, &tokens, &mut || false)?)
    }

    fn read_ahead(
        &mut self,
        call: CallKey,
        view: &TurnView,
        others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        let id = self.call(call)?;
        let (mut history, mut slices) = laid_out(view);
        self.fit(id, &mut history, &mut slices, &UserInput::default())?;
        let tokens = self.marks.lay_out(self.weights, &history, &slices);
        Ok(self.llm.listen(id, &tokens, &mut || others())?)
    }
}

impl<'w> DuplexModel<'w> {
    fn new(weights: &'w Weights, options: LlmOptions) -> Result<Self, LlmError> {
        let marks = Marks::of(weights)?;
        Ok(Self { weights, llm: Llm::new(weights, options)?, marks, calls: BTreeMap::new() })
    }

    /// Drops what no longer fits the context, the oldest first.
    fn fit(
        &mut self,
        id: CallId,
        history: &mut Vec<ChatMessage>,
        slices: &mut Vec<Slice>,
        user: &UserInput,
    ) -> Result<(), LlmError> {
        let dropped = self.llm.fit_slices(id, self.marks, history, slices, user)?;
        history.drain(1..1 + dropped.messages);
        slices.drain(..dropped.slices);
        Ok(())
    }

    fn call(&mut self, key: CallKey) -> Result<CallId, LlmError> {
        Ok(match self.calls.get(&key) {
            Some(id) => *id,
            None => *self.calls.entry(key).or_insert(self.llm.open_call()?),
        })
    }
}

/// The turns that are over, and the slices since, without the user's newest words.
fn laid_out(view: &TurnView) -> (Vec<ChatMessage>, Vec<Slice>) {
    // The system prompt of its training, whatever that of the reply model is.
    let mut history = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    history.extend(view.lines.iter().map(|line| message(line)));
    let slices = view.slices.iter().map(|said| Slice {
        user: UserInput::Words { text: said.user.clone(), falls_silent: said.falls_silent },
        assistant: (!said.assistant.is_empty()).then(|| said.assistant.clone()),
        ends: false,
    });
    (history, slices.collect())
}
