//! `duplex test`: its output, its files and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{Scene, code, stderr};

/// A second in which nobody says anything.
const SILENCE: &str = "title = 'Nobody speaks'\ncategory = 'silence'\n\n[room]\nhang_up_ms = 1000\n\n\
                       [[case]]\nid = 'quiet'\n";

impl Scene {
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn test(&self, args: &[&str]) -> Output {
        self.run(&[&["test"], args, &["--report", "report"]].concat())
    }

    fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.read("report/report.json")).unwrap()
    }
}

#[test]
fn a_set_that_passes_is_0_and_leaves_its_reports() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    let output = scene.test(&["silence.toml", "--virtual", "--repeat", "2"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(scene.report()["overall"]["counts"]["passed"], 2);
    for file in ["report/index.html", "report/junit.xml"] {
        assert!(scene.path(file).exists(), "{file}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains("2 of 2 passed"));
}

#[test]
fn a_case_that_fails_is_1_says_why_and_keeps_its_audio() {
    let scene = Scene::new();
    let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    scene.write(
        "wrong.toml",
        &format!(
            "title = 'A question that is to be ignored'\ncategory = 'to-others'\nclips = '{}'\n\n\
             [room]\nhang_up_ms = 2500\n\n[[case]]\nid = 'moon'\n[[case.turn]]\nid = 'question'\n\
             clip = 'q03'\nexpect = ['ignore']\n",
            clips.display()
        ),
    );
    let output = scene.test(&["wrong.toml", "--virtual"]);
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    let report = scene.report();
    let case = &report["cases"][0];
    assert_eq!(case["verdict"], "failed");
    let audio = case["audio"].as_str().unwrap();
    assert!(scene.path("report").join(audio).exists(), "{audio}");
}

#[test]
fn a_fault_in_a_scenario_is_2_names_file_and_line_and_the_other_cases_run() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    scene.write("typo.toml", &SILENCE.replace("hang_up_ms", "hang_up_mss"));
    let output = scene.test(&["silence.toml", "typo.toml", "--virtual"]);
    let errors = stderr(&output);
    assert_eq!(code(&output), Some(2), "{errors}");
    assert!(errors.contains("typo.toml:5:") && errors.contains("hang_up_ms?"), "{errors}");
    assert_eq!(scene.report()["overall"]["counts"]["passed"], 1);
}

#[test]
fn a_set_without_a_case_is_2_and_runs_nothing() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    let missing = scene.test(&["nowhere.toml", "--virtual"]);
    assert_eq!(code(&missing), Some(2));
    assert!(stderr(&missing).contains("nowhere.toml"), "{}", stderr(&missing));
    let named = scene.test(&["silence.toml", "--virtual", "--only", "loud"]);
    assert_eq!(code(&named), Some(2));
    assert!(stderr(&named).contains("named like loud"), "{}", stderr(&named));
    assert!(!scene.path("report").exists());
}

#[test]
fn only_chooses_from_the_quarter_where_that_is_asked_for() {
    let scene = Scene::new();
    let more: String = (2..=4).map(|n| format!("[[case]]\nid = 'quiet-{n}'\n")).collect();
    scene.write("silence.toml", &format!("{SILENCE}{more}"));
    let named = scene.test(&["silence.toml", "--virtual", "--quarter", "--only", "loud"]);
    assert_eq!(code(&named), Some(2));
    assert!(stderr(&named).contains("none of the 1 cases of the quarter"), "{}", stderr(&named));
    let output = scene.test(&["silence.toml", "--virtual", "--quarter", "--only", "quiet"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(scene.report()["overall"]["counts"]["calls"], 1);
}

#[test]
fn a_split_chooses_cases_by_what_they_may_be_used_for() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    let none = scene.test(&["silence.toml", "--virtual", "--split", "test"]);
    assert_eq!(code(&none), Some(2));
    let errors = stderr(&none);
    assert!(errors.contains("none of the 1 cases is of the split test"), "{errors}");
    let output = scene.test(&["silence.toml", "--virtual", "--split", "dev"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(scene.report()["splits"]["dev"]["overall"]["counts"]["calls"], 1);
    assert_eq!(scene.report()["cases"][0]["split"], "dev");
    let unknown = scene.test(&["silence.toml", "--virtual", "--split", "held-out"]);
    assert_eq!(code(&unknown), Some(2));
    assert!(stderr(&unknown).contains("dev, test"), "{}", stderr(&unknown));
}

#[test]
fn an_agent_that_cannot_be_reached_is_3() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = scene.test(&["silence.toml", "--agent", &format!("ws://{closed}/")]);
    assert_eq!(code(&output), Some(3), "{}", stderr(&output));
}

#[test]
fn more_calls_at_once_than_the_machine_can_keep_time_with_are_refused() {
    let scene = Scene::new();
    scene.write("silence.toml", SILENCE);
    let output = scene.test(&["silence.toml", "--jobs", "100000"]);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("--jobs"), "{}", stderr(&output));
}

#[test]
fn a_voice_that_is_not_there_is_2_and_named() {
    let scene = Scene::new();
    let turn = "[[case.turn]]\nid = 'hello'\ntext = 'Hello there.'\nvoice = 'nobody'\n";
    scene.write("voice.toml", &format!("{SILENCE}{turn}"));
    let output = scene.test(&["voice.toml", "--virtual"]);
    let errors = stderr(&output);
    assert_eq!(code(&output), Some(2), "{errors}");
    assert!(errors.contains("voice.toml:") && errors.contains("nobody"), "{errors}");
}
