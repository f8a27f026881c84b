//! What a set does when calls go wrong, and the files that it writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod known_cases;

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use duplex_audio::{Acoustics, Clip, MICROPHONE_FRAME, PLAYOUT_FRAME};
use duplex_core::Samples;
use duplex_harness::{
    agent::{
        Agent, AgentError, AgentReport, Clock,
        simulated::{Fault, Simulated},
    },
    case::{Announcement, Case, Split},
    suite::{
        ChangeVerdict, Options, ReadError, SuiteReport, SuiteRun, Verdict, beside, changes,
        compare, picture, run, table,
    },
};
use duplex_runtime::Stop;
use known_cases::cases;

/// Does to one call what a test wants, and leaves the others to the simulated agent.
struct Unlucky<F> {
    call: AtomicUsize,
    number: usize,
    does: F,
}

impl<F: Fn(Box<dyn Acoustics>) -> Result<AgentReport, AgentError> + Sync> Agent for Unlucky<F> {
    fn name(&self) -> String {
        "unlucky".to_owned()
    }

    fn call(&self, room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError> {
        if self.call.fetch_add(1, Ordering::Relaxed) == self.number {
            return (self.does)(room);
        }
        Simulated::default().call(room, stop)
    }
}

fn unlucky(
    number: usize,
    does: impl Fn(Box<dyn Acoustics>) -> Result<AgentReport, AgentError> + Sync,
) -> impl Agent {
    Unlucky { call: AtomicUsize::new(0), number, does }
}

fn run_set(agent: &dyn Agent, folder: &Path) -> SuiteRun {
    run(&cases(), agent, &Options::new(folder), None, &mut |_| {}).unwrap()
}

fn recordings(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("audio")).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_broken_call_fails_its_case_and_the_others_still_run() {
    let folder = tempfile::tempdir().unwrap();
    let agent = unlucky(2, |mut room| {
        for _ in 0..50 {
            room.exchange(&[0.0; PLAYOUT_FRAME], &mut [0.0; MICROPHONE_FRAME]);
        }
        Err(AgentError::Broken("half a frame".to_owned()))
    });
    let run = run_set(&agent, folder.path());
    let verdicts: Vec<Verdict> = run.results.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts.len(), cases().len());
    assert_eq!(verdicts[2], Verdict::Broken);
    assert_eq!(
        verdicts.iter().filter(|verdict| **verdict == Verdict::Passed).count(),
        verdicts.len() - 1
    );
    assert!(run.results[2].reason.contains("half a frame"), "{}", run.results[2].reason);
    assert!(!run.passed());
    let report = SuiteReport::of(&run);
    assert_eq!(
        (report.overall.counts.broken, report.overall.counts.passed),
        (1, cases().len() - 1)
    );
}

#[test]
fn a_call_that_breaks_before_its_first_frame_fails_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let agent = unlucky(0, |_| Err(AgentError::Broken("hung up".to_owned())));
    assert_eq!(run_set(&agent, folder.path()).results[0].verdict, Verdict::Broken);
}

#[test]
fn an_agent_that_ends_a_call_early_has_missed_the_rest_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let agent = unlucky(4, |mut room| {
        for _ in 0..300 {
            room.exchange(&[0.0; PLAYOUT_FRAME], &mut [0.0; MICROPHONE_FRAME]);
        }
        Ok(AgentReport::default())
    });
    let run = run_set(&agent, folder.path());
    assert_eq!(run.results[4].verdict, Verdict::Failed);
    assert!(run.results[4].reason.contains("never came"), "{}", run.results[4].reason);
    assert_eq!(run.results[4].measured.events.len(), 3, "what was expected of both of its cues");
}

/// A set whose case with this number has a known issue.
fn with_known_issue(number: usize, agent: &dyn Agent, folder: &Path) -> SuiteRun {
    let mut cases = cases();
    cases[number].known_issue = Some("it hangs up".to_owned());
    run(&cases, agent, &Options::new(folder), None, &mut |_| {}).unwrap()
}

