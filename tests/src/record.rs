//! Makes the report of a finished call.

use std::{collections::BTreeMap, path::Path};

use duplex_audio::{Clip, FileError, PLAYOUT_RATE, room::Fired};
use duplex_core::{ConversationEvent as Event, Permille, SAMPLE_RATE, Shown, UserKind};
use duplex_runtime::Outcome;

use crate::{
    measure::{About, Sides, heard},
    report::{CallRecord, EventResult, Expect, Notice, Percentiles, Said, Spoken, Stage, Summary},
    score::{Span, judge},
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
    /// What the call showed of its conversation.
    pub shown: &'a [Shown],
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
    let about = |id: &str| Some(About { expect: call.expect.get(id)?.clone(), ..About::default() });
    let fired = call.fired.iter().cloned();
    let Sides { cues, assistant: stretches, .. } =
        heard(&user, &assistant, clip.rate, fired, about);
    let shown = call.shown;
    let cancelled = |it: &&Shown| matches!(it.event, Event::ReplyCancelled { .. });
    let cuts: Vec<f64> = shown.iter().filter(cancelled).map(|it| it.at_ms as f64).collect();
    let events = judge(&cues, &stretches, &[], &cuts, &[]);
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
    let stages = events.iter().flat_map(|event| stages(event, shown)).collect();
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
        user_turns: user_turns(shown),
        assistant_turns: assistant_turns(shown, &stretches),
        notices: notices(shown),
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
fn stages(event: &EventResult, shown: &[Shown]) -> Vec<Stage> {
    let (Expect::Respond, Some(from), Some(latency)) =
        (event.expect, event.from_ms, event.latency_ms)
    else {
        return Vec::new();
    };
    let audible = from as f64 + latency;
    let answer = shown.iter().rev().find_map(|it| match &it.event {
        Event::ReplyLatency { from_ms, stages, .. } => {
            let released = (from_ms + stages.released_ms?) as f64;
            let is_answer = released >= from as f64 && released <= audible + 50.0;
            is_answer.then_some((*from_ms, *stages))
        }
        _ => None,
    });
    let Some((since, answer)) = answer else { return Vec::new() };
    let reached = [
        ("offset_detected", answer.offset_ms),
        ("recognised", answer.recognised_ms),
        ("decided", answer.judged_ms),
        ("first_clause", answer.written_ms),
        ("first_audio", answer.synthesised_ms),
        ("released", answer.released_ms),
    ];
    let reached = reached
        .into_iter()
        .filter_map(|(name, ms)| Some((name, (since + ms?) as f64 - from as f64)));
    reached
        .chain([("audible", latency)])
        .map(|(name, ms)| Stage { event_id: event.id.clone(), name: name.to_owned(), ms })
        .collect()
}

fn user_turns(shown: &[Shown]) -> Vec<Said> {
    let mut turns = Vec::new();
    let mut is_reopened = false;
    for Shown { event, .. } in shown {
        match event {
            Event::ReplyCancelled { taken_back, .. } => is_reopened |= taken_back,
            Event::UserTurn { began_ms, ended_ms, text, kind, line, .. } => {
                let is_reopened = std::mem::take(&mut is_reopened);
                turns.push(Said {
                    start_ms: *began_ms,
                    end_ms: *ended_ms,
                    text: if is_reopened { line } else { text }.clone(),
                    is_final: true,
                    kind: match kind {
                        UserKind::Turn => "turn",
                        UserKind::Stop => "stop",
                        UserKind::Backchannel => "backchannel",
                        UserKind::Noise => "noise",
                    }
                    .to_owned(),
                });
            }
            _ => {}
        }
    }
    turns
}

/// The pieces in which the assistant's replies were spoken: one that was cut and resumed is two.
fn assistant_turns(shown: &[Shown], audible: &[Span]) -> Vec<Spoken> {
    let mut turns: Vec<Spoken> = Vec::new();
    let mut began = None;
    for Shown { at_ms, event } in shown {
        let (reply, heard, unheard, cut) = match event {
            Event::ReplyStarted { reply, .. } => {
                began = Some((*reply, *at_ms, false));
                continue;
            }
            // One that was ducked or held goes on with the same piece.
            Event::ReplyResumed { reply, .. } => {
                began = began.or(Some((*reply, *at_ms, true)));
                continue;
            }
            Event::ReplyEnded { reply, heard, unheard, cut: None } => (reply, heard, unheard, None),
            Event::ReplyCancelled { reply, why, heard, unheard, .. } => {
                (reply, heard, unheard, Some(why))
            }
            _ => continue,
        };
        let Some((_, from, resumed)) = began.take_if(|(begun, ..)| begun == reply) else {
            continue;
        };
        let (from, to) = (from as f64, *at_ms as f64);
        let sounds = audible.iter().filter(|span| span.end > from && span.start < to);
        let start = sounds.clone().map(|span| span.start.max(from)).next().unwrap_or(from);
        let end = sounds.map(|span| span.end).next_back().unwrap_or(to);
        turns.push(Spoken {
            turn: u64::from(reply.0),
            start_ms: start as u64,
            end_ms: end.min(to + 500.0) as u64,
            planned: format!("{heard}{unheard}"),
            heard: heard.clone(),
            cut: cut.map(|why| format!("{why:?}")),
            resumed,
        });
    }
    turns
}

/// The events of a call that its report lists. What was to be said and was heard, word for word, stands in its turns.
pub(crate) fn notices(shown: &[Shown]) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut line = "";
    let mut is_reopened = false;
    for Shown { at_ms, event } in shown {
        let mut note = |kind: &str, detail: String| {
            notices.push(Notice { at_ms: *at_ms, kind: kind.to_owned(), detail });
        };
        match event {
            Event::ReplyCancelled { reply, why, taken_back, .. } => {
                note("cancel", format!("turn {}: {why:?}", reply.0));
                if *taken_back {
                    note("reopened", line.to_owned());
                    is_reopened = true;
                }
            }
            Event::UserTurn { text, kind, why, line: whole, .. } => {
                let text = if std::mem::take(&mut is_reopened) { whole } else { text };
                match kind {
                    UserKind::Turn | UserKind::Stop => {
                        line = whole;
                        let stop = if *kind == UserKind::Stop { "stop: " } else { "" };
                        note("final", format!("{stop}{text}"));
                    }
                    UserKind::Backchannel | UserKind::Noise => {
                        let why = why.map(|why| format!(" ({why:?})")).unwrap_or_default();
                        note("ignore", format!("{text}{why}"));
                    }
                }
            }
            event => {
                if let Some((kind, detail)) = noted(event) {
                    note(kind, detail);
                }
            }
        }
    }
    notices
}

