//! `junit.xml`, for build servers: a suite for each category, a test for each call.

use std::{collections::BTreeMap, time::Duration};

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{CaseResult, SuiteRun, Verdict};

pub(super) fn xml(run: &SuiteRun) -> Result<String, SerializeError> {
    let mut suites: BTreeMap<_, Vec<TestCase>> = BTreeMap::new();
    for result in &run.results {
        suites.entry(result.category).or_default().push(test(result));
    }
    let mut report = Report::new(format!("duplex: {}", run.agent));
    report.set_time(run.wall);
    for (category, tests) in suites {
        let mut suite = TestSuite::new(category.as_str());
        suite.add_test_cases(tests);
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn test(result: &CaseResult) -> TestCase {
    let status = match result.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Invalid => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(result.reason.as_str());
            status
        }
        // As test runners report what is expected to fail.
        Verdict::Failed if let Some(issue) = &result.known_issue => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("known issue: {issue}; {}", result.reason));
            status
        }
        Verdict::Failed | Verdict::Broken => {
            let broken = result.verdict == Verdict::Broken;
            let kind = if broken { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(result.reason.as_str());
            status
        }
    };
    let name = match result.repetition {
        1 => result.id.clone(),
        repetition => format!("{} ({repetition})", result.id),
    };
    let mut test = TestCase::new(name, status);
    test.set_classname(result.category.as_str());
    test.set_time(Duration::from_secs_f64(result.length_ms / 1000.0));
    if let Some(audio) = &result.audio {
        test.set_system_out(format!("audio: {}", audio.display()));
    }
    test
}
