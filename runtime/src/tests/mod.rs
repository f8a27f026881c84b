//! What the threads around a session do, with models that answer by rule.

mod cancelled_turns;
mod commands;
mod contract;
mod devices;
mod fakes;
mod many_calls;
mod pronunciation;
mod queue;
mod remote;
mod replies;
mod reply_stream;
mod scene;
mod settings;
mod thoughts;
mod virtual_calls;
mod workers;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use duplex_audio::{ACTIVITY_WINDOW, PLAYOUT_RATE};
use duplex_core::{
    Action, Context, DecisionId, Event, Permille, SAMPLE_RATE, SegmentId, SessionTime, Turn,
    TurnContext, VadFrame,
};

use crate::{
    CallKey,
    engine::Workers,
    job::{Cancellation, Client, SessionMessage},
    jobs::{Material, Work},
    reply_stream::ReplyStream,
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

/// Whether a message says that work failed.
fn is_failure(message: &SessionMessage) -> bool {
    matches!(message, SessionMessage::Event(Event::Failed(_)))
}

/// Who asks, and where the answers arrive: the receiver ends once no more can come.
fn client(call: u64) -> (Client, Receiver<SessionMessage>) {
    let (sender, answers) = channel();
    let answer = Arc::new(move |message| _ = sender.send(message));
    let (settings, cancellation) = (Arc::default(), Cancellation::default());
    (Client { call: CallKey(call), settings, cancellation, answer }, answers)
}

/// What came of a piece of work.
struct Asked {
    answers: Receiver<SessionMessage>,
    /// Kept: dropping it cancels the reply.
    _reply: Option<ReplyStream>,
}

/// The work of an action. The reply that it begins must be kept, or it is cancelled.
fn work(action: Action) -> (Work, Option<ReplyStream>) {
    let mut material = Material::new(SAMPLE_RATE as usize);
    let work = Work::of(action, &mut material).unwrap();
    (work, material.reply)
}

/// Hands the work of an action to its model; gives it back where no model takes it.
fn ask(workers: &Workers, call: u64, action: Action) -> Result<Asked, Work> {
    let (work, reply) = work(action);
    let (client, answers) = client(call);
    workers.submit(work, client)?;
    Ok(Asked { answers, _reply: reply })
}

fn write(turn: u32) -> Action {
    Action::Write { turn: Turn(turn), context: Context::default() }
}

fn synthesise(turn: u32) -> Action {
    Action::Synthesise { turn: Turn(turn), clause: 0, text: "Once upon a time.".to_owned() }
}

/// Work of every kind, with whether the session is told that it failed, and how often it is answered.
fn all_kinds() -> [(Action, bool, usize); 7] {
    let (from, to) = (SessionTime(0), SessionTime(SAMPLE_RATE.into()));
    let context = TurnContext::default();
    [
        (Action::Recognise { segment: SegmentId(0), from, to, tail: true }, true, 1),
        (Action::DetectEndOfTurn { from, to }, false, 1),
        (Action::Decide { slice: DecisionId(0), context: context.clone() }, false, 1),
        (Action::PrefillTurnModel(context), false, 0),
        (Action::Prefill(Context::default()), false, 0),
        (write(1), true, 1),
        (synthesise(1), true, 1),
    ]
}
