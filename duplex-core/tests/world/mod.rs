//! A simulated outside: a scripted user, a recogniser, an end-of-turn model, a duplex model, a language model, a
//! synthesiser and a loudspeaker. Each model has a fixed latency, on a clock that moves only to the next event.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod random;

use std::{collections::BTreeMap, fmt::Write};

use duplex_core::{
    Action, Command, CommandId, ConversationEvent, Costs, DuplexSession, Event, FEATURES, Feature,
    Line, Linear, LinesEdit, Mark, Permille, Policy, Samples, SessionChange, SessionTime, Turn,
    TurnContext, VadFrame, Weights,
};

pub(crate) const FRAME: u64 = 512;

pub(crate) fn ms(millis: u64) -> SessionTime {
    SessionTime(0) + Samples::from_millis(millis)
}

/// A policy whose weights are plain and stay as they are, so that what a test says of the session's logic does not
/// depend on what the shipped weights are fitted to.
pub(crate) fn policy() -> Policy {
    // What these weights were written for.
    let costs = Costs { ignored: 100, gap: 10, ..Costs::default() };
    Policy { weights: plain_weights(), costs, ..Policy::default() }
}

fn linear(bias: i32, weights: &[(Feature, i32)]) -> Linear {
    let mut linear = Linear { bias, weights: [0; FEATURES] };
    for &(feature, weight) in weights {
        linear.weights[feature as usize] = weight;
    }
    linear
}

fn plain_weights() -> Weights {
    use Feature as F;
    let over = linear(
        0,
        &[
            (F::EndOfTurn, 5_000),
            (F::Silence, 3_200),
            (F::Dangling, -4_000),
            (F::SmallWord, -4_000),
            (F::Awaiting, -4_000),
            (F::TrailsOff, -4_000),
            (F::FewDigits, -3_500),
            (F::ModelYields, 4_000),
            (F::EndOfWords, 6_000),
            (F::Asks, 600),
            (F::QuestionMark, 600),
        ],
    );
    let turn =
        [(F::Asks, 1_500), (F::QuestionMark, 1_000), (F::GoOn, 3_500), (F::ModelYields, 6_000)];
    let answer = [(F::WasAsked, 4_000), (F::WasInvited, 4_000), (F::ModelYields, 6_000)];
    let backchannel = [
        (F::Backchannel, 7_000),
        (F::NearBackchannel, 7_000),
        (F::Overlaps, 4_000),
        (F::WasAsked, -4_000),
    ];
    let command = [(F::Command, 9_000), (F::NearCommand, 9_000), (F::Farewell, 9_000)];
    let others =
        [(F::CallsPerson, 10_000), (F::EndsInName, 10_000), (F::Denies, 9_000), (F::Praise, 9_000)];
    Weights {
        over,
        sound: [
            linear(1_000, &turn),
            linear(-3_000, &answer),
            linear(-5_000, &backchannel),
            linear(-5_000, &command),
            linear(-3_500, &others),
            linear(-6_000, &[(F::Far, 20_000)]),
            linear(-4_000, &[(F::NoWords, 9_000), (F::TooFast, 14_000)]),
        ],
    }
}

/// What the user says, and when.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) words: &'static str,
    /// The acoustic end-of-turn score behind it, in thousandths.
    pub(crate) end: u16,
}

/// Speech at the rate of ordinary conversation: 15 characters a second.
pub(crate) const SAMPLES_PER_BYTE: u64 = 16_000 / 15;

#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    pub(crate) recogniser: u64,
    pub(crate) end_of_turn: u64,
    pub(crate) decision: u64,
    pub(crate) model: u64,
    pub(crate) voice: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { recogniser: 250, end_of_turn: 80, decision: 60, model: 120, voice: 100 }
    }
}

