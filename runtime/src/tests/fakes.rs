//! Models that answer by rule: a user who asks for a story, and a reply of one clause, all of it at once.

use std::{ops::ControlFlow, sync::Arc};

use duplex_audio::PLAYOUT_RATE;
use duplex_model::{
    asr::{Hypothesis, Word},
    tts::{Chunk, Lexicon, Mark, Reading},
};

use crate::{
    CallKey, EngineOptions, ReplyOptions, ReplySink,
    engine::Workers,
    ports::{
        Conversation, ModelOptions, Port, PortError, PortKind, Recognition, ReplyModel,
        ReplyRequest, Replying, SpeechRecogniser, SpeechSynthesiser, SpeechWindow, Synthesis,
        TurnPrediction, TurnPredictor, TurnQuestion, TurnView,
    },
};

/// The reply to everything.
const STORY: &str = "Once upon a time.";

/// The shortest audio in which a sentence is heard, in samples: half a second, of which most is what came before the
/// voice. Nobody says one in a click.
const SHORTEST_SENTENCE: usize = duplex_core::SAMPLE_RATE as usize / 2;

/// What happens before a piece of work is done: it may wait, or panic.
pub(super) type Hook = Arc<dyn Fn() + Send + Sync>;

/// A model of any port.
pub(super) struct Fake {
    pub(super) hook: Hook,
    /// What the user says.
    pub(super) words: &'static str,
}

impl Default for Fake {
    fn default() -> Self {
        Self { hook: Arc::new(|| ()), words: "Tell me a story." }
    }
}

impl Port for Fake {}

impl SpeechRecogniser for Fake {
    fn recognise(&mut self, window: SpeechWindow<'_>) -> Result<Hypothesis, PortError> {
        (self.hook)();
        if let Some(at) = window.audio.iter().position(|sample| !sample.is_finite()) {
            return Err(format!("sample {at} is no number").into());
        }
        if window.audio.len() < SHORTEST_SENTENCE {
            return Ok(Hypothesis::default());
        }
        let word = |text: &str| Word { text: text.to_owned(), probability: 0.9 };
        let words = self.words.split(' ').map(word).collect();
        Ok(Hypothesis { text: self.words.to_owned(), words, ..Hypothesis::default() })
    }
}

impl TurnPredictor for Fake {
    fn predict(
        &mut self,
        _call: CallKey,
        question: TurnQuestion<'_>,
    ) -> Result<Option<f32>, PortError> {
        (self.hook)();
        match question {
            TurnQuestion::IsOver(audio) if audio.iter().any(|sample| !sample.is_finite()) => {
                Err("a sample is no number".into())
            }
            TurnQuestion::IsOver(_) => Ok(Some(0.95)),
            TurnQuestion::IsIdle(_) => Ok(Some(0.02)),
        }
    }

    fn read_ahead(
        &mut self,
        _call: CallKey,
        _view: &TurnView,
        _others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        (self.hook)();
        Ok(())
    }
}

impl ReplyModel for Fake {
    fn begin(&mut self, _call: CallKey, request: ReplyRequest, sink: ReplySink) {
        (self.hook)();
        sink.push(STORY.strip_prefix(request.begun.as_str()).unwrap_or(STORY));
        sink.end();
    }

    fn resume(&mut self, _call: CallKey) {}

    fn read_ahead(
        &mut self,
        _call: CallKey,
        _conversation: &Conversation,
        _others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        (self.hook)();
        Ok(())
    }
}

/// A reply model whose every reply was recorded, and comes in pieces of so many characters.
pub(super) struct Recorded {
    reply: &'static str,
    piece: usize,
}

impl Port for Recorded {}

impl ReplyModel for Recorded {
    fn begin(&mut self, _call: CallKey, request: ReplyRequest, sink: ReplySink) {
        // What was begun is complete.
        let reply = if request.begun.is_empty() { self.reply } else { "" };
        let chars: Vec<_> = reply.chars().collect();
        for piece in chars.chunks(self.piece) {
            sink.push(&piece.iter().collect::<String>());
            sink.flush();
        }
        sink.end();
    }

