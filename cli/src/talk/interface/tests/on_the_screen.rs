//! What stands on screens of several sizes.

use duplex_core::{ConversationEvent as Event, Speech, UserKind, Why};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    style::Modifier,
};

use super::*;
use crate::talk::interface::keys::{on_key, on_paste};

fn press(state: &mut State, code: KeyCode) {
    on_key(state, KeyEvent::new(code, KeyModifiers::NONE));
}

fn interrupted(look: Look) -> State {
    state(look, &conversation(), &panel())
}

/// The style of the cells in which a text stands.
fn modifiers(buffer: &Buffer, text: &str) -> Modifier {
    let rows = rows(buffer);
    let (y, row) = rows.iter().enumerate().rfind(|(_, row)| row.contains(text)).unwrap();
    let x = row[..row.find(text).unwrap()].chars().count();
    buffer[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())].modifier
}

#[test]
fn the_usual_screen_has_everything() {
    let panel = panel();
    panel.is_recording.store(true, std::sync::atomic::Ordering::Relaxed);
    panel.underruns.store(2, std::sync::atomic::Ordering::Relaxed);
    panel.set_voice(-4, 1150);
    let screen = screen(&mut state(COLOUR, &conversation(), &panel), 80, 24);
    for expected in [
        " 00:26  both speak",
        "\u{25cf} REC",
        "volume -4 dB",
        "speed 1.15",
        "-23 dB  Jabra Evolve2 65 Mono",
        "48 kHz 2ch f32  2 underruns",
        "00:13.7     you Cliffs, please.",
        "(cut: words)",
        "you And where can I get some lunch",
        "duplex Yes: start at Birling Gap",
        "recognised",
        "synthesised released audible p50",
        "803 742",
        "q quit",
    ] {
        assert!(screen.contains(expected), "{expected:?} is missing:\n{screen}");
    }
}

#[test]
fn words_that_may_change_are_dim_and_those_that_nobody_heard_are_struck_through() {
    let buffer = drawn(&mut interrupted(COLOUR), 80, 24);
    assert_eq!(modifiers(&buffer, "And where can I"), Modifier::empty());
    assert_eq!(modifiers(&buffer, "get some lunch"), Modifier::DIM);
    assert_eq!(modifiers(&buffer, "Then take the path"), Modifier::empty());
    assert!(modifiers(&buffer, "It is thirteen").contains(Modifier::CROSSED_OUT));
    // What is still to be said may yet be heard.
    assert_eq!(modifiers(&buffer, "two hours."), Modifier::DIM);
}

#[test]
fn without_colours_and_unicode_marks_say_the_same() {
    let screen = screen(&mut interrupted(ASCII), 80, 24);
    assert!(screen.contains("And where can I [get some lunch]"), "{screen}");
    assert!(screen.contains("~~It is"), "{screen}");
    assert!(screen.is_ascii(), "{screen}");
}

#[test]
fn no_cell_has_a_colour_where_there_are_none() {
    let buffer = drawn(&mut interrupted(ASCII), 80, 24);
    let plain = ratatui::style::Color::Reset;
    assert!(buffer.content().iter().all(|cell| cell.fg == plain && cell.bg == plain));
}

#[test]
fn a_small_screen_has_what_matters() {
    let mut state = interrupted(COLOUR);
    state.conversation.is_muted = true;
    let shown = screen(&mut state, 40, 10);
    for expected in
        ["both speak", "MUTED", "And where can I", "walk to the lighthouse", "? help", "q quit"]
    {
        assert!(shown.contains(expected), "{expected:?} is missing:\n{shown}");
    }
    let tiny = screen(&mut state, 10, 3);
    assert!(tiny.contains("both speak"), "{tiny}");
    assert!(tiny.contains("lunch"), "the newest words:\n{tiny}");
}

#[test]
fn a_small_screen_says_what_went_wrong_and_how_long_the_answer_took() {
    let panel = panel();
    panel.underruns.store(1, std::sync::atomic::Ordering::Relaxed);
    let shown = screen(&mut state(COLOUR, &conversation(), &panel), 60, 10);
    assert!(shown.contains("1 underrun") && shown.contains("803 ms"), "{shown}");
}

