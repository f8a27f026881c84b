//! Devices that are lost, come back, or never were there.

use std::time::Duration;

use duplex_core::{ConversationEvent as Event, Shown, UserKind};
use duplex_harness::sound_server::SPEAKER;

use crate::talk::Desk;

const ASKS: (&str, &str) = ("q02", "start_ms = 1500");

fn began(event: &Event) -> Option<()> {
    matches!(event, Event::ReplyHeard { .. }).then_some(())
}

#[test]
fn a_call_outlives_its_loudspeaker_and_the_sound_server() {
    let mut desk = Desk::new("-12", &[ASKS]);
    let mut talk = desk.talk(&["--transcript", "call"]);
    talk.wait("the reply", began);
    // Unplugged while it speaks: what was to come is heard from the next one on.
    desk.server.remove_sink(SPEAKER).unwrap();
    desk.server.add_sink("headset", 44_100).unwrap();
    desk.server.set_default_sink("headset").unwrap();
    let (heard, cut) = talk.reply();
    assert!(!cut, "{heard}");

    desk.server.restart().unwrap();
    desk.ctl("say One, two, three.");
    assert_eq!(talk.reply().0.trim(), "One, two, three.");
    assert_eq!(talk.turns(UserKind::Turn).len(), 1);
    desk.ctl("end");
    let (exit, log, _) = talk.end();
    assert_eq!(exit, Some(0), "{log}");
}

#[test]
fn what_nobody_could_hear_is_not_in_the_transcript() {
    let desk = Desk::new("-12", &[ASKS]);
    let mut talk = desk.talk(&["--transcript", "call"]);
    talk.wait("the reply", began);
    desk.server.remove_sink(SPEAKER).unwrap();
    // There is no other: the voice stands still until somebody ends the call.
    talk.until_quiet(Duration::from_secs(2));
    let is_over = |it: &Shown| matches!(it.event, Event::ReplyEnded { .. });
    assert!(!talk.seen().iter().any(is_over));
    desk.ctl("end");
    let page = desk.server.folder().join("call.md");
    let (exit, log, _) = talk.end();
    assert_eq!(exit, Some(0), "{log}");
    assert!(std::fs::read_to_string(page).unwrap().contains("~~"));
}
