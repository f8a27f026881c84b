//! What the session thread does with a message: it steps the session and carries out the actions.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use duplex_audio::{FRAME_MILLIS, PLAYOUT_RATE, Playout};
use duplex_core::{
    Action, Command, CommandId, DuplexSession, Event, Mark, Refusal, SAMPLE_RATE, Samples,
    SessionChange, SessionTime, Turn, VadFrame,
};

use crate::{
    CallError, CallOptions, Counters, Journal, SessionStep,
    engine::Models,
    job::{Cancellation, SessionMessage},
    jobs::{Material, Work, check},
};

/// Samples at the playout rate for one at the session rate.
const PLAYOUT_FACTOR: u64 = (PLAYOUT_RATE / SAMPLE_RATE) as u64;

/// How much of a turn's audio is in the playout queue at most: what a cancellation must flush. A device with longer
/// blocks needs more (`DeviceFormat::playout_ahead`).
const AHEAD_MILLIS: u64 = 100;

/// Capacity of the playout queue, in samples at the playout rate.
pub(crate) const QUEUE: usize = (PLAYOUT_RATE as u64 * AHEAD_MILLIS / 1000) as usize;

/// How much echo-cancelled audio is kept for the models: twice the longest window.
const HISTORY: Samples = Samples::from_millis(60_000);

/// Synthesised audio of a turn that is not in the playout queue yet.
#[derive(Default)]
struct Backlog {
    samples: VecDeque<f32>,
    /// Samples synthesised of the turn so far.
    made: u64,
    /// Whether the newest clause is synthesised to its end.
    complete: bool,
}

/// The turn that is played.
struct Playing {
    turn: Turn,
    /// Position of its first sample in the playout.
    start: u64,
    /// How much of it was last reported to the session as played.
    told: Samples,
}

/// One call's session, with its audio and its journal.
pub(crate) struct SessionDriver {
    session: DuplexSession,
    /// What its work is made of.
    material: Material,
    playout: Playout,
    backlogs: BTreeMap<Turn, Backlog>,
    playing: Option<Playing>,
    /// Whether the models are given what the microphone hears.
    microphone_open: bool,
    /// Commands that are sent at a moment of the call, the first one last.
    script: Vec<(SessionTime, CommandId, Command)>,
    duck_gain: f32,
    journal: Option<Journal>,
    pub(crate) cancellation: Cancellation,
    observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
    pub(crate) counters: Counters,
    pub(crate) over: bool,
    pub(crate) error: Option<CallError>,
}

impl SessionDriver {
    pub(crate) fn new(
        options: CallOptions,
        playout: Playout,
        observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
    ) -> Result<Self, CallError> {
        let create = |path: &Path| Journal::create(path, &options.policy);
        let journal = options.journal.as_deref().map(create).transpose()?;
        // Sorting keeps the order of those that are due at once.
        let mut script = options.script;
        script.sort_by_key(|&(at, _)| at);
        let ids = (1..).map(CommandId);
        let script: Vec<_> =
            script.into_iter().zip(ids).map(|((at, it), id)| (at, id, it)).collect();
        Ok(Self {
            session: DuplexSession::new(options.policy),
            material: Material::new(HISTORY.0 as usize),
            playout,
            backlogs: BTreeMap::new(),
            playing: None,
            microphone_open: true,
            script: script.into_iter().rev().collect(),
            duck_gain: 10f32.powf(options.duck_db / 20.0),
            journal,
            cancellation: Cancellation::default(),
            observer,
            counters: Counters::default(),
            over: false,
            error: None,
        })
    }

    /// The session, to read what was said.
    pub(crate) fn session(&self) -> &DuplexSession {
        &self.session
    }

    /// The user's sound so far.
    #[cfg(test)]
    pub(crate) fn history(&self) -> &duplex_audio::History {
        &self.material.history
    }

    /// Handles a message; `models` do the work that follows from it.
    pub(crate) fn handle(
        &mut self,
        at: SessionTime,
        message: SessionMessage,
        models: &mut dyn Models,
    ) {
        match message {
            SessionMessage::Sound { cleaned, frame, .. } => self.hear(at, cleaned, frame, models),
            SessionMessage::Event(Event::Command { id, command }) => {
                self.command(at, id, command, models);
            }
            SessionMessage::Event(event) => self.step(at, event, models),
            SessionMessage::Audio { turn, clause, samples, marks, last } => {
                if let Some(event) = self.queue(turn, clause, &samples, marks, last) {
                    self.step(at, event, models);
                }
            }
        }
        self.pump();
    }

    /// Takes in a window of the microphone.
    fn hear(
        &mut self,
        at: SessionTime,
        mut cleaned: Vec<f32>,
        mut frame: VadFrame,
        models: &mut dyn Models,
    ) {
        while let Some((_, id, command)) = self.script.pop_if(|(due, ..)| *due <= at) {
            self.command(at, id, command, models);
        }
        if !self.microphone_open {
            cleaned.fill(0.0);
            frame = VadFrame::SILENT;
        }
        self.counters.frames += 1;
        self.material.history.push(&cleaned);
        self.pump();
        if let Some(event) = self.progress() {
            self.step(at, event, models);
        }
        self.step(at, Event::VoiceActivity(frame), models);
    }

