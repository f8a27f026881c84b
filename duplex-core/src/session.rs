//! The session: events in, actions out.

use crate::{
    Action, Context, Cut, Event, Failure, Notice, Overlap, Permille, Policy, Samples, SessionTime,
    Slice, Transcript, Turn, UserKind, Verdict, Why,
    ear::{Ear, Heard, Pending},
    floor::{self, Words},
    reply::{Need, Reply},
    words,
};

/// What the assistant does about a sound of the user's while it speaks.
#[derive(Clone, Copy, Debug, Default)]
struct Reaction {
    ducked: bool,
    held: bool,
}

/// What the assistant is doing.
#[derive(Clone, Debug)]
enum Mouth {
    Silent,
    /// A reply is made ready; nothing of it is audible.
    Preparing(Reply),
    Speaking(Reply, Reaction),
}

/// A reply that was cut and may go on, should the cut prove wrong.
#[derive(Clone, Debug)]
struct Interrupted {
    at: SessionTime,
    answers: String,
    unheard: String,
    complete: bool,
}

/// One conversation. See the crate's documentation.
#[derive(Clone, Debug)]
pub struct DuplexSession {
    policy: Policy,
    ear: Ear,
    mouth: Mouth,
    transcript: Transcript,
    /// The newest turn.
    turn: Turn,
    interrupted: Option<Interrupted>,
    /// When the assistant last said all it had to say.
    spoke_until: SessionTime,
    /// The duplex model's newest decision.
    idle: Option<(Slice, Permille)>,
    /// What the model's cache was last told of the user's words.
    prefilled: String,
    over: bool,
    now: SessionTime,
    actions: Vec<Action>,
}

impl DuplexSession {
    /// A session at the beginning of a call.
    pub fn new(policy: Policy) -> Self {
        Self {
            ear: Ear::new(&policy),
            policy,
            mouth: Mouth::Silent,
            transcript: Transcript::default(),
            turn: Turn(0),
            interrupted: None,
            spoke_until: SessionTime(0),
            idle: None,
            prefilled: String::new(),
            over: false,
            now: SessionTime(0),
            actions: Vec::new(),
        }
    }

    /// What was said so far.
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What is being said and was not written to the transcript yet: the user's words, and what
    /// was heard of the assistant's.
    pub fn unsettled(&self) -> (String, String) {
        let user = self.ear.pending.as_ref().map(Pending::text).unwrap_or_default();
        let assistant = match &self.mouth {
            Mouth::Speaking(reply, _) => reply.utterance.heard(),
            Mouth::Silent | Mouth::Preparing(_) => String::new(),
        };
        (user, assistant)
    }

    /// Takes in what happened at a moment and says what to do about it. Time never runs back: an
    /// earlier moment counts as the latest one known.
    pub fn step(&mut self, at: SessionTime, event: Event) -> Vec<Action> {
        self.now = self.now.max(at);
        if self.over || event.turn().is_some_and(|turn| Some(turn) != self.live()) {
            return Vec::new();
        }
        match event {
            Event::Frame(frame) => {
                let heard = self.ear.frame(self.now, frame, &self.policy, &mut self.actions);
                match heard {
                    Heard::Onset => self.notify(Notice::Onset),
                    Heard::Offset => self.notify(Notice::Offset),
                    Heard::Nothing => {}
                }
            }
            Event::Recognised { chunk, to, text, confidence } => {
                if self.ear.recognised(chunk, to, text, confidence) {
                    self.show_words();
                }
                self.ear.recognise(false, &self.policy, &mut self.actions);
            }
            Event::EndOfTurn { to, probability } => {
                self.ear.judged(to, probability);
                self.notify(Notice::EndOfTurn(probability));
            }
            Event::Decided { slice, idle } => self.idle = Some((slice, idle)),
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
            Event::Left => return self.left(),
        }
        self.consider();
        self.prefill();
        std::mem::take(&mut self.actions)
    }

    fn live(&self) -> Option<Turn> {
        match &self.mouth {
            Mouth::Silent => None,
            Mouth::Preparing(reply) | Mouth::Speaking(reply, _) => Some(reply.turn),
        }
    }

