//! A dialogue in slices: what is written to a file, one a line.

use serde::{Deserialize, Serialize};

/// A conversation of which the last part is cut into slices.
///
/// One line of a data set, as JSON. docs/dialogues.md describes the fields for readers of the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// `train-000017`: the part of the data set and the number in it.
    pub id: String,
    /// What happens in it.
    pub category: Category,
    /// The longest slice, in ms. A slice ends early where the user's speech ends.
    pub slice_ms: u32,
    /// Earlier turns, whole and over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Turn>,
    /// The slices, in the order of time.
    pub slices: Vec<Slice>,
}

/// A turn that is over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What the user said.
    pub user: String,
    /// What the assistant answered.
    pub assistant: String,
}

/// A step of the conversation: what the user said in it, and what the assistant then says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Words of the user that were recognised in the slice; none where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether the user fell silent after these words; else the slice was over before the user was.
    #[serde(default, skip_serializing_if = "is_false")]
    pub falls_silent: bool,
    /// Words of the assistant that follow on them; none where it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<String>,
    /// Whether the reply ends with these words.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ends: bool,
    /// What the assistant faces: the reason for what it does.
    pub phase: Phase,
}

impl Slice {
    /// Whether neither side says anything. Such a slice is a decision, and leaves no trace in what follows.
    pub fn is_idle(&self) -> bool {
        self.user.is_none() && self.assistant.is_none()
    }
}

// serde asks with a reference.
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
            /// All of them, in the order in which they are shown.
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
        /// The user ends the reply, and nothing more is wanted.
        Termination = "termination",
        /// The user interrupts and wants the reply in another way.
        Regeneration = "regeneration",
        /// The user interrupts and begins anew.
        Reset = "reset",
        /// After an interruption the assistant comes back to what it was saying.
        BackOnTopic = "back-on-topic",
        /// A backchannel while the assistant speaks, or after it has spoken.
        Backchannel = "backchannel",
        /// The user pauses inside sentences.
        Pause = "pause",
        /// The user has finished, and the answer begins a slice or more later.
        LateStart = "late-start",
        /// An interruption that opens with a word of a backchannel, or a backchannel that is all there is.
        HardPair = "hard-pair",
        /// The user speaks to somebody else.
        ToOthers = "to-others",
        /// The recogniser mishears.
        Misheard = "misheard",
        /// A command to stop, of every length, also against silence.
        Stop = "stop",
        /// The assistant fell silent over nothing and goes on.
        FalseAlarm = "false-alarm",
    }
}

named! {
    /// What the assistant faces in a slice.
    Phase {
        /// The user is in the middle of a sentence, and speaks on: stay silent.
        Wait = "wait",
        /// The user has just fallen silent in the middle of a sentence: stay silent.
        Break = "break",
        /// The user goes on being silent in the middle of a sentence: stay silent.
        Pause = "pause",
        /// The user has finished: speak.
        Start = "start",
        /// The user finished in an earlier slice: speak.
        LateStart = "late-start",
        /// The user has finished, but the answer waits for a later slice: stay silent.
        Hold = "hold",
        /// Nobody says anything, and nothing is due: stay silent.
        Rest = "rest",
        /// The reply goes on, and the user is silent.
        Continue = "continue",
        /// A backchannel: the reply goes on.
        Backchannel = "backchannel",
        /// The user speaks to somebody else: the reply goes on.
        Overheard = "overheard",
        /// The user begins to speak over the reply in words that could be a backchannel: the reply goes on.
        Unclear = "unclear",
        /// The user takes the floor: the reply ends here.
        Stop = "stop",
        /// What the user said asks for nothing: stay silent.
        Ignore = "ignore",
        /// The reply that was broken off over nothing goes on.
        Resume = "resume",
    }
}

impl Phase {
    /// Whether the assistant speaks in it.
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
