//! The session: events in, actions out.
//!
//! `step` passes each event through one gate, updates what it concerns, and then considers the whole situation anew.
//! `answer` decides while the assistant is silent, `overlap` while it speaks, and `decide` asks the duplex model.

mod answer;
mod decide;
mod overlap;

use decide::Decisions;

pub(crate) use decide::Decision;

use crate::{
    Action, Context, Event, Failure, Notice, Policy, SessionTime, Transcript, Turn, UserKind, Why,
    reply::{Need, Reply},
    user_tracker::{Pending, UserTracker, VoiceEdge},
};

/// How the playout reacts, so far, to a sound of the user's while the assistant speaks.
#[derive(Clone, Copy, Debug, Default)]
struct Reaction {
    ducked: bool,
    held: bool,
}

/// What the assistant is doing.
#[derive(Clone, Debug)]
enum AssistantState {
    Silent,
    /// A reply is being prepared; nothing of it is audible.
    Preparing(Reply),
    Speaking(Reply, Reaction),
}

/// A reply that was cut and resumes should the cut prove wrong.
#[derive(Clone, Debug)]
struct Interrupted {
    at: SessionTime,
    why: Why,
    answers: String,
    unheard: String,
    complete: bool,
}

/// One conversation as a pure state machine: [`step`](Self::step) takes an [`Event`] and gives the [`Action`]s that
/// follow from it. The crate's page shows the loop around it.
#[derive(Clone, Debug)]
pub struct DuplexSession {
    policy: Policy,
    tracker: UserTracker,
    assistant: AssistantState,
    transcript: Transcript,
    /// The newest turn.
    turn: Turn,
    interrupted: Option<Interrupted>,
    /// When the assistant last finished a reply.
    spoke_until: SessionTime,
    decisions: Decisions,
    /// The user's committed words in the newest prefill.
    prefilled: String,
    over: bool,
    now: SessionTime,
    actions: Vec<Action>,
}

impl DuplexSession {
    /// A session at the beginning of a call, at `SessionTime(0)`.
    pub fn new(policy: Policy) -> Self {
        Self {
            tracker: UserTracker::new(&policy),
            policy,
            assistant: AssistantState::Silent,
            transcript: Transcript::default(),
            turn: Turn(0),
            interrupted: None,
            spoke_until: SessionTime(0),
            decisions: Decisions::default(),
            prefilled: String::new(),
            over: false,
            now: SessionTime(0),
            actions: Vec::new(),
        }
    }

    /// The settled lines of the conversation so far.
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What is being said and is not in the transcript yet: the user's words, and what was heard of the assistant's.
    pub fn unsettled(&self) -> (String, String) {
        let user = self.tracker.pending.as_ref().map(Pending::text).unwrap_or_default();
        let assistant = match &self.assistant {
            AssistantState::Speaking(reply, _) => reply.utterance.heard(),
            AssistantState::Silent | AssistantState::Preparing(_) => String::new(),
        };
        (user, assistant)
    }

    /// Takes in what happened `at` a moment and gives the actions to carry out, in order.
    ///
    /// Time never runs back: an earlier moment counts as the latest one known. An event that belongs to a turn of the
    /// assistant's other than the live one is discarded here, whenever it arrives, and so is every event after
    /// [`Event::Left`].
    pub fn step(&mut self, at: SessionTime, event: Event) -> Vec<Action> {
        self.now = self.now.max(at);
        if self.over || event.turn().is_some_and(|turn| Some(turn) != self.live()) {
            return Vec::new();
        }
        match event {
            Event::VoiceActivity(frame) => {
                let edge = self.tracker.frame(self.now, frame, &self.policy, &mut self.actions);
                match edge {
                    VoiceEdge::Onset => self.notify(Notice::Onset),
                    VoiceEdge::Offset => self.notify(Notice::Offset),
                    VoiceEdge::Unchanged => {}
                }
            }
            Event::Recognised { segment, to, text, confidence } => {
                if self.tracker.recognised(segment, to, text, confidence) {
                    self.show_words();
                }
                self.tracker.recognise(false, &self.policy, &mut self.actions);
            }
            Event::EndOfTurn { to, probability } => {
                self.tracker.end_of_turn(to, probability);
                self.notify(Notice::EndOfTurn(probability));
            }
            Event::Decided { slice, idle } => self.decisions.decided(slice, idle),
            Event::Written { text, last, .. } => {
                if let Some(reply) = self.reply() {
                    reply.written(text, last);
                }
            }
            Event::Synthesised { clause, audio, marks, last, .. } => {
                if let Some(reply) = self.reply() {
                    reply.utterance.push_audio(clause, audio, &marks, last);
                    if last {
                        reply.synthesised();
                    }
                }
            }
            Event::Played { audio, .. } => {
                if let Some(reply) = self.reply() {
                    reply.utterance.played(audio);
                }
            }
            Event::Failed(failure) => self.failed(failure),
            Event::FellBack { why, .. } => {
                if let Some(reply) = self.reply() {
                    reply.fell_back();
                }
                self.notify(Notice::Warning(format!(
                    "another model goes on with the reply: {why}"
                )));
            }
            Event::Warned(what) => self.notify(Notice::Warning(what)),
            Event::Left => return self.left(),
        }
        self.consider();
        self.prefill();
        std::mem::take(&mut self.actions)
    }

    fn live(&self) -> Option<Turn> {
        match &self.assistant {
            AssistantState::Silent => None,
            AssistantState::Preparing(reply) | AssistantState::Speaking(reply, _) => {
                Some(reply.turn)
            }
        }
    }

