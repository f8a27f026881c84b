//! Configurations that nobody wrote. Each test runs for a second, and for longer where
//! `BOLERO_RANDOM_TEST_TIME_MS` says so (docs/soak.md).

use std::fs;

use bolero::{TypeGenerator, produce};
use tempfile::TempDir;

use super::Config;
use crate::{failure::Exit, setup};
use mutation::{damage, mutated};

#[path = "../../../tests/tests/mutation/mod.rs"]
mod mutation;

/// Loads a file with these bytes, and checks that what is accepted can be shown, loaded again and used.
fn load(folder: &TempDir, bytes: &[u8], set: &[String]) -> Option<Config> {
    let path = folder.path().join("my.toml");
    fs::write(&path, bytes).unwrap();
    match Config::load(Some(&path), set) {
        Ok(config) => {
            let shown = config.to_toml().unwrap();
            fs::write(&path, &shown).unwrap();
            assert_eq!(Config::load(Some(&path), &[]).unwrap(), config, "{shown}");
            _ = setup::call_options(&config);
            _ = setup::charges(&config);
            Some(config)
        }
        Err(failure) => {
            let told = failure.to_string();
            assert_eq!(failure.exit, Exit::Usage, "{told}");
            assert!(told.len() > "error: ".len(), "{told}");
            None
        }
    }
}

/// Values, most of which belong nowhere.
const VALUES: [&str; 36] = [
    "0",
    "-0.0",
    "1",
    "-1",
    "64",
    "0.5",
    "2.0",
    "1000",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "0xffff_ffff",
    "1e308",
    "nan",
    "-nan",
    "inf",
    "true",
    "\"\"",
    "\"en\"",
    "\"duplex\"",
    "\"both\"",
    "\"127.0.0.1:0\"",
    "\"[::1]:65535\"",
    "\"https://\"",
    "\"~/\"",
    "\"\\u0000\"",
    "\"\u{130}\"",
    "[]",
    "[[]]",
    "[[0, 0]]",
    "[[1, 1000], [2, 0]]",
    "{}",
    "{ llm = 1 }",
    "1979-05-27",
];

/// A change of the file with every key, or a `--set`.
#[derive(Debug, TypeGenerator)]
enum Change {
    /// The value of a line is another.
    Value(u16, u8),
    /// A line is missing.
    Without(u16),
    /// A line comes once more elsewhere.
    Again(u16, u16),
    /// A key of a line, in a section or in none, is set from outside.
    Set(u16, u8, u8),
    /// Anything is set from outside.
    SetText(String),
}

const SECTIONS: [&str; 12] = [
    "models", "llm", "asr", "voice", "audio", "talk", "turn", "costs", "server", "charges", "",
    "nowhere",
];

#[test]
fn any_bytes_are_a_configuration_or_an_error_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    bolero::check!().with_type::<(u8, Vec<u8>)>().for_each(|(head, bytes)| {
        let head = match head % 4 {
            0 => "",
            1 => "[llm]\n",
            2 => "[turn]\nslice_ms = ",
            _ => "[server]\nlisten = \"",
        };
        _ = load(&folder, &[head.as_bytes(), bytes].concat(), &[]);
    });
}

#[test]
fn any_damage_to_a_configuration_gives_one_or_an_error_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = lines().join("\n");
    assert_eq!(load(&folder, whole.as_bytes(), &[]), Config::defaults().ok());
    bolero::check!().with_generator(damage()).for_each(|damage| {
        _ = load(&folder, &mutated(whole.as_bytes(), damage), &[]);
    });
}

#[test]
fn any_value_in_a_configuration_gives_one_or_an_error_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    let whole = lines();
    let changes = produce::<Vec<Change>>().with().len(1..=3usize);
    bolero::check!().with_generator(changes).for_each(|changes| {
        let (mut lines, mut set) = (whole.clone(), Vec::new());
        for change in changes {
            let count = lines.len();
            let place = |at: u16| usize::from(at) % count;
            let value = |index: u8| VALUES[usize::from(index) % VALUES.len()];
            match change {
                Change::Value(at, new) => {
                    if let Some((key, _)) = lines[place(*at)].clone().split_once(" = ") {
                        lines[place(*at)] = format!("{key} = {}", value(*new));
                    }
                }
                Change::Without(at) => drop(lines.remove(place(*at))),
                Change::Again(at, to) => lines.insert(place(*to), lines[place(*at)].clone()),
                Change::Set(at, section, new) => {
                    let section = SECTIONS[usize::from(*section) % SECTIONS.len()];
                    let line = &lines[place(*at)];
                    let key = line.split_once(" = ").map_or(line.as_str(), |(key, _)| key);
                    set.push(format!("{section}.{key}={}", value(*new)));
                }
                Change::SetText(text) => set.push(text.clone()),
            }
        }
        _ = load(&folder, lines.join("\n").as_bytes(), &set);
    });
}

/// The file with every key, without its comments.
fn lines() -> Vec<String> {
    let text = Config::defaults().and_then(|config| config.to_toml()).unwrap();
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(is_said).map(str::to_owned).collect()
}
