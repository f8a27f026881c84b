//! Builds cases from keys.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use duplex_audio::{
    ImpulseResponse,
    room::{Cue, NoiseKind, RoomOptions},
};
use duplex_core::Samples;
use sha2::{Digest as _, Sha256};

use super::{
    check,
    clips::{Library, Spoken, effect},
    error::{Fault, ScenarioError},
    expand::{self, Take, Variation},
    file::{AnnounceKeys, Level, Part, RoomKeys, TurnKeys},
    read::{Scenario, Script},
};
use crate::case::{
    Announcement, Case, Category, Expectation, Source, Split, first_words_within_ms,
};

/// Defaults of the keys.
const TAIL_MS: u64 = 2_500;
const GAP_MS: u64 = 800;

/// The cases of a scenario. Adds the errors it finds to `errors`, and leaves out the cases that
/// have one.
pub(super) fn cases(
    file: &Path,
    scenario: &Scenario,
    library: &mut Library<'_>,
    errors: &mut Vec<ScenarioError>,
) -> Vec<Case> {
    let head = &scenario.head;
    let mut fault = |line, fault| errors.push(ScenarioError { file: file.to_owned(), line, fault });
    if head.keys.category.is_none() && !head.has("category") {
        let advice = "say what the cases try, as in category = \"turn\"".to_owned();
        fault(0, Fault::Missing { what: "category", advice });
    }
    if head.keys.title.is_empty() && !head.has("title") {
        let advice = "say in a line what the file is about".to_owned();
        fault(0, Fault::Missing { what: "title", advice });
    }
    if scenario.cases.is_empty() && !head.has("case") {
        let advice = "there is nothing to run; add a [[case]]".to_owned();
        fault(0, Fault::Missing { what: "case", advice });
    }
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let shared = head.keys.clips.iter().map(|clips| folder.join(clips));
    let places: Vec<PathBuf> = [folder.clone()].into_iter().chain(shared).collect();
    let mut cases = Vec::new();
    for script in &scenario.cases {
        let room = script.room.keys.over(&scenario.room.keys);
        let vary = script.vary.keys.over(&scenario.vary.keys);
        let line = script.head.line("");
        let faults = check::faults(script, head.keys.category, &room, &vary);
        let is_sound = faults.is_empty();
        faults.into_iter().for_each(|(line, found)| fault(line, found));
        let open = script.turns.iter().filter(|turn| !turn.has_sound()).count();
        let variations = match expand::variations(&vary, open) {
            Ok(variations) => variations,
            Err(count) => {
                let why = format!("{count} combinations, and {} at most; use count", expand::MOST);
                fault(line, Fault::Contradiction(why));
                continue;
            }
        };
        let seed = room.seed.unwrap_or(RoomOptions::default().seed);
        let mut builder = Builder { script, room: &room, places: &places, library };
        for variation in &variations {
            let category = head.keys.category.unwrap_or(Category::Turn);
            let Some(id) = name(category, script, variation) else {
                let advice = "give the case a name, or something to vary".to_owned();
                fault(line, Fault::Missing { what: "id", advice });
                continue;
            };
            let mut found = Vec::new();
            let room = builder.room(variation, seed_of(&id, seed), &mut found);
            let (cues, expect, splits) = builder.turns(variation, room.seed, &mut found);
            if is_sound && found.is_empty() && head.keys.category.is_some() {
                let source = Some(Source { file: file.to_owned(), line });
                let split = split(category, &expect, &splits, builder.talkers(variation));
                let announcements = builder.announcements();
                let known_issue = script.head.keys.known_issue.clone();
                cases.push(Case {
                    id,
                    category,
                    split,
                    known_issue,
                    room,
                    cues,
                    expect,
                    announcements,
                    source,
                });
            }
            found.into_iter().for_each(|(line, found)| fault(line, found));
        }
    }
    cases
}

fn name(category: Category, script: &Script, variation: &Variation) -> Option<String> {
    let own = script.head.keys.id.clone().unwrap_or_default();
    let parts = [own, variation.name()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| format!("{}/{}", category.as_str(), parts.join("-")))
}

/// The seed of a case: it depends on the case's name and the room's seed, and on no other case.
fn seed_of(id: &str, seed: u64) -> u64 {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte)) ^ seed
}

type Found = Vec<(usize, Fault)>;

