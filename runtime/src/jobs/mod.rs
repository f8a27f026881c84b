//! What the models are asked to do, each kind of work in a file of its own: the work, the failure to report where it is
//! not done, its charge in a virtual call, and the model that does it.

mod decide;
mod prefill;
mod recognise;
mod score_end;
mod synthesise;
mod write;

pub(crate) use prefill::check;

use std::sync::Arc;

use duplex_audio::History;
use duplex_core::{Action, Line, Samples, Turn};

use crate::{
    Charges,
    job::{Client, Job},
    ports::{Recognition, Replying, Synthesis, TurnPrediction, TurnView},
    reply_stream::ReplyStream,
    settings::Settings,
};

/// A piece of work, by the model that does it.
#[derive(Debug)]
pub(crate) enum Work {
    Recogniser(Job<Recognition>),
    EndOfTurn(Job<TurnPrediction>),
    DuplexModel(Job<TurnPrediction>),
    Reply(Job<Replying>),
    Voice(Job<Synthesis>),
}

/// The models that do work, each of which does one job after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ModelKind {
    Recogniser,
    EndOfTurn,
    DuplexModel,
    Reply,
    Voice,
}

/// Calls `$body` with the job, whichever model does it.
macro_rules! with_job {
    ($work:expr, $job:ident => $body:expr) => {
        match $work {
            Work::Recogniser($job) => $body,
            Work::EndOfTurn($job) | Work::DuplexModel($job) => $body,
            Work::Reply($job) => $body,
            Work::Voice($job) => $body,
        }
    };
}

/// What a call's work is made of.
pub(crate) struct Material {
    /// The user's sound.
    pub(crate) history: History,
    /// The conversation, as the session last told the reply model and the duplex model.
    lines: Vec<Arc<Line>>,
    turn_lines: Vec<Arc<Line>>,
    /// The reply that is being written.
    pub(crate) reply: Option<ReplyStream>,
    /// The turn whose reply another model writes, since the call's own failed.
    pub(crate) fell_back: Option<Turn>,
}

impl Material {
    /// Of a call that begins, with room for so many samples of the user's sound.
    pub(crate) fn new(history: usize) -> Self {
        let history = History::new(history);
        Self { history, lines: Vec::new(), turn_lines: Vec::new(), reply: None, fell_back: None }
    }
}

impl Work {
    /// The work that an action asks of a model, or else the action.
    pub(crate) fn of(action: Action, material: &mut Material) -> Result<Self, Action> {
        let Material { history, lines, turn_lines, reply, fell_back } = material;
        Ok(match action {
            Action::Recognise { segment, from, to, .. } => {
                Self::Recogniser(recognise::job(segment, to, history.range(from.0, to.0).samples))
            }
            Action::DetectEndOfTurn { from, to } => {
                Self::EndOfTurn(score_end::job(to, history.range(from.0, to.0).samples))
            }
            Action::Decide { slice, context } => {
                Self::DuplexModel(decide::job(slice, TurnView::of(context, turn_lines)))
            }
            Action::PrefillTurnModel(context) => {
                Self::DuplexModel(decide::read_ahead(TurnView::of(context, turn_lines)))
            }
            Action::Prefill(context) => {
                context.lines.apply(lines);
                Self::Reply(prefill::job(lines.clone(), context.open))
            }
            Action::Write { turn, context } => {
                context.lines.apply(lines);
                let (stream, job) =
                    write::begin(turn, lines.clone(), context.reply, *fell_back == Some(turn));
                // An older one is cancelled by this.
                *reply = Some(stream);
                Self::Reply(job)
            }
            Action::WriteMore(turn) => {
                Self::Reply(write::go_on(turn, reply.as_ref(), *fell_back == Some(turn)))
            }
            Action::Synthesise { turn, clause, text } => {
                Self::Voice(synthesise::job(turn, clause, text))
            }
            other => return Err(other),
        })
    }

    /// The work with which a call begins: what its models can do while nobody speaks yet.
    pub(crate) fn opening(settings: &Settings) -> Vec<Self> {
        let stand_in = settings.fallback.map(|_| Job { elsewhere: true, ..prefill::check() });
        let checks = [Some(prefill::check()), stand_in].into_iter().flatten().map(Self::Reply);
        let read_ahead = Self::DuplexModel(decide::read_ahead(TurnView::default()));
        let voice = Self::check_pronunciations(settings);
        std::iter::once(read_ahead).chain(checks).chain(voice).collect()
    }

    /// Whether the call's voice has the phonemes of its lexicon is known to the voice alone.
    pub(crate) fn check_pronunciations(settings: &Settings) -> Option<Self> {
        let any = settings.lexicon.phonemes().next().is_some();
        any.then(|| Self::Voice(synthesise::check()))
    }

    /// No model does it: whoever it would have answered is told.
    pub(crate) fn give_up(&mut self) {
        with_job!(self, job => job.work = Box::new(|_, _, _| ()));
    }

    /// Which model does it.
    pub(crate) fn model(&self) -> ModelKind {
        match self {
            Self::Recogniser(_) => ModelKind::Recogniser,
            Self::EndOfTurn(_) => ModelKind::EndOfTurn,
            Self::DuplexModel(_) => ModelKind::DuplexModel,
            Self::Reply(_) => ModelKind::Reply,
            Self::Voice(_) => ModelKind::Voice,
        }
    }

    /// What it takes in a virtual call until the first answer.
    pub(crate) fn charge(&self, charges: &Charges) -> Samples {
        with_job!(self, job => (job.kind.charge)(charges))
    }

    /// The failure to report if it is not done.
    pub(crate) fn failure(&self) -> Option<duplex_core::Failure> {
        with_job!(self, job => job.failure)
    }

    /// Does what is done on the session's thread. Whether a model is needed for the rest.
    pub(crate) fn begin(&mut self, client: &Client) -> bool {
        with_job!(self, job => job.at_once.take().is_none_or(|begin| begin(client)))
    }
}