#[test]
fn a_narrow_screen_lists_the_latencies_that_fit_and_the_levels() {
    let shown = screen(&mut interrupted(ASCII), 60, 20);
    assert!(shown.contains(" latency  recognised 348"), "{shown}");
    assert!(shown.contains("\n          released 707  audible 803  p50 742"), "{shown}");
    let shown = screen(&mut interrupted(ASCII), 16, 12);
    assert!(shown.contains("\ny ===|-") && shown.contains("audible 803"), "{shown}");
}

#[test]
fn a_large_screen_has_more_lines() {
    let mut events = Vec::new();
    for number in 0..100 {
        events.push(user(number, &format!("line {number}."), UserKind::Turn));
    }
    let mut state = state(COLOUR, &events, &panel());
    assert!(!screen(&mut state, 80, 24).contains("line 60."));
    let large = screen(&mut state, 200, 60);
    assert!(large.contains("line 60.") && large.contains("line 99."), "{large}");
}

#[test]
fn the_moment_follows_what_is_heard_of_a_long_reply() {
    let long = |from: u32, to: u32| (from..to).map(|it| format!(" word{it}")).collect::<String>();
    let events = reply(1000, 1, &long(0, 100), &long(100, 200));
    let shown = screen(&mut state(COLOUR, &events, &panel()), 80, 24);
    assert!(shown.contains("word99") && shown.contains("word100"), "{shown}");
    assert!(!shown.contains("word150") && !shown.contains("word50"), "{shown}");
    assert_eq!(
        shown.matches(" duplex ").count(),
        2,
        "the meter and the words are labelled:\n{shown}"
    );
}

#[test]
fn who_scrolls_sees_older_lines_and_how_many_are_below() {
    let mut state = interrupted(COLOUR);
    screen(&mut state, 40, 10);
    press(&mut state, KeyCode::Home);
    let shown = screen(&mut state, 40, 10);
    assert!(shown.contains("you    Hi. I have a free day"), "{shown}");
    assert!(shown.contains("lines below"), "{shown}");
    press(&mut state, KeyCode::End);
    assert!(screen(&mut state, 40, 10).contains("(mm-hm.)"));
}

#[test]
fn a_reply_that_is_cut_is_struck_through_until_it_resumes() {
    let mut events = reply(1000, 1, "It is", " sunny.");
    let reply = duplex_core::Turn(1);
    events.push(super::shown(
        1500,
        Event::ReplyCancelled {
            reply,
            why: Why::Words,
            heard: "It is".to_owned(),
            unheard: " sunny.".to_owned(),
            may_resume: true,
            taken_back: false,
        },
    ));
    let cut = drawn(&mut state(COLOUR, &events, &panel()), 80, 24);
    assert!(modifiers(&cut, "sunny.").contains(Modifier::CROSSED_OUT));
    assert!(screen(&mut state(ASCII, &events, &panel()), 80, 24).contains("It is ~~sunny.~~"));
    events.push(super::shown(1600, Event::ReplyResumed { reply, why: Why::NoWords }));
    let resumed = drawn(&mut state(COLOUR, &events, &panel()), 80, 24);
    assert_eq!(modifiers(&resumed, "sunny."), Modifier::DIM);
}

#[test]
fn push_to_talk_says_how_it_ends() {
    for (knows_releases, expected) in
        [(true, "release space when you are done"), (false, "press space again when you are done")]
    {
        let mut state =
            state(COLOUR, &[super::shown(0, Event::CallStarted { version: 2 })], &panel());
        state.knows_releases = knows_releases;
        press(&mut state, KeyCode::Char(' '));
        let shown = screen(&mut state, 80, 24);
        assert!(shown.contains(expected) && shown.contains("TALK"), "{shown}");
    }
}

#[test]
fn push_to_talk_that_nobody_ends_is_over_on_the_screen_as_well() {
    let event = |at_ms, event| super::shown(at_ms, event);
    let began = [event(0, Event::CallStarted { version: 2 })];
    let mut state = state(COLOUR, &began, &panel());
    press(&mut state, KeyCode::Char(' '));
    state.see(&event(200, Event::PushToTalk { down: true, lapsed: false }));
    assert!(screen(&mut state, 80, 24).contains("TALK"));
    state.see(&event(60_200, Event::PushToTalk { down: false, lapsed: true }));
    let shown = screen(&mut state, 80, 24);
    assert!(!shown.contains("TALK") && !shown.contains("when you are done"), "{shown}");
}

