//! The files that a finished call is written to.

mod sample_call;

use std::path::Path;

use duplex_harness::report::{CallRecord, ReportError, SCHEMA};

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect(name)
}

/// The folder of reports of `call`.
fn written(call: &CallRecord) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    call.write(folder.path()).expect("the reports");
    folder
}

#[test]
fn the_json_contains_what_programs_ask_for() {
    let folder = written(&sample_call::call());
    let report: serde_json::Value =
        serde_json::from_str(&read(folder.path(), "report.json")).unwrap();
    assert_eq!(report["schema"], SCHEMA);
    assert_eq!(report["passed"], true);
    assert_eq!(report["summary"]["response_latency_ms"]["p50"], 693.0);
    assert_eq!(report["summary"]["response_latency_ms"]["p90"], 708.0);
    assert_eq!(report["summary"]["stop_latency_ms"]["max"], 320.0);
    assert_eq!(report["summary"]["rss_mb"], 612.0);
    let stop = &report["events"][2];
    assert_eq!((&stop["id"], &stop["expect"]), (&"new question".into(), &"stop".into()));
    assert_eq!((&stop["outcome"], &stop["latency_ms"]), (&"stopped".into(), &320.0.into()));
    assert_eq!(report["user_turns"][0]["final"], true);
    assert!(report.get("user").is_none(), "the tracks belong into call.wav");
}

#[test]
fn a_call_without_latencies_still_has_their_fields() {
    let folder = written(&CallRecord { rate: 16_000, ..CallRecord::default() });
    let report: serde_json::Value =
        serde_json::from_str(&read(folder.path(), "report.json")).unwrap();
    let p50 = report["summary"]["response_latency_ms"].get("p50");
    assert_eq!(p50, Some(&serde_json::Value::Null));
}

#[test]
fn the_transcript_shows_what_was_cut_and_why() {
    let folder = written(&sample_call::call());
    let transcript = read(folder.path(), "transcript.md");
    let cut = "The train on platform four ~~is delayed by approximately fifteen minutes.~~";
    assert!(transcript.contains(cut), "{transcript}");
    assert!(transcript.contains("*cut at 0:10.5: the user took the floor"), "{transcript}");
    let order = ["capital of France", "In the news", "Uh-huh", "The train", "weather in London"];
    let places: Vec<_> = order.iter().map(|text| transcript.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{transcript}");
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let folder = written(&sample_call::call());
    let page =
        read(folder.path(), "timeline.html").replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
    assert!(page.contains("src=\"call.wav\""));
}

#[test]
fn hostile_words_stay_words() {
    let mut call = sample_call::call();
    let hostile = "</script><img src=x> & \u{0} *bold* | [link](x)";
    call.title = hostile.into();
    call.user_turns[0].text = hostile.into();
    call.assistant_turns[1].cut = Some(hostile.into());
    call.notices[0].detail = hostile.into();
    let folder = written(&call);
    let page = read(folder.path(), "timeline.html");
    assert!(!page.contains("<img") && !page.contains('\u{0}'));
    let picture = read(folder.path(), "timeline.svg");
    roxmltree::Document::parse(&picture).expect("a well-formed picture");
    assert!(!read(folder.path(), "transcript.md").contains(" *bold*"));
}

#[test]
fn tracks_of_different_length_are_refused_before_anything_is_written() {
    let mut call = sample_call::call();
    call.assistant.pop();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report");
    let error = call.write(&target).unwrap_err();
    assert!(matches!(error, ReportError::Tracks { .. }), "{error}");
    assert!(!target.exists());
}

#[test]
fn a_file_that_cannot_be_replaced_is_named_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    // A folder of the same name is in the way of the rename, whoever runs the test.
    std::fs::create_dir_all(folder.path().join("timeline.svg/kept")).unwrap();
    let error = sample_call::call().write(folder.path()).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }));
    assert!(error.to_string().contains("timeline.svg"), "{error}");
    assert!(folder.path().join("timeline.svg/kept").exists());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "the transcript and what was there; no temporary file");
}