pub(crate) struct World {
    pub(crate) session: DuplexSession,
    pub(crate) latencies: Latencies,
    user: Vec<Says>,
    /// Another voice: from when to when it talks, in ms, and its level in dBFS.
    pub(crate) behind: Option<(u64, u64, i8)>,
    /// High-band signal-to-noise ratio of the user's voice, in dB.
    pub(crate) high_band_snr: i8,
    /// The reply model's probability that the user's words are whole, in thousandths; it may say nothing.
    pub(crate) end_of_words: fn(&str) -> Option<u16>,
    /// The duplex model's probability of staying silent, in thousandths.
    pub(crate) idle: fn(&TurnContext) -> u16,
    pub(crate) decided: Vec<TurnContext>,
    pub(crate) prefilled: Vec<TurnContext>,
    replies: BTreeMap<&'static str, Vec<&'static str>>,
    /// What the reply model and the duplex model were given of the conversation.
    lines: Vec<Line>,
    turn_lines: Vec<Line>,
    /// What is left of the reply that is being written.
    rest: Vec<&'static str>,
    agenda: BTreeMap<(SessionTime, usize), Event>,
    scheduled: usize,
    /// The turn that the loudspeaker plays.
    playing: Option<Turn>,
    /// Samples synthesised of each turn.
    queued: BTreeMap<Turn, u64>,
    /// Samples played of the turn that plays.
    played: u64,
    pub(crate) held: bool,
    pub(crate) gain_low: bool,
    /// `(time, turn)` of every frame in which the assistant was audible.
    pub(crate) audible: Vec<(SessionTime, Turn)>,
    pub(crate) cancelled: BTreeMap<Turn, SessionTime>,
    pub(crate) resumed: Vec<Turn>,
    last_cancelled: Option<Turn>,
    /// What was shown of the conversation, and when.
    pub(crate) shown: Vec<(SessionTime, ConversationEvent)>,
    pub(crate) microphone_open: bool,
    pub(crate) configured: Vec<SessionChange>,
    commands: u32,
    /// Of each cut turn: what was heard, what was not, and how much audio of it had played.
    pub(crate) cuts: Vec<(String, String, u64)>,
    /// Of each recognition job: when it was requested, and its audio from and to.
    pub(crate) recognitions: Vec<(SessionTime, SessionTime, SessionTime)>,
    pub(crate) outstanding: usize,
    pub(crate) most_outstanding: usize,
    pub(crate) log: Vec<(SessionTime, Event)>,
    pub(crate) actions: Vec<Action>,
    pub(crate) trace: String,
    now: SessionTime,
}

impl World {
    pub(crate) fn new(user: &[Says]) -> Self {
        Self::with_policy(user, policy())
    }

    pub(crate) fn with_policy(user: &[Says], policy: Policy) -> Self {
        Self {
            session: DuplexSession::new(policy),
            latencies: Latencies::default(),
            user: user.to_vec(),
            behind: None,
            high_band_snr: 20,
            end_of_words: |_| None,
            idle: |_| 500,
            decided: Vec::new(),
            prefilled: Vec::new(),
            replies: BTreeMap::new(),
            lines: Vec::new(),
            turn_lines: Vec::new(),
            rest: Vec::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            playing: None,
            queued: BTreeMap::new(),
            played: 0,
            held: false,
            gain_low: false,
            audible: Vec::new(),
            cancelled: BTreeMap::new(),
            resumed: Vec::new(),
            last_cancelled: None,
            shown: Vec::new(),
            microphone_open: true,
            configured: Vec::new(),
            commands: 0,
            cuts: Vec::new(),
            recognitions: Vec::new(),
            outstanding: 0,
            most_outstanding: 0,
            log: Vec::new(),
            actions: Vec::new(),
            trace: String::new(),
            now: SessionTime(0),
        }
    }

