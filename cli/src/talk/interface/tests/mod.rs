//! The interface as a person sees it.

mod any_call;
mod in_a_terminal;
mod of_the_docs;
mod on_the_screen;
mod the_loop;

use std::time::Duration;

use duplex_core::{
    ConversationEvent as Event, Permille, Shown, Speech, Stages, Turn, UserKind, Why,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::{State, draw, look::Look};
use crate::talk::panel::{DeviceLine, Panel};

const COLOUR: Look = Look { colour: true, unicode: true };
const ASCII: Look = Look { colour: false, unicode: false };

fn shown(at_ms: u64, event: Event) -> Shown {
    Shown { at_ms, event }
}

fn user(at_ms: u64, text: &str, kind: UserKind) -> Shown {
    let event = Event::UserTurn {
        speech: Speech(0),
        began_ms: 0,
        ended_ms: at_ms,
        text: text.to_owned(),
        kind,
        why: None,
        typed: false,
        continues: None,
        line: text.to_owned(),
    };
    shown(at_ms, event)
}

fn words(at_ms: u64, committed: &str, tentative: &str) -> Shown {
    let (committed, tentative) = (committed.to_owned(), tentative.to_owned());
    shown(at_ms, Event::UserWords { speech: Speech(1), committed, tentative })
}

/// A reply of which this was heard, and this is to follow.
fn reply(at_ms: u64, number: u32, heard: &str, unheard: &str) -> Vec<Shown> {
    let reply = Turn(number);
    let (evidence, threshold) = (Permille(900), Permille(500));
    let started = Event::ReplyStarted { reply, silence_ms: 400, evidence, threshold };
    vec![
        shown(at_ms, started),
        shown(at_ms, Event::ReplyText { reply, text: format!("{heard}{unheard}") }),
        shown(at_ms, Event::ReplyHeard { reply, text: heard.to_owned(), audio_ms: 500 }),
    ]
}

fn ended(at_ms: u64, number: u32, heard: &str, unheard: &str, cut: Option<Why>) -> Shown {
    let (heard, unheard) = (heard.to_owned(), unheard.to_owned());
    shown(at_ms, Event::ReplyEnded { reply: Turn(number), heard, unheard, cut })
}

fn latency(at_ms: u64, audible_ms: u64) -> Shown {
    let stages = Stages {
        offset_ms: Some(192),
        recognised_ms: Some(348),
        judged_ms: Some(251),
        written_ms: Some(audible_ms - 240),
        synthesised_ms: Some(audible_ms - 110),
        released_ms: Some(audible_ms - 96),
        audible_ms,
    };
    shown(at_ms, Event::ReplyLatency { reply: Turn(1), from_ms: 0, stages })
}

/// A conversation about a walk, up to the moment at which the user interrupts.
fn conversation() -> Vec<Shown> {
    let mut events = vec![
        shown(0, Event::CallStarted { version: 2 }),
        user(
            4100,
            "Hi. I have a free day tomorrow, and I'd like to go for a walk by the sea.",
            UserKind::Turn,
        ),
        latency(4900, 742),
        ended(
            11_300,
            1,
            "That sounds lovely! Would you rather have cliffs and views, or a long flat beach?",
            "",
            None,
        ),
        user(13_700, "Cliffs, please.", UserKind::Turn),
        latency(14_500, 688),
        ended(
            19_900,
            2,
            "Then take the path from Seaford to Eastbourne.",
            " It is thirteen miles, and there is a bus back.",
            Some(Why::Words),
        ),
        user(21_200, "Is there anything shorter?", UserKind::Turn),
        latency(21_900, 803),
        user(24_600, "Mm-hm.", UserKind::Backchannel),
    ];
    events.extend(reply(
        22_000,
        3,
        "Yes: start at Birling Gap and walk to the lighthouse",
        " and back, which takes about two hours.",
    ));
    events.push(shown(26_000, Event::UserSpeechStarted { speech: Speech(1) }));
    events.push(words(26_400, "And where can I", "get some lunch"));
    events
}

fn panel() -> Panel {
    let panel = Panel::new();
    panel.clock.store(26_450, std::sync::atomic::Ordering::Relaxed);
    let device = |name: &str, format: &str| DeviceLine {
        name: Some(name.to_owned()),
        format: format.to_owned(),
    };
    panel.set_microphone(device("Jabra Evolve2 65 Mono", "16000 Hz, 1 channel, i16"));
    panel.set_loudspeaker(device("Built-in Audio Analogue Stereo", "48000 Hz, 2 channels, f32"));
    panel
}

/// The state after these events.
fn state(look: Look, events: &[Shown], panel: &Panel) -> State {
    let mut state = State::new(look);
    for event in events {
        state.see(event);
    }
    panel.set_levels(-14.0, -22.0);
    state.look_at(panel, Duration::from_secs(1));
    panel.set_levels(-23.0, -31.0);
    state.look_at(panel, Duration::from_millis(1120));
    state
}

fn drawn(state: &mut State, columns: u16, rows: u16) -> Buffer {
    state.size = (columns, rows);
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw::draw(frame, state)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of a screen, without the spaces at their ends.
fn rows(buffer: &Buffer) -> Vec<String> {
    let row = |y: u16| {
        let mut row = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(super::text::width(symbol)).unwrap().max(1);
        }
        row.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

fn screen(state: &mut State, columns: u16, height: u16) -> String {
    rows(&drawn(state, columns, height)).join("\n")
}
