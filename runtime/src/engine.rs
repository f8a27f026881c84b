//! The models, each on threads of its own, shared by all calls.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{channel, sync_channel},
    },
    time::{Duration, Instant},
};

use duplex_audio::{ActivityError, VoiceActivity};
use duplex_core::{Event, SessionChange};
use duplex_model::tts::Lexicon;

use crate::{
    CallKey,
    job::{Answer, Cancellation, Client, SessionMessage},
    jobs::{self, Work},
    ports::{ModelOptions, PortError, Recognition, Replying, Synthesis, TurnPrediction},
    settings::{SessionError, SessionOptions, Settings},
    worker::{ModelCounters, Worker},
};

/// Which models, and how they run.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Turns speech into words.
    pub recogniser: ModelOptions<Recognition>,
    /// Tells from the sound whether the user's turn is over.
    pub end_of_turn: ModelOptions<TurnPrediction>,
    /// Tells from what both sides said who has the floor, if it is to be asked.
    pub duplex: Option<ModelOptions<TurnPrediction>>,
    /// Write the replies: a call names one, or has the first.
    pub replies: Vec<ReplyOptions>,
    /// Speak them, by name: a call names one, or has the first.
    pub voices: Vec<(String, ModelOptions<Synthesis>)>,
    /// What the reply model is told about its task.
    pub instructions: String,
    /// How words are pronounced.
    pub lexicon: Lexicon,
    /// Voice activity detection, in ONNX.
    pub vad: PathBuf,
}

/// A model that writes replies.
#[derive(Clone, Debug)]
pub struct ReplyOptions {
    /// What calls know it by.
    pub name: String,
    /// How it runs.
    pub model: ModelOptions<Replying>,
    /// The name of the one that goes on with a reply should this one fail.
    pub fallback: Option<String>,
}

impl ReplyOptions {
    /// A model that nothing stands in for.
    pub fn new(name: impl Into<String>, model: ModelOptions<Replying>) -> Self {
        Self { name: name.into(), model, fallback: None }
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A model cannot be opened.
    #[error("the {name}: {source}")]
    Model {
        /// Which.
        name: &'static str,
        /// Its own error.
        source: PortError,
    },
    /// There is no reply model, or no voice, or a model that stands in for another is not there.
    #[error("{0}")]
    Options(#[from] SessionError),
    /// Voice activity detection.
    #[error("voice activity detection: {0}")]
    Activity(#[from] ActivityError),
    /// The system gave no thread, or one of them died.
    #[error("a thread could not be started: {0}")]
    Thread(String),
    /// A model's code panicked again and again while it was loaded.
    #[error(
        "the model of the {0} thread panics: its file may be damaged, or the program has a fault (see its log)"
    )]
    GivenUp(String),
}

/// What a running engine is made of, for reports.
#[derive(Clone, Debug, Default)]
pub struct EngineInfo {
    /// From the start to the last model that was ready.
    pub ready: Duration,
    /// The reply models' names for themselves, in the order in which they were ready.
    pub llm: String,
    /// Process of the recogniser when it was started.
    pub recogniser: Option<u32>,
}

/// The models, shared by calls. Dropping it ends its threads once their present work is done.
pub struct Engine {
    workers: Workers,
    activity: VoiceActivity,
    info: EngineInfo,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("info", &self.info).finish_non_exhaustive()
    }
}

const RECOGNISER: &str = "recogniser";
const END_OF_TURN: &str = "end-of-turn model";
const DUPLEX_MODEL: &str = "duplex model";
const REPLY_MODEL: &str = "reply model";
const VOICE: &str = "voice";

/// The models' threads, and the calls that they serve.
pub(crate) struct Workers {
    recogniser: Worker<Recognition>,
    end_of_turn: Worker<TurnPrediction>,
    duplex: Option<Worker<TurnPrediction>>,
    replies: Vec<Worker<Replying>>,
    voices: Vec<Worker<Synthesis>>,
    defaults: Defaults,
    calls: AtomicU64,
}

/// What a call has where it asks for nothing, and what it can ask for.
struct Defaults {
    instructions: String,
    lexicon: Arc<Lexicon>,
    /// Each reply model, and the one that stands in for it.
    replies: Vec<(String, Option<String>)>,
    voices: Vec<String>,
}

/// Calls `$body` with each worker in turn.
macro_rules! each {
    ($workers:expr, $name:ident, $worker:ident => $body:expr) => {{
        let Workers { recogniser, end_of_turn, duplex, replies, voices, defaults: _, calls: _ } =
            $workers;
        {
            let ($name, $worker) = (RECOGNISER, recogniser);
            $body
        }
        {
            let ($name, $worker) = (END_OF_TURN, end_of_turn);
            $body
        }
        if let Some($worker) = duplex {
            let $name = DUPLEX_MODEL;
            $body
        }
        for $worker in replies {
            let $name = REPLY_MODEL;
            $body
        }
        for $worker in voices {
            let $name = VOICE;
            $body
        }
    }};
}

