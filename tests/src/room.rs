//! A room without hardware: the user's clips, the assistant's voice through an echo path, and noise
//! make the microphone; both sides are recorded as they are audible.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use duplex_audio::{
    Clip, EchoPath, FRAME_MILLIS, FileError, ImpulseResponse, MICROPHONE_FRAME, PLAYOUT_FRAME,
    PLAYOUT_RATE, Resampler, WavWriter, level_db, noise,
};
use duplex_core::{SAMPLE_RATE, Samples, SessionTime};
use duplex_runtime::{Acoustics, Scene};
use serde::{Deserialize, Serialize};

/// The assistant counts as audible above this level, in dB of full scale.
const AUDIBLE_DB: f32 = -45.0;

/// Silence of the assistant shorter than this is a gap between its words.
const WORD_GAP: Samples = Samples::from_millis(350);

/// What the user says or does, at both rates.
#[derive(Clone, Debug, Default)]
pub struct Sound {
    near: Vec<f32>,
    recorded: Vec<f32>,
}

impl Sound {
    /// Reads a sound file of any rate and number of channels.
    ///
    /// # Errors
    /// The file cannot be read as sound.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let clip = Clip::read(path)?;
        Ok(Self { near: clip.mono(SAMPLE_RATE), recorded: clip.mono(PLAYOUT_RATE) })
    }

    /// Takes samples at the session rate.
    pub fn from_session(samples: Vec<f32>) -> Self {
        let recorded = duplex_audio::resample::convert(&samples, SAMPLE_RATE, PLAYOUT_RATE);
        Self { near: samples, recorded }
    }

    /// The same, after a silence, and another sound behind it.
    #[must_use]
    pub fn then(mut self, pause: Samples, other: &Self) -> Self {
        let factor = (PLAYOUT_RATE / SAMPLE_RATE) as usize;
        self.near.resize(self.near.len() + pause.0 as usize, 0.0);
        self.recorded.resize(self.recorded.len() + pause.0 as usize * factor, 0.0);
        self.near.extend_from_slice(&other.near);
        self.recorded.extend_from_slice(&other.recorded);
        self
    }

    /// How long it lasts.
    pub fn length(&self) -> Samples {
        Samples(self.near.len() as u64)
    }
}

/// When a sound begins. Cues wait for one another: each begins after the one before it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// So long after the call began.
    Start(Samples),
    /// Once the assistant has been audible for so long, gaps between words included.
    Speaking(Samples),
    /// Once neither side has been audible for so long.
    Quiet(Samples),
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
}

/// What the room is like.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomOptions {
    /// Level of the assistant's echo in the microphone, in dB against the loudspeaker; none: no
    /// echo, as with headphones.
    pub echo_db: Option<f32>,
    /// How late the echo arrives, in ms.
    pub echo_delay_ms: u64,
    /// Reverberation time of the room, in ms.
    pub rt60_ms: u64,
    /// Speech to pink noise at the microphone, in dB; none: no noise.
    pub snr_db: Option<f32>,
    /// Seed of everything random.
    pub seed: u64,
    /// Silence of both sides after the last cue that ends the call, in ms.
    pub tail_ms: u64,
    /// How long a cue waits for its anchor before it is given up, in ms.
    pub patience_ms: u64,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            echo_db: None,
            echo_delay_ms: 40,
            rt60_ms: 250,
            snr_db: None,
            seed: 1,
            tail_ms: 3_000,
            patience_ms: 20_000,
        }
    }
}

/// When a cue was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The cue's name.
    pub id: String,
    /// When it began and ended; none where its anchor never came.
    pub span: Option<(SessionTime, SessionTime)>,
}

/// What a room tells of a call, while it lasts and afterwards.
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

    /// The cues so far, in their order.
    pub fn fired(&self) -> Vec<Fired> {
        self.with(|log| log.fired.clone())
    }

    /// Levels of the last frame: the user's and the assistant's, in dB of full scale.
    pub fn levels(&self) -> (f32, f32) {
        self.with(|log| (log.user_db, log.assistant_db))
    }

    /// Why the recording ended early, where it did.
    pub fn take_error(&self) -> Option<FileError> {
        self.with(|log| log.error.take())
    }
}

/// The simulated room. See the module's documentation.
pub struct Room {
    options: RoomOptions,
    cues: std::vec::IntoIter<Cue>,
    next: Option<Cue>,
    playing: Option<(Cue, usize)>,
    echo: Option<EchoPath>,
    noise: Option<Box<dyn Iterator<Item = f32> + Send>>,
    noise_gain: f32,
    far_rate: Resampler,
    far: Vec<f32>,
    now: SessionTime,
    /// When the assistant became audible, gaps between words left out.
    audible_since: Option<SessionTime>,
    audible_until: SessionTime,
    /// When the user's last cue ended.
    cue_until: SessionTime,
    recording: Option<WavWriter<2>>,
    log: RoomLog,
}

/// Speech of ordinary level, in dB of full scale: what the noise is measured against.
const SPEECH_DB: f32 = -26.0;

