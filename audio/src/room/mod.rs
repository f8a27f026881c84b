//! The simulated room: a sound device without hardware.
//!
//! The microphone receives the user's clips, the assistant's voice through an echo path, and noise.
//! [`Room`] is the principal type. It records both sides as they are audible, and never reads the
//! assistant's events.

mod background;
mod echo_path;
mod options;
mod sound;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use duplex_core::{SAMPLE_RATE, Samples, SessionTime};
use serde::{Deserialize, Serialize};

use crate::{
    acoustics::{Acoustics, Scene},
    far_end::FarEnd,
    files::{FileError, WavWriter},
    units::{FRAME_MILLIS, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, level_db},
};
use background::Noise;

pub use echo_path::{EchoPath, ImpulseResponse};
pub use options::{DelayChange, NoiseKind, RoomOptions};
pub use sound::Sound;

/// The assistant counts as audible above this level, in dB of full scale.
const AUDIBLE_DB: f32 = -45.0;

/// Silence of the assistant shorter than this is a gap between its words.
const WORD_GAP: Samples = Samples::from_millis(350);

/// The user waits at most this long after the last cue for an assistant that never falls silent.
const LONGEST_WAIT: Samples = Samples::from_millis(180_000);

/// When a sound begins. A cue never begins before the one before it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// This long after the call began.
    Start(Samples),
    /// Once the assistant has been audible for this long since it began or the cue before ended,
    /// gaps between words included.
    Speaking(Samples),
    /// Once neither side has been audible for this long. If an answer is [due](Cue::answer_within),
    /// or the assistant is to [speak first](RoomOptions::first_words_within_ms), that is waited for:
    /// the silence before it does not count.
    Quiet(Samples),
    /// Once the assistant has been audible since the cue before ended, and now neither side has been for this long.
    Stopped(Samples),
    /// This long after the cue before ended, whatever the assistant does; for the first cue, after
    /// the call began.
    AfterCue(Samples),
    /// Once the assistant has said about this many words since the cue before ended. Words are
    /// counted from its audio alone, never from its events: the time in which it is audible,
    /// without gaps, at [`WORDS_PER_SECOND`].
    Words(u32),
}

/// Speaking rate of an assistant while it is audible: about 155 words a minute.
pub const WORDS_PER_SECOND: f64 = 2.6;

impl Anchor {
    /// The least time between the end of the cue before and the beginning of this one; for
    /// [`Start`](Self::Start), since the call began.
    pub fn earliest(self) -> Samples {
        match self {
            Self::Start(time)
            | Self::Speaking(time)
            | Self::Quiet(time)
            | Self::Stopped(time)
            | Self::AfterCue(time) => time,
            Self::Words(count) => {
                Samples((f64::from(count) / WORDS_PER_SECOND * f64::from(SAMPLE_RATE)) as u64)
            }
        }
    }
}

/// A sound that the user makes.
#[derive(Clone, Debug)]
pub struct Cue {
    /// Its name.
    pub id: String,
    /// The sound.
    pub sound: Sound,
    /// When it begins.
    pub anchor: Anchor,
    /// How long the user waits for an answer to begin once the cue has ended; zero: none is due.
    pub answer_within: Samples,
    /// Where in the sound the user's own words end and other voices in the room go on; none: all of
    /// it is the user's. An answer may begin there.
    pub user_until: Option<Samples>,
}

impl Cue {
    /// A cue to which no answer is due.
    pub fn new(id: impl Into<String>, sound: Sound, anchor: Anchor) -> Self {
        Self { id: id.into(), sound, anchor, answer_within: Samples(0), user_until: None }
    }
}

/// When a cue was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The cue's name.
    pub id: String,
    /// When it began and ended; none if its anchor never came.
    pub span: Option<(SessionTime, SessionTime)>,
}

/// The room's log of a call, readable while the call runs and afterwards. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct RoomLog(Arc<Mutex<Logged>>);

#[derive(Debug, Default)]
struct Logged {
    fired: Vec<Fired>,
    user_db: f32,
    assistant_db: f32,
    error: Option<FileError>,
}

