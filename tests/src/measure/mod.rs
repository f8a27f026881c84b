//! Measures a call that ran.
//!
//! [`measure`] turns a [`Take`] and its [`Case`] into [`Measured`]: verdicts on every expectation,
//! and observations of every [`Metric`] that applies. [`estimate`] summarises the observations of
//! many calls. Speech of both sides is detected in the recorded tracks. Of what the agent reports,
//! only the transcript is used: to judge it, and to find replies and self-interruptions that the
//! tracks cannot show. All functions are pure.

pub mod estimate;
pub mod metric;
pub mod resume;
pub mod sides;
pub mod words;

mod announced;
mod call;
mod trial;

use duplex_audio::{resample, room::Fired};
use duplex_core::{SAMPLE_RATE, Samples, SessionTime, Speaker};
use serde::{Deserialize, Serialize};

use crate::{
    agent::Take,
    case::{Case, Category},
    report::{EventResult, Expect},
    score::{AssistantActivity, CueSpan, GO_ON_WITHIN, Limits, Span, assistant_activity_at, judge},
};

use metric::Metric;
pub use metric::Observation;
use resume::Gap;
use trial::Voice;

/// Recognises speech at 16 kHz; none if it cannot.
pub type Recogniser<'a> = dyn FnMut(&[f32]) -> Option<String> + 'a;

/// The results of a call. Times are milliseconds since it began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The verdict on each expectation, in order.
    pub events: Vec<EventResult>,
    /// What went wrong besides the expectations; empty if nothing did.
    pub problems: Vec<String>,
    /// Whether every expectation was met, and nothing else went wrong.
    pub passed: bool,
    /// All observations.
    pub observations: Vec<Observation>,
    /// The user's speech.
    #[serde(skip)]
    pub user: Vec<Span>,
    /// The assistant's segments of speech, breaths included.
    #[serde(skip)]
    pub assistant: Vec<Span>,
}

/// Judges a call and measures it. Without a recogniser, what needs words is left out.
pub fn measure(case: &Case, take: &Take, recognise: Option<&mut Recogniser<'_>>) -> Measured {
    // A call that ended early has not reached all of its cues.
    let missed = case.cues.iter().skip(take.fired.len());
    let missed = missed.map(|cue| Fired { id: cue.id.clone(), span: None });
    let fired = take.fired.iter().cloned().chain(missed);
    let about = |id: &str| {
        let expectation = case.expect.get(id)?;
        let common = Limits::default();
        let limits = Limits {
            answer: expectation.response_within_ms.unwrap_or(common.answer),
            stop: expectation.stop_within_ms.unwrap_or(common.stop),
            may_answer: case.may_answer(expectation),
        };
        let cue = case.cues.iter().find(|cue| cue.id == id);
        let user_until = cue.and_then(|cue| cue.user_until);
        Some(About { expect: expectation.outcomes.clone(), limits, user_until })
    };
    let Sides { cues, user, others, fine, assistant } =
        heard(&take.user, &take.assistant, take.rate, fired, about);

    let moments = case.announcements.iter().map(|it| it.at.as_millis() as f64);
    let announced = announced::announced(&assistant, &cues, &moments.collect::<Vec<_>>());

    let mut recognise = recognise;
    let restarts: Vec<Option<Restart>> = (0..cues.len())
        .map(|index| restart(&cues, index, &fine, &assistant, take, &mut recognise))
        .collect();
    let cuts: Vec<f64> = restarts.iter().flatten().map(|restart| restart.cut).collect();
    let given_up = call::given_up(take);
    let mut events = judge(&cues, &assistant, &announced, &cuts, &given_up);
    for (cue, restart) in cues.iter().zip(&restarts) {
        let Some(restart) = restart else { continue };
        let id = cue.event_id(Expect::Ignore);
        for event in events.iter_mut().filter(|event| event.id == id) {
            event.outcome = "started over".to_owned();
            event.detail = restart.detail.clone();
        }
    }

    let gaps = sides::gaps(&take.assistant, take.rate, trial::HOLE);
    let voice = Voice {
        gaps: &gaps,
        spans: &assistant,
        announced: &announced,
        track: &take.assistant,
        rate: take.rate,
    };
    let results = judge(&cues, &assistant, &announced, &[], &given_up);
    let mut observations = Vec::new();
    let replaced = call::has_replaced(case, take);
    for (index, cue) in cues.iter().enumerate() {
        let id = cue.event_id(Expect::Ignore);
        let went_on = results.iter().all(|event| event.id != id || event.passed);
        let went_on = (went_on, restarts[index].is_none() && !replaced);
        observations.extend(trial::observe(case.category, &cues, index, &voice, went_on));
    }
    observations.push(trial::both(&sides::apart(&user, &others), &assistant));
    let mut problems: Vec<String> = call::too_many_replies(case, take).into_iter().collect();
    call::echo(case, &user, &fine, &announced, take, &mut observations, &mut problems);
    call::unasked(case, &assistant, &announced, &mut observations, &mut problems);
    call::understood(case, take, &mut observations, &mut problems);
    if let Some(recognise) = recognise {
        call::truncation(&assistant, take, recognise, &mut observations);
    }
    let passed = problems.is_empty() && events.iter().all(|event| event.passed);
    let met =
        |event: &EventResult| Observation::whether(Metric::Expectations, &event.id, event.passed);
    observations.extend(events.iter().map(met));
    observations.push(Observation::call(Metric::CasesPassed, f64::from(u8::from(passed)), 1.0));
    Measured { events, problems, passed, observations, user, assistant }
}

/// What is known of a cue besides its sound.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) expect: Vec<Expect>,
    pub(crate) limits: Limits,
    /// Where in its sound the user's own words end; none if all of it is the user's.
    pub(crate) user_until: Option<Samples>,
}

