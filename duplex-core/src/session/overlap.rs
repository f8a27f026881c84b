//! The assistant speaks, and the user makes a sound.

use crate::{
    Action, ConversationEvent, Cut, Overlap, Samples, UserKind, Verdict, Why, overlap_policy,
    reply::Prompt,
};

use super::{AssistantState, DuplexSession, Ended, Interrupted};

impl DuplexSession {
    /// The assistant speaks: does the user's sound take the floor?
    pub(super) fn consider_overlap(&mut self) {
        let AssistantState::Speaking(reply, reaction) = &self.assistant else { return };
        let paused = reaction.held;
        if reply.is_protected() || self.policy.overlap == Overlap::Waits {
            return self.play_on();
        }
        let Some(user) = &self.tracker.pending else { return };
        let (speaking, silence, voiced) =
            (self.tracker.speaking, self.tracker.silence(), user.voiced);
        match self.policy.overlap {
            Overlap::Weighed | Overlap::Waits => {}
            Overlap::Yields if voiced >= self.policy.yield_after => {
                return self.cancel(Why::Length);
            }
            Overlap::Yields => {
                if !speaking && silence >= self.policy.settle_after {
                    self.settle(UserKind::Noise, Some(Why::ShortSound));
                }
                return self.play_on();
            }
            Overlap::Unheard => {
                self.tracker.settle();
                return self.play_on();
            }
        }
        let Some((sound, again)) = self.weigh() else { return };
        let decision = self.decision(&user.text(), true);
        let (of_user, so_far) = ((speaking, silence), (again, paused));
        let verdict = overlap_policy::judge(user, &sound, of_user, decision, so_far, &self.policy);
        match verdict {
            Verdict::Undecided { holds } => self.react(speaking, holds),
            Verdict::Continue(why) => self.keep_speaking(why),
            Verdict::Yield(why) => self.cancel(why),
            Verdict::Stop => self.cancel(Why::StopCommand),
        }
    }

    /// It is unclear who has the floor: the assistant ducks while the user speaks, and pauses where `holds`. The
    /// pause lasts while the user speaks, and longer only where words are likely.
    fn react(&mut self, speaking: bool, holds: bool) {
        let AssistantState::Speaking(reply, reaction) = &mut self.assistant else { return };
        let reply = reply.id;
        if speaking && !reaction.ducked {
            reaction.ducked = true;
            self.actions.push(Action::Duck);
            self.actions.push(Action::Notify(ConversationEvent::ReplyDucked { reply }));
        }
        if holds && reaction.ducked && !reaction.held {
            reaction.held = true;
            self.actions.push(Action::Hold);
            self.actions.push(Action::Notify(ConversationEvent::ReplyHeld { reply }));
        } else if !holds && !speaking && reaction.held {
            reaction.held = false;
            self.actions.push(Action::Release);
        }
    }

    /// The assistant keeps the floor: hold and duck are undone.
    fn keep_speaking(&mut self, why: Why) {
        match why {
            Why::Backchannel | Why::ShortSound => self.settle(UserKind::Backchannel, Some(why)),
            // The words may still come, and are judged then.
            Why::NoAnswer => {}
            _ => self.settle(UserKind::Noise, Some(why)),
        }
        if self.undo_reaction()
            && let AssistantState::Speaking(reply, _) = &self.assistant
        {
            let reply = reply.id;
            self.notify(ConversationEvent::ReplyResumed { reply, why });
        }
    }

    /// Hold and duck are undone. Whether the voice was ducked.
    fn undo_reaction(&mut self) -> bool {
        let AssistantState::Speaking(_, reaction) = &mut self.assistant else { return false };
        let before = std::mem::take(reaction);
        if before.held {
            self.actions.push(Action::Release);
        }
        if before.ducked {
            self.actions.push(Action::Unduck);
        }
        before.ducked
    }

    /// The user's sound does not matter, although an earlier one may have ducked the reply.
    fn play_on(&mut self) {
        if self.undo_reaction()
            && let AssistantState::Speaking(reply, _) = &self.assistant
        {
            let reply = reply.id;
            self.notify(ConversationEvent::ReplyResumed { reply, why: Why::Command });
        }
    }

    /// The assistant loses the floor: what was heard of its turn stays in the transcript, the rest does not.
    pub(super) fn cancel(&mut self, why: Why) {
        if !matches!(self.assistant, AssistantState::Speaking(..)) {
            return;
        }
        let state = std::mem::replace(&mut self.assistant, AssistantState::Silent);
        let AssistantState::Speaking(reply, _) = state else { return };
        let heard = reply.utterance.heard().to_owned();
        let unheard = reply.utterance.unheard().to_owned();
        self.actions.push(Action::Cancel(reply.turn));
        // What was said over the reply may turn out to need no answer.
        let is_doubtful = matches!(why, Why::Words | Why::Length | Why::Model);
        let taken_back = !reply.utterance.is_resumed()
            && reply.utterance.heard_audio() < self.policy.reopen_within
            && reply.prompt == Prompt::Sound
            && is_doubtful;
        let may_resume = is_doubtful && self.policy.resume_within > Samples(0);
        self.notify(ConversationEvent::ReplyCancelled {
            reply: reply.id,
            why,
            heard: heard.clone(),
            unheard: unheard.clone(),
            may_resume,
            taken_back,
        });
        let mut line = None;
        if taken_back {
            // The assistant interrupted the user, who was not finished: both parts are one turn.
            let speech = self.showing.turn;
            if let (Some(text), Some(user)) =
                (self.transcript.reopen_user(), self.tracker.pending.as_mut())
            {
                user.continue_turn(speech, text);
            }
        } else {
            let cut = Cut { at: self.now, why, unheard };
            line = self.transcript.push_assistant(heard, Some(cut));
        }
        if !may_resume {
            self.show_end(&reply, Some(why));
        }
        self.newest = Some(Ended { reply: reply.clone(), line });
        self.interrupted = is_doubtful.then_some(Interrupted {
            at: self.now,
            why,
            reply,
            ended: !may_resume,
            taken_back,
        });
        if why == Why::StopCommand {
            self.settle(UserKind::Stop, Some(why));
        }
    }
}
