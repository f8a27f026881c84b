//! The picture of a call: one screen, drawn from the state alone.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span, Text},
    widgets::Widget as _,
};

use super::{
    help,
    input::Input,
    latency,
    layout::{Areas, FULL_METERS, LATENCY},
    look::Look,
    meter::{self, counted},
    moment,
    state::{Standing, State, Talk},
    text::{shorten, width},
};
use crate::view::Voice;

/// Columns from which on the header also has what is as ever.
const ROOMY: usize = 70;

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let areas = Areas::of(frame.area(), state.input.is_some());
    put(frame, areas.header, [header(state, areas.header.width.into())]);
    meter::draw(frame, areas.meters, state);
    let rule = |note: &str| rule(state.look, areas.upper_rule.width.into(), note);
    put(frame, areas.upper_rule, [rule("")]);
    put(frame, areas.transcript, transcript(state, areas.transcript));
    put(frame, areas.lower_rule, [rule(&below(state))]);
    put(frame, areas.user, moment::user(state, areas.user));
    put(frame, areas.assistant, moment::assistant(state, areas.assistant));
    put(frame, areas.latency, latency::lines(state, areas.latency));
    match &state.input {
        Some(input) => typed(frame, areas.footer, input, state.look),
        None => put(frame, areas.footer, [footer(state, areas.footer.width.into())]),
    }
    if let Some(row) = state.help {
        help::draw(frame, state, row);
    }
}

/// Lines from the top of an area; those for which there is no room are left out.
pub(super) fn put(
    frame: &mut Frame<'_>,
    area: Rect,
    lines: impl IntoIterator<Item = Line<'static>>,
) {
    let area = area.intersection(frame.area());
    Text::from_iter(lines.into_iter().take(area.height.into())).render(area, frame.buffer_mut());
}

fn rule(look: Look, columns: usize, note: &str) -> Line<'static> {
    let dash = look.either("\u{2500}", "-");
    let note = shorten(note, columns.saturating_sub(3), look.unicode);
    let before = if note.is_empty() { 0 } else { columns.saturating_sub(width(&note) + 3) };
    let after = columns.saturating_sub(before + width(&note));
    Line::from(vec![
        Span::styled(dash.repeat(before), look.dim()),
        Span::styled(note, look.bold()),
        Span::styled(dash.repeat(after), look.dim()),
    ])
}

/// What the lower rule says about lines out of view.
fn below(state: &State) -> String {
    match (state.transcript.is_scrolled(), state.transcript.below()) {
        (false, _) => String::new(),
        (true, 0) => " scrolled: End for the newest ".to_owned(),
        (true, 1) => " 1 line below: End for the newest ".to_owned(),
        (true, lines) => format!(" {lines} lines below: End for the newest "),
    }
}

/// The moment, the floor, and what must not be overlooked, the latter from the right.
fn header(state: &State, columns: usize) -> Line<'static> {
    let look = state.look;
    let seconds = state.standing.clock / 1000;
    let mut left = match columns {
        30.. => vec![(format!(" {:02}:{:02}  ", seconds / 60, seconds % 60), look.dim())],
        _ => Vec::new(),
    };
    left.push(floor(state));
    let mut used: usize = left.iter().map(|(text, _)| width(text)).sum();
    let mut right: Vec<(String, Style)> = Vec::new();
    for (flag, style) in flags(state, columns >= ROOMY) {
        if used + width(&flag) + 2 <= columns {
            used += width(&flag) + 2;
            right.splice(0..0, [("  ".to_owned(), Style::new()), (flag, style)]);
        }
    }
    let space = (" ".repeat(columns.saturating_sub(used)), Style::new());
    spans(left.into_iter().chain([space]).chain(right))
}

pub(super) fn spans(parts: impl IntoIterator<Item = (String, Style)>) -> Line<'static> {
    parts.into_iter().map(|(text, style)| Span::styled(text, style)).collect()
}

/// Who has the floor, in words.
fn floor(state: &State) -> (String, Style) {
    let look = state.look;
    let conversation = &state.conversation;
    if state.quits > 0 {
        return ("ending".to_owned(), look.bold());
    }
    if !state.has_begun {
        return ("getting ready".to_owned(), look.dim());
    }
    let voice = conversation.reply.as_ref().map(|reply| reply.voice);
    let bold = |colour: Color| look.ink(colour).add_modifier(Modifier::BOLD);
    match (conversation.floor(), voice) {
        ("both", _) => ("both speak".to_owned(), bold(Color::Yellow)),
        ("you", _) => ("you speak".to_owned(), bold(Color::Cyan)),
        ("duplex", Some(Voice::Ducked)) => ("duplex, lowered".to_owned(), bold(Color::Green)),
        ("duplex", Some(Voice::Held)) => ("duplex, paused".to_owned(), bold(Color::Green)),
        ("duplex", _) => ("duplex speaks".to_owned(), bold(Color::Green)),
        ("thinking", _) => ("thinking".to_owned(), look.bold()),
        _ if conversation.is_muted && state.talk == Talk::Off && !conversation.is_pressed => {
            ("not listening".to_owned(), look.bold())
        }
        _ if state.standing.is_asleep => ("asleep".to_owned(), look.bold()),
        (other, _) => (other.to_owned(), look.bold()),
    }
}

