//! Work that waits for a model.

use std::{
    collections::VecDeque,
    mem::discriminant,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::job::{CallKey, Job};

/// What a model's thread does next.
pub(crate) enum Task {
    /// A piece of work.
    Job(Job),
    /// A call is over: what the model keeps of it is free.
    Close(CallKey),
}

/// The work of all calls that waits for one model.
///
/// A call has one place for each kind of work. Newer work takes the place of what waits there: the session has given
/// that up by then, since it belongs to a cancelled turn or to an older state of the conversation. So the queue is
/// bounded by the number of calls, no call keeps out the work of another, and nothing that a session waits for is
/// refused as long as the model's thread lives. Neither submitting nor closing waits for the model.
#[derive(Default)]
pub(crate) struct JobQueue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    closed: bool,
    /// Jobs that were done to their end.
    done: u64,
}

impl JobQueue {
    /// Locked only for a pass over the queue.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into its call's place; gives it back where the model's thread has ended.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        let kind = discriminant(&job.work);
        let same = |task: &&mut Task| match task {
            Task::Job(other) => other.call == job.call && discriminant(&other.work) == kind,
            Task::Close(_) => false,
        };
        match state.tasks.iter_mut().find(same) {
            Some(place) => *place = Task::Job(job),
            None => state.tasks.push_back(Task::Job(job)),
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// A call is over: what waits of it is not wanted any more.
    pub(crate) fn close_call(&self, call: CallKey) {
        let mut state = self.lock();
        state.tasks.retain(|task| !matches!(task, Task::Job(job) if job.call == call));
        if !state.closed {
            state.tasks.push_back(Task::Close(call));
            self.arrived.notify_one();
        }
    }

    /// Waits for the next task; none once the queue is closed. Reading ahead comes after all other work, and not at
    /// all for a call whose other work is done, which reads the conversation anyway.
    pub(crate) fn next(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let urgent = |task: &Task| !matches!(task, Task::Job(job) if job.work.reads_ahead());
            let next = state.tasks.iter().position(urgent).unwrap_or(0);
            if let Some(task) = state.tasks.remove(next) {
                // Nor where it is cancelled work, which reads nothing.
                if let Task::Job(done) = &task
                    && !done.is_cancelled()
                {
                    state.tasks.retain(|task| {
                        !matches!(task, Task::Job(job) if job.call == done.call && job.work.reads_ahead())
                    });
                }
                return Some(task);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job is done.
    pub(crate) fn job_done(&self) {
        self.lock().done += 1;
    }

    /// How many jobs were done.
    pub(crate) fn jobs_done(&self) -> u64 {
        self.lock().done
    }

    /// Whether it takes no more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits so long; says whether the queue was closed by then.
    pub(crate) fn closes_within(&self, span: Duration) -> bool {
        let (state, _) = self
            .arrived
            .wait_timeout_while(self.lock(), span, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.closed
    }

    /// Takes no more; the model's thread ends once its present work is done. What waited is answered: it failed.
    pub(crate) fn close(&self) {
        let tasks = {
            let mut state = self.lock();
            state.closed = true;
            self.arrived.notify_all();
            std::mem::take(&mut state.tasks)
        };
        for task in tasks {
            if let Task::Job(job) = task {
                job.fail();
            }
        }
    }
}
