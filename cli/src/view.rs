//! What a call shows while it runs: a live picture on a terminal, plain lines elsewhere, JSON Lines
//! for programs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use duplex_core::{Action, Notice, SessionTime, UserKind};
use duplex_harness::room::RoomLog;
use duplex_runtime::SessionStep;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols;
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph, Wrap};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use serde::Serialize;

/// Time between two drawings of the picture.
const REFRESH: Duration = Duration::from_millis(100);
/// Lines of the picture.
const HEIGHT: u16 = 6;
/// Levels below this are drawn as silence, in dB.
const FLOOR_DB: f32 = -60.0;

/// How a call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A live picture.
    Picture,
    /// A line for each final text.
    Lines,
    /// Every notice as a JSON object on a line of standard output.
    Json,
}

impl Mode {
    /// JSON if asked for, else a picture if standard error is a terminal, else lines.
    pub(crate) fn choose(json: bool) -> Self {
        match json {
            true => Self::Json,
            false if io::stderr().is_terminal() => Self::Picture,
            false => Self::Lines,
        }
    }
}

/// The state of the call, shared by the session's thread and the one that draws.
#[derive(Debug, Default)]
struct State {
    at: SessionTime,
    committed: String,
    tentative: String,
    user_speaks: bool,
    assistant_speaks: bool,
    preparing: bool,
    latency: Option<u64>,
    /// Words of the user's turn that were shown before the turn was reopened.
    reopened: String,
    /// Final lines that are not printed yet.
    said: Vec<(Who, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    User,
    Assistant,
    Note,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "you",
            Self::Assistant => "duplex",
            Self::Note => "",
        }
    }

    const fn colour(self) -> Color {
        match self {
            Self::User => Color::Cyan,
            Self::Assistant => Color::Green,
            Self::Note => Color::DarkGray,
        }
    }
}

impl State {
    fn see(&mut self, at: SessionTime, notice: &Notice) {
        self.at = at;
        match notice {
            Notice::Onset => self.user_speaks = true,
            Notice::Offset => self.user_speaks = false,
            Notice::Words { committed, tentative } => {
                (self.committed, self.tentative) = (committed.clone(), tentative.clone());
            }
            Notice::Preparing { .. } => self.preparing = true,
            Notice::Dropped { .. } => self.preparing = false,
            Notice::Released { silence, .. } => {
                (self.preparing, self.assistant_speaks) = (false, true);
                self.latency = Some(silence.as_millis());
            }
            Notice::Reopened { text } => self.reopened.clone_from(text),
            Notice::UserTurn { text, kind, .. } => {
                self.committed.clear();
                self.tentative.clear();
                // Its beginning was shown already.
                let shown = std::mem::take(&mut self.reopened);
                let text = text.strip_prefix(shown.as_str()).unwrap_or(text).trim_start();
                match kind {
                    UserKind::Turn | UserKind::Stop | UserKind::Backchannel if text.is_empty() => {}
                    UserKind::Turn | UserKind::Stop => self.say(Who::User, text.to_owned()),
                    UserKind::Backchannel => {
                        self.say(Who::User, format!("({})", text.to_lowercase()));
                    }
                    UserKind::Noise => self.say(Who::Note, "(a sound without words)".to_owned()),
                }
            }
            Notice::Cancelled { heard, why, .. } => {
                self.assistant_speaks = false;
                let why = format!("{why:?}").to_lowercase();
                self.say(Who::Assistant, format!("{} \u{2014} [cut: {why}]", heard.trim()));
            }
            Notice::Finished { text, .. } => {
                self.assistant_speaks = false;
                self.say(Who::Assistant, text.trim().to_owned());
            }
            Notice::Resumed { .. } => self.assistant_speaks = true,
            Notice::Warning(what) => self.say(Who::Note, format!("warning: {what}")),
            Notice::EndOfTurn(_) => {}
        }
    }

    fn say(&mut self, who: Who, text: String) {
        self.said.push((who, text));
    }

    fn floor(&self) -> &'static str {
        match (self.user_speaks, self.assistant_speaks, self.preparing) {
            (true, true, _) => "both",
            (true, false, _) => "you",
            (false, true, _) => "duplex",
            (false, false, true) => "thinking",
            (false, false, false) => "listening",
        }
    }
}

fn clock(at: SessionTime) -> String {
    let millis = at.as_millis();
    format!("{:02}:{:04.1}", millis / 60_000, (millis % 60_000) as f64 / 1000.0)
}

/// Shows a call. Dropping it restores the terminal.
pub(crate) struct View {
    mode: Mode,
    state: Arc<Mutex<State>>,
    done: Arc<AtomicBool>,
    drawing: Option<JoinHandle<io::Result<()>>>,
}

