//! `duplex test`: what is told, what is left behind, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A second in which nobody says anything.
const SILENCE: &str = "title = 'Nobody speaks'\ncategory = 'silence'\n\n[room]\nhang_up_ms = 1000\n\n\
                       [[case]]\nid = 'quiet'\n";

struct Scenarios {
    folder: TempDir,
}

impl Scenarios {
    fn new() -> Self {
        assert!(
            std::env::var_os("DUPLEX_MODELS").is_some(),
            "DUPLEX_MODELS is not set: run `make models`, then `make test`"
        );
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn test(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duplex"));
        command.arg("test").args(args).args(["--report", "report"]);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", self.path("config")).env_remove("DUPLEX_CONFIG");
        command.output().unwrap()
    }

    fn report(&self) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.path("report/report.json")).unwrap()).unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_set_that_holds_is_0_and_leaves_its_reports() {
    let scenarios = Scenarios::new();
    scenarios.write("silence.toml", SILENCE);
    let output = scenarios.test(&["silence.toml", "--virtual", "--repeat", "2"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(scenarios.report()["overall"]["counts"]["held"], 2);
    for file in ["report/index.html", "report/junit.xml"] {
        assert!(scenarios.path(file).exists(), "{file}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains("2 of 2 held"));
}

#[test]
fn a_case_that_fails_is_1_says_why_and_keeps_its_audio() {
    let scenarios = Scenarios::new();
    let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    scenarios.write(
        "wrong.toml",
        &format!(
            "title = 'A question that is to be ignored'\ncategory = 'to-others'\nclips = '{}'\n\n\
             [room]\nhang_up_ms = 2500\n\n[[case]]\nid = 'moon'\n[[case.turn]]\nid = 'question'\n\
             clip = 'q03'\nexpect = ['ignore']\n",
            clips.display()
        ),
    );
    let output = scenarios.test(&["wrong.toml", "--virtual"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let report = scenarios.report();
    let case = &report["cases"][0];
    assert_eq!(case["verdict"], "failed");
    let audio = case["audio"].as_str().unwrap();
    assert!(scenarios.path("report").join(audio).exists(), "{audio}");
}

#[test]
fn a_fault_in_a_scenario_is_2_names_file_and_line_and_the_other_cases_are_held() {
    let scenarios = Scenarios::new();
    scenarios.write("silence.toml", SILENCE);
    scenarios.write("typo.toml", &SILENCE.replace("hang_up_ms", "hang_up_mss"));
    let output = scenarios.test(&["silence.toml", "typo.toml", "--virtual"]);
    let told = stderr(&output);
    assert_eq!(code(&output), 2, "{told}");
    assert!(told.contains("typo.toml:5:") && told.contains("hang_up_ms?"), "{told}");
    assert_eq!(scenarios.report()["overall"]["counts"]["held"], 1);
}

#[test]
fn a_set_without_a_case_is_2_and_holds_nothing() {
    let scenarios = Scenarios::new();
    scenarios.write("silence.toml", SILENCE);
    let missing = scenarios.test(&["nowhere.toml", "--virtual"]);
    assert_eq!(code(&missing), 2);
    assert!(stderr(&missing).contains("nowhere.toml"), "{}", stderr(&missing));
    let named = scenarios.test(&["silence.toml", "--virtual", "--only", "loud"]);
    assert_eq!(code(&named), 2);
    assert!(stderr(&named).contains("named like loud"), "{}", stderr(&named));
    assert!(!scenarios.path("report").exists());
}

#[test]
fn an_agent_that_cannot_be_reached_is_3() {
    let scenarios = Scenarios::new();
    scenarios.write("silence.toml", SILENCE);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = scenarios.test(&["silence.toml", "--agent", &format!("ws://{closed}/")]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

#[test]
fn more_calls_at_once_than_the_machine_can_keep_time_with_are_refused() {
    let scenarios = Scenarios::new();
    scenarios.write("silence.toml", SILENCE);
    let output = scenarios.test(&["silence.toml", "--jobs", "100000"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--jobs"), "{}", stderr(&output));
}
