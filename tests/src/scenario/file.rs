//! What a scenario file may hold. The doc comments are those of its JSON schema.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{case::Category, report::Expect, room::NoiseKind};

/// A scenario file: one category, one room, and the calls that are held in it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Scenario", extend("required" = ["title", "category", "case"]))]
pub(super) struct FileKeys {
    /// What the file is about, in one line.
    pub title: String,
    /// What its cases try; their names begin with it.
    pub category: Option<Category>,
    /// A folder of clips, from the folder of this file. A clip is looked for beside this file first.
    pub clips: Option<PathBuf>,
    /// The room of all cases.
    pub room: RoomKeys,
    /// What is varied, in all cases.
    pub vary: VaryKeys,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<CaseKeys>,
}

/// The room. Whatever is not said is as in a quiet room with headphones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RoomKeys {
    /// Level of the assistant's echo in the microphone, in dB against the loudspeaker; "none": no
    /// echo, as with headphones. Default: "none".
    pub echo_db: Option<Level>,
    /// How late the echo arrives, in ms. Default: 40.
    #[schemars(range(min = 0, max = 500))]
    pub echo_delay_ms: Option<u64>,
    /// Reverberation time of the room, in ms; 0: no reverberation. Default: 250.
    #[schemars(range(min = 0, max = 500))]
    pub rt60_ms: Option<u64>,
    /// A sound file with the room's impulse response, in place of one made from `rt60_ms`. Its first
    /// half second is used, and its level does not matter.
    pub impulse: Option<PathBuf>,
    /// The user's voice to the noise at the microphone, in dB; "none": no noise. Default: "none".
    pub snr_db: Option<Level>,
    /// What kind of noise that is. Default: "pink".
    pub noise: Option<NoiseKind>,
    /// The clips of those who talk where the noise is "babble", one or more.
    pub babble: Vec<String>,
    /// Seed of everything random in the room. With the name of a case it gives the seed of that case.
    /// Default: 1.
    pub seed: Option<u64>,
    /// Silence of both sides after the last turn that ends the call, in ms. Default: 2500.
    #[schemars(range(min = 100, max = 600_000))]
    pub tail_ms: Option<u64>,
    /// So long after the end of the last turn, or after the beginning of a call without turns, the call
    /// ends whatever the assistant does, in ms. Default: the assistant is heard out.
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

/// What is varied. Every list is an axis; each case is held once for each combination of their values, or
/// for `count` combinations in which each value occurs about equally often. Sounds, gaps, gains and
/// speeds are those of the turns that have neither clip, text nor sound of their own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct VaryKeys {
    /// Clips, each a name, a part of a clip, or a list of them with gaps between. Where a case has several
    /// turns without a sound, each takes the next of the list.
    pub clip: Option<Vec<OneOrMore<Part>>>,
    /// Sounds that are not speech, in place of clips.
    pub sound: Option<Vec<Effect>>,
    /// Silence between the clips of a turn, in ms.
    #[schemars(inner(range(min = 0, max = 10_000)))]
    pub gap_ms: Option<Vec<u64>>,
    /// Loudness against the clip's own, in dB.
    #[schemars(inner(range(min = -60.0, max = 20.0)))]
    pub gain_db: Option<Vec<f32>>,
    /// Speed against the clip's own. The pitch rises with it.
    #[schemars(inner(range(min = 0.5, max = 2.0)))]
    pub speed: Option<Vec<f64>>,
    /// The room's levels of noise.
    pub snr_db: Option<Vec<Level>>,
    /// The room's levels of echo.
    pub echo_db: Option<Vec<Level>>,
    /// The room's kinds of noise.
    pub noise: Option<Vec<NoiseKind>>,
    /// How many combinations are drawn; all of them where it is left out.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: Option<usize>,
    /// Seed of the draw. Default: 1.
    pub seed: Option<u64>,
}

/// A call, or a family of them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CaseKeys {
    /// Its name; may be left out where the variations name the cases.
    pub id: Option<String>,
    /// What differs from the file's room.
    pub room: RoomKeys,
    /// What differs from the file's variations.
    pub vary: VaryKeys,
    /// What the user does, in order. None at all in cases of silence.
    #[serde(rename = "turn")]
    pub turns: Vec<TurnKeys>,
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
    /// What is said, in place of a clip: a text or a list of them with gaps between. Needs `voice`, and
    /// somebody who can speak.
    pub text: Option<OneOrMore<String>>,
    /// Who says `text`: a voice's name or path.
    pub voice: Option<String>,
    /// A sound that is not speech, in place of a clip.
    pub sound: Option<Effect>,
    /// The words of the clip, where they are not those of its list (`manifest.tsv` beside it).
    pub said: Option<String>,
    /// Silence between the clips or texts of a list, in ms.
    #[schemars(range(min = 0, max = 10_000))]
    pub gap_ms: Option<u64>,
    /// Loudness against the clip's own, in dB. Default: 0.
    #[schemars(range(min = -60.0, max = 20.0))]
    pub gain_db: Option<f32>,
    /// Speed against the clip's own. The pitch rises with it. Default: 1.
    #[schemars(range(min = 0.5, max = 2.0))]
    pub speed: Option<f64>,
    /// Whether it is heard from another room: quieter by 12 dB, without high_band_snr, reverberant.
    pub far: Option<bool>,
    /// When it begins. Default, of the first turn only: half a second after the call began.
    pub anchor: Option<When>,
    /// What should follow, each to be judged by itself. Nothing is judged where it is left out.
    pub expect: Vec<Expect>,
    /// The longest wait for an answer that is good enough, in ms.
    #[schemars(range(min = 0.0, max = 60_000.0))]
    pub response_ms: Option<f64>,
    /// The longest wait for silence that is good enough, in ms.
    #[schemars(range(min = 0.0, max = 60_000.0))]
    pub stop_ms: Option<f64>,
    /// Words of which the agent's transcript must hold each.
    pub words: Vec<String>,
}

/// When a turn begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    /// So long after the call began.
    StartMs(#[schemars(range(min = 0, max = 3_600_000))] u64),
    /// Once the assistant has been speaking for so long, pauses between words included.
    SpeakingMs(#[schemars(range(min = 0, max = 600_000))] u64),
    /// Once the assistant has said about so many words since the turn before.
    Words(#[schemars(range(min = 0, max = 2_000))] u32),
    /// Once neither side has been audible for so long.
    QuietMs(#[schemars(range(min = 0, max = 600_000))] u64),
    /// So long after the turn before has ended, whatever the assistant does.
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
    /// From and to so many ms.
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

/// Fills what `keys` leaves open from `general`.
macro_rules! fill {
    ($keys:expr, $general:expr, $($name:ident),+) => {
        $(if $keys.$name.is_none() { $keys.$name = $general.$name.clone(); })+
    };
}

impl RoomKeys {
    /// These, and where they say nothing the `general` ones.
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
    /// These, and where they say nothing the `general` ones.
    #[must_use]
    pub(super) fn over(&self, general: &Self) -> Self {
        let mut keys = self.clone();
        // A list of sounds stands in place of one of clips.
        if keys.clip.is_none() && keys.sound.is_none() {
            fill!(keys, general, clip, sound);
        }
        fill!(keys, general, gap_ms, gain_db, speed, snr_db, echo_db, noise, count, seed);
        keys
    }
}
