//! A simulated agent with known delays and known faults, in virtual time. The tests of the harness
//! measure it.
//!
//! It recognises without errors: a frame of the microphone is either sound or silence, and its tone
//! [encodes](code) what it means. Its timing is exact to one frame. The room has no noise, and at
//! most an echo below -45 dB of full scale, which the agent does not detect.

pub mod code;

use duplex_audio::{Acoustics, FRAME_MILLIS, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene};
use duplex_core::{Command, SessionTime, Speaker};
use duplex_runtime::Stop;

use super::{Agent, AgentError, AgentReport, Directions, ReportedLine};
use code::{Meaning, Reply};

/// A fault of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Stops for good at a cough.
    StopsForCoughs,
    /// Stops for good at a backchannel.
    StopsForAttention,
    /// Takes a pause inside a sentence for its end.
    TalksOverPauses,
    /// Never says anything.
    NeverAnswers,
    /// Never stops.
    NeverStops,
    /// Reports as said what it only planned to say.
    TellsTooMuch,
    /// Starts its reply over after a backchannel.
    StartsOver,
    /// Says something else after a command to be silent.
    SpeaksAfterStop,
    /// Speaks although nobody said anything.
    SpeaksUnasked,
    /// Answers what is said to somebody else.
    AnswersAsides,
    /// Falls silent for a while in the middle of its reply.
    InterruptsItself,
}

/// The agent's behaviour.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Response latency: from the user's last sound to the agent's first, in ms.
    pub answers_after_ms: u64,
    /// Stop latency: from the user's first sound to the agent's last, in ms.
    pub stops_after_ms: u64,
    /// Whether it pauses at a backchannel, and resumes 300 ms after it.
    pub pauses_for_backchannels: bool,
    /// Words per reply, of 300 ms each.
    pub words: usize,
    /// Its faults.
    pub faults: Vec<Fault>,
}

impl Default for Simulated {
    /// Answers after 700 ms, stops after 380 ms, and has no fault.
    fn default() -> Self {
        Self {
            answers_after_ms: 700,
            stops_after_ms: 380,
            pauses_for_backchannels: false,
            words: 24,
            faults: Vec::new(),
        }
    }
}

/// How long after a backchannel a paused reply resumes, in ms.
const GOES_ON_AFTER: u64 = 300;
/// When it speaks unasked, in ms.
const UNASKED_AT: u64 = 400;
/// How long after a command to be silent it speaks again, in ms.
const AGAIN_AFTER: u64 = 1_200;
/// It interrupts itself after this much of a reply, and for this long, both in ms.
const FALTERS_AT: u64 = 1_800;
const FALTERS_FOR: u64 = 900;

impl Simulated {
    /// The same agent, with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

impl Agent for Simulated {
    fn name(&self) -> String {
        "simulated".to_owned()
    }

    fn call(&self, room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError> {
        self.directed(room, Directions::default(), stop)
    }

    fn directed(
        &self,
        mut room: Box<dyn Acoustics>,
        directions: Directions,
        stop: &Stop,
    ) -> Result<AgentReport, AgentError> {
        let mut behaviour = Behaviour::new(self, directions);
        let mut microphone = [0.0; MICROPHONE_FRAME];
        while !stop.is_stopped() {
            let playout = behaviour.speak();
            if room.exchange(&playout, &mut microphone) == Scene::Over {
                break;
            }
            behaviour.hear(Meaning::heard(&microphone));
        }
        Ok(AgentReport { transcript: behaviour.transcript(), ..AgentReport::default() })
    }
}

/// An action that is planned for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Answer,
    FallSilent,
    Hold,
    GoOn,
    StartOver,
}

/// A reply in progress, and how far it was played.
struct Speech {
    reply: Reply,
    at: usize,
    falters: bool,
}

struct Behaviour<'a> {
    agent: &'a Simulated,
    now_ms: u64,
    plans: Vec<(u64, Plan)>,
    speech: Option<Speech>,
    paused: Option<Speech>,
    replies: usize,
    /// What it is told to say, and when, in ms.
    announcements: Vec<(u64, String)>,
    hearing: Option<Meaning>,
    said: Vec<ReportedLine>,
}

impl<'a> Behaviour<'a> {
    fn new(agent: &'a Simulated, directions: Directions) -> Self {
        let unasked = agent.has(Fault::SpeaksUnasked).then_some((UNASKED_AT, Plan::Answer));
        let announcement = |(at, command)| match command {
            Command::Say { text, .. } => Some((SessionTime::as_millis(at), text)),
            _ => None,
        };
        Self {
            agent,
            announcements: directions.commands.into_iter().filter_map(announcement).collect(),
            now_ms: 0,
            plans: unasked.into_iter().collect(),
            speech: None,
            paused: None,
            replies: 0,
            hearing: None,
            said: Vec::new(),
        }
    }

    /// Makes the next frame, after the actions that are due.
    fn speak(&mut self) -> [f32; PLAYOUT_FRAME] {
        let now = self.now_ms;
        while let Some(place) = self.plans.iter().position(|(at, _)| *at <= now) {
            let (_, plan) = self.plans.remove(place);
            self.act(plan);
        }
        self.announce();
        let Some(speech) = &mut self.speech else { return [0.0; PLAYOUT_FRAME] };
        let frame = speech.reply.frame(speech.at);
        speech.at += PLAYOUT_FRAME;
        let spoken = (speech.at / PLAYOUT_FRAME) as u64 * FRAME_MILLIS;
        if speech.at >= speech.reply.length() {
            self.fall_silent();
        } else if speech.falters && spoken >= FALTERS_AT {
            speech.falters = false;
            self.paused = self.speech.take();
            self.plans.push((now + FALTERS_FOR, Plan::GoOn));
        }
        frame
    }

