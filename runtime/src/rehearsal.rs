//! A call that does not wait for the clock: every model job is charged a fixed latency.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    sync::mpsc::channel,
};

use duplex_audio::MICROPHONE_FRAME;
use duplex_core::{Event, Samples, SessionTime};

use crate::{
    Acoustics, CallError, CallOptions, Engine, Outcome, Scene, Seen, Stop,
    call::{Device, outcome},
    conductor::{Conductor, QUEUE},
    job::{Job, Message, Work},
};

/// What each job of a rehearsal costs, in session time. The defaults are about what two cores take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charges {
    /// A window of the recogniser.
    pub recognise: Samples,
    /// An end-of-turn score.
    pub judge: Samples,
    /// A decision of the duplex model.
    pub decide: Samples,
    /// Reading ahead.
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
            judge: Samples::from_millis(80),
            decide: Samples::from_millis(60),
            prefill: Samples::from_millis(30),
            write: Samples::from_millis(150),
            first_audio: Samples::from_millis(120),
            more_audio: Samples::from_millis(80),
        }
    }
}

/// Which model a job keeps busy: each does one job after another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Station {
    Ear,
    End,
    Floor,
    Mind,
    Voice,
}

/// Messages that are due at a moment, in the order in which they were made.
#[derive(Default)]
struct Agenda {
    due: BTreeMap<(SessionTime, u64), Message>,
    made: u64,
    busy: BTreeMap<Station, SessionTime>,
    now: SessionTime,
}

impl Agenda {
    fn add(&mut self, work: &Work, charges: &Charges, messages: VecDeque<Message>) {
        let (station, cost) = match work {
            Work::Recognise { .. } => (Station::Ear, charges.recognise),
            Work::JudgeEnd { .. } => (Station::End, charges.judge),
            Work::Decide { .. } => (Station::Floor, charges.decide),
            Work::Listen(_) => (Station::Floor, charges.prefill),
            Work::Prefill(_) => (Station::Mind, charges.prefill),
            Work::Write { .. } => (Station::Mind, charges.write),
            Work::Synthesise { .. } => (Station::Voice, charges.first_audio),
        };
        let free = self.busy.get(&station).copied().unwrap_or_default();
        let mut at = free.max(self.now) + cost;
        for (index, message) in messages.into_iter().enumerate() {
            if index > 0 {
                at = at + charges.more_audio;
            }
            self.made += 1;
            self.due.insert((at, self.made), message);
        }
        self.busy.insert(station, at);
    }
}

/// Holds a call as fast as the models allow. The outcome depends on the sound, the models and the
/// charges alone, not on the machine's speed: it is for behaviour, never for latency figures.
///
/// # Errors
/// As for a live call.
pub fn rehearse(
    engine: &Engine,
    acoustics: Box<dyn Acoustics>,
    options: CallOptions,
    charges: &Charges,
    stop: &Stop,
    observer: Box<dyn FnMut(Seen<'_>) + Send>,
) -> Result<Outcome, CallError> {
    let (playout, speaker) = duplex_audio::playout(QUEUE);
    let mut device = Device::new(engine, acoustics, speaker, options.front_end);
    let mut conductor = Conductor::new(options, playout, observer)?;
    let key = engine.open();
    let agenda = RefCell::new(Agenda::default());
    let mut submit = |work: Work| {
        // Work counts as wanted while it is done: when it ends in session time, the session decides.
        let (reply, answers) = channel();
        let job = Job {
            call: key,
            work: work.clone(),
            stale: crate::job::Stale::default(),
            reply: Box::new(move |message| _ = reply.send(message)),
        };
        engine.submit(job).map_err(|job| job.work)?;
        agenda.borrow_mut().add(&work, charges, answers.into_iter().collect());
        Ok(())
    };
    let mut sounds = Vec::new();
    let mut heard = SessionTime(0);
    while !conductor.over {
        let scene = device.frame(&mut |message| sounds.push(message));
        heard = heard + Samples(MICROPHONE_FRAME as u64);
        for sound in sounds.drain(..) {
            let Message::Sound { end, .. } = &sound else { continue };
            let end = *end;
            loop {
                let next = agenda
                    .borrow_mut()
                    .due
                    .first_entry()
                    .and_then(|entry| (entry.key().0 < end).then(|| entry.remove_entry()));
                let Some(((at, _), message)) = next else { break };
                agenda.borrow_mut().now = at;
                conductor.handle(at, message, &mut submit);
            }
            agenda.borrow_mut().now = end;
            conductor.counters.frames += 1;
            conductor.handle(end, sound, &mut submit);
        }
        if scene == Scene::Over || stop.is_stopped() || conductor.error.is_some() {
            conductor.handle(heard, Message::Event(Event::Left), &mut submit);
        }
    }
    conductor.finish();
    engine.close(key);
    Ok(outcome(conductor, heard))
}
