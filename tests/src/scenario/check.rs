//! Errors in a case that are found before it runs.

use std::collections::BTreeSet;

use duplex_audio::room::{Anchor, NoiseKind};
use duplex_core::{Command, Samples};

use super::{
    error::Fault,
    file::{OneOrMore, RoomKeys, TurnKeys, VaryKeys, When},
    read::{Lined, Script},
};
use crate::{case::Category, report::Expect};

/// Default patience, in ms.
pub(super) const PATIENCE_MS: u64 = 8_000;

/// The errors of a case, each with its line. `room` and `vary` are those of the case over the
/// file's.
pub(super) fn faults(
    script: &Script,
    category: Option<Category>,
    room: &RoomKeys,
    vary: &VaryKeys,
) -> Vec<(usize, Fault)> {
    let mut faults = turns_or_silence(script, category);
    if script.head.keys.known_issue.as_ref().is_some_and(|issue| issue.trim().is_empty()) {
        let why = "say in a few words what is wrong, or leave it out".to_owned();
        faults.push((
            script.head.line("known_issue"),
            Fault::Value { key: "known_issue".to_owned(), why },
        ));
    }
    faults.extend(announcements(script));
    faults.extend(background(script, room, vary));
    faults.extend(variations(script, vary));
    let mut names = BTreeSet::new();
    for turn in &script.turns {
        faults.extend(sound(turn, vary));
        faults.extend(expectations(turn));
        match &turn.keys.id {
            None if turn.has("id") => {}
            None => {
                let advice = "give every turn a name, unique in its case".to_owned();
                faults.push((turn.line("id"), Fault::Missing { what: "id", advice }));
            }
            Some(id) if !names.insert(id) => {
                let why = format!("two turns of the case are called {id}; rename one");
                faults.push((turn.line("id"), Fault::Contradiction(why)));
            }
            Some(_) => {}
        }
    }
    faults.extend(moments(script, room.patience_ms.unwrap_or(PATIENCE_MS)));
    faults
}

fn turns_or_silence(script: &Script, category: Option<Category>) -> Vec<(usize, Fault)> {
    let why = match (category, script.turns.first()) {
        (Some(Category::Silence), Some(_)) => "in a case of silence nobody says anything",
        (Some(Category::Silence) | None, None) | (_, Some(_)) => return Vec::new(),
        (Some(_), None) => "nothing happens in the case; add a [[case.turn]]",
    };
    vec![(script.head.line(""), Fault::Contradiction(why.to_owned()))]
}

fn announcements(script: &Script) -> Vec<(usize, Fault)> {
    let mut faults = Vec::new();
    for announce in &script.announce {
        let missing = [
            (
                "at_ms",
                announce.keys.at_ms.is_none(),
                "say when the assistant is told, as in at_ms = 500",
            ),
            ("text", announce.keys.text.is_none(), "say what the assistant is told to say"),
        ];
        for (what, is_missing, advice) in missing {
            if is_missing && !announce.has(what) {
                faults
                    .push((announce.line(""), Fault::Missing { what, advice: advice.to_owned() }));
            }
        }
        if let Some(text) = &announce.keys.text
            && let Err(why) = (Command::Say { text: text.clone(), interruptible: true }).check()
        {
            let fault = Fault::Value { key: "text".to_owned(), why: why.to_string() };
            faults.push((announce.line("text"), fault));
        }
    }
    faults
}

fn background(script: &Script, room: &RoomKeys, vary: &VaryKeys) -> Vec<(usize, Fault)> {
    let line = script.head.line("");
    let mut faults = Vec::new();
    let has_noise = room.noise.is_some() || vary.noise.is_some();
    if has_noise && room.snr_db.is_none() && vary.snr_db.is_none() {
        let advice = "say how loud the noise is, as in snr_db = 10".to_owned();
        faults.push((line, Fault::Missing { what: "snr_db", advice }));
    }
    let kinds = vary.noise.as_deref().unwrap_or(room.noise.as_slice());
    if kinds.contains(&NoiseKind::Babble) && room.babble.is_empty() {
        let advice = "say who talks, as in babble = [\"g01\", \"g02\"]".to_owned();
        faults.push((line, Fault::Missing { what: "babble", advice }));
    }
    faults
}

