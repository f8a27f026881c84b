//! The shipped scenarios.

use std::{collections::BTreeMap, fs, path::PathBuf};

use duplex_core::Samples;
use duplex_harness::{
    case::{Case, Category},
    scenario::{self, Options, estimate, trials},
    suite::quarter,
};

fn shipped(folder: &str) -> Vec<Case> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), folder].iter().collect();
    scenario::load(&[path], Options::default()).unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// Cases, trials and estimated milliseconds by category.
fn table(cases: &[Case]) -> BTreeMap<Category, (usize, usize, u64)> {
    let mut table = BTreeMap::new();
    for case in cases {
        let row: &mut (usize, usize, u64) = table.entry(case.category).or_default();
        *row = (row.0 + 1, row.1 + trials(case), row.2 + estimate(case).as_millis());
    }
    table
}

fn total(cases: &[Case]) -> Samples {
    Samples(cases.iter().map(|case| estimate(case).0).sum())
}

#[test]
fn the_whole_set_tries_each_category_thirty_times_and_takes_less_than_an_hour() {
    let cases = shipped("scenarios");
    let table = table(&cases);
    for (category, (cases, trials, ms)) in &table {
        println!("{:<14} {cases:>4} {trials:>4} {:>6.0} s", category.as_str(), *ms as f64 / 1e3);
    }
    for category in Category::ALL {
        let (_, trials, _) = table.get(&category).copied().unwrap_or_default();
        assert!(trials >= 30, "{}: {trials}", category.as_str());
    }
    let total = total(&cases).as_millis();
    println!("{} cases, {:.1} minutes", cases.len(), total as f64 / 60e3);
    assert!(total < 55 * 60_000, "too close to an hour: {total} ms");
}

#[test]
fn the_small_set_has_every_category_and_takes_less_than_five_minutes() {
    let cases = shipped("scenarios/small");
    let table = table(&cases);
    assert_eq!(table.len(), Category::ALL.len(), "{table:?}");
    let total = total(&cases).as_millis();
    println!("{} cases, {:.1} minutes", cases.len(), total as f64 / 60e3);
    assert!(total < 5 * 60_000, "{total} ms");
}

#[test]
fn the_quarter_has_a_quarter_of_each_category_and_takes_less_than_a_quarter_of_an_hour() {
    let mut cases = shipped("scenarios");
    let whole = table(&cases);
    quarter(&mut cases);
    let table = table(&cases);
    for category in Category::ALL {
        assert_eq!(table[&category].0, whole[&category].0.div_ceil(4), "{}", category.as_str());
    }
    let total = total(&cases).as_millis();
    println!("{} cases, {:.1} minutes", cases.len(), total as f64 / 60e3);
    assert!(total < 15 * 60_000, "{total} ms");
}

#[test]
fn whoever_speaks_in_the_set_has_words_to_be_recognised() {
    for case in shipped("scenarios") {
        for cue in &case.cues {
            let said = &case.expect[&cue.id].text;
            assert_eq!(said.is_empty(), cue.sound.is_effect() && !said_far(&case), "{}", case.id);
        }
    }
}

/// Speech from another room is not the user's voice, but it has words.
fn said_far(case: &Case) -> bool {
    case.category == Category::Background
}

#[test]
fn no_sound_of_the_set_is_so_loud_that_it_is_cut_off() {
    for case in shipped("scenarios") {
        for cue in &case.cues {
            let peak = cue.sound.samples().iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            assert!(peak < 1.0, "{} {}: {peak}", case.id, cue.id);
            assert!(peak > 0.001, "{} {}: {peak}", case.id, cue.id);
        }
    }
}

#[test]
fn the_example_of_the_page_is_what_the_page_says() {
    let page = include_str!("../../../docs/scenarios.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let cases = crate::load(example).unwrap();
    assert_eq!(cases.len(), 18);
    assert!(cases.iter().any(|case| case.id.starts_with("backchannel/leaves-b03-")));
}

/// The schema is written by `make docs`, which runs this test with UPDATE_DOCS=1.
#[test]
fn the_schema_of_scenarios_is_the_one_that_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");
    let schema = format!("{}\n", serde_json::to_string_pretty(&scenario::schema()).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, schema).unwrap();
    } else {
        let written = fs::read_to_string(page).unwrap();
        assert!(written == schema, "docs/scenario.schema.json is old: run `make docs`");
    }
}