    /// Begins what it was told to say, once it says nothing else and the user is silent.
    fn announce(&mut self) {
        if self.is_busy() || self.hearing.is_some() {
            return;
        }
        let now = self.now_ms;
        let Some(place) = self.announcements.iter().position(|(at, _)| *at <= now) else { return };
        let (_, text) = self.announcements.remove(place);
        self.speech = Some(Speech { reply: Reply::saying(&text), at: 0, falters: false });
    }

    fn act(&mut self, plan: Plan) {
        match plan {
            Plan::Answer if self.agent.has(Fault::NeverAnswers) => {}
            Plan::Answer => {
                self.fall_silent();
                let reply = Reply::new(self.replies, self.agent.words);
                let falters = self.agent.has(Fault::InterruptsItself);
                self.speech = Some(Speech { reply, at: 0, falters });
                self.replies += 1;
            }
            Plan::FallSilent => self.fall_silent(),
            Plan::Hold => self.paused = self.speech.take(),
            Plan::GoOn => self.speech = self.paused.take().or(self.speech.take()),
            Plan::StartOver => {
                self.speech = self.paused.take().or(self.speech.take());
                if let Some(speech) = &mut self.speech {
                    speech.at = 0;
                }
            }
        }
    }

    /// Ends the reply, whether spoken or paused, and reports it.
    fn fall_silent(&mut self) {
        let Some(speech) = self.speech.take().or(self.paused.take()) else { return };
        let heard =
            if self.agent.has(Fault::TellsTooMuch) { speech.reply.length() } else { speech.at };
        let text = speech.reply.text(heard);
        self.said.push(ReportedLine { speaker: Speaker::Assistant, text });
    }

    fn hear(&mut self, heard: Option<Meaning>) {
        let began = self.now_ms;
        self.now_ms += FRAME_MILLIS;
        if heard == self.hearing {
            return;
        }
        if let Some(ended) = self.hearing {
            self.offset(ended, began);
        }
        if let Some(meaning) = heard {
            self.onset(meaning, began);
        }
        self.hearing = heard;
    }

    fn onset(&mut self, meaning: Meaning, at: u64) {
        let falls_silent = (at + self.agent.stops_after_ms).max(self.now_ms);
        match meaning {
            Meaning::Question | Meaning::Unfinished | Meaning::Interruption | Meaning::Stop => {
                self.plans.retain(|(_, plan)| *plan != Plan::Answer);
                if self.is_busy() && !self.agent.has(Fault::NeverStops) {
                    self.plans.push((falls_silent, Plan::FallSilent));
                }
            }
            Meaning::Attention if self.is_busy() && self.agent.has(Fault::StopsForAttention) => {
                self.plans.push((falls_silent, Plan::FallSilent));
            }
            Meaning::Attention if self.is_busy() && self.pauses() => {
                self.plans.push((falls_silent, Plan::Hold));
            }
            Meaning::Cough if self.is_busy() && self.agent.has(Fault::StopsForCoughs) => {
                self.plans.push((falls_silent, Plan::FallSilent));
            }
            Meaning::Attention | Meaning::Cough | Meaning::Aside => {}
        }
    }

    fn offset(&mut self, meaning: Meaning, at: u64) {
        let answer = (at + self.agent.answers_after_ms, Plan::Answer);
        let is_reported = meaning != Meaning::Cough && meaning != Meaning::Attention;
        if is_reported {
            let text = meaning.word().to_owned();
            self.said.push(ReportedLine { speaker: Speaker::User, text });
        }
        match meaning {
            Meaning::Question => self.plans.push(answer),
            Meaning::Interruption if !self.agent.has(Fault::NeverStops) => self.plans.push(answer),
            Meaning::Unfinished if self.agent.has(Fault::TalksOverPauses) => {
                self.plans.push(answer)
            }
            Meaning::Aside if self.agent.has(Fault::AnswersAsides) => self.plans.push(answer),
            Meaning::Stop if self.agent.has(Fault::SpeaksAfterStop) => {
                self.plans.push((at + AGAIN_AFTER, Plan::Answer));
            }
            Meaning::Attention if self.is_busy() && self.pauses() => {
                let over = self.agent.has(Fault::StartsOver);
                let plan = if over { Plan::StartOver } else { Plan::GoOn };
                // Not before it has paused.
                let hold = self.plans.iter().find(|(_, plan)| *plan == Plan::Hold);
                let paused = hold.map_or(at, |(at, _)| *at).max(at);
                self.plans.push((paused + GOES_ON_AFTER, plan));
            }
            _ => {}
        }
    }

    fn pauses(&self) -> bool {
        self.agent.pauses_for_backchannels || self.agent.has(Fault::StartsOver)
    }

    fn is_busy(&self) -> bool {
        self.speech.is_some() || self.paused.is_some()
    }

    fn transcript(mut self) -> Vec<ReportedLine> {
        self.fall_silent();
        self.said
    }
}