    fn resume(&mut self, _call: CallKey) {}
}

impl SpeechSynthesiser for Fake {
    fn sample_rate(&self) -> u32 {
        PLAYOUT_RATE
    }

    fn speak(
        &mut self,
        clause: Reading<'_>,
        _speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError> {
        (self.hook)();
        let marks = vec![Mark { samples: u64::from(PLAYOUT_RATE), bytes: clause.text().len() }];
        _ = emit(Chunk { samples: vec![0.5; PLAYOUT_RATE as usize], marks, last: true });
        Ok(())
    }
}

/// The five models, each with what happens before it works.
#[derive(Clone)]
pub(super) struct Fakes {
    pub(super) recogniser: Hook,
    pub(super) end_of_turn: Hook,
    pub(super) duplex: Hook,
    pub(super) reply: Hook,
    pub(super) voice: Hook,
    /// How many of each.
    pub(super) pool: usize,
}

impl Default for Fakes {
    fn default() -> Self {
        let hook: Hook = Arc::new(|| ());
        let [recogniser, end_of_turn, duplex, reply, voice] =
            std::array::from_fn(|_| Arc::clone(&hook));
        Self { recogniser, end_of_turn, duplex, reply, voice, pool: 1 }
    }
}

impl Fakes {
    pub(super) fn options(self) -> EngineOptions {
        let Self { recogniser, end_of_turn, duplex, reply, voice, pool } = self;
        EngineOptions {
            recogniser: ModelOptions { pool, ..recognition(recogniser) },
            end_of_turn: ModelOptions { pool, ..prediction(end_of_turn) },
            duplex: Some(ModelOptions { pool, ..prediction(duplex) }),
            replies: vec![ReplyOptions::new("fake", ModelOptions { pool, ..replying(reply) })],
            voices: vec![("fake".to_owned(), ModelOptions { pool, ..synthesis(voice) })],
            instructions: String::new(),
            lexicon: Lexicon::default(),
            vad: "no file".into(),
        }
    }

    /// Threads that work by these rules.
    pub(super) fn start(self) -> Workers {
        Workers::start(&self.options()).unwrap().0
    }
}

fn fake(hook: &Hook) -> Fake {
    Fake { hook: Arc::clone(hook), ..Fake::default() }
}

pub(super) fn recognition(hook: Hook) -> ModelOptions<Recognition> {
    ModelOptions::<Recognition>::one(move |serve| {
        serve(&mut fake(&hook));
        Ok(())
    })
}

pub(super) fn prediction(hook: Hook) -> ModelOptions<TurnPrediction> {
    ModelOptions::<TurnPrediction>::one(move |serve| {
        serve(&mut fake(&hook));
        Ok(())
    })
}

pub(super) fn replying(hook: Hook) -> ModelOptions<Replying> {
    ModelOptions::<Replying>::one(move |serve| {
        serve(&mut fake(&hook));
        Ok(())
    })
}

pub(super) fn recorded(reply: &'static str, piece: usize) -> ModelOptions<Replying> {
    ModelOptions::<Replying>::one(move |serve| {
        serve(&mut Recorded { reply, piece });
        Ok(())
    })
}

pub(super) fn synthesis(hook: Hook) -> ModelOptions<Synthesis> {
    ModelOptions::<Synthesis>::one(move |serve| {
        serve(&mut fake(&hook));
        Ok(())
    })
}

/// Opens a model, and uses it on this thread.
pub(super) fn with_model<K: PortKind>(
    options: &ModelOptions<K>,
    mut with: impl for<'m> FnMut(&mut K::Model<'m>),
) {
    (options.open)(&mut |model: &mut K::Model<'_>| with(model)).unwrap();
}
