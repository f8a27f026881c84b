//! Duplex in this process, tested like any other agent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod engine;

use std::path::Path;

use duplex_audio::{
    Acoustics,
    room::{Anchor, Cue, Room, RoomOptions, Sound},
};
use duplex_core::{Samples, Speaker};
use duplex_harness::{
    agent::{Agent as _, AgentReport, Clock, Local},
    report::Expect,
    script::script,
    suite::{CueTime, Options, Verdict, run},
};
use duplex_runtime::{CallOptions, Charges, Stop, replay};

fn room(clip: &str) -> Box<dyn Acoustics> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech");
    let sound = Sound::read(folder.join(clip)).unwrap();
    let anchor = Anchor::Start(Samples::from_millis(300));
    let cue = Cue::new("user", sound, anchor);
    Box::new(Room::new(RoomOptions::default(), vec![cue], None).unwrap().0)
}

fn said(report: &AgentReport, by: Speaker) -> String {
    let lines = report.transcript.iter().filter(|line| line.speaker == by);
    lines.map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_virtual_call_reports_both_sides_and_no_clock() {
    let agent =
        Local::new("duplex", engine::engine(1), CallOptions::default, Some(Charges::default()));
    let report = agent.call(room("q01.flac"), &Stop::default()).unwrap();
    assert!(said(&report, Speaker::User).contains("capital of France"), "{report:?}");
    assert!(!said(&report, Speaker::Assistant).is_empty(), "{report:?}");
    assert_eq!(report.clock, Clock::default());
}

#[test]
fn words_are_whole_where_a_long_turn_is_cut_to_be_recognised() {
    let agent =
        Local::new("duplex", engine::engine(1), CallOptions::default, Some(Charges::default()));
    let report = agent.call(room("handed/seam.flac"), &Stop::default()).unwrap();
    let said = said(&report, Speaker::User);
    assert!(said.contains("all the way down to the coast in an old green"), "{said}");
}

#[test]
fn a_text_that_it_is_told_to_say_is_heard_before_the_question() {
    let question = Sound::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/q01.flac"));
    let case = script("told")
        .announcing(0.5, "Welcome to the museum of clocks.")
        .then_after_quiet(0.8, question.unwrap())
        .answered()
        .case();
    let folder = tempfile::tempdir().unwrap();
    let (engine, charges) = (engine::engine(1), Some(Charges::default()));
    let agent = Local::new("duplex", engine, CallOptions::default, charges);
    let options = Options { keep_journals: true, ..Options::new(folder.path()) };
    let run = run(&[case], &agent, &options, None, &mut |_| {}).unwrap();
    let [result] = run.results.as_slice() else { panic!("{run:?}") };
    assert_eq!(result.verdict, Verdict::Passed, "{}", result.reason);
    let said: Vec<_> = result.transcript.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(said[0], "Welcome to the museum of clocks.", "{said:?}");
    assert!(said[1].contains("capital of France"), "{said:?}");

    // The journal that was kept is that call, and the list beside it says when the cue was played.
    let journal = folder.path().join(result.journal.as_ref().unwrap());
    let (events, difference) = replay(&journal).unwrap();
    assert!(events > 100 && difference.is_none(), "{events} events, {difference:?}");
    let list = std::fs::read_to_string(journal.with_extension("cues.jsonl")).unwrap();
    let cues: Vec<CueTime> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [cue] = cues.as_slice() else { panic!("{list}") };
    assert_eq!((cue.case.as_str(), cue.cue.as_str(), cue.repetition), ("told", "cue1", 1));
    assert_eq!(cue.expect, [Expect::Respond]);
    let (began, ended) = (cue.began.unwrap(), cue.ended.unwrap());
    assert_eq!(
        (began.as_millis() as f64, ended.as_millis() as f64),
        (result.said[0].0, result.said[0].1)
    );
    assert_eq!(cue.user_ended, Some(ended));
}

#[test]
fn one_stop_is_for_all_calls_and_a_call_that_ends_does_not_set_it() {
    let agent =
        Local::new("duplex", engine::engine(1), CallOptions::default, Some(Charges::default()));
    let stop = Stop::default();
    let first = agent.call(room("q01.flac"), &stop).unwrap();
    assert!(!stop.is_stopped());
    assert_eq!(agent.call(room("q01.flac"), &stop).unwrap(), first);
    stop.stop();
    let report = agent.call(room("q01.flac"), &stop).unwrap();
    assert!(report.transcript.is_empty(), "{report:?}");
}

#[test]
fn a_call_in_real_time_is_stopped_in_its_middle() {
    let agent = Local::new("duplex", engine::engine(1), CallOptions::default, None);
    let stop = Stop::default();
    /// Stops the call from within, after a second of it.
    struct Leaving(Box<dyn Acoustics>, u32, Stop);
    impl Acoustics for Leaving {
        fn exchange(
            &mut self,
            playout: &[f32; duplex_audio::PLAYOUT_FRAME],
            microphone: &mut [f32; duplex_audio::MICROPHONE_FRAME],
        ) -> duplex_audio::Scene {
            self.1 += 1;
            if self.1 == 100 {
                self.2.stop();
            }
            assert!(self.1 <= 100, "the call went on");
            self.0.exchange(playout, microphone)
        }
    }
    let leaving = Leaving(room("q01.flac"), 0, stop.clone());
    let report = agent.call(Box::new(leaving), &stop).unwrap();
    assert_eq!(report.clock.frames, 100, "frames were not timed");
}
