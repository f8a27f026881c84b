//! The models, each on a thread of its own, shared by all calls.

use std::{
    iter,
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use duplex_audio::{ActivityError, VoiceActivity};
use duplex_core::TurnContext;
use duplex_model::{
    asr::{AsrError, Recogniser, RecogniserOptions},
    endpoint::{EndOfTurn, EndpointError},
    llm::{Llm, LlmError, LlmOptions, Weights},
    tts::{Voice, VoiceError, VoiceOptions},
};

use crate::{
    job::{CallKey, Cancellation, Job, Work},
    workers::{self, ReplyWorker, SpeechWorker, TurnModelWorker},
};

/// Tokens that the duplex model sees: what the transcript shows of a conversation, in slices.
const TURN_MODEL_CONTEXT: u32 = 1_536;

/// Jobs that wait for a model at most. More means that the machine cannot keep up.
const QUEUE: usize = 8;

/// The duplex model: a small language model with the adapter that lets it decide who speaks.
#[derive(Clone, Debug)]
pub struct DuplexOptions {
    /// The language model, in GGUF.
    pub model: PathBuf,
    /// The adapter, in GGUF.
    pub adapter: PathBuf,
}

/// Which models, and how they run.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The language model, in GGUF.
    pub llm: PathBuf,
    /// How it runs.
    pub llm_options: LlmOptions,
    /// The duplex model; without one, nothing waits for it.
    pub duplex: Option<DuplexOptions>,
    /// What it is told before every conversation.
    pub system_prompt: String,
    /// The recogniser.
    pub asr: RecogniserOptions,
    /// The voice.
    pub voice: VoiceOptions,
    /// Voice activity detection, in ONNX.
    pub vad: PathBuf,
    /// The end-of-turn model, in ONNX.
    pub turn: PathBuf,
    /// Threads of the end-of-turn model.
    pub turn_threads: usize,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The language model.
    #[error("the language model: {0}")]
    Llm(#[from] LlmError),
    /// The recogniser.
    #[error("the recogniser: {0}")]
    Asr(#[from] AsrError),
    /// The voice.
    #[error("the voice: {0}")]
    Voice(#[from] VoiceError),
    /// Voice activity detection.
    #[error("voice activity detection: {0}")]
    Activity(#[from] ActivityError),
    /// The end-of-turn model.
    #[error("the end-of-turn model: {0}")]
    Endpoint(#[from] EndpointError),
    /// The system gave no thread, or one of them died.
    #[error("a thread could not be started: {0}")]
    Thread(String),
}

/// What a running engine is made of, for reports.
#[derive(Clone, Debug, Default)]
pub struct EngineInfo {
    /// From the start to the last model that was ready.
    pub ready: Duration,
    /// The language model's name for itself.
    pub llm: String,
    /// Process of the recogniser when it was started.
    pub recogniser: Option<u32>,
}

/// The models, shared by calls. Dropping it ends its threads once their present work is done.
pub struct Engine {
    recogniser: Worker,
    end_of_turn: Worker,
    reply: Worker,
    turn_model: Option<Worker>,
    voice: Worker,
    activity: VoiceActivity,
    calls: AtomicU64,
    facts: EngineInfo,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("facts", &self.facts).finish_non_exhaustive()
    }
}

enum Task {
    Job(Job),
    Close(CallKey),
}

impl Task {
    /// The call that is over.
    fn closes(&self) -> Option<CallKey> {
        match self {
            Self::Close(call) => Some(*call),
            Self::Job(_) => None,
        }
    }
}

struct Worker {
    jobs: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker's thread says once its model is ready, or is not.
type Ready = SyncSender<Result<EngineInfo, EngineError>>;

impl Worker {
    fn start(
        name: &str,
        ready: Ready,
        run: impl FnOnce(&Receiver<Task>, &Ready) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<Self, EngineError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = run(&queue, &ready) {
                // Nobody listens where another model failed before.
                _ = ready.send(Err(error));
            }
        });
        let thread = thread.map_err(|error| EngineError::Thread(error.to_string()))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn submit(&self, task: Task) -> Result<(), Task> {
        match &self.jobs {
            Some(jobs) => jobs.try_send(task).map_err(|error| match error {
                TrySendError::Full(task) | TrySendError::Disconnected(task) => task,
            }),
            None => Err(task),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a model's thread panicked");
        }
    }
}

fn serve(queue: &Receiver<Task>, mut work: impl FnMut(&Job)) {
    for task in queue {
        if let Task::Job(job) = task {
            work(&job);
        }
    }
}

impl Engine {
    /// Loads all models, at the same time, and waits until each is ready.
    ///
    /// # Errors
    /// The first model that cannot be loaded.
    pub fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let began = Instant::now();
        let EngineOptions {
            llm,
            llm_options,
            duplex,
            system_prompt,
            asr,
            voice,
            vad,
            turn,
            turn_threads,
        } = options;
        let (ready, reports) = sync_channel(8);
        let recogniser = Worker::start("recogniser", ready.clone(), move |queue, ready| {
            let mut recogniser = Recogniser::spawn(asr)?;
            _ = ready
                .send(Ok(EngineInfo { recogniser: recogniser.pid(), ..EngineInfo::default() }));
            serve(queue, |job| workers::recognise(&mut recogniser, job));
            Ok(())
        })?;
        let end_of_turn = Worker::start("end-of-turn", ready.clone(), move |queue, ready| {
            let mut model = EndOfTurn::load(&turn, turn_threads)?;
            _ = ready.send(Ok(EngineInfo::default()));
            serve(queue, |job| workers::detect_end_of_turn(&mut model, job));
            Ok(())
        })?;
        let turn_model_options = LlmOptions { context: TURN_MODEL_CONTEXT, ..llm_options.clone() };
        let turn_model = duplex.map(|duplex| {
            Worker::start("duplex-model", ready.clone(), move |queue, ready| {
                let weights = Weights::load(&duplex.model)?.with_adapter(&duplex.adapter)?;
                let mut worker = TurnModelWorker::new(&weights, turn_model_options)?;
                _ = ready.send(Ok(EngineInfo::default()));
                serve_turn_model(queue, &mut worker);
                Ok(())
            })
        });
        let turn_model = turn_model.transpose()?;
        let reply = Worker::start("engine", ready.clone(), move |queue, ready| {
            let weights = Weights::load(&llm)?;
            let llm = Llm::new(&weights, llm_options)?;
            let info = llm.info().model.name;
            let mut worker = ReplyWorker::new(llm, system_prompt);
            _ = ready.send(Ok(EngineInfo { llm: info, ..EngineInfo::default() }));
            serve_reply(queue, &mut worker);
            Ok(())
        })?;
        let voice = Worker::start("voice", ready, move |queue, ready| {
            let mut worker = SpeechWorker::new(Voice::load(&voice)?);
            _ = ready.send(Ok(EngineInfo::default()));
            serve(queue, |job| worker.work(job));
            Ok(())
        })?;
        let activity = VoiceActivity::load(&vad)?;
        let mut facts = EngineInfo::default();
        for _ in 0..4 + usize::from(turn_model.is_some()) {
            let report = reports.recv();
            let report = report.map_err(|_| EngineError::Thread("it ended early".to_owned()))??;
            facts.recogniser = facts.recogniser.or(report.recogniser);
            facts.llm.push_str(&report.llm);
        }
        facts.ready = began.elapsed();
        Ok(Self {
            recogniser,
            end_of_turn,
            reply,
            turn_model,
            voice,
            activity,
            calls: AtomicU64::new(0),
            facts,
        })
    }

    /// What it is made of.
    pub fn facts(&self) -> &EngineInfo {
        &self.facts
    }

    /// A detector for a call of its own.
    pub(crate) fn activity(&self) -> VoiceActivity {
        self.activity.another()
    }

    pub(crate) fn open(&self) -> CallKey {
        let call = CallKey(self.calls.fetch_add(1, Relaxed));
        // What all decisions begin with is read while nobody says anything yet. Where there is no duplex model, or its queue is full,
        // it is not.
        _ = self.submit(Job {
            call,
            work: Work::PrefillTurnModel(TurnContext::default()),
            cancellation: Cancellation::default(),
            reply: Box::new(|_| ()),
        });
        call
    }

    pub(crate) fn close(&self, call: CallKey) {
        for jobs in [Some(&self.reply), self.turn_model.as_ref()].into_iter().flatten() {
            if let Some(jobs) = &jobs.jobs {
                // A few jobs of other calls at most are before it.
                _ = jobs.send(Task::Close(call));
            }
        }
    }

    /// Hands a job to its model without waiting; gives it back where the model's queue is full.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Job> {
        let worker = match &job.work {
            Work::Recognise { .. } => &self.recogniser,
            Work::DetectEndOfTurn { .. } => &self.end_of_turn,
            Work::Decide { .. } | Work::PrefillTurnModel(_) => match &self.turn_model {
                Some(worker) => worker,
                None => return Err(job),
            },
            Work::Prefill(_) | Work::Write { .. } => &self.reply,
            Work::Synthesise { .. } => &self.voice,
        };
        worker.submit(Task::Job(job)).map_err(|task| match task {
            Task::Job(job) => job,
            Task::Close(_) => unreachable!("a job was submitted"),
        })
    }
}

/// Like [`serve`], but reading ahead gives way: of what waits, replies come first, and of several
/// states of one conversation only the newest is read.
fn serve_reply(queue: &Receiver<Task>, worker: &mut ReplyWorker<'_>) {
    while let Some((reading, urgent)) = waiting(queue) {
        let mut served = Vec::new();
        for task in urgent {
            match task {
                Task::Job(job) => {
                    served.push(job.call);
                    worker.work(&job);
                }
                Task::Close(call) => {
                    served.push(call);
                    worker.close(call);
                }
            }
        }
        newest(reading, served).iter().for_each(|job| worker.work(job));
    }
}

/// Like [`serve_reply`], but of a call's questions, too, only the newest is answered: the others have been overtaken.
fn serve_turn_model(queue: &Receiver<Task>, worker: &mut TurnModelWorker<'_>) {
    while let Some((reading, urgent)) = waiting(queue) {
        let over: Vec<CallKey> = urgent.iter().filter_map(Task::closes).collect();
        let questions = newest(urgent, Vec::new());
        let asked = questions.iter().map(|job| job.call);
        let served = asked.chain(over.iter().copied()).collect();
        questions.iter().rev().for_each(|job| worker.work(job));
        over.into_iter().for_each(|call| worker.close(call));
        newest(reading, served).iter().for_each(|job| worker.work(job));
    }
}

/// What waits, at least one task, in its order: what is to be read ahead, and the rest. Nothing once the engine is gone.
fn waiting(queue: &Receiver<Task>) -> Option<(Vec<Task>, Vec<Task>)> {
    let first = queue.recv().ok()?;
    let reads = |task: &Task| {
        matches!(task, Task::Job(Job { work: Work::Prefill(_) | Work::PrefillTurnModel(_), .. }))
    };
    Some(iter::once(first).chain(queue.try_iter()).partition(reads))
}

/// The newest job of each call, but for calls that are served otherwise.
fn newest(tasks: Vec<Task>, mut served: Vec<CallKey>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for task in tasks.into_iter().rev() {
        if let Task::Job(job) = task
            && !served.contains(&job.call)
        {
            served.push(job.call);
            jobs.push(job);
        }
    }
    jobs
}
