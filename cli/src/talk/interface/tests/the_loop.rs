//! A whole call, from its events and keys to what is shown and asked for.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
};

use duplex_core::Why;
use duplex_runtime::{EVENT_QUEUE, EventWriter, WhenFull, event_queue};
use ratatui::crossterm::event::{Event as Typed, KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::talk::{
    interface::{Call, lines::Lines, spoken::Spoken, terminal::Keys},
    panel::Wish,
};

/// What happens between two drawings: something in the call, or a key.
enum Step {
    Seen(Vec<Shown>),
    Panel(fn(&Panel)),
    Key(&'static str),
    Gone,
}

/// Plays the steps, and ends the call after the last.
struct Played {
    steps: VecDeque<Step>,
    writer: Option<EventWriter>,
    panel: Arc<Panel>,
}

impl Keys for Played {
    fn wait(&mut self, _: Duration) -> io::Result<Vec<Typed>> {
        let key = |letter: char| {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                letter => KeyCode::Char(letter),
            };
            Typed::Key(KeyEvent::new(code, KeyModifiers::NONE))
        };
        match self.steps.pop_front() {
            None => self.writer = None,
            Some(Step::Seen(events)) => {
                events.into_iter().for_each(|event| self.writer.as_mut().unwrap().put(event));
            }
            Some(Step::Panel(change)) => change(&self.panel),
            Some(Step::Key(keys)) => return Ok(keys.chars().map(key).collect()),
            Some(Step::Gone) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(Vec::new())
    }
}

fn call(steps: Vec<Step>) -> (Call, Played, Receiver<Wish>) {
    let (writer, events) = event_queue(EVENT_QUEUE, WhenFull::Lose);
    let (wishes, asked) = channel();
    let panel = Arc::new(Panel::new());
    let played = Played { steps: steps.into(), writer: Some(writer), panel: Arc::clone(&panel) };
    (Call { events, panel, wishes, state: State::new(COLOUR) }, played, asked)
}

fn spoken(steps: Vec<Step>) -> (String, Vec<Wish>) {
    let (mut call, mut played, asked) = call(steps);
    let mut out = Vec::new();
    call.drive(&mut played, None, &mut Spoken::new(&mut out, COLOUR, true)).unwrap();
    drop(call);
    (String::from_utf8(out).unwrap(), asked.iter().collect())
}

#[test]
fn a_call_as_plain_lines_has_each_final_thing_once() {
    let steps = vec![
        Step::Seen(conversation()),
        Step::Panel(|panel| panel.notice("the loudspeaker is gone", true)),
    ];
    let (mut call, mut played, _asked) = call(steps);
    let mut out = Vec::new();
    call.drive(&mut played, None, &mut Lines::new(&mut out, COLOUR)).unwrap();
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 7, "{out}");
    assert_eq!(lines[2], "00:13.7     you: Cliffs, please.");
    assert_eq!(lines[6], "00:00.0        : warning: the loudspeaker is gone");
}

#[test]
fn a_screen_reader_hears_each_final_thing_and_each_change_once() {
    let cancelled = Event::ReplyCancelled {
        reply: Turn(1),
        why: Why::Words,
        heard: "It is".to_owned(),
        unheard: " sunny.".to_owned(),
        may_resume: true,
        taken_back: false,
    };
    let (out, _) = spoken(vec![
        Step::Seen(vec![shown(0, Event::CallStarted { version: 2 })]),
        Step::Panel(|panel| {
            panel.set_microphone(DeviceLine {
                name: Some("Jabra".to_owned()),
                format: String::new(),
            });
        }),
        Step::Seen(reply(900, 1, "It is", " sunny.")),
        Step::Seen(vec![shown(1000, cancelled)]),
        Step::Seen(vec![ended(1200, 1, "It is", " sunny.", Some(Why::Words))]),
        Step::Seen(vec![ended(1300, 2, "So", " it is.", Some(Why::Words))]),
        Step::Seen(vec![user(2000, "And\u{1b}[2J then?", UserKind::Turn)]),
        Step::Seen(vec![shown(2100, Event::Microphone { open: false })]),
        Step::Panel(|panel| panel.set_voice(2, 1000)),
    ]);
    let expected = "\
        The call begins. ? lists the keys.\r\n\
        Microphone: Jabra.\r\n\
        Assistant stopped.\r\n\
        Duplex: It is\r\n\
        Duplex, stopped: So\r\n\
        You: And [2J then?\r\n\
        Muted.\r\n\
        Volume +2 decibels.\r\n\
        The call is over.\r\n";
    assert_eq!(out, expected);
}

#[test]
fn lines_wait_while_somebody_types_for_a_screen_reader() {
    let (out, asked) = spoken(vec![
        Step::Key("/"),
        Step::Key("hi"),
        Step::Seen(vec![user(2000, "Yes.", UserKind::Turn)]),
        Step::Key("m\u{8}"),
        Step::Key(" ther\u{8}"),
        Step::Key("\u{8}re"),
        Step::Key("\n"),
    ]);
    let expected = "Type; Enter sends, Escape leaves: hi the\u{8} \u{8}re\r\nYou: Yes.\r\n";
    assert!(out.starts_with(expected) || out.contains("Typed: hi thre"), "{out:?}");
    assert!(out.contains("\r\nYou: Yes.\r\n"), "{out:?}");
    assert_eq!(asked, [Wish::Text("hi thre".to_owned())]);
}

#[test]
fn a_screen_reader_hears_the_keys_once_and_they_still_work() {
    let (out, asked) = spoken(vec![Step::Key("?"), Step::Key("m"), Step::Key(" ")]);
    assert!(out.contains("m: mute\r\n") && out.contains("press space again"), "{out}");
    assert_eq!(asked, [Wish::ToggleMute, Wish::Press(true)]);
}

#[test]
fn the_second_wish_to_end_leaves_at_once() {
    let (mut call, mut played, asked) = call(vec![Step::Key("q"), Step::Key("q"), Step::Gone]);
    let mut lines = Lines::new(io::sink(), COLOUR);
    call.drive(&mut played, None, &mut lines).unwrap();
    assert!(played.writer.is_some(), "the call itself goes on to its end");
    drop(call);
    assert_eq!(asked.iter().collect::<Vec<_>>(), [Wish::Quit]);
}

#[test]
fn a_terminal_that_is_gone_ends_the_interface() {
    let (mut call, mut played, _asked) = call(vec![Step::Gone]);
    assert!(call.drive(&mut played, None, &mut Lines::new(io::sink(), COLOUR)).is_err());
}
