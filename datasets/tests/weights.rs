//! The shipped weights are what the fitter makes of the recorded observations.

use std::path::{Path, PathBuf};

use duplex_datasets::weights::{Options, Table, TableError, fit, source};

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("observations");
    ["scripted.tsv", "field.tsv", "handed.tsv"].map(|name| folder.join(name)).to_vec()
}

#[test]
fn the_shipped_weights_are_the_fitters_output() {
    let table = Table::read(&tables()).unwrap();
    let shipped = include_str!("../../duplex-core/src/evidence/fitted.rs");
    let fitted = source(&fit(&table, Options::default()));
    assert!(fitted == shipped, "run: cargo run --release -p duplex-datasets -- weights");
}

#[test]
fn what_is_no_table_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    let head = std::fs::read_to_string(&tables()[2]).unwrap();
    let (head, rows) = head.split_once('\n').unwrap();
    let row = rows.lines().next().unwrap();
    let cells: Vec<&str> = row.split('\t').collect();
    let with = |column: &str, value: &str| {
        let at = head.split('\t').position(|name| name == column).unwrap();
        let mut cells = cells.clone();
        cells[at] = value;
        cells.join("\t")
    };
    let without_column = head.replacen("\tbrief", "\tloud", 1);
    for (text, line, why) in [
        (String::new(), 1, "the table is empty"),
        (format!("{without_column}\n{row}\n"), 1, "there is no column brief"),
        (format!("{head}\n{row}\n{}\n", with("kind", "song")), 3, "song is no kind of sound"),
        (format!("{head}\n{}\n", with("brief", "much")), 2, "brief is no number"),
        (format!("{head}\n{row}\tmore\n"), 2, "columns, and the head has"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Table::read(&[&path]).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(matches!(error, TableError::Line { line: at, .. } if at == line), "{error}");
    }
}