struct Builder<'a, 'l> {
    script: &'a Script,
    room: &'a RoomKeys,
    places: &'a [PathBuf],
    library: &'a mut Library<'l>,
}

impl Builder<'_, '_> {
    /// The cues, what is expected after each, and the split of its clips.
    fn turns(
        &mut self,
        variation: &Variation,
        seed: u64,
        faults: &mut Found,
    ) -> (Vec<Cue>, BTreeMap<String, Expectation>, BTreeMap<String, Split>) {
        let mut takes = variation.takes.iter();
        let (mut cues, mut expect) = (Vec::new(), BTreeMap::new());
        let mut splits = BTreeMap::new();
        for (index, turn) in self.script.turns.iter().enumerate() {
            let take = if turn.has_sound() { None } else { takes.next() };
            let keys = match take {
                Some(_) => varied(&turn.keys, variation),
                None => turn.keys.clone(),
            };
            match self.sound(&keys, take, seed.wrapping_add(index as u64)) {
                Ok(spoken) => {
                    let length = spoken.sound.length();
                    let user_until = user_until(&keys);
                    if user_until.is_some_and(|until| until > length) {
                        let length = (length.0 as f64 * keys.speed.unwrap_or(1.0)) as u64;
                        let why = format!("it is {} ms long", Samples(length).as_millis());
                        let why = format!("user_ms is a moment of the clip, and {why}");
                        faults.push((turn.line("user_ms"), Fault::Contradiction(why)));
                        continue;
                    }
                    let id = keys.id.clone().unwrap_or_default();
                    let anchor = keys.when(index);
                    let expectation = expectation(keys, spoken.text);
                    cues.push(Cue {
                        id: id.clone(),
                        sound: spoken.sound,
                        anchor,
                        answer_within: expectation.answer_within(),
                        user_until,
                    });
                    splits.insert(id.clone(), spoken.split);
                    expect.insert(id, expectation);
                }
                Err(fault) => faults.push((turn.line("clip"), fault)),
            }
        }
        (cues, expect, splits)
    }

    /// What the assistant is told to say; without what has a fault.
    fn announcements(&self) -> Vec<Announcement> {
        let announcement = |keys: &AnnounceKeys| {
            Some(Announcement { at: Samples::from_millis(keys.at_ms?), text: keys.text.clone()? })
        };
        self.script.announce.iter().filter_map(|announce| announcement(&announce.keys)).collect()
    }

    /// The kind of noise.
    fn noise(&self, variation: &Variation) -> NoiseKind {
        variation.noise.or(self.room.noise).unwrap_or_default()
    }

    /// The splits of the clips that the talkers in the background say. Those that cannot be read are a
    /// fault of the room.
    fn talkers(&mut self, variation: &Variation) -> Vec<Split> {
        let names = match self.noise(variation) {
            NoiseKind::Babble => self.room.babble.as_slice(),
            _ => &[],
        };
        let clips = names.iter().filter_map(|name| self.library.clip(name, self.places).ok());
        clips.map(|clip| clip.split).collect()
    }

    fn room(&mut self, variation: &Variation, seed: u64, faults: &mut Found) -> RoomOptions {
        let (keys, usual) = (self.room, RoomOptions::default());
        let noise = self.noise(variation);
        let line = self.script.head.line("");
        let mut talkers = Vec::new();
        if noise == NoiseKind::Babble {
            for name in &keys.babble {
                match self.library.clip(name, self.places) {
                    Ok(talker) => talkers.push(talker.sound.shared()),
                    Err(fault) => faults.push((line, fault)),
                }
            }
        }
        let impulse = keys.impulse.as_ref().map(|path| self.impulse(path)).transpose();
        let impulse = impulse.unwrap_or_else(|fault| {
            faults.push((line, fault));
            None
        });
        RoomOptions {
            echo_db: variation.echo_db.or(keys.echo_db).and_then(Level::db),
            echo_delay_ms: keys.echo_delay_ms.unwrap_or(usual.echo_delay_ms),
            echo_delay_changes: Vec::new(),
            rt60_ms: keys.rt60_ms.unwrap_or(usual.rt60_ms),
            impulse,
            snr_db: variation.snr_db.or(keys.snr_db).and_then(Level::db),
            noise,
            talkers,
            seed,
            tail_ms: keys.tail_ms.unwrap_or(TAIL_MS),
            hang_up_ms: keys.hang_up_ms,
            patience_ms: keys.patience_ms.unwrap_or(check::PATIENCE_MS),
            first_words_within_ms: first_words_within_ms(&self.announcements()),
        }
    }