    /// Hands a command to the session, unless it asks for what the engine does not have.
    fn command(
        &mut self,
        at: SessionTime,
        id: CommandId,
        command: Command,
        models: &mut dyn Models,
    ) {
        let refused = match &command {
            Command::Configure(change) => models.changed(change).err(),
            _ => None,
        };
        let event = match refused {
            Some(why) => Event::Refused { id, why: Refusal::Setting(why.to_string()) },
            None => Event::Command { id, command },
        };
        self.step(at, event, models);
    }

    /// Changes the settings with which work is done.
    fn configure(&mut self, change: &SessionChange, models: &mut dyn Models) -> Vec<Work> {
        let mut work = Vec::new();
        match models.changed(change) {
            Ok(settings) => {
                if change.pronunciation.is_some() || change.voice.is_some() {
                    work.extend(Work::check_pronunciations(&settings));
                }
                models.set(settings);
            }
            // It was possible when the command came, and the engine has not changed since.
            Err(error) => tracing::error!("the session was not changed: {error}"),
        }
        // Whether the reply model has room for other instructions is known to it alone.
        work.extend(change.instructions.as_ref().map(|_| Work::Reply(check())));
        work
    }

    fn queue(
        &mut self,
        turn: Turn,
        clause: u32,
        samples: &[f32],
        marks: Vec<Mark>,
        last: bool,
    ) -> Option<Event> {
        if self.cancellation.is_cancelled(turn) {
            return None;
        }
        let backlog = self.backlogs.entry(turn).or_default();
        let before = backlog.made / PLAYOUT_FACTOR;
        backlog.made += samples.len() as u64;
        backlog.samples.extend(samples);
        backlog.complete = last;
        let audio = Samples(backlog.made / PLAYOUT_FACTOR - before);
        Some(Event::Synthesised { turn, clause, audio, marks, last })
    }

    /// Moves audio of the playing turn into the playout queue.
    fn pump(&mut self) {
        let Some(playing) = &self.playing else { return };
        let Some(backlog) = self.backlogs.get_mut(&playing.turn) else { return };
        while !backlog.samples.is_empty() {
            let (front, _) = backlog.samples.as_slices();
            let pushed = self.playout.push(front);
            backlog.samples.drain(..pushed);
            if pushed == 0 {
                break;
            }
        }
        if backlog.samples.is_empty() && backlog.complete {
            self.playout.finish();
        }
    }

    /// The progress of the playout since it was last reported.
    fn progress(&mut self) -> Option<Event> {
        let playing = self.playing.as_mut()?;
        let audio = Samples(self.playout.played().saturating_sub(playing.start) / PLAYOUT_FACTOR);
        if audio == playing.told {
            return None;
        }
        playing.told = audio;
        Some(Event::Played { turn: playing.turn, audio })
    }

    fn step(&mut self, at: SessionTime, event: Event, models: &mut dyn Models) {
        self.counters.decided += u64::from(matches!(event, Event::Decided { .. }));
        if let Event::FellBack { turn, .. } = &event {
            self.material.fell_back = Some(*turn);
        }
        let actions = self.session.step(at, event.clone());
        self.over |= self.session.is_over();
        let asked = actions.iter().filter(|action| matches!(action, Action::Decide { .. }));
        self.counters.decisions += asked.count() as u64;
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.push(at, &event, &actions)
        {
            self.journal = None;
            self.error.get_or_insert(error.into());
        }
        (self.observer)(SessionStep { at, event: &event, actions: &actions });
        let mut failures = Vec::new();
        for action in actions {
            for work in self.act(action, models) {
                if let Err(work) = models.submit(work) {
                    self.counters.refused += 1;
                    failures.extend(work.failure());
                }
            }
        }
        for failure in failures {
            self.step(at, Event::Failed(failure), models);
        }
    }

    /// Carries out an action; returns the work that models must do for it.
    fn act(&mut self, action: Action, models: &mut dyn Models) -> Vec<Work> {
        let action = match Work::of(action, &mut self.material) {
            Ok(work) => return vec![work],
            Err(action) => action,
        };
        match action {
            Action::Speak(turn) => {
                self.backlogs.retain(|&other, _| other >= turn);
                let start = self.playout.written();
                self.playing = Some(Playing { turn, start, told: Samples(0) });
            }
            Action::Duck => self.playout.set_gain(self.duck_gain),
            Action::Unduck => self.playout.set_gain(1.0),
            Action::Hold => self.playout.hold(),
            Action::Release => self.playout.release(),
            Action::Cancel(turn) => {
                self.playout.flush();
                self.playing = None;
                self.forget(turn);
            }
            Action::Drop(turn) => self.forget(turn),
            Action::Microphone { open } => self.microphone_open = open,
            Action::Configure(change) => return self.configure(&change, models),
            // Work was taken out before.
            _ => {}
        }
        Vec::new()
    }

    fn forget(&mut self, turn: Turn) {
        self.cancellation.cancel_through(turn);
        // Dropping the stream cancels its model's work at once.
        self.material.reply.take_if(|reply| reply.turn() <= turn);
        self.backlogs.retain(|&other, _| other > turn);
    }

    /// Ends the call: cancels all work, counts underruns, flushes the journal.
    pub(crate) fn finish(&mut self) {
        self.cancellation.cancel_all();
        self.material.reply = None;
        self.counters.underruns = self.playout.underruns();
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.flush()
        {
            self.error.get_or_insert(error.into());
        }
    }
}

const _: () = assert!(AHEAD_MILLIS > 4 * FRAME_MILLIS, "the queue is filled once a window");
