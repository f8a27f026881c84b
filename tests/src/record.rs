//! Makes the report of a finished call.

use std::{collections::BTreeMap, path::Path};

use duplex_audio::{Clip, FileError, PLAYOUT_RATE};
use duplex_core::{Notice, SAMPLE_RATE, SessionTime, UserKind};
use duplex_runtime::Outcome;

use crate::{
    collect::{Collected, Stages},
    measure::{Sides, heard},
    report::{
        CallRecord, EventResult, Expect, Notice as Noted, Percentiles, Said, Spoken, Stage, Summary,
    },
    room::Fired,
    score::{Limits, Span, judge},
};

/// What is known of a call besides its recording.
#[derive(Debug)]
pub struct Finished<'a> {
    /// For headings.
    pub title: &'a str,
    /// The room's log.
    pub fired: &'a [Fired],
    /// The expectations of each cue, by the cue's name.
    pub expect: &'a BTreeMap<String, Vec<Expect>>,
    /// Notices and stages that the session reported.
    pub collected: &'a Collected,
    /// The outcome of the call, with its counters.
    pub outcome: &'a Outcome,
    /// From start to ready, in ms.
    pub ready_ms: f64,
    /// Peak memory of the program and its recogniser's process, in MB.
    pub rss_mb: f64,
    /// Processor, number of cores, operating system.
    pub machine: &'a str,
    /// Restarts and other counters from outside the call.
    pub counters: BTreeMap<String, u64>,
}

/// Measures a recording (left the user, right the assistant) and makes its record.
///
/// # Errors
/// The recording cannot be read.
pub fn record(wav: &Path, call: Finished<'_>) -> Result<CallRecord, FileError> {
    let clip = Clip::read(wav)?;
    let mut channels = clip.channels.into_iter();
    let user = channels.next().unwrap_or_default();
    let assistant = channels.next().unwrap_or_else(|| vec![0.0; user.len()]);
    let about = |id: &str| Some((call.expect.get(id)?.clone(), Limits::default()));
    let fired = call.fired.iter().cloned();
    let Sides { cues, assistant: stretches, .. } =
        heard(&user, &assistant, clip.rate, fired, about);
    let notices = &call.collected.notices;
    let cuts: Vec<f64> = notices
        .iter()
        .filter(|(_, notice)| matches!(notice, Notice::Cancelled { .. }))
        .map(|(at, _)| at.as_millis() as f64)
        .collect();
    let events = judge(&cues, &stretches, &cuts);
    let latencies = |wanted: Expect| {
        let of = events.iter().filter(|event| event.expect == wanted);
        Percentiles::of(&of.filter_map(|event| event.latency_ms).collect::<Vec<_>>())
    };
    let summary = Summary {
        response_latency_ms: latencies(Expect::Respond),
        stop_latency_ms: latencies(Expect::Stop),
        rss_mb: call.rss_mb,
        ready_ms: call.ready_ms,
        machine: call.machine.to_owned(),
    };
    let stages = events.iter().flat_map(|event| stages(event, &call.collected.stages)).collect();
    let counters = call.outcome.counters;
    let mut counted = call.counters;
    for (name, count) in [
        ("frames", counters.frames),
        ("frames_lost", counters.lost),
        ("device_frames_late", counters.late),
        ("deepest_inbox", counters.deepest_inbox),
        ("decisions", counters.decisions),
        ("decisions_overtaken", counters.decisions - counters.decided),
        ("jobs_refused", counters.refused),
        ("underruns", counters.underruns),
    ] {
        counted.insert(name.to_owned(), count);
    }
    Ok(CallRecord {
        title: call.title.to_owned(),
        rate: clip.rate,
        user_turns: user_turns(notices),
        assistant_turns: assistant_turns(notices, &stretches),
        notices: notices.iter().map(|(at, notice)| noted(*at, notice)).collect(),
        passed: events.iter().all(|event| event.passed) && call.outcome.error.is_none(),
        events,
        stages,
        summary,
        counters: counted,
        user,
        assistant,
    })
}

/// The stages from the user's last sound to the answer, if the event has one.
fn stages(event: &EventResult, all: &[Stages]) -> Vec<Stage> {
    let (Expect::Respond, Some(from), Some(latency)) =
        (event.expect, event.from_ms, event.latency_ms)
    else {
        return Vec::new();
    };
    let audible = from as f64 + latency;
    let ms = |at: SessionTime| at.as_millis() as f64;
    let released = |stages: &&Stages| {
        stages.released.is_some_and(|at| ms(at) >= from as f64 && ms(at) <= audible + 50.0)
    };
    let Some(answer) = all.iter().rev().find(released) else { return Vec::new() };
    let reached = [
        ("offset_detected", Some(answer.offset)),
        ("recognised", Some(answer.recognised)),
        ("decided", answer.judged),
        ("first_clause", answer.written),
        ("first_audio", answer.synthesised),
        ("released", answer.released),
    ];
    let reached = reached.into_iter().filter_map(|(name, at)| Some((name, ms(at?) - from as f64)));
    reached
        .chain([("audible", latency)])
        .map(|(name, ms)| Stage { event_id: event.id.clone(), name: name.to_owned(), ms })
        .collect()
}

