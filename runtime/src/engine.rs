//! The models, each on threads of its own, shared by all calls.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::sync_channel,
    },
    time::{Duration, Instant},
};

use duplex_audio::{ActivityError, VoiceActivity};

use crate::{
    CallKey,
    job::{Cancellation, Client},
    jobs::Work,
    ports::{ModelOptions, PortError, Recognition, Replying, Synthesis, TurnPrediction},
    settings::Settings,
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
    /// Writes the replies.
    pub reply: ModelOptions<Replying>,
    /// Speaks them.
    pub voice: ModelOptions<Synthesis>,
    /// What the reply model is told about its task.
    pub instructions: String,
    /// Voice activity detection, in ONNX.
    pub vad: PathBuf,
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
    /// The reply model's name for itself.
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
    reply: Worker<Replying>,
    voice: Worker<Synthesis>,
    settings: Arc<Settings>,
    calls: AtomicU64,
}

/// Calls `$body` with each worker in turn.
macro_rules! each {
    ($workers:expr, $name:ident, $worker:ident => $body:expr) => {{
        let Workers { recogniser, end_of_turn, duplex, reply, voice, settings: _, calls: _ } =
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
        {
            let ($name, $worker) = (REPLY_MODEL, reply);
            $body
        }
        {
            let ($name, $worker) = (VOICE, voice);
            $body
        }
    }};
}

impl Workers {
    /// Starts all models, at the same time, and waits until each is ready.
    pub(crate) fn start(options: &EngineOptions) -> Result<(Self, EngineInfo), EngineError> {
        let began = Instant::now();
        let EngineOptions { recogniser, end_of_turn, duplex, reply, voice, instructions, vad: _ } =
            options;
        let pools = [recogniser.pool, end_of_turn.pool, reply.pool, voice.pool];
        let models = pools.into_iter().chain(duplex.as_ref().map(|duplex| duplex.pool));
        let models: usize = models.map(|pool| pool.max(1)).sum();
        // Room for what each thread reports: that it is ready, and at the end that its model is given up.
        let (ready, reports) = sync_channel(2 * models);
        let duplex = duplex.as_ref().map(|duplex| Worker::start(DUPLEX_MODEL, duplex, &ready));
        let workers = Self {
            recogniser: Worker::start(RECOGNISER, recogniser, &ready)?,
            end_of_turn: Worker::start(END_OF_TURN, end_of_turn, &ready)?,
            duplex: duplex.transpose()?,
            reply: Worker::start(REPLY_MODEL, reply, &ready)?,
            voice: Worker::start(VOICE, voice, &ready)?,
            settings: Arc::new(Settings {
                instructions: instructions.as_str().into(),
                ..Settings::default()
            }),
            calls: AtomicU64::new(0),
        };
        drop(ready);
        let mut info = EngineInfo::default();
        for _ in 0..models {
            let report = reports.recv();
            let (name, report) =
                report.map_err(|_| EngineError::Thread("it ended early".to_owned()))??;
            match name {
                RECOGNISER => info.recogniser = info.recogniser.or(report.process),
                REPLY_MODEL => info.llm = report.name,
                _ => {}
            }
        }
        info.ready = began.elapsed();
        Ok((workers, info))
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
            Work::Reply(job) => self.reply.submit(job, client).map_err(Work::Reply),
            Work::Voice(job) => self.voice.submit(job, client).map_err(Work::Voice),
        }
    }
}

/// A call's place in the engine, free again however the session ends.
pub(crate) struct Seat<'a> {
    workers: &'a Workers,
    call: CallKey,
    settings: Arc<Settings>,
}

impl<'a> Seat<'a> {
    /// A new call.
    pub(crate) fn open(workers: &'a Workers) -> Self {
        let call = CallKey(workers.calls.fetch_add(1, Relaxed));
        let seat = Self { workers, call, settings: Arc::clone(&workers.settings) };
        // What its models can read while nobody speaks yet, if there is a duplex model.
        _ = seat.submit(Work::opening(), Cancellation::default(), Arc::new(|_| ()));
        seat
    }

    /// Hands work to its model without waiting; gives it back where no model takes it.
    pub(crate) fn submit(
        &self,
        work: Work,
        cancellation: Cancellation,
        answer: crate::job::Answer,
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
