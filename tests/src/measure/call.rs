//! What a whole call shows, besides its cues.

use duplex_core::Speaker;

use crate::{
    agent::{ReportedLine, Take},
    case::{Case, Expectation},
    report::{Expect, Notice},
    score::{EDGE, Span},
};

use super::{
    Recogniser, at_session_rate, is_silent, lines,
    metric::{Metric, Observation},
    replies,
    sides::heard,
    words,
};

/// A gap in the assistant's speech longer than this, in ms, is not a pause at a full stop.
const BREAK: f64 = 600.0;
/// What the assistant says after a longer silence than this, in ms, is something new.
const LONGEST_BREAK: f64 = 5_000.0;
/// A sound of the user is the reason for what follows within this time, in ms.
const REASON: f64 = 1_500.0;
/// Segments closer than this, in ms, are recognised together.
const TOGETHER: f64 = 2_000.0;
/// Audio around what is recognised, in ms.
const MARGIN: f64 = 200.0;

const MS_PER_HOUR: f64 = 3_600_000.0;

/// Says so if the agent reports more replies than it was asked for.
pub(super) fn too_many_replies(case: &Case, take: &Take) -> Option<String> {
    let (reported, asked) = (replies(case, take).len(), questions(case, take));
    (reported > asked).then(|| format!("reported {reported} replies to {asked} questions"))
}

/// Whether one of the replies replaced the reply that should have continued at the only cue to be
/// ignored, which sounds like a continuation; with several such cues it is unknown at which. A
/// reply that is reported before anything of the user, or without a question, was not asked for and
/// replaces nothing.
pub(super) fn has_replaced(case: &Case, take: &Take) -> bool {
    let is_reply =
        |line: &&ReportedLine| line.speaker == Speaker::User || !is_announced(case, &line.text);
    let reported = take.report.transcript.iter().filter(is_reply).map(|line| line.speaker);
    let heard = reported.skip_while(|&speaker| speaker == Speaker::Assistant);
    let replies = heard.filter(|&speaker| speaker == Speaker::Assistant).count();
    let asked = questions(case, take);
    let ignores = |expected: &&Expectation| expected.outcomes.contains(&Expect::Ignore);
    let ignored = case.expect.values().filter(ignores).count();
    ignored == 1 && asked > 0 && replies > asked
}

/// Whether a line of the assistant's is what it was told to say, or as much of that as was heard.
pub(super) fn is_announced(case: &Case, line: &str) -> bool {
    let line = words::normalise(line);
    let is_part = |text: &str| {
        let whole = words::normalise(text);
        !line.is_empty() && whole.windows(line.len()).any(|part| part == line)
    };
    case.announcements.iter().any(|announcement| is_part(&announcement.text))
}

/// How many of the cues may be answered.
fn questions(case: &Case, take: &Take) -> usize {
    let asks = |id: &String| {
        case.expect.get(id).is_none_or(|expected| {
            expected.outcomes.is_empty()
                || expected.outcomes.contains(&Expect::Respond)
                || case.may_answer(expected)
        })
    };
    take.fired.iter().filter(|fired| asks(&fired.id)).count()
}

/// When the agent says that it has given up a reply, in ms: those that it resumes are left out.
pub(super) fn given_up(take: &Take) -> Vec<f64> {
    let reply = |notice: &Notice| notice.detail.split(':').next().map(str::to_owned);
    let decisions = &take.report.decisions;
    let goes_on = |index: usize, cut: &Notice| {
        let later = &decisions[index..];
        later.iter().any(|it| it.kind == "resume" && reply(it) == reply(cut))
    };
    let cuts = decisions.iter().enumerate().filter(|(_, notice)| notice.kind == "cancel");
    cuts.filter(|(index, cut)| !goes_on(*index, cut)).map(|(_, cut)| cut.at_ms as f64).collect()
}

