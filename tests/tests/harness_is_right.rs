//! The harness, tested against an agent whose delays and faults are known: every figure is within
//! 20 ms, every fault is found, and a fault moves no figure that it has nothing to do with.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod known_cases;

use std::collections::{BTreeMap, BTreeSet};

use duplex_audio::room::Anchor;
use duplex_core::Samples;
use duplex_harness::{
    agent::simulated::{
        Fault, Simulated,
        code::{Meaning, recognise, say},
    },
    case::{Announcement, Case, Category},
    measure::{
        Observation,
        estimate::Statistic,
        metric::{Kind, Metric},
        sides::BREATH,
    },
    report::Expect::{Ignore, Respond, Stop, Wait},
    suite::{Options, SuiteReport, SuiteRun, Verdict, run},
};
use known_cases::{Script, after_speaking, case, cases, cue, question};
use proptest::prelude::*;

const TOLERANCE_MS: f64 = 20.0;

fn run_set(cases: &[Case], agent: &Simulated) -> (SuiteRun, SuiteReport) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { jobs: 2, ..Options::new(folder.path()) };
    let mut read = |sound: &[f32]| recognise(sound);
    let run = run(cases, agent, &options, Some(&mut read), &mut |_| {}).unwrap();
    let report = SuiteReport::of(&run);
    (run, report)
}

/// The value of each metric over all cases: the median of durations.
fn values(report: &SuiteReport) -> BTreeMap<Metric, f64> {
    let central = |metric: Metric| match metric.kind() {
        Kind::Duration => Statistic::P50,
        Kind::Rate => Statistic::Rate,
        Kind::Mean => Statistic::Mean,
        Kind::PerHour => Statistic::PerHour,
    };
    let value =
        |metric: &Metric| Some((*metric, report.overall.figure(*metric, central(*metric))?.value));
    Metric::ALL.iter().filter_map(value).collect()
}

fn assert_close(measured: Option<f64>, expected: f64, what: &str) {
    let measured = measured.unwrap_or_else(|| panic!("no {what}"));
    assert!((measured - expected).abs() <= TOLERANCE_MS, "{what}: {measured} for {expected}");
}

/// Every duration that was observed, by metric.
fn durations(run: &SuiteRun, metric: Metric) -> Vec<f64> {
    let observed = run.results.iter().flat_map(|result| &result.measured.observations);
    observed.filter(|o| o.metric == metric).map(|o| o.value).collect()
}

#[test]
fn a_faultless_agent_meets_every_expectation() {
    let (run, report) = run_set(&cases(), &Simulated::default());
    for result in &run.results {
        assert_eq!(result.verdict, Verdict::Passed, "{}: {}", result.id, result.reason);
    }
    assert!(report.passed);
    for (metric, value) in values(&report) {
        match metric.kind() {
            Kind::Rate => {
                assert_eq!(value, f64::from(u8::from(metric.more_is_better())), "{metric:?}")
            }
            Kind::PerHour => assert_eq!(value, 0.0, "{metric:?}"),
            Kind::Mean | Kind::Duration => {}
        }
    }
    let unmeasured: Vec<_> =
        Metric::ALL.iter().filter(|metric| !values(&report).contains_key(metric)).collect();
    assert_eq!(unmeasured, [&Metric::WrongCutResumed], "nothing was cut");
}

#[test]
fn known_delays_are_measured_to_twenty_milliseconds() {
    for (answers, stops) in [(700, 380), (250, 120), (1_500, 900), (2_600, 40)] {
        let agent =
            Simulated { answers_after_ms: answers, stops_after_ms: stops, ..Simulated::default() };
        let (run, report) = run_set(&cases(), &agent);
        for metric in [Metric::ResponseLatency, Metric::InterruptionResponse, Metric::FirstAudio] {
            let observed = durations(&run, metric);
            assert!(!observed.is_empty(), "{metric:?}");
            for value in observed {
                assert_close(Some(value), answers as f64, metric.title());
            }
        }
        for metric in [Metric::StopLatency, Metric::YieldLatency] {
            let observed = durations(&run, metric);
            assert_eq!(observed.len(), 2, "an interruption and a command");
            for value in observed {
                assert_close(Some(value), stops as f64, metric.title());
            }
        }
        // Both speak from each of the four sounds in the reply until it stops, or the sound ends.
        let overlap =
            (500.0 + 300.0 + (stops as f64).min(1_000.0) + (stops as f64).min(600.0)) / 10.0;
        assert_close(values(&report).get(&Metric::Overlap).copied(), overlap, "overlap");
    }
}