impl Workers {
    /// Starts all models, at the same time, and waits until each is ready.
    pub(crate) fn start(options: &EngineOptions) -> Result<(Self, EngineInfo), EngineError> {
        let began = Instant::now();
        let EngineOptions {
            recogniser,
            end_of_turn,
            duplex,
            replies,
            voices,
            instructions,
            lexicon,
            vad: _,
        } = options;
        let defaults = Defaults {
            instructions: instructions.clone(),
            lexicon: Arc::new(lexicon.clone()),
            replies: replies.iter().map(|it| (it.name.clone(), it.fallback.clone())).collect(),
            voices: voices.iter().map(|(name, _)| name.clone()).collect(),
        };
        defaults.check()?;
        // Room for what each thread reports: that it is ready, and at the end that its model is given up.
        let pools = [recogniser.pool, end_of_turn.pool]
            .into_iter()
            .chain(duplex.iter().map(|duplex| duplex.pool))
            .chain(replies.iter().map(|reply| reply.model.pool))
            .chain(voices.iter().map(|(_, voice)| voice.pool));
        let models: usize = pools.map(|pool| pool.max(1)).sum();
        let (ready, reports) = sync_channel(2 * models);
        let duplex = duplex.as_ref().map(|duplex| Worker::start(DUPLEX_MODEL, duplex, &ready));
        let reply = |reply: &ReplyOptions| Worker::start(REPLY_MODEL, &reply.model, &ready);
        let voice = |(_, voice): &(_, _)| Worker::start(VOICE, voice, &ready);
        let workers = Self {
            recogniser: Worker::start(RECOGNISER, recogniser, &ready)?,
            end_of_turn: Worker::start(END_OF_TURN, end_of_turn, &ready)?,
            duplex: duplex.transpose()?,
            replies: replies.iter().map(reply).collect::<Result<_, _>>()?,
            voices: voices.iter().map(voice).collect::<Result<_, _>>()?,
            defaults,
            calls: AtomicU64::new(0),
        };
        let mut info = EngineInfo::default();
        for _ in 0..models {
            let report = reports.recv();
            let (name, report) =
                report.map_err(|_| EngineError::Thread("it ended early".to_owned()))??;
            match name {
                RECOGNISER => info.recogniser = info.recogniser.or(report.process),
                REPLY_MODEL => {
                    let separator = if info.llm.is_empty() { "" } else { ", " };
                    info.llm = format!("{}{separator}{}", info.llm, report.name);
                }
                _ => {}
            }
        }
        workers.check_instructions()?;
        info.ready = began.elapsed();
        Ok((workers, info))
    }

    /// Whether the reply models can work with the instructions of a call that brings none.
    fn check_instructions(&self) -> Result<(), EngineError> {
        for worker in &self.replies {
            let (sender, answers) = channel();
            let answer: Answer = Arc::new(move |message| _ = sender.send(message));
            let settings = Arc::new(self.settings(&SessionOptions::default())?);
            let call = CallKey(self.calls.fetch_add(1, Relaxed));
            let client = Client { call, settings, cancellation: Cancellation::default(), answer };
            _ = worker.submit(jobs::check(), client);
            if let Some(SessionMessage::Event(Event::Warned(what))) = answers.iter().next() {
                return Err(EngineError::Model { name: REPLY_MODEL, source: what.into() });
            }
            worker.close_call(call);
        }
        Ok(())
    }

    /// The settings of a call.
    pub(crate) fn settings(&self, options: &SessionOptions) -> Result<Settings, SessionError> {
        let Defaults { instructions, lexicon, replies, voices } = &self.defaults;
        Settings::of(options, instructions, lexicon, replies, voices)
    }

    /// Whether each model's threads take work.
    pub(crate) fn is_alive(&self) -> bool {
        let mut all = true;
        each!(self, _name, worker => all &= worker.is_alive());
        all
    }

    /// What each model has done so far, by its name.
    pub(crate) fn counters(&self) -> Vec<(&'static str, ModelCounters)> {
        let mut all = Vec::new();
        each!(self, name, worker => all.push((name, worker.counters())));
        all
    }

