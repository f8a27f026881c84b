//! The conversation as it stands: what is final, and what still changes.

use std::fmt;

use duplex_core::{ConversationEvent as Event, Shown, Turn, UserKind, Why};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    Assistant,
    Note,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "you",
            Self::Assistant => "duplex",
            Self::Note => "",
        }
    }
}

/// A final line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at_ms: u64,
    pub(crate) who: Who,
    pub(crate) text: String,
    /// What was to follow and nobody heard, and what cut it.
    pub(crate) cut: Option<(String, Why)>,
}

/// A plain line.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:>7}: {}", clock(self.at_ms), self.who.name(), self.text)?;
        match &self.cut {
            Some((_, why)) => write!(f, " \u{2014} [cut: {}]", name(*why)),
            None => Ok(()),
        }
    }
}

/// Minutes and seconds of the call.
pub(crate) fn clock(millis: u64) -> String {
    format!("{:02}:{:04.1}", millis / 60_000, (millis % 60_000) as f64 / 1000.0)
}

/// A reason as words.
pub(crate) fn name(why: Why) -> String {
    let name = format!("{why:?}");
    let spaced = name.char_indices().flat_map(|(at, letter)| {
        let space = (at > 0 && letter.is_uppercase()).then_some(' ');
        space.into_iter().chain(letter.to_lowercase())
    });
    spaced.collect()
}

/// How a reply is spoken at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Voice {
    #[default]
    Full,
    Ducked,
    Held,
    /// Not at all: it was cut, and may resume.
    Cut,
}

/// The reply that is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    id: Turn,
    pub(crate) heard: String,
    /// What it is to say after that.
    pub(crate) unheard: String,
    pub(crate) voice: Voice,
}

/// What is said at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) committed: String,
    pub(crate) tentative: String,
    pub(crate) user_speaks: bool,
    pub(crate) is_muted: bool,
    /// Push-to-talk is down.
    pub(crate) is_pressed: bool,
    pub(crate) is_preparing: bool,
    pub(crate) reply: Option<Reply>,
    /// From the user's last sound to the newest reply, in ms.
    pub(crate) latency: Option<u64>,
    said: Vec<Said>,
}

/// Why words were not answered, for people.
fn not_answered(why: Why) -> &'static str {
    match why {
        Why::ToOthers => ", to somebody else",
        Why::OtherVoice => ", another voice",
        Why::Noise => ", no voice",
        _ => "",
    }
}