/// Which figures a fault moves away from those of the faultless agent.
fn moved(fault: Fault) -> (BTreeSet<Metric>, SuiteReport) {
    let (_, sound) = run_set(&cases(), &Simulated::default());
    let (_, faulty) = run_set(&cases(), &Simulated::default().with(fault));
    let (before, after) = (values(&sound), values(&faulty));
    let differs = |metric: &&Metric| match (before.get(metric), after.get(metric)) {
        (Some(a), Some(b)) => {
            let tolerance = if metric.kind() == Kind::Rate { 1e-9 } else { TOLERANCE_MS };
            (a - b).abs() > tolerance
        }
        (a, b) => a.is_some() != b.is_some(),
    };
    (Metric::ALL.iter().filter(differs).copied().collect(), faulty)
}

/// The fault fails the cases named, and moves the figures named beside those that count failures.
fn assert_found(fault: Fault, failed: &[&str], figures: &[Metric]) {
    let (moved, report) = moved(fault);
    let failing = report.cases.iter().filter(|case| case.verdict == Verdict::Failed);
    assert_eq!(failing.map(|case| case.id.as_str()).collect::<Vec<_>>(), failed, "{fault:?}");
    let mut expected: BTreeSet<Metric> = figures.iter().copied().collect();
    if !failed.is_empty() {
        expected.insert(Metric::CasesPassed);
    }
    let counted = Metric::Expectations;
    assert_eq!(
        moved.iter().filter(|metric| **metric != counted).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>(),
        "{fault:?}"
    );
}

#[test]
fn an_agent_that_stops_for_coughs_is_found() {
    use Metric::*;
    assert_found(
        Fault::StopsForCoughs,
        &["noise/cough"],
        &[Selectivity, FalseBargeIn, ResumeCorrect, WrongCutResumed],
    );
}

#[test]
fn an_agent_that_stops_for_backchannels_is_found() {
    use Metric::*;
    assert_found(
        Fault::StopsForAttention,
        &["backchannel/one"],
        // Where the reply stops for good there is no hole in it.
        &[
            Selectivity,
            FalseBargeIn,
            ResumeCorrect,
            BackchannelResume,
            BackchannelHole,
            WrongCutResumed,
        ],
    );
}

#[test]
fn an_agent_that_talks_over_pauses_is_found() {
    use Metric::*;
    // It speaks into the pause, and on when the user does, until it stops: a premature answer that is
    // over before the answer that is due. It lasts less than a second: no takeover by the definition
    // of Full-Duplex-Bench, but both sides speak at once.
    assert_found(Fault::TalksOverPauses, &["pause/second"], &[TalkOver, PrematureAnswer, Overlap]);
}

#[test]
fn whoever_speaks_for_a_second_into_a_pause_has_taken_the_turn() {
    let slow = Simulated { stops_after_ms: 900, ..Simulated::default() };
    assert_eq!(values(&run_set(&cases(), &slow).1)[&Metric::PauseTakeover], 0.0);
    let (_, report) = run_set(&cases(), &slow.with(Fault::TalksOverPauses));
    assert_eq!(values(&report)[&Metric::PauseTakeover], 1.0);
    assert_eq!(values(&report)[&Metric::PrematureAnswer], 1.0);
}

