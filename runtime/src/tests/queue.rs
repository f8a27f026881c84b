//! The queue of a model: a place for each call and kind of work.

use std::sync::mpsc::Receiver;

use duplex_core::{Action, Context, Event, Failure, Turn};

use super::{client, synthesise, work, write};
use crate::{
    CallKey,
    job::{Client, Job, SessionMessage},
    jobs::Work,
    ports::{Replying, Synthesis},
    queue::{JobQueue, Task},
};

const READ: &str = "read a conversation ahead";

/// The queue's next job, by call, kind of work and turn; nothing where a call is closed next.
fn next(queue: &JobQueue<Replying>) -> Option<(u64, &'static str, Option<Turn>)> {
    match queue.next().unwrap() {
        Task::Job(job, client) => Some((client.call.0, job.kind.name, job.turn)),
        Task::Close(_) => None,
    }
}

fn reply_job(action: Action) -> Job<Replying> {
    match work(action).0 {
        Work::Reply(job) => job,
        other => panic!("{other:?} is no work of a reply model"),
    }
}

fn read() -> Action {
    Action::Prefill(Context::default())
}

fn speech(call: u64, turn: u32) -> (Job<Synthesis>, Client, Receiver<SessionMessage>) {
    let (client, answers) = client(call);
    match work(synthesise(turn)).0 {
        Work::Voice(job) => (job, client, answers),
        other => panic!("{other:?} is no work of a voice"),
    }
}

#[test]
fn newer_work_of_a_call_takes_the_place_of_what_waits() {
    let queue = JobQueue::default();
    for (call, turn) in [(1, 1), (2, 1), (1, 2)] {
        assert!(queue.submit(reply_job(write(turn)), client(call).0).is_ok());
    }
    let order = [next(&queue), next(&queue)].map(|next| next.map(|(call, _, turn)| (call, turn)));
    assert_eq!(order, [Some((1, Some(Turn(2)))), Some((2, Some(Turn(1))))]);
    queue.close_call(CallKey(9));
    assert!(next(&queue).is_none(), "nothing of the older work is left");
    assert_eq!(queue.counts(), (0, 1, 0), "one was replaced");
}

#[test]
fn sixty_four_calls_find_room_for_every_kind_of_work() {
    let queue = JobQueue::default();
    for call in 0..64 {
        for action in [write(1), Action::WriteMore(Turn(1)), read()] {
            assert!(queue.submit(reply_job(action), client(call).0).is_ok());
        }
    }
    assert_eq!(queue.counts(), (0, 0, 3 * 64));
}

#[test]
fn reading_ahead_comes_last_and_not_at_all_for_a_call_that_is_served() {
    let queue = JobQueue::default();
    for (call, action) in [(1, read()), (2, read()), (1, write(1))] {
        assert!(queue.submit(reply_job(action), client(call).0).is_ok());
    }
    assert!(matches!(next(&queue), Some((1, _, Some(_)))));
    assert!(matches!(next(&queue), Some((2, READ, None))));
    queue.close_call(CallKey(9));
    assert!(next(&queue).is_none(), "what call 1 was to read came with its reply");
}

#[test]
fn cancelled_work_does_not_stand_for_reading_ahead() {
    let queue = JobQueue::default();
    let (cancelled, _) = client(1);
    cancelled.cancellation.cancel_through(Turn(1));
    assert!(queue.submit(reply_job(write(1)), cancelled).is_ok());
    assert!(queue.submit(reply_job(read()), client(1).0).is_ok());
    assert!(matches!(next(&queue), Some((1, _, Some(_)))));
    assert!(matches!(next(&queue), Some((1, READ, None))));
}

#[test]
fn a_call_that_is_over_leaves_nothing_behind() {
    let queue = JobQueue::default();
    let (first, client_of_first, answers) = speech(1, 1);
    assert!(queue.submit(first, client_of_first).is_ok());
    let (second, client_of_second, _) = speech(2, 1);
    assert!(queue.submit(second, client_of_second).is_ok());
    queue.close_call(CallKey(1));
    assert!(matches!(queue.next(), Some(Task::Job(_, Client { call: CallKey(2), .. }))));
    assert!(matches!(queue.next(), Some(Task::Close(CallKey(1)))));
    assert!(answers.recv().is_err(), "the job is gone, and with it the way back");
}

#[test]
fn a_queue_that_closes_answers_what_waits_and_takes_no_more() {
    let queue = JobQueue::default();
    let (waits, client_of_it, answers) = speech(1, 3);
    assert!(queue.submit(waits, client_of_it).is_ok());
    queue.close();
    let failed = |message: SessionMessage| match message {
        SessionMessage::Event(Event::Failed(failure)) => Some(failure),
        _ => None,
    };
    let answers: Vec<_> = answers.iter().map(failed).collect();
    assert_eq!(answers, [Some(Failure::Voice(Turn(3)))]);
    let (late, client_of_it, _) = speech(1, 4);
    assert!(queue.submit(late, client_of_it).is_err());
    assert!(queue.next().is_none());
}