impl Room {
    /// A room in which the cues are heard; both sides are recorded to `recording` at the playout
    /// rate, the user left, the assistant right.
    ///
    /// # Errors
    /// The recording cannot be made.
    pub fn new(
        options: RoomOptions,
        cues: Vec<Cue>,
        recording: Option<PathBuf>,
    ) -> Result<(Self, RoomLog), FileError> {
        let recording = recording.map(|path| WavWriter::create(path, PLAYOUT_RATE)).transpose()?;
        let log = RoomLog::default();
        let spoken: Vec<f32> = cues.iter().flat_map(|cue| cue.sound.near.iter().copied()).collect();
        let speech_db = match noise::active_level_db(&spoken) {
            level if level.is_finite() => level,
            _ => SPEECH_DB,
        };
        let mut cues = cues.into_iter();
        let echo = options.echo_db.map(|gain| {
            let response = if options.rt60_ms == 0 {
                ImpulseResponse::direct()
            } else {
                ImpulseResponse::decaying(options.seed, Duration::from_millis(options.rt60_ms), 0.0)
            };
            EchoPath::new(Duration::from_millis(options.echo_delay_ms), gain, &response)
        });
        let pink = options
            .snr_db
            .map(|_| Box::new(noise::pink(options.seed)) as Box<dyn Iterator<Item = f32> + Send>);
        let noise_gain = match options.snr_db {
            Some(snr) => {
                let sample: Vec<f32> =
                    noise::pink(options.seed).take(SAMPLE_RATE as usize).collect();
                10f32.powf((speech_db - snr - level_db(&sample)) / 20.0)
            }
            None => 0.0,
        };
        let room = Self {
            next: cues.next(),
            cues,
            playing: None,
            echo,
            noise: pink,
            noise_gain,
            far_rate: Resampler::new(PLAYOUT_RATE, SAMPLE_RATE)
                .unwrap_or_else(|error| unreachable!("both rates are constants: {error}")),
            far: Vec::new(),
            now: SessionTime(0),
            audible_since: None,
            audible_until: SessionTime(0),
            cue_until: SessionTime(0),
            recording,
            log: log.clone(),
            options,
        };
        Ok((room, log))
    }

    /// Notes whether the assistant is audible.
    fn watch(&mut self, playout: &[f32; PLAYOUT_FRAME]) {
        if level_db(playout) > AUDIBLE_DB {
            self.audible_since.get_or_insert(self.now);
            self.audible_until = self.now;
        } else if self.now - self.audible_until > WORD_GAP {
            self.audible_since = None;
        }
    }

    fn is_due(&self, anchor: Anchor) -> bool {
        match anchor {
            Anchor::Start(at) => self.now.0 >= at.0,
            Anchor::Speaking(length) => self
                .audible_since
                .is_some_and(|since| self.now - since.max(self.cue_until) >= length),
            Anchor::Quiet(length) => self.now - self.audible_until.max(self.cue_until) >= length,
        }
    }

    /// Begins the next cue where it is due.
    fn cue(&mut self) {
        let Some(cue) = self.next.take_if(|_| self.playing.is_none()) else { return };
        if self.is_due(cue.anchor) {
            let span = (self.now, self.now + cue.sound.length());
            self.log.with(|log| log.fired.push(Fired { id: cue.id.clone(), span: Some(span) }));
            self.playing = Some((cue, 0));
            self.next = self.cues.next();
        } else if self.waited() > Samples::from_millis(self.options.patience_ms)
            && !matches!(cue.anchor, Anchor::Start(_))
        {
            self.log.with(|log| log.fired.push(Fired { id: cue.id, span: None }));
            self.cue_until = self.now;
            self.next = self.cues.next();
        } else {
            self.next = Some(cue);
        }
    }

    fn waited(&self) -> Samples {
        self.now - self.cue_until
    }

    /// The user's sound of this frame, at both rates.
    fn user(&mut self) -> ([f32; MICROPHONE_FRAME], [f32; PLAYOUT_FRAME]) {
        let (mut near, mut recorded) = ([0.0; MICROPHONE_FRAME], [0.0; PLAYOUT_FRAME]);
        let Some((cue, frame)) = &mut self.playing else { return (near, recorded) };
        copy_frame(&cue.sound.near, *frame, &mut near);
        copy_frame(&cue.sound.recorded, *frame, &mut recorded);
        *frame += 1;
        if *frame * MICROPHONE_FRAME >= cue.sound.near.len() {
            self.cue_until = self.now + Samples::from_millis(FRAME_MILLIS);
            self.playing = None;
        }
        (near, recorded)
    }

    fn is_over(&self) -> bool {
        let tail = Samples::from_millis(self.options.tail_ms);
        self.next.is_none()
            && self.playing.is_none()
            && self.now - self.audible_until.max(self.cue_until) >= tail
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
        self.far_rate.process(playout, &mut self.far);
        let mut far = [0.0; MICROPHONE_FRAME];
        let ready = self.far.len().min(MICROPHONE_FRAME);
        far[MICROPHONE_FRAME - ready..].copy_from_slice(&self.far[..ready]);
        self.far.drain(..ready);
        if let Some(path) = &mut self.echo {
            let mut echo = [0.0; MICROPHONE_FRAME];
            path.step(&far, &mut echo);
            for (sample, echo) in microphone.iter_mut().zip(echo) {
                *sample += echo;
            }
        }
        if let Some(noise) = &mut self.noise {
            for (sample, noise) in microphone.iter_mut().zip(noise) {
                *sample += noise * self.noise_gain;
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