#[test]
fn a_case_that_fails_as_it_is_known_to_is_told_and_does_not_fail_the_set() {
    let folder = tempfile::tempdir().unwrap();
    let hangs_up = || {
        unlucky(4, |mut room| {
            for _ in 0..300 {
                room.exchange(&[0.0; PLAYOUT_FRAME], &mut [0.0; MICROPHONE_FRAME]);
            }
            Ok(AgentReport::default())
        })
    };
    let run = with_known_issue(4, &hangs_up(), folder.path());
    assert!(run.passed());
    let report = run.write(folder.path()).unwrap();
    let counts = report.overall.counts;
    assert_eq!((counts.failed, counts.known, counts.passed), (1, 1, cases().len() - 1));
    let told = table(&report);
    assert!(told.contains("(known: it hangs up)"), "{told}");
    assert!(told.contains("1 failed (1 of them known)"), "{told}");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains(r#"failures="0""#) && junit.contains("known issue: it hangs up"));
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(page.contains("1 failed (1 known)"));

    // Any other case that fails still does.
    assert!(!with_known_issue(3, &hangs_up(), folder.path()).passed());
}

#[test]
fn a_case_that_passes_in_spite_of_its_known_issue_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = with_known_issue(4, &Simulated::default(), folder.path());
    let told = table(&SuiteReport::of(&run));
    let line = told.lines().find(|line| line.contains(&run.results[4].id)).unwrap();
    assert!(run.passed() && line.starts_with("passed") && line.contains("known_issue"), "{told}");
}

#[test]
fn a_known_issue_excuses_no_call_that_the_agent_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = unlucky(4, |_| Err(AgentError::Broken("half a frame".to_owned())));
    assert!(!with_known_issue(4, &breaks, folder.path()).passed());
}

#[test]
fn an_agent_that_cannot_be_reached_ends_the_set_and_what_ran_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let agent = unlucky(3, |_| Err(AgentError::Unreachable("connection refused".to_owned())));
    let run = run_set(&agent, folder.path());
    assert_eq!(run.unreachable.as_deref(), Some("connection refused"));
    assert_eq!(run.results.len(), 3);
    assert!(!run.passed());
}

#[test]
fn a_call_in_which_the_machine_was_late_counts_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let agent = unlucky(0, |room| {
        let report = Simulated { answers_after_ms: 1_900, ..Simulated::default() }
            .call(room, &Stop::default())?;
        let clock = Clock { frames: 1_000, late_frames: 40, worst_ms: 60.0 };
        Ok(AgentReport { clock, ..report })
    });
    let run = run_set(&agent, folder.path());
    assert_eq!(run.results[0].verdict, Verdict::Invalid);
    assert!(run.results[0].reason.contains("40 of 1000"), "{}", run.results[0].reason);
    let report = SuiteReport::of(&run);
    assert_eq!(report.overall.counts.invalid, 1);
    for figure in &report.overall.figures {
        assert!(figure.metric.title() != "response latency" || figure.high < 800.0, "{figure:?}");
    }
    assert!(run.passed(), "the others passed");
}

#[test]
fn a_call_that_needs_commands_of_an_agent_that_takes_none_is_invalid_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = cases();
    let at = Samples::from_millis(500);
    cases[0].announcements = vec![Announcement { at, text: "Hello.".to_owned() }];
    let agent = unlucky(usize::MAX, |_| Ok(AgentReport::default()));
    let run = run(&cases, &agent, &Options::new(folder.path()), None, &mut |_| {}).unwrap();
    assert_eq!(run.results[0].verdict, Verdict::Invalid);
    assert!(run.results[0].reason.contains("takes no commands"), "{}", run.results[0].reason);
    let report = run.write(folder.path()).unwrap();
    assert_eq!((report.overall.counts.invalid, report.overall.counts.passed), (1, cases.len() - 1));
    assert!(table(&report).contains("invalid turn/question: the agent takes no commands"));
    assert!(recordings(folder.path()).is_empty(), "nothing was recorded");
}

#[test]
fn an_agent_that_keeps_no_journal_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { keep_journals: true, ..Options::new(folder.path()) };
    let run = run(&cases(), &Simulated::default(), &options, None, &mut |_| {}).unwrap();
    assert!(run.results.iter().all(|result| result.journal.is_none()));
    assert_eq!(std::fs::read_dir(folder.path().join("journals")).unwrap().count(), 0);
}

