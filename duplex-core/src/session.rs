//! The session: events in, actions out.
//!
//! `step` passes each event through one gate, updates what it concerns, and then considers the whole situation anew.
//! `answer` decides while the assistant is silent, `overlap` while it speaks, and `decide` asks the duplex model. `obey`
//! carries out commands, and `show` tells whoever shows the call.

mod answer;
mod decide;
mod obey;
mod observe;
mod overlap;
mod show;

use decide::Decisions;
use obey::Orders;
use observe::Memory;
pub use observe::Observed;
use show::Showing;

pub(crate) use decide::Decision;

use crate::{
    Action, Context, ConversationEvent, Event, Failure, Overlap, Policy, SessionTime, Speaker,
    Speech, Transcript, Turn, UserKind, VadFrame, Why,
    reply::{Need, Prompt, Reply},
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
    reply: Reply,
    /// Its end was shown.
    ended: bool,
    /// Nothing of it is in the transcript: the user's turn before it was to go on.
    taken_back: bool,
}

/// The newest reply that is over, in case a client says that it played less of it.
#[derive(Clone, Debug)]
struct Ended {
    reply: Reply,
    /// Its line in the transcript; none if nothing of it was heard, or it was taken back.
    line: Option<usize>,
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
    newest: Option<Ended>,
    /// When the assistant last finished a reply.
    spoke_until: SessionTime,
    decisions: Decisions,
    /// The words of the pending sound, where there was no answer to them as it was then, and when its last voiced frame
    /// ended: the model had none, or the voice failed.
    unanswerable: Option<(String, SessionTime)>,
    /// The user's committed words in the newest prefill.
    prefilled: String,
    orders: Orders,
    showing: Showing,
    memory: Memory,
    observed: Option<Observed>,
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
            newest: None,
            spoke_until: SessionTime(0),
            decisions: Decisions::default(),
            unanswerable: None,
            prefilled: String::new(),
            orders: Orders::default(),
            showing: Showing::default(),
            memory: Memory::default(),
            observed: None,
            over: false,
            now: SessionTime(0),
            actions: Vec::new(),
        }
    }

    /// Whether the call is over: later events give no actions.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The settled lines of the conversation so far.
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What is being said and is not in the transcript yet: the user's words, and what was heard of the assistant's.
    pub fn unsettled(&self) -> (String, String) {
        let user = self.tracker.pending.as_ref().map(Pending::text).unwrap_or_default();
        let assistant = match &self.assistant {
            AssistantState::Speaking(reply, _) => reply.utterance.heard().to_owned(),
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
        self.show_beginning();
        // What the models and the loudspeaker do for a reply says nothing new of the user, but for what the model makes of
        // the user's words.
        let is_of_reply = event.turn().is_some() && !matches!(event, Event::EndOfWords { .. });
        match event {
            Event::VoiceActivity(frame) => self.frame(frame),
            Event::Recognised { segment, to, text, confidence } => {
                self.showing.recognised = Some(self.now);
                if self.tracker.recognised(segment, to, text, confidence) {
                    self.show_words();
                }
                self.tracker.recognise(false, &self.policy, &mut self.actions);
            }
            Event::EndOfTurn { to, probability } => {
                self.tracker.end_of_turn(to, probability);
                self.showing.judged = Some(self.now);
                if let AssistantState::Preparing(reply) = &mut self.assistant {
                    reply.timeline.judged = Some(self.now);
                }
                self.notify(ConversationEvent::EndOfTurn { probability });
            }
            Event::Decided { slice, idle } => self.decisions.decided(slice, idle),
            Event::EndOfWords { probability, .. } => {
                if let AssistantState::Preparing(reply) = &mut self.assistant {
                    reply.end_of_words = Some(probability);
                }
            }
            Event::Written { text, last, .. } => self.written(text, last),
            Event::Synthesised { clause, audio, marks, last, .. } => {
                let now = self.now;
                if let Some(reply) = self.reply() {
                    reply.timeline.synthesised.get_or_insert(now);
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
                let text = "another model goes on with the reply".to_owned();
                self.notify(ConversationEvent::Warning { text, detail: why });
            }
            Event::Warned(what) => self.warn(&what),
            Event::Command { id, command } => self.obey(id, command),
            Event::Refused { id, why } => self.refuse(id, why),
            Event::Left => self.leave(),
        }
        if !self.over {
            // What was heard comes before what ends the reply, and what is to be said after what begins it.
            self.show_reply();
            self.ask();
            if !is_of_reply {
                self.observed = self.observe();
            }
            self.consider();
            self.prefill();
            self.show_reply();
        }
        std::mem::take(&mut self.actions)
    }

    /// Takes in a window of the microphone.
    fn frame(&mut self, frame: VadFrame) {
        let frame = if self.orders.hears() { frame } else { VadFrame::SILENT };
        // A much louder voice begins a sound of its own only where what was heard so far seems to be none of the user's.
        let may_part = self.is_passed_over();
        match self.tracker.frame(self.now, frame, may_part, &self.policy, &mut self.actions) {
            VoiceEdge::Onset => {
                let speech = self.tracker.speech();
                self.note_onset();
                self.notify(ConversationEvent::UserSpeechStarted { speech });
            }
            VoiceEdge::Offset => {
                (self.showing.offset, self.showing.judged) = (Some(self.now), None);
                let speech = self.tracker.speech();
                self.notify(ConversationEvent::UserSpeechStopped { speech });
            }
            VoiceEdge::Louder => self.hear_louder_voice(),
            VoiceEdge::Unchanged => {}
        }
        self.release_a_forgotten_press();
    }

    /// A much louder voice begins behind what seems to be none of the user's.
    fn hear_louder_voice(&mut self) {
        self.tracker.begin_louder(&self.policy);
        self.settle(UserKind::Noise, Some(Why::OtherVoice));
        if matches!(&self.assistant, AssistantState::Preparing(it) if it.prompt == Prompt::Sound) {
            self.drop_prepared(Why::Revised);
        }
    }

    /// Takes in a clause of the reply under way.
    fn written(&mut self, text: String, last: bool) {
        let (now, is_ending) = (self.now, self.orders.is_ending());
        if let Some(reply) = self.reply() {
            reply.timeline.written.get_or_insert(now);
            reply.written(text, last);
            if is_ending {
                reply.end_with_the_sentence();
            }
        }
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

    /// Considers the whole situation anew: each event may be the last piece of evidence.
    fn consider(&mut self) {
        if matches!(self.assistant, AssistantState::Speaking(..)) {
            self.consider_overlap();
        }
        if !matches!(self.assistant, AssistantState::Speaking(..)) {
            self.consider_answer();
        }
        self.say_next();
        self.keep_lead();
        self.finish();
        self.consider_orders();
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
            AssistantState::Preparing(reply) if reply.prompt == Prompt::Sound => {
                (&*reply.answers, reply.utterance.planned().to_owned())
            }
            AssistantState::Preparing(reply) | AssistantState::Speaking(reply, _) => {
                ("", reply.utterance.planned().to_owned())
            }
        };
        self.transcript.context(answers, false, planned)
    }

    /// Drops the prepared reply, since there is no answer to these words of the user's. The user may still go on.
    fn give_up(&mut self, why: Why) {
        let sound = self.tracker.pending.as_ref();
        if let (AssistantState::Preparing(reply), Some(sound)) = (&self.assistant, sound) {
            let is_to_sound = reply.prompt == Prompt::Sound;
            self.unanswerable = is_to_sound.then(|| (reply.answers.clone(), sound.voiced_until));
        }
        self.drop_prepared(why);
    }

    /// Ends a reply that was heard to its end, or that turned out empty.
    fn finish(&mut self) {
        let Some(reply) = self.reply() else { return };
        if !reply.is_over() {
            return;
        }
        let has_failed = reply.has_failed();
        if matches!(&self.assistant, AssistantState::Preparing(it) if it.prompt == Prompt::Sound) {
            return self.give_up(if has_failed { Why::Failure } else { Why::Empty });
        }
        let (reply, reaction) = match std::mem::replace(&mut self.assistant, AssistantState::Silent)
        {
            AssistantState::Speaking(reply, reaction) => (reply, Some(reaction)),
            AssistantState::Preparing(reply) => (reply, None),
            AssistantState::Silent => return,
        };
        if let Some(reaction) = reaction {
            if reaction.held {
                self.actions.push(Action::Release);
            }
            if reaction.ducked {
                self.actions.push(Action::Unduck);
            }
        }
        // What is said over a voice that does not give way is no mere sign of attention.
        if !reply.is_protected() && self.policy.overlap != Overlap::Waits {
            self.spoke_until = self.now;
        }
        let line = self.transcript.push_assistant(reply.utterance.planned().to_owned(), None);
        // The model's context may just have lost its oldest lines: prefill while nobody waits, up to where the user's
        // next words will follow.
        let context = self.transcript.context("", true, String::new());
        self.actions.push(Action::Prefill(context));
        self.prefill_turn_model("");
        if reaction.is_some() {
            self.show_end(&reply, None);
            self.newest = Some(Ended { reply, line });
        } else {
            let why = if has_failed { Why::Failure } else { Why::Empty };
            self.notify(ConversationEvent::ReplyDropped { reply: reply.id, why });
        }
    }

    /// Settles the user's pending sound: a turn or a command to stop goes to the transcript as a line, other words as an
    /// aside.
    fn settle(&mut self, kind: UserKind, why: Option<Why>) {
        let is_turn = matches!(kind, UserKind::Turn | UserKind::Stop);
        if !is_turn
            && let Some(user) = &mut self.tracker.pending
            && let Some(words) = user.part_from_turn()
        {
            // It was thought to go on with a turn. That one stays what it was.
            self.transcript.push_user(&words);
        }
        let Some(user) = self.tracker.settle() else { return };
        self.prefilled.clear();
        self.unanswerable = None;
        let mut line = user.text();
        let mut continues = user.continues();
        if is_turn || !self.can_resume() {
            // The cut was right, or it is too late to say otherwise: the reply's end comes before what cut it.
            self.end_cut();
        }
        if is_turn && !line.is_empty() {
            continues = continues.or_else(|| self.unanswered());
            line = self.transcript.push_user(&line).to_owned();
            self.showing.turn = Some(user.speech);
        } else if !line.is_empty() {
            self.transcript.push_aside(line.clone(), why.unwrap_or(Why::Noise));
        }
        self.remember(&user, kind);
        if kind != UserKind::Noise {
            self.orders.user_is_there();
        }
        if is_turn && self.takes_leave(user.speech) {
            self.take_leave(kind);
        }
        let went_on = self.tracker.end_speech();
        if let Some((speech, _)) = went_on {
            self.notify(ConversationEvent::UserSpeechStopped { speech });
        }
        self.notify(ConversationEvent::UserTurn {
            speech: user.speech,
            began_ms: user.began.as_millis(),
            ended_ms: user.voiced_until.as_millis(),
            text: user.own_text(),
            kind,
            why,
            typed: false,
            continues,
            line,
        });
        if let Some((_, speech)) = went_on {
            self.notify(ConversationEvent::UserSpeechStarted { speech });
        }
    }

    /// The user's newest turn, where the assistant has said nothing since.
    fn unanswered(&self) -> Option<Speech> {
        let last = self.transcript.lines().last()?;
        self.showing.turn.filter(|_| last.speaker == Speaker::User)
    }

    /// The cut was right: the reply does not resume.
    fn end_cut(&mut self) {
        if let Some(cut) = self.interrupted.take()
            && !cut.ended
        {
            self.show_end(&cut.reply, Some(cut.why));
        }
    }

    /// Prefills the user's committed words, while no reply is being prepared or spoken.
    fn prefill(&mut self) {
        if !matches!(self.assistant, AssistantState::Silent) {
            return;
        }
        let Some(user) = &self.tracker.pending else { return };
        let committed = user.committed();
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
                    AssistantState::Preparing(_) => self.give_up(Why::Failure),
                    AssistantState::Silent => {}
                }
            }
        }
        let what = match failure {
            Failure::Recogniser(_) => "the recogniser did not answer; it is asked again",
            Failure::Model(_) => "the language model did not go on with the reply",
            Failure::Voice(_) => "the voice could not speak; the reply is dropped",
        };
        self.warn(what);
    }

    /// The call is over.
    fn leave(&mut self) {
        self.drop_prepared(Why::Left);
        self.cancel(Why::Left);
        self.settle(UserKind::Turn, Some(Why::Left));
        self.end_cut();
        self.over = true;
        self.notify(ConversationEvent::CallEnded);
    }
}