    fn impulse(&mut self, path: &Path) -> Result<Arc<ImpulseResponse>, Fault> {
        let name = path.to_string_lossy();
        let sound = self.library.clip(&name, self.places)?.sound;
        let response = ImpulseResponse::measured(sound.samples().to_vec());
        let silent = || Fault::Clip(format!("the impulse response {name} is silent"));
        response.map(Arc::new).ok_or_else(silent)
    }

    /// The sound of a turn, and its words.
    fn sound(&mut self, keys: &TurnKeys, take: Option<&Take>, seed: u64) -> Result<Spoken, Fault> {
        let effect = |kind| vec![Spoken { sound: effect(kind, seed), ..Spoken::default() }];
        let speed = keys.speed.unwrap_or(1.0);
        let parts: Vec<Spoken> = match (take, keys) {
            (Some(&Take::Effect(kind)), _) => effect(kind),
            (Some(Take::Clips(parts)), _) => self.parts(parts)?,
            (None, TurnKeys { sound: Some(kind), .. }) => effect(*kind),
            (None, TurnKeys { clip: Some(clip), .. }) => self.parts(clip.items())?,
            (None, TurnKeys { text: Some(texts), voice: Some(voice), .. }) => {
                let texts = texts.items().iter();
                texts.map(|text| self.library.text(text, voice)).collect::<Result<_, _>>()?
            }
            (None, _) => Vec::new(),
        };
        let gap = Samples::from_millis(keys.gap_ms.unwrap_or(GAP_MS));
        // Speed changes speech but no pause: the silence between the parts stays as it is.
        let fast = |part: Spoken| Spoken { sound: part.sound.at_speed(speed), ..part };
        let joined = parts.into_iter().map(fast).reduce(|first, second| Spoken {
            sound: first.sound.then(gap, &second.sound),
            text: first.text.zip(second.text).map(|(first, second)| format!("{first} {second}")),
            split: first.split.max(second.split),
        });
        let Spoken { sound, text, split } = joined.unwrap_or_default();
        let sound = sound.amplified(keys.gain_db.unwrap_or(0.0));
        let sound = if keys.far == Some(true) { sound.from_afar(seed) } else { sound };
        Ok(Spoken { sound, text, split })
    }

    fn parts(&mut self, parts: &[Part]) -> Result<Vec<Spoken>, Fault> {
        parts.iter().map(|part| self.library.part(part, self.places)).collect()
    }
}

/// A turn without a sound of its own, with the values of the variation.
fn varied(keys: &TurnKeys, variation: &Variation) -> TurnKeys {
    TurnKeys {
        gap_ms: variation.gap_ms.or(keys.gap_ms),
        gain_db: variation.gain_db.or(keys.gain_db),
        speed: variation.speed.or(keys.speed),
        ..keys.clone()
    }
}

/// A case is of the test split if a clip of one of its trials is; where no cue is a trial, any clip.
fn split(
    category: Category,
    expect: &BTreeMap<String, Expectation>,
    splits: &BTreeMap<String, Split>,
    talkers: Vec<Split>,
) -> Split {
    let is_trial = |id: &String| {
        let outcomes = expect.get(id).map(|expectation| expectation.outcomes.as_slice());
        category.tried().is_some_and(|tried| outcomes.unwrap_or_default().contains(&tried))
    };
    let tried = splits.iter().filter(|(id, _)| is_trial(id)).map(|(_, split)| *split).max();
    let any = || splits.values().copied().chain(talkers).max().unwrap_or_default();
    tried.unwrap_or_else(any)
}

/// Where in the turn's sound, at its speed, the user's own words end.
fn user_until(keys: &TurnKeys) -> Option<Samples> {
    let in_clip = Samples::from_millis(keys.user_ms?).0 as f64;
    Some(Samples((in_clip / keys.speed.unwrap_or(1.0)) as u64))
}

fn expectation(keys: TurnKeys, text: Option<String>) -> Expectation {
    Expectation {
        outcomes: keys.expect,
        response_within_ms: keys.response_ms,
        stop_within_ms: keys.stop_ms,
        words: keys.words,
        text: keys.said.or(text).unwrap_or_default(),
    }
}
