//! The assistant speaks, and the user makes a sound.

use crate::{Action, Cut, Notice, Overlap, Samples, UserKind, Verdict, Why, overlap_policy};

use super::{AssistantState, DuplexSession, Interrupted};

impl DuplexSession {
    /// The assistant speaks: does the user's sound take the floor?
    pub(super) fn consider_overlap(&mut self) {
        let Some(user) = &self.tracker.pending else { return };
        let (speaking, silence, voiced) =
            (self.tracker.speaking, self.tracker.silence(), user.voiced);
        match self.policy.overlap {
            Overlap::Weighed => {}
            Overlap::Yields if voiced >= self.policy.yield_after => {
                return self.cancel(Why::Length);
            }
            Overlap::Yields => {
                if !speaking && silence >= self.policy.settle_after {
                    self.settle(UserKind::Noise, Some(Why::ShortSound));
                }
                return;
            }
            Overlap::Unheard => {
                self.tracker.settle();
                return;
            }
        }
        let decision = self.decision(&user.text(), true);
        let near = user.high_band_snr >= self.policy.near_high_band_snr;
        let verdict = overlap_policy::judge(user, speaking, silence, decision, &self.policy);
        let AssistantState::Speaking(_, reaction) = &mut self.assistant else { return };
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
            Verdict::Continue(Why::NoAnswer) if !reaction.ducked => {}
            Verdict::Continue(Why::Far) if speaking && !reaction.ducked => {}
            Verdict::Continue(why) => self.keep_speaking(why),
            Verdict::Yield(why) => self.cancel(why),
            Verdict::Stop => self.cancel(Why::StopCommand),
        }
    }

    /// The assistant keeps the floor: hold and duck are undone.
    fn keep_speaking(&mut self, why: Why) {
        match why {
            Why::Backchannel | Why::ShortSound => self.settle(UserKind::Backchannel, Some(why)),
            // The words may still come, and are judged then.
            Why::NoAnswer => {}
            // A voice close by may still join in.
            Why::Far if self.tracker.speaking => {}
            _ => self.settle(UserKind::Noise, Some(why)),
        }
        let AssistantState::Speaking(reply, reaction) = &mut self.assistant else { return };
        let turn = reply.turn;
        let before = std::mem::take(reaction);
        if before.held {
            self.actions.push(Action::Release);
        }
        if before.ducked {
            self.actions.push(Action::Unduck);
            self.notify(Notice::Resumed { turn, why });
        }
    }

    /// The assistant loses the floor: what was heard of its turn stays in the transcript, the rest does not.
    pub(super) fn cancel(&mut self, why: Why) {
        let AssistantState::Speaking(reply, _) =
            std::mem::replace(&mut self.assistant, AssistantState::Silent)
        else {
            return;
        };
        let (heard, unheard) = (reply.utterance.heard(), reply.utterance.unheard().to_owned());
        self.actions.push(Action::Cancel(reply.turn));
        // What was said over the reply may turn out to need no answer.
        let is_doubtful = matches!(why, Why::Words | Why::Length | Why::Model);
        let reopened = !reply.utterance.is_resumed()
            && reply.utterance.heard_audio() < self.policy.reopen_within
            && is_doubtful;
        let may_resume = is_doubtful && !reopened && self.policy.resume_within > Samples(0);
        self.notify(Notice::Cancelled {
            turn: reply.turn,
            why,
            heard: heard.clone(),
            unheard: unheard.clone(),
            may_resume,
        });
        if reopened {
            // The assistant interrupted the user, who was not finished: both parts are one turn.
            if let (Some(text), Some(user)) =
                (self.transcript.reopen_user(), self.tracker.pending.as_mut())
            {
                user.prepend(&text);
                self.notify(Notice::Reopened { text });
            }
        } else {
            let cut = Cut { at: self.now, why, unheard: unheard.clone() };
            self.transcript.push_assistant(heard, Some(cut));
        }
        self.interrupted = (is_doubtful && !reopened).then_some(Interrupted {
            at: self.now,
            why,
            answers: reply.answers,
            unheard,
            complete: reply.complete,
        });
        if why == Why::StopCommand {
            self.settle(UserKind::Stop, Some(why));
        }
    }
}
