//! What a program asks of a conversation.

use std::collections::BTreeMap;

use crate::{Overlap, Samples, Turn};

/// Numbers the commands of a call, so that whoever sent one knows which was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandId(pub u32);

/// What a program asks of a conversation. It enters as [`Event::Command`](crate::Event::Command), in its place among
/// the other events, and is carried out in that very step; what cannot be done in the present state is refused by name
/// ([`Refused`](crate::ConversationEvent::Refused)) and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Command {
    /// Answer now: what the user has said so far is a turn, and complete. Where the user has said nothing, the assistant
    /// goes on with the conversation as it is. Refused while a reply is spoken.
    Respond,
    /// Cancel the reply that is prepared or spoken, and those that wait to be said. The user's words stay.
    Cancel,
    /// Take this as if the user had said it, and answer. A reply under way is cut.
    UserText(String),
    /// Take this as said before, in an earlier call or in writing: it becomes part of the conversation, and nobody answers
    /// it. Refused while anything is under way.
    Earlier {
        /// What the user said; empty where the assistant spoke first.
        user: String,
        /// What the user heard of the assistant's answer.
        assistant: String,
    },
    /// Say exactly this: next, once the assistant says nothing else and the user is silent.
    Say {
        /// The text.
        text: String,
        /// Whether the user can interrupt it. Where not, what the user says meanwhile is answered afterwards, and the
        /// text does not wait for the user to be silent. Only [`Cancel`](Self::Cancel) ends it.
        interruptible: bool,
    },
    /// Change the session: from the next reply on, but for what concerns the user's side.
    Configure(Box<SessionChange>),
    /// Hear nothing from now on: the microphone's sound is taken for silence.
    Mute,
    /// Hear the user again.
    Unmute,
    /// Push-to-talk, down: the user has the floor until it is released, and is heard even while muted. A reply under way
    /// is cut.
    Press,
    /// Push-to-talk, up: the user's turn is complete.
    Release,
    /// End the call after the sentence that is being written, or at once where the assistant is silent and has nothing
    /// left to say.
    End,
    /// A client says how much of a reply it really played: of the one under way, which ends there, or of the newest.
    Truncate {
        /// The reply, as [`ConversationEvent`](crate::ConversationEvent)s number it.
        reply: Turn,
        /// The audio that was played.
        audio: Samples,
    },
    /// The result of a tool that the model has called.
    ToolResult {
        /// The call's name for itself.
        call: String,
        /// The result.
        output: String,
    },
}

/// A change of the session: what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct SessionChange {
    /// What the reply model is told about its task.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub instructions: Option<String>,
    /// The language that the user speaks, as ISO 639-1.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub language: Option<String>,
    /// Names and words that are likelier in this call than elsewhere.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub vocabulary: Option<Vec<String>>,
    /// How words are pronounced: each with another spelling, or with phonemes between slashes, in place of those that
    /// the call had of its own.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pronunciation: Option<BTreeMap<String, String>>,
    /// The name of the reply model.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub reply: Option<String>,
    /// The longest reply, in tokens.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub most_reply_tokens: Option<u32>,
    /// The name of the voice.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub voice: Option<String>,
    /// How fast the assistant speaks, in thousandths of the voice's own pace: 500 to 2000.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub speed: Option<u16>,
    /// How freely the reply model chooses its words, in thousandths: 0 takes the likeliest.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub temperature: Option<u16>,
    /// Turn-taking.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "TurnChange::is_none"))]
    pub turns: TurnChange,
}

