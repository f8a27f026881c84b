//! A call that does not wait for the clock: every model job is charged a fixed latency.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, mpsc::channel},
};

use duplex_audio::{Acoustics, MICROPHONE_FRAME, Scene};
use duplex_core::{Event, Samples, SessionChange, SessionTime};

use crate::{
    CallError, CallOptions, Engine, Outcome, SessionStep, Stop,
    call::outcome,
    engine::{Models, Seat},
    job::{Cancellation, SessionMessage},
    jobs::{ModelKind, Work},
    session_driver::SessionDriver,
    settings::{SessionError, Settings},
    sound::Frames,
};

/// Latency of each kind of job in a virtual call, in session time. The defaults are about those of two cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charges {
    /// A window of the recogniser.
    pub recognise: Samples,
    /// An end-of-turn score.
    pub detect_end_of_turn: Samples,
    /// A decision of the duplex model.
    pub decide: Samples,
    /// A prefill.
    pub prefill: Samples,
    /// A clause.
    pub write: Samples,
    /// The first audio of a clause.
    pub first_audio: Samples,
    /// Each further piece of its audio.
    pub more_audio: Samples,
}

impl Default for Charges {
    fn default() -> Self {
        Self {
            recognise: Samples::from_millis(250),
            detect_end_of_turn: Samples::from_millis(80),
            decide: Samples::from_millis(60),
            prefill: Samples::from_millis(30),
            write: Samples::from_millis(150),
            first_audio: Samples::from_millis(120),
            more_audio: Samples::from_millis(80),
        }
    }
}

/// Messages that are due at a moment, in the order in which they were made.
#[derive(Default)]
struct Agenda {
    due: BTreeMap<(SessionTime, u64), SessionMessage>,
    made: u64,
    busy: BTreeMap<ModelKind, SessionTime>,
    now: SessionTime,
}

impl Agenda {
    fn add(
        &mut self,
        model: ModelKind,
        cost: Samples,
        more: Samples,
        messages: VecDeque<SessionMessage>,
    ) {
        let free = self.busy.get(&model).copied().unwrap_or_default();
        let mut at = free.max(self.now) + cost;
        for (index, message) in messages.into_iter().enumerate() {
            if index > 0 {
                at = at + more;
            }
            self.made += 1;
            self.due.insert((at, self.made), message);
        }
        self.busy.insert(model, at);
    }
}

/// Models whose answers are due after a fixed latency.
struct Charged<'a> {
    seat: Seat<'a>,
    charges: &'a Charges,
    agenda: Agenda,
}

impl Models for Charged<'_> {
    fn submit(&mut self, work: Work) -> Result<(), Work> {
        let (model, charge) = (work.model(), work.charge(self.charges));
        // Never cancelled while it is done: whether its result still counts is decided when it arrives in session time.
        let (sender, answers) = channel();
        let answer = Arc::new(move |message| _ = sender.send(message));
        let refused =
            self.seat.submit(work, Cancellation::default(), answer).map_err(|mut work| {
                work.give_up();
                work
            });
        let messages: VecDeque<_> = answers.into_iter().collect();
        if refused.is_ok() || !messages.is_empty() {
            self.agenda.add(model, charge, self.charges.more_audio, messages);
        }
        refused
    }

    fn changed(&self, change: &SessionChange) -> Result<Settings, SessionError> {
        self.seat.changed(change)
    }

    fn set(&mut self, settings: Settings) {
        self.seat.set(settings);
    }
}

/// Runs a call as fast as the models allow. The outcome depends on the audio, the models and the charges, not on the
/// machine's speed: it is for behaviour, never for latency figures. Calls that run at the same time on one engine share
/// the language model's context, whose logits then differ in the last bits.
///
/// # Errors
/// As for a live call.
pub fn run_virtual(
    engine: &Engine,
    acoustics: Box<dyn Acoustics>,
    options: CallOptions,
    charges: &Charges,
    stop: &Stop,
    observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
) -> Result<Outcome, CallError> {
    let (mut frames, playout) = Frames::new(engine, acoustics, &options)?;
    let settings = engine.workers().settings(&options.session)?;
    let mut driver = SessionDriver::new(options, playout, observer)?;
    let seat = Seat::open(engine.workers(), settings);
    let mut models = Charged { seat, charges, agenda: Agenda::default() };
    models.seat.opening().into_iter().for_each(|work| _ = models.submit(work));
    let mut sounds = Vec::new();
    let mut heard = SessionTime(0);
    while !driver.over {
        let scene = frames.frame(&mut |end, window| sounds.push((end, window)));
        heard = heard + Samples(MICROPHONE_FRAME as u64);
        for (end, sound) in sounds.drain(..) {
            loop {
                let due = &mut models.agenda.due;
                let next = due
                    .first_entry()
                    .and_then(|entry| (entry.key().0 < end).then(|| entry.remove_entry()));
                let Some(((at, _), message)) = next else { break };
                models.agenda.now = at;
                driver.handle(at, message, &mut models);
            }
            models.agenda.now = end;
            driver.handle(end, sound, &mut models);
        }
        if scene == Scene::Over || stop.is_stopped() || driver.error.is_some() {
            driver.handle(heard, SessionMessage::Event(Event::Left), &mut models);
        }
    }
    driver.finish();
    drop(models);
    Ok(outcome(driver, heard))
}
