//! The keys of a scenario file. Their doc comments are the descriptions in its JSON schema.

use std::path::PathBuf;

use duplex_audio::room::NoiseKind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{case::Category, report::Expect};

/// A scenario file: one category, one room, and the calls that run in it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Scenario", extend("required" = ["title", "category", "case"]))]
pub(super) struct FileKeys {
    /// What the file is about, in one line.
    pub title: String,
    /// What its cases test; their names begin with it.
    pub category: Option<Category>,
    /// A folder of clips, relative to the folder of this file. A clip is looked for beside this
    /// file first.
    pub clips: Option<PathBuf>,
    /// The room of all cases.
    pub room: RoomKeys,
    /// What varies, in all cases.
    pub vary: VaryKeys,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<CaseKeys>,
}

/// The room. What is left out is as in a quiet room with headphones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RoomKeys {
    /// Level of the assistant's echo in the microphone, in dB relative to the loudspeaker; "none":
    /// no echo, as with headphones. Default: "none".
    pub echo_db: Option<Level>,
    /// Delay of the echo, in ms. Default: 40.
    #[schemars(range(min = 0, max = 500))]
    pub echo_delay_ms: Option<u64>,
    /// Reverberation time of the room, in ms; 0: no reverberation. Default: 250.
    #[schemars(range(min = 0, max = 500))]
    pub rt60_ms: Option<u64>,
    /// A sound file with the room's impulse response, instead of one made from `rt60_ms`. Its first
    /// half second is used, and its level does not matter.
    pub impulse: Option<PathBuf>,
    /// Signal-to-noise ratio at the microphone, of the user's voice to the noise, in dB; "none": no
    /// noise. Default: "none".
    pub snr_db: Option<Level>,
    /// Kind of the noise. Default: "pink".
    pub noise: Option<NoiseKind>,
    /// The clips of the talkers, one or more, if the noise is "babble".
    pub babble: Vec<String>,
    /// Seed of everything random in the room. Combined with the name of a case it gives the seed of
    /// that case. Default: 1.
    pub seed: Option<u64>,
    /// Silence of both sides after the last turn that ends the call, in ms. Default: 2500.
    #[schemars(range(min = 100, max = 600_000))]
    pub tail_ms: Option<u64>,
    /// The call ends this long after the last turn ended, or after a call without turns began,
    /// whatever the assistant does, in ms. Default: the assistant is heard out.
    #[schemars(range(min = 100, max = 600_000))]
    pub hang_up_ms: Option<u64>,
    /// How long a turn waits for its anchor before it is given up, in ms. Default: 8000.
    #[schemars(range(min = 100, max = 600_000))]
    pub patience_ms: Option<u64>,
}

/// A level that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of dB, or \"none\"")]
pub(super) enum Level {
    /// In dB.
    Db(#[schemars(range(min = -60.0, max = 60.0))] f32),
    /// None at all.
    Absent(Absent),
}

/// None at all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Absent {
    None,
}

impl Level {
    pub(super) fn db(self) -> Option<f32> {
        match self {
            Self::Db(level) => Some(level),
            Self::Absent(Absent::None) => None,
        }
    }
}

/// What varies. Every list is an axis. Each case runs once for each combination of their values, or
/// for `count` combinations in which each value occurs about equally often. Sounds, gaps, gains and
/// speeds are those of the turns that have no clip, text or sound of their own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct VaryKeys {
    /// Clips, each a name, a part of a clip, or a list of them with gaps between. Where a case has several
    /// turns without a sound, each takes the next of the list.
    pub clip: Option<Vec<OneOrMore<Part>>>,
    /// Sounds that are not speech, instead of clips.
    pub sound: Option<Vec<Effect>>,
    /// Silence between the clips of a turn, in ms.
    #[schemars(inner(range(min = 0, max = 10_000)))]
    pub gap_ms: Option<Vec<u64>>,
    /// Gain relative to the clip, in dB.
    #[schemars(inner(range(min = -60.0, max = 20.0)))]
    pub gain_db: Option<Vec<f32>>,
    /// Speed relative to the clip. The pitch rises with it.
    #[schemars(inner(range(min = 0.5, max = 2.0)))]
    pub speed: Option<Vec<f64>>,
    /// The room's levels of noise.
    pub snr_db: Option<Vec<Level>>,
    /// The room's levels of echo.
    pub echo_db: Option<Vec<Level>>,
    /// The room's kinds of noise.
    pub noise: Option<Vec<NoiseKind>>,
    /// How many combinations are drawn; all of them if it is left out.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: Option<usize>,
    /// Seed of the draw. Default: 1.
    pub seed: Option<u64>,
}

/// A call, or a family of them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CaseKeys {
    /// Its name; optional if the variations name the cases.
    pub id: Option<String>,
    /// Why it is known to fail: what is wrong, in a few words. While it fails, it does not fail the set.
    pub known_issue: Option<String>,
    /// What differs from the file's room.
    pub room: RoomKeys,
    /// What differs from the file's variations.
    pub vary: VaryKeys,
    /// What the assistant is told to say, by command. Only an agent that takes commands can run the
    /// case.
    pub announce: Vec<AnnounceKeys>,
    /// What the user does, in order. Empty in cases of silence.
    #[serde(rename = "turn")]
    pub turns: Vec<TurnKeys>,
}

