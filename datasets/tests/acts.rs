//! The shipped classifier of wording is what the fitter makes of the phrasings.

use std::path::{Path, PathBuf};

use duplex_datasets::acts::{Phrasings, PhrasingsError, Report, fit};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("text/acts.toml")
}

#[test]
fn the_shipped_table_is_the_fitters_output() {
    let fitted = fit(&Phrasings::read(&file()).unwrap());
    let shipped = include_bytes!("../../duplex-core/src/words/acts.bin");
    assert!(fitted == shipped, "run: cargo run --release -p duplex-datasets -- acts");
}

#[test]
fn most_phrasings_of_groups_that_were_left_out_are_known() {
    let report = Report::of(&Phrasings::read(&file()).unwrap());
    // Of five acts as likely as they are weighed, chance has 2.27 bits.
    assert!(report.loss < 1.4, "{report}");
}

#[test]
fn what_is_no_file_of_phrasings_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acts.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Phrasings::read(&path).unwrap_err()
    };
    let act = |name: &str, groups: &str| format!("[[act]]\nname = \"{name}\"\ngroups = {groups}\n");
    assert!(matches!(read("act = 3"), PhrasingsError::Toml { .. }));
    assert!(
        matches!(read(&act("song", "[[\"la la\"]]")), PhrasingsError::Act(name) if name == "song")
    );
    let only_stops = act("stop", "[[\"stop talking\"]]");
    assert!(matches!(read(&only_stops), PhrasingsError::Missing("request")));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Phrasings::read(&path), Err(PhrasingsError::Io { .. })));
}
