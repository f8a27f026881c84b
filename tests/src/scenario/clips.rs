//! Sources of sounds: files, each read once, and a synthesiser.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use duplex_audio::{noise, room::Sound};
use duplex_core::Samples;

use super::{
    Options,
    error::Fault,
    file::{Effect, Part},
};
use crate::case::{Split, UnknownSplit};

/// The words and splits of a folder's clips, in a file beside them.
const LIST: &str = "manifest.tsv";
/// File endings that a clip's name may omit.
const ENDINGS: [&str; 3] = ["", ".flac", ".wav"];
/// Length of the typing.
const TYPING: Samples = Samples::from_millis(2_000);

/// A sound and its words.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    pub(super) sound: Sound,
    /// None if they are unknown.
    pub(super) text: Option<String>,
    /// What it may be used for.
    pub(super) split: Split,
}

/// What a list says of a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    text: String,
    split: Split,
}

/// The clips of a folder by name, or why its list cannot be used.
type List = Result<BTreeMap<String, Listed>, String>;

/// All sounds that were read so far.
pub(super) struct Library<'a> {
    options: &'a Options<'a>,
    files: BTreeMap<PathBuf, Result<Sound, String>>,
    texts: BTreeMap<(String, String), Result<Sound, String>>,
    lists: BTreeMap<PathBuf, List>,
}

impl<'a> Library<'a> {
    pub(super) fn new(options: &'a Options<'a>) -> Self {
        let (files, texts, lists) = Default::default();
        Self { options, files, texts, lists }
    }

    /// A clip, or a part of it.
    ///
    /// # Errors
    /// It is in none of `places`, or cannot be read.
    pub(super) fn part(&mut self, part: &Part, places: &[PathBuf]) -> Result<Spoken, Fault> {
        let cut = match part {
            Part::Whole(name) => return self.clip(name, places),
            Part::Cut(cut) => cut,
        };
        let whole = self.clip(&cut.clip, places)?;
        let from = Samples::from_millis(cut.from_ms.unwrap_or(0));
        let to = cut.to_ms.map_or(whole.sound.length(), Samples::from_millis);
        if from >= to.min(whole.sound.length()) {
            let length = whole.sound.length().as_millis();
            let why = format!("nothing of {} is left: it is {length} ms long", cut.clip);
            return Err(Fault::Clip(format!("{why}; correct from_ms and to_ms")));
        }
        Ok(Spoken { sound: whole.sound.cut(from, to), text: cut.said.clone(), split: whole.split })
    }

    /// A clip, with its words from the list beside it.
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub(super) fn clip(&mut self, name: &str, places: &[PathBuf]) -> Result<Spoken, Fault> {
        let path = self.find(name, places)?;
        let read = |path: &PathBuf| {
            let sound = Sound::read(path).map_err(|error| error.to_string())?;
            // A clip is recorded as the microphone receives it, at the session rate.
            Ok(Sound::from_session(sound.samples().to_vec()))
        };
        let sound = self.files.entry(path.clone()).or_insert_with_key(read).clone();
        let sound = sound.map_err(Fault::Clip)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let list = self.lists.entry(folder).or_insert_with_key(|folder| list(&folder.join(LIST)));
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let list = list.as_ref().map_err(|why| Fault::Clip(why.clone()))?;
        let listed = stem.and_then(|stem| list.get(&stem)).cloned();
        let split = listed.as_ref().map(|listed| listed.split).unwrap_or_default();
        Ok(Spoken { sound, text: listed.map(|listed| listed.text), split })
    }

    fn find(&self, name: &str, places: &[PathBuf]) -> Result<PathBuf, Fault> {
        let places = || places.iter().chain(self.options.clips);
        let paths =
            places().flat_map(|place| ENDINGS.map(|end| place.join(format!("{name}{end}"))));
        paths.into_iter().find(|path| path.is_file()).ok_or_else(|| {
            let places: Vec<_> = places().map(|place| place.display().to_string()).collect();
            let places = places.join(", ");
            Fault::Clip(format!("there is no clip {name} in {places}; correct it, or clips = ..."))
        })
    }

    /// A text spoken by `voice`.
    ///
    /// # Errors
    /// There is no synthesiser, or the voice cannot speak the text.
    pub(super) fn text(&mut self, text: &str, voice: &str) -> Result<Spoken, Fault> {
        let synthesise = self.options.synthesise.ok_or_else(|| {
            let why = "text needs a voice, and none is at hand here";
            Fault::Voice(format!("{why}; use a clip, or run it with one that can speak"))
        })?;
        let key = (text.to_owned(), voice.to_owned());
        let said = self.texts.entry(key).or_insert_with(|| {
            let samples = synthesise(text, voice)?;
            if samples.is_empty() {
                return Err("it says nothing".to_owned());
            }
            Ok(Sound::from_session(samples))
        });
        let sound = said.clone().map_err(|why| Fault::Voice(format!("voice {voice}: {why}")))?;
        Ok(Spoken { sound, text: Some(text.to_owned()), split: Split::Dev })
    }
}

/// What is said of clips by name; nothing if there is no list. A list without the column `split` is of
/// clips to develop with.
fn list(path: &Path) -> List {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|&title| title == name);
    let (Some(clip), Some(words)) = (column("clip"), column("text")) else {
        return Ok(BTreeMap::new());
    };
    let split = column("split");
    let mut listed = BTreeMap::new();
    for (number, line) in lines.enumerate() {
        let (Some(clip), Some(text)) = (line.get(clip), line.get(words)) else { continue };
        let split = split.and_then(|split| line.get(split)).map_or(Ok(Split::Dev), |it| it.parse());
        let split = split
            .map_err(|why: UnknownSplit| format!("{}:{}: {why}", path.display(), number + 2))?;
        listed.insert((*clip).to_owned(), Listed { text: (*text).to_owned(), split });
    }
    Ok(listed)
}

/// A sound that is not speech, made from a seed.
pub(super) fn effect(effect: Effect, seed: u64) -> Sound {
    let mut samples = match effect {
        Effect::Cough => noise::cough(seed),
        Effect::Click => noise::click(seed),
        Effect::Door => noise::door(seed),
        Effect::Keyboard => noise::keyboard(seed).take(TYPING.0 as usize).collect(),
    };
    let gain = 10f32.powf((level_db(effect) - noise::active_level_db(&samples)) / 20.0);
    samples.iter_mut().for_each(|sample| *sample *= gain);
    Sound::from_session(samples).effect()
}

/// Level of a sound while it is audible, in dB of full scale: a cough or a door at the microphone
/// is as loud as speech, and keys and switches are quieter.
fn level_db(effect: Effect) -> f32 {
    match effect {
        Effect::Cough | Effect::Door => -24.0,
        Effect::Click => -30.0,
        Effect::Keyboard => -34.0,
    }
}
