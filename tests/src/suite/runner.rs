//! Runs the cases, several at once, and measures each call when it is over.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Instant,
};

use duplex_audio::{
    Clip, FileError,
    room::{Fired, Room},
};

use crate::{
    agent::{Agent, AgentError, AgentReport, Clock, Directions, Take},
    case::Case,
    measure::{Measured, Observation, Recogniser, measure, metric::Metric},
    observe,
};

use super::{CaseResult, CueTime, Options, Outline, Progress, SuiteError, SuiteRun, Verdict};

/// A call in which more than this share of the frames came late is invalid: its latencies are then
/// those of the machine.
const MOST_LATE: f64 = 0.01;
/// So is one in which a frame came later than this, in ms.
const WORST_LAG: f64 = 100.0;

/// Where the audio is kept, in the folder of the set.
const AUDIO: &str = "audio";
/// Where the journals are kept.
const JOURNALS: &str = "journals";

/// A call to run.
struct Job<'a> {
    case: &'a Case,
    repetition: usize,
    /// Relative to the folder of the set.
    audio: PathBuf,
    /// The same.
    journal: PathBuf,
}

enum Event {
    Begun(usize),
    Over(usize, Result<FinishedCall, FileError>),
}

struct FinishedCall {
    report: Result<AgentReport, AgentError>,
    fired: Vec<Fired>,
}

