//! The picture on a terminal: final lines scroll by above a few rows that show the moment.

use std::{
    fmt::Write as _,
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use duplex_audio::room::RoomLog;
use duplex_runtime::EventReader;
use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    buffer::{Buffer, Cell},
    layout::{Constraint, Layout, Margin, Rect},
    style::{Color, Modifier, Style},
    symbols,
    text::{Line, Span},
    widgets::{LineGauge, Paragraph, Widget as _, Wrap},
};

use super::conversation::{Conversation, Said, Voice, Who, clock, name};

/// Time between two drawings.
const REFRESH: Duration = Duration::from_millis(100);
/// Rows of words, of each side.
const WORDS: u16 = 2;
/// Rows of the picture.
const HEIGHT: u16 = 4 + 2 * WORDS;
/// Columns before the words.
const INDENT: u16 = 8;
/// Rows of a final line at most.
const MOST_ROWS: u16 = 256;
/// Levels below this are drawn as silence, in dB.
const FLOOR_DB: f32 = -60.0;

const DIM: Style = Style::new().fg(Color::DarkGray);
const UNHEARD: Style = DIM.add_modifier(Modifier::CROSSED_OUT);

const fn colour(who: Who) -> Color {
    match who {
        Who::User => Color::Cyan,
        Who::Assistant => Color::Green,
        Who::Note => Color::DarkGray,
    }
}

/// Draws until the stream of events is over.
pub(super) fn draw(mut events: EventReader, now: &AtomicU64, levels: &RoomLog) -> io::Result<()> {
    let mut terminal = Terminal::with_options(
        CrosstermBackend::new(io::stderr()),
        TerminalOptions { viewport: Viewport::Inline(HEIGHT) },
    )?;
    let mut conversation = Conversation::default();
    loop {
        while let Some(event) = events.try_next() {
            conversation.see(&event);
        }
        let is_over = events.is_over();
        for said in conversation.said() {
            let paragraph = Paragraph::new(line(&said)).wrap(Wrap { trim: false });
            let height = height(&paragraph, terminal.size()?.width.max(1));
            terminal.insert_before(height, |buffer| paragraph.render(buffer.area, buffer))?;
        }
        if is_over {
            terminal.clear()?;
            let top = terminal.get_frame().area().as_position();
            terminal.set_cursor_position(top)?;
            return terminal.show_cursor();
        }
        let levels = levels.levels();
        terminal.draw(|frame| rows(frame, &conversation, now.load(Relaxed), levels))?;
        thread::sleep(REFRESH);
    }
}

/// The rows that a paragraph takes once its words are wrapped.
fn height(paragraph: &Paragraph<'_>, width: u16) -> u16 {
    let drawn = |rows: u16| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, rows));
        paragraph.render(buffer.area, &mut buffer);
        let is_blank = |cell: &Cell| cell.symbol().trim().is_empty();
        let last = buffer.content().iter().rposition(|cell| !is_blank(cell));
        last.map_or(1, |last| (last / usize::from(width)) as u16 + 1)
    };
    let mut rows = 4;
    // Where the last row is used, there may be more.
    while drawn(rows) == rows && rows < MOST_ROWS {
        rows *= 2;
    }
    drawn(rows)
}

/// A final line, what nobody heard of it struck through.
fn line(said: &Said) -> Line<'_> {
    let who = Style::new().fg(colour(said.who));
    let mut line = Line::from(vec![
        Span::styled(format!("{} ", clock(said.at_ms)), DIM),
        Span::styled(format!("{:>7} ", said.who.name()), who),
        match said.who {
            Who::Note => Span::styled(said.text.as_str(), DIM),
            Who::User | Who::Assistant => Span::raw(said.text.as_str()),
        },
    ]);
    if let Some((unheard, why)) = &said.cut {
        line.push_span(Span::styled(unheard.as_str(), UNHEARD));
        line.push_span(Span::styled(format!(" [cut: {}]", name(*why)), DIM));
    }
    line
}

