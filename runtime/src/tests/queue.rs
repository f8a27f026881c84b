//! The queue of a model: a place for each call and kind of work.

use duplex_core::{Event, Failure, Turn};

use super::{all_kinds, job, synthesise, write};
use crate::{
    job::{CallKey, SessionMessage, Work},
    queue::{JobQueue, Task},
};

/// The queue's next job, by call and work; nothing where a call is closed next.
fn next(queue: &JobQueue) -> Option<(u64, Work)> {
    match queue.next().unwrap() {
        Task::Job(job) => Some((job.call.0, job.work)),
        Task::Close(_) => None,
    }
}

fn failed(message: &SessionMessage) -> Option<Failure> {
    match message {
        SessionMessage::Event(Event::Failed(failure)) => Some(*failure),
        _ => None,
    }
}

#[test]
fn newer_work_of_a_call_takes_the_place_of_what_waits() {
    let queue = JobQueue::default();
    for (call, turn) in [(1, 1), (2, 1), (1, 2)] {
        assert!(queue.submit(job(call, write(turn)).0).is_ok());
    }
    let order = [next(&queue), next(&queue)].map(|next| match next {
        Some((call, Work::Write { turn, .. })) => (call, turn),
        _ => panic!("a clause was to be written"),
    });
    assert_eq!(order, [(1, Turn(2)), (2, Turn(1))]);
    queue.close_call(CallKey(9));
    assert!(next(&queue).is_none(), "nothing of the older work is left");
}

#[test]
fn sixty_four_calls_find_room_for_every_kind_of_work() {
    let queue = JobQueue::default();
    let jobs = (0..64).flat_map(|call| all_kinds().map(|work| job(call, work).0));
    assert!(jobs.into_iter().all(|job| queue.submit(job).is_ok()));
}

#[test]
fn reading_ahead_comes_last_and_not_at_all_for_a_call_that_is_served() {
    let queue = JobQueue::default();
    let read = || Work::Prefill(duplex_core::Context::default());
    for (call, work) in [(1, read()), (2, read()), (1, write(1))] {
        assert!(queue.submit(job(call, work).0).is_ok());
    }
    assert!(matches!(next(&queue), Some((1, Work::Write { .. }))));
    assert!(matches!(next(&queue), Some((2, Work::Prefill(_)))));
    queue.close_call(CallKey(9));
    assert!(next(&queue).is_none(), "what call 1 was to read came with its reply");
}

#[test]
fn cancelled_work_does_not_stand_for_reading_ahead() {
    let queue = JobQueue::default();
    let (cancelled, _) = job(1, write(1));
    cancelled.cancellation.cancel_through(Turn(1));
    assert!(queue.submit(cancelled).is_ok());
    let read = Work::Prefill(duplex_core::Context::default());
    assert!(queue.submit(job(1, read).0).is_ok());
    assert!(matches!(next(&queue), Some((1, Work::Write { .. }))));
    assert!(matches!(next(&queue), Some((1, Work::Prefill(_)))));
}

#[test]
fn a_call_that_is_over_leaves_nothing_behind() {
    let queue = JobQueue::default();
    let (first, answers) = job(1, write(1));
    assert!(queue.submit(first).is_ok());
    assert!(queue.submit(job(2, write(1)).0).is_ok());
    queue.close_call(CallKey(1));
    assert!(matches!(next(&queue), Some((2, Work::Write { .. }))));
    assert!(next(&queue).is_none());
    assert!(answers.recv().is_err(), "the job is gone, and with it the way back");
}

#[test]
fn a_queue_that_closes_answers_what_waits_and_takes_no_more() {
    let queue = JobQueue::default();
    let (waits, answers) = job(1, synthesise(3));
    assert!(queue.submit(waits).is_ok());
    queue.close();
    assert_eq!(
        answers.iter().map(|it| failed(&it)).collect::<Vec<_>>(),
        [Some(Failure::Voice(Turn(3)))]
    );
    assert!(queue.submit(job(1, write(4)).0).is_err());
    assert!(queue.next().is_none());
}
