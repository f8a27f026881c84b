//! Lines for a screen reader: each thing is said once, and nothing is drawn again.

use std::io::{self, Write};

use super::{
    News, Surface,
    keys::KEYS,
    look::Look,
    state::{State, Talk},
    text::width,
};
use crate::{
    talk::panel::DeviceLine,
    view::{Said, Voice, Who},
};

/// What was said so far.
pub(super) struct Spoken<W> {
    out: W,
    look: Look,
    /// Ends a line: where keys come one by one, the terminal does not go to its beginning by itself.
    end: &'static str,
    before: Before,
    /// Lines that wait until nobody types.
    waiting: Vec<String>,
    /// The line that is typed, as it stands on the terminal.
    typed: Option<String>,
    /// It was said that the reply is cut.
    said_cut: bool,
}

/// What is told when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Before {
    has_begun: bool,
    is_muted: bool,
    is_recording: bool,
    talk: Talk,
    volume_db: i32,
    speed: u16,
    microphone: DeviceLine,
    loudspeaker: DeviceLine,
    is_cut: bool,
    is_ending: bool,
}

impl Before {
    fn of(state: &State) -> Self {
        let voice = state.conversation.reply.as_ref().map(|reply| reply.voice);
        Self {
            has_begun: state.has_begun,
            is_muted: state.conversation.is_muted,
            is_recording: state.standing.is_recording,
            talk: state.talk,
            volume_db: state.standing.volume_db,
            speed: state.standing.speed,
            microphone: state.standing.microphone.clone(),
            loudspeaker: state.standing.loudspeaker.clone(),
            is_cut: voice == Some(Voice::Cut),
            is_ending: state.quits > 0,
        }
    }

    /// What differs from how it was, in sentences.
    fn changes(&self, before: &Self, has_keys: bool) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |text: &str| told.push(text.to_owned());
        if self.has_begun && !before.has_begun {
            tell(if has_keys { "The call begins. ? lists the keys." } else { "The call begins." });
        }
        if self.is_muted != before.is_muted {
            tell(if self.is_muted { "Muted." } else { "Microphone open." });
        }
        if self.is_recording != before.is_recording {
            tell(if self.is_recording { "Recording." } else { "Not recording any more." });
        }
        match self.talk {
            talk if talk == before.talk => {}
            Talk::Off => tell("Your turn is over."),
            Talk::Held => tell("Talk, and release space when you are done."),
            Talk::Open => tell("Talk, and press space again when you are done."),
        }
        if self.is_cut && !before.is_cut {
            tell("Assistant stopped.");
        }
        if self.is_ending && !before.is_ending {
            tell("Ending the call. q again leaves at once.");
        }
        if self.volume_db != before.volume_db {
            told.push(format!("Volume {:+} decibels.", self.volume_db));
        }
        if self.speed != before.speed {
            told.push(format!("Speed {:.2}.", f64::from(self.speed) / 1000.0));
        }
        for (what, now, then) in [
            ("Microphone", &self.microphone, &before.microphone),
            ("Loudspeaker", &self.loudspeaker, &before.loudspeaker),
        ] {
            match &now.name {
                name if *name == then.name => {}
                Some(name) => told.push(format!("{what}: {name}.")),
                None => told.push(format!("No {}.", what.to_lowercase())),
            }
        }
        told
    }
}

impl<W: Write> Spoken<W> {
    pub(super) fn new(out: W, look: Look, has_keys: bool) -> Self {
        Self {
            out,
            look,
            end: if has_keys { "\r\n" } else { "\n" },
            before: Before { speed: 1000, ..Before::default() },
            waiting: Vec::new(),
            typed: None,
            said_cut: false,
        }
    }

    fn final_line(&mut self, said: &Said) -> String {
        let was_told = said.cut.is_some() && std::mem::take(&mut self.said_cut);
        let stopped = if said.cut.is_some() && !was_told { ", stopped" } else { "" };
        match said.who {
            Who::User => format!("You: {}", said.text),
            Who::Assistant if said.text.is_empty() => "Duplex was not heard.".to_owned(),
            Who::Assistant => format!("Duplex{stopped}: {}", said.text),
            Who::Note => said.text.clone(),
        }
    }

    /// Shows what is typed as far as it changed: by going on, or going back, or else anew.
    fn echo(&mut self, text: &str) -> io::Result<()> {
        let shown = self.typed.replace(text.to_owned());
        let Some(shown) = shown else {
            return write!(self.out, "Type; Enter sends, Escape leaves: {text}");
        };
        if let Some(more) = text.strip_prefix(&shown) {
            return write!(self.out, "{more}");
        }
        match shown.strip_prefix(text) {
            Some(less) => write!(self.out, "{}", "\u{8} \u{8}".repeat(width(less))),
            None => write!(self.out, "{}Typed: {text}", self.end),
        }
    }
}

impl<W: Write> Surface for Spoken<W> {
    fn show(&mut self, state: &mut State, news: &News) -> io::Result<()> {
        let now = Before::of(state);
        let changes = now.changes(&self.before, state.has_keys);
        self.said_cut |= now.is_cut && !self.before.is_cut;
        self.before = now;
        let mut told = Vec::new();
        if state.help.take().is_some() {
            told.extend(KEYS.map(|(key, what)| format!("{key}: {what}")));
        }
        told.extend(changes);
        told.extend(news.said.iter().map(|said| self.final_line(said)).collect::<Vec<_>>());
        told.extend(news.notices.iter().map(|notice| {
            let warning = if notice.is_warning { "Warning: " } else { "" };
            format!("{warning}{}", notice.text)
        }));
        self.waiting.extend(told.iter().map(|text| self.look.clean(text)));
        match &state.input {
            Some(input) => self.echo(&self.look.clean(&input.text()))?,
            None if self.typed.take().is_some() => write!(self.out, "{}", self.end)?,
            None => {}
        }
        if state.input.is_none() {
            for line in self.waiting.drain(..) {
                write!(self.out, "{line}{}", self.end)?;
            }
        }
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        if self.typed.take().is_some() {
            write!(self.out, "{}", self.end)?;
        }
        for line in self.waiting.drain(..) {
            write!(self.out, "{line}{}", self.end)?;
        }
        write!(self.out, "The call is over.{}", self.end)?;
        self.out.flush()
    }
}