/// A change of turn-taking: what is none stays as it is. The fields are those of [`Policy`](crate::Policy).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct TurnChange {
    /// How overlapping speech is treated.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub overlap: Option<Overlap>,
    /// Whether the user's turns are answered without a command.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub answers: Option<bool>,
    /// The silence that ends a turn, whatever the evidence; 0: the evidence decides again.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub fixed_wait: Option<Samples>,
    /// Silence after which a turn is answered although it does not seem over.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub longest_wait: Option<Samples>,
    /// Silence of both sides after which it is reported, and the question asked; 0: never.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub idle_after: Option<Samples>,
    /// What is asked then; empty: nothing.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub idle_question: Option<String>,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Refusal {
    /// There is no reply to cancel.
    NoReply,
    /// A reply is spoken, or prepared by command, already.
    ReplyUnderWay,
    /// No such reply is under way, and it is not the newest one.
    NoSuchReply,
    /// The reply has no audio there.
    BeyondTheEnd {
        /// Its length.
        audio_ms: u64,
    },
    /// The text has no words.
    NoText,
    /// The text is too long.
    TooLong {
        /// The longest that is taken, in bytes.
        most: usize,
    },
    /// Too much waits to be said already.
    TooMuchToSay,
    /// Too much of what the user said, or was sent as the user's, is not answered yet.
    TooMuchToAnswer,
    /// Push-to-talk is down already.
    Pressed,
    /// Push-to-talk is not down.
    NotPressed,
    /// Somebody speaks, or an answer is prepared.
    UnderWay,
    /// The call is about to end.
    Ending,
    /// The model has not called such a tool.
    NoSuchToolCall,
    /// The session cannot be changed so.
    Setting(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoReply => "there is no reply to cancel",
            Self::ReplyUnderWay => "a reply is under way: cancel it first",
            Self::NoSuchReply => "it is neither the reply under way nor the newest one",
            Self::BeyondTheEnd { audio_ms } => {
                return write!(f, "the reply has no more than {audio_ms} ms of audio");
            }
            Self::NoText => "the text has no words",
            Self::TooLong { most } => return write!(f, "at most {most} bytes of text are taken"),
            Self::TooMuchToSay => "too much waits to be said already",
            Self::TooMuchToAnswer => "too much waits for an answer already",
            Self::Pressed => "push-to-talk is down already",
            Self::NotPressed => "push-to-talk is not down",
            Self::UnderWay => "somebody speaks, or an answer is prepared",
            Self::Ending => "the call is about to end",
            Self::NoSuchToolCall => "the model has not called such a tool",
            Self::Setting(why) => why,
        })
    }
}

impl Command {
    /// The longest text, in bytes: some minutes of speech.
    pub const LONGEST_TEXT: usize = 16 * 1024;

    /// Whether any conversation could carry it out. Whoever takes commands from outside asks before it puts one into a
    /// session's inbox.
    ///
    /// # Errors
    /// The reason why none could.
    pub fn check(&self) -> Result<(), Refusal> {
        let text = match self {
            Self::Earlier { user, .. } if user.len() > Self::LONGEST_TEXT => {
                return Err(Refusal::TooLong { most: Self::LONGEST_TEXT });
            }
            Self::UserText(text)
            | Self::Earlier { assistant: text, .. }
            | Self::Say { text, .. } => text,
            Self::ToolResult { output, .. } if output.len() > Self::LONGEST_TEXT => {
                return Err(Refusal::TooLong { most: Self::LONGEST_TEXT });
            }
            Self::Configure(change) => return change.turns.check(),
            _ => return Ok(()),
        };
        if text.len() > Self::LONGEST_TEXT {
            Err(Refusal::TooLong { most: Self::LONGEST_TEXT })
        } else if !text.contains(char::is_alphanumeric) {
            Err(Refusal::NoText)
        } else {
            Ok(())
        }
    }
}

impl SessionChange {
    /// This change with a later one: what that one leaves as it is stays.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            instructions: later.instructions.or(self.instructions),
            language: later.language.or(self.language),
            vocabulary: later.vocabulary.or(self.vocabulary),
            pronunciation: later.pronunciation.or(self.pronunciation),
            reply: later.reply.or(self.reply),
            most_reply_tokens: later.most_reply_tokens.or(self.most_reply_tokens),
            voice: later.voice.or(self.voice),
            speed: later.speed.or(self.speed),
            temperature: later.temperature.or(self.temperature),
            turns: TurnChange {
                overlap: later.turns.overlap.or(self.turns.overlap),
                answers: later.turns.answers.or(self.turns.answers),
                fixed_wait: later.turns.fixed_wait.or(self.turns.fixed_wait),
                longest_wait: later.turns.longest_wait.or(self.turns.longest_wait),
                idle_after: later.turns.idle_after.or(self.turns.idle_after),
                idle_question: later.turns.idle_question.or(self.turns.idle_question),
            },
        }
    }
}

