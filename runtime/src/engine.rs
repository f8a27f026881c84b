//! The models, each on a thread of its own, shared by all calls.

use std::{
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::sync_channel,
    },
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
    models::{self, ReplyWorker, SpeechWorker, TurnModelWorker},
    worker::{Worker, serve},
};

/// Context of the duplex model in tokens: what the transcript shows of a conversation, in slices.
const TURN_MODEL_CONTEXT: u32 = 1_536;

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
    /// The duplex model, if decisions are to be asked of it.
    pub duplex: Option<DuplexOptions>,
    /// The system prompt of the reply model.
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
    /// The language model's name for itself.
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

/// A thread for each model, and the calls that they serve.
pub(crate) struct Workers {
    pub(crate) recogniser: Worker,
    pub(crate) end_of_turn: Worker,
    pub(crate) turn_model: Option<Worker>,
    pub(crate) reply: Worker,
    pub(crate) voice: Worker,
    pub(crate) calls: AtomicU64,
}

impl Workers {
    /// A new call.
    pub(crate) fn open(&self) -> CallKey {
        let call = CallKey(self.calls.fetch_add(1, Relaxed));
        // The prefix of all decisions is prefilled while nobody speaks yet, if there is a duplex model.
        _ = self.submit(Job {
            call,
            work: Work::PrefillTurnModel(TurnContext::default()),
            cancellation: Cancellation::default(),
            reply: Box::new(|_| ()),
        });
        call
    }

    /// A call is over. Does not wait for the models.
    pub(crate) fn close(&self, call: CallKey) {
        let Self { recogniser, end_of_turn, turn_model, reply, voice, calls: _ } = self;
        for worker in [recogniser, end_of_turn, reply, voice].into_iter().chain(turn_model) {
            worker.close_call(call);
        }
    }

    /// Hands a job to its model without waiting; gives it back where the model's thread has ended, or there is none.
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
        worker.submit(job)
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
            let mut recogniser = Recogniser::spawn(asr.clone())?;
            _ = ready
                .send(Ok(EngineInfo { recogniser: recogniser.pid(), ..EngineInfo::default() }));
            serve(queue, &mut |job: &Job| models::recognise(&mut recogniser, job));
            Ok(())
        })?;
        let end_of_turn = Worker::start("end-of-turn", ready.clone(), move |queue, ready| {
            let mut model = EndOfTurn::load(&turn, turn_threads)?;
            _ = ready.send(Ok(EngineInfo::default()));
            serve(queue, &mut |job: &Job| models::detect_end_of_turn(&mut model, job));
            Ok(())
        })?;
        let turn_model_options = LlmOptions { context: TURN_MODEL_CONTEXT, ..llm_options.clone() };
        let turn_model = duplex.map(|duplex| {
            Worker::start("duplex-model", ready.clone(), move |queue, ready| {
                let weights = Weights::load(&duplex.model)?.with_adapter(&duplex.adapter)?;
                let mut worker = TurnModelWorker::new(&weights, turn_model_options.clone())?;
                _ = ready.send(Ok(EngineInfo::default()));
                serve(queue, &mut worker);
                Ok(())
            })
        });
        let turn_model = turn_model.transpose()?;
        let reply = Worker::start("reply-model", ready.clone(), move |queue, ready| {
            let weights = Weights::load(&llm)?;
            let llm = Llm::new(&weights, llm_options.clone())?;
            let name = llm.info().model.name;
            let mut worker = ReplyWorker::new(llm, system_prompt.clone());
            _ = ready.send(Ok(EngineInfo { llm: name, ..EngineInfo::default() }));
            serve(queue, &mut worker);
            Ok(())
        })?;
        let voice = Worker::start("voice", ready, move |queue, ready| {
            let mut worker = SpeechWorker::new(Voice::load(&voice)?);
            _ = ready.send(Ok(EngineInfo::default()));
            serve(queue, &mut worker);
            Ok(())
        })?;
        let activity = VoiceActivity::load(&vad)?;
        let mut info = EngineInfo::default();
        for _ in 0..4 + usize::from(turn_model.is_some()) {
            let report = reports.recv();
            let report = report.map_err(|_| EngineError::Thread("it ended early".to_owned()))??;
            info.recogniser = info.recogniser.or(report.recogniser);
            info.llm.push_str(&report.llm);
        }
        info.ready = began.elapsed();
        let calls = AtomicU64::new(0);
        let workers = Workers { recogniser, end_of_turn, turn_model, reply, voice, calls };
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

    /// Whether each model's thread takes work. A model that panics again and again is given up, and its jobs fail.
    pub fn is_healthy(&self) -> bool {
        let Workers { recogniser, end_of_turn, turn_model, reply, voice, calls: _ } = &self.workers;
        [recogniser, end_of_turn, reply, voice].into_iter().chain(turn_model).all(Worker::is_alive)
    }

    /// The threads that do its work.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }
}
