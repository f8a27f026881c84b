//! What is there to test with is known to nothing that was made: no phrase of the clips of the split `test` stands in
//! the word lists, in the texts that models are trained on, or among the clips of the split `dev`.
//!
//! Words that everybody says ("yes", "go on") cannot be kept apart so. Clips of one or two words are split by voice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use duplex_core::words::normalise;
use duplex_harness::case::Split;

/// Phrases of fewer words than this are split by voice.
const OWN_PHRASE: usize = 3;

/// A clip as a manifest lists it.
#[derive(Clone, Debug)]
struct Clip {
    /// The manifest, and the clip's name.
    place: String,
    voice: String,
    split: Split,
    text: String,
}

/// A text that something was made of, and where it stands.
#[derive(Clone, Debug)]
struct Known {
    place: String,
    text: String,
}

/// Words as one string in which a run of them is found as a part.
fn run_of(text: &str) -> String {
    format!(" {} ", normalise(text).join(" "))
}

fn length(clip: &Clip) -> usize {
    normalise(&clip.text).len()
}

/// The phrases of test clips that stand in `known` or in a clip to develop with, each with the place.
fn leaks(clips: &[Clip], known: &[Known]) -> Vec<String> {
    let listed = clips.iter().filter(|clip| clip.split == Split::Dev);
    let listed = listed.map(|clip| (&clip.place, &clip.text));
    let known = known.iter().map(|known| (&known.place, &known.text));
    let runs: Vec<_> = known.chain(listed).map(|(place, text)| (place, run_of(text))).collect();
    let tested = clips.iter().filter(|clip| clip.split == Split::Test);
    let mut found = Vec::new();
    for clip in tested.filter(|clip| length(clip) >= OWN_PHRASE) {
        let phrase = run_of(&clip.text);
        let stands = runs.iter().filter(|(_, run)| run.contains(&phrase));
        found.extend(stands.map(|(place, run)| {
            format!("{}: {:?} stands in {place}: {:?}", clip.place, clip.text, run.trim())
        }));
    }
    found
}

/// Voices that say clips of one or two words of both splits, each with a clip of each.
fn shared_voices(clips: &[Clip]) -> Vec<String> {
    let short =
        |split| clips.iter().filter(move |clip| clip.split == split && length(clip) < OWN_PHRASE);
    let shared = short(Split::Test).filter_map(|tested| {
        let dev = short(Split::Dev).find(|dev| dev.voice == tested.voice)?;
        let Clip { place, voice, text, .. } = tested;
        Some(format!("{place}: {text:?} is said by {voice}, as {:?} of {}", dev.text, dev.place))
    });
    shared.collect()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}

fn place(path: &Path) -> String {
    path.strip_prefix(repository()).unwrap_or(path).display().to_string()
}

/// The clips of a manifest.
fn listed(path: &Path) -> Vec<Clip> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|title| *title == name);
    let (clip, voice, words) =
        (column("clip").unwrap(), column("voice").unwrap(), column("text").unwrap());
    let split = column("split");
    let listed = |line: Vec<&str>| Clip {
        place: format!("{}, {}", place(path), line[clip]),
        voice: line[voice].to_owned(),
        split: split.map_or(Split::Dev, |split| line[split].parse().unwrap()),
        text: line[words].to_owned(),
    };
    lines.map(listed).collect()
}

/// The string literals of Rust source.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    let mut chars = source.chars();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match (&mut open, c) {
            (Some(_), '"') => found.extend(open.take()),
            (Some(text), '\\') => {
                // Whatever is escaped parts words, or is punctuation.
                chars.next();
                text.push(' ');
            }
            (Some(text), c) => text.push(c),
            // A quotation mark as a character opens nothing.
            (None, '"') if before != '\'' => open = Some(String::new()),
            (None, _) => {}
        }
        before = c;
    }
    found
}

/// The strings in a value, however deep.
fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|it| strings(it, found)),
        serde_json::Value::Object(values) => values.values().for_each(|it| strings(it, found)),
        _ => {}
    }
}

/// The texts of a file by its ending: each literal of source, each string of data.
fn texts(path: &Path) -> Vec<Known> {
    // A table of numbers has no phrases: what it was made of is looked at.
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut found = Vec::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("rs") => found = literals(&text),
        Some("toml") => strings(&toml::from_str(&text).unwrap(), &mut found),
        Some("jsonl") => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.for_each(|line| strings(&serde_json::from_str(line).unwrap(), &mut found));
        }
        _ => found.extend(text.lines().map(str::to_owned)),
    }
    found.into_iter().map(|text| Known { place: place(path), text }).collect()
}

