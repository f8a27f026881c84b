//! An agent with known delays and known faults, in virtual time: what the harness is proved right
//! with.
//!
//! It hears without fail: a frame of the microphone is sound or it is not, and what it means is
//! [coded](code) in its tone. It does everything exactly when it is told to, to one frame. The room has
//! no noise, and at most an echo below -45 dB of full scale, which it does not hear.

pub mod code;

use duplex_audio::{FRAME_MILLIS, MICROPHONE_FRAME, PLAYOUT_FRAME};
use duplex_core::Speaker;
use duplex_runtime::{Acoustics, Scene, Stop};

use super::{Agent, AgentError, AgentReport, ReportedLine};
use code::{Meaning, Reply};

/// Something that an agent does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Falls silent for good at a cough.
    StopsForCoughs,
    /// Falls silent for good at a sign of attention.
    StopsForAttention,
    /// Takes a pause inside a sentence for its end.
    TalksOverPauses,
    /// Says nothing, ever.
    NeverAnswers,
    /// Does not stop for anything.
    NeverStops,
    /// Tells as said what it only meant to say.
    TellsTooMuch,
    /// Begins its reply anew after a sign of attention.
    StartsOver,
    /// Says something else after a command to be silent.
    SpeaksAfterStop,
    /// Speaks though nobody said anything.
    SpeaksUnasked,
    /// Answers what is said to somebody else.
    AnswersAsides,
    /// Falls silent for a while in the middle of its reply.
    InterruptsItself,
}

/// How the agent behaves.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// From the user's last sound to its first, in ms.
    pub answers_after_ms: u64,
    /// From the user's first sound to its last, in ms.
    pub stops_after_ms: u64,
    /// Whether it falls silent at a sign of attention, to go on 300 ms after it.
    pub pauses_for_attention: bool,
    /// How many words a reply has, of 300 ms each.
    pub words: usize,
    /// What it does wrong.
    pub faults: Vec<Fault>,
}

impl Default for Simulated {
    /// Answers after 700 ms, stops after 380 ms, and does nothing wrong.
    fn default() -> Self {
        Self {
            answers_after_ms: 700,
            stops_after_ms: 380,
            pauses_for_attention: false,
            words: 24,
            faults: Vec::new(),
        }
    }
}

/// How long after a sign of attention a held reply goes on, in ms.
const GOES_ON_AFTER: u64 = 300;
/// When it speaks unasked, in ms.
const UNASKED_AT: u64 = 400;
/// How long after a command to be silent it speaks again, in ms.
const AGAIN_AFTER: u64 = 1_200;
/// After so much of a reply it interrupts itself, in ms, and for so long.
const FALTERS_AT: u64 = 1_800;
const FALTERS_FOR: u64 = 900;

impl Simulated {
    /// The same, with a fault.
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

    fn call(&self, mut room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError> {
        let mut behaviour = Behaviour::new(self);
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

/// What is to be done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Answer,
    FallSilent,
    Hold,
    GoOn,
    StartOver,
}

/// A reply on its way, or what was heard of it.
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
    held: Option<Speech>,
    replies: usize,
    hearing: Option<Meaning>,
    said: Vec<ReportedLine>,
}

impl<'a> Behaviour<'a> {
    fn new(agent: &'a Simulated) -> Self {
        let unasked = agent.has(Fault::SpeaksUnasked).then_some((UNASKED_AT, Plan::Answer));
        Self {
            agent,
            now_ms: 0,
            plans: unasked.into_iter().collect(),
            speech: None,
            held: None,
            replies: 0,
            hearing: None,
            said: Vec::new(),
        }
    }

    /// The next frame; what is due is done first.
    fn speak(&mut self) -> [f32; PLAYOUT_FRAME] {
        let now = self.now_ms;
        while let Some(place) = self.plans.iter().position(|(at, _)| *at <= now) {
            let (_, plan) = self.plans.remove(place);
            self.act(plan);
        }
        let Some(speech) = &mut self.speech else { return [0.0; PLAYOUT_FRAME] };
        let frame = speech.reply.frame(speech.at);
        speech.at += PLAYOUT_FRAME;
        let spoken = (speech.at / PLAYOUT_FRAME) as u64 * FRAME_MILLIS;
        if speech.at >= speech.reply.length() {
            self.fall_silent();
        } else if speech.falters && spoken >= FALTERS_AT {
            speech.falters = false;
            self.held = self.speech.take();
            self.plans.push((now + FALTERS_FOR, Plan::GoOn));
        }
        frame
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
            Plan::Hold => self.held = self.speech.take(),
            Plan::GoOn => self.speech = self.held.take().or(self.speech.take()),
            Plan::StartOver => {
                self.speech = self.held.take().or(self.speech.take());
                if let Some(speech) = &mut self.speech {
                    speech.at = 0;
                }
            }
        }
    }

    /// Ends a reply, spoken or held, and tells it.
    fn fall_silent(&mut self) {
        let Some(speech) = self.speech.take().or(self.held.take()) else { return };
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
        let told = meaning != Meaning::Cough && meaning != Meaning::Attention;
        if told {
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
                // Not before it has fallen silent.
                let hold = self.plans.iter().find(|(_, plan)| *plan == Plan::Hold);
                let held = hold.map_or(at, |(at, _)| *at).max(at);
                self.plans.push((held + GOES_ON_AFTER, plan));
            }
            _ => {}
        }
    }

    fn pauses(&self) -> bool {
        self.agent.pauses_for_attention || self.agent.has(Fault::StartsOver)
    }

    fn is_busy(&self) -> bool {
        self.speech.is_some() || self.held.is_some()
    }

    fn transcript(mut self) -> Vec<ReportedLine> {
        self.fall_silent();
        self.said
    }
}
