//! What a peer is told of the conversation.

use duplex_core::{Action, Notice, UserKind};
use duplex_runtime::Seen;

use crate::message::{Role, Told};

/// What of a step the peer is told, in order.
pub(crate) fn told(seen: Seen<'_>) -> impl Iterator<Item = Told> {
    seen.actions.iter().filter_map(|action| match action {
        Action::Hush(_) => Some(Told::Clear),
        Action::Notify(notice) => caption(notice),
        _ => None,
    })
}

fn caption(notice: &Notice) -> Option<Told> {
    let (role, text, is_final) = match notice {
        Notice::Words { committed, tentative } => {
            (Role::User, format!("{committed} {tentative}"), false)
        }
        Notice::UserTurn { text, kind, .. } => match kind {
            UserKind::Turn | UserKind::Stop | UserKind::Backchannel => {
                (Role::User, text.clone(), true)
            }
            UserKind::Noise => return None,
        },
        Notice::Finished { text, .. } => (Role::Agent, text.clone(), true),
        Notice::Hushed { heard, .. } => (Role::Agent, heard.clone(), true),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| Told::Transcript { role, text: text.to_owned(), is_final })
}

#[cfg(test)]
mod tests {
    use duplex_core::{Event, SessionTime, Turn, Why};

    use super::*;

    fn lines(actions: &[Action]) -> Vec<String> {
        let event = Event::Left;
        told(Seen { at: SessionTime(0), event: &event, actions })
            .map(|told| serde_json::to_string(&told).unwrap())
            .collect()
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
        let hushed = Notice::Hushed {
            turn: Turn(1),
            why: Why::Words,
            heard: " The capital".to_owned(),
            unheard: " of France".to_owned(),
        };
        assert_eq!(
            lines(&[Action::Hush(Turn(1)), Action::Notify(hushed)]),
            [
                r#"{"type":"clear"}"#,
                r#"{"type":"transcript","role":"agent","text":"The capital","final":true}"#
            ]
        );
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
