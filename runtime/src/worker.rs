//! A thread that owns one model and serves all calls.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::SyncSender},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    EngineError, EngineInfo,
    job::{CallKey, Job},
    queue::{JobQueue, Task},
};

/// How often in a row a model may panic, or fail to be loaded again, before its thread ends. A job that is done to
/// its end begins a new row.
const MOST_FAILURES: u32 = 3;

/// What keeps a model from being loaded again may pass: memory that is free later, a file that is replaced.
const BEFORE_ANOTHER_LOAD: Duration = Duration::from_secs(1);

/// A model, as its thread sees it.
pub(crate) trait Model {
    /// Does a piece of work, and answers it.
    fn work(&mut self, job: &Job);

    /// A call is over: what is kept of it is free.
    fn close(&mut self, _call: CallKey) {}
}

impl<F: FnMut(&Job)> Model for F {
    fn work(&mut self, job: &Job) {
        self(job);
    }
}

/// What a worker's thread reports once its model is ready, or is not.
pub(crate) type Ready = SyncSender<Result<EngineInfo, EngineError>>;

/// One model's thread, with the work that waits for it. Dropping it ends the thread once its present work is done.
pub(crate) struct Worker {
    queue: Arc<JobQueue>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread that runs `run`, which loads the model, reports it and [`serve`]s the queue. Should the model
    /// panic, the job at hand fails, and `run` is called again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        name: &'static str,
        ready: Ready,
        run: impl Fn(&JobQueue, &Ready) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<Self, EngineError> {
        let queue = Arc::<JobQueue>::default();
        let thread = {
            let queue = Arc::clone(&queue);
            let body = move || {
                // However the thread ends, nobody waits for it in vain.
                let _closes = Closes(&queue);
                keep_running(name, &queue, &ready, || run(&queue, &ready));
            };
            std::thread::Builder::new().name(name.to_owned()).spawn(body)
        };
        let thread = thread.map_err(|error| EngineError::Thread(error.to_string()))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// See [`JobQueue::submit`].
    pub(crate) fn submit(&self, job: Job) -> Result<(), Job> {
        self.queue.submit(job)
    }

    /// Whether its thread takes work.
    pub(crate) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// See [`JobQueue::close_call`].
    pub(crate) fn close_call(&self, call: CallKey) {
        self.queue.close_call(call);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a model's thread panicked");
        }
    }
}

/// Closes a queue when its thread ends.
struct Closes<'a>(&'a JobQueue);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Does a queue's work with a model until the queue is closed.
pub(crate) fn serve(queue: &JobQueue, model: &mut dyn Model) {
    while let Some(task) = queue.next() {
        match task {
            Task::Job(job) => {
                let _fails = FailsInPanic(&job);
                model.work(&job);
                queue.job_done();
            }
            Task::Close(call) => model.close(call),
        }
    }
}

/// A job whose model panics is answered: it failed.
struct FailsInPanic<'a>(&'a Job);

impl Drop for FailsInPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

/// Runs `run` until it ends by itself, or fails too often in a row. A model that cannot be loaded at first ends at
/// once: its error is that of `Engine::start`.
fn keep_running(
    name: &str,
    queue: &JobQueue,
    ready: &Ready,
    run: impl Fn() -> Result<(), EngineError>,
) {
    let mut in_a_row = 0;
    let mut is_first = true;
    while in_a_row < MOST_FAILURES {
        let done = queue.jobs_done();
        let ended = catch_unwind(AssertUnwindSafe(&run));
        if queue.jobs_done() > done {
            in_a_row = 0;
        }
        in_a_row += 1;
        match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) if is_first => {
                // Nobody listens where another model failed before.
                _ = ready.send(Err(error));
                return;
            }
            Ok(Err(error)) => {
                tracing::error!("{name} cannot be loaded again: {error}");
                if in_a_row < MOST_FAILURES && queue.closes_within(BEFORE_ANOTHER_LOAD) {
                    return;
                }
            }
            Err(_) => tracing::error!("{name} panicked: its model is loaded again"),
        }
        is_first = false;
    }
    tracing::error!("{name} failed {MOST_FAILURES} times in a row: its jobs fail from now on");
    // Nobody listens once the engine runs.
    _ = ready.send(Err(EngineError::GivenUp(name.to_owned())));
}