impl RoomLog {
    fn with<T>(&self, look: impl FnOnce(&mut Logged) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cues so far, in order.
    pub fn fired(&self) -> Vec<Fired> {
        self.with(|log| log.fired.clone())
    }

    /// Levels of the user and of the assistant in the last frame, in dB of full scale.
    pub fn levels(&self) -> (f32, f32) {
        self.with(|log| (log.user_db, log.assistant_db))
    }

    /// The error that ended the recording early, if any.
    pub fn take_error(&self) -> Option<FileError> {
        self.with(|log| log.error.take())
    }
}

/// The simulated room of one call. See the module's documentation.
pub struct Room {
    options: RoomOptions,
    cues: std::vec::IntoIter<Ready>,
    next: Option<Ready>,
    playing: Option<(Ready, usize)>,
    echo: Option<EchoPath>,
    delay_changes: std::vec::IntoIter<DelayChange>,
    noise: Option<Noise>,
    far_end: FarEnd,
    now: SessionTime,
    /// Since when the assistant has been audible; gaps between words do not reset it.
    audible_since: Option<SessionTime>,
    audible_until: SessionTime,
    /// How long the assistant has been audible since the user's last cue ended.
    said: Samples,
    /// Whether the assistant has begun to speak while other voices of the cue went on.
    has_answered: bool,
    /// When the user's last cue began and ended.
    cue_from: SessionTime,
    cue_until: SessionTime,
    /// Until when the user waits for the answer to that cue, or before the first cue for the
    /// assistant to speak first: the cue's end if no answer is due, and the time at which the
    /// assistant began once it has.
    answer_until: SessionTime,
    recording: Option<WavWriter<2>>,
    log: RoomLog,
}

/// A cue with its audio at both rates, so that nothing is resampled during a call.
struct Ready {
    cue: Cue,
    recorded: Arc<Vec<f32>>,
}

impl Room {
    /// Makes a room that plays `cues` and records both sides to `recording` at the playout rate,
    /// the user on the left channel, the assistant on the right.
    ///
    /// # Errors
    /// The recording cannot be created.
    pub fn new(
        options: RoomOptions,
        cues: Vec<Cue>,
        recording: Option<PathBuf>,
    ) -> Result<(Self, RoomLog), FileError> {
        let recording = recording.map(|path| WavWriter::create(path, PLAYOUT_RATE)).transpose()?;
        let log = RoomLog::default();
        let echo = background::echo_path(&options);
        let noise = background::noise_of(&options, &cues);
        let ready = |cue: Cue| Ready { recorded: cue.sound.for_recording(), cue };
        let mut cues = cues.into_iter().map(ready).collect::<Vec<_>>().into_iter();
        let room = Self {
            next: cues.next(),
            cues,
            playing: None,
            echo,
            delay_changes: options.echo_delay_changes.clone().into_iter(),
            noise,
            far_end: FarEnd::default(),
            now: SessionTime(0),
            audible_since: None,
            audible_until: SessionTime(0),
            said: Samples(0),
            has_answered: false,
            cue_from: SessionTime(0),
            cue_until: SessionTime(0),
            answer_until: SessionTime(0) + Samples::from_millis(options.first_words_within_ms),
            recording,
            log: log.clone(),
            options,
        };
        Ok((room, log))
    }

    /// Tracks whether the assistant is audible.
    fn watch(&mut self, playout: &[f32; PLAYOUT_FRAME]) {
        if level_db(playout) > AUDIBLE_DB {
            let since = *self.audible_since.get_or_insert(self.now);
            if self.now >= self.cue_until && since > self.cue_from {
                self.answer_until = self.answer_until.min(self.now);
            }
            self.has_answered |= self.others_since().is_some_and(|from| since >= from);
            self.audible_until = self.now;
            self.said = Samples(self.said.0 + MICROPHONE_FRAME as u64);
        } else if self.now - self.audible_until > WORD_GAP {
            self.audible_since = None;
        }
    }

    /// Since when the user has been silent while other voices of the cue go on.
    fn others_since(&self) -> Option<SessionTime> {
        let (playing, _) = self.playing.as_ref()?;
        let from = self.cue_from + playing.cue.user_until?;
        (from <= self.now).then_some(from)
    }

    fn is_due(&self, anchor: Anchor) -> bool {
        match anchor {
            Anchor::Start(at) => self.now.0 >= at.0,
            Anchor::Speaking(length) => self
                .audible_since
                .is_some_and(|since| self.now - since.max(self.cue_until) >= length),
            Anchor::Quiet(length) => !self.awaits_answer() && self.quiet() >= length,
            Anchor::Stopped(length) => self.said.0 > 0 && self.quiet() >= length,
            Anchor::AfterCue(length) => self.waited() >= length,
            Anchor::Words(_) => self.said >= anchor.earliest(),
        }
    }