fn user_turns(notices: &[(SessionTime, Notice)]) -> Vec<Said> {
    let turn = |(_, notice): &(SessionTime, Notice)| match notice {
        Notice::UserTurn { began, ended, text, kind, .. } => Some(Said {
            start_ms: began.as_millis(),
            end_ms: ended.as_millis(),
            text: text.clone(),
            is_final: true,
            kind: match kind {
                UserKind::Turn => "turn",
                UserKind::Stop => "stop",
                UserKind::Backchannel => "backchannel",
                UserKind::Noise => "noise",
            }
            .to_owned(),
        }),
        _ => None,
    };
    notices.iter().filter_map(turn).collect()
}

fn assistant_turns(notices: &[(SessionTime, Notice)], audible: &[Span]) -> Vec<Spoken> {
    let mut turns: Vec<Spoken> = Vec::new();
    let mut began = None;
    let mut resumed = false;
    for (at, notice) in notices {
        let ended = match notice {
            Notice::Released { turn, .. } => {
                (began, resumed) = (Some((*turn, *at)), false);
                continue;
            }
            Notice::Resumed { turn, .. } if began.is_none() => {
                (began, resumed) = (Some((*turn, *at)), true);
                continue;
            }
            Notice::Finished { turn, text } => (*turn, text.clone(), text.clone(), None),
            Notice::Cancelled { turn, why, heard, unheard, .. } => {
                (*turn, format!("{heard}{unheard}"), heard.clone(), Some(why))
            }
            _ => continue,
        };
        let (turn, planned, heard, cut) = ended;
        let Some((_, from)) = began.take_if(|(begun, _)| *begun == turn) else { continue };
        let (from, to) = (from.as_millis() as f64, at.as_millis() as f64);
        let sounds = audible.iter().filter(|span| span.end > from && span.start < to);
        let start = sounds.clone().map(|span| span.start.max(from)).next().unwrap_or(from);
        let end = sounds.map(|span| span.end).next_back().unwrap_or(to);
        turns.push(Spoken {
            turn: u64::from(turn.0),
            start_ms: start as u64,
            end_ms: end.min(to + 500.0) as u64,
            planned,
            heard,
            cut: cut.map(|why| format!("{why:?}")),
            resumed,
        });
    }
    turns
}

/// A notice of the session as the report shows it.
pub(crate) fn noted(at: SessionTime, notice: &Notice) -> Noted {
    let (kind, detail) = match notice {
        Notice::Onset => ("onset", String::new()),
        Notice::Offset => ("offset", String::new()),
        Notice::Words { committed, tentative } => ("partial", format!("{committed} [{tentative}]")),
        Notice::EndOfTurn(score) => ("end_of_turn", format!("{:.2}", f64::from(score.0) / 1000.0)),
        Notice::Preparing { turn, answers } => ("prepared", format!("turn {}: {answers}", turn.0)),
        Notice::Dropped { turn, why } => ("dropped", format!("turn {}: {why:?}", turn.0)),
        Notice::Released { turn, silence, evidence, threshold } => (
            "released",
            format!(
                "turn {} after {} ms: evidence {:.2}, needed {:.2}",
                turn.0,
                silence.as_millis(),
                f64::from(evidence.0) / 1000.0,
                f64::from(threshold.0) / 1000.0
            ),
        ),
        Notice::UserTurn { text, kind, why, .. } => match kind {
            UserKind::Turn => ("final", text.clone()),
            UserKind::Stop => ("final", format!("stop: {text}")),
            UserKind::Backchannel | UserKind::Noise => {
                let why = why.map(|why| format!(" ({why:?})")).unwrap_or_default();
                ("ignore", format!("{text}{why}"))
            }
        },
        Notice::Cancelled { turn, why, .. } => ("cancel", format!("turn {}: {why:?}", turn.0)),
        Notice::Reopened { text } => ("reopened", text.clone()),
        Notice::Resumed { turn, why } => ("resume", format!("turn {}: {why:?}", turn.0)),
        Notice::Finished { turn, .. } => ("finished", format!("turn {}", turn.0)),
        Notice::Warning(what) => ("warning", what.clone()),
    };
    Noted { at_ms: at.as_millis(), kind: kind.to_owned(), detail }
}

const _: () = assert!(PLAYOUT_RATE.is_multiple_of(SAMPLE_RATE), "tracks are recorded in step");
