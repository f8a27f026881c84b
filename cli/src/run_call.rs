//! Runs a scripted call in the simulated room, and records it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duplex_audio::FileError;
use duplex_audio::room::{Cue, Fired, Room, RoomOptions};
use duplex_core::{Command, SessionTime};
use duplex_harness::collect::Collector;
use duplex_harness::record::{Finished, record};
use duplex_harness::report::{CallRecord, Expect, ReportError};
use duplex_runtime::{Call, CallError, Engine, Outcome, Stop, WhenFull, run_virtual};

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::setup;
use crate::view::{Mode, View};

/// The call to run, and where it is recorded.
pub(crate) struct Scene {
    pub(crate) room: RoomOptions,
    pub(crate) cues: Vec<Cue>,
    /// Both sides as audible.
    pub(crate) recording: PathBuf,
    pub(crate) journal: Option<PathBuf>,
    /// Commands that are sent at moments of the call.
    pub(crate) script: Vec<(SessionTime, Command)>,
    /// As a virtual call, as fast as the models allow.
    pub(crate) is_virtual: bool,
    pub(crate) mode: Mode,
}

/// A call that ran.
pub(crate) struct FinishedCall {
    recording: PathBuf,
    fired: Vec<Fired>,
    collector: Collector,
    pub(crate) outcome: Outcome,
    rss_mb: f64,
    ready_ms: f64,
}

/// Runs the call.
pub(crate) fn run_call(
    config: &Config,
    engine: &Arc<Engine>,
    scene: Scene,
) -> Result<FinishedCall, Failure> {
    interrupt::catch()?;
    let mut options = setup::call_options(config);
    options.journal = scene.journal;
    options.script = scene.script;
    let stop = Stop::default();
    let (room, log) = Room::new(scene.room, scene.cues, Some(scene.recording.clone()))?;
    // Only a call in real time cannot wait for whoever reads what it shows.
    let when_full = if scene.is_virtual { WhenFull::Wait(stop.clone()) } else { WhenFull::Lose };
    let (view, mut show) = View::start(scene.mode, log.clone(), when_full)?;
    let collector = Collector::default();
    let observer = {
        let collector = collector.clone();
        Box::new(move |seen: duplex_runtime::SessionStep<'_>| {
            collector.see(seen);
            show(seen);
        })
    };
    let caught = interrupt::stops(&stop);
    let outcome = if scene.is_virtual {
        let charges = setup::charges(config);
        run_virtual(engine, Box::new(room), options, &charges, &stop, observer)?
    } else {
        Call::start(Arc::clone(engine), Box::new(room), options, stop, observer)?.join()?
    };
    drop(caught);
    drop(view);
    if let Some(error) = log.take_error() {
        return Err(error.into());
    }
    let facts = engine.info();
    let processes = [Some(std::process::id()), facts.recogniser];
    Ok(FinishedCall {
        recording: scene.recording,
        fired: log.fired(),
        collector,
        outcome,
        rss_mb: processes.into_iter().flatten().map(peak_mb).sum(),
        ready_ms: facts.ready.as_secs_f64() * 1000.0,
    })
}

impl FinishedCall {
    /// Measures the recording and judges the call.
    pub(crate) fn record(
        &self,
        title: &str,
        expect: &BTreeMap<String, Vec<Expect>>,
    ) -> Result<CallRecord, Failure> {
        let finished = Finished {
            title,
            fired: &self.fired,
            expect,
            shown: &self.collector.collected(),
            outcome: &self.outcome,
            ready_ms: self.ready_ms,
            rss_mb: self.rss_mb,
            machine: &machine(),
            counters: BTreeMap::new(),
        };
        Ok(record(&self.recording, finished)?)
    }

    /// The error that ended the call early, if any.
    pub(crate) fn ended_well(self) -> Result<(), Failure> {
        if let Some(error) = self.outcome.error {
            return Err(error.into());
        }
        interrupt::check()
    }
}

/// Creates a folder for what a command writes.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        Failure::new(Exit::Io, format!("cannot make the folder {}: {error}", path.display()))
    })
}

/// Peak resident memory of a process, in MB; zero if the system does not report it.
fn peak_mb(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}

/// Processor, cores and system, for reports.
pub(crate) fn machine() -> String {
    let refresh = sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing());
    let system = sysinfo::System::new_with_specifics(refresh);
    let cpus = system.as_ref().map(sysinfo::System::cpus).unwrap_or_default();
    let cpu = cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default();
    let name = sysinfo::System::long_os_version().unwrap_or_default();
    format!("{cpu}, {} cores, {name}", cpus.len())
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let exit = match &error {
            FileError::Io { .. } => Exit::Io,
            _ => Exit::Usage,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let exit = match &error {
            CallError::Session(_) => Exit::Usage,
            _ => Exit::Io,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Failure::new(Exit::Io, error.to_string())
    }
}
