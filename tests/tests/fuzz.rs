//! Scenario files that nobody wrote: any bytes, damaged ones, and values that make no sense.
//!
//! Each test runs for a second, and for longer where `BOLERO_RANDOM_TEST_TIME_MS` says so
//! (docs/soak.md).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutation;

use std::{fs, path::PathBuf};

use bolero::{TypeGenerator, ValueGenerator, produce};
use duplex_harness::scenario::{self, Loaded, Options};
use mutation::{damage, mutated};
use peak_alloc::PeakAlloc;
use tempfile::TempDir;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// What reading a file of two calls may take: each of its turns is ten seconds at most, and a hundred
/// times that is allowed.
const MOST_BYTES: usize = 512 << 20;

/// A call of each kind of sound, short clips, and two variations.
const WHOLE: &str = r#"title = "Two calls"
category = "interruption"

[room]
echo_db = -12
echo_delay_ms = 120
rt60_ms = 200
snr_db = 10
noise = "babble"
babble = ["b05"]
seed = 7
tail_ms = 3000
hang_up_ms = 2500
patience_ms = 6000

[vary]
clip = [["b05", "b07"], ["b08", { clip = "b05", from_ms = 20, to_ms = 200, said = "yes" }]]
gap_ms = [100, 300]
gain_db = [-6, 0]
speed = [0.9, 1.1]
snr_db = [10, "none"]
count = 2
seed = 3

[[case]]
id = "whole"

[case.room]
impulse = "b05"

[[case.turn]]
id = "question"
clip = "b05"
anchor = { start_ms = 500 }
expect = ["respond"]
response_ms = 1000
words = ["Rome"]

[[case.turn]]
id = "noise"
sound = "click"
anchor = { speaking_ms = 700 }
gain_db = -6
far = true
expect = ["ignore"]

[[case.turn]]
id = "interruption"
anchor = { words = 3 }
gap_ms = 100
expect = ["stop", "respond"]
stop_ms = 500
"#;

/// A folder for files, and where their clips are.
struct Place {
    folder: TempDir,
    clips: [PathBuf; 1],
}

impl Place {
    fn new() -> Self {
        let clips = [[env!("CARGO_MANIFEST_DIR"), "speech"].iter().collect()];
        Self { folder: tempfile::tempdir().unwrap(), clips }
    }

    /// Reads a file with these bytes, and checks what came of it.
    fn read(&self, bytes: &[u8]) -> Loaded {
        let file = self.folder.path().join("any.toml");
        fs::write(&file, bytes).unwrap();
        PEAK.reset_peak_usage();
        let options = Options { clips: &self.clips, ..Options::default() };
        let loaded = scenario::read(std::slice::from_ref(&file), options);
        let most = PEAK.peak_usage();
        assert!(most < MOST_BYTES, "{most} bytes of memory for a file of {}", bytes.len());
        let lines = bytes.split(|&byte| byte == b'\n').count();
        for error in &loaded.errors {
            assert_eq!(error.file, file);
            assert!(error.line <= lines, "{error}");
        }
        for case in &loaded.cases {
            assert!(case.source.as_ref().is_some_and(|source| source.line <= lines));
            for cue in &case.cues {
                assert!(cue.sound.samples().iter().all(|sample| sample.is_finite()), "{}", case.id);
                assert!(case.expect.contains_key(&cue.id), "{}", case.id);
            }
        }
        assert!(!loaded.cases.is_empty() || !loaded.errors.is_empty(), "nothing is said of it");
        loaded
    }
}

/// Values, most of which belong nowhere.
const VALUES: [&str; 40] = [
    "0",
    "-0.0",
    "1",
    "-1",
    "500",
    "0.9",
    "10000",
    "3600000",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "-9223372036854775808",
    "0xffff_ffff",
    "1e308",
    "-1e308",
    "1e-320",
    "nan",
    "-nan",
    "inf",
    "true",
    "\"\"",
    "\"none\"",
    "\"pink\"",
    "\"babble\"",
    "\"b05\"",
    "\"stop\"",
    "\"../b05\"",
    "\"/dev/null\"",
    "\"\\u0000\"",
    "\"\u{130}\"",
    "[]",
    "[[]]",
    "[0, 0, 0]",
    "[\"b05\", \"b05\"]",
    "[nan, 1.0]",
    "{}",
    "{ clip = \"b05\", from_ms = 1 }",
    "{ start_ms = 18446744073709551615 }",
    "{ quiet_ms = 0, words = 1 }",
    "1979-05-27",
];

/// A change of a file, line by line. Lines count around.
#[derive(Debug, TypeGenerator)]
enum Change {
    /// The value of a line is another.
    Value(u8, u8),
    /// The value of a line is a list of two others.
    List(u8, u8, u8),
    /// The key of a line is that of another.
    Key(u8, u8),
    /// A line is missing.
    Without(u8),
    /// A line comes once more elsewhere.
    Again(u8, u8),
}

fn value(index: u8) -> &'static str {
    VALUES[usize::from(index) % VALUES.len()]
}

fn set(line: &mut String, value: &str) {
    if let Some((key, _)) = line.split_once(" = ") {
        *line = format!("{key} = {value}");
    }
}

fn changed(changes: &[Change]) -> String {
    let mut lines: Vec<String> = WHOLE.lines().map(str::to_owned).collect();
    for change in changes {
        let count = lines.len();
        let place = |at: u8| usize::from(at) % count;
        match *change {
            Change::Value(at, new) => set(&mut lines[place(at)], value(new)),
            Change::List(at, first, second) => {
                let list = format!("[{}, {}]", value(first), value(second));
                set(&mut lines[place(at)], &list);
            }
            Change::Key(at, other) => {
                let other = lines[place(other)].clone();
                let (line, other) = (lines[place(at)].clone(), other.split_once(" = "));
                if let Some(((_, value), (key, _))) = line.split_once(" = ").zip(other) {
                    lines[place(at)] = format!("{key} = {value}");
                }
            }
            Change::Without(at) => drop(lines.remove(place(at))),
            Change::Again(at, to) => lines.insert(place(to), lines[place(at)].clone()),
        }
    }
    lines.join("\n")
}

fn changes() -> impl ValueGenerator<Output = Vec<Change>> {
    produce::<Vec<Change>>().with().len(1..=3usize)
}

#[test]
fn any_bytes_are_cases_or_faults_with_their_lines() {
    let place = Place::new();
    let bytes = produce::<(bool, Vec<u8>)>();
    bolero::check!().with_generator(bytes).for_each(|(has_head, bytes)| {
        let head =
            if *has_head { "title = \"t\"\ncategory = \"silence\"\n[[case]]\nid = " } else { "" };
        _ = place.read(&[head.as_bytes(), bytes].concat());
    });
}

#[test]
fn any_damage_to_a_scenario_gives_cases_or_faults_with_their_lines() {
    let place = Place::new();
    assert_eq!(place.read(WHOLE.as_bytes()).errors, []);
    bolero::check!().with_generator(damage()).for_each(|damage| {
        _ = place.read(&mutated(WHOLE.as_bytes(), damage));
    });
}

#[test]
fn any_value_in_a_scenario_gives_cases_or_faults_with_their_lines() {
    let place = Place::new();
    bolero::check!().with_generator(changes()).for_each(|changes| {
        _ = place.read(changed(changes).as_bytes());
    });
}
