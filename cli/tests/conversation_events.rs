//! `--json`: the stream of a call's events, and programs that read it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use common::{Scene, code, stderr};
use duplex_core::{ConversationEvent as Event, Shown, Speech, Turn};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../docs/conversation-events.schema.json");

/// As much as a pipe holds that nobody reads from.
const PIPE: usize = 64 << 10;

fn question() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech/q01.flac").display().to_string()
}

/// What is known of a reply while the stream is read.
#[derive(Debug, Default)]
struct Reply {
    is_started: bool,
    is_over: bool,
    text: String,
    heard: String,
}

/// A reply that was prepared and is not over.
fn live(replies: &mut BTreeMap<Turn, Reply>, id: Turn) -> &mut Reply {
    let reply = replies.get_mut(&id).filter(|reply| !reply.is_over);
    reply.unwrap_or_else(|| panic!("reply {} is not prepared, or is over", id.0))
}

/// Panics where a whole stream breaks a promise of [`Event`]'s.
fn keeps_its_promises(stream: &[Shown]) {
    let version = Event::VERSION;
    assert_eq!(stream.first().unwrap().event, Event::CallStarted { version });
    assert_eq!(stream.last().unwrap().event, Event::CallEnded);
    assert!(stream.is_sorted_by_key(|it| it.at_ms));
    let mut replies = BTreeMap::<Turn, Reply>::new();
    let mut settled = BTreeSet::<Speech>::new();
    for Shown { event, .. } in stream {
        match event {
            Event::UserWords { speech, .. } => assert!(!settled.contains(speech), "{event:?}"),
            Event::UserTurn { speech, continues, .. } => {
                assert!(settled.insert(*speech), "settled twice: {event:?}");
                assert!(continues.is_none_or(|it| settled.contains(&it)), "{event:?}");
            }
            Event::ReplyPreparing { reply, .. } => {
                assert!(replies.insert(*reply, Reply::default()).is_none(), "{event:?}");
            }
            Event::ReplyDropped { reply, .. } => {
                let reply = live(&mut replies, *reply);
                assert!(!reply.is_started, "{event:?}");
                reply.is_over = true;
            }
            Event::ReplyStarted { reply, .. } => {
                assert!(
                    !std::mem::replace(&mut live(&mut replies, *reply).is_started, true),
                    "{event:?}"
                );
            }
            Event::ReplyText { reply, text } => live(&mut replies, *reply).text.push_str(text),
            Event::ReplyHeard { reply, text, .. } => {
                live(&mut replies, *reply).heard.push_str(text)
            }
            Event::ReplyCancelled { reply, heard, unheard, .. } => {
                let reply = live(&mut replies, *reply);
                assert_eq!((&reply.heard, &reply.text), (heard, &format!("{heard}{unheard}")));
            }
            Event::ReplyEnded { reply, heard, unheard, .. } => {
                let reply = live(&mut replies, *reply);
                assert!(reply.is_started, "{event:?}");
                reply.is_over = true;
                assert_eq!((&reply.heard, &reply.text), (heard, &format!("{heard}{unheard}")));
            }
            Event::ReplyDucked { reply }
            | Event::ReplyHeld { reply }
            | Event::ReplyResumed { reply, .. }
            | Event::ReplyLatency { reply, .. } => {
                assert!(live(&mut replies, *reply).is_started, "{event:?}")
            }
            _ => {}
        }
    }
    assert!(replies.values().all(|reply| reply.is_over), "{replies:?}");
}

/// Checks each line against the schema that is documented.
fn stream_of(lines: &[u8]) -> Vec<Shown> {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let line = |line: io::Result<String>| {
        let line = line.unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        if let Err(error) = schema.validate(&value) {
            panic!("{error}: {line}");
        }
        serde_json::from_value(value).unwrap()
    };
    lines.lines().map(line).collect()
}

#[test]
fn the_stream_of_a_call_has_the_documented_schema_and_keeps_its_promises() {
    let scene = Scene::new();
    let output = scene.run(&["demo", "--virtual", "--json", "--out", "demo"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let stream = stream_of(&output.stdout);
    keeps_its_promises(&stream);
    let cut = |it: &&Shown| matches!(it.event, Event::ReplyCancelled { .. });
    assert!(stream.iter().filter(cut).count() >= 2, "nothing was cut in it");
}

#[test]
fn the_schema_refuses_what_is_no_event_of_the_stream() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for line in [
        r#"{"at_ms":1,"type":"reply_sung","reply":1}"#,
        r#"{"type":"call_ended"}"#,
        r#"{"at_ms":1,"type":"reply_ducked"}"#,
        r#"{"at_ms":1,"type":"reply_dropped","reply":1,"why":"whim"}"#,
    ] {
        assert!(!schema.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
    }
}

#[test]
fn a_program_that_stops_reading_does_not_end_the_call() {
    let scene = Scene::new();
    let args = ["converse", "--virtual", "--json", "--input", &question()];
    let args = [&args[..], &["--output", "call.wav", "--report", "."]].concat();
    let mut call = scene.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let first = BufReader::new(call.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(first.contains("call_started"), "{first}");
    assert_eq!(call.wait().unwrap().code(), Some(0));
    assert!(scene.read("transcript.md").contains("**Assistant**"));
}

#[test]
fn a_program_that_never_reads_keeps_neither_a_live_call_nor_its_end_waiting() {
    let scene = Scene::new();
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&vec![b' '; PIPE]).unwrap();
    let args = ["converse", "--json", "--input", &question(), "--tail", "10"];
    let args = [&args[..], &["--output", "call.wav", "--report", "."]].concat();
    let output = scene.command(&args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("nobody reads the events"), "{}", stderr(&output));
    assert!(scene.read("transcript.md").contains("**Assistant**"));
    drop(reader);
}