#[test]
fn an_assistant_that_sleeps_and_a_switch_that_is_pressed_elsewhere_are_shown() {
    let panel = panel();
    panel.is_asleep.store(true, std::sync::atomic::Ordering::Relaxed);
    let events = [
        super::shown(0, Event::CallStarted { version: 2 }),
        super::shown(100, Event::PushToTalk { down: true, lapsed: false }),
    ];
    let shown = screen(&mut state(COLOUR, &events, &panel), 80, 24);
    assert!(shown.contains("asleep") && shown.contains("TALK"), "{shown}");
}

#[test]
fn a_muted_microphone_says_how_it_is_opened() {
    let muted = Event::Microphone { open: false };
    let events = [super::shown(0, Event::CallStarted { version: 2 }), super::shown(0, muted)];
    let shown = screen(&mut state(COLOUR, &events, &panel()), 80, 24);
    assert!(shown.contains("not listening"), "{shown}");
    assert!(shown.contains("  MUTED") && shown.contains("m opens the microphone"), "{shown}");
}

#[test]
fn the_line_that_is_typed_follows_the_cursor() {
    let mut state = interrupted(COLOUR);
    on_paste(&mut state, &"long ".repeat(40));
    on_paste(&mut state, "end");
    for columns in [80, 40, 10] {
        let shown = screen(&mut state, columns, 10);
        assert!(shown.lines().last().unwrap().ends_with("end"), "{shown}");
    }
}

#[test]
fn the_help_lists_the_keys_and_the_whole_devices_at_any_usual_size() {
    let mut state = interrupted(COLOUR);
    press(&mut state, KeyCode::Char('?'));
    let shown = screen(&mut state, 80, 24);
    for expected in [
        "talk: again to end",
        "volume, now +0 dB",
        "next speaker",
        "Loudspeaker: Built-in Audio Analogue Stereo, 48000 Hz",
    ] {
        assert!(shown.contains(expected), "{expected:?} is missing:\n{shown}");
    }
    screen(&mut state, 40, 10);
    for _ in 0..50 {
        press(&mut state, KeyCode::Down);
    }
    assert!(screen(&mut state, 40, 10).contains("2 channels"));
    press(&mut state, KeyCode::Up);
    assert!(!screen(&mut state, 40, 10).contains("2 channels"), "one step up is one row");
}

#[test]
fn what_a_terminal_would_obey_never_reaches_a_cell() {
    let hostile = "a\u{1b}[31mb\u{9b}2J\u{7}\u{202e}c";
    let panel = Panel::new();
    let device = DeviceLine { name: Some(hostile.to_owned()), format: hostile.to_owned() };
    panel.set_microphone(device.clone());
    panel.set_loudspeaker(device);
    panel.notice(hostile, true);
    let mut events = vec![user(0, hostile, UserKind::Turn), words(1, hostile, hostile)];
    events.extend(reply(2, 1, hostile, hostile));
    let mut state = state(COLOUR, &events, &panel);
    for help in [None, Some(0)] {
        state.help = help;
        let buffer = drawn(&mut state, 80, 24);
        let symbols = buffer.content().iter().flat_map(|cell| cell.symbol().chars());
        assert_eq!(symbols.filter(|it| it.is_control() || *it == '\u{202e}').count(), 0);
    }
}

#[test]
fn wide_characters_keep_to_their_columns() {
    let text = "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{8a71} \u{1f600} ".repeat(20);
    let mut events = vec![user(0, &text, UserKind::Turn), words(1, &text, &text)];
    events.extend(reply(2, 1, &text, &text));
    events.push(super::shown(3, Event::UserSpeechStarted { speech: Speech(1) }));
    let mut state = state(COLOUR, &events, &panel());
    for columns in [80, 41, 40, 10] {
        for row in rows(&drawn(&mut state, columns, 24)) {
            assert!(super::super::text::width(&row) <= columns.into(), "{row}");
        }
    }
}

#[test]
fn a_call_that_ends_says_how_to_leave_at_once() {
    let mut state = interrupted(COLOUR);
    press(&mut state, KeyCode::Char('q'));
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("ending") && shown.contains("q again leaves at once"), "{shown}");
}
