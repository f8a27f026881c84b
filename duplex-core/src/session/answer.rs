//! The assistant is silent: whether and when it answers.

use crate::{
    Action, Choice, ConversationEvent, Permille, Samples, SessionTime, SoundKind, Turn, UserKind,
    Why, overlap_policy,
    reply::{Prompt, Reply},
    words,
};

use super::{AssistantState, DuplexSession, Reaction, decide::Decision};

/// The time that an answer is given to be prepared: its first clause is written and spoken, on a slow machine.
const PREPARATION: Samples = Samples::from_millis(1_000);

/// Silence after which no acoustic score is waited for any more before an answer is prepared. One takes a tenth of it.
const SCORE_PATIENCE: Samples = Samples::from_millis(400);

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
        let Some((sound, again)) = self.weigh() else { return };
        let (kind, why) = match self.policy.costs.choose(&sound, again) {
            choice if text.is_empty() => {
                return self.pass_over_wordless(choice == Choice::Answer, silence);
            }
            Choice::Answer => return self.prepare(text, silence),
            Choice::Stop => (UserKind::Stop, Why::StopCommand),
            Choice::Pass(SoundKind::Backchannel) => (UserKind::Backchannel, Why::Backchannel),
            Choice::Pass(kind) => (UserKind::Noise, overlap_policy::why_passed(kind, true)),
        };
        let may_change = kind == UserKind::Noise && !text.is_empty() && self.policy.sources.model();
        let settle_after =
            if may_change { self.policy.ignore_after } else { self.policy.settle_after };
        if silence < settle_after {
            return;
        }
        self.settle(kind, Some(why));
        self.drop_prepared(Why::Revised);
        if kind != UserKind::Stop {
            self.resume(why);
        }
    }

    /// The recogniser made no words of the sound. Where it seems to be a turn of the user's, the assistant says, once,
    /// that it has not understood: silence would be no sign.
    fn pass_over_wordless(&mut self, is_voice: bool, silence: Samples) {
        if silence < self.policy.settle_after {
            return;
        }
        let resumes = self.can_resume();
        self.settle(UserKind::Noise, Some(Why::NoWords));
        self.drop_prepared(Why::Revised);
        self.resume(Why::NoWords);
        if is_voice && !resumes && self.policy.answers {
            self.ask_again();
        }
    }

    /// Prepares a reply, and releases it once the evidence suffices.
    fn prepare(&mut self, text: String, silence: Samples) {
        let Some(from) = self.tracker.pending.as_ref().map(|user| user.voiced_until) else {
            return;
        };
        match &self.assistant {
            AssistantState::Preparing(reply) if reply.is_to(&text) => {}
            AssistantState::Preparing(reply) => {
                let why = if text.starts_with(&reply.answers) { Why::WentOn } else { Why::Revised };
                self.drop_prepared(why);
            }
            _ => {}
        }
        let is_silent = matches!(self.assistant, AssistantState::Silent);
        let has_answer = self.policy.answers && !self.is_unanswerable(&text, from);
        if is_silent && has_answer && self.may_be_due(silence) {
            self.start(text.clone(), Prompt::Sound, from);
        }
        let Some(threshold) = self.policy.answers_from(silence) else { return };
        let evidence = self.over_after(silence);
        if evidence < threshold || self.decision(&text, false) == Decision::Awaited {
            return;
        }
        match &self.assistant {
            AssistantState::Preparing(reply) if reply.utterance.has_audio() => {
                self.speak(silence, evidence, threshold);
            }
            AssistantState::Silent if !has_answer => self.settle(UserKind::Turn, None),
            _ => {}
        }
    }

    /// Whether there was no answer to these words of the pending sound, and the user has said nothing since.
    fn is_unanswerable(&self, text: &str, voiced_until: SessionTime) -> bool {
        let unanswerable = self.unanswerable.as_ref();
        unanswerable.is_some_and(|(words, at)| *at == voiced_until && words::are_same(words, text))
    }

    /// Whether the answer to the pending sound may be due by the time that it is ready, if the user stays silent.
    fn may_be_due(&self, silence: Samples) -> bool {
        let user = self.tracker.pending.as_ref();
        let is_scored = user.is_some_and(|user| user.end_score().is_some());
        if self.policy.sources.acoustic() && !is_scored && silence < SCORE_PATIENCE {
            return false;
        }
        let then = silence + PREPARATION;
        self.policy.answers_from(then).is_some_and(|needed| self.over_after(then) >= needed)
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
        if !utterance.heard().trim().is_empty() && !cut.taken_back {
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