/// Something that the assistant is told to say. It answers nothing, and the user can interrupt it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["at_ms", "text"]))]
pub(super) struct AnnounceKeys {
    /// When it is told, in ms since the call began. It says it once it says nothing else and the user
    /// is silent.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub at_ms: Option<u64>,
    /// The words.
    pub text: Option<String>,
}

/// Something that the user says or does.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["id"]))]
pub(super) struct TurnKeys {
    /// Its name, unique in the case.
    pub id: Option<String>,
    /// A clip, a part of one, or a list of them with gaps between.
    pub clip: Option<OneOrMore<Part>>,
    /// What is said, instead of a clip: a text or a list of them with gaps between. Needs `voice`,
    /// and a program that can synthesise it.
    pub text: Option<OneOrMore<String>>,
    /// The voice that says `text`: its name or path.
    pub voice: Option<String>,
    /// A sound that is not speech, instead of a clip.
    pub sound: Option<Effect>,
    /// Where in the clip the user's own words end, in ms from its beginning, before `speed` is
    /// applied. The rest of it is other voices in the room.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub user_ms: Option<u64>,
    /// The words of the clip, if they are not those of its list (`manifest.tsv` beside it).
    pub said: Option<String>,
    /// Silence between the clips or texts of a list, in ms.
    #[schemars(range(min = 0, max = 10_000))]
    pub gap_ms: Option<u64>,
    /// Gain relative to the clip, in dB. Default: 0.
    #[schemars(range(min = -60.0, max = 20.0))]
    pub gain_db: Option<f32>,
    /// Speed relative to the clip. The pitch rises with it. Default: 1.
    #[schemars(range(min = 0.5, max = 2.0))]
    pub speed: Option<f64>,
    /// Whether it is heard from another room: 12 dB quieter, low-passed, reverberant.
    pub far: Option<bool>,
    /// When it begins. Default, for the first turn only: half a second after the call began.
    pub anchor: Option<When>,
    /// What should follow; each is judged by itself. Nothing is judged if it is left out.
    pub expect: Vec<Expect>,
    /// Longest accepted response latency, in ms.
    #[schemars(range(min = 0.0, max = 60_000.0))]
    pub response_ms: Option<f64>,
    /// Longest accepted stop latency, in ms.
    #[schemars(range(min = 0.0, max = 60_000.0))]
    pub stop_ms: Option<f64>,
    /// Words that the agent's transcript must contain.
    pub words: Vec<String>,
}

/// When a turn begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    /// This long after the call began.
    StartMs(#[schemars(range(min = 0, max = 3_600_000))] u64),
    /// Once the assistant has been speaking for this long, gaps between words included.
    SpeakingMs(#[schemars(range(min = 0, max = 600_000))] u64),
    /// Once the assistant has said about this many words since the turn before ended.
    Words(#[schemars(range(min = 0, max = 2_000))] u32),
    /// Once neither side has been audible for this long.
    QuietMs(#[schemars(range(min = 0, max = 600_000))] u64),
    /// This long after the turn before ended, whatever the assistant does.
    AfterTurnMs(#[schemars(range(min = 0, max = 600_000))] u64),
}

/// A sound that is not speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// A cough.
    Cough,
    /// A click.
    Click,
    /// A door that falls shut.
    Door,
    /// Two seconds of typing.
    Keyboard,
}

/// A clip, or a part of one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a clip's name, or { clip = NAME, from_ms = .., to_ms = .., said = .. }"
)]
pub(super) enum Part {
    /// The file's name, with or without `.flac` or `.wav`.
    Whole(String),
    /// A section of the file.
    Cut(Cut),
}

/// A part of a clip.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cut {
    /// The file's name, with or without `.flac` or `.wav`.
    pub clip: String,
    /// Where it begins; default: at the clip's beginning.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub from_ms: Option<u64>,
    /// Where it ends; default: at the clip's end.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub to_ms: Option<u64>,
    /// The words in it.
    pub said: Option<String>,
}

/// One, or a list.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "one, or a list of them")]
pub(super) enum OneOrMore<T> {
    /// One.
    One(T),
    /// A list.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    pub(super) fn items(&self) -> &[T] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::More(items) => items,
        }
    }
}

/// Fills the keys that `keys` leaves out from `general`.
macro_rules! fill {
    ($keys:expr, $general:expr, $($name:ident),+) => {
        $(if $keys.$name.is_none() { $keys.$name = $general.$name.clone(); })+
    };
}

impl RoomKeys {
    /// These keys, and those of `general` where one is left out.
    #[must_use]
    pub(super) fn over(&self, general: &Self) -> Self {
        let mut keys = self.clone();
        fill!(keys, general, echo_db, echo_delay_ms, rt60_ms, impulse, snr_db, noise, seed);
        fill!(keys, general, tail_ms, hang_up_ms, patience_ms);
        if keys.babble.is_empty() {
            keys.babble.clone_from(&general.babble);
        }
        keys
    }
}

impl VaryKeys {
    /// These keys, and those of `general` where one is left out.
    #[must_use]
    pub(super) fn over(&self, general: &Self) -> Self {
        let mut keys = self.clone();
        // A list of sounds replaces one of clips.
        if keys.clip.is_none() && keys.sound.is_none() {
            fill!(keys, general, clip, sound);
        }
        fill!(keys, general, gap_ms, gain_db, speed, snr_db, echo_db, noise, count, seed);
        keys
    }
}
