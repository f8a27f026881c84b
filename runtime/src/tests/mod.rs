//! What the threads around a session do, with models that answer by rule.

mod cancelled_turns;
mod many_calls;
mod queue;
mod replies;
mod workers;

use std::{
    sync::{
        Arc,
        atomic::AtomicU64,
        mpsc::{Receiver, channel, sync_channel},
    },
    time::Duration,
};

use duplex_audio::{ACTIVITY_WINDOW, PLAYOUT_RATE};
use duplex_core::{Event, Permille, SAMPLE_RATE, SessionTime, Turn, TurnContext, VadFrame};

use crate::{
    engine::Workers,
    job::{CallKey, Cancellation, Job, SessionMessage, Work},
    queue::JobQueue,
    worker::{Worker, serve},
};

/// What a test waits at most for something that must happen: a failure then, instead of a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Samples of the playout in the time of a voice activity frame.
const PLAYED: usize = ACTIVITY_WINDOW * (PLAYOUT_RATE / SAMPLE_RATE) as usize;

/// A voice activity frame that ends `end`: speech close by, or silence.
fn window(end: SessionTime, speech: bool) -> SessionMessage {
    let probability = Permille(if speech { 950 } else { 20 });
    let frame = VadFrame { speech, probability, level: -20, high_band_snr: 20 };
    SessionMessage::Sound { end, cleaned: vec![0.0; ACTIVITY_WINDOW], frame }
}

/// A second of audio of a clause.
fn audio(turn: Turn, clause: u32) -> SessionMessage {
    let samples = vec![0.5; PLAYOUT_RATE as usize];
    SessionMessage::Audio { turn, clause, samples, marks: Vec::new(), last: true }
}

/// A rule for the answers of a model.
type Rule = Arc<dyn Fn(&Job) + Send + Sync>;

/// The five models, each a rule.
#[derive(Clone)]
struct Fakes {
    recogniser: Rule,
    end_of_turn: Rule,
    turn_model: Rule,
    reply: Rule,
    voice: Rule,
}

/// A user who asks for a story, and a reply of one clause, all of it at once.
impl Default for Fakes {
    fn default() -> Self {
        let rule: Rule = Arc::new(|job| {
            for message in answers(&job.work) {
                (job.reply)(message);
            }
        });
        let [recogniser, end_of_turn, turn_model, reply, voice] =
            std::array::from_fn(|_| Arc::clone(&rule));
        Self { recogniser, end_of_turn, turn_model, reply, voice }
    }
}

/// What the default models answer.
fn answers(work: &Work) -> Vec<SessionMessage> {
    let event = match work.clone() {
        Work::Recognise { segment, to, .. } => {
            let text = "Tell me a story.".to_owned();
            Event::Recognised { segment, to, text, confidence: Permille(900) }
        }
        Work::DetectEndOfTurn { to, .. } => Event::EndOfTurn { to, probability: Permille(950) },
        Work::Decide { slice, .. } => Event::Decided { slice, idle: Permille(20) },
        Work::Write { turn, .. } => {
            Event::Written { turn, text: "Once upon a time.".to_owned(), last: true }
        }
        Work::Synthesise { turn, clause, .. } => return vec![audio(turn, clause)],
        Work::PrefillTurnModel(_) | Work::Prefill(_) => return Vec::new(),
    };
    vec![SessionMessage::Event(event)]
}

impl Fakes {
    /// Threads that work by these rules.
    fn start(self) -> Workers {
        Workers {
            recogniser: worker("recogniser", self.recogniser),
            end_of_turn: worker("end-of-turn", self.end_of_turn),
            turn_model: Some(worker("duplex-model", self.turn_model)),
            reply: worker("engine", self.reply),
            voice: worker("voice", self.voice),
            calls: AtomicU64::new(0),
        }
    }
}

fn worker(name: &'static str, rule: Rule) -> Worker {
    // Nobody asks when a rule is ready.
    let (ready, _) = sync_channel(1);
    let run = move |queue: &JobQueue, _: &_| {
        serve(queue, &mut |job: &Job| rule(job));
        Ok(())
    };
    Worker::start(name, ready, run).unwrap()
}

/// A job, and where its answers arrive. The receiver ends once the job is gone.
fn job(call: u64, work: Work) -> (Job, Receiver<SessionMessage>) {
    let (reply, answers) = channel();
    let reply = Box::new(move |message| _ = reply.send(message));
    (Job { call: CallKey(call), work, cancellation: Cancellation::default(), reply }, answers)
}

fn write(turn: u32) -> Work {
    Work::Write { turn: Turn(turn), context: duplex_core::Context::default() }
}

fn synthesise(turn: u32) -> Work {
    Work::Synthesise { turn: Turn(turn), clause: 0, text: "Once upon a time.".to_owned() }
}

/// Work of every kind.
fn all_kinds() -> [Work; 7] {
    let to = SessionTime(SAMPLE_RATE.into());
    [
        Work::Recognise { segment: duplex_core::SegmentId(0), to, audio: Vec::new() },
        Work::DetectEndOfTurn { to, audio: Vec::new() },
        Work::Decide { slice: duplex_core::DecisionId(0), context: TurnContext::default() },
        Work::PrefillTurnModel(TurnContext::default()),
        Work::Prefill(duplex_core::Context::default()),
        write(1),
        synthesise(1),
    ]
}
