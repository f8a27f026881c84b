//! The keys and the devices, over the picture.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Clear, Widget as _},
};

use super::{
    draw::put,
    keys::KEYS,
    state::{State, Talk},
    text::{Wrapped, width},
};

/// Columns of the help at most.
const WIDEST: u16 = 64;

pub(super) fn draw(frame: &mut Frame<'_>, state: &State, row: u16) {
    let screen = frame.area();
    let outer = screen.width.min(WIDEST);
    let has_frame = screen.height >= 6 && outer >= 24;
    let margin = if has_frame { 2 } else { 0 };
    let lines = lines(state, usize::from(outer.saturating_sub(2 * margin)));
    let border = u16::from(has_frame);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2 * border);
    let height = height.min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - outer) / 2,
        y: screen.y + (screen.height - height) / 2,
        width: outer,
        height,
    };
    Clear.render(area, frame.buffer_mut());
    let inner = Rect {
        x: area.x + margin,
        y: area.y + border,
        width: area.width.saturating_sub(2 * margin),
        height: area.height.saturating_sub(2 * border),
    };
    let hidden = lines.len().saturating_sub(inner.height.into());
    if has_frame {
        draw_frame(frame, state, area, hidden > 0);
    }
    put(frame, inner, lines.into_iter().skip(usize::from(row).min(hidden)));
}

/// The rows of the help that are out of view at the beginning.
pub(super) fn hidden(state: &State) -> u16 {
    let (columns, rows) = state.size;
    let outer = columns.min(WIDEST);
    let has_frame = rows >= 6 && outer >= 24;
    let (margin, border) = if has_frame { (2, 1) } else { (0, 0) };
    let lines = lines(state, usize::from(outer.saturating_sub(2 * margin)));
    let lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    lines.saturating_sub(rows.saturating_sub(2 * border))
}

fn draw_frame(frame: &mut Frame<'_>, state: &State, area: Rect, can_scroll: bool) {
    let look = state.look;
    let pick = |unicode: &'static str, ascii: &'static str| look.either(unicode, ascii);
    let columns = usize::from(area.width);
    let dash = pick("\u{2500}", "-");
    let edge = |left: &str, title: &str, right: &str| {
        let dashes = columns.saturating_sub(3 + width(title));
        Line::from(vec![
            Span::styled(format!("{left}{dash}"), look.dim()),
            Span::styled(title.to_owned(), look.bold()),
            Span::styled(format!("{}{right}", dash.repeat(dashes)), look.dim()),
        ])
    };
    let (top, bottom) = (pick("\u{256d}", "+"), pick("\u{2570}", "+"));
    let note = match can_scroll {
        true => " arrows scroll, others close ",
        false => " any key closes this ",
    };
    put(frame, area, [edge(top, " Keys ", pick("\u{256e}", "+"))]);
    let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    put(frame, last, [edge(bottom, note, pick("\u{256f}", "+"))]);
    let side = pick("\u{2502}", "|");
    for y in area.y + 1..area.bottom().saturating_sub(1) {
        for x in [area.x, area.right().saturating_sub(1)] {
            put(frame, Rect::new(x, y, 1, 1), [Line::from(Span::styled(side, look.dim()))]);
        }
    }
}

/// Keys, in two columns where there is room, and devices.
fn lines(state: &State, columns: usize) -> Vec<Line<'static>> {
    let look = state.look;
    let key_columns = KEYS.iter().map(|(key, _)| width(key)).max().unwrap_or_default() + 2;
    let half = columns / 2;
    let in_two = columns >= 2 * (key_columns + 20);
    let cell = |(key, what): (&str, &str), columns: usize| {
        let (volume, speed) = (state.standing.volume_db, f64::from(state.standing.speed) / 1000.0);
        let volume = format!("volume, now {volume:+} dB");
        let speed = format!("speed, now {speed:.2}");
        let what = match (key, state.talk, state.knows_releases) {
            ("+ -", _, _) => &volume,
            ("< >", _, _) => &speed,
            ("m", _, _) if state.conversation.is_muted => "open the microphone",
            ("space", Talk::Off, true) => "talk while held",
            ("space", Talk::Off, false) => "talk: again to end",
            ("space", Talk::Held | Talk::Open, _) => "end your turn",
            _ => what,
        };
        let used = key_columns + width(what);
        [
            Span::styled(format!("{key:<key_columns$}"), look.bold()),
            Span::raw(format!("{what}{}", " ".repeat(columns.saturating_sub(used)))),
        ]
    };
    let mut lines: Vec<Line<'static>> = match in_two {
        true => {
            let rows = KEYS.len().div_ceil(2);
            let row = |at: usize| {
                let right = KEYS.get(rows + at).map(|key| cell(*key, 0));
                let left = cell(KEYS[at], half);
                left.into_iter().chain(right.into_iter().flatten()).collect()
            };
            (0..rows).map(row).collect()
        }
        false => KEYS.iter().map(|key| cell(*key, 0).into_iter().collect()).collect(),
    };
    let devices =
        [("Microphone", &state.standing.microphone), ("Loudspeaker", &state.standing.loudspeaker)];
    for (what, device) in devices {
        lines.push(Line::default());
        let name = device.name.as_deref().unwrap_or("none");
        let separator = if device.format.is_empty() { "" } else { ", " };
        let text = look.clean(&format!("{name}{separator}{}", device.format));
        let words = [(format!("{what}: "), look.bold()), (text, Style::new())];
        let wrapped = Wrapped::new(&words, columns);
        lines.extend((0..wrapped.rows()).map(|row| wrapped.line(row)));
    }
    lines
}