fn shipped_clips() -> Vec<Clip> {
    let lists = files(&repository().join("tests/speech"));
    let lists = lists.iter().filter(|path| path.ends_with("manifest.tsv"));
    lists.flat_map(|path| listed(path)).collect()
}

/// The word lists, what one recogniser mishears, and the texts that models are trained on; with those that they are
/// tested on, which whoever writes the lists has read.
fn made_of() -> Vec<Known> {
    let of = |name: &str| repository().join(name);
    let mut paths = files(&of("duplex-core/src/words"));
    paths.extend(files(&of("datasets/text")));
    paths.extend(["model/models.toml", "datasets/texts.toml", "datasets/src/phrases.rs"].map(of));
    paths.iter().flat_map(|path| texts(path)).collect()
}

#[test]
fn no_phrase_to_test_with_was_known_to_what_is_tested() {
    let found = leaks(&shipped_clips(), &made_of());
    assert!(found.is_empty(), "say something else in these clips:\n{}", found.join("\n"));
}

#[test]
fn whoever_says_a_word_or_two_to_test_with_says_none_to_develop_with() {
    let found = shared_voices(&shipped_clips());
    assert!(found.is_empty(), "these voices are of both splits:\n{}", found.join("\n"));
}

#[test]
fn everything_that_could_know_a_phrase_is_looked_at() {
    let clips = shipped_clips();
    assert!(clips.len() >= 100, "{} clips", clips.len());
    let known = made_of();
    let places: BTreeSet<&str> = known.iter().map(|known| known.place.as_str()).collect();
    for (place, text) in [
        ("duplex-core/src/words/lists.rs", "please carry on"),
        ("datasets/text/phrases.toml", "please stop talking"),
        ("datasets/text/acts.toml", "i'd prefer some quiet"),
        ("datasets/text/heard.jsonl", "uh huh"),
        ("datasets/text/replies.jsonl", "I'm so glad"),
        ("datasets/text/questions.toml", "What is the capital of France?"),
        ("model/models.toml", "stopped talking"),
    ] {
        assert!(places.contains(place), "{place}: {places:?}");
        let run = run_of(text);
        let stands = |known: &&Known| known.place == place && run_of(&known.text).contains(&run);
        assert!(known.iter().any(|known| stands(&known)), "{text:?} in {place}");
    }
}

fn clip(name: &str, voice: &str, split: Split, text: &str) -> Clip {
    Clip { place: name.to_owned(), voice: voice.to_owned(), split, text: text.to_owned() }
}

#[test]
fn a_phrase_that_is_known_is_named_with_its_place() {
    let clips = [
        clip("t1", "ann", Split::Test, "That's more than enough!"),
        clip("t2", "ann", Split::Test, "Stop it."),
        clip("t3", "ann", Split::Test, "What time is it?"),
        clip("d1", "bob", Split::Dev, "Well, what time is it now?"),
        clip("d2", "bob", Split::Dev, "What time is this?"),
    ];
    let known = [
        Known { place: "lists.rs".to_owned(), text: "that\u{2019}s more than enough".to_owned() },
        // Its words are there, but not as a run; nor is half a word.
        Known { place: "lists.rs".to_owned(), text: "that's far more than enough".to_owned() },
        Known { place: "lists.rs".to_owned(), text: "somewhat time is it".to_owned() },
        // Too short to be anybody's own.
        Known { place: "lists.rs".to_owned(), text: "stop it".to_owned() },
    ];
    assert_eq!(
        leaks(&clips, &known),
        [
            "t1: \"That's more than enough!\" stands in lists.rs: \"that's more than enough\"",
            "t3: \"What time is it?\" stands in d1: \"well what time is it now\"",
        ]
    );
}

#[test]
fn a_voice_of_both_splits_is_named_with_both_clips() {
    let clips = [
        clip("t1", "ann", Split::Test, "Mm-hmm."),
        clip("t2", "cat", Split::Test, "Yes."),
        clip("d1", "ann", Split::Dev, "And who wrote that?"),
        clip("d2", "cat", Split::Dev, "Go on."),
    ];
    assert_eq!(shared_voices(&clips), ["t2: \"Yes.\" is said by cat, as \"Go on.\" of d2"]);
}

#[test]
fn the_literals_of_source_are_apart() {
    let source = r#"/// As "go on" is.
        const A: &[&str] = &["stop that", "now \"then\""]; if c == '"' { x("there") }"#;
    assert_eq!(literals(source), ["go on", "stop that", "now  then ", "there"]);
}