    fn reply(&mut self) -> Option<&mut Reply> {
        match &mut self.mouth {
            Mouth::Silent => None,
            Mouth::Preparing(reply) | Mouth::Speaking(reply, _) => Some(reply),
        }
    }

    fn notify(&mut self, notice: Notice) {
        self.actions.push(Action::Notify(notice));
    }

    fn show_words(&mut self) {
        if let Some(user) = &self.ear.pending {
            let (committed, tentative) = user.agreement();
            self.notify(Notice::Words { committed, tentative });
        }
    }

    /// Looks at everything anew: each event may be the last piece of evidence.
    fn consider(&mut self) {
        if matches!(self.mouth, Mouth::Speaking(..)) {
            self.consider_overlap();
        }
        if !matches!(self.mouth, Mouth::Speaking(..)) {
            self.consider_answer();
        }
        self.keep_lead();
        self.finish();
    }

    /// The assistant speaks: does the user want the floor?
    fn consider_overlap(&mut self) {
        let Some(user) = &self.ear.pending else { return };
        let (speaking, silence, voiced) = (self.ear.speaking, self.ear.silence(), user.voiced);
        match self.policy.overlap {
            Overlap::Weighed => {}
            Overlap::Yields if voiced >= self.policy.yield_after => return self.hush(Why::Length),
            Overlap::Yields => {
                if !speaking && silence >= self.policy.settle_after {
                    self.settle(UserKind::Noise, Some(Why::ShortSound));
                }
                return;
            }
            Overlap::Unheard => {
                self.ear.settle();
                return;
            }
        }
        let near = user.treble >= self.policy.near_treble;
        let verdict = floor::judge(user, speaking, silence, &self.policy);
        let Mouth::Speaking(_, reaction) = &mut self.mouth else { return };
        match verdict {
            Verdict::Undecided => {
                if speaking && !reaction.ducked {
                    reaction.ducked = true;
                    self.actions.push(Action::Duck);
                }
                if speaking && near && voiced >= self.policy.hold_after && !reaction.held {
                    reaction.held = true;
                    self.actions.push(Action::Hold);
                }
            }
            Verdict::GoOn(Why::NoAnswer) if !reaction.ducked => {}
            Verdict::GoOn(Why::Far) if speaking && !reaction.ducked => {}
            Verdict::GoOn(why) => self.go_on(why),
            Verdict::Yield(why) => self.hush(why),
            Verdict::Stop => self.hush(Why::StopCommand),
        }
    }

    /// The assistant keeps the floor: what the user's sound changed is undone.
    fn go_on(&mut self, why: Why) {
        match why {
            Why::Backchannel | Why::ShortSound => self.settle(UserKind::Backchannel, Some(why)),
            // The words may still come, and count then.
            Why::NoAnswer => {}
            // Whoever is close by may still join in.
            Why::Far if self.ear.speaking => {}
            _ => self.settle(UserKind::Noise, Some(why)),
        }
        let Mouth::Speaking(reply, reaction) = &mut self.mouth else { return };
        let turn = reply.turn;
        let before = std::mem::take(reaction);
        if before.held {
            self.actions.push(Action::Release);
        }
        if before.ducked {
            self.actions.push(Action::Unduck);
            self.notify(Notice::GoesOn { turn, why });
        }
    }

    /// The assistant loses the floor: what was heard of its turn stands, the rest was never said.
    fn hush(&mut self, why: Why) {
        let Mouth::Speaking(reply, _) = std::mem::replace(&mut self.mouth, Mouth::Silent) else {
            return;
        };
        let (heard, unheard) = (reply.utterance.heard(), reply.utterance.unheard().to_owned());
        self.actions.push(Action::Hush(reply.turn));
        let reopened = reply.utterance.heard_audio() < self.policy.reopen_within
            && matches!(why, Why::Words | Why::Length);
        self.notify(Notice::Hushed {
            turn: reply.turn,
            why,
            heard: heard.clone(),
            unheard: unheard.clone(),
        });
        if reopened {
            // The assistant came in while the user was still speaking: both parts are one turn.
            if let (Some(text), Some(user)) =
                (self.transcript.reopen_user(), self.ear.pending.as_mut())
            {
                user.prepend(&text);
            }
        } else {
            let cut = Cut { at: self.now, why, unheard: unheard.clone() };
            self.transcript.push_assistant(heard, Some(cut));
        }
        let doubtful = matches!(why, Why::Words | Why::Length) && !reopened;
        self.interrupted = doubtful.then_some(Interrupted {
            at: self.now,
            answers: reply.answers,
            unheard,
            complete: reply.complete,
        });
        if why == Why::StopCommand {
            self.settle(UserKind::Stop, Some(why));
        }
    }