    /// Begins the next cue if it is due, or gives it up if its anchor has not come in time.
    fn cue(&mut self) {
        let Some(next) = self.next.take_if(|_| self.playing.is_none()) else { return };
        let cue = &next.cue;
        if self.is_due(cue.anchor) {
            let span = (self.now, self.now + cue.sound.length());
            self.log.with(|log| log.fired.push(Fired { id: cue.id.clone(), span: Some(span) }));
            self.cue_from = self.now;
            self.has_answered = false;
            self.playing = Some((next, 0));
            self.next = self.cues.next();
        } else if self.now - self.answer_until > Samples::from_millis(self.options.patience_ms)
            && !matches!(cue.anchor, Anchor::Start(_))
        {
            self.log.with(|log| log.fired.push(Fired { id: cue.id.clone(), span: None }));
            self.cue_ended(self.now, Samples(0));
            self.next = self.cues.next();
        } else {
            self.next = Some(next);
        }
    }

    fn cue_ended(&mut self, at: SessionTime, answer_within: Samples) {
        self.cue_until = at;
        self.said = Samples(0);
        self.answer_until = at + answer_within;
    }

    fn awaits_answer(&self) -> bool {
        self.now < self.answer_until
    }

    /// How long neither side has been audible.
    fn quiet(&self) -> Samples {
        self.now - self.audible_until.max(self.cue_until)
    }

    fn waited(&self) -> Samples {
        self.now - self.cue_until
    }

    /// The user's audio of this frame, at both rates.
    fn user(&mut self) -> ([f32; MICROPHONE_FRAME], [f32; PLAYOUT_FRAME]) {
        let (mut near, mut recorded) = ([0.0; MICROPHONE_FRAME], [0.0; PLAYOUT_FRAME]);
        let Some((playing, frame)) = &mut self.playing else { return (near, recorded) };
        let sound = playing.cue.sound.samples();
        copy_frame(sound, *frame, &mut near);
        copy_frame(&playing.recorded, *frame, &mut recorded);
        *frame += 1;
        if *frame * MICROPHONE_FRAME >= sound.len() {
            let due = playing.cue.answer_within;
            let answer_within = if self.has_answered { Samples(0) } else { due };
            self.playing = None;
            self.cue_ended(self.now + Samples::from_millis(FRAME_MILLIS), answer_within);
        }
        (near, recorded)
    }

    fn is_over(&self) -> bool {
        if self.next.is_some() || self.playing.is_some() {
            return false;
        }
        let tail = Samples::from_millis(self.options.tail_ms);
        let hang_up = self.options.hang_up_ms.map_or(LONGEST_WAIT, Samples::from_millis);
        !self.awaits_answer() && self.quiet() >= tail || self.waited() >= hang_up
    }
}

fn copy_frame(from: &[f32], frame: usize, to: &mut [f32]) {
    let rest = from.get(frame * to.len()..).unwrap_or_default();
    let length = rest.len().min(to.len());
    to[..length].copy_from_slice(&rest[..length]);
}

impl Acoustics for Room {
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene {
        self.watch(playout);
        self.cue();
        let (near, recorded) = self.user();
        *microphone = near;
        let far = self.far_end.frame(playout);
        if let Some(path) = &mut self.echo {
            let is_due = |change: &DelayChange| self.now.0 >= Samples::from_millis(change.at_ms).0;
            while let Some(change) = self.delay_changes.as_slice().first().copied().filter(is_due) {
                self.delay_changes.next();
                path.set_delay(Duration::from_millis(change.delay_ms));
            }
            let mut echo = [0.0; MICROPHONE_FRAME];
            path.step(&far, &mut echo);
            for (sample, echo) in microphone.iter_mut().zip(echo) {
                *sample += echo;
            }
        }
        if let Some(noise) = &mut self.noise {
            for (sample, noise) in microphone.iter_mut().zip(noise) {
                *sample += noise;
            }
        }
        for sample in microphone.iter_mut() {
            *sample = sample.clamp(-1.0, 1.0);
        }
        self.log.with(|log| {
            (log.user_db, log.assistant_db) = (level_db(&near), level_db(playout));
        });
        if let Some(recording) = &mut self.recording
            && let Err(error) = recording.write([&recorded, playout])
        {
            self.recording = None;
            self.log.with(|log| log.error = Some(error));
            return Scene::Over;
        }
        self.now = self.now + Samples(MICROPHONE_FRAME as u64);
        if self.is_over() { Scene::Over } else { Scene::Running }
    }
}
