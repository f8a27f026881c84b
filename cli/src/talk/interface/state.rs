//! What the interface knows of a call: made from its events, its panel and the keys.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use duplex_core::{ConversationEvent as Event, Shown, Stages};
use ratatui::layout::Rect;

use super::{
    input::Input,
    layout::Areas,
    look::Look,
    transcript::{Entry, Scroll, Transcript, Window},
};
use crate::{
    talk::panel::{DeviceLine, Notice, Panel},
    view::{Conversation, Said, Who},
};

/// Level that is drawn as silence, in dBFS.
pub(super) const FLOOR_DB: f32 = -60.0;
/// How long the mark of a peak stands, and how fast it falls then.
const PEAK_HOLD: Duration = Duration::from_millis(1500);
const PEAK_DB_PER_S: f32 = 20.0;
/// How fast a meter falls: faster, and nobody could read it.
const FALL_DB_PER_S: f32 = 90.0;
/// Latencies of which the median is shown.
const LATENCIES: usize = 100_000;

/// A level as a person can read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    pub(super) level_db: f32,
    pub(super) peak_db: f32,
    pub(super) peak_at: Duration,
    pub(super) seen_at: Duration,
}

impl Default for Meter {
    fn default() -> Self {
        let (level_db, peak_db) = (FLOOR_DB, FLOOR_DB);
        Self { level_db, peak_db, peak_at: Duration::ZERO, seen_at: Duration::ZERO }
    }
}

impl Meter {
    fn see(&mut self, level_db: f32, now: Duration) {
        let level_db = if level_db.is_nan() { FLOOR_DB } else { level_db.clamp(FLOOR_DB, 0.0) };
        let seconds = now.saturating_sub(self.seen_at).as_secs_f32();
        self.seen_at = now;
        self.level_db = level_db.max(self.level_db - FALL_DB_PER_S * seconds);
        if level_db >= self.peak_db {
            (self.peak_db, self.peak_at) = (level_db, now);
        } else if now.saturating_sub(self.peak_at) > PEAK_HOLD {
            self.peak_db = level_db.max(self.peak_db - PEAK_DB_PER_S * seconds);
        }
    }
}

/// Push-to-talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Talk {
    #[default]
    Off,
    /// Until the key is released.
    Held,
    /// Until the key is pressed once more.
    Open,
}

/// How things stood when the panel was last looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) clock: u64,
    pub(super) microphone: DeviceLine,
    pub(super) loudspeaker: DeviceLine,
    pub(super) volume_db: i32,
    pub(super) speed: u16,
    pub(super) is_recording: bool,
    pub(super) is_asleep: bool,
    pub(super) underruns: u64,
    pub(super) overruns: u64,
}

/// Everything that is drawn.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) look: Look,
    /// Keys reach the program.
    pub(super) has_keys: bool,
    /// The terminal tells when a key is released.
    pub(super) knows_releases: bool,
    pub(super) conversation: Conversation,
    pub(super) transcript: Transcript,
    pub(super) newest: Option<Stages>,
    /// What the newest replies took until they were audible, in ms, sorted.
    latencies: Vec<u64>,
    pub(super) user: Meter,
    pub(super) assistant: Meter,
    pub(super) standing: Standing,
    pub(super) has_begun: bool,
    pub(super) talk: Talk,
    /// When the key of push-to-talk was last seen.
    pub(super) talked_at: Option<Duration>,
    pub(super) input: Option<Input>,
    /// The help is shown, from this row on.
    pub(super) help: Option<u16>,
    /// How often somebody asked for the end.
    pub(super) quits: u32,
    /// Somebody wants the shell back for a while.
    pub(super) wants_shell: bool,
    /// The terminal was disturbed.
    pub(super) wants_redraw: bool,
    pub(super) size: (u16, u16),
    /// Since the interface began.
    pub(super) now: Duration,
}