/// An event that needs none of those before it.
fn noted(event: &Event) -> Option<(&'static str, String)> {
    let share = |permille: &Permille| f64::from(permille.0) / 1000.0;
    Some(match event {
        Event::UserSpeechStarted { .. } => ("onset", String::new()),
        Event::UserSpeechStopped { .. } => ("offset", String::new()),
        Event::UserWords { committed, tentative, .. } => {
            ("partial", format!("{committed} [{tentative}]"))
        }
        Event::EndOfTurn { probability } => ("end_of_turn", format!("{:.2}", share(probability))),
        Event::ReplyPreparing { reply, answers } => {
            ("prepared", format!("turn {}: {answers}", reply.0))
        }
        Event::ReplyDropped { reply, why } => ("dropped", format!("turn {}: {why:?}", reply.0)),
        Event::ReplyStarted { reply, silence_ms, evidence, threshold } => (
            "released",
            format!(
                "turn {} after {silence_ms} ms: evidence {:.2}, needed {:.2}",
                reply.0,
                share(evidence),
                share(threshold)
            ),
        ),
        Event::ReplyDucked { reply } => ("duck", format!("turn {}", reply.0)),
        Event::ReplyHeld { reply } => ("hold", format!("turn {}", reply.0)),
        Event::ReplyResumed { reply, why } => ("resume", format!("turn {}: {why:?}", reply.0)),
        Event::ReplyEnded { reply, cut: None, .. } => ("finished", format!("turn {}", reply.0)),
        Event::ReplyTruncated { reply, heard, .. } => {
            ("truncated", format!("turn {}: {heard}", reply.0))
        }
        Event::UserIdle { silence_ms, .. } => ("idle", format!("after {silence_ms} ms")),
        Event::Microphone { open } => ("microphone", if *open { "open" } else { "muted" }.into()),
        Event::PushToTalk { down, lapsed } => {
            let stands = if *lapsed {
                "counts as up"
            } else if *down {
                "down"
            } else {
                "up"
            };
            ("push-to-talk", stands.into())
        }
        Event::Refused { text, .. } => ("refused", text.clone()),
        Event::Warning { text, detail } if detail.is_empty() => ("warning", text.clone()),
        Event::Warning { text, detail } => ("warning", format!("{text}: {detail}")),
        _ => return None,
    })
}

const _: () = assert!(PLAYOUT_RATE.is_multiple_of(SAMPLE_RATE), "tracks are recorded in step");
