//! The program as it is used: a data set is generated from the real packages, counted and shown.

use std::path::Path;
use std::process::{Command, Output};

use duplex_datasets::Dialogue;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duplex-datasets"))
        .args(arguments)
        .output()
        .expect("it can be run")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it can be read")
}

#[test]
fn a_data_set_is_built_the_same_twice_and_can_be_counted_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    for name in ["one", "two"] {
        let folder = out(name);
        let built =
            run(&["build", "--out", folder.to_str().unwrap(), "--train", "40", "--test", "5"]);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let train = out("one").join("train.jsonl");
    for name in ["train.jsonl", "test.jsonl", "chat.jsonl"] {
        let (one, two) = (text(&out("one").join(name)), text(&out("two").join(name)));
        assert!(!one.is_empty() && one == two, "{name} is not the same twice");
    }
    assert_eq!(text(&out("one").join("test.jsonl")).lines().count(), 5);
    let dialogues: Vec<Dialogue> =
        text(&train).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(dialogues.len(), 40);

    let page = out("stats.html");
    let (file, page_name) = (train.to_str().unwrap(), page.to_str().unwrap());
    let counted = run(&["stats", file, "--html", page_name]);
    assert!(String::from_utf8_lossy(&counted.stdout).contains("40 dialogues"));
    assert!(text(&page).contains("<svg") && !text(&page).contains("http-equiv"));

    let shown = run(&["show", file, "3"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("train-000002"), "{shown}");
    for slice in &dialogues[2].slices {
        assert!(shown.contains(slice.phase.name()), "{shown}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.jsonl");
    std::fs::write(&file, "{\"id\":\"x\"}\n").unwrap();
    let name = file.to_str().unwrap();
    for arguments in [&["stats", name][..], &["show", name], &["eval", name]] {
        let failed = run(arguments);
        let message = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(!failed.status.success());
        assert!(message.contains(&format!("{name}:1")), "{message}");
    }
    let beyond = run(&["show", "/nowhere.jsonl", "2"]);
    assert!(String::from_utf8_lossy(&beyond.stderr).contains("/nowhere.jsonl"));
}
