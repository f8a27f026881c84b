//! The assistant is silent: whether and when it answers.

use crate::{
    Action, ConversationEvent, Permille, Samples, SessionTime, Turn, UserKind, Why,
    evidence::end_of_turn_evidence,
    overlap_policy::{self, UtteranceClass},
    reply::{Prompt, Reply},
    words,
};

use super::{AssistantState, DuplexSession, Reaction, decide::Decision};

impl DuplexSession {
    /// The assistant is silent: does the user's sound need an answer, and is the turn over?
    pub(super) fn consider_answer(&mut self) {
        if self.orders.has_pressed() {
            return;
        }
        if let Some(ended) = self.orders.turn_ends() {
            return self.answer_the_turn(ended);
        }
        if matches!(&self.assistant, AssistantState::Preparing(it) if it.prompt != Prompt::Sound) {
            return self.release_by_command();
        }
        let Some(user) = &self.tracker.pending else { return };
        let silence = self.tracker.silence();
        if self.tracker.speaking || !user.is_recognised() {
            return;
        }
        let text = user.text();
        let quiet = silence >= self.policy.settle_after;
        // Words that cut the assistant were spoken over its voice.
        let classify = match self.interrupted {
            Some(_) => overlap_policy::classify_overlapped,
            None => overlap_policy::classify,
        };
        let kind = classify(user, &self.policy);
        // The duplex model has given these words the floor although they are short: their length does not take it back.
        let yielded = self.interrupted.as_ref().is_some_and(|cut| cut.why == Why::Model);
        let kind = match kind {
            UtteranceClass::None
            | UtteranceClass::ToOthers
            | UtteranceClass::Far
            | UtteranceClass::Stop => kind,
            UtteranceClass::Backchannel if self.is_listening(&text) => kind,
            UtteranceClass::Short
                if !yielded && (self.interrupted.is_some() || user.began < self.spoke_until) =>
            {
                kind
            }
            UtteranceClass::Backchannel | UtteranceClass::Short | UtteranceClass::Turn => {
                UtteranceClass::Turn
            }
        };
        let (kind, why) = match kind {
            UtteranceClass::Turn => return self.prepare(text, silence),
            UtteranceClass::Stop => (UserKind::Stop, Why::StopCommand),
            UtteranceClass::None => (UserKind::Noise, Why::NoWords),
            UtteranceClass::ToOthers => (UserKind::Noise, Why::ToOthers),
            UtteranceClass::Far => (UserKind::Noise, Why::Far),
            UtteranceClass::Backchannel => (UserKind::Backchannel, Why::Backchannel),
            UtteranceClass::Short => (UserKind::Backchannel, Why::ShortSound),
        };
        if !quiet {
            return;
        }
        self.settle(kind, Some(why));
        self.drop_prepared(Why::Revised);
        if kind != UserKind::Stop {
            self.resume(why);
        }
    }

    /// A backchannel needs no answer where that very sound cut the assistant. Nor does it where the assistant was the
    /// last to speak and asked nothing, unless the user asks for more.
    fn is_listening(&self, text: &str) -> bool {
        let asked = |said: &str| said.trim_end().ends_with('?');
        self.interrupted.is_some()
            || !words::asks_for_more(&words::normalise(text))
                && self.transcript.last_assistant().is_some_and(|said| !asked(said))
    }

    /// Prepares a reply, and releases it once the evidence suffices.
    fn prepare(&mut self, text: String, silence: Samples) {
        let Some(from) = self.tracker.pending.as_ref().map(|user| user.voiced_until) else {
            return;
        };
        match &self.assistant {
            _ if !self.policy.answers => {}
            AssistantState::Preparing(reply)
                if words::normalise(&reply.answers) == words::normalise(&text) => {}
            AssistantState::Preparing(reply) => {
                let why = if text.starts_with(&reply.answers) { Why::WentOn } else { Why::Revised };
                self.drop_prepared(why);
                self.start(text.clone(), Prompt::Sound, from);
            }
            _ => self.start(text.clone(), Prompt::Sound, from),
        }
        let Some(user) = &self.tracker.pending else { return };
        let Some(threshold) = self.policy.threshold(silence) else { return };
        let decision = self.decision(&text, false);
        let idle = decision.idle();
        if idle.is_some_and(|idle| idle >= self.policy.surely_idle) {
            if silence >= self.policy.ignore_after {
                self.settle(UserKind::Noise, Some(Why::Model));
                self.drop_prepared(Why::Model);
                self.resume(Why::Model);
            }
            return;
        }
        let evidence = end_of_turn_evidence(user, &text, idle).weigh();
        if evidence < threshold || decision == Decision::Awaited {
            return;
        }
        match &self.assistant {
            AssistantState::Preparing(reply) if reply.utterance.has_audio() => {
                self.speak(silence, evidence, threshold);
            }
            AssistantState::Silent if !self.policy.answers => self.settle(UserKind::Turn, None),
            _ => {}
        }
    }

    /// Releases the prepared reply.
    pub(super) fn speak(&mut self, silence: Samples, evidence: Permille, threshold: Permille) {
        let AssistantState::Preparing(mut reply) =
            std::mem::replace(&mut self.assistant, AssistantState::Silent)
        else {
            return;
        };
        reply.timeline.released = Some(self.now);
        let (turn, prompt) = (reply.turn, reply.prompt);
        self.assistant = AssistantState::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        if prompt == Prompt::Sound {
            self.settle(UserKind::Turn, None);
        } else {
            self.end_cut();
        }
        let silence_ms = silence.as_millis();
        self.notify(ConversationEvent::ReplyStarted {
            reply: turn,
            silence_ms,
            evidence,
            threshold,
        });
    }

    /// Begins to prepare a reply. Its latency counts `from` then.
    pub(super) fn start(&mut self, answers: String, prompt: Prompt, from: SessionTime) {
        let (turn, timeline) = self.next_turn(from);
        self.notify(ConversationEvent::ReplyPreparing { reply: turn, answers: answers.clone() });
        self.assistant = AssistantState::Preparing(Reply::new(turn, prompt, answers, timeline));
    }

    pub(super) fn drop_prepared(&mut self, why: Why) {
        if !matches!(self.assistant, AssistantState::Preparing(_)) {
            return;
        }
        let state = std::mem::replace(&mut self.assistant, AssistantState::Silent);
        let AssistantState::Preparing(reply) = state else { return };
        self.actions.push(Action::Drop(reply.turn));
        self.notify(ConversationEvent::ReplyDropped { reply: reply.id, why });
        if matches!(why, Why::WentOn | Why::Revised) {
            self.say_again(&reply);
        }
    }

    /// Whether a reply was cut and could still go on.
    pub(super) fn can_resume(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|cut| {
            let something_left =
                !cut.reply.utterance.unheard().trim().is_empty() || !cut.reply.complete;
            !cut.ended && something_left && self.now - cut.at <= self.policy.resume_within
        })
    }

    /// The cut proved wrong: resumes the reply with what was never heard.
    pub(super) fn resume(&mut self, why: Why) {
        if !self.can_resume() {
            return self.end_cut();
        }
        let Some(cut) = self.interrupted.take() else { return };
        let utterance = &cut.reply.utterance;
        self.turn = Turn(self.turn.0 + 1);
        let turn = self.turn;
        if !utterance.heard().trim().is_empty() {
            self.transcript.reopen_assistant();
        }
        self.newest = None;
        let reply = cut.reply.resumed(turn);
        let id = reply.id;
        self.assistant = AssistantState::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        self.notify(ConversationEvent::ReplyResumed { reply: id, why });
    }
}