fn variations(script: &Script, vary: &VaryKeys) -> Vec<(usize, Fault)> {
    let line = script.vary.line("");
    let line = if line == 0 { script.head.line("") } else { line };
    let mut faults = Vec::new();
    let mut fault = |why: &str| faults.push((line, Fault::Contradiction(why.to_owned())));
    let is_turns = [
        vary.clip.is_some(),
        vary.sound.is_some(),
        vary.gap_ms.is_some(),
        vary.gain_db.is_some(),
        vary.speed.is_some(),
    ];
    if is_turns.contains(&true) && script.turns.iter().all(Lined::has_sound) {
        fault(
            "there is no turn to vary; leave out the clip, text or sound of the one that is meant",
        );
    }
    if vary.gap_ms.is_some() && vary.sound.is_some() {
        fault("vary.gap_ms is the silence between clips, and vary.sound has none; leave one out");
    }
    if vary.clip.is_some() && vary.sound.is_some() {
        fault("vary.clip and vary.sound both give the turn its sound; keep one of them");
    }
    let lists = [
        vary.clip.as_ref().map(Vec::is_empty),
        vary.sound.as_ref().map(Vec::is_empty),
        vary.gap_ms.as_ref().map(Vec::is_empty),
        vary.gain_db.as_ref().map(Vec::is_empty),
        vary.speed.as_ref().map(Vec::is_empty),
        vary.snr_db.as_ref().map(Vec::is_empty),
        vary.echo_db.as_ref().map(Vec::is_empty),
        vary.noise.as_ref().map(Vec::is_empty),
    ];
    if lists.contains(&Some(true)) {
        fault("a list of what is varied is empty; give it values, or leave it out");
    }
    let is_single = |clip: &OneOrMore<_>| clip.items().len() < 2;
    if vary.gap_ms.is_some() && vary.clip.iter().flatten().any(is_single) {
        fault("vary.gap_ms is the silence between clips; make each of vary.clip a list");
    }
    faults
}

fn sound(turn: &Lined<TurnKeys>, vary: &VaryKeys) -> Vec<(usize, Fault)> {
    let keys = &turn.keys;
    let mut faults = Vec::new();
    let mut fault = |key: &str, fault: Fault| faults.push((turn.line(key), fault));
    let given: Vec<_> = ["clip", "text", "sound"].into_iter().filter(|key| turn.has(key)).collect();
    match given.as_slice() {
        [] if vary.clip.is_none() && vary.sound.is_none() => {
            let advice =
                "say what is heard, with clip, text or sound, or with vary.clip".to_owned();
            fault("", Fault::Missing { what: "clip", advice });
        }
        [] | [_] => {}
        [first, second, ..] => {
            let why = format!("{first} and {second} both say what is heard; keep one of them");
            fault(second, Fault::Contradiction(why));
        }
    }
    if turn.has("text") != turn.has("voice") {
        let (what, advice) = match turn.has("text") {
            true => ("voice", "say who says the text"),
            false => ("text", "a voice says a text, and there is none"),
        };
        fault("", Fault::Missing { what, advice: advice.to_owned() });
    }
    let parts = keys.clip.as_ref().map(|clip| clip.items().len());
    let parts = parts.or(keys.text.as_ref().map(|text| text.items().len()));
    if parts == Some(0) {
        let why = "the list is empty; name at least one".to_owned();
        fault("clip", Fault::Contradiction(why));
    }
    if keys.user_ms.is_some() && (!turn.has("clip") || parts.is_some_and(|parts| parts > 1)) {
        let why = "user_ms is a moment of one clip; give the turn a clip of its own, and only one";
        fault("user_ms", Fault::Contradiction(why.to_owned()));
    }
    if keys.gap_ms.is_some() && (parts == Some(1) || keys.sound.is_some()) {
        let why = "gap_ms is the silence between the parts of a list, and there is only one";
        fault("gap_ms", Fault::Contradiction(why.to_owned()));
    }
    faults
}

fn expectations(turn: &Lined<TurnKeys>) -> Vec<(usize, Fault)> {
    let expect = &turn.keys.expect;
    let mut faults = Vec::new();
    let mut fault =
        |key: &str, why: String| faults.push((turn.line(key), Fault::Contradiction(why)));
    if expect.contains(&Expect::Ignore) && expect.len() > 1 {
        fault(
            "expect",
            "what is ignored has no other consequence; keep \"ignore\" alone".to_owned(),
        );
    }
    for (key, value, needed) in [
        ("response_ms", turn.keys.response_ms, Expect::Respond),
        ("stop_ms", turn.keys.stop_ms, Expect::Stop),
    ] {
        if value.is_some() && !expect.contains(&needed) {
            let word = needed.as_str();
            fault(key, format!("{key} limits what is not expected; add \"{word}\" to expect"));
        }
    }
    faults
}