    /// Answers a last user line that contains `to` with these clauses.
    pub(crate) fn reply(mut self, to: &'static str, with: &[&'static str]) -> Self {
        self.replies.insert(to, with.to_vec());
        self
    }

    /// A program sends a command so many milliseconds after the call began.
    pub(crate) fn command(mut self, at: u64, command: Command) -> Self {
        self.commands += 1;
        self.scheduled += 1;
        let id = CommandId(self.commands);
        self.agenda.insert((ms(at), self.scheduled), Event::Command { id, command });
        self
    }

    fn later(&mut self, millis: u64, event: Event) {
        self.scheduled += 1;
        self.agenda.insert((self.now + Samples::from_millis(millis), self.scheduled), event);
    }

    fn speaks(&self, at: SessionTime) -> bool {
        self.user.iter().any(|says| ms(says.from) < at && at <= ms(says.to))
    }

    /// What the reply model was given of the conversation.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Runs the call until so many milliseconds have passed.
    pub(crate) fn run(&mut self, millis: u64) -> &mut Self {
        let end = ms(millis);
        while self.now < end {
            let frame_end = SessionTime((self.now.0 / FRAME + 1) * FRAME);
            while let Some((&(at, _), _)) = self.agenda.first_key_value()
                && at < frame_end
            {
                let (_, event) = self.agenda.pop_first().expect("just seen");
                self.now = at;
                self.step(event);
            }
            self.now = frame_end;
            self.play();
            let speaks = self.speaks(self.now);
            let behind =
                self.behind.filter(|&(from, to, _)| ms(from) < self.now && self.now <= ms(to));
            let level = if speaks { -20 } else { behind.map_or(-60, |(_, _, level)| level) };
            let speech = speaks || behind.is_some();
            let high_band_snr = if speech { self.high_band_snr } else { 0 };
            let probability = Permille(if speech { 950 } else { 20 });
            self.step(Event::VoiceActivity(VadFrame { speech, probability, level, high_band_snr }));
        }
        self
    }

    fn play(&mut self) {
        let Some(turn) = self.playing else { return };
        let queued = self.queued.get(&turn).copied().unwrap_or(0);
        if self.held || self.played >= queued {
            return;
        }
        self.played = (self.played + FRAME).min(queued);
        self.audible.push((self.now, turn));
        self.step(Event::Played { turn, audio: Samples(self.played) });
    }

    pub(crate) fn step(&mut self, event: Event) {
        if matches!(event, Event::Recognised { .. }) {
            self.outstanding -= 1;
        }
        if let Event::Synthesised { turn, audio, .. } = &event {
            *self.queued.entry(*turn).or_default() += audio.0;
        }
        self.log.push((self.now, event.clone()));
        for action in self.session.step(self.now, event) {
            self.actions.push(action.clone());
            self.act(action);
        }
    }

    fn note(&mut self, what: &str) {
        writeln!(self.trace, "{:5} {what}", self.now.as_millis()).expect("a string");
    }

    /// The words spoken between two moments; a word counts once it is complete.
    fn words(&self, from: SessionTime, to: SessionTime) -> String {
        let mut words = Vec::new();
        for says in &self.user {
            let all: Vec<_> = says.words.split(' ').filter(|word| !word.is_empty()).collect();
            let each = (says.to - says.from) / all.len().max(1) as u64;
            for (index, word) in all.iter().enumerate() {
                let ended = ms(says.from + each * (index as u64 + 1) - each / 4);
                if from < ended && ended <= to {
                    words.push(*word);
                }
            }
        }
        words.join(" ")
    }

    /// A context with all its lines, as a model has them that was told of every change.
    fn read(&mut self, mut context: TurnContext) -> TurnContext {
        context.lines.apply(&mut self.turn_lines);
        context.lines = LinesEdit { kept: 0, new: self.turn_lines.clone() };
        context
    }

    /// The next clause of the reply that was begun.
    fn write(&mut self, turn: Turn) {
        let clause = (!self.rest.is_empty()).then(|| self.rest.remove(0));
        let (text, last) = (clause.unwrap_or_default().to_owned(), self.rest.is_empty());
        self.later(self.latencies.model, Event::Written { turn, text, last });
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Recognise { segment, from, to, .. } => {
                self.outstanding += 1;
                self.most_outstanding = self.most_outstanding.max(self.outstanding);
                self.recognitions.push((self.now, from, to));
                let text = self.words(from, to);
                let event = Event::Recognised { segment, to, text, confidence: Permille(800) };
                self.later(self.latencies.recogniser, event);
            }
            Action::DetectEndOfTurn { to, .. } => {
                let said = self.user.iter().rfind(|says| ms(says.from) < to);
                let probability = Permille(said.map_or(0, |says| says.end));
                self.later(self.latencies.end_of_turn, Event::EndOfTurn { to, probability });
            }
            Action::Decide { slice, context } => {
                let context = self.read(context);
                let idle = Permille((self.idle)(&context));
                self.decided.push(context);
                self.later(self.latencies.decision, Event::Decided { slice, idle });
            }
            Action::PrefillTurnModel(context) => {
                let context = self.read(context);
                self.prefilled.push(context);
            }
            Action::Prefill(context) => context.lines.apply(&mut self.lines),
            Action::Write { turn, context } => {
                context.lines.apply(&mut self.lines);
                let asked = self.lines.last().map(|line| line.text.clone()).unwrap_or_default();
                let mut clauses = self
                    .replies
                    .iter()
                    .find(|(to, _)| asked.contains(**to))
                    .map(|(_, clauses)| clauses.clone())
                    .unwrap_or_else(|| vec!["I see."]);
                let mut said = context.reply.as_str();
                let mut next = 0;
                while next < clauses.len()
                    && let Some(rest) = said.strip_prefix(clauses[next])
                {
                    said = rest;
                    next += 1;
                }
                if let Some(probability) = (self.end_of_words)(&asked) {
                    let event = Event::EndOfWords { turn, probability: Permille(probability) };
                    self.later(self.latencies.model / 2, event);
                }
                self.rest = clauses.split_off(next.min(clauses.len()));
                self.write(turn);
            }
            Action::WriteMore(turn) => self.write(turn),
            Action::Synthesise { turn, clause, text } => {
                let audio = text.len() as u64 * SAMPLES_PER_BYTE;
                let mut marks = Vec::new();
                for (index, _) in text.match_indices(' ').filter(|(index, _)| *index > 0) {
                    let at = Samples(index as u64 * SAMPLES_PER_BYTE);
                    marks.push(Mark { at, bytes: index + 1 });
                }
                let event =
                    Event::Synthesised { turn, clause, audio: Samples(audio), marks, last: true };
                self.later(self.latencies.voice, event);
            }
            Action::Speak(turn) => {
                self.note(&format!("speak {}", turn.0));
                self.playing = Some(turn);
                self.played = 0;
            }
            Action::Duck => {
                self.gain_low = true;
                self.note("duck");
            }
            Action::Unduck => {
                self.gain_low = false;
                self.note("unduck");
            }
            Action::Hold => {
                self.held = true;
                self.note("hold");
            }
            Action::Release => {
                self.held = false;
                self.note("release");
            }
            Action::Cancel(turn) => {
                self.playing = None;
                self.held = false;
                self.gain_low = false;
                self.last_cancelled = Some(turn);
                self.cancelled.insert(turn, self.now);
                self.note(&format!("cancel {}", turn.0));
            }
            Action::Drop(turn) => self.note(&format!("drop {}", turn.0)),
            Action::Microphone { open } => self.microphone_open = open,
            Action::Configure(change) => self.configured.push(*change),
            Action::Notify(event) => self.see(event),
        }
    }

    fn see(&mut self, event: ConversationEvent) {
        use ConversationEvent as E;
        match &event {
            E::UserTurn { text, kind, typed, .. } => {
                let typed = if *typed { " typed" } else { "" };
                self.note(&format!("{kind:?} {text:?}{typed}"));
            }
            E::ReplyEnded { heard, cut: None, .. } => self.note(&format!("finished {heard:?}")),
            E::ReplyResumed { .. } if self.played == 0 => self.resumed.extend(self.playing),
            E::ReplyCancelled { heard, unheard, why, .. } => {
                // A resumed turn has audio of the rest only.
                if self
                    .playing
                    .or(self.last_cancelled)
                    .is_some_and(|it| !self.resumed.contains(&it))
                {
                    self.cuts.push((heard.clone(), unheard.clone(), self.played));
                }
                self.note(&format!("cut by {why:?} after {heard:?}"));
            }
            E::ReplyPreparing { answers, .. } => self.note(&format!("prepare {answers:?}")),
            E::Refused { text, .. } => self.note(&format!("refused: {text}")),
            E::UserIdle { times, .. } => self.note(&format!("idle {times}")),
            E::Warning { text, .. } => self.note(&format!("warning: {text}")),
            E::CallEnded => self.note("the call ended"),
            _ => {}
        }
        self.shown.push((self.now, event));
    }
}
