//! Threads that own the models of one port and serve all calls.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::SyncSender,
    },
    thread::JoinHandle,
    time::Duration,
};

use duplex_core::Failure;

use crate::{
    CallKey, EngineError,
    job::{Client, Job},
    ports::{Description, ModelOptions, Open, Port as _, PortError, PortKind},
    queue::{JobQueue, Task},
};

/// How often in a row a model may panic, or fail to be loaded again, before its thread ends. A job that is done to
/// its end begins a new row.
const MOST_FAILURES: u32 = 3;

/// What keeps a model from being loaded again may pass: memory that is free later, a file that is replaced.
const BEFORE_ANOTHER_LOAD: Duration = Duration::from_secs(1);

/// What a worker's thread reports once its model is ready, or is not.
pub(crate) type Ready = SyncSender<Result<(&'static str, Description), EngineError>>;

/// Counters of a model, over all its threads and calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelCounters {
    /// Jobs done to their end, failures that were answered among them.
    pub done: u64,
    /// Jobs whose place in the queue newer ones took.
    pub replaced: u64,
    /// Jobs that wait.
    pub waiting: usize,
    /// Times the model was opened again after a panic.
    pub restarts: u64,
    /// Threads that take work.
    pub alive: usize,
}

/// The models of one port, each on a thread, with the work that waits for them. Dropping it ends the threads once their
/// present work is done.
pub(crate) struct Worker<K: PortKind> {
    lanes: Vec<Lane<K>>,
    /// The lane of each call that gave it work.
    calls: Mutex<BTreeMap<CallKey, usize>>,
}

/// A thread, and its queue.
struct Lane<K: PortKind> {
    shared: Arc<Shared<K>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<K: PortKind> {
    queue: JobQueue<K>,
    restarts: AtomicU64,
}

impl<K: PortKind> Worker<K> {
    /// Starts the threads. Each opens its model, reports that it is ready, and does what its calls ask. Should the
    /// model panic, the job at hand fails, and the model is opened again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        name: &'static str,
        options: &ModelOptions<K>,
        ready: &Ready,
    ) -> Result<Self, EngineError> {
        let lane = |_| {
            let shared =
                Arc::new(Shared { queue: JobQueue::default(), restarts: AtomicU64::new(0) });
            let thread = {
                let (shared, ready) = (Arc::clone(&shared), ready.clone());
                let open = Arc::clone(&options.open);
                let body = move || {
                    // However the thread ends, nobody waits for it in vain.
                    let _closes = Closes(&shared.queue);
                    keep_running(name, &shared, &ready, &open);
                };
                std::thread::Builder::new().name(name.to_owned()).spawn(body)
            };
            let thread = thread.map_err(|error| EngineError::Thread(error.to_string()))?;
            Ok(Lane { shared, thread: Some(thread) })
        };
        let lanes = (0..options.pool.max(1)).map(lane).collect::<Result<_, EngineError>>()?;
        Ok(Self { lanes, calls: Mutex::default() })
    }

    /// Puts a job into the queue of the call's lane; gives it back where no thread takes work.
    pub(crate) fn submit(&self, job: Job<K>, client: Client) -> Result<(), Job<K>> {
        match self.lane(client.call) {
            Some(lane) => lane.shared.queue.submit(job, client),
            None => Err(job),
        }
    }

    /// A call's lane: that of its earlier work, or the one with the fewest calls.
    fn lane(&self, call: CallKey) -> Option<&Lane<K>> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match calls.get(&call) {
            Some(&index) if self.lanes[index].is_alive() => index,
            _ => {
                let of = |lane: usize| calls.values().filter(|&&other| other == lane).count();
                let alive = (0..self.lanes.len()).filter(|&lane| self.lanes[lane].is_alive());
                let index = alive.min_by_key(|&lane| of(lane))?;
                calls.insert(call, index);
                index
            }
        };
        Some(&self.lanes[index])
    }

    /// Whether all its threads take work.
    pub(crate) fn is_alive(&self) -> bool {
        self.lanes.iter().all(Lane::is_alive)
    }

    /// See [`JobQueue::close_call`].
    pub(crate) fn close_call(&self, call: CallKey) {
        let lane = self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&call);
        if let Some(lane) = lane {
            self.lanes[lane].shared.queue.close_call(call);
        }
    }

    pub(crate) fn counters(&self) -> ModelCounters {
        self.lanes.iter().fold(ModelCounters::default(), |sum, lane| {
            let (done, replaced, waiting) = lane.shared.queue.counts();
            ModelCounters {
                done: sum.done + done,
                replaced: sum.replaced + replaced,
                waiting: sum.waiting + waiting,
                restarts: sum.restarts + lane.shared.restarts.load(Relaxed),
                alive: sum.alive + usize::from(lane.is_alive()),
            }
        })
    }
}

impl<K: PortKind> Lane<K> {
    fn is_alive(&self) -> bool {
        !self.shared.queue.is_closed()
    }
}

impl<K: PortKind> Drop for Worker<K> {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.shared.queue.close();
        }
        for lane in &mut self.lanes {
            if let Some(thread) = lane.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a model's thread panicked");
            }
        }
    }
}

/// Closes a queue when its thread ends.
struct Closes<'a, K: PortKind>(&'a JobQueue<K>);

impl<K: PortKind> Drop for Closes<'_, K> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Does a queue's work with a model until the queue is closed.
fn serve<K: PortKind>(queue: &JobQueue<K>, model: &mut K::Model<'_>) {
    while let Some(task) = queue.next() {
        match task {
            Task::Job(job, client) => {
                let _fails = FailsInPanic(&client, job.failure);
                (job.work)(model, &client, &|| queue.has_urgent());
                queue.job_done();
            }
            Task::Close(call) => model.close(call),
        }
    }
}

/// A job whose model panics is answered: it failed.
struct FailsInPanic<'a>(&'a Client, Option<Failure>);

impl Drop for FailsInPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(self.1);
        }
    }
}

/// Opens the model and serves the queue until that is closed, or the model fails too often in a row. A model that
/// cannot be opened at first ends at once: its error is that of `Engine::start`.
fn keep_running<K: PortKind>(
    name: &'static str,
    shared: &Shared<K>,
    ready: &Ready,
    open: &Open<K>,
) {
    let queue = &shared.queue;
    let run = || -> Result<(), PortError> {
        open(&mut |model: &mut K::Model<'_>| {
            // Nobody listens once the engine runs, nor where another model failed before.
            _ = ready.try_send(Ok((name, model.describe())));
            serve(queue, model);
        })
    };
    let mut in_a_row = 0;
    let mut is_first = true;
    while in_a_row < MOST_FAILURES {
        let (done, ..) = queue.counts();
        let ended = catch_unwind(AssertUnwindSafe(run));
        if queue.counts().0 > done {
            in_a_row = 0;
        }
        in_a_row += 1;
        match ended {
            Ok(Ok(())) => return,
            Ok(Err(source)) if is_first => {
                _ = ready.send(Err(EngineError::Model { name, source }));
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
        shared.restarts.fetch_add(1, Relaxed);
    }
    tracing::error!("{name} failed {MOST_FAILURES} times in a row: its jobs fail from now on");
    _ = ready.send(Err(EngineError::GivenUp(name.to_owned())));
}