#[test]
fn an_agent_that_never_answers_is_found() {
    use Metric::*;
    // All cases in which a question is asked. Cues that wait for the answer never come, and are
    // observed nowhere.
    assert_found(
        Fault::NeverAnswers,
        &[
            "turn/question",
            "pause/second",
            "backchannel/one",
            "noise/cough",
            "interruption/question",
            "stop/command",
            "echo/reply",
            "turn/hung-up",
        ],
        &[
            Takeover,
            ResponseRate,
            ResponseLatency,
            InterruptionResponse,
            FirstAudio,
            StopLatency,
            YieldRate,
            YieldLatency,
            StopSilence,
            FalseBargeIn,
            ResumeCorrect,
            BackchannelResume,
            BackchannelHole,
            SelfInterruption,
            Overlap,
            TruncationCorrect,
        ],
    );
}

#[test]
fn an_agent_that_never_stops_is_found() {
    use Metric::*;
    assert_found(
        Fault::NeverStops,
        &["interruption/question", "stop/command"],
        &[
            Takeover,
            ResponseRate,
            InterruptionResponse,
            StopLatency,
            YieldRate,
            YieldLatency,
            StopSilence,
            Overlap,
        ],
    );
}

#[test]
fn an_agent_that_reports_more_than_was_heard_is_found() {
    let (moved, report) = moved(Fault::TellsTooMuch);
    assert_eq!(moved, BTreeSet::from([Metric::TruncationCorrect]));
    // The calls in which a reply is cut off, because the user interrupts or hangs up.
    let wrong = report.cases.iter().filter(|case| {
        let is_truncation = |o: &&Observation| o.metric == Metric::TruncationCorrect;
        case.observations.iter().find(is_truncation).is_some_and(|o| o.value == 0.0)
    });
    let wrong: Vec<&str> = wrong.map(|case| case.id.as_str()).collect();
    assert_eq!(wrong, ["interruption/question", "stop/command", "turn/hung-up"]);
}

#[test]
fn an_agent_that_starts_over_is_found_and_one_that_goes_on_is_not() {
    use Metric::*;
    // A pause is a false barge-in of its own; starting over is not.
    let pauses = Simulated { pauses_for_backchannels: true, ..Simulated::default() };
    let (_, going_on) = run_set(&cases(), &pauses);
    assert_eq!(values(&going_on)[&ResumeCorrect], 1.0);
    assert_eq!(values(&going_on)[&BackchannelResume], 1.0);
    assert_eq!(values(&going_on)[&WrongCutResumed], 1.0);
    // It falls silent 380 ms after the backchannel's first sound, and resumes 300 ms after its last, 500 ms later.
    assert_close(values(&going_on).get(&BackchannelHole).copied(), 420.0, "hole");
    let (_, over) = run_set(&cases(), &pauses.clone().with(Fault::StartsOver));
    assert_eq!(values(&over)[&ResumeCorrect], 0.5, "of a backchannel and a cough");
    let failed = over.cases.iter().find(|case| case.id == "backchannel/one").unwrap();
    assert_eq!(failed.events.last().unwrap().outcome, "started over");
    let (before, after) = (values(&going_on), values(&over));
    let moved: Vec<Metric> = before
        .iter()
        .filter(|(metric, value)| (after[metric] - **value).abs() > 1e-9)
        .map(|(metric, _)| *metric)
        .collect();
    // What is said twice is heard twice, and reported once.
    assert_eq!(
        moved,
        [CasesPassed, Expectations, ResumeCorrect, WrongCutResumed, TruncationCorrect]
    );
}

#[test]
fn an_agent_that_speaks_after_a_stop_command_is_found() {
    assert_found(Fault::SpeaksAfterStop, &["stop/command"], &[Metric::StopSilence]);
}

#[test]
fn an_agent_that_speaks_in_silence_is_found() {
    use Metric::*;
    let (moved, report) = moved(Fault::SpeaksUnasked);
    let silence = report.cases.iter().find(|case| case.id == "silence/nobody").unwrap();
    assert_eq!(silence.verdict, Verdict::Failed);
    // What it says then lasts beyond the aside, which is no spurious response: it was speaking. The
    // first question of a call speaks over it.
    assert_eq!(values(&report)[&SpuriousResponse], 1.0);
    assert_eq!(moved, BTreeSet::from([CasesPassed, SpuriousResponse, Overlap]));
}

