//! What a model must be able to do to take part in a call.
//!
//! A model is opened on the thread that will own it ([`Open`]) and serves all calls there, one piece of work after
//! another: its queue, newest-wins, cancellation, restart, counters and the charge of a virtual call are the worker's,
//! written once. An implementation is one file with one of these traits and one line where the engine's models are
//! chosen.

use std::{ops::ControlFlow, sync::Arc};

use duplex_core::{Line, SliceWords, TurnContext};
use duplex_model::{
    asr::Hypothesis,
    tts::{Chunk, Reading},
};

use crate::ReplySink;

/// Why a model did not do a piece of work: its own error, whose text says what happened and what helps.
pub type PortError = Box<dyn std::error::Error + Send + Sync>;

/// What a port is for. A model may borrow from its thread what it is made of, its weights for instance: so it is known
/// by a trait object of any lifetime.
pub trait PortKind: Send + 'static {
    /// A model of this port.
    type Model<'m>: Port + ?Sized + 'm;
}

/// From speech to words.
#[derive(Clone, Copy, Debug)]
pub enum Recognition {}

/// Who has the floor.
#[derive(Clone, Copy, Debug)]
pub enum TurnPrediction {}

/// What the assistant says.
#[derive(Clone, Copy, Debug)]
pub enum Replying {}

/// From text to speech.
#[derive(Clone, Copy, Debug)]
pub enum Synthesis {}

impl PortKind for Recognition {
    type Model<'m> = dyn SpeechRecogniser + 'm;
}

impl PortKind for TurnPrediction {
    type Model<'m> = dyn TurnPredictor + 'm;
}

impl PortKind for Replying {
    type Model<'m> = dyn ReplyModel + 'm;
}

impl PortKind for Synthesis {
    type Model<'m> = dyn SpeechSynthesiser + 'm;
}

/// Serves calls with a model, until the engine ends.
pub type Serve<'s, K> = dyn for<'m> FnMut(&mut <K as PortKind>::Model<'m>) + 's;

/// Opens a model on the thread that will own it, and lends it to the function given. It is called again should the
/// model panic.
pub type Open<K> = Arc<dyn Fn(&mut Serve<'_, K>) -> Result<(), PortError> + Send + Sync>;

/// A model that the engine runs.
pub struct ModelOptions<K: PortKind> {
    /// How it is opened.
    pub open: Open<K>,
    /// How many of it serve, each opened on a thread of its own; at least 1. A call stays with the one it began with,
    /// where the model keeps something of each call.
    pub pool: usize,
}

impl<K: PortKind> ModelOptions<K> {
    /// One of a model.
    pub fn one(
        open: impl Fn(&mut Serve<'_, K>) -> Result<(), PortError> + Send + Sync + 'static,
    ) -> Self {
        Self { open: Arc::new(open), pool: 1 }
    }
}

impl<K: PortKind> Clone for ModelOptions<K> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open), pool: self.pool }
    }
}

impl<K: PortKind> std::fmt::Debug for ModelOptions<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelOptions").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Identifies a call within the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKey(pub(crate) u64);

impl CallKey {
    /// The call with this number; the engine numbers its calls from 0.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// What a model says of itself, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The model's name for itself; empty where it has none.
    pub name: String,
    /// The process in which it runs, if it is not this one.
    pub process: Option<u32>,
}

/// What all models have in common.
pub trait Port {
    /// What it is.
    fn describe(&self) -> Description {
        Description::default()
    }

    /// A call is over: what is kept of it is free.
    fn close(&mut self, _call: CallKey) {}
}

/// A window of the user's sound.
#[derive(Clone, Copy, Debug)]
pub struct SpeechWindow<'a> {
    /// Mono samples at the session rate, in -1..=1, at most 30 s.
    pub audio: &'a [f32],
    /// The language spoken, as ISO 639-1; that of the recogniser's options where none is named.
    pub language: Option<&'a str>,
    /// Names and words that are likelier in this call than elsewhere.
    pub vocabulary: &'a [String],
}

/// Turns speech into words.
pub trait SpeechRecogniser: Port {
    /// The words in a window; none in silence.
    ///
    /// # Errors
    /// This window was not recognised; the next one may be.
    fn recognise(&mut self, window: SpeechWindow<'_>) -> Result<Hypothesis, PortError>;
}

/// A conversation as the duplex model reads it, up to the slice in which it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnView {
    /// Finished turns, oldest first. The assistant's hold only text that was heard.
    pub lines: Vec<Arc<Line>>,
    /// The slices since then, oldest first.
    pub slices: Vec<SliceWords>,
    /// The user's newest words: those of the slice after `slices`.
    pub user: String,
    /// Whether the user fell silent after them.
    pub falls_silent: bool,
    /// Whole slices of silence after the newest words; see [`TurnContext::silence`].
    pub silence: u32,
}

