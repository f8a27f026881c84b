//! The threads of the models: none waits for a session, no session waits for one, and none dies for good.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    mpsc::{RecvTimeoutError, channel},
};

use duplex_core::{Event, Failure, Turn};

use super::{Fakes, PATIENCE, all_kinds, answers, job, synthesise, worker, write};
use crate::{
    inbox::inbox,
    job::{CallKey, SessionMessage, Work},
};

/// Whether a message says that work failed.
fn is_failure(message: &SessionMessage) -> bool {
    matches!(message, SessionMessage::Event(Event::Failed(_)))
}

#[test]
fn sixty_four_calls_that_ask_while_the_model_is_busy_are_all_answered() {
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let reply = move |job: &crate::job::Job| {
        // The first job ends once all the others wait.
        _ = gate.lock().unwrap().recv();
        answers(&job.work).into_iter().for_each(|message| (job.reply)(message));
    };
    let workers = Fakes { reply: Arc::new(reply), ..Fakes::default() }.start();
    let asked: Vec<_> = (0..64)
        .map(|call| {
            let (job, answers) = job(call, write(1));
            assert!(workers.submit(job).is_ok(), "call {call} is refused");
            answers
        })
        .collect();
    drop(open);
    for answers in asked {
        let answer = answers.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(answer, SessionMessage::Event(Event::Written { .. })));
    }
}

#[test]
fn a_call_ends_without_waiting_for_a_busy_model() {
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let reply = move |_: &crate::job::Job| _ = gate.lock().unwrap().recv();
    let workers = Arc::new(Fakes { reply: Arc::new(reply), ..Fakes::default() }.start());
    let (over, ended) = channel();
    let sessions = {
        let workers = Arc::clone(&workers);
        std::thread::spawn(move || {
            for call in 0..64 {
                assert!(workers.submit(job(call, write(1)).0).is_ok());
                workers.close(CallKey(call));
            }
            over.send(()).unwrap();
        })
    };
    let in_time = ended.recv_timeout(PATIENCE);
    drop(open);
    sessions.join().unwrap();
    assert_eq!(in_time, Ok(()), "the model was still busy when all calls had ended");
}

#[test]
fn a_session_that_does_not_listen_costs_no_other_call_anything() {
    // Room for one message, and nobody who reads it.
    let (inbox, unread) = inbox(1);
    let voice = |job: &crate::job::Job| {
        for _ in 0..5 {
            answers(&job.work).into_iter().for_each(|message| (job.reply)(message));
        }
    };
    let workers = Fakes { voice: Arc::new(voice), ..Fakes::default() }.start();
    let (mut deaf, _) = job(1, synthesise(7));
    deaf.reply = Box::new(move |message| inbox.answer(message));
    assert!(workers.submit(deaf).is_ok());
    let (other, answers) = job(2, synthesise(1));
    assert!(workers.submit(other).is_ok());
    assert!(matches!(answers.recv_timeout(PATIENCE), Ok(SessionMessage::Audio { .. })));
    drop(workers);
    // The deaf call is told once that its clause cannot be spoken, however many pieces were lost.
    assert_eq!(unread.take_unanswered(), [Failure::Voice(Turn(7))]);
    assert!(matches!(unread.next(), Some((_, SessionMessage::Audio { turn: Turn(7), .. }))));
    assert!(unread.next().is_none(), "the rest found no room");
}

/// The kinds of work whose failure the session is told, and the others, each with whether a job is answered.
#[test]
fn a_model_that_panics_fails_its_job_and_does_the_next() {
    for work in all_kinds() {
        let panics = Arc::new(AtomicBool::new(true));
        let rule = move |job: &crate::job::Job| {
            assert!(!panics.swap(false, SeqCst), "this panic belongs to the test");
            answers(&job.work).into_iter().for_each(|message| (job.reply)(message));
        };
        let worker = worker("model", Arc::new(rule));
        let (first, answers_to_first) = job(1, work.clone());
        let (second, answers_to_second) = job(2, work.clone());
        assert!(worker.submit(first).is_ok());
        let first: Vec<_> = answers_to_first.iter().collect();
        assert_eq!(first.iter().any(is_failure), work.failure().is_some(), "{work:?}");
        assert!(worker.submit(second).is_ok(), "{work:?}");
        let second: Vec<_> = answers_to_second.iter().collect();
        assert_eq!(second.len(), answers(&work).len(), "{work:?}");
        assert!(!second.iter().any(is_failure), "{work:?}");
    }
}

#[test]
fn a_model_that_panics_now_and_then_is_never_given_up() {
    let asked = AtomicU32::new(0);
    let rule = move |job: &crate::job::Job| {
        let every_other = asked.fetch_add(1, SeqCst).is_multiple_of(2);
        assert!(!every_other, "this panic belongs to the test");
        answers(&job.work).into_iter().for_each(|message| (job.reply)(message));
    };
    let worker = worker("model", Arc::new(rule));
    for number in 0..20 {
        let (work, answers) = job(number, write(1));
        assert!(worker.submit(work).is_ok(), "job {number} is refused");
        assert_eq!(answers.iter().any(|it| is_failure(&it)), number % 2 == 0, "job {number}");
    }
    assert!(worker.is_alive());
}

#[test]
fn a_model_that_always_panics_fails_every_job_and_is_given_up() {
    let started = Arc::new(AtomicU32::new(0));
    let rule = {
        let started = Arc::clone(&started);
        move |_: &crate::job::Job| {
            started.fetch_add(1, SeqCst);
            panic!("this panic belongs to the test");
        }
    };
    let worker = worker("model", Arc::new(rule));
    let mut refused = 0;
    for call in 0..20 {
        let (work, answers) = job(call, write(1));
        match worker.submit(work) {
            // The session is told by the answer, or by the job that comes back.
            Ok(()) => assert!(answers.iter().any(|it| is_failure(&it)), "call {call}"),
            Err(job) => {
                assert!(matches!(job.work, Work::Write { .. }));
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !worker.is_alive(), "it is given up at last");
    assert!(started.load(SeqCst) < 20);
}

#[test]
fn an_engine_that_is_dropped_lets_its_present_work_end() {
    let (entered, enters) = channel();
    let (open, gate) = channel::<()>();
    let (entered, gate) = (Mutex::new(entered), Mutex::new(gate));
    let rule = move |job: &crate::job::Job| {
        entered.lock().unwrap().send(()).unwrap();
        _ = gate.lock().unwrap().recv();
        answers(&job.work).into_iter().for_each(|message| (job.reply)(message));
    };
    let worker = worker("model", Arc::new(rule));
    let (present, answers) = job(1, write(1));
    assert!(worker.submit(present).is_ok());
    enters.recv_timeout(PATIENCE).unwrap();
    let dropping = std::thread::spawn(move || drop(worker));
    assert!(matches!(answers.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)));
    drop(open);
    let answer = answers.recv_timeout(PATIENCE);
    assert!(!matches!(answer, Err(RecvTimeoutError::Timeout)));
    assert!(matches!(answer.unwrap(), SessionMessage::Event(Event::Written { .. })));
    dropping.join().unwrap();
}
