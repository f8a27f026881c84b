//! A dialogue in time slices: one line of a data set.

use serde::{Deserialize, Serialize};

/// A conversation whose last part is cut into slices.
///
/// One line of a data set, as JSON. docs/dialogues.md describes the fields for users of the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// Part of the data set and number in it, such as `train-000017`.
    pub id: String,
    /// What happens in it.
    pub category: Category,
    /// The maximum slice length, in ms. A slice ends early if the user's speech ends.
    pub slice_ms: u32,
    /// Earlier turns, complete and finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Turn>,
    /// The slices, in order of time.
    pub slices: Vec<Slice>,
}

/// A finished turn.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What the user said.
    pub user: String,
    /// What the assistant answered.
    pub assistant: String,
}

/// One time slice: the user's words in it, and what the assistant then says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Words of the user that were recognised in the slice; none if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether the user fell silent after these words; otherwise the slice ended while the user was speaking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub falls_silent: bool,
    /// Words that the assistant then says; none if it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<String>,
    /// Whether the reply ends with these words.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ends: bool,
    /// The assistant's situation: the reason for what it does.
    pub phase: Phase,
}

impl Slice {
    /// Whether neither side speaks. Such a slice is a decision, and leaves no trace in the layout of what follows.
    pub fn is_idle(&self) -> bool {
        self.user.is_none() && self.assistant.is_none()
    }
}

// serde passes a reference.
fn is_false(value: &bool) -> bool {
    !value
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All variants, in display order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the file.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

named! {
    /// What happens in a dialogue. The first six are those of the paper (arXiv 2406.15718, section 3).
    Category {
        /// Questions and answers, one after the other.
        Basic = "basic",
        /// A question on another subject interrupts the reply.
        TopicInterweaving = "topic-interweaving",
        /// The user ends the reply and wants nothing more.
        Termination = "termination",
        /// The user interrupts and wants the reply in another form.
        Regeneration = "regeneration",
        /// The user interrupts and starts over.
        Reset = "reset",
        /// After an interruption the assistant returns to what it was saying.
        BackOnTopic = "back-on-topic",
        /// A backchannel while the assistant speaks, or after it has spoken.
        Backchannel = "backchannel",
        /// The user pauses inside sentences.
        Pause = "pause",
        /// The user has finished, and the answer starts one or more slices later.
        LateStart = "late-start",
        /// An interruption that starts with the words of a backchannel, or a backchannel that is all there is.
        HardPair = "hard-pair",
        /// The user speaks to somebody else.
        ToOthers = "to-others",
        /// Speech recognition makes errors.
        Misheard = "misheard",
        /// A command to stop, of any length, also while the assistant is silent.
        Stop = "stop",
        /// The assistant fell silent at a false alarm and resumes.
        FalseAlarm = "false-alarm",
    }
}

named! {
    /// The assistant's situation in a slice.
    Phase {
        /// The user is in the middle of a sentence and continues to speak: stay silent.
        Wait = "wait",
        /// The user has just fallen silent in the middle of a sentence: stay silent.
        Break = "break",
        /// The user remains silent in the middle of a sentence: stay silent.
        Pause = "pause",
        /// The user has finished: speak.
        Start = "start",
        /// The user finished in an earlier slice: speak.
        LateStart = "late-start",
        /// The user has finished, but the answer waits for a later slice: stay silent.
        Hold = "hold",
        /// Nobody speaks, and nothing is due: stay silent.
        Rest = "rest",
        /// The reply continues while the user is silent.
        Continue = "continue",
        /// A backchannel: the reply continues.
        Backchannel = "backchannel",
        /// The user speaks to somebody else: the reply continues.
        Overheard = "overheard",
        /// The user starts to speak during the reply with words that may be a backchannel: the reply continues.
        Unclear = "unclear",
        /// The user takes the floor: the reply ends here.
        Stop = "stop",
        /// The user's words ask for nothing: stay silent.
        Ignore = "ignore",
        /// The reply that was interrupted by a false alarm resumes.
        Resume = "resume",
    }
}

impl Phase {
    /// Whether the assistant speaks in this situation.
    pub const fn speaks(self) -> bool {
        match self {
            Self::Start
            | Self::LateStart
            | Self::Continue
            | Self::Backchannel
            | Self::Overheard
            | Self::Unclear
            | Self::Resume => true,
            Self::Wait
            | Self::Break
            | Self::Pause
            | Self::Hold
            | Self::Rest
            | Self::Stop
            | Self::Ignore => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_file() {
        for category in Category::ALL {
            assert_eq!(serde_json::to_value(category).unwrap(), category.name());
        }
        for phase in Phase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
    }
}