#[test]
fn an_agent_that_answers_what_is_said_to_others_is_found() {
    use Metric::*;
    assert_found(Fault::AnswersAsides, &["to-others/aside"], &[Selectivity, SpuriousResponse]);
}

#[test]
fn an_agent_that_interrupts_itself_is_found() {
    use Metric::*;
    let (moved, report) = moved(Fault::InterruptsItself);
    let echo = report.cases.iter().find(|case| case.id == "echo/reply").unwrap();
    assert_eq!(echo.verdict, Verdict::Failed);
    // Once in the 24 words of a reply, 300 ms each.
    let per_hour = 3_600.0 / (24.0 * 0.3);
    let measured = values(&report)[&SelfInterruption];
    assert!((measured / per_hour - 1.0).abs() < 0.02, "{measured} for {per_hour}");
    // It falters at 1.8 s: after the user has interrupted at 1.5 or 1.7 s, so that it stops sooner, and
    // before the sounds at 2 s, which then fall between sentences and try nothing.
    let sooner = [StopLatency, YieldLatency, Overlap];
    let untried = [BackchannelResume, BackchannelHole, ResumeCorrect, FalseBargeIn];
    let expected: BTreeSet<Metric> =
        [CasesPassed, SelfInterruption].into_iter().chain(sooner).chain(untried).collect();
    assert_eq!(moved, expected);
}

/// A case in which the agent is told to say five words, before its cues or later.
fn announcing(id: &str, category: Category, at_ms: u64, cues: Vec<Script<'_>>) -> Case {
    let mut case = case(id, category, cues);
    let at = Samples::from_millis(at_ms);
    case.announcements = vec![Announcement { at, text: FIVE_WORDS.to_owned() }];
    case.room.first_words_within_ms = at_ms + 5_000;
    case
}

const FIVE_WORDS: &str = "Amber, birch, cloud, delta, ember.";

#[test]
fn what_the_agent_is_told_to_say_is_heard_and_is_no_answer_and_no_fault() {
    let quiet = || Anchor::Quiet(Samples::from_millis(800));
    let told = [
        // It is heard first, then the question is asked and answered.
        announcing(
            "turn/told-first",
            Category::Turn,
            600,
            vec![cue(Meaning::Question, 1_200, quiet(), &[Respond])],
        ),
        // Told between the question and its answer, and long after a cough.
        announcing("turn/told-later", Category::Turn, 10_000, vec![question()]),
        announcing(
            "noise/told-later",
            Category::Noise,
            3_000,
            vec![cue(Meaning::Cough, 300, Anchor::Start(Samples::from_millis(1_000)), &[Ignore])],
        ),
        announcing("silence/told", Category::Silence, 500, Vec::new()),
        // What it was told to say is what the user speaks into.
        announcing(
            "interruption/told",
            Category::Interruption,
            600,
            vec![cue(Meaning::Interruption, 1_000, after_speaking(700), &[Stop, Respond])],
        ),
    ];
    let (run, report) = run_set(&told, &Simulated::default());
    for result in &run.results {
        assert_eq!(result.verdict, Verdict::Passed, "{}: {}", result.id, result.reason);
        let said = result.transcript.iter().any(|line| line.text.starts_with("amber birch"));
        assert!(said, "{}: {:?}", result.id, result.transcript);
    }
    // Five words of 300 ms from 600 ms on, and 800 ms of quiet.
    let (asked, ..) = run.results[0].said[0];
    assert_close(Some(asked), 600.0 + 5.0 * 300.0 + 800.0, "the question");
    for value in durations(&run, Metric::ResponseLatency) {
        assert_close(Some(value), 700.0, "response latency");
    }
    assert_eq!(durations(&run, Metric::StopLatency).len(), 1);
    for metric in [Metric::TalkOver, Metric::SpuriousResponse] {
        assert_eq!(values(&report)[&metric], 0.0, "{metric:?}");
    }
    assert_eq!(values(&report)[&Metric::Selectivity], 1.0);

    // It excuses nothing else: the same faults are found.
    let (_, unasked) = run_set(&told, &Simulated::default().with(Fault::SpeaksUnasked));
    assert!(unasked.cases.iter().any(|case| case.id == "silence/told" && !case.reason.is_empty()));
    let (_, mute) = run_set(&told, &Simulated::default().with(Fault::NeverAnswers));
    let answered: Vec<&str> = mute
        .cases
        .iter()
        .filter(|case| case.verdict == Verdict::Passed)
        .map(|case| case.id.as_str())
        .collect();
    assert_eq!(answered, ["noise/told-later", "silence/told"]);
}