impl View {
    pub(crate) fn start(mode: Mode, levels: RoomLog) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let done = Arc::<AtomicBool>::default();
        let drawing = (mode == Mode::Picture).then(|| {
            let (state, done) = (Arc::clone(&state), Arc::clone(&done));
            std::thread::spawn(move || draw_until(&done, &state, &levels))
        });
        Self { mode, state, done, drawing }
    }

    /// The observer to give to the call.
    pub(crate) fn observer(&self) -> impl FnMut(SessionStep<'_>) + Send + 'static {
        let (mode, state) = (self.mode, Arc::clone(&self.state));
        move |seen| {
            let mut state = lock(&state);
            state.at = seen.at;
            for action in seen.actions {
                let Action::Notify(notice) = action else { continue };
                state.see(seen.at, notice);
                if mode == Mode::Json {
                    json(seen.at, notice);
                }
            }
            if mode != Mode::Picture {
                for (who, text) in std::mem::take(&mut state.said) {
                    if mode == Mode::Lines {
                        // With stderr closed nobody can see it.
                        _ = writeln!(
                            io::stderr().lock(),
                            "{} {:>7}: {text}",
                            clock(seen.at),
                            who.name()
                        );
                    }
                }
            }
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            match drawing.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("the terminal could not be drawn: {error}"),
                Err(_) => tracing::error!("drawing panicked"),
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Serialize)]
struct NoticeRecord<'a> {
    at_ms: u64,
    #[serde(flatten)]
    notice: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    notice: &'a Notice,
}

fn json(at: SessionTime, notice: &Notice) {
    let record = NoticeRecord { at_ms: at.as_millis(), notice: Named { notice } };
    let mut out = io::stdout().lock();
    // A closed output does not end the call.
    if serde_json::to_writer(&mut out, &record).is_ok() {
        _ = out.write_all(b"\n").and_then(|()| out.flush());
    }
}

fn draw_until(done: &AtomicBool, state: &Mutex<State>, levels: &RoomLog) -> io::Result<()> {
    let mut terminal = Terminal::with_options(
        CrosstermBackend::new(io::stderr()),
        TerminalOptions { viewport: Viewport::Inline(HEIGHT) },
    )?;
    loop {
        let last = done.load(Ordering::Relaxed);
        let said = std::mem::take(&mut lock(state).said);
        let at = lock(state).at;
        for (who, text) in said {
            let line = Line::from(vec![
                Span::styled(format!("{} ", clock(at)), Style::new().fg(Color::DarkGray)),
                Span::styled(format!("{:>7} ", who.name()), Style::new().fg(who.colour())),
                Span::raw(text),
            ]);
            let width = terminal.size()?.width.max(1);
            let height = (line.width() as u16).div_ceil(width).max(1);
            let paragraph = Paragraph::new(line).wrap(Wrap { trim: false });
            terminal.insert_before(height, |buffer| {
                ratatui::widgets::Widget::render(paragraph, buffer.area, buffer);
            })?;
        }
        if last {
            terminal.clear()?;
            return terminal.show_cursor();
        }
        let (user_db, assistant_db) = levels.levels();
        terminal.draw(|frame| draw(frame, &lock(state), user_db, assistant_db))?;
        std::thread::sleep(REFRESH);
    }
}

fn draw(frame: &mut Frame<'_>, state: &State, user_db: f32, assistant_db: f32) {
    let rows: [ratatui::layout::Rect; 5] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
    ])
    .areas(frame.area());
    let rule = "\u{2500}".repeat(frame.area().width as usize);
    frame.render_widget(Paragraph::new(rule).style(Style::new().fg(Color::DarkGray)), rows[0]);
    let mut status = String::new();
    _ = write!(status, " {}   floor: {:<9}", clock(state.at), state.floor());
    if let Some(latency) = state.latency {
        _ = write!(status, "   answered after {latency} ms");
    }
    let status = Paragraph::new(status).style(Style::new().add_modifier(Modifier::BOLD));
    frame.render_widget(status, rows[1]);
    for (row, who, level) in [(2, Who::User, user_db), (3, Who::Assistant, assistant_db)] {
        let ratio = (1.0 - level / FLOOR_DB).clamp(0.0, 1.0);
        let gauge = LineGauge::default()
            .ratio(f64::from(ratio))
            .label(format!("{:>7}", who.name()))
            .filled_symbol(symbols::line::THICK_HORIZONTAL)
            .filled_style(Style::new().fg(who.colour()))
            .unfilled_style(Style::new().fg(Color::DarkGray));
        frame.render_widget(gauge, rows[row]);
    }
    let words = Line::from(vec![
        Span::raw("        "),
        Span::raw(state.committed.as_str()),
        Span::raw(" "),
        Span::styled(state.tentative.as_str(), Style::new().fg(Color::DarkGray)),
    ]);
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: false }), rows[4]);
}
