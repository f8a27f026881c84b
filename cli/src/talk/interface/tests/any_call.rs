//! Any events, keys and sizes, in any order.

use duplex_core::{ConversationEvent as Event, Speech, Turn, UserKind, Why};
use proptest::{collection::vec, prelude::*};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::talk::interface::keys::{on_key, on_paste};

/// What can happen to the interface.
#[derive(Clone, Debug)]
enum Happening {
    Seen(Event),
    Key(KeyEvent),
    Pasted(String),
    Notice(String, bool),
    Levels(f32, f32),
    Device(Option<String>),
    Size(u16, u16),
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z ]{0,200}",
        "[\u{1b}\u{7}\u{9b}\u{202e}\u{200d}\u{65e5}\u{1f468}\u{1f3fd}\u{fe0f}a \n]{0,40}",
        Just("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(10)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let speech = Speech(1);
    let turn = (0..3u32).prop_map(Turn);
    let kind = prop_oneof![
        Just(UserKind::Turn),
        Just(UserKind::Stop),
        Just(UserKind::Backchannel),
        Just(UserKind::Noise)
    ];
    prop_oneof![
        Just(Event::CallStarted { version: 2 }),
        Just(Event::UserSpeechStarted { speech }),
        Just(Event::UserSpeechStopped { speech }),
        (text(), text()).prop_map(move |(committed, tentative)| Event::UserWords {
            speech,
            committed,
            tentative
        }),
        (text(), kind).prop_map(|(text, kind)| user(0, &text, kind).event),
        turn.clone().prop_map(|reply| Event::ReplyPreparing { reply, answers: String::new() }),
        turn.clone().prop_map(reply_started),
        (turn.clone(), text()).prop_map(|(reply, text)| Event::ReplyText { reply, text }),
        (turn.clone(), text()).prop_map(|(reply, text)| Event::ReplyHeard {
            reply,
            text,
            audio_ms: 0
        }),
        turn.clone().prop_map(|reply| Event::ReplyDucked { reply }),
        turn.clone().prop_map(|reply| Event::ReplyHeld { reply }),
        (turn.clone(), text(), text()).prop_map(|(reply, heard, unheard)| Event::ReplyCancelled {
            reply,
            why: Why::Words,
            heard,
            unheard,
            may_resume: true,
            taken_back: false,
        }),
        (turn, text(), text(), any::<bool>()).prop_map(|(reply, heard, unheard, is_cut)| {
            Event::ReplyEnded { reply, heard, unheard, cut: is_cut.then_some(Why::StopCommand) }
        }),
        (300u64..u64::MAX).prop_map(|audible_ms| latency(0, audible_ms).event),
        any::<bool>().prop_map(|open| Event::Microphone { open }),
        any::<(bool, bool)>().prop_map(|(down, lapsed)| Event::PushToTalk { down, lapsed }),
        (text(), text()).prop_map(|(text, detail)| Event::Warning { text, detail }),
    ]
}

fn reply_started(turn: Turn) -> Event {
    reply(0, turn.0, "", "").swap_remove(0).event
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        proptest::sample::select("mrsdDq/?+-<> ".chars().map(KeyCode::Char).collect::<Vec<_>>()),
        proptest::sample::select(vec![
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Enter,
            KeyCode::Esc,
        ]),
    ];
    let modifiers = prop_oneof![
        4 => Just(KeyModifiers::NONE),
        1 => any::<u8>().prop_map(KeyModifiers::from_bits_truncate)
    ];
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => event().prop_map(Happening::Seen),
        3 => key().prop_map(Happening::Key),
        1 => text().prop_map(Happening::Pasted),
        1 => (text(), any::<bool>()).prop_map(|(text, bad)| Happening::Notice(text, bad)),
        1 => (any::<f32>(), any::<f32>()).prop_map(|(one, other)| Happening::Levels(one, other)),
        1 => proptest::option::of(text()).prop_map(Happening::Device),
        2 => (0..130u16, 0..50u16).prop_map(|(columns, rows)| Happening::Size(columns, rows)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// The test backend panics where anything is drawn outside of it.
    #[test]
    fn whatever_happens_the_picture_is_drawn_within_the_screen(
        happenings in vec(happening(), 0..40),
        size in (0..130u16, 0..50u16),
        (colour, unicode) in any::<(bool, bool)>(),
    ) {
        let mut state = State::new(Look { colour, unicode });
        let (mut columns, mut height) = size;
        let panel = panel();
        for (at, happening) in happenings.into_iter().enumerate() {
            let at_ms = at as u64 * 70;
            match happening {
                Happening::Seen(event) => {
                    state.see(&shown(at_ms, event));
                }
                Happening::Key(key) => {
                    on_key(&mut state, key);
                }
                Happening::Pasted(text) => {
                    on_paste(&mut state, &text);
                }
                Happening::Notice(text, is_warning) => panel.notice(text, is_warning),
                Happening::Levels(one, other) => panel.set_levels(one, other),
                Happening::Device(name) => {
                    panel.set_microphone(DeviceLine { name, format: "?, 9 channels".to_owned() });
                }
                Happening::Size(new_columns, new_rows) => (columns, height) = (new_columns, new_rows),
            }
            state.look_at(&panel, Duration::from_millis(at_ms));
            let buffer = drawn(&mut state, columns, height);
            for cell in buffer.content() {
                prop_assert!(!cell.symbol().contains(char::is_control), "{:?}", cell.symbol());
                prop_assert!(unicode || cell.symbol().is_ascii(), "{:?}", cell.symbol());
            }
        }
    }
}
