//! What the keys do.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    help,
    input::Input,
    state::{State, Talk},
    transcript::Scroll,
};
use crate::talk::panel::Wish;

/// A key of the volume changes it by so many dB, one of the pace by so many thousandths.
const VOLUME_STEP: i32 = 2;
const SPEED_STEP: i32 = 50;
/// Where a terminal does not tell presses from repetitions, those that follow within this are repetitions.
const REPETITION: Duration = Duration::from_millis(120);

/// The keys and what they do, for people.
pub(super) const KEYS: [(&str, &str); 15] = [
    ("m", "mute"),
    ("space", "push to talk"),
    ("Esc", "stop the reply"),
    ("/", "type"),
    ("r", "say again"),
    ("s", "save"),
    ("+ -", "volume"),
    ("< >", "speed"),
    ("d", "next microphone"),
    ("D", "next speaker"),
    ("PgUp", "scroll, arrows too"),
    ("End", "newest line"),
    ("Ctrl-Z", "to the shell"),
    ("?", "help"),
    ("q", "quit"),
];

/// Does what a key is for. What the interface cannot do itself is returned.
pub(super) fn on_key(state: &mut State, key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return (key.code == KeyCode::Char(' ')).then(|| on_leave(state)).flatten();
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'C') if is_control => return quit(state, key.kind),
        KeyCode::Char('z' | 'Z') if is_control => {
            state.wants_shell = true;
            return on_leave(state);
        }
        KeyCode::Char('l' | 'L') if is_control => {
            state.wants_redraw = true;
            return None;
        }
        _ => {}
    }
    if state.input.is_some() {
        return typed(state, key.code, key.modifiers);
    }
    let others =
        KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META;
    if key.modifiers.intersects(others) {
        return None;
    }
    match state.help {
        Some(row) => {
            state.help = in_help(key.code, row).map(|row| row.min(help::hidden(state)));
            None
        }
        None => pressed(state, key.code, key.kind),
    }
}

/// Where the terminal is left, nobody will see the key of push-to-talk being released.
pub(super) fn on_leave(state: &mut State) -> Option<Wish> {
    (state.talk == Talk::Held).then(|| {
        state.talk = Talk::Off;
        Wish::Press(false)
    })
}

/// Takes what was pasted for typed.
pub(super) fn on_paste(state: &mut State, text: &str) -> Option<Wish> {
    state.help = None;
    state.input.get_or_insert_default().insert(text);
    on_leave(state)
}

fn pressed(state: &mut State, code: KeyCode, kind: KeyEventKind) -> Option<Wish> {
    let page = state.window().rows.saturating_sub(1).max(1);
    match code {
        KeyCode::Up => state.scroll(Scroll::Up(1)),
        KeyCode::Down => state.scroll(Scroll::Down(1)),
        KeyCode::PageUp => state.scroll(Scroll::Up(page)),
        KeyCode::PageDown => state.scroll(Scroll::Down(page)),
        KeyCode::Home => state.scroll(Scroll::First),
        KeyCode::End => state.scroll(Scroll::Newest),
        KeyCode::Char('+' | '=') => return Some(Wish::Volume(VOLUME_STEP)),
        KeyCode::Char('-') => return Some(Wish::Volume(-VOLUME_STEP)),
        KeyCode::Char('>') => return Some(Wish::Speed(SPEED_STEP)),
        KeyCode::Char('<') => return Some(Wish::Speed(-SPEED_STEP)),
        // What follows is done once, however long the key is held.
        _ if kind == KeyEventKind::Repeat => {}
        KeyCode::Char(' ') => return talk(state),
        KeyCode::Char('m' | 'M') => return Some(Wish::ToggleMute),
        KeyCode::Esc => return Some(Wish::Stop),
        KeyCode::Char('r' | 'R') => return Some(Wish::Again),
        KeyCode::Char('s' | 'S') => return Some(Wish::Save),
        KeyCode::Char('d') => return Some(Wish::NextMicrophone),
        KeyCode::Char('D') => return Some(Wish::NextLoudspeaker),
        KeyCode::Char('/') => {
            state.input = Some(Input::default());
            return on_leave(state);
        }
        KeyCode::Char('?') => {
            state.help = Some(0);
            return on_leave(state);
        }
        KeyCode::Char('q' | 'Q') => return quit(state, kind),
        _ => {}
    }
    None
}