/// What must not be overlooked: what comes first has room first.
fn flags(state: &State, is_roomy: bool) -> Vec<(String, Style)> {
    let look = state.look;
    let mut flags = Vec::new();
    if state.conversation.is_muted {
        flags.push((" MUTED ".to_owned(), look.alert(Color::Red)));
    }
    if state.standing.is_recording {
        let dot = look.either("\u{25cf} ", "");
        flags.push((format!("{dot}REC"), look.ink(Color::Red).add_modifier(Modifier::BOLD)));
    }
    if state.talk != Talk::Off || state.conversation.is_pressed {
        flags.push((" TALK ".to_owned(), look.alert(Color::Cyan)));
    }
    if state.size.1 < FULL_METERS {
        let Standing { underruns, overruns, .. } = state.standing;
        let lost = [counted(underruns, "underrun"), counted(overruns, "overrun")];
        flags.extend(lost.into_iter().flatten().map(|text| (text, look.ink(Color::Yellow))));
    }
    let (volume, speed) = (state.standing.volume_db, state.standing.speed);
    let pace = f64::from(speed) / 1000.0;
    for (text, is_default) in [
        (format!("volume {volume:+} dB"), volume == 0),
        (format!("speed {pace:.2}"), speed == 1000),
    ] {
        if is_roomy || !is_default {
            flags.push((text, if is_default { look.dim() } else { Style::new() }));
        }
    }
    if let Some(stages) = state.newest.filter(|_| state.size.1 < LATENCY) {
        flags.push((format!("{} ms", stages.audible_ms), look.dim()));
    }
    flags
}

fn transcript(state: &State, area: Rect) -> Vec<Line<'static>> {
    let lines = state.transcript.view(state.window(), state.look);
    // The newest stand at the bottom, by what is said at the moment.
    let blank = usize::from(area.height).saturating_sub(lines.len());
    std::iter::repeat_n(Line::default(), blank).chain(lines).collect()
}

/// The keys for which there is room; the most important have it first.
fn footer(state: &State, columns: usize) -> Line<'static> {
    let look = state.look;
    if !state.has_keys {
        return Line::default();
    }
    if state.quits > 0 {
        let note = shorten(" the call ends; q again leaves at once", columns, look.unicode);
        return spans([(note, look.bold())]);
    }
    let mute = if state.conversation.is_muted { "unmute" } else { "mute" };
    let talk = match state.talk {
        Talk::Off => "talk",
        Talk::Held | Talk::Open => "done",
    };
    // Each with its rank.
    let keys = [
        (3, "m", mute),
        (4, "space", talk),
        (2, "Esc", "stop"),
        (5, "/", "type"),
        (6, "r", "again"),
        (7, "s", "save"),
        (8, "+-", "volume"),
        (9, "<>", "speed"),
        (10, "d D", "devices"),
        (0, "?", "help"),
        (1, "q", "quit"),
    ];
    let needs = |key: &str, what: &str| 2 + width(key) + 1 + width(what);
    // The first needs one space less.
    let mut left = columns + 1;
    let mut most = 0;
    for rank in 0..keys.len() {
        let Some((_, key, what)) = keys.iter().find(|it| it.0 == rank) else { break };
        let Some(rest) = left.checked_sub(needs(key, what)) else { break };
        (left, most) = (rest, rank + 1);
    }
    let shown = keys.iter().filter(|it| it.0 < most).enumerate();
    spans(shown.flat_map(|(at, (_, key, what))| {
        let space = if at == 0 { " " } else { "  " };
        [
            (space.to_owned(), Style::new()),
            ((*key).to_owned(), look.bold()),
            (format!(" {what}"), look.dim()),
        ]
    }))
}

/// The line that is typed, scrolled so that the cursor is in view.
fn typed(frame: &mut Frame<'_>, area: Rect, input: &Input, look: Look) {
    let columns = usize::from(area.width);
    let prompt = match columns {
        60.. => " say (Enter sends, Esc leaves): ",
        20.. => " say: ",
        _ => "",
    };
    let room = columns.saturating_sub(width(prompt) + 1);
    let before = look.clean(&input.before);
    let mut shown = String::new();
    for character in before.chars().rev() {
        if width(&shown) + width(character.encode_utf8(&mut [0; 4])) > room {
            break;
        }
        shown.insert(0, character);
    }
    let at = width(prompt) + width(&shown);
    let line = [
        (prompt.to_owned(), look.ink(Color::Cyan).add_modifier(Modifier::BOLD)),
        (shown, Style::new()),
        (look.clean(&input.after), Style::new()),
    ];
    put(frame, area, [spans(line)]);
    if area.width > 0 && area.height > 0 {
        let column = u16::try_from(at).unwrap_or(u16::MAX).min(area.width - 1);
        frame.set_cursor_position((area.x + column, area.y));
    }
}