/// Checks that every turn can begin. The assistant is assumed to behave as expected; with one that
/// does not, a turn may still never begin.
fn moments(script: &Script, patience_ms: u64) -> Vec<(usize, Fault)> {
    let mut faults = Vec::new();
    let mut is_speaking = false;
    // The earliest time at which the turn before can have begun, in ms of the call.
    let mut before_ms = 0;
    let told = || script.announce.iter().filter_map(|announce| announce.keys.at_ms);
    for (index, turn) in script.turns.iter().enumerate() {
        let keys = &turn.keys;
        let name = || keys.id.clone().unwrap_or_else(|| format!("{}", index + 1));
        let never = |why: String| (turn.line("anchor"), Fault::NeverBegins { turn: name(), why });
        let Some(when) = keys.anchor.or((index == 0).then_some(FIRST)) else {
            if !turn.has("anchor") {
                let advice =
                    "say when the turn begins, as in anchor = { quiet_ms = 500 }".to_owned();
                faults.push((turn.line(""), Fault::Missing { what: "anchor", advice }));
            }
            continue;
        };
        let earliest_ms = when.anchor().earliest().as_millis();
        // The assistant speaks also where it was told to since the turn before.
        let until_ms = if let When::StartMs(at) = when { at } else { u64::MAX };
        is_speaking |= told().any(|at| (before_ms..=until_ms).contains(&at));
        match when {
            When::StartMs(at) if at < before_ms => faults.push(never(format!(
                "at {at} ms the turn before it has not begun, which takes {before_ms} ms at least; \
                 use after_turn_ms"
            ))),
            When::AfterTurnMs(_) if index == 0 => {
                faults.push(never("there is no turn before it; use start_ms".to_owned()));
            }
            When::SpeakingMs(_) | When::Words(_) if !is_speaking => faults.push(never(
                "nothing before it makes the assistant speak; put a turn with \
                 expect = [\"respond\"] or a [[case.announce]] before it, or use start_ms, quiet_ms \
                 or after_turn_ms"
                    .to_owned(),
            )),
            _ => {}
        }
        if !matches!(when, When::StartMs(_)) && earliest_ms >= patience_ms {
            faults.push(never(format!(
                "it waits {earliest_ms} ms and is given up after {patience_ms}; raise patience_ms"
            )));
        }
        before_ms = match when {
            When::StartMs(at) => before_ms.max(at),
            // The first turn waits for the first that the assistant was told to say.
            _ if index == 0 => told().min().unwrap_or(0) + earliest_ms,
            _ => before_ms + earliest_ms,
        };
        is_speaking &= !matches!(when, When::QuietMs(_));
        if keys.expect.contains(&Expect::Stop) && !is_speaking {
            let why = "the assistant is silent then and cannot stop; see to it that it speaks, or \
                       leave out \"stop\"";
            faults.push((turn.line("expect"), Fault::Contradiction(why.to_owned())));
        }
        is_speaking = match keys.expect.as_slice() {
            // Without an expectation it is unknown whether the assistant answers.
            [] => is_speaking || keys.sound.is_none(),
            expect if expect.contains(&Expect::Respond) => true,
            expect => is_speaking && !expect.contains(&Expect::Stop),
        };
    }
    faults
}

/// Default anchor of the first turn.
const FIRST: When = When::StartMs(500);

impl When {
    /// The anchor of the room that it stands for.
    pub(super) fn anchor(self) -> Anchor {
        let ms = Samples::from_millis;
        match self {
            Self::StartMs(at) => Anchor::Start(ms(at)),
            Self::SpeakingMs(length) => Anchor::Speaking(ms(length)),
            Self::Words(count) => Anchor::Words(count),
            Self::QuietMs(length) => Anchor::Quiet(ms(length)),
            Self::AfterTurnMs(length) => Anchor::AfterCue(ms(length)),
        }
    }
}

impl TurnKeys {
    /// Its anchor in the room; `index` is its place in the case.
    pub(super) fn when(&self, index: usize) -> Anchor {
        let unsaid = if index == 0 { FIRST } else { When::QuietMs(0) };
        self.anchor.unwrap_or(unsaid).anchor()
    }
}