#[test]
fn audio_is_kept_of_failures_and_of_all_where_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let agent = Simulated::default().with(Fault::StopsForCoughs);
    let run_of = |keep_audio| {
        let options = Options { keep_audio, ..Options::new(folder.path()) };
        run(&cases(), &agent, &options, None, &mut |_| {}).unwrap()
    };
    let failures = run_of(false);
    assert_eq!(recordings(folder.path()), ["noise-cough.wav"]);
    let failed = failures.results.iter().find(|result| result.verdict == Verdict::Failed).unwrap();
    let clip = Clip::read(folder.path().join(failed.audio.as_ref().unwrap())).unwrap();
    assert_eq!(clip.channels.len(), 2, "the user and the assistant");
    run_of(true);
    assert_eq!(recordings(folder.path()).len(), cases().len());
}

#[test]
fn repetitions_and_several_calls_at_once_give_the_same_as_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { jobs: 3, repeat: 2, keep_audio: true, ..Options::new(folder.path()) };
    let mut seen = Vec::new();
    let agent = Simulated::default();
    let twice = run(&cases(), &agent, &options, None, &mut |progress| {
        seen.push((progress.done, progress.total, progress.passed, progress.remaining.is_some()));
    })
    .unwrap();
    assert_eq!(recordings(folder.path()).len(), 2 * cases().len());
    let once = run_set(&agent, folder.path());
    for (number, result) in twice.results.iter().enumerate() {
        assert_eq!(result.measured, once.results[number % cases().len()].measured, "{}", result.id);
        assert_eq!(result.repetition, 1 + number / cases().len());
    }
    assert_eq!(seen.last(), Some(&(2 * cases().len(), 2 * cases().len(), Some(true), true)));
    let report = SuiteReport::of(&twice);
    let figure = report.overall.figures.first().unwrap();
    assert_eq!(
        (figure.count, figure.cases),
        (2 * cases().len(), cases().len()),
        "the case is the unit, not the call"
    );
}

#[test]
fn a_set_that_is_stopped_counts_no_call_that_was_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    let run = run(&cases(), &Simulated::default(), &options, None, &mut |progress| {
        if progress.done == 2 {
            options.stop.stop();
        }
    })
    .unwrap();
    assert_eq!(run.results.len(), 2);
}

#[test]
fn the_report_can_be_read_back_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let before = run_set(&Simulated::default(), folder.path()).write(folder.path()).unwrap();
    let read = SuiteReport::read(folder.path().join("report.json")).unwrap();
    assert_eq!(read, before);
    let same = SuiteReport::of(&run_set(&Simulated::default(), folder.path()));
    assert!(compare(&read, &same).iter().all(|change| change.verdict == ChangeVerdict::Same));
    let slow = Simulated { answers_after_ms: 1_200, ..Simulated::default() };
    let slow = SuiteReport::of(&run_set(&slow, folder.path()));
    let compared = compare(&read, &slow);
    let worse: Vec<&str> = compared
        .iter()
        .filter(|change| change.verdict == ChangeVerdict::Worse && change.category.is_none())
        .map(|change| change.current.metric.title())
        .collect();
    assert!(worse.contains(&"response latency"), "{worse:?}");
    assert!(!worse.contains(&"stop latency"), "{worse:?}");
    assert!(compare(&slow, &read).iter().any(|change| change.verdict == ChangeVerdict::Better));
    assert!(changes(&compared).contains("worse"));
    assert!(changes(&compare(&read, &same)).contains("no difference"));
}