    /// The assistant is silent: does the user's sound ask for an answer, and is it over?
    fn consider_answer(&mut self) {
        let Some(user) = &self.ear.pending else { return };
        let silence = self.ear.silence();
        if self.ear.speaking || !user.is_recognised() {
            return;
        }
        let text = user.text();
        let quiet = silence >= self.policy.settle_after;
        let kind = floor::classify(user, &self.policy);
        let kind = match kind {
            Words::None | Words::ToOthers | Words::Far | Words::Stop => kind,
            Words::Short | Words::Turn
                if self.interrupted.is_some() && floor::resembles_stop(user) =>
            {
                Words::Stop
            }
            Words::Backchannel if self.is_listening(&text) => kind,
            Words::Short if self.interrupted.is_some() || user.began < self.spoke_until => kind,
            Words::Backchannel | Words::Short | Words::Turn => Words::Turn,
        };
        let (kind, why) = match kind {
            Words::Turn => return self.prepare(text, silence),
            Words::Stop => (UserKind::Stop, Why::StopCommand),
            Words::None => (UserKind::Noise, Why::NoWords),
            Words::ToOthers => (UserKind::Noise, Why::ToOthers),
            Words::Far => (UserKind::Noise, Why::Far),
            Words::Backchannel => (UserKind::Backchannel, Why::Backchannel),
            Words::Short => (UserKind::Backchannel, Why::ShortSound),
        };
        if !quiet {
            return;
        }
        self.settle(kind, Some(why));
        self.drop_prepared(Why::Revised);
        if kind == UserKind::Stop {
            self.interrupted = None;
        } else {
            self.resume(why);
        }
    }

    /// Signals of attention need no answer: the assistant was cut by that very sound, or has just
    /// finished and asked nothing, and the user does not want more.
    fn is_listening(&self, text: &str) -> bool {
        let asked = |said: &str| said.trim_end().ends_with('?');
        self.interrupted.is_some()
            || !words::asks_for_more(&words::normalise(text))
                && self.transcript.last_assistant().is_some_and(|said| !asked(said))
    }

    /// Makes a reply ready, and lets it be heard once the evidence suffices.
    fn prepare(&mut self, text: String, silence: Samples) {
        match &self.mouth {
            Mouth::Preparing(reply)
                if words::normalise(&reply.answers) == words::normalise(&text) => {}
            Mouth::Preparing(reply) => {
                let why = if text.starts_with(&reply.answers) { Why::WentOn } else { Why::Revised };
                self.drop_prepared(why);
                self.start(text.clone());
            }
            _ => self.start(text.clone()),
        }
        let (Mouth::Preparing(reply), Some(user)) = (&self.mouth, &self.ear.pending) else {
            return;
        };
        let Some(threshold) = self.policy.threshold(silence) else { return };
        let idle = self.idle.filter(|(slice, _)| *slice >= self.ear.slice()).map(|(_, idle)| idle);
        let evidence = floor::evidence(user, &text, idle).weigh();
        if evidence < threshold || !reply.utterance.has_audio() {
            return;
        }
        let Mouth::Preparing(reply) = std::mem::replace(&mut self.mouth, Mouth::Silent) else {
            return;
        };
        let turn = reply.turn;
        self.mouth = Mouth::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        self.settle(UserKind::Turn, None);
        self.interrupted = None;
        self.notify(Notice::Released { turn, silence, evidence, threshold });
    }

    fn start(&mut self, answers: String) {
        self.turn = Turn(self.turn.0 + 1);
        let turn = self.turn;
        self.notify(Notice::Preparing { turn, answers: answers.clone() });
        self.mouth = Mouth::Preparing(Reply::new(turn, answers));
    }

