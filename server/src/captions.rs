//! What a peer is told of the conversation.

use duplex_core::{Action, Notice, UserKind, Why};
use duplex_runtime::SessionStep;

use crate::message::{Role, ServerEvent};

/// Tells a call, step by step. A line that is told as final stays so: what may still be taken back waits.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    /// What was heard of a reply that was cut, and that may go on.
    cut: Option<String>,
    /// Words of the user's turn that were told before it was taken up again.
    reopened: String,
}

impl Captions {
    /// What of a step the peer is told, in order.
    pub(crate) fn events(&mut self, seen: SessionStep<'_>) -> Vec<ServerEvent> {
        let goes_on = |action: &Action| matches!(action, Action::Notify(Notice::Resumed { .. }));
        if seen.actions.iter().any(goes_on) {
            self.cut = None;
        }
        let mut told = Vec::new();
        for action in seen.actions {
            match action {
                Action::Cancel(_) => told.push(ServerEvent::Clear),
                Action::Notify(notice) => self.caption(notice, &mut told),
                _ => {}
            }
        }
        told
    }

    fn caption(&mut self, notice: &Notice, told: &mut Vec<ServerEvent>) {
        let mut tell = |role: Role, text: &str, is_final: bool| {
            let text = text.trim().to_owned();
            if !text.is_empty() {
                told.push(ServerEvent::Transcript { role, text, is_final });
            }
        };
        match notice {
            Notice::Words { committed, tentative } => {
                tell(Role::User, self.untold(&format!("{committed} {tentative}")), false);
            }
            Notice::UserTurn { text, kind, .. } => {
                if let Some(heard) = self.cut.take() {
                    tell(Role::Agent, &heard, true);
                }
                if *kind != UserKind::Noise {
                    tell(Role::User, self.untold(text), true);
                }
                self.reopened.clear();
            }
            Notice::Cancelled { why: Why::Words | Why::Length, heard, .. } => {
                tell(Role::Agent, heard, false);
                self.cut = Some(heard.clone());
            }
            Notice::Cancelled { heard, .. } => tell(Role::Agent, heard, true),
            Notice::Finished { text, .. } => tell(Role::Agent, text, true),
            Notice::Reopened { text } => self.reopened.clone_from(text),
            _ => {}
        }
    }

    /// What of the user's turn was not told as final.
    fn untold<'a>(&self, text: &'a str) -> &'a str {
        text.strip_prefix(&self.reopened).unwrap_or(text)
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::{Event, SessionTime, Turn};

    use super::*;

    fn step(captions: &mut Captions, actions: &[Action]) -> Vec<String> {
        let event = Event::Left;
        let told = captions.events(SessionStep { at: SessionTime(0), event: &event, actions });
        told.iter().map(|told| serde_json::to_string(told).unwrap()).collect()
    }

    fn lines(actions: &[Action]) -> Vec<String> {
        step(&mut Captions::default(), actions)
    }

    fn hushed(why: Why, heard: &str) -> [Action; 2] {
        let (turn, unheard) = (Turn(1), " of France".to_owned());
        let notice = Notice::Cancelled { turn, why, heard: heard.to_owned(), unheard };
        [Action::Cancel(turn), Action::Notify(notice)]
    }

    fn finals(lines: &[String]) -> Vec<&str> {
        let finals = lines.iter().filter(|line| line.contains("\"final\":true"));
        finals.filter_map(|line| line.split('"').nth(11)).collect()
    }

    fn user(text: &str, kind: UserKind) -> Action {
        let at = SessionTime(0);
        Action::Notify(Notice::UserTurn {
            began: at,
            ended: at,
            text: text.to_owned(),
            kind,
            why: None,
        })
    }

    #[test]
    fn a_hush_clears_and_tells_what_was_heard() {
        assert_eq!(
            lines(&hushed(Why::StopCommand, " The capital")),
            [
                r#"{"type":"clear"}"#,
                r#"{"type":"transcript","role":"agent","text":"The capital","final":true}"#
            ]
        );
    }

    #[test]
    fn a_reply_that_is_cut_and_goes_on_is_one_line() {
        let mut captions = Captions::default();
        assert!(finals(&step(&mut captions, &hushed(Why::Words, "The capital"))).is_empty());
        let goes_on = Action::Notify(Notice::Resumed { turn: Turn(2), why: Why::NoWords });
        let noise = user("", UserKind::Noise);
        assert!(finals(&step(&mut captions, &[noise, goes_on])).is_empty());
        let text = "The capital of France is Paris.".to_owned();
        let finished = Action::Notify(Notice::Finished { turn: Turn(2), text });
        let told = step(&mut captions, &[finished]);
        assert_eq!(finals(&told), ["The capital of France is Paris."]);
    }

    #[test]
    fn a_reply_that_is_cut_for_good_is_told_before_what_cut_it() {
        let mut captions = Captions::default();
        step(&mut captions, &hushed(Why::Words, "The capital"));
        let told = step(&mut captions, &[user("What about Spain?", UserKind::Turn)]);
        assert_eq!(finals(&told), ["The capital", "What about Spain?"]);
    }

    #[test]
    fn what_the_user_said_before_the_turn_was_taken_up_again_is_not_told_twice() {
        let mut captions = Captions::default();
        let first = "I would like".to_owned();
        let told = step(&mut captions, &[user(&first, UserKind::Turn)]);
        assert_eq!(finals(&told), ["I would like"]);
        step(&mut captions, &hushed(Why::Words, ""));
        step(&mut captions, &[Action::Notify(Notice::Reopened { text: first })]);
        let told = step(&mut captions, &[user("I would like a coffee.", UserKind::Turn)]);
        assert_eq!(finals(&told), ["a coffee."]);
        let told = step(&mut captions, &[user("I would like milk.", UserKind::Turn)]);
        assert_eq!(finals(&told), ["I would like milk."]);
    }

    #[test]
    fn words_are_told_while_they_may_change_and_when_they_stand() {
        let words =
            Notice::Words { committed: "What is".to_owned(), tentative: "the cap".to_owned() };
        assert_eq!(
            lines(&[Action::Notify(words), user("What is the capital?", UserKind::Turn)]),
            [
                r#"{"type":"transcript","role":"user","text":"What is the cap","final":false}"#,
                r#"{"type":"transcript","role":"user","text":"What is the capital?","final":true}"#
            ]
        );
    }

    #[test]
    fn a_sound_without_words_is_not_told() {
        assert!(lines(&[user("", UserKind::Turn), user("(cough)", UserKind::Noise)]).is_empty());
    }
}
