//! The example that draws a live transcript, on the stream of a call in which a reply is cut twice: once by a backchannel,
//! after which it resumes, and once for good.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/live_transcript.rs"]
#[expect(dead_code, reason = "the program's `main` reads standard input")]
mod live_transcript;

use serde_json::Value;

const STREAM: &str = include_str!("interrupted.jsonl");

/// The events of a type.
fn events(wanted: &str) -> Vec<Value> {
    let events = STREAM.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["type"] == wanted).collect()
}

/// The contents of the screen after each event that changes it: a line that is drawn anew follows a carriage return.
fn drawn(stream: &str) -> Vec<String> {
    let mut out = Vec::new();
    live_transcript::draw(stream.as_bytes(), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    out.split('\r').skip(1).map(str::to_owned).collect()
}

/// The struck-through part of a line.
fn struck(line: &str) -> &str {
    line.split_once("\x1b[9m").unwrap().1.split_once("\x1b[29m").unwrap().0
}

#[test]
fn what_nobody_heard_of_a_reply_that_was_cut_is_struck_through() {
    let ended = events("reply_ended");
    let [ended] = &ended[..] else { panic!("one reply is expected") };
    let (heard, unheard) = (ended["heard"].as_str().unwrap(), ended["unheard"].as_str().unwrap());
    assert!(!heard.is_empty() && !unheard.is_empty());
    let lines = drawn(STREAM);
    let last = lines.iter().rfind(|line| line.contains("duplex:")).unwrap();
    assert_eq!(struck(last), unheard);
    assert!(last.contains(&format!("duplex: {heard}\x1b[9m")) && last.ends_with('\n'), "{last:?}");
}

#[test]
fn words_that_were_struck_through_are_plain_once_the_reply_resumes() {
    let cancelled = events("reply_cancelled");
    let unheard = cancelled[0]["unheard"].as_str().unwrap();
    let lines = drawn(STREAM);
    let cut = lines.iter().position(|line| struck(line) == unheard).unwrap();
    let later: Vec<_> = lines[cut + 1..].iter().filter(|line| line.contains("duplex:")).collect();
    let resumed: Vec<_> = later.iter().take_while(|line| struck(line).is_empty()).collect();
    let first = unheard.split_whitespace().next().unwrap();
    assert!(resumed.iter().any(|line| line.contains(first)), "{resumed:?}");
}

#[test]
fn no_control_character_of_a_text_reaches_the_terminal() {
    let event = r#"{"type":"user_turn","kind":"turn","text":"red \u001b[31m\u0007"}"#;
    let lines = drawn(event);
    assert!(lines[0].contains("red  [31m ") && !lines[0].contains('\u{7}'), "{lines:?}");
}