    /// Hands work to its model without waiting; gives it back where no thread of the model takes any, or there is none.
    pub(crate) fn submit(&self, mut work: Work, client: Client) -> Result<(), Work> {
        if !work.begin(&client) {
            return Ok(());
        }
        match work {
            Work::Recogniser(job) => self.recogniser.submit(job, client).map_err(Work::Recogniser),
            Work::EndOfTurn(job) => self.end_of_turn.submit(job, client).map_err(Work::EndOfTurn),
            Work::DuplexModel(job) => match &self.duplex {
                Some(worker) => worker.submit(job, client).map_err(Work::DuplexModel),
                None => Err(Work::DuplexModel(job)),
            },
            Work::Reply(job) => {
                let Settings { reply, fallback, .. } = *client.settings;
                let elsewhere = if job.elsewhere { fallback } else { None };
                let worker = &self.replies[elsewhere.unwrap_or(reply)];
                worker.submit(job, client).map_err(Work::Reply)
            }
            Work::Voice(job) => {
                let worker = &self.voices[client.settings.voice];
                worker.submit(job, client).map_err(Work::Voice)
            }
        }
    }
}

impl Defaults {
    /// Whether there is what a call needs.
    fn check(&self) -> Result<(), SessionError> {
        let all = [("reply model", self.replies.is_empty()), ("voice", self.voices.is_empty())];
        if let Some((what, _)) = all.into_iter().find(|(_, is_missing)| *is_missing) {
            return Err(SessionError::NoSuchModel { what, name: String::new(), known: Vec::new() });
        }
        for (name, _) in &self.replies {
            let options = SessionOptions { reply: Some(name.clone()), ..SessionOptions::default() };
            Settings::of(&options, &self.instructions, &self.lexicon, &self.replies, &self.voices)?;
        }
        Ok(())
    }
}

/// A call's place in the engine, free again however the session ends.
pub(crate) struct Seat<'a> {
    workers: &'a Workers,
    call: CallKey,
    settings: Arc<Settings>,
}

/// The models as a session has them.
pub(crate) trait Models {
    /// Hands work to its model without waiting; gives it back where no model takes it.
    fn submit(&mut self, work: Work) -> Result<(), Work>;

    /// The call's settings with a change.
    ///
    /// # Errors
    /// The engine does not have what it asks for.
    fn changed(&self, change: &SessionChange) -> Result<Settings, SessionError>;

    /// Work that is handed over from now on is done with these settings.
    fn set(&mut self, settings: Settings);
}

impl<'a> Seat<'a> {
    /// A new call.
    pub(crate) fn open(workers: &'a Workers, settings: Settings) -> Self {
        let call = CallKey(workers.calls.fetch_add(1, Relaxed));
        Self { workers, call, settings: Arc::new(settings) }
    }

    /// See [`Work::opening`].
    pub(crate) fn opening(&self) -> Vec<Work> {
        Work::opening(&self.settings)
    }

    /// The call's settings with a change.
    ///
    /// # Errors
    /// The engine does not have what it asks for.
    pub(crate) fn changed(&self, change: &SessionChange) -> Result<Settings, SessionError> {
        self.workers.settings(&self.settings.options.clone().changed(change))
    }

    /// Work is done with these settings from now on.
    pub(crate) fn set(&mut self, settings: Settings) {
        self.settings = Arc::new(settings);
    }

    /// Hands work to its model without waiting; gives it back where no model takes it.
    pub(crate) fn submit(
        &self,
        work: Work,
        cancellation: Cancellation,
        answer: Answer,
    ) -> Result<(), Work> {
        let settings = Arc::clone(&self.settings);
        self.workers.submit(work, Client { call: self.call, settings, cancellation, answer })
    }
}

impl Drop for Seat<'_> {
    /// The call is over. Does not wait for the models.
    fn drop(&mut self) {
        each!(self.workers, _name, worker => worker.close_call(self.call));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for (name, counters) in self.counters() {
            let ModelCounters { done, replaced, restarts, .. } = counters;
            tracing::info!(done, replaced, restarts, "the {name} ends");
        }
    }
}

impl Engine {
    /// Opens all models, at the same time, and waits until each is ready.
    ///
    /// # Errors
    /// The first model that cannot be opened.
    pub fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let (workers, info) = Workers::start(&options)?;
        let activity = VoiceActivity::load(&options.vad)?;
        Ok(Self { workers, activity, info })
    }

    /// What it is made of.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// A detector for a call of its own.
    pub(crate) fn activity(&self) -> VoiceActivity {
        self.activity.another()
    }

    /// Whether a call can have what it asks for.
    ///
    /// # Errors
    /// What it cannot have.
    pub fn check_session(&self, options: &SessionOptions) -> Result<(), SessionError> {
        self.workers.settings(options).map(drop)
    }

    /// Whether each model's threads take work. A model that panics again and again is given up, and its jobs fail.
    pub fn is_healthy(&self) -> bool {
        self.workers.is_alive()
    }

    /// What each model has done so far, by its name.
    pub fn counters(&self) -> Vec<(&'static str, ModelCounters)> {
        self.workers.counters()
    }

    /// The threads that do its work.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }
}
