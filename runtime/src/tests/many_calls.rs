//! Whole calls on threads of their own, on models that answer by rule.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc::{Sender, channel},
    },
    time::Instant,
};

use duplex_audio::ACTIVITY_WINDOW;
use duplex_core::{ConversationEvent, Event, SessionTime, Speaker, UserKind};

use super::{
    PATIENCE, PLAYED,
    fakes::{Fakes, Hook},
    window,
};
use crate::{
    CallOptions, Outcome, SessionStep, Stop,
    call::converse,
    engine::Workers,
    inbox::inbox,
    session_driver::{QUEUE, SessionDriver},
    settings::Settings,
};

/// A call in which the user asks `questions` times and waits for each answer.
fn call(workers: &Workers, questions: usize) -> Outcome {
    let (playout, mut speaker) = duplex_audio::playout(QUEUE);
    let (progress, steps) = channel();
    let observer = Box::new(move |step: SessionStep<'_>| report(&progress, step));
    let driver = SessionDriver::new(CallOptions::default(), playout, observer).unwrap();
    let (inbox, messages) = inbox(64);
    std::thread::scope(|scope| {
        let sound = {
            let inbox = inbox.clone();
            scope.spawn(move || {
                let mut now = 0;
                // Waits until the session has stepped the window, so that session time runs no faster than it.
                let mut step = |speech| {
                    let mut out = [0.0; PLAYED];
                    speaker.fill(&mut out);
                    now += ACTIVITY_WINDOW as u64;
                    let end = SessionTime(now);
                    assert!(inbox.sound(end, window(end, speech)));
                    let mut finished = false;
                    loop {
                        match steps.recv_timeout(PATIENCE).unwrap() {
                            Progress::Window => return finished,
                            Progress::Finished => finished = true,
                        }
                    }
                };
                for _ in 0..questions {
                    (0..32).for_each(|_| _ = step(true));
                    // Session time runs as fast as the machine allows here, the models do not.
                    let asked = Instant::now();
                    while !step(false) && asked.elapsed() < PATIENCE {}
                }
                inbox.leave();
            })
        };
        let outcome =
            converse(driver, workers, Settings::default(), &inbox, &messages, &Stop::default());
        sound.join().unwrap();
        outcome
    })
}

/// What the user waits for.
pub(super) enum Progress {
    /// A window was stepped.
    Window,
    /// A reply was heard to its end, or is not to be had.
    Finished,
}

pub(super) fn report(progress: &Sender<Progress>, step: SessionStep<'_>) {
    // Session time runs so fast here that a recogniser that is away for a moment finds no sound any more.
    let ends = step.conversation().any(|event| {
        use ConversationEvent::{ReplyDropped, ReplyEnded, UserTurn};
        let is_noise = matches!(event, UserTurn { kind: UserKind::Noise, .. });
        is_noise || matches!(event, ReplyEnded { cut: None, .. } | ReplyDropped { .. })
    });
    if ends {
        _ = progress.send(Progress::Finished);
    }
    if matches!(step.event, Event::VoiceActivity(_)) {
        _ = progress.send(Progress::Window);
    }
}

pub(super) fn answered(outcome: &Outcome) -> usize {
    outcome.transcript.iter().filter(|line| line.speaker == Speaker::Assistant).count()
}

#[test]
fn sixty_four_calls_at_once_are_all_answered() {
    let workers = Fakes::default().start();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..64).map(|_| scope.spawn(|| call(&workers, 2))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        assert_eq!(answered(outcome), 2, "{:?}", outcome.transcript);
        assert_eq!((outcome.counters.refused, outcome.counters.unanswered), (0, 0));
        assert!(outcome.error.is_none());
    }
}

/// A hook that panics at the first job.
fn dies_once() -> Hook {
    let alive = AtomicBool::new(false);
    Arc::new(move || assert!(alive.swap(true, SeqCst), "this panic belongs to the test"))
}

#[test]
fn a_call_goes_on_whichever_model_is_killed() {
    let killed = [
        ("recogniser", Fakes { recogniser: dies_once(), ..Fakes::default() }),
        ("end of turn", Fakes { end_of_turn: dies_once(), ..Fakes::default() }),
        ("duplex model", Fakes { duplex: dies_once(), ..Fakes::default() }),
        ("reply", Fakes { reply: dies_once(), ..Fakes::default() }),
        ("voice", Fakes { voice: dies_once(), ..Fakes::default() }),
    ];
    for (name, fakes) in killed {
        let workers = fakes.start();
        let outcome = call(&workers, 3);
        // A reply may be lost with the model; the next one is not.
        assert!(answered(&outcome) >= 2, "{name}: {:?}", outcome.transcript);
        assert!(outcome.error.is_none(), "{name}");
    }
}
