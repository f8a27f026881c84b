//! Runs a set of scripted calls, shows its progress, and writes its report.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::path::PathBuf;

use duplex_core::SAMPLE_RATE;
use duplex_harness::agent::{Agent, Local, WebSocketAgent, WebSocketOptions};
use duplex_harness::case::{Case, Split};
use duplex_harness::suite::{self, Progress, SuiteError, SuiteReport, SuiteRun};
use duplex_harness::{observe, scenario};
use duplex_model::asr::{Recogniser, Request};
use duplex_model::tts::{Voice, VoiceError};
use duplex_model::weights::SourceError;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::config::{Config, TurnPolicy};
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::run_call::folder;
use crate::setup;

/// Which calls run, with which agent, and how.
#[derive(Debug, Default)]
pub(crate) struct Set {
    /// Scenario files, or folders of them.
    pub(crate) paths: Vec<PathBuf>,
    /// Only the fixed quarter of them.
    pub(crate) is_quarter: bool,
    /// Of those only cases of this split; none: both.
    pub(crate) split: Option<Split>,
    /// Of those only cases whose id contains one of these; none: all.
    pub(crate) only: Vec<String>,
    /// Address of an agent other than this program.
    pub(crate) agent: Option<String>,
    /// As virtual calls, as fast as the models allow.
    pub(crate) is_virtual: bool,
    /// Calls at once.
    pub(crate) jobs: usize,
    pub(crate) repeat: usize,
    pub(crate) keep_audio: bool,
    pub(crate) keep_journals: bool,
    /// Where what was observed of the user's sounds is written, if anywhere.
    pub(crate) observations: Option<PathBuf>,
    /// Where the report and the audio go.
    pub(crate) folder: PathBuf,
}

/// The value of `--split`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SplitName {
    /// Cases to develop with
    Dev,
    /// Cases that nothing was made by looking at
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Dev => Self::Dev,
            SplitName::Test => Self::Test,
        }
    }
}

/// A set that ran.
pub(crate) struct Outcome {
    pub(crate) run: SuiteRun,
    pub(crate) report: SuiteReport,
    /// Errors in the scenario files; the other cases ran.
    pub(crate) faults: usize,
}

/// Reads the scenarios, runs the cases that have no error, and writes the report.
pub(crate) fn run_set(config: &Config, set: &Set) -> Result<Outcome, Failure> {
    interrupt::catch()?;
    check_jobs(set)?;
    let (mut cases, faults) = read(config, set)?;
    if set.is_quarter {
        suite::quarter(&mut cases);
    }
    let all = cases.len();
    cases.retain(|case| set.split.is_none_or(|split| case.split == split));
    let of_split = cases.len();
    cases.retain(|case| set.only.is_empty() || set.only.iter().any(|part| case.id.contains(part)));
    if cases.is_empty() {
        let set_of = if set.is_quarter { " of the quarter" } else { "" };
        let why = match (all, faults, set.split) {
            (0, 0, _) => "there is no case in these scenarios".to_owned(),
            (0, ..) => format!("no case can run: {}", counted(faults)),
            (.., Some(split)) if of_split == 0 => {
                format!("none of the {all} cases{set_of} is of the split {}", split.as_str())
            }
            _ => {
                let named = set.only.join(", ");
                format!("none of the {of_split} cases{set_of} is named like {named}")
            }
        };
        let failure = Failure::new(Exit::Usage, why);
        let is_chosen = !set.only.is_empty() || set.split.is_some();
        return Err(match set.is_quarter && is_chosen {
            true => failure.with_hint("leave out --quarter to choose among all cases"),
            false => failure,
        });
    }
    folder(&set.folder)?;
    let agent = agent(config, set)?;
    let mut recogniser = Recogniser::spawn(setup::asr_options(config)?)
        .map_err(|error| setup::model_failure("recogniser", &error))?;
    let mut recognise = |audio: &[f32]| -> Option<String> {
        // Whisper takes 30 s at most; a longer reply is left unjudged rather than cut.
        recogniser.recognise(audio, &Request::default()).ok().map(|hypothesis| hypothesis.text)
    };
    let options = suite::Options {
        jobs: set.jobs,
        repeat: set.repeat,
        keep_audio: set.keep_audio,
        keep_journals: set.keep_journals,
        ..suite::Options::new(&set.folder)
    };
    let caught = interrupt::stops(&options.stop);
    let mut shown = Shown::new(cases.len() * set.repeat.max(1));
    let run =
        suite::run(&cases, agent.as_ref(), &options, Some(&mut recognise), &mut |progress| {
            shown.show(progress);
        })?;
    drop((shown, caught));
    let report = run.write(&set.folder)?;
    if let Some(path) = &set.observations {
        let rows = run.results.iter().map(|result| result.observed.as_str());
        let table = std::iter::once(observe::head().as_str()).chain(rows).collect::<String>();
        std::fs::write(path, table)?;
    }
    Ok(Outcome { run, report, faults })
}

impl Outcome {
    /// How the program ends. An interruption takes precedence over an agent that cannot be reached,
    /// that over a bad scenario, and that over a case that failed.
    pub(crate) fn judge(&self, set: &Set) -> Result<(), Failure> {
        self.check()?;
        if self.run.passed() {
            return Ok(());
        }
        let counts = &self.report.overall.counts;
        let message = format!(
            "{} of {} calls did not go as expected, {} are invalid",
            counts.failed + counts.broken,
            counts.calls,
            counts.invalid
        );
        let page = set.folder.join("index.html");
        Err(Failure::new(Exit::Failed, message).with_hint(format!("see {}", page.display())))
    }

