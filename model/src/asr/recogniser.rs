//! The client of the recogniser process.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use duplex_core::{SAMPLE_RATE, Samples};

use super::hypothesis::{Hypothesis, NonSpeech};
use super::protocol::{Decoded, Load, Packet, Ready, Window};
use super::worker::Worker;
use super::{AsrError, guard};

/// Whisper's encoder frames per second of audio.
const ENCODER_RATE: u64 = 50;

/// Configuration of a [`Recogniser`].
#[derive(Debug, Clone)]
pub struct RecogniserOptions {
    /// The recogniser program; see [`find_worker`](super::find_worker).
    pub worker: PathBuf,
    /// A Whisper model in whisper.cpp's ggml format.
    pub model: PathBuf,
    /// Threads used for a window.
    pub threads: usize,
    /// Two-letter language code, or `auto` with a multilingual model.
    pub language: String,
    /// Time limit for loading the model.
    pub start_patience: Duration,
    /// Time limit for a window; a process that exceeds it is treated as dead.
    pub patience: Duration,
    /// How a window is padded for the encoder.
    pub framing: Framing,
}

impl RecogniserOptions {
    /// English on two threads.
    pub fn new(worker: impl Into<PathBuf>, model: impl Into<PathBuf>) -> Self {
        Self {
            worker: worker.into(),
            model: model.into(),
            threads: 2,
            language: "en".to_owned(),
            start_patience: Duration::from_secs(20),
            patience: Duration::from_secs(15),
            framing: Framing::default(),
        }
    }
}

/// Silence added around a window, for an encoder that was trained on 30 s. The defaults are measured: see
/// docs/measurements-asr.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Silence before the audio: Whisper may drop a first word that starts at once. None is needed if the audio starts
    /// before the speech does, as it does in a call.
    pub lead: Samples,
    /// Silence that the encoder sees after the audio. Compute time grows with it; with less the decoder repeats itself.
    pub margin: Samples,
}

impl Default for Framing {
    fn default() -> Self {
        Self { lead: Samples(0), margin: Samples::from_millis(3200) }
    }
}

/// Options for one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// Text that preceded the window, to keep names and style; none is fastest, and safest against loops. "Glossary:
    /// NAME, NAME." doubles or trebles the number of unusual names that are right, and makes ordinary words worse
    /// (docs/measurements-asr.md).
    pub prompt: Option<&'a str>,
    /// Two-letter code of the language spoken in the window; none for that of the options.
    pub language: Option<&'a str>,
}

/// A Whisper model in a separate process, which recognises one window at a time.
///
/// Calls block; there is no thread of its own. A process that dies is restarted.
#[derive(Debug)]
pub struct Recogniser {
    options: RecogniserOptions,
    /// None between the death of a process and the next call.
    worker: Option<Worker>,
    model: Ready,
    restarts: u32,
}

impl Recogniser {
    /// The longest window: Whisper's context.
    pub const LONGEST: Samples = Samples::from_millis(30_000);

    /// Starts the process and waits until the model is loaded.
    ///
    /// # Errors
    ///
    /// [`AsrError::Spawn`], [`AsrError::NotAWorker`], or [`AsrError::Model`].
    pub fn spawn(options: RecogniserOptions) -> Result<Self, AsrError> {
        let (worker, model) = start(&options)?;
        Ok(Self { options, worker: Some(worker), model, restarts: 0 })
    }

    /// Recognises the words in `audio`: mono, at the session rate, in -1..=1. Empty audio, or silence, has no words.
    ///
    /// A process that dies is replaced once, and the replacement recognises the same window.
    ///
    /// # Errors
    ///
    /// [`AsrError::TooLong`] and [`AsrError::NotFinite`] for the audio, [`AsrError::Language`] for a language that the
    /// model does not know, [`AsrError::Failed`] for this window, [`AsrError::WorkerDied`] if two processes died of it, and those of [`spawn`](Self::spawn) if no replacement
    /// could be started. After any of them the recogniser remains usable.
    pub fn recognise(
        &mut self,
        audio: &[f32],
        request: &Request<'_>,
    ) -> Result<Hypothesis, AsrError> {
        let length = Samples(audio.len() as u64);
        if length > Self::LONGEST {
            return Err(AsrError::TooLong {
                given: duration(length),
                most: duration(Self::LONGEST),
            });
        }
        if let Some(at) = audio.iter().position(|sample| !sample.is_finite()) {
            return Err(AsrError::NotFinite { at });
        }
        self.check_language(request)?;
        if guard::is_silent(audio) {
            return Ok(Hypothesis {
                non_speech: Some(NonSpeech::Silence),
                no_speech: 1.0,
                ..Hypothesis::default()
            });
        }
        let window = Packet::Window(self.frame(audio, request));
        match self.exchange(&window) {
            Err(AsrError::WorkerDied { how }) => {
                tracing::warn!(
                    "the recogniser process died ({how}); another is started for the same window"
                );
                self.exchange(&window)
            }
            answered => answered,
        }
        .map(guard::judge)
    }