/// Both sides of a call as they were audible.
pub(crate) struct Sides {
    pub(crate) cues: Vec<CueSpan>,
    /// The speech in the user's track.
    pub(crate) user: Vec<Span>,
    /// Where it is that of other voices.
    pub(crate) others: Vec<Span>,
    /// The assistant's speech, without any gap.
    pub(crate) fine: Vec<Span>,
    /// The assistant's segments of speech, breaths included.
    pub(crate) assistant: Vec<Span>,
}

/// Detects the speech of both tracks, and each cue in it; `about` returns what is known of a cue.
pub(crate) fn heard(
    user: &[f32],
    assistant: &[f32],
    rate: u32,
    fired: impl Iterator<Item = Fired>,
    about: impl Fn(&str) -> Option<About>,
) -> Sides {
    let (user, fine) = (sides::speech(user, rate), sides::speech(assistant, rate));
    let mut others = Vec::new();
    let cues: Vec<CueSpan> = fired
        .map(|Fired { id, span }| {
            let About { expect, limits, user_until } = about(&id).unwrap_or_default();
            let own = span.map(|(from, to)| (from, user_until.map_or(to, |until| from + until)));
            if let (Some((_, to)), Some((_, own))) = (span, own)
                && own < to
            {
                others.push(Span { start: own.as_millis() as f64, end: to.as_millis() as f64 });
            }
            let speech = own.map(|span| audible(&user, span)).unwrap_or_default();
            CueSpan { id, expect, speech, limits }
        })
        .collect();
    let due = cues.iter().filter(|cue| cue.expect.contains(&Expect::Respond));
    let ends: Vec<f64> = due.filter_map(|cue| cue.speech.last()).map(|span| span.end).collect();
    let begun = cues.iter().filter_map(|cue| cue.speech.first());
    let onsets: Vec<f64> = begun.map(|span| span.start).collect();
    let assistant = sides::stretches(&fine, &ends, &onsets);
    Sides { cues, user, others, fine, assistant }
}

/// The part of the user's speech that lies in a cue. A cue that is too soft for the detector counts
/// for as long as it was played.
fn audible(user: &[Span], (from, to): (SessionTime, SessionTime)) -> Vec<Span> {
    let cue = Span { start: from.as_millis() as f64, end: to.as_millis() as f64 };
    let inside = user.iter().filter(|speech| speech.start < cue.end && speech.end > cue.start);
    // Two cues in quick succession are one segment of speech, of which each has its part.
    let part =
        |speech: &Span| Span { start: speech.start.max(cue.start), end: speech.end.min(cue.end) };
    let inside: Vec<Span> = inside.map(part).collect();
    if inside.is_empty() { vec![cue] } else { inside }
}

struct Restart {
    cut: f64,
    detail: String,
}

/// Whether the reply went back after a gap at a cue to be ignored, instead of continuing.
fn restart(
    cues: &[CueSpan],
    index: usize,
    fine: &[Span],
    assistant: &[Span],
    take: &Take,
    recognise: &mut Option<&mut Recogniser<'_>>,
) -> Option<Restart> {
    let cue = &cues[index];
    let (first, last) = (cue.speech.first()?, cue.speech.last()?);
    if !cue.expect.contains(&Expect::Ignore) {
        return None;
    }
    if assistant_activity_at(assistant, first.start) == AssistantActivity::Silent {
        return None;
    }
    let asked = cues[..index].iter().rev().find(|cue| cue.addresses());
    let asked = asked.and_then(|cue| cue.speech.last()).map_or(0.0, |span| span.end);
    let began = fine.iter().find(|span| span.start >= asked)?.start;
    let until = (last.end + GO_ON_WITHIN).min(crate::score::begins(&cues[index + 1..]));
    // The gap may have begun before the cue, at the end of a sentence.
    let behind = |pair: &&[Span]| (first.start..until).contains(&pair[1].start);
    fine.windows(2).filter(behind).find_map(|pair| {
        let gap = Gap { began, cut: pair[0].end, again: pair[1].start, until: pair[1].end };
        let detail = match resume::went_back(&take.assistant, take.rate, gap) {
            Some(back) => format!("said the last {:.1} s again", back / 1000.0),
            None => {
                let recognise = recognise.as_mut()?;
                let mut words = |from, to| recognise(&at_session_rate(take, from, to));
                let same =
                    resume::same_words(&words(began, gap.cut)?, &words(gap.again, gap.until)?);
                same.then(|| "began with the same words again".to_owned())?
            }
        };
        Some(Restart { cut: gap.cut.max(first.start), detail })
    })
}

/// The assistant's audio between two times, at the rate of recognisers.
fn at_session_rate(take: &Take, from: f64, to: f64) -> Vec<f32> {
    let sound = sides::excerpt(&take.assistant, take.rate, from, to);
    resample::convert(sound, take.rate, SAMPLE_RATE)
}

/// The replies that the agent reports: its lines but for those that are of an announcement.
fn replies<'a>(case: &Case, take: &'a Take) -> Vec<&'a str> {
    let mut lines = lines(take, Speaker::Assistant);
    lines.retain(|line| !call::is_announced(case, line));
    lines
}

/// The lines of one side, as the agent reports them.
fn lines(take: &Take, speaker: Speaker) -> Vec<&str> {
    let lines = take.report.transcript.iter().filter(|line| line.speaker == speaker);
    lines.map(|line| line.text.as_str()).collect()
}

/// Whether nobody speaks to the assistant in a case of this kind.
fn is_silent(case: &Case) -> bool {
    case.category == Category::Silence && case.cues.is_empty()
}