#[test]
fn what_others_say_after_the_user_is_no_part_of_the_turn() {
    // A question, and 900 ms later two seconds of other voices, which the agent takes no notice of.
    let sound =
        say(Meaning::Question, 1_200).then(Samples::from_millis(900), &say(Meaning::Aside, 2_000));
    let start = Anchor::Start(Samples::from_millis(1_500));
    let question = (Meaning::Question, sound, start, &[Wait, Respond] as &[_]);
    let follows =
        cue(Meaning::Question, 1_000, Anchor::Quiet(Samples::from_millis(800)), &[Respond]);
    let mut room = case("turn/others", Category::Turn, vec![question, follows]);
    let agent = Simulated { words: 12, ..Simulated::default() };
    let (_, report) = run_set(&[room.clone()], &agent);
    assert!(!report.passed, "without user_ms the agent talks over the user");

    room.cues[0].user_until = Some(Samples::from_millis(1_250));
    let (run, report) = run_set(&[room], &agent);
    assert_eq!(run.results[0].verdict, Verdict::Passed, "{}", run.results[0].reason);
    let latencies = durations(&run, Metric::ResponseLatency);
    assert_eq!(latencies.len(), 2);
    for latency in latencies {
        assert_close(Some(latency), 700.0, "response latency");
    }
    for metric in [Metric::TalkOver, Metric::Overlap] {
        assert_eq!(values(&report)[&metric], 0.0, "{metric:?}");
    }
    assert_eq!(values(&report).get(&Metric::PrematureAnswer), None, "there is no gap");
    // The second question follows the answer: 3.6 s from 3.4 s on, and 800 ms of quiet.
    assert_close(Some(run.results[0].said[1].0), 3_400.0 + 3_600.0 + 800.0, "the next question");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_delay_is_measured_to_twenty_milliseconds(
        answers in 210u64..3_000,
        stops in 30u64..1_300,
        length in 30u64..200,
        speaking in 50u64..400,
    ) {
        let agent = Simulated {
            answers_after_ms: answers,
            stops_after_ms: stops,
            ..Simulated::default()
        };
        let (length, speaking) = (length * 10, speaking * 10);
        // The answer is distinct from the reply that stops: they are further apart than a breath,
        // or the user ends between them.
        let distinct_by_end = length >= stops + TOLERANCE_MS as u64;
        let distinct_by_gap = length + answers >= stops + BREATH as u64 + TOLERANCE_MS as u64;
        prop_assume!(distinct_by_end || distinct_by_gap);
        let cases = [case(
            "any",
            Category::Interruption,
            vec![
                question(),
                cue(Meaning::Interruption, length, after_speaking(speaking), &[Stop, Respond]),
            ],
        )];
        let (run, _) = run_set(&cases, &agent);
        prop_assert_eq!(run.results[0].verdict, Verdict::Passed, "{}", &run.results[0].reason);
        let one = |metric| durations(&run, metric).first().copied().unwrap_or(f64::NAN);
        prop_assert!((one(Metric::ResponseLatency) - answers as f64).abs() <= TOLERANCE_MS);
        prop_assert!((one(Metric::InterruptionResponse) - answers as f64).abs() <= TOLERANCE_MS);
        prop_assert!((one(Metric::StopLatency) - stops as f64).abs() <= TOLERANCE_MS);
    }
}