fn rows(frame: &mut Frame<'_>, conversation: &Conversation, now: u64, levels: (f32, f32)) {
    let lengths = [1, 1, 1, WORDS, 1, WORDS].map(Constraint::Length);
    let [rule, status, user, words, assistant, reply] =
        Layout::vertical(lengths).areas(frame.area());
    let dashes = "\u{2500}".repeat(rule.width.into());
    frame.render_widget(Paragraph::new(dashes).style(DIM), rule);
    let status_line = Paragraph::new(status_text(conversation, now));
    frame.render_widget(status_line.style(Style::new().add_modifier(Modifier::BOLD)), status);
    for (area, who, level) in [(user, Who::User, levels.0), (assistant, Who::Assistant, levels.1)] {
        let gauge = LineGauge::default()
            .ratio(f64::from((1.0 - level / FLOOR_DB).clamp(0.0, 1.0)))
            .label(format!("{:>7}", who.name()))
            .filled_symbol(symbols::line::THICK_HORIZONTAL)
            .filled_style(Style::new().fg(colour(who)))
            .unfilled_style(DIM);
        frame.render_widget(gauge, area);
    }
    text(
        frame,
        words,
        (&conversation.committed, Style::new()),
        (&join_with_space(&conversation.committed, &conversation.tentative), DIM),
    );
    if let Some(spoken) = &conversation.reply {
        let unheard = if spoken.voice == Voice::Cut { UNHEARD } else { DIM };
        text(frame, reply, (&spoken.heard, Style::new()), (&spoken.unheard, unheard));
    }
}

fn join_with_space(before: &str, words: &str) -> String {
    let space = if before.is_empty() || words.is_empty() { "" } else { " " };
    format!("{space}{words}")
}

fn status_text(conversation: &Conversation, now: u64) -> String {
    let mut status = format!(" {}   floor: {:<9}", clock(now), conversation.floor());
    let voice = match conversation.reply.as_ref().map(|reply| reply.voice) {
        Some(Voice::Ducked) => "   voice lowered",
        Some(Voice::Held) => "   voice paused",
        Some(Voice::Cut) => "   cut",
        Some(Voice::Full) | None => "",
    };
    status.push_str(voice);
    if conversation.is_muted {
        status.push_str("   microphone muted");
    }
    if let Some(latency) = conversation.latency {
        // A string takes whatever is written to it.
        _ = write!(status, "   answered after {latency} ms");
    }
    status
}

/// Words that are sure, and words that follow: where there is no room for all, those around the end of the former.
fn text(frame: &mut Frame<'_>, area: Rect, sure: (&str, Style), next: (&str, Style)) {
    let area = area.inner(Margin { horizontal: INDENT, vertical: 0 });
    // Words that are wrapped leave some room unused at the end of each row.
    let room = usize::from(area.width) * usize::from(area.height) * 3 / 4;
    let words = Line::from(vec![
        Span::styled(tail(sure.0.trim_start(), room * 2 / 3), sure.1),
        Span::styled(next.0, next.1),
    ]);
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
}

/// The last words of a text: no more characters than there is room for.
fn tail(text: &str, room: usize) -> &str {
    let Some(first) = text.chars().count().checked_sub(room).filter(|&more| more > 0) else {
        return text;
    };
    let from = text.char_indices().nth(first).map_or(0, |(at, _)| at);
    let rest = &text[from..];
    rest.split_once(' ').map_or(rest, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_rows_as_its_words_need() {
        let wrapped = |text: &'static str| Paragraph::new(text).wrap(Wrap { trim: false });
        // Each row has room for one word only, although all characters would fit into three rows.
        let words = "sixsix sixsix sixsix sixsix sixsix";
        assert_eq!(height(&wrapped(words), 12), 5);
        assert_eq!(height(&wrapped("short"), 12), 1);
        assert_eq!(height(&wrapped(""), 12), 1);
    }

    #[test]
    fn the_tail_of_a_text_begins_with_a_whole_word() {
        assert_eq!(tail("once upon a time", 100), "once upon a time");
        assert_eq!(tail("once upon a time", 8), "a time");
        assert_eq!(tail("\u{fc}\u{fc}\u{fc}\u{fc}", 2), "\u{fc}\u{fc}");
    }
}
