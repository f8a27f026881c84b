//! The terminal of a call: a picture, lines for a screen reader, or plain lines.
//!
//! [`State`] knows the call, from its events and its [`Panel`]; [`on_key`](keys::on_key) changes it and says what is
//! asked of the call ([`Wish`]); a [`Surface`] shows it. All of these are pure but for the loop ([`Call::drive`]) and
//! what takes the terminal ([`terminal`]). Nothing here touches the call itself, and nothing in a text reaches the
//! terminal as it came ([`Look::clean`]).

mod draw;
mod help;
mod input;
mod keyboard;
mod keys;
mod latency;
mod layout;
mod lines;
pub(crate) mod log;
mod look;
mod meter;
mod moment;
pub(crate) mod options;
mod spoken;
mod state;
pub(crate) mod terminal;
mod text;
mod transcript;

#[cfg(test)]
mod tests;

use std::{
    io::{self, BufWriter},
    sync::{Arc, mpsc::Sender},
    time::{Duration, Instant},
};

use duplex_runtime::EventReader;
use ratatui::{
    Terminal,
    backend::{Backend, CrosstermBackend},
    crossterm::event::Event,
    layout::Rect,
};

use super::panel::{Notice, Panel, Wish};
use crate::view::Said;
use keyboard::Keyboard;
use lines::Lines;
use look::Look;
use options::Options;
use spoken::Spoken;
use state::State;
use terminal::{Keys, NoKeys, Taken};

/// Time between two drawings.
const REFRESH: Duration = Duration::from_millis(50);
/// Events that are taken in at once: where more have come, some of them are shown first.
const AT_ONCE: usize = 1024;
/// Bytes of a drawing that are written at once.
const BUFFER: usize = 1 << 16;

/// Shows a call until its stream of events is over, and sends what the keys ask for. Who asks for the end a second time
/// has the terminal back at once.
///
/// # Errors
/// The terminal is gone; the end of the call was asked for then.
pub(crate) fn run(
    options: Options,
    events: EventReader,
    panel: Arc<Panel>,
    wishes: Sender<Wish>,
) -> io::Result<()> {
    let state = State::new(Look { colour: options.colour, unicode: options.unicode });
    let mut call = Call { events, panel, wishes, state };
    if options.plain {
        call.state.has_keys = false;
        let mut lines = Lines::new(io::stdout(), call.state.look);
        return call.drive(&mut NoKeys, None, &mut lines);
    }
    let shown = call.drive_terminal(options.screen_reader);
    if shown.is_err() {
        // Nobody sees the call, nor can end it.
        call.ask(Wish::Quit);
    }
    shown
}

/// What came of a call since it was last shown.
#[derive(Clone, Debug, Default)]
struct News {
    said: Vec<Said>,
    notices: Vec<Notice>,
}

/// Shows a call.
trait Surface {
    /// Shows how things stand, and what is new.
    ///
    /// # Errors
    /// The terminal is gone.
    fn show(&mut self, state: &mut State, news: &News) -> io::Result<()>;

    /// Somebody else has written on the terminal.
    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The call is over.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The picture.
struct Picture<B: Backend>(Terminal<B>);

impl<B: Backend<Error = io::Error>> Surface for Picture<B> {
    fn show(&mut self, state: &mut State, _: &News) -> io::Result<()> {
        let size = self.0.size()?;
        state.size = (size.width, size.height);
        self.0.draw(|frame| draw::draw(frame, state)).map(|_| ())
    }

    fn redraw(&mut self) -> io::Result<()> {
        // Not by `clear`, which asks the terminal where its cursor is and waits for the answer.
        let size = self.0.size()?;
        self.0.resize(Rect::new(0, 0, size.width, size.height))
    }
}

/// A call and what the interface has to do with it.
struct Call {
    events: EventReader,
    panel: Arc<Panel>,
    wishes: Sender<Wish>,
    state: State,
}

impl Call {
    fn drive_terminal(&mut self, is_spoken: bool) -> io::Result<()> {
        let mut keyboard = Keyboard::open();
        self.state.has_keys = keyboard.is_some();
        let keys: &mut dyn Keys = match &mut keyboard {
            Some(keyboard) => keyboard,
            None => &mut NoKeys,
        };
        let mut taken = Taken::take(!is_spoken, self.state.has_keys, Arc::clone(&self.panel))?;
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        if is_spoken {
            let mut spoken = Spoken::new(out, self.state.look, self.state.has_keys);
            return self.drive(keys, Some(&mut taken), &mut spoken);
        }
        let mut picture = Picture(Terminal::new(CrosstermBackend::new(out))?);
        self.drive(keys, Some(&mut taken), &mut picture)
    }

    /// Shows the call and obeys the keys until one of them ends.
    fn drive(
        &mut self,
        keys: &mut dyn Keys,
        mut taken: Option<&mut Taken>,
        surface: &mut dyn Surface,
    ) -> io::Result<()> {
        let began = Instant::now();
        let mut was_asked = false;
        let mut was_typed = false;
        loop {
            let mut news = News::default();
            for event in (0..AT_ONCE).map_while(|_| self.events.try_next()) {
                news.said.extend(self.state.see(&event));
            }
            let is_over = self.events.is_over();
            news.notices = self.state.look_at(&self.panel, began.elapsed());
            if let Some(taken) = &mut taken
                && taken.was_continued()?
            {
                surface.redraw()?;
            }
            surface.show(&mut self.state, &news)?;
            if is_over {
                return surface.end();
            }
            // The picture stands already: some terminals are slow to answer.
            if let Some(taken) = &mut taken
                && !std::mem::replace(&mut was_asked, true)
                && keys.can_tell_releases()?
            {
                taken.tell_releases()?;
                self.state.knows_releases = true;
            }
            for event in keys.wait(REFRESH)? {
                self.obey(event);
            }
            if self.state.quits > 1 {
                return Ok(());
            }
            if let Some(taken) = &mut taken {
                if std::mem::take(&mut self.state.wants_shell) {
                    taken.lend()?;
                    was_typed = false;
                    surface.redraw()?;
                }
                let is_typed = self.state.input.is_some();
                if std::mem::replace(&mut was_typed, is_typed) != is_typed {
                    taken.type_text(is_typed)?;
                }
            }
            if std::mem::take(&mut self.state.wants_redraw) {
                surface.redraw()?;
            }
        }
    }

    fn obey(&mut self, event: Event) {
        let wish = match event {
            Event::Key(key) => keys::on_key(&mut self.state, key),
            Event::Paste(text) => keys::on_paste(&mut self.state, &text),
            Event::FocusLost => keys::on_leave(&mut self.state),
            // The next drawing has the new size.
            Event::Resize(..) | Event::FocusGained | Event::Mouse(_) => None,
        };
        if let Some(wish) = wish {
            self.ask(wish);
        }
    }

    fn ask(&self, wish: Wish) {
        // Where the call is over, nobody is asked.
        _ = self.wishes.send(wish);
    }
}