impl Conversation {
    /// Final lines since this was last asked.
    pub(crate) fn said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    pub(crate) fn see(&mut self, shown: &Shown) {
        let at_ms = shown.at_ms;
        let mut say = |who: Who, text: String, cut: Option<(String, Why)>| {
            self.said.push(Said { at_ms, who, text, cut });
        };
        match &shown.event {
            Event::UserSpeechStarted { .. } => self.user_speaks = true,
            Event::UserSpeechStopped { .. } => self.user_speaks = false,
            Event::UserWords { committed, tentative, .. } => {
                (self.committed, self.tentative) = (committed.clone(), tentative.clone());
            }
            Event::UserTurn { text, kind, why, typed, .. } => {
                if !typed {
                    self.committed.clear();
                    self.tentative.clear();
                }
                match kind {
                    UserKind::Noise if text.is_empty() => {
                        say(Who::Note, "(a sound without words)".to_owned(), None);
                    }
                    UserKind::Noise => {
                        let why = why.map_or("", not_answered);
                        say(Who::Note, format!("(not answered{why}: {text})"), None);
                    }
                    _ if text.is_empty() => {}
                    UserKind::Backchannel => {
                        say(Who::User, format!("({})", text.to_lowercase()), None);
                    }
                    UserKind::Turn | UserKind::Stop if *typed => {
                        say(Who::User, format!("{text} (typed)"), None);
                    }
                    UserKind::Turn | UserKind::Stop => say(Who::User, text.clone(), None),
                }
            }
            Event::ReplyPreparing { .. } => self.is_preparing = true,
            Event::ReplyDropped { .. } => self.is_preparing = false,
            Event::ReplyStarted { reply, .. } => {
                self.is_preparing = false;
                self.reply = Some(Reply { id: *reply, ..Reply::default() });
            }
            Event::ReplyText { reply, text } => self.reply(*reply).unheard.push_str(text),
            Event::ReplyHeard { reply, text, .. } => {
                let reply = self.reply(*reply);
                reply.heard.push_str(text);
                let rest = reply.unheard.strip_prefix(text.as_str()).unwrap_or_default();
                reply.unheard = rest.to_owned();
            }
            Event::ReplyLatency { stages, .. } => self.latency = Some(stages.audible_ms),
            Event::ReplyDucked { reply } => self.reply(*reply).voice = Voice::Ducked,
            Event::ReplyHeld { reply } => self.reply(*reply).voice = Voice::Held,
            Event::ReplyResumed { reply, .. } => self.reply(*reply).voice = Voice::Full,
            Event::ReplyCancelled { reply, heard, unheard, .. } => {
                let (heard, unheard) = (heard.clone(), unheard.clone());
                *self.reply(*reply) = Reply { id: *reply, heard, unheard, voice: Voice::Cut };
            }
            Event::ReplyEnded { reply, heard, unheard, cut } => {
                let cut = cut.map(|why| (unheard.trim_end().to_owned(), why));
                say(Who::Assistant, heard.trim().to_owned(), cut);
                self.reply.take_if(|it| it.id == *reply);
            }
            Event::ReplyTruncated { heard, .. } => {
                say(Who::Note, format!("(heard of it: {})", heard.trim()), None);
            }
            Event::UserIdle { silence_ms, .. } => {
                say(Who::Note, format!("(nobody has spoken for {} s)", silence_ms / 1000), None);
            }
            Event::Microphone { open } => self.is_muted = !open,
            Event::PushToTalk { down, .. } => self.is_pressed = *down,
            Event::Refused { text, .. } => say(Who::Note, format!("refused: {text}"), None),
            Event::Warning { text, detail } if detail.is_empty() => {
                say(Who::Note, format!("warning: {text}"), None);
            }
            Event::Warning { text, detail } => {
                say(Who::Note, format!("warning: {text}: {detail}"), None);
            }
            Event::Lost { events } => say(Who::Note, format!("({events} events were lost)"), None),
            Event::CallStarted { .. }
            | Event::EndOfTurn { .. }
            | Event::Configured { .. }
            | Event::CallEnded => {}
        }
    }

    /// The reply of this number. Its beginning is missing where events were lost.
    fn reply(&mut self, id: Turn) -> &mut Reply {
        let reply = self.reply.get_or_insert_default();
        if reply.id != id {
            *reply = Reply { id, ..Reply::default() };
        }
        reply
    }

    pub(crate) fn floor(&self) -> &'static str {
        let assistant = self.reply.as_ref().map(|reply| reply.voice);
        match (self.user_speaks, assistant) {
            (true, Some(Voice::Full | Voice::Ducked)) => "both",
            (true, _) => "you",
            (false, Some(Voice::Full | Voice::Ducked | Voice::Held)) => "duplex",
            (false, Some(Voice::Cut) | None) if self.is_preparing => "thinking",
            (false, Some(Voice::Cut) | None) => "listening",
        }
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::{Permille, Speech};

    use super::*;

    fn seen(events: &[Event]) -> Conversation {
        let mut conversation = Conversation::default();
        for event in events {
            conversation.see(&Shown { at_ms: 61_500, event: event.clone() });
        }
        conversation
    }

    fn lines(events: &[Event]) -> Vec<String> {
        seen(events).said().iter().map(Said::to_string).collect()
    }

    fn speaking() -> Vec<Event> {
        let (reply, evidence, threshold) = (Turn(3), Permille(900), Permille(500));
        vec![
            Event::ReplyStarted { reply, silence_ms: 400, evidence, threshold },
            Event::ReplyText { reply, text: "It is Paris,".to_owned() },
            Event::ReplyText { reply, text: " as you know.".to_owned() },
            Event::ReplyHeard { reply, text: "It is".to_owned(), audio_ms: 500 },
        ]
    }

