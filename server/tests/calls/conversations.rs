//! Whole calls, judged by what was audible at the other end.

use std::path::Path;

use duplex_audio::{
    Clip, level_db,
    room::{Anchor, Cue, Room, RoomOptions, Sound},
};
use duplex_core::{Samples, Speaker};
use duplex_harness::agent::{Agent as _, AgentReport, WebSocketAgent, WebSocketOptions};
use duplex_runtime::Stop;

use crate::support::{Served, options};

fn cue(clip: &str, anchor: Anchor) -> Cue {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    Cue::new(clip, Sound::read(folder.join(clip)).unwrap(), anchor)
}

/// A call with the server; returns the agent's report, and for how many ms the assistant was
/// audible.
fn call(url: &str, cues: Vec<Cue>) -> (AgentReport, usize) {
    let folder = std::env::temp_dir();
    let name = format!("duplex-{}-{:?}.wav", std::process::id(), std::thread::current().id());
    let recording = folder.join(name);
    // Longer than any answer takes to begin on a busy machine.
    let options = RoomOptions { tail_ms: 5_000, ..RoomOptions::default() };
    let (room, _) = Room::new(options, cues, Some(recording.clone())).unwrap();
    let agent = WebSocketAgent::new(url, WebSocketOptions::default()).unwrap();
    let report = agent.call(Box::new(room), &Stop::default()).unwrap();
    let clip = Clip::read(&recording).unwrap();
    std::fs::remove_file(&recording).unwrap();
    let frame = clip.rate as usize / 100;
    let audible = clip.channels[1].chunks(frame).filter(|frame| level_db(frame) > -45.0).count();
    (report, audible * 10)
}

fn said(report: &AgentReport, by: Speaker) -> String {
    let lines = report.transcript.iter().filter(|line| line.speaker == by);
    lines.map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn is_answered(report: &AgentReport, audible: usize) {
    assert!(said(report, Speaker::User).contains("capital of France"), "{report:?}");
    assert!(!said(report, Speaker::Assistant).is_empty(), "{report:?}");
    assert!(audible > 500, "{audible} ms of an answer; {report:?}");
}

fn question() -> Vec<Cue> {
    vec![cue("q01.flac", Anchor::Start(Samples::from_millis(500)))]
}

#[test]
fn a_question_is_answered_at_the_lowest_and_the_highest_rate() {
    let served = Served::ready(options(1));
    for query in ["?rate=8000", "?rate=48000"] {
        let (report, audible) = call(&served.url(query), question());
        is_answered(&report, audible);
    }
}

#[test]
fn two_calls_at_once_are_both_answered() {
    let served = Served::ready(options(2));
    let url = served.url("?rate=16000");
    let other = {
        let url = url.clone();
        std::thread::spawn(move || call(&url, question()))
    };
    let (report, audible) = call(&url, question());
    is_answered(&report, audible);
    let (report, audible) = other.join().unwrap();
    is_answered(&report, audible);
}

#[test]
fn a_user_without_echo_who_says_stop_is_obeyed_and_reads_what_was_heard() {
    let served = Served::ready(options(1));
    for clip in ["s01.flac", "s03.flac"] {
        let stop = cue(clip, Anchor::Speaking(Samples::from_millis(1_000)));
        let question = cue("q04.flac", Anchor::Start(Samples::from_millis(500)));
        let (report, audible) = call(&served.url("?rate=24000"), vec![question, stop]);
        assert!(said(&report, Speaker::User).to_lowercase().contains("stop"), "{clip}: {report:?}");
        assert!((500..3_500).contains(&audible), "{clip}: {audible} ms; {report:?}");
        let heard = said(&report, Speaker::Assistant);
        assert!((1..120).contains(&heard.len()), "{clip}: {heard}");
    }
}
