//! The assistant is silent: whether and when it answers.

use crate::{
    Action, Notice, Samples, Turn, UserKind, Why,
    evidence::end_of_turn_evidence,
    overlap_policy::{self, UtteranceClass},
    reply::Reply,
    words,
};

use super::{AssistantState, DuplexSession, Reaction, decide::Decision};

impl DuplexSession {
    /// The assistant is silent: does the user's sound need an answer, and is the turn over?
    pub(super) fn consider_answer(&mut self) {
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
        match &self.assistant {
            AssistantState::Preparing(reply)
                if words::normalise(&reply.answers) == words::normalise(&text) => {}
            AssistantState::Preparing(reply) => {
                let why = if text.starts_with(&reply.answers) { Why::WentOn } else { Why::Revised };
                self.drop_prepared(why);
                self.start(text.clone());
            }
            _ => self.start(text.clone()),
        }
        let (AssistantState::Preparing(reply), Some(user)) =
            (&self.assistant, &self.tracker.pending)
        else {
            return;
        };
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
        if evidence < threshold || decision == Decision::Awaited || !reply.utterance.has_audio() {
            return;
        }
        let AssistantState::Preparing(reply) =
            std::mem::replace(&mut self.assistant, AssistantState::Silent)
        else {
            return;
        };
        let turn = reply.turn;
        self.assistant = AssistantState::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        self.settle(UserKind::Turn, None);
        self.notify(Notice::Released { turn, silence, evidence, threshold });
    }

    fn start(&mut self, answers: String) {
        self.turn = Turn(self.turn.0 + 1);
        let turn = self.turn;
        self.notify(Notice::Preparing { turn, answers: answers.clone() });
        self.assistant = AssistantState::Preparing(Reply::new(turn, answers));
    }

    pub(super) fn drop_prepared(&mut self, why: Why) {
        if let AssistantState::Preparing(reply) = &self.assistant {
            let turn = reply.turn;
            self.assistant = AssistantState::Silent;
            self.actions.push(Action::Drop(turn));
            self.notify(Notice::Dropped { turn, why });
        }
    }

    /// The cut proved wrong: resumes the reply with what was never heard.
    fn resume(&mut self, why: Why) {
        let Some(cut) = self.interrupted.take() else { return };
        let nothing_left = cut.unheard.trim().is_empty() && cut.complete;
        if self.now - cut.at > self.policy.resume_within || nothing_left {
            return;
        }
        self.turn = Turn(self.turn.0 + 1);
        let turn = self.turn;
        let heard = self.transcript.reopen_assistant();
        let reply = Reply::resumed(turn, cut.answers, heard, cut.unheard, cut.complete);
        self.assistant = AssistantState::Speaking(reply, Reaction::default());
        self.actions.push(Action::Speak(turn));
        self.notify(Notice::Resumed { turn, why });
    }
}
