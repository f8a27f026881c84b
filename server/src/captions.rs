//! The conversation as the client is sent it: from the stream of events to [`ServerEvent`]s.

use duplex_core::{ConversationEvent, UserKind};

use crate::message::{Role, ServerEvent};

/// What the client is sent about an event, in order. A line that is sent as final stays final: what may still be revised
/// is not, and the stream has the end of a reply that was cut before the words that cut it.
pub(crate) fn captions(event: &ConversationEvent) -> Vec<ServerEvent> {
    let mut sent = Vec::new();
    let mut line = |role: Role, text: &str, is_final: bool| {
        let text = text.trim().to_owned();
        if !text.is_empty() {
            sent.push(ServerEvent::Transcript { role, text, is_final });
        }
    };
    match event {
        ConversationEvent::UserWords { committed, tentative, .. } => {
            line(Role::User, &format!("{committed} {tentative}"), false);
        }
        ConversationEvent::UserTurn { text, kind, .. } if *kind != UserKind::Noise => {
            line(Role::User, text, true);
        }
        ConversationEvent::ReplyCancelled { heard, may_resume, .. } => {
            // What was heard is final with the reply's end.
            if *may_resume {
                line(Role::Agent, heard, false);
            }
            sent.insert(0, ServerEvent::Clear);
        }
        ConversationEvent::ReplyEnded { heard, .. } => line(Role::Agent, heard, true),
        // The detail is for the log.
        ConversationEvent::Warning { text, .. } => {
            sent.push(ServerEvent::Warning { text: text.clone() });
        }
        _ => {}
    }
    sent
}

#[cfg(test)]
mod tests {
    use duplex_core::{Speech, Turn, Why};

    use super::*;

    fn lines(events: &[ConversationEvent]) -> Vec<String> {
        let sent = events.iter().flat_map(captions);
        sent.map(|event| serde_json::to_string(&event).unwrap()).collect()
    }

    fn cancelled(why: Why, heard: &str, taken_back: bool) -> Vec<ConversationEvent> {
        let may_resume = matches!(why, Why::Words | Why::Length | Why::Model) && !taken_back;
        let cancelled = ConversationEvent::ReplyCancelled {
            reply: Turn(1),
            why,
            heard: heard.to_owned(),
            unheard: " of France".to_owned(),
            may_resume,
            taken_back,
        };
        let ended = (!may_resume).then(|| ended(heard, Some(why)));
        std::iter::once(cancelled).chain(ended).collect()
    }

    fn ended(heard: &str, cut: Option<Why>) -> ConversationEvent {
        let (heard, unheard) = (heard.to_owned(), String::new());
        ConversationEvent::ReplyEnded { reply: Turn(1), heard, unheard, cut }
    }

    fn resumed(why: Why) -> ConversationEvent {
        ConversationEvent::ReplyResumed { reply: Turn(1), why }
    }

    fn finals(lines: &[String]) -> Vec<&str> {
        let finals = lines.iter().filter(|line| line.contains("\"final\":true"));
        finals.filter_map(|line| line.split('"').nth(11)).collect()
    }

    fn user(text: &str, kind: UserKind) -> ConversationEvent {
        continued(text, kind, None, text)
    }

    fn continued(
        text: &str,
        kind: UserKind,
        continues: Option<Speech>,
        line: &str,
    ) -> ConversationEvent {
        ConversationEvent::UserTurn {
            speech: Speech(2),
            began_ms: 0,
            ended_ms: 0,
            text: text.to_owned(),
            kind,
            why: None,
            typed: false,
            continues,
            line: line.to_owned(),
        }
    }

    #[test]
    fn a_cancelled_reply_clears_and_shows_what_was_heard() {
        assert_eq!(
            lines(&cancelled(Why::StopCommand, " The capital", false)),
            [
                r#"{"type":"clear"}"#,
                r#"{"type":"transcript","role":"agent","text":"The capital","final":true}"#
            ]
        );
    }

    #[test]
    fn a_reply_that_may_resume_clears_first_and_is_not_final() {
        assert_eq!(
            lines(&cancelled(Why::Words, " The capital", false)),
            [
                r#"{"type":"clear"}"#,
                r#"{"type":"transcript","role":"agent","text":"The capital","final":false}"#
            ]
        );
    }

    #[test]
    fn a_reply_that_is_cut_and_resumes_is_one_line() {
        let mut events = cancelled(Why::Words, "The capital", false);
        events.extend([user("", UserKind::Noise), resumed(Why::NoWords)]);
        assert!(finals(&lines(&events)).is_empty());
        events.push(ended("The capital of France is Paris.", None));
        assert_eq!(finals(&lines(&events)), ["The capital of France is Paris."]);
    }

    #[test]
    fn a_reply_that_the_duplex_model_cut_and_that_resumes_is_one_line() {
        let mut events = cancelled(Why::Model, "The capital", false);
        events.extend([user("Blue whales.", UserKind::Noise), resumed(Why::Backchannel)]);
        events.push(ended("The capital of France is Paris.", None));
        assert_eq!(finals(&lines(&events)), ["The capital of France is Paris."]);
    }

    #[test]
    fn a_reply_that_is_cut_for_good_comes_before_what_cut_it() {
        let mut events = cancelled(Why::Words, "The capital", false);
        events.push(ended("The capital", Some(Why::Words)));
        events.push(user("What about Spain?", UserKind::Turn));
        assert_eq!(finals(&lines(&events)), ["The capital", "What about Spain?"]);
    }

    #[test]
    fn what_the_user_said_before_the_turn_was_reopened_is_not_sent_twice() {
        let mut events = vec![user("I would like", UserKind::Turn)];
        events.extend(cancelled(Why::Words, "", true));
        let whole = "I would like a coffee.";
        events.push(continued("a coffee.", UserKind::Turn, Some(Speech(1)), whole));
        assert_eq!(finals(&lines(&events)), ["I would like", "a coffee."]);
    }

    #[test]
    fn words_are_sent_while_they_may_change_and_when_they_are_final() {
        let words = ConversationEvent::UserWords {
            speech: Speech(1),
            committed: "What is".to_owned(),
            tentative: "the cap".to_owned(),
        };
        assert_eq!(
            lines(&[words, user("What is the capital?", UserKind::Turn)]),
            [
                r#"{"type":"transcript","role":"user","text":"What is the cap","final":false}"#,
                r#"{"type":"transcript","role":"user","text":"What is the capital?","final":true}"#
            ]
        );
    }

    #[test]
    fn a_client_is_told_that_another_model_goes_on_and_not_of_whose_server() {
        let text = "another model goes on with the reply".to_owned();
        let detail = "llm.inside is down".to_owned();
        assert_eq!(
            lines(&[ConversationEvent::Warning { text, detail }]),
            [r#"{"type":"warning","text":"another model goes on with the reply"}"#]
        );
    }

    #[test]
    fn a_sound_without_words_is_not_sent() {
        let events = [user("", UserKind::Turn), user("(cough)", UserKind::Noise)];
        assert!(lines(&events).is_empty());
    }
}