/// Counts how often the assistant fell silent while it heard nothing but its echo.
pub(super) fn echo(
    case: &Case,
    user: &[Span],
    fine: &[Span],
    announced: &[Span],
    take: &Take,
    observations: &mut Vec<Observation>,
    problems: &mut Vec<String>,
) {
    if case.room.echo_db.is_none() {
        return;
    }
    let spoke: f64 = fine.iter().map(|span| span.end - span.start).sum();
    let alone = |cut: f64, again: f64| !heard(user, cut - REASON, again);
    let breaks = fine.windows(2).filter(|pair| {
        let (cut, again) = (pair[0].end, pair[1].start);
        // What it was told to say was to begin somewhere.
        let is_told = announced.iter().any(|span| (span.start - again).abs() < EDGE);
        (BREAK..LONGEST_BREAK).contains(&(again - cut)) && alone(cut, again) && !is_told
    });
    let mut falls = breaks.count();
    // The last line that it reports of itself ends in the middle of a sentence, and nobody had
    // spoken or hung up.
    if let (Some(reported), Some(last)) = (lines(take, Speaker::Assistant).last(), fine.last()) {
        let told = |text: &str| words::normalise(text) == words::normalise(reported);
        let ends = reported.trim_end().ends_with(['.', '!', '?', '…', '"', '”'])
            || case.announcements.iter().any(|announcement| told(&announcement.text));
        let call_end = take.user.len() as f64 * 1_000.0 / f64::from(take.rate.max(1));
        let hung_up = call_end - last.end < BREAK;
        falls += usize::from(
            !ends && !reported.is_empty() && !hung_up && alone(last.end, f64::INFINITY),
        );
    }
    observations.push(Observation::call(
        Metric::SelfInterruption,
        falls as f64,
        spoke / MS_PER_HOUR,
    ));
    if falls > 0 {
        problems.push(format!("fell silent {falls} times while nobody spoke"));
    }
}

/// Speech that it was not told to say, in a call in which nobody says anything.
pub(super) fn unasked(
    case: &Case,
    assistant: &[Span],
    announced: &[Span],
    observations: &mut Vec<Observation>,
    problems: &mut Vec<String>,
) {
    if !is_silent(case) {
        return;
    }
    let spoke = assistant.iter().any(|span| !announced.contains(span));
    observations.push(Observation::call(Metric::SpuriousResponse, f64::from(u8::from(spoke)), 1.0));
    if spoke {
        problems.push("spoke without being addressed".to_owned());
    }
}

/// Compares what the agent reports to have understood with what the user said.
pub(super) fn understood(
    case: &Case,
    take: &Take,
    observations: &mut Vec<Observation>,
    problems: &mut Vec<String>,
) {
    if take.report.transcript.is_empty() {
        return;
    }
    let reported = lines(take, Speaker::User);
    let whole: Vec<String> =
        take.report.transcript.iter().flat_map(|line| words::normalise(&line.text)).collect();
    for fired in take.fired.iter().filter(|fired| fired.span.is_some()) {
        let Some(expectation) = case.expect.get(&fired.id) else { continue };
        // What it rightly ignores need not be in its transcript.
        let is_meant = !expectation.outcomes.contains(&Expect::Ignore);
        if is_meant && !expectation.text.is_empty() && !reported.is_empty() {
            let rate = words::best_error_rate(&expectation.text, &reported);
            observations.push(Observation::of(Metric::WordErrors, &fired.id, rate));
        }
        for wanted in &expectation.words {
            let wanted_words = words::normalise(wanted);
            let all_said = wanted_words.iter().all(|word| whole.contains(word));
            if !all_said {
                problems.push(format!("{}: the transcript lacks {wanted:?}", fired.id));
            }
        }
    }
}

/// Whether the transcript contains what was audible of the assistant.
pub(super) fn truncation(
    assistant: &[Span],
    take: &Take,
    recognise: &mut Recogniser<'_>,
    observations: &mut Vec<Observation>,
) {
    let reported = lines(take, Speaker::Assistant);
    if reported.is_empty() {
        return;
    }
    let mut parts: Vec<Span> = Vec::new();
    for span in assistant {
        match parts.last_mut() {
            Some(last) if span.start - last.end < TOGETHER => last.end = span.end,
            _ => parts.push(*span),
        }
    }
    let sounds = parts.iter().map(|part| (part.start - MARGIN, part.end + MARGIN));
    let words: Option<Vec<String>> =
        sounds.map(|(from, to)| recognise(&at_session_rate(take, from, to))).collect();
    let Some(words) = words else { return };
    let correct = words::truncation(&reported, &words.join(" ")).is_correct();
    observations.push(Observation::call(
        Metric::TruncationCorrect,
        f64::from(u8::from(correct)),
        1.0,
    ));
}
