//! A case: one short scripted call, and what is expected in it.

use std::{collections::BTreeMap, path::PathBuf};

use duplex_audio::room::{Cue, RoomOptions};
use duplex_core::{Command, Samples, SessionTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{report::Expect, score::Limits};

/// What a case tests.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// The user asks, the assistant answers.
    Turn,
    /// The user pauses inside a sentence.
    Pause,
    /// The user gives a backchannel while the assistant speaks.
    Backchannel,
    /// The user asks something new while the assistant speaks.
    Interruption,
    /// The user tells the assistant to be silent.
    Stop,
    /// An interruption that begins with a backchannel word.
    HardPair,
    /// The user speaks to somebody else.
    ToOthers,
    /// Somebody else speaks in the background.
    Background,
    /// A cough, a click, a door, a keyboard.
    Noise,
    /// Nothing but the assistant's own echo.
    Echo,
    /// A long turn of the user.
    Long,
    /// Numbers said in groups.
    Digits,
    /// Nobody says anything.
    Silence,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Turn,
        Self::Pause,
        Self::Backchannel,
        Self::Interruption,
        Self::Stop,
        Self::HardPair,
        Self::ToOthers,
        Self::Background,
        Self::Noise,
        Self::Echo,
        Self::Long,
        Self::Digits,
        Self::Silence,
    ];

    /// Its name in scenario files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Pause => "pause",
            Self::Backchannel => "backchannel",
            Self::Interruption => "interruption",
            Self::Stop => "stop",
            Self::HardPair => "hard-pair",
            Self::ToOthers => "to-others",
            Self::Background => "background",
            Self::Noise => "noise",
            Self::Echo => "echo",
            Self::Long => "long",
            Self::Digits => "digits",
            Self::Silence => "silence",
        }
    }

    /// The expectation that makes a cue a trial of the category. Other cues, such as the question
    /// that makes the assistant speak, only lead up to a trial. None if the call as a whole is the
    /// trial.
    pub const fn tried(self) -> Option<Expect> {
        match self {
            Self::Turn | Self::Echo | Self::Long => Some(Expect::Respond),
            Self::Pause | Self::Digits => Some(Expect::Wait),
            Self::Backchannel | Self::ToOthers | Self::Background | Self::Noise => {
                Some(Expect::Ignore)
            }
            Self::Interruption | Self::Stop | Self::HardPair => Some(Expect::Stop),
            Self::Silence => None,
        }
    }
}

/// What a clip, or a case, may be used for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// To develop with: rules, lists and settings may be made by looking at it.
    #[default]
    Dev,
    /// To test with: nothing was made by looking at it.
    Test,
}

impl Split {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Dev, Self::Test];

    /// Its name in manifests and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// A name that is that of no [`Split`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no split {0:?}; write dev or test")]
pub struct UnknownSplit(String);

impl std::str::FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(name: &str) -> Result<Self, UnknownSplit> {
        let named = |split: &Self| split.as_str() == name;
        Self::ALL.into_iter().find(named).ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

/// What is expected after a cue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// What should happen; each outcome is judged by itself.
    pub outcomes: Vec<Expect>,
    /// Longest accepted response latency, in ms; none: that of [`Limits`].
    pub response_within_ms: Option<f64>,
    /// Longest accepted stop latency, in ms; none: that of [`Limits`].
    pub stop_within_ms: Option<f64>,
    /// Words that the agent's transcript must contain, if the agent reports one.
    pub words: Vec<String>,
    /// What the user says in the cue, for the word error rate; empty if nothing is said.
    pub text: String,
}

impl Expectation {
    /// How long an answer is waited for; zero if none is due.
    pub fn answer_within(&self) -> Samples {
        let within = self.response_within_ms.unwrap_or(Limits::default().answer);
        let is_due = self.outcomes.contains(&Expect::Respond);
        Samples::from_millis(if is_due { within as u64 } else { 0 })
    }
}

/// Something that the assistant is told to say, by command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// When it is told, since the call began. It says it next: once it says nothing else and the
    /// user is silent.
    pub at: Samples,
    /// The words. The user can interrupt them.
    pub text: String,
}

/// How long from the beginning of a call the user waits for the first of `announcements` to be
/// heard, in ms, before the first cue at a quiet moment; 0 if there is none.
pub(crate) fn first_words_within_ms(announcements: &[Announcement]) -> u64 {
    let first = announcements.iter().map(|announcement| announcement.at).min();
    first.map_or(0, |at| at.as_millis() + Limits::default().answer as u64)
}

/// Where a case is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The scenario file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
}

/// One short scripted call.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique in a set, such as `backchannel/b03-echo12`.
    pub id: String,
    /// What it tests.
    pub category: Category,
    /// What it may be used for.
    pub split: Split,
    /// Why it is known to fail; while it does, it does not fail a set.
    pub known_issue: Option<String>,
    /// The room it takes place in.
    pub room: RoomOptions,
    /// What the user does, in order.
    pub cues: Vec<Cue>,
    /// What is expected after each cue, by the cue's name.
    pub expect: BTreeMap<String, Expectation>,
    /// What the assistant is told to say. It answers nothing.
    pub announcements: Vec<Announcement>,
    /// Where it is defined; none if it was made in Rust.
    pub source: Option<Source>,
}

impl Case {
    /// Whether an answer is accepted where only silence is expected. Who interrupts with a word or two wants something,
    /// and what follows is theirs; a command to stop is followed by silence.
    pub fn may_answer(&self, expectation: &Expectation) -> bool {
        self.category == Category::Interruption
            && expectation.outcomes.contains(&Expect::Stop)
            && !expectation.outcomes.contains(&Expect::Respond)
    }

    /// The commands of the call, in order.
    pub fn commands(&self) -> Vec<(SessionTime, Command)> {
        let command = |Announcement { at, text }: &Announcement| {
            let say = Command::Say { text: text.clone(), interruptible: true };
            (SessionTime(0) + *at, say)
        };
        let mut commands: Vec<_> = self.announcements.iter().map(command).collect();
        commands.sort_by_key(|&(at, _)| at);
        commands
    }
}
