//! A thread that owns one model and serves all calls.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::SyncSender},
    thread::JoinHandle,
};

use crate::{
    EngineError, EngineInfo,
    job::{CallKey, Job},
    queue::{JobQueue, Task},
};

/// How often a model may panic without having done a job in between before its thread ends.
const MOST_PANICS: u32 = 3;

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
                keep_running(name, &ready, || run(&queue, &ready));
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

/// Runs `run` until it ends by itself, or panics too often.
fn keep_running(name: &str, ready: &Ready, run: impl Fn() -> Result<(), EngineError>) {
    for _ in 0..MOST_PANICS {
        match catch_unwind(AssertUnwindSafe(&run)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!("{name}: {error}");
                // Nobody listens where another model failed before, or once the engine runs.
                _ = ready.send(Err(error));
                return;
            }
            Err(_) => tracing::error!("{name} panicked: its model is loaded again"),
        }
    }
    let given_up = format!("{name} panicked {MOST_PANICS} times");
    tracing::error!("{given_up}: its jobs fail from now on");
    _ = ready.send(Err(EngineError::Thread(given_up)));
}
