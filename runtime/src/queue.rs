//! Work that waits for a model.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    CallKey,
    job::{Client, Job},
    ports::PortKind,
};

/// What a model's thread does next.
pub(crate) enum Task<K: PortKind> {
    /// A piece of work, and who asks for it.
    Job(Job<K>, Client),
    /// A call is over: what the model keeps of it is free.
    Close(CallKey),
}

impl<K: PortKind> Task<K> {
    fn is_of(&self, call: CallKey, kind: &'static str) -> bool {
        matches!(self, Self::Job(job, client) if client.call == call && job.kind.name == kind)
    }

    fn reads_ahead(&self) -> bool {
        matches!(self, Self::Job(job, _) if job.kind.reads_ahead)
    }
}

/// The work of all calls that waits for one model.
///
/// A call has one place for each kind of work. Newer work takes the place of what waits there: the session has given
/// that up by then, since it belongs to a cancelled turn or to an older state of the conversation. So the queue is
/// bounded by the number of calls, no call keeps out the work of another, and nothing that a session waits for is
/// refused as long as the model's thread lives. Neither submitting nor closing waits for the model.
pub(crate) struct JobQueue<K: PortKind> {
    state: Mutex<State<K>>,
    arrived: Condvar,
}

struct State<K: PortKind> {
    tasks: VecDeque<Task<K>>,
    closed: bool,
    /// Jobs that were done to their end.
    done: u64,
    /// Jobs whose place newer ones took.
    replaced: u64,
}

impl<K: PortKind> Default for JobQueue<K> {
    fn default() -> Self {
        let state = State { tasks: VecDeque::new(), closed: false, done: 0, replaced: 0 };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }
}

impl<K: PortKind> JobQueue<K> {
    /// Locked only for a pass over the queue.
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into its call's place; gives it back where the model's thread has ended.
    pub(crate) fn submit(&self, job: Job<K>, client: Client) -> Result<(), Job<K>> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        let (call, kind) = (client.call, job.kind.name);
        let task = Task::Job(job, client);
        let replaced = match state.tasks.iter_mut().find(|task| task.is_of(call, kind)) {
            Some(place) => Some(std::mem::replace(place, task)),
            None => {
                state.tasks.push_back(task);
                None
            }
        };
        state.replaced += u64::from(replaced.is_some());
        self.arrived.notify_one();
        drop(state);
        // What it held may answer somebody as it goes.
        drop(replaced);
        Ok(())
    }

    /// A call is over: what waits of it is not wanted any more.
    pub(crate) fn close_call(&self, call: CallKey) {
        let mut state = self.lock();
        let (gone, kept) = std::mem::take(&mut state.tasks)
            .into_iter()
            .partition(|task| matches!(task, Task::Job(_, client) if client.call == call));
        let _gone: VecDeque<Task<K>> = gone;
        state.tasks = kept;
        if !state.closed {
            state.tasks.push_back(Task::Close(call));
            self.arrived.notify_one();
        }
        drop(state);
    }

    /// Waits for the next task; none once the queue is closed. Reading ahead comes after all other work, and not at
    /// all for a call whose other work is done, which reads the conversation anyway.
    pub(crate) fn next(&self) -> Option<Task<K>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let next = state.tasks.iter().position(|task| !task.reads_ahead()).unwrap_or(0);
            if let Some(task) = state.tasks.remove(next) {
                // Nor where it is cancelled work, which reads nothing.
                if let Task::Job(job, client) = &task
                    && !job.is_cancelled(client)
                {
                    let call = client.call;
                    state.tasks.retain(|task| match task {
                        Task::Job(job, client) => client.call != call || !job.kind.reads_ahead,
                        Task::Close(_) => true,
                    });
                }
                return Some(task);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether work waits that is more than reading ahead, or nothing more is wanted at all.
    pub(crate) fn has_urgent(&self) -> bool {
        let state = self.lock();
        state.closed || state.tasks.iter().any(|task| !task.reads_ahead())
    }

    /// A job is done.
    pub(crate) fn job_done(&self) {
        self.lock().done += 1;
    }

    /// How many jobs were done, how many were replaced by newer ones, and how many wait.
    pub(crate) fn counts(&self) -> (u64, u64, usize) {
        let state = self.lock();
        (state.done, state.replaced, state.tasks.len())
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
            if let Task::Job(job, client) = task {
                client.fail(job.failure);
            }
        }
    }
}