impl State {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            has_keys: true,
            knows_releases: false,
            conversation: Conversation::default(),
            transcript: Transcript::default(),
            newest: None,
            latencies: Vec::new(),
            user: Meter::default(),
            assistant: Meter::default(),
            standing: Standing { speed: 1000, ..Standing::default() },
            has_begun: false,
            talk: Talk::Off,
            talked_at: None,
            input: None,
            help: None,
            quits: 0,
            wants_shell: false,
            wants_redraw: false,
            size: (80, 24),
            now: Duration::ZERO,
        }
    }

    /// Takes an event, and gives the final lines that came of it.
    pub(super) fn see(&mut self, shown: &Shown) -> Vec<Said> {
        self.conversation.see(shown);
        match &shown.event {
            Event::CallStarted { .. } => self.has_begun = true,
            // The key is no longer waited for.
            Event::PushToTalk { lapsed: true, .. } => self.talk = Talk::Off,
            Event::ReplyLatency { stages, .. } => {
                self.newest = Some(*stages);
                if self.latencies.len() < LATENCIES {
                    let at = self.latencies.partition_point(|&other| other < stages.audible_ms);
                    self.latencies.insert(at, stages.audible_ms);
                }
            }
            _ => {}
        }
        let said = self.conversation.said();
        for said in &said {
            let is_warning = matches!(shown.event, Event::Warning { .. } | Event::Lost { .. });
            self.transcript.push(Entry { said: said.clone(), is_warning });
        }
        said
    }

    /// Takes what the panel says, and gives the new notices, which are lines of the transcript from now on.
    pub(super) fn look_at(&mut self, panel: &Panel, now: Duration) -> Vec<Notice> {
        self.now = now;
        let (user, assistant) = panel.levels();
        self.user.see(user, now);
        self.assistant.see(assistant, now);
        let (microphone, loudspeaker) = panel.devices();
        let (volume_db, speed) = panel.voice();
        self.standing = Standing {
            clock: panel.clock.load(Relaxed),
            microphone,
            loudspeaker,
            volume_db,
            speed,
            is_recording: panel.is_recording.load(Relaxed),
            is_asleep: panel.is_asleep.load(Relaxed),
            underruns: panel.underruns.load(Relaxed),
            overruns: panel.overruns.load(Relaxed),
        };
        let notices = panel.take_notices();
        for Notice { at_ms, text, is_warning } in notices.clone() {
            let said = Said { at_ms, who: Who::Note, text, cut: None };
            self.transcript.push(Entry { said, is_warning });
        }
        notices
    }

    /// Half of the replies were audible within so many ms.
    pub(super) fn median(&self) -> Option<u64> {
        self.latencies.get(self.latencies.len().saturating_sub(1) / 2).copied()
    }

    pub(super) fn scroll(&mut self, scroll: Scroll) {
        let window = self.window();
        self.transcript.scroll(scroll, window, self.look);
    }

    /// Where the final lines are shown.
    pub(super) fn window(&self) -> Window {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let transcript = Areas::of(area, self.input.is_some()).transcript;
        Window { columns: transcript.width.into(), rows: transcript.height.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new(Look { colour: true, unicode: true })
    }

    #[test]
    fn a_peak_stands_for_a_while_and_falls_then() {
        let mut meter = Meter::default();
        let at = Duration::from_millis;
        meter.see(-6.0, at(0));
        meter.see(-50.0, at(1000));
        assert_eq!((meter.level_db, meter.peak_db), (-50.0, -6.0));
        meter.see(-50.0, at(2000));
        assert!(meter.peak_db < -20.0 && meter.peak_db > -50.0, "{}", meter.peak_db);
        meter.see(f32::NAN, at(9000));
        meter.see(f32::INFINITY, at(9001));
        assert_eq!(meter.peak_db, 0.0);
    }

    #[test]
    fn the_median_is_that_of_the_call() {
        let mut state = state();
        assert_eq!(state.median(), None);
        for audible_ms in [900, 300, 500, 700] {
            let stages = Stages { audible_ms, ..Stages::default() };
            let event = Event::ReplyLatency { reply: duplex_core::Turn(1), from_ms: 0, stages };
            state.see(&Shown { at_ms: 0, event });
        }
        assert_eq!(state.median(), Some(500));
        assert_eq!(state.newest.map(|it| it.audible_ms), Some(700));
    }

    #[test]
    fn a_notice_is_a_line_of_the_transcript() {
        let (mut state, panel) = (state(), Panel::new());
        panel.notice("The microphone is gone", true);
        assert_eq!(state.look_at(&panel, Duration::ZERO).len(), 1);
        let view = state.transcript.view(state.window(), state.look);
        assert!(view[0].to_string().ends_with("! The microphone is gone"), "{view:?}");
        assert!(state.look_at(&panel, Duration::ZERO).is_empty());
    }
}