impl TurnView {
    /// The view of a context, with the lines of the one before.
    pub(crate) fn of(context: TurnContext, lines: &mut Vec<Arc<Line>>) -> Self {
        let TurnContext { lines: edit, slices, user, falls_silent, silence } = context;
        edit.apply(lines);
        Self { lines: lines.clone(), slices, user, falls_silent, silence }
    }
}

/// What a turn predictor is asked, with what it depends on.
#[derive(Clone, Copy, Debug)]
pub enum TurnQuestion<'a> {
    /// The probability that the user's turn is over. The user's sound so far, mono, at the session rate, up to the
    /// silence after it.
    IsOver(&'a [f32]),
    /// The probability that the assistant should be silent now. What both sides said, in slices.
    IsIdle(&'a TurnView),
}

/// Predicts who has the floor: an acoustic end-of-turn model, or the duplex model.
pub trait TurnPredictor: Port {
    /// The probability asked for, from 0 to 1; none where the model does not answer this question.
    ///
    /// # Errors
    /// There is no prediction; the other evidence decides.
    fn predict(
        &mut self,
        call: CallKey,
        question: TurnQuestion<'_>,
    ) -> Result<Option<f32>, PortError>;

    /// Reads all but the user's newest words, which may change, so that a prediction takes less time. It gives way once
    /// `others` says that other work waits.
    ///
    /// # Errors
    /// It was not read; a prediction reads it.
    fn read_ahead(
        &mut self,
        _call: CallKey,
        _view: &TurnView,
        _others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        Ok(())
    }
}

/// A conversation as a reply model reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// What the model is told about its task.
    pub instructions: Arc<str>,
    /// The lines of both speakers, oldest first. The assistant's hold only text that was heard.
    pub lines: Vec<Arc<Line>>,
    /// A line of the user's is still growing: the last one, or one that has no words yet.
    pub open: bool,
}

/// What a reply model is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyRequest {
    /// What the reply answers.
    pub conversation: Conversation,
    /// What is written of the reply already, which the model continues.
    pub begun: String,
    /// The longest reply, in tokens, where it is to be shorter than what the model's options allow.
    pub most_tokens: Option<u32>,
    /// The sampling temperature, where it is to be another than that of the model's options.
    pub temperature: Option<f32>,
}

/// Writes replies.
pub trait ReplyModel: Port {
    /// Begins a reply, in place of any other of the call. Its text goes into `sink` as it is written; a model stops for
    /// a while when the sink is full ([`Flow::Full`](crate::Flow)), and for good once it is cancelled.
    ///
    /// A model may write here until the sink is full, or elsewhere.
    fn begin(&mut self, call: CallKey, request: ReplyRequest, sink: ReplySink);

    /// The sink of the call's reply has room again.
    fn resume(&mut self, call: CallKey);

    /// Whether it can work with these instructions.
    ///
    /// # Errors
    /// What is wrong with them.
    fn check(&self, _instructions: &str) -> Result<(), PortError> {
        Ok(())
    }

    /// How many bytes of text it may be ahead of what was asked for. Nothing, where writing takes the time of something
    /// that the call waits for.
    fn ahead(&self) -> usize {
        0
    }

    /// The probability that the user's words, the last line of `conversation`, are a whole sentence as they are, by how
    /// they would go on; none where the model gives none. It is asked for before a reply to these words begins. It stops
    /// once `stop` says that nobody wants it.
    ///
    /// # Errors
    /// There is none; the other evidence decides.
    fn end_of_words(
        &mut self,
        _call: CallKey,
        _conversation: &Conversation,
        _stop: &dyn Fn() -> bool,
    ) -> Result<Option<f32>, PortError> {
        Ok(None)
    }

    /// Reads a conversation whose next words are still to come, so that a reply takes less time. It gives way once
    /// `others` says that other work waits.
    ///
    /// # Errors
    /// It was not read; a reply reads it.
    fn read_ahead(
        &mut self,
        _call: CallKey,
        _conversation: &Conversation,
        _others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        Ok(())
    }
}

/// Turns text into speech.
pub trait SpeechSynthesiser: Port {
    /// Samples a second of what [`speak`](Self::speak) gives.
    fn sample_rate(&self) -> u32;

    /// Whether it can be given all of these phonemes, which are in the International Phonetic Alphabet. Of words whose
    /// phonemes it does not know it is given the letters.
    fn knows(&mut self, _phonemes: &str) -> bool {
        false
    }

    /// Speaks a clause, chunk by chunk, the last of which says so, until `emit` breaks. Marks count bytes of the
    /// reading's text. `speed` is relative to the voice's own pace: 1 is that, 2 twice as fast.
    ///
    /// # Errors
    /// The clause was not spoken to its end; the next one may be.
    fn speak(
        &mut self,
        clause: Reading<'_>,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError>;
}