#[test]
fn the_splits_stand_below_their_category_and_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let test = |case: Case| Case { id: format!("{}-test", case.id), split: Split::Test, ..case };
    let cases: Vec<Case> =
        cases().into_iter().chain(cases().into_iter().take(2).map(test)).collect();
    let agent = Simulated::default().with(Fault::TalksOverPauses);
    let run = run(&cases, &agent, &Options::new(folder.path()), None, &mut |_| {}).unwrap();
    let report = run.write(folder.path()).unwrap();
    let read = SuiteReport::read(folder.path().join("report.json")).unwrap();
    assert_eq!(
        read.splits[&Split::Test].overall.counts,
        report.splits[&Split::Test].overall.counts
    );
    assert_eq!(report.splits[&Split::Dev].overall.counts.calls, cases.len() - 2);
    assert_eq!(report.splits[&Split::Test].overall.counts.passed, 1);
    assert_eq!(report.cases.last().unwrap().split, Split::Test);

    let table = table(&report);
    let lines: Vec<_> =
        table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let pause = lines.iter().position(|line| line.first() == Some(&"pause")).unwrap();
    let calls: Vec<_> = lines[pause..pause + 3].iter().map(|line| (line[0], line[1])).collect();
    assert_eq!(calls, [("pause", "2"), ("dev", "1"), ("test", "1")], "{table}");
    let all = lines.iter().position(|line| line.first() == Some(&"all")).unwrap();
    let calls: Vec<_> = lines[all..all + 3].iter().map(|line| (line[0], line[1])).collect();
    assert_eq!(calls, [("all", "12"), ("dev", "10"), ("test", "2")], "{table}");
    assert!(lines.iter().any(|line| line.ends_with(&["n", "dev", "test"])), "{table}");

    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert_eq!(page.matches("<small>test</small>").count(), 3, "turn, pause and all");
    assert!(page.contains("pause · test"), "{page}");
}

#[test]
fn a_set_of_one_split_is_not_divided() {
    let folder = tempfile::tempdir().unwrap();
    let report = run_set(&Simulated::default(), folder.path()).write(folder.path()).unwrap();
    assert_eq!(report.splits.keys().collect::<Vec<_>>(), [&Split::Dev]);
    assert!(!table(&report).lines().any(|line| line.starts_with("  dev")));
}

#[test]
fn agents_stand_side_by_side_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Simulated::default().with(Fault::AnswersAsides);
    let mut reports =
        [run_set(&Simulated::default(), folder.path()), run_set(&faulty, folder.path())]
            .map(|run| run.write(folder.path()).unwrap());
    reports[0].agent = "good".to_owned();
    reports[1].agent = "faulty".to_owned();
    let tables = beside(&reports);
    assert!(tables.starts_with("| cases as expected | good | faulty |"), "{tables}");
    let to_others = tables.lines().find(|line| line.starts_with("| to-others |")).unwrap();
    let (good, faulty) = (to_others.find("100.0 %").unwrap(), to_others.rfind(" 0.0 %").unwrap());
    assert!(good < faulty, "{to_others}");
    let drawn = picture(&reports);
    assert!(drawn.contains("good") && drawn.contains("faulty") && drawn.contains("to-others"));
}

#[test]
fn a_report_of_another_version_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, r#"{"schema_version": 999}"#).unwrap();
    let error = SuiteReport::read(&path).unwrap_err();
    assert!(matches!(error, ReadError::Version { found: 999, .. }), "{error}");
    assert!(error.to_string().contains("old.json"), "{error}");
    std::fs::write(&path, "[]").unwrap();
    assert!(matches!(SuiteReport::read(&path).unwrap_err(), ReadError::Format { .. }));
    let missing = folder.path().join("none.json");
    assert!(matches!(SuiteReport::read(missing).unwrap_err(), ReadError::Io { .. }));
}

#[test]
fn the_files_say_what_failed_and_the_page_asks_the_network_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut hostile = cases();
    hostile[3].id = "noise/<script>&\u{1}".to_owned();
    let agent = Simulated::default().with(Fault::StopsForCoughs);
    let run = run(&hostile, &agent, &Options::new(folder.path()), None, &mut |_| {}).unwrap();
    let report = run.write(folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();

    let junit = read("junit.xml");
    let document = roxmltree::Document::parse(&junit).unwrap();
    let failures: Vec<_> =
        document.descendants().filter(|node| node.has_tag_name("failure")).collect();
    assert_eq!(failures.len(), 1);
    assert!(failures[0].attribute("message").unwrap().contains("fell silent"));
    assert_eq!(
        document.descendants().filter(|node| node.has_tag_name("testcase")).count(),
        cases().len()
    );

    let page = read("index.html");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("));
    assert!(!page.contains("<script>"), "the page has no script, nor does an id become one");
    assert!(
        page.contains("src=\"audio/noise--script---.wav\""),
        "the recording is a relative link"
    );
    assert!(folder.path().join("audio/noise--script---.wav").exists());
    assert!(page.len() < 30_000 * hostile.len(), "{} bytes", page.len());

    let table = table(&report);
    assert!(table.contains("9 of 10 passed"), "{table}");
    assert!(table.contains("fell silent"), "{table}");
}