/// Runs every case `repeat` times, measures it, and keeps the audio of those that did not pass.
///
/// An agent that breaks a call fails that case; a call that needs commands of an agent that takes
/// none is invalid. One that cannot be reached ends the set, and
/// [`SuiteRun::unreachable`] says why. `progress` is called for every call that begins and ends.
/// Measuring, and `recognise`, run on the caller's thread, while no call begins.
///
/// # Errors
/// The audio cannot be written or read back.
pub fn run(
    cases: &[Case],
    agent: &dyn Agent,
    options: &Options,
    mut recognise: Option<&mut Recogniser<'_>>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<SuiteRun, SuiteError> {
    let journals = options.keep_journals.then_some(JOURNALS);
    for name in [AUDIO].into_iter().chain(journals) {
        let path = options.folder.join(name);
        std::fs::create_dir_all(&path).map_err(|source| SuiteError::Folder { path, source })?;
    }
    let jobs = jobs(cases, options.repeat.max(1));
    let began = Instant::now();
    let mut results: Vec<(usize, CaseResult)> = Vec::new();
    let mut unreachable = None;
    let mut failure = None;
    let mut done = 0;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // No capacity: a call begins only once the caller's thread has measured the one before,
        // which takes a core that the call needs.
        let (sender, events) = mpsc::sync_channel(0);
        for _ in 0..options.jobs.clamp(1, jobs.len().max(1)) {
            let (sender, jobs, next) = (sender.clone(), &jobs, &next);
            scope.spawn(move || {
                while !options.stop.is_stopped() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    // The receiver is gone if the set has ended early.
                    if sender.send(Event::Begun(index)).is_err() {
                        break;
                    }
                    let call = run_call(job, agent, options);
                    if sender.send(Event::Over(index, call)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for event in events {
            let pace = |done: usize| began.elapsed() / u32::try_from(done).unwrap_or(u32::MAX);
            let rest = |done: usize| u32::try_from(jobs.len() - done).unwrap_or(u32::MAX);
            let mut tell = |done: usize, index: usize, passed| {
                progress(Progress {
                    done,
                    total: jobs.len(),
                    remaining: (done > 0).then(|| pace(done) * rest(done)),
                    case: &jobs[index].case.id,
                    passed,
                });
            };
            let (index, call) = match event {
                Event::Begun(index) => {
                    tell(done, index, None);
                    continue;
                }
                Event::Over(index, call) => (index, call),
            };
            // A call that was stopped in the middle says nothing about the agent.
            if options.stop.is_stopped() {
                continue;
            }
            let call = call.map_err(SuiteError::from).and_then(|call| match call.report {
                Err(AgentError::Unreachable(why)) => {
                    unreachable = Some(why);
                    Ok(None)
                }
                _ => judge(&jobs[index], call, options, &mut recognise).map(Some),
            });
            match call {
                Ok(Some(result)) => {
                    done += 1;
                    tell(done, index, Some(result.verdict == Verdict::Passed));
                    results.push((index, result));
                }
                Ok(None) => break,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if unreachable.is_some() || failure.is_some() {
            next.store(jobs.len(), Ordering::Relaxed);
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(SuiteRun {
        agent: agent.name(),
        results: results.into_iter().map(|(_, result)| result).collect(),
        unreachable,
        wall: began.elapsed(),
    })
}

fn jobs(cases: &[Case], repeat: usize) -> Vec<Job<'_>> {
    let mut taken = BTreeSet::new();
    let job = |(case, repetition): (_, usize)| {
        let case: &Case = case;
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = case.id.chars().map(safe).collect();
        let number = if repeat > 1 { format!("-{repetition}") } else { String::new() };
        let mut name = format!("{name}{number}");
        // Two ids may differ only in characters that file names cannot have.
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        let audio = Path::new(AUDIO).join(format!("{name}.wav"));
        let journal = Path::new(JOURNALS).join(format!("{name}.journal"));
        Job { case, repetition, audio, journal }
    };
    let each = (1..=repeat).flat_map(|repetition| cases.iter().map(move |case| (case, repetition)));
    each.map(job).collect()
}

fn run_call(
    job: &Job<'_>,
    agent: &dyn Agent,
    options: &Options,
) -> Result<FinishedCall, FileError> {
    let path = options.folder.join(&job.audio);
    let (room, log) = Room::new(job.case.room.clone(), job.case.cues.clone(), Some(path))?;
    let journal = options.keep_journals.then(|| options.folder.join(&job.journal));
    if let Some(journal) = &journal {
        // One of an earlier set is not of this call; usually there is none.
        let _ = std::fs::remove_file(journal);
    }
    let directions = Directions { commands: job.case.commands(), journal };
    let report = agent.directed(Box::new(room), directions, &options.stop);
    match log.take_error() {
        Some(error) => Err(error),
        None => Ok(FinishedCall { report, fired: log.fired() }),
    }
}

fn judge(
    job: &Job<'_>,
    call: FinishedCall,
    options: &Options,
    recognise: &mut Option<&mut Recogniser<'_>>,
) -> Result<CaseResult, SuiteError> {
    let path = options.folder.join(&job.audio);
    let (report, broken, cannot_run) = match call.report {
        Ok(report) => (report, None, None),
        Err(AgentError::NoCommands) => {
            (AgentReport::default(), None, Some(AgentError::NoCommands.to_string()))
        }
        Err(error) => (AgentReport::default(), Some(error.to_string()), None),
    };
    // A call that broke before its first frame leaves an empty recording, which cannot be read as
    // sound.
    let clip = match Clip::read(&path) {
        Ok(clip) => clip,
        Err(_) if broken.is_some() || cannot_run.is_some() => {
            Clip { rate: duplex_audio::PLAYOUT_RATE, channels: Vec::new() }
        }
        Err(error) => return Err(error.into()),
    };
    let rate = clip.rate;
    let mut channels = clip.channels.into_iter();
    let (user, assistant) =
        (channels.next().unwrap_or_default(), channels.next().unwrap_or_default());
    let take = Take { rate, user, assistant, fired: call.fired, report };
    let length_ms = take.user.len() as f64 * 1000.0 / f64::from(rate.max(1));
    let invalid = cannot_run.or_else(|| lateness(take.report.clock));
    let measured = match (&broken, &invalid) {
        (Some(_), _) => Measured {
            observations: vec![Observation::call(Metric::CasesPassed, 0.0, 1.0)],
            ..Measured::default()
        },
        (None, Some(_)) if take.user.is_empty() => Measured::default(),
        // No measurement of such a call may enter a figure.
        (None, Some(_)) => {
            Measured { observations: Vec::new(), ..measure(job.case, &take, reborrow(recognise)) }
        }
        (None, None) => measure(job.case, &take, reborrow(recognise)),
    };
    let (verdict, reason) = match (broken, invalid) {
        (Some(why), _) => (Verdict::Broken, why),
        (None, Some(why)) => (Verdict::Invalid, why),
        (None, None) if measured.passed => (Verdict::Passed, String::new()),
        (None, None) => (Verdict::Failed, reasons(&measured)),
    };
    let keep = (options.keep_audio || verdict != Verdict::Passed) && length_ms > 0.0;
    if !keep {
        // A recording that cannot be removed is left over.
        let _ = std::fs::remove_file(&path);
    }
    let journal = Some(&job.journal).filter(|path| options.folder.join(path).exists());
    let journal = journal.filter(|_| options.keep_journals).cloned();
    if let Some(journal) = &journal {
        let list = CueTime::of(job.case, job.repetition, &take.fired);
        CueTime::write(&list, &options.folder.join(journal).with_extension("cues.jsonl"))?;
    }
    let text = |fired: &Fired| {
        let (from, to) = fired.span?;
        let text = job.case.expect.get(&fired.id).map(|expectation| expectation.text.clone());
        Some((from.as_millis() as f64, to.as_millis() as f64, text.unwrap_or_default()))
    };
    Ok(CaseResult {
        id: job.case.id.clone(),
        category: job.case.category,
        split: job.case.split,
        known_issue: job.case.known_issue.clone(),
        repetition: job.repetition,
        source: job.case.source.clone(),
        verdict,
        reason,
        length_ms,
        observed: observe::rows(job.case, &take.fired, &take.report.moments),
        said: take.fired.iter().filter_map(text).collect(),
        outline: Outline::of(&take.user, &take.assistant),
        transcript: take.report.transcript,
        decisions: take.report.decisions,
        measured,
        audio: keep.then(|| job.audio.clone()),
        journal,
    })
}

/// Reborrows the closure for one more call.
fn reborrow<'a>(recognise: &'a mut Option<&mut Recogniser<'_>>) -> Option<&'a mut Recogniser<'a>> {
    match recognise {
        Some(recognise) => Some(&mut **recognise),
        None => None,
    }
}

/// Why a call says nothing about the agent, if the machine did not keep time.
fn lateness(clock: Clock) -> Option<String> {
    let frames = clock.frames.max(1);
    let share = clock.late_frames as f64 / frames as f64;
    (share > MOST_LATE || clock.worst_ms > WORST_LAG).then(|| {
        format!(
            "the machine did not keep time: {} of {frames} frames late, one by {:.0} ms; run fewer calls at once",
            clock.late_frames, clock.worst_ms
        )
    })
}

fn reasons(measured: &Measured) -> String {
    let failed = measured.events.iter().filter(|event| !event.passed);
    let failed = failed.map(|event| format!("{}: {}", event.id, event.outcome));
    failed.chain(measured.problems.iter().cloned()).collect::<Vec<_>>().join("; ")
}