fn quit(state: &mut State, kind: KeyEventKind) -> Option<Wish> {
    if kind == KeyEventKind::Repeat {
        return None;
    }
    state.quits += 1;
    (state.quits == 1).then_some(Wish::Quit)
}

fn talk(state: &mut State) -> Option<Wish> {
    let before = state.talked_at.replace(state.now);
    let is_repetition = before.is_some_and(|before| state.now.saturating_sub(before) < REPETITION);
    if is_repetition && !state.knows_releases {
        return None;
    }
    state.talk = match (state.talk, state.knows_releases) {
        (Talk::Off, true) => Talk::Held,
        (Talk::Off, false) => Talk::Open,
        // Also where a release was lost.
        (Talk::Held | Talk::Open, _) => Talk::Off,
    };
    Some(Wish::Press(state.talk != Talk::Off))
}

/// Any key but those that scroll closes the help.
fn in_help(code: KeyCode, row: u16) -> Option<u16> {
    match code {
        KeyCode::Up | KeyCode::PageUp => Some(row.saturating_sub(1)),
        KeyCode::Down | KeyCode::PageDown => Some(row.saturating_add(1)),
        KeyCode::Home => Some(0),
        KeyCode::Modifier(_) | KeyCode::CapsLock | KeyCode::NumLock => Some(row),
        _ => None,
    }
}

