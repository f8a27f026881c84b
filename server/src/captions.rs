//! The conversation as the client is sent it: from the session's notices to [`ServerEvent`]s.

use duplex_core::{Action, Event, Notice, UserKind};
use duplex_runtime::SessionStep;

use crate::message::{Role, ServerEvent};

/// Turns the steps of one call into events for its client. A line that is sent as final stays final: what may still
/// be revised waits.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    /// What was heard of a reply that was cut and may resume.
    cut: Option<String>,
    /// Words of the user's turn that were sent as final before it was reopened.
    reopened: String,
}

impl Captions {
    /// The events of a step, in order.
    pub(crate) fn events(&mut self, seen: SessionStep<'_>) -> Vec<ServerEvent> {
        let resumes = |action: &Action| matches!(action, Action::Notify(Notice::Resumed { .. }));
        if seen.actions.iter().any(resumes) {
            self.cut = None;
        }
        let mut events = Vec::new();
        for action in seen.actions {
            match action {
                Action::Cancel(_) => events.push(ServerEvent::Clear),
                Action::Notify(Notice::Warning(text)) => {
                    // Why is for the log: it may name hosts that are no concern of the client's.
                    let text = match seen.event {
                        Event::FellBack { .. } => "another model goes on with the reply".to_owned(),
                        _ => text.clone(),
                    };
                    events.push(ServerEvent::Warning { text });
                }
                Action::Notify(notice) => self.caption(notice, &mut events),
                _ => {}
            }
        }
        events
    }

    fn caption(&mut self, notice: &Notice, events: &mut Vec<ServerEvent>) {
        let mut send = |role: Role, text: &str, is_final: bool| {
            let text = text.trim().to_owned();
            if !text.is_empty() {
                events.push(ServerEvent::Transcript { role, text, is_final });
            }
        };
        match notice {
            Notice::Words { committed, tentative } => {
                send(Role::User, self.unsent(&format!("{committed} {tentative}")), false);
            }
            Notice::UserTurn { text, kind, .. } => {
                if let Some(heard) = self.cut.take() {
                    send(Role::Agent, &heard, true);
                }
                if *kind != UserKind::Noise {
                    send(Role::User, self.unsent(text), true);
                }
                self.reopened.clear();
            }
            Notice::Cancelled { may_resume: true, heard, .. } => {
                send(Role::Agent, heard, false);
                self.cut = Some(heard.clone());
            }
            Notice::Cancelled { heard, .. } => send(Role::Agent, heard, true),
            Notice::Finished { text, .. } => send(Role::Agent, text, true),
            Notice::Reopened { text } => self.reopened.clone_from(text),
            _ => {}
        }
    }

    /// The part of the user's turn that was not sent as final yet.
    fn unsent<'a>(&self, text: &'a str) -> &'a str {
        text.strip_prefix(&self.reopened).unwrap_or(text)
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::{SessionTime, Turn, Why};

    use super::*;

    fn step(captions: &mut Captions, actions: &[Action]) -> Vec<String> {
        let event = Event::Left;
        let events = captions.events(SessionStep { at: SessionTime(0), event: &event, actions });
        events.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
    }

    fn lines(actions: &[Action]) -> Vec<String> {
        step(&mut Captions::default(), actions)
    }

    fn cancelled(why: Why, heard: &str) -> [Action; 2] {
        let (turn, unheard) = (Turn(1), " of France".to_owned());
        let heard = heard.to_owned();
        let may_resume = matches!(why, Why::Words | Why::Length | Why::Model);
        let notice = Notice::Cancelled { turn, why, heard, unheard, may_resume };
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
    fn a_cancelled_reply_clears_and_shows_what_was_heard() {
        assert_eq!(
            lines(&cancelled(Why::StopCommand, " The capital")),
            [
                r#"{"type":"clear"}"#,
                r#"{"type":"transcript","role":"agent","text":"The capital","final":true}"#
            ]
        );
    }

    #[test]
    fn a_reply_that_is_cut_and_resumes_is_one_line() {
        let mut captions = Captions::default();
        assert!(finals(&step(&mut captions, &cancelled(Why::Words, "The capital"))).is_empty());
        let resumes = Action::Notify(Notice::Resumed { turn: Turn(2), why: Why::NoWords });
        let noise = user("", UserKind::Noise);
        assert!(finals(&step(&mut captions, &[noise, resumes])).is_empty());
        let text = "The capital of France is Paris.".to_owned();
        let finished = Action::Notify(Notice::Finished { turn: Turn(2), text });
        let sent = step(&mut captions, &[finished]);
        assert_eq!(finals(&sent), ["The capital of France is Paris."]);
    }

    #[test]
    fn a_reply_that_the_duplex_model_cut_and_that_resumes_is_one_line() {
        let mut captions = Captions::default();
        let cut = step(&mut captions, &cancelled(Why::Model, "The capital"));
        let resumed = Action::Notify(Notice::Resumed { turn: Turn(2), why: Why::Backchannel });
        let noise = user("Blue whales.", UserKind::Noise);
        let went_on = step(&mut captions, &[noise, resumed]);
        let text = "The capital of France is Paris.".to_owned();
        let finished =
            step(&mut captions, &[Action::Notify(Notice::Finished { turn: Turn(2), text })]);
        let all = [cut, went_on, finished].concat();
        assert_eq!(finals(&all), ["The capital of France is Paris."]);
    }

    #[test]
    fn a_reply_that_is_cut_for_good_comes_before_what_cut_it() {
        let mut captions = Captions::default();
        step(&mut captions, &cancelled(Why::Words, "The capital"));
        let sent = step(&mut captions, &[user("What about Spain?", UserKind::Turn)]);
        assert_eq!(finals(&sent), ["The capital", "What about Spain?"]);
    }

    #[test]
    fn what_the_user_said_before_the_turn_was_reopened_is_not_sent_twice() {
        let mut captions = Captions::default();
        let first = "I would like".to_owned();
        let sent = step(&mut captions, &[user(&first, UserKind::Turn)]);
        assert_eq!(finals(&sent), ["I would like"]);
        step(&mut captions, &cancelled(Why::Words, ""));
        step(&mut captions, &[Action::Notify(Notice::Reopened { text: first })]);
        let sent = step(&mut captions, &[user("I would like a coffee.", UserKind::Turn)]);
        assert_eq!(finals(&sent), ["a coffee."]);
        let sent = step(&mut captions, &[user("I would like milk.", UserKind::Turn)]);
        assert_eq!(finals(&sent), ["I would like milk."]);
    }

    #[test]
    fn words_are_sent_while_they_may_change_and_when_they_are_final() {
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
    fn a_client_is_told_that_another_model_goes_on_and_not_of_whose_server() {
        let event = Event::FellBack { turn: Turn(1), why: "llm.inside is down".to_owned() };
        let notice = Notice::Warning("another model: llm.inside is down".to_owned());
        let actions = [Action::Notify(notice)];
        let step = SessionStep { at: SessionTime(0), event: &event, actions: &actions };
        let sent = Captions::default().events(step);
        let sent = serde_json::to_string(&sent).unwrap();
        assert!(sent.contains("warning") && !sent.contains("inside"), "{sent}");
    }

    #[test]
    fn a_sound_without_words_is_not_sent() {
        assert!(lines(&[user("", UserKind::Turn), user("(cough)", UserKind::Noise)]).is_empty());
    }
}