    fn drop_prepared(&mut self, why: Why) {
        if let Mouth::Preparing(reply) = &self.mouth {
            let turn = reply.turn;
            self.mouth = Mouth::Silent;
            self.actions.push(Action::Drop(turn));
            self.notify(Notice::Dropped { turn, why });
        }
    }

    /// The cut proved wrong: goes on with what was never heard.
    fn resume(&mut self, why: Why) {
        let Some(cut) = self.interrupted.take() else { return };
        let nothing_left = cut.unheard.trim().is_empty() && cut.complete;
        if self.now - cut.at > self.policy.resume_within || nothing_left {
            return;
        }
        self.turn = Turn(self.turn.0 + 1);
        let turn = self.turn;
        let heard = self.transcript.reopen_assistant();
        let reply = Reply::going_on(turn, cut.answers, heard, cut.unheard, cut.complete);
        self.mouth = Mouth::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        self.notify(Notice::GoesOn { turn, why });
    }

    /// Keeps audio ready ahead of the listener, and no more than is likely to be heard.
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
        }
    }

    /// What the reply under way answers, and what is written of it.
    fn reply_context(&self) -> Context {
        match &self.mouth {
            Mouth::Silent => self.transcript.context("", false, String::new()),
            Mouth::Preparing(reply) => {
                self.transcript.context(&reply.answers, false, reply.utterance.planned())
            }
            Mouth::Speaking(reply, _) => {
                self.transcript.context("", false, reply.utterance.planned())
            }
        }
    }

    /// Ends a reply that was heard to its end, or that turned out empty.
    fn finish(&mut self) {
        let Some(reply) = self.reply() else { return };
        if !reply.is_over() {
            return;
        }
        let (turn, text) = (reply.turn, reply.utterance.planned());
        let reaction = match std::mem::replace(&mut self.mouth, Mouth::Silent) {
            Mouth::Speaking(_, reaction) => reaction,
            Mouth::Preparing(_) | Mouth::Silent => {
                // The model has nothing to say: the user's words stand, unanswered.
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
        // The history may just have been cut: whatever must be read again is read while nobody waits,
        // up to where the user's next words will stand.
        self.actions.push(Action::Prefill(self.transcript.context("", true, String::new())));
        self.notify(Notice::Finished { turn, text });
    }

    /// The user's sound is understood. What it says goes to the transcript.
    fn settle(&mut self, kind: UserKind, why: Option<Why>) {
        let Some(user) = self.ear.settle() else { return };
        self.prefilled.clear();
        let text = user.text();
        if matches!(kind, UserKind::Turn | UserKind::Stop) && !text.is_empty() {
            self.transcript.push_user(&text);
        }
        let (began, ended) = (user.began, user.voiced_until);
        self.notify(Notice::UserTurn { began, ended, text, kind, why });
    }

    /// While nothing is being written, lets the model read what the user has said for certain.
    fn prefill(&mut self) {
        if !matches!(self.mouth, Mouth::Silent) {
            return;
        }
        let Some(user) = &self.ear.pending else { return };
        let (committed, _) = user.agreement();
        if !committed.is_empty() && committed != self.prefilled {
            let context = self.transcript.context(&committed, true, String::new());
            self.actions.push(Action::Prefill(context));
            self.prefilled = committed;
        }
    }

    fn failed(&mut self, failure: Failure) {
        let retries = self.policy.retries;
        match failure {
            Failure::Recogniser(chunk) => self.ear.recogniser_failed(chunk),
            Failure::Model(_) => {
                if let Some(reply) = self.reply() {
                    reply.failed(retries);
                }
            }
            Failure::Voice(_) => {
                // Its clause is never heard; the ones after it would make no sense alone.
                match &self.mouth {
                    Mouth::Speaking(..) => self.hush(Why::Failure),
                    Mouth::Preparing(_) => {
                        self.settle(UserKind::Turn, None);
                        self.drop_prepared(Why::Failure);
                    }
                    Mouth::Silent => {}
                }
            }
        }
        self.notify(Notice::Trouble(format!("{failure:?}")));
    }

    fn left(&mut self) -> Vec<Action> {
        self.drop_prepared(Why::Left);
        self.hush(Why::Left);
        self.settle(UserKind::Turn, Some(Why::Left));
        self.over = true;
        std::mem::take(&mut self.actions)
    }
}