fn typed(state: &mut State, code: KeyCode, modifiers: KeyModifiers) -> Option<Wish> {
    let input = state.input.as_mut()?;
    let is_control = modifiers.contains(KeyModifiers::CONTROL);
    let is_alt = modifiers.contains(KeyModifiers::ALT);
    match code {
        KeyCode::Char('a') if is_control => input.home(),
        KeyCode::Char('e') if is_control => input.end(),
        KeyCode::Char('u') if is_control => input.delete_before(),
        KeyCode::Char('k') if is_control => input.delete_after(),
        KeyCode::Char('w') if is_control => input.delete_word(),
        KeyCode::Char('h') if is_control => input.backspace(),
        KeyCode::Backspace if is_control || is_alt => input.delete_word(),
        KeyCode::Enter | KeyCode::Char('j' | 'm') if code == KeyCode::Enter || is_control => {
            let text = input.text().trim().to_owned();
            state.input = None;
            return (!text.is_empty()).then_some(Wish::Text(text));
        }
        // AltGr is both on some terminals.
        KeyCode::Char(typed) if is_control == is_alt => {
            input.insert(typed.encode_utf8(&mut [0; 4]));
        }
        KeyCode::Backspace => input.backspace(),
        KeyCode::Delete => input.delete(),
        KeyCode::Left => input.left(),
        KeyCode::Right => input.right(),
        KeyCode::Home => input.home(),
        KeyCode::End => input.end(),
        KeyCode::Esc => state.input = None,
        _ => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::interface::look::Look;

    fn state() -> State {
        State::new(Look { colour: true, unicode: true })
    }

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn of_kind(code: KeyCode, kind: KeyEventKind) -> KeyEvent {
        KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind)
    }

    fn control(letter: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)
    }

    /// What all these keys lead to.
    fn wishes(state: &mut State, keys: &str) -> Vec<Wish> {
        let code = |letter: char| match letter {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            letter => KeyCode::Char(letter),
        };
        keys.chars().filter_map(|letter| on_key(state, key(code(letter)))).collect()
    }

    #[test]
    fn each_key_asks_for_what_the_help_says() {
        let expected = [
            ("m", Wish::ToggleMute),
            ("\u{1b}", Wish::Stop),
            ("r", Wish::Again),
            ("s", Wish::Save),
            ("+", Wish::Volume(2)),
            ("-", Wish::Volume(-2)),
            (">", Wish::Speed(50)),
            ("<", Wish::Speed(-50)),
            ("d", Wish::NextMicrophone),
            ("D", Wish::NextLoudspeaker),
            ("q", Wish::Quit),
        ];
        for (keys, wish) in expected {
            assert_eq!(wishes(&mut state(), keys), [wish], "{keys}");
        }
        assert!(wishes(&mut state(), "xyz#").is_empty());
    }

    #[test]
    fn the_end_is_asked_for_once_and_counted() {
        let mut state = state();
        assert_eq!(on_key(&mut state, control('c')), Some(Wish::Quit));
        assert_eq!(on_key(&mut state, key(KeyCode::Char('q'))), None);
        assert_eq!(state.quits, 2);
    }

    #[test]
    fn a_typed_line_is_sent_and_its_letters_are_no_commands() {
        let mut state = state();
        assert_eq!(wishes(&mut state, "/quite mad?\n"), [Wish::Text("quite mad?".to_owned())]);
        assert!(state.input.is_none());
        assert!(wishes(&mut state, "/nothing\u{1b}").is_empty(), "Esc only leaves the line");
        assert!(wishes(&mut state, "/  \n").is_empty(), "there is nothing to send");
        assert_eq!(wishes(&mut state, "m"), [Wish::ToggleMute]);
    }

    #[test]
    fn the_program_can_be_ended_and_suspended_while_somebody_types() {
        let mut state = state();
        wishes(&mut state, "/abc");
        assert_eq!(on_key(&mut state, control('z')), None);
        assert!(state.wants_shell);
        assert_eq!(on_key(&mut state, control('c')), Some(Wish::Quit));
    }

    #[test]
    fn what_is_pasted_waits_in_the_line() {
        let mut state = state();
        on_paste(&mut state, "q\nq");
        assert_eq!(wishes(&mut state, "!\n"), [Wish::Text("q q!".to_owned())]);
        assert_eq!(state.quits, 0);
    }

    #[test]
    fn push_to_talk_lasts_while_the_key_is_held_where_the_terminal_tells() {
        let mut state = state();
        state.knows_releases = true;
        let space = |kind| of_kind(KeyCode::Char(' '), kind);
        assert_eq!(on_key(&mut state, space(KeyEventKind::Press)), Some(Wish::Press(true)));
        assert_eq!(on_key(&mut state, space(KeyEventKind::Repeat)), None);
        assert_eq!(on_key(&mut state, space(KeyEventKind::Release)), Some(Wish::Press(false)));
        assert_eq!(on_key(&mut state, space(KeyEventKind::Release)), None);
    }

    #[test]
    fn a_held_key_counts_as_released_when_the_terminal_is_left() {
        let mut state = state();
        state.knows_releases = true;
        assert_eq!(wishes(&mut state, " "), [Wish::Press(true)]);
        assert_eq!(on_leave(&mut state), Some(Wish::Press(false)));
        assert_eq!(on_leave(&mut state), None);
    }

    #[test]
    fn elsewhere_push_to_talk_lasts_from_one_press_to_the_next() {
        let mut state = state();
        let mut at = |ms: u64| {
            state.now = Duration::from_millis(ms);
            on_key(&mut state, key(KeyCode::Char(' ')))
        };
        assert_eq!(at(0), Some(Wish::Press(true)));
        assert_eq!(at(30), None, "a repetition of the first");
        assert_eq!(at(2000), Some(Wish::Press(false)));
    }

    #[test]
    fn a_key_that_is_held_repeats_what_may_be_repeated() {
        let mut state = state();
        let repeated = |letter| of_kind(KeyCode::Char(letter), KeyEventKind::Repeat);
        assert_eq!(on_key(&mut state, repeated('+')), Some(Wish::Volume(2)));
        for letter in "mqsrdD".chars() {
            assert_eq!(on_key(&mut state, repeated(letter)), None, "{letter}");
        }
        let released = of_kind(KeyCode::Char('m'), KeyEventKind::Release);
        assert_eq!(on_key(&mut state, released), None);
    }

    #[test]
    fn any_key_closes_the_help_and_does_nothing_else() {
        let mut state = state();
        assert!(wishes(&mut state, "?q").is_empty());
        assert_eq!((state.help, state.quits), (None, 0));
    }

    #[test]
    fn keys_with_modifiers_are_no_commands() {
        for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
            let key = KeyEvent::new(KeyCode::Char('m'), modifiers);
            assert_eq!(on_key(&mut state(), key), None);
        }
    }
}