    /// Replaces the process, whatever its state.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn).
    pub fn restart(&mut self) -> Result<(), AsrError> {
        self.worker = None;
        let (worker, model) = start(&self.options)?;
        self.worker = Some(worker);
        self.model = model;
        self.restarts += 1;
        Ok(())
    }

    /// How often the process was replaced.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// How long the model took to load, most recently.
    pub fn load_time(&self) -> Duration {
        self.model.load
    }

    /// Whisper's name for the model size, such as `tiny`.
    pub fn model_kind(&self) -> &str {
        &self.model.kind
    }

    /// Process ID, while there is a process.
    pub fn pid(&self) -> Option<u32> {
        self.worker.as_ref().map(Worker::pid)
    }

    /// Resident memory of the process; none if there is no process, or the platform has no /proc.
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?
            .trim()
            .strip_suffix("kB")?;
        kib.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// One attempt; starts a process if there is none.
    fn exchange(&mut self, window: &Packet) -> Result<Decoded, AsrError> {
        if self.worker.is_none() {
            self.restart()?;
        }
        let Some(worker) = &mut self.worker else {
            return Err(AsrError::WorkerDied { how: "it could not be replaced".to_owned() });
        };
        let error = match worker.exchange(window, self.options.patience) {
            Ok(Packet::Decoded(decoded)) => return Ok(decoded),
            Ok(Packet::Refused(reason)) => return Err(AsrError::Failed { reason }),
            Ok(_) => "an answer to another question".to_owned(),
            Err(error) => error.to_string(),
        };
        let end = self.worker.take().map(Worker::bury).unwrap_or_default();
        Err(AsrError::WorkerDied { how: format!("{end} ({error})") })
    }

    fn frame(&self, audio: &[f32], request: &Request<'_>) -> Window {
        let Framing { lead, margin } = self.options.framing;
        let length = Samples(audio.len() as u64);
        // A window near the maximum length gives up its lead rather than its end.
        let lead = lead.0.min(Self::LONGEST.saturating_sub(length).0);
        let mut framed = vec![0.0; lead as usize];
        framed.extend_from_slice(audio);
        let seen = Samples(framed.len() as u64) + margin;
        let context = (seen.0 * ENCODER_RATE).div_ceil(u64::from(SAMPLE_RATE)) as u32;
        Window {
            audio: framed,
            context: context.min(self.model.max_context),
            max_tokens: guard::token_limit(length),
            prompt: request.prompt.unwrap_or_default().to_owned(),
            language: request.language.unwrap_or_default().to_owned(),
        }
    }

    fn check_language(&self, request: &Request<'_>) -> Result<(), AsrError> {
        let languages = &self.model.languages;
        match request.language {
            Some(asked) if !languages.iter().any(|known| known == asked) => {
                Err(AsrError::Language {
                    model: self.options.model.clone(),
                    language: asked.to_owned(),
                    known: match languages.as_slice() {
                        [only] => format!("it knows only \"{only}\""),
                        many => format!("it knows {}", many.join(", ")),
                    },
                })
            }
            _ => Ok(()),
        }
    }
}

fn start(options: &RecogniserOptions) -> Result<(Worker, Ready), AsrError> {
    let program = options.worker.clone();
    let mut worker = Worker::start(&program)
        .map_err(|source| AsrError::Spawn { worker: program.clone(), source })?;
    let load = Packet::Load(Load {
        model: options.model.as_os_str().as_bytes().to_vec(),
        language: options.language.clone(),
        threads: options.threads as u32,
    });
    match worker.exchange(&load, options.start_patience) {
        Ok(Packet::Ready(ready)) => Ok((worker, ready)),
        Ok(Packet::Refused(reason)) => {
            Err(AsrError::Model { model: options.model.clone(), reason })
        }
        Ok(_) => Err(AsrError::NotAWorker {
            worker: program,
            reason: "it answered out of turn".to_owned(),
        }),
        Err(error) => {
            let reason = format!("{} before the model was loaded ({error})", worker.bury());
            Err(AsrError::NotAWorker { worker: program, reason })
        }
    }
}

fn duration(length: Samples) -> Duration {
    Duration::from_secs_f64(length.0 as f64 / f64::from(SAMPLE_RATE))
}
