//! What is shown of the conversation: the events that do not follow from a decision made elsewhere.

use crate::{
    Action, ConversationEvent, SessionTime, Speech, Turn, Why,
    reply::{Reply, Timeline},
};

use super::{AssistantState, DuplexSession};

/// What was shown, and when the stages before a reply were reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Showing {
    has_begun: bool,
    /// The newest speech of the user's that stands in the transcript.
    pub(super) turn: Option<Speech>,
    /// When the user's silence was last detected, the words recognised, and the end of the turn scored.
    pub(super) offset: Option<SessionTime>,
    pub(super) recognised: Option<SessionTime>,
    pub(super) judged: Option<SessionTime>,
}

impl DuplexSession {
    pub(super) fn notify(&mut self, event: ConversationEvent) {
        self.actions.push(Action::Notify(event));
    }

    pub(super) fn warn(&mut self, text: &str) {
        let (text, detail) = (text.to_owned(), String::new());
        self.notify(ConversationEvent::Warning { text, detail });
    }

    pub(super) fn show_beginning(&mut self) {
        if !std::mem::replace(&mut self.showing.has_begun, true) {
            self.notify(ConversationEvent::CallStarted { version: ConversationEvent::VERSION });
        }
    }

    pub(super) fn show_words(&mut self) {
        if let Some(user) = &self.tracker.pending {
            let ((committed, tentative), speech) = (user.agreement(), user.speech);
            self.notify(ConversationEvent::UserWords { speech, committed, tentative });
        }
    }

    /// Shows what is new of the reply that is spoken: what it is to say, and what was heard of it.
    pub(super) fn show_reply(&mut self) {
        let AssistantState::Speaking(reply, _) = &mut self.assistant else { return };
        let (id, utterance) = (reply.id, &reply.utterance);
        if let Some(text) = utterance.planned().get(reply.shown..)
            && !text.is_empty()
        {
            reply.shown = utterance.planned().len();
            let text = text.to_owned();
            self.actions.push(Action::Notify(ConversationEvent::ReplyText { reply: id, text }));
        }
        let audio = utterance.all_heard_audio();
        if !reply.is_audible && utterance.heard_audio().0 > 0 {
            reply.is_audible = true;
            let Timeline { from, .. } = reply.timeline;
            let stages = reply.timeline.stages(self.now.back(audio));
            self.actions.push(Action::Notify(ConversationEvent::ReplyLatency {
                reply: id,
                from_ms: from.as_millis(),
                stages,
            }));
        }
        if let Some(text) = utterance.heard().get(reply.heard..)
            && !text.is_empty()
        {
            reply.heard = utterance.heard().len();
            let (text, audio_ms) = (text.to_owned(), audio.as_millis());
            self.actions.push(Action::Notify(ConversationEvent::ReplyHeard {
                reply: id,
                text,
                audio_ms,
            }));
        }
    }

    /// Shows that a reply is over.
    pub(super) fn show_end(&mut self, reply: &Reply, cut: Option<Why>) {
        self.notify(ConversationEvent::ReplyEnded {
            reply: reply.id,
            heard: reply.utterance.heard().to_owned(),
            unheard: reply.utterance.unheard().to_owned(),
            cut,
        });
    }

    /// The next turn, and the stages that its reply has behind it. `from` is the moment from which on they count.
    pub(super) fn next_turn(&mut self, from: SessionTime) -> (Turn, Timeline) {
        self.apply_change();
        self.turn = Turn(self.turn.0 + 1);
        // What came before it has nothing to do with it.
        let since = |at: Option<SessionTime>| at.filter(|at| *at >= from);
        let timeline = Timeline {
            from,
            offset: since(self.showing.offset),
            recognised: since(self.showing.recognised),
            judged: since(self.showing.judged),
            ..Timeline::default()
        };
        (self.turn, timeline)
    }
}
