//! The levels of both sides, and the devices.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Style},
    text::{Line, Span},
};

use super::{
    draw::put,
    layout::Areas,
    look::Look,
    state::{FLOOR_DB, Meter, State},
    text::{shorten, width},
};
use crate::{talk::panel::DeviceLine, view::Who};

/// Levels from which on a meter is yellow and red, in dBFS: little is left until the sound is cut off.
const LOUD_DB: f32 = -12.0;
const TOO_LOUD_DB: f32 = -3.0;

/// Both, below each other or, in one row, beside each other.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    if area.height == 1 {
        let half = area.width / 2;
        let left = Rect { width: half, ..area };
        let right = Rect { x: area.x + half, width: area.width - half, ..area };
        for (area, who) in [(left, Who::User), (right, Who::Assistant)] {
            let columns = usize::from(area.width);
            let label = match columns {
                14.. => format!(" {:<7}", who.name()),
                _ => format!("{:.1} ", who.name()),
            };
            let bar = columns.saturating_sub(label.len() + 1);
            let mut line = Line::from(vec![Span::styled(label, state.look.who(who))]);
            line.extend(bar_of(meter(state, who), bar, who, state.look));
            put(frame, area, [line]);
        }
        return;
    }
    for (row, who) in Areas::rows(area).zip([Who::User, Who::Assistant]) {
        put(frame, row, [full(state, who, area.width.into())]);
    }
}

fn meter(state: &State, who: Who) -> &Meter {
    if who == Who::User { &state.user } else { &state.assistant }
}

/// Label, bar, level, device, and what went wrong with it.
fn full(state: &State, who: Who, columns: usize) -> Line<'static> {
    let look = state.look;
    let meter = meter(state, who);
    let bar = (columns / 4).min(60);
    let level = match meter.level_db {
        level if level <= FLOOR_DB => "silent".to_owned(),
        level => format!("{level:.0} dB"),
    };
    let mut line = Line::from(vec![Span::styled(format!(" {:<7}", who.name()), look.who(who))]);
    line.extend(bar_of(meter, bar, who, look));
    line.push_span(Span::styled(format!(" {level:>6}  "), look.dim()));
    let (device, lost) = match who {
        Who::User => (&state.standing.microphone, counted(state.standing.overruns, "overrun")),
        _ => (&state.standing.loudspeaker, counted(state.standing.underruns, "underrun")),
    };
    let lost = lost.map(|lost| format!("  {lost}")).unwrap_or_default();
    let room = columns.saturating_sub(line.width() + width(&lost));
    line.extend(device_of(device, room, look));
    line.push_span(Span::styled(lost, look.ink(Color::Yellow)));
    line
}

/// How often something went wrong, if it did.
pub(super) fn counted(count: u64, name: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {name}")),
        _ => Some(format!("{count} {name}s")),
    }
}

/// The level as a bar, and the mark of the last peak in it.
fn bar_of(meter: &Meter, columns: usize, who: Who, look: Look) -> Vec<Span<'static>> {
    let position = |db: f32| {
        let share = (1.0 - db / FLOOR_DB).clamp(0.0, 1.0);
        (share * columns as f32).round() as usize
    };
    let level = position(meter.level_db);
    let peak = position(meter.peak_db).checked_sub(1).filter(|_| meter.peak_db > FLOOR_DB);
    let colour = |column: usize| {
        let db = FLOOR_DB * (1.0 - (column + 1) as f32 / columns.max(1) as f32);
        match db {
            db if db > TOO_LOUD_DB => look.ink(Color::Red),
            db if db > LOUD_DB => look.ink(Color::Yellow),
            _ if who == Who::User => look.ink(Color::Cyan),
            _ => look.ink(Color::Green),
        }
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    for column in 0..columns {
        let (symbol, style): (&str, Style) = match column {
            column if peak == Some(column) => (look.either("\u{2503}", "|"), colour(column)),
            column if column < level => (look.either("\u{2501}", "="), colour(column)),
            _ => (look.either("\u{2500}", "-"), look.dim()),
        };
        match spans.last_mut().filter(|last| last.style == style) {
            Some(last) => last.content.to_mut().push_str(symbol),
            None => spans.push(Span::styled(symbol.to_owned(), style)),
        }
    }
    spans
}

/// A device by name and, where there is room, by format: shortened, and the name with it, rather than left out.
fn device_of(device: &DeviceLine, room: usize, look: Look) -> Vec<Span<'static>> {
    let Some(name) = &device.name else {
        let none = shorten("no device", room, look.unicode);
        return vec![Span::styled(none, look.ink(Color::Yellow))];
    };
    let name = look.clean(name);
    let format = look.clean(&device.format);
    let short = short(&format);
    let fits = |format: &str, name: usize| name + 2 + width(format) <= room;
    let format = match width(&name) {
        name if fits(&format, name) => format,
        name if fits(&short, name.min(12)) => short,
        _ => String::new(),
    };
    let left = room.saturating_sub(if format.is_empty() { 0 } else { width(&format) + 2 });
    let name = shorten(&name, left, look.unicode);
    let mut spans = vec![Span::raw(name)];
    if !format.is_empty() {
        spans.push(Span::styled(format!("  {format}"), look.dim()));
    }
    spans
}

/// `48000 Hz, 2 channels, f32` as `48 kHz 2ch f32`.
fn short(format: &str) -> String {
    let part = |part: &str| {
        let part = part.trim();
        if let Some(rate) = part.strip_suffix(" Hz").and_then(|it| it.parse::<u32>().ok()) {
            return format!("{} kHz", f64::from(rate) / 1000.0);
        }
        let channels = part.strip_suffix(" channels").or_else(|| part.strip_suffix(" channel"));
        channels.map_or_else(|| part.to_owned(), |channels| format!("{channels}ch"))
    };
    format.split(',').map(part).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { colour: false, unicode: false };

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn a_bar_is_as_long_as_the_level_is_high_and_marks_the_peak() {
        let mut meter = Meter { level_db: -30.0, peak_db: -15.0, ..Meter::default() };
        assert_eq!(text(&bar_of(&meter, 8, Who::User, LOOK)), "====-|--");
        (meter.level_db, meter.peak_db) = (FLOOR_DB, FLOOR_DB);
        assert_eq!(text(&bar_of(&meter, 8, Who::User, LOOK)), "--------");
        (meter.level_db, meter.peak_db) = (0.0, 0.0);
        assert_eq!(text(&bar_of(&meter, 8, Who::User, LOOK)), "=======|");
    }

    #[test]
    fn a_name_and_its_format_are_shortened_before_either_is_left_out() {
        let device = DeviceLine {
            name: Some("Built-in Audio Analogue Stereo".to_owned()),
            format: "44100 Hz, 2 channels, f32".to_owned(),
        };
        let shown = |room| text(&device_of(&device, room, LOOK));
        assert_eq!(shown(60), "Built-in Audio Analogue Stereo  44100 Hz, 2 channels, f32");
        assert_eq!(shown(50), "Built-in Audio Analogue Stereo  44.1 kHz 2ch f32");
        assert_eq!(shown(40), "Built-in Audio Analog~  44.1 kHz 2ch f32");
        assert_eq!(shown(20), "Built-in Audio Anal~");
        assert_eq!(text(&device_of(&DeviceLine::default(), 20, LOOK)), "no device");
    }
}