    /// Whether every case could run.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        interrupt::check()?;
        if let Some(why) = &self.run.unreachable {
            return Err(Failure::new(Exit::Unavailable, format!("no agent to be called: {why}"))
                .with_hint("start it, and name the address at which it listens"));
        }
        if self.faults > 0 {
            return Err(Failure::new(Exit::Usage, counted(self.faults))
                .with_hint("the cases without a fault ran; their report is written"));
        }
        Ok(())
    }
}

fn counted(faults: usize) -> String {
    match faults {
        1 => "a fault in the scenarios".to_owned(),
        _ => format!("{faults} faults in the scenarios"),
    }
}

/// In real time each call needs about a core of its own; otherwise the figures are those of an
/// overloaded machine.
fn check_jobs(set: &Set) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if set.is_virtual || set.agent.is_some() || set.jobs <= cores {
        return Ok(());
    }
    let message = format!(
        "{} calls at once cannot keep time on {cores} cores: their latencies would be the machine's",
        set.jobs
    );
    let hint = "run fewer with --jobs, or use --virtual, which needs no clock";
    Err(Failure::new(Exit::Usage, message).with_hint(hint))
}

/// The cases, and how many errors were reported.
fn read(config: &Config, set: &Set) -> Result<(Vec<Case>, usize), Failure> {
    let voices = RefCell::new(BTreeMap::new());
    let synthesise = |text: &str, name: &str| {
        let mut voices = voices.borrow_mut();
        let voice = voices.entry(name.to_owned()).or_insert_with(|| voice(config, name));
        let voice = voice.as_mut().map_err(|why| why.clone())?;
        say(voice, text).map_err(|error| error.to_string())
    };
    let options = scenario::Options { synthesise: Some(&synthesise), ..Default::default() };
    let loaded = scenario::read(&set.paths, options);
    let mut text = String::new();
    for error in &loaded.errors {
        _ = writeln!(text, "error: {error}");
    }
    io::stderr().write_all(text.as_bytes())?;
    Ok((loaded.cases, loaded.errors.len()))
}

/// A voice of the scenarios, or why it is not available.
fn voice(config: &Config, name: &str) -> Result<Voice, String> {
    let source = name.parse().map_err(|error: SourceError| error.to_string())?;
    let options = setup::voice_options(config, &source).map_err(Failure::into_message)?;
    Voice::load(&options).map_err(|error| error.to_string())
}

/// Synthesises `text`, at the session rate.
fn say(voice: &mut Voice, text: &str) -> Result<Vec<f32>, VoiceError> {
    let rate = voice.sample_rate();
    let mut samples = Vec::new();
    voice.speak(text, 1.0, &mut |chunk| {
        samples.extend_from_slice(&chunk.samples);
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(duplex_audio::resample::convert(&samples, rate, SAMPLE_RATE))
}

/// The agent to call.
fn agent(config: &Config, set: &Set) -> Result<Box<dyn Agent>, Failure> {
    if let Some(url) = &set.agent {
        let agent = WebSocketAgent::new(url, WebSocketOptions::default());
        return match agent {
            Ok(agent) => Ok(Box::new(agent)),
            Err(error) => Err(Failure::new(Exit::Unavailable, error.to_string())),
        };
    }
    let calls = u32::try_from(set.jobs).unwrap_or(u32::MAX);
    let mut config = config.clone();
    config.server.max_calls = config.server.max_calls.max(calls);
    let config = &config;
    let engine = setup::engine(config)?;
    let call = setup::call_options(config);
    let charges = set.is_virtual.then(|| setup::charges(config));
    let name = match config.turn.policy {
        TurnPolicy::Duplex => "duplex",
        TurnPolicy::BargeIn => "barge-in",
        TurnPolicy::TurnBased => "turn-based",
    };
    let local = Local::new(name, engine, move || call.clone(), charges);
    Ok(Box::new(if set.observations.is_some() { local.observing() } else { local }))
}

/// Progress of the set: a bar on a terminal, a line per call elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new(calls: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} calls, {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(calls as u64);
            bar.set_style(style.progress_chars("=> "));
            bar
        });
        Self { bar }
    }

    fn show(&mut self, progress: Progress<'_>) {
        let verdict = progress.passed.map(|passed| if passed { "passed" } else { "FAILED" });
        match (&self.bar, verdict) {
            (Some(bar), _) => {
                bar.set_position(progress.done as u64);
                let left = progress.remaining.map(|left| format!("{} left, ", HumanDuration(left)));
                bar.set_message(format!("{}{}", left.unwrap_or_default(), progress.case));
                if progress.passed == Some(false) {
                    bar.println(format!("failed: {}", progress.case));
                }
            }
            (None, Some(verdict)) => {
                let Progress { done, total, case, .. } = progress;
                // With stderr closed the work continues without showing its progress.
                _ = writeln!(io::stderr(), "[{done}/{total}] {verdict} {case}");
            }
            (None, None) => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        Failure::new(Exit::Io, error.to_string())
    }
}