impl TurnChange {
    /// Whether nothing changes.
    #[cfg(feature = "serde")]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self) -> Result<(), Refusal> {
        let waits = [self.fixed_wait, self.longest_wait];
        if waits.into_iter().flatten().any(|wait| wait > LONGEST_WAIT) {
            let what = format!("a turn waits for {} ms at most", LONGEST_WAIT.as_millis());
            return Err(Refusal::Setting(what));
        }
        if let Some(after) = self.idle_after
            && after != Samples(0)
            && after < SHORTEST_IDLE
        {
            let what = "a silence that is reported lasts a second, or none is reported (0)";
            return Err(Refusal::Setting(what.to_owned()));
        }
        match &self.idle_question {
            Some(question) if question.len() > Command::LONGEST_TEXT => {
                Err(Refusal::TooLong { most: Command::LONGEST_TEXT })
            }
            _ => Ok(()),
        }
    }
}

/// The shortest silence that is reported.
const SHORTEST_IDLE: Samples = Samples::from_millis(1_000);

/// The longest silence that may be waited for before an answer.
const LONGEST_WAIT: Samples = Samples::from_millis(30_000);

/// Text from outside without control characters: those that separate words become spaces.
pub(crate) fn plain(text: &str) -> String {
    let spaced = text.replace(|c: char| c.is_control(), " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest piece of text that is synthesised at once, in bytes.
const LONGEST_CLAUSE: usize = 240;

/// Cuts text to be said into clauses that give the text when put together: behind sentences, and within those that are
/// too long to be synthesised at once behind a comma, else behind a word.
pub(crate) fn clauses(text: &str) -> Vec<String> {
    let mut clauses = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut longest = rest.len().min(LONGEST_CLAUSE);
        while !rest.is_char_boundary(longest) {
            longest -= 1;
        }
        let behind = |marks: &[char]| {
            let spaces = rest[..longest].match_indices(' ').map(|(at, _)| at);
            let mut ends = spaces.filter(|&at| rest[..at].ends_with(marks));
            // The first sentence, so that the voice begins soon, but the last comma.
            if marks.contains(&'.') { ends.next() } else { ends.next_back() }
        };
        let sentence = behind(&['.', '?', '!', '\u{2026}', '\u{3002}']);
        let end = match sentence {
            Some(at) => at + 1,
            None if longest == rest.len() => rest.len(),
            None => match behind(&[',', ';', ':']).or_else(|| rest[..longest].rfind(' ')) {
                Some(at) => at + 1,
                None => longest,
            },
        };
        let (clause, more) = rest.split_at(end);
        clauses.push(clause.to_owned());
        rest = more;
    }
    clauses
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_cut_behind_its_sentences() {
        let text = "This call is recorded. You may object at any time. Shall we go on?";
        assert_eq!(
            clauses(text),
            ["This call is recorded. ", "You may object at any time. ", "Shall we go on?"]
        );
    }

    #[test]
    fn control_characters_are_no_part_of_a_text() {
        assert_eq!(plain("one\u{0}two\r\n\tthree \u{1b}[31mred"), "one two three [31mred");
    }

    proptest! {
        #[test]
        fn the_clauses_of_any_text_are_short_and_give_the_text(text in "(\\PC|[ .,?]){0,900}") {
            let text = plain(&text);
            let clauses = clauses(&text);
            prop_assert_eq!(clauses.concat(), text);
            prop_assert!(clauses.iter().all(|it| !it.is_empty() && it.len() <= LONGEST_CLAUSE + 1));
        }
    }
}