    fn cancelled() -> Event {
        Event::ReplyCancelled {
            reply: Turn(3),
            why: Why::Words,
            heard: "It is".to_owned(),
            unheard: " Paris, as you know.".to_owned(),
            may_resume: true,
            taken_back: false,
        }
    }

    fn ended(heard: &str, unheard: &str, cut: Option<Why>) -> Event {
        let (heard, unheard) = (heard.to_owned(), unheard.to_owned());
        Event::ReplyEnded { reply: Turn(3), heard, unheard, cut }
    }

    fn user(text: &str, kind: UserKind) -> Event {
        Event::UserTurn {
            speech: Speech(0),
            began_ms: 0,
            ended_ms: 0,
            text: text.to_owned(),
            kind,
            why: None,
            typed: false,
            continues: None,
            line: text.to_owned(),
        }
    }

    #[test]
    fn what_was_heard_of_a_reply_is_told_from_what_is_to_come() {
        let reply = seen(&speaking()).reply.unwrap();
        assert_eq!((&*reply.heard, &*reply.unheard), ("It is", " Paris, as you know."));
    }

    #[test]
    fn a_reply_that_resumes_is_one_line_once_it_ends() {
        let reply = Turn(3);
        let rest = Event::ReplyHeard { reply, text: " Paris,".to_owned(), audio_ms: 900 };
        let mut events = speaking();
        events.extend([cancelled(), Event::ReplyResumed { reply, why: Why::NoWords }, rest]);
        let conversation = seen(&events);
        let spoken = conversation.reply.as_ref().unwrap();
        assert_eq!((&*spoken.heard, &*spoken.unheard), ("It is Paris,", " as you know."));
        assert_eq!(spoken.voice, Voice::Full);
        events.push(ended("It is Paris, as you know.", "", None));
        assert_eq!(lines(&events), ["01:01.5  duplex: It is Paris, as you know."]);
    }

    #[test]
    fn a_reply_that_is_cut_stands_before_what_cut_it_with_what_was_not_heard() {
        let mut events = speaking();
        events.extend([cancelled(), ended("It is", " Paris, as you know.", Some(Why::Words))]);
        events.push(user("And Spain?", UserKind::Turn));
        let mut conversation = seen(&events);
        assert!(conversation.reply.is_none());
        let said = conversation.said();
        assert_eq!(said[0].cut, Some((" Paris, as you know.".to_owned(), Why::Words)));
        let said: Vec<_> = said.iter().map(Said::to_string).collect();
        assert_eq!(
            said,
            ["01:01.5  duplex: It is \u{2014} [cut: words]", "01:01.5     you: And Spain?"]
        );
    }

    #[test]
    fn a_reason_is_shown_as_words() {
        assert_eq!(name(Why::StopCommand), "stop command");
    }

    #[test]
    fn what_needs_no_answer_is_told_from_a_turn() {
        let events = [
            user("Uh-huh.", UserKind::Backchannel),
            user("", UserKind::Noise),
            user("Anna, come here.", UserKind::Noise),
        ];
        assert_eq!(
            lines(&events),
            [
                "01:01.5     you: (uh-huh.)",
                "01:01.5        : (a sound without words)",
                "01:01.5        : (not answered: Anna, come here.)",
            ]
        );
    }

    #[test]
    fn the_floor_is_both_sides_while_the_assistant_speaks_on_and_the_users_once_it_is_held() {
        let mut events = speaking();
        events.push(Event::UserSpeechStarted { speech: Speech(1) });
        events.push(Event::ReplyDucked { reply: Turn(3) });
        assert_eq!(seen(&events).floor(), "both");
        events.push(Event::ReplyHeld { reply: Turn(3) });
        assert_eq!(seen(&events).floor(), "you");
    }

    #[test]
    fn a_reply_whose_beginning_was_lost_is_shown_from_where_it_is_known() {
        let text = " by the sea.".to_owned();
        let events =
            [Event::Lost { events: 7 }, Event::ReplyText { reply: Turn(9), text: text.clone() }];
        let mut conversation = seen(&events);
        assert_eq!(conversation.reply.take().unwrap().unheard, text);
        assert_eq!(conversation.said()[0].text, "(7 events were lost)");
    }
}