    fn reply(&mut self) -> Option<&mut Reply> {
        match &mut self.assistant {
            AssistantState::Silent => None,
            AssistantState::Preparing(reply) | AssistantState::Speaking(reply, _) => Some(reply),
        }
    }

    fn notify(&mut self, notice: Notice) {
        self.actions.push(Action::Notify(notice));
    }

    fn show_words(&mut self) {
        if let Some(user) = &self.tracker.pending {
            let (committed, tentative) = user.agreement();
            self.notify(Notice::Words { committed, tentative });
        }
    }

    /// Considers the whole situation anew: each event may be the last piece of evidence.
    fn consider(&mut self) {
        self.ask();
        if matches!(self.assistant, AssistantState::Speaking(..)) {
            self.consider_overlap();
        }
        if !matches!(self.assistant, AssistantState::Speaking(..)) {
            self.consider_answer();
        }
        self.keep_lead();
        self.finish();
    }

    /// Keeps synthesised audio ready ahead of the playout, and no more than is likely to be heard.
    fn keep_lead(&mut self) {
        let lead = self.policy.lead;
        let Some(reply) = self.reply() else { return };
        let turn = reply.turn;
        match reply.need(lead) {
            None => {}
            Some(Need::Audio { clause, text }) => {
                self.actions.push(Action::Synthesise { turn, clause, text });
            }
            Some(Need::Words) => {
                let context = self.reply_context();
                self.actions.push(Action::Write { turn, context });
            }
            Some(Need::MoreWords) => self.actions.push(Action::WriteMore(turn)),
        }
    }

    /// What the reply under way answers, and what is written of it already.
    fn reply_context(&mut self) -> Context {
        let (answers, planned) = match &self.assistant {
            AssistantState::Silent => ("", String::new()),
            AssistantState::Preparing(reply) => (&*reply.answers, reply.utterance.planned()),
            AssistantState::Speaking(reply, _) => ("", reply.utterance.planned()),
        };
        self.transcript.context(answers, false, planned)
    }

    /// Ends a reply that was heard to its end, or that turned out empty.
    fn finish(&mut self) {
        let Some(reply) = self.reply() else { return };
        if !reply.is_over() {
            return;
        }
        let (turn, text) = (reply.turn, reply.utterance.planned());
        let reaction = match std::mem::replace(&mut self.assistant, AssistantState::Silent) {
            AssistantState::Speaking(_, reaction) => reaction,
            AssistantState::Preparing(_) | AssistantState::Silent => {
                // The language model has nothing to say: the user's words are a turn without an answer.
                self.settle(UserKind::Turn, None);
                Reaction::default()
            }
        };
        if reaction.held {
            self.actions.push(Action::Release);
        }
        if reaction.ducked {
            self.actions.push(Action::Unduck);
        }
        self.spoke_until = self.now;
        self.transcript.push_assistant(text.clone(), None);
        // The model's context may just have lost its oldest lines: prefill while nobody waits, up to where the user's
        // next words will follow.
        let context = self.transcript.context("", true, String::new());
        self.actions.push(Action::Prefill(context));
        self.prefill_turn_model("");
        self.notify(Notice::Finished { turn, text });
    }

    /// Settles the user's pending sound: a turn or a command goes to the transcript.
    fn settle(&mut self, kind: UserKind, why: Option<Why>) {
        let Some(user) = self.tracker.settle() else { return };
        self.prefilled.clear();
        let text = user.text();
        if matches!(kind, UserKind::Turn | UserKind::Stop) {
            // The cut was right: the user has said something.
            self.interrupted = None;
            if !text.is_empty() {
                self.transcript.push_user(&text);
            }
        }
        let (began, ended) = (user.began, user.voiced_until);
        self.notify(Notice::UserTurn { began, ended, text, kind, why });
    }

    /// Prefills the user's committed words, while no reply is being prepared or spoken.
    fn prefill(&mut self) {
        if !matches!(self.assistant, AssistantState::Silent) {
            return;
        }
        let Some(user) = &self.tracker.pending else { return };
        let (committed, _) = user.agreement();
        if !committed.is_empty() && committed != self.prefilled {
            let context = self.transcript.context(&committed, true, String::new());
            self.actions.push(Action::Prefill(context));
            self.prefill_turn_model(&committed);
            self.prefilled = committed;
        }
    }

    fn failed(&mut self, failure: Failure) {
        let retries = self.policy.retries;
        match failure {
            Failure::Recogniser(segment) => self.tracker.recogniser_failed(segment, &self.policy),
            Failure::Model(_) => {
                if let Some(reply) = self.reply() {
                    reply.failed(retries);
                }
            }
            Failure::Voice(_) => {
                // Its clause is never heard, and the ones after it make no sense without it.
                match &self.assistant {
                    AssistantState::Speaking(..) => self.cancel(Why::Failure),
                    AssistantState::Preparing(_) => {
                        self.settle(UserKind::Turn, None);
                        self.drop_prepared(Why::Failure);
                    }
                    AssistantState::Silent => {}
                }
            }
        }
        let what = match failure {
            Failure::Recogniser(_) => "the recogniser did not answer; it is asked again",
            Failure::Model(_) => "the language model did not go on with the reply",
            Failure::Voice(_) => "the voice could not speak; the reply is dropped",
        };
        self.notify(Notice::Warning(what.to_owned()));
    }

    fn left(&mut self) -> Vec<Action> {
        self.drop_prepared(Why::Left);
        self.cancel(Why::Left);
        self.settle(UserKind::Turn, Some(Why::Left));
        self.over = true;
        std::mem::take(&mut self.actions)
    }
}
