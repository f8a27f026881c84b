//! The assistant speaks, and the user makes a sound.

use crate::{Action, Cut, Notice, Overlap, UserKind, Verdict, Why, floor};

use super::{DuplexSession, Interrupted, Mouth};

impl DuplexSession {
    /// The assistant speaks: does the user want the floor?
    pub(super) fn consider_overlap(&mut self) {
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
        let decision = self.decision(&user.text(), true);
        let near = user.treble >= self.policy.near_treble;
        let verdict = floor::judge(user, speaking, silence, decision, &self.policy);
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
    pub(super) fn hush(&mut self, why: Why) {
        let Mouth::Speaking(reply, _) = std::mem::replace(&mut self.mouth, Mouth::Silent) else {
            return;
        };
        let (heard, unheard) = (reply.utterance.heard(), reply.utterance.unheard().to_owned());
        self.actions.push(Action::Hush(reply.turn));
        let reopened = !reply.utterance.is_resumed()
            && reply.utterance.heard_audio() < self.policy.reopen_within
            && matches!(why, Why::Words | Why::Length | Why::Model);
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
                self.notify(Notice::Reopened { text });
            }
        } else {
            let cut = Cut { at: self.now, why, unheard: unheard.clone() };
            self.transcript.push_assistant(heard, Some(cut));
        }
        let doubtful = matches!(why, Why::Words | Why::Length | Why::Model) && !reopened;
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
}
