//! Progress reports of a running pull.

/// A stage of the work on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Another process is pulling into the same store.
    Waiting,
    /// The file is being downloaded.
    Downloading,
    /// Members are being extracted from a wheel.
    Extracting,
    /// The file is being written in the format that the engine reads.
    Converting,
    /// The file is being read back and its digest compared.
    Verifying,
}

/// Receives the progress of a pull or a verification, and can cancel it.
///
/// Calls come from the thread that pulls. For every stage: one [`begin`](Self::begin), then any number of
/// [`advance`](Self::advance).
pub trait Progress {
    /// A stage of `model` starts; `total` is its size in bytes, if known.
    fn begin(&mut self, model: &str, stage: Stage, total: Option<u64>);

    /// `done` bytes of the stage are complete.
    fn advance(&mut self, done: u64);

    /// Called between blocks; `true` ends the work with [`Error::Cancelled`](super::Error).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _model: &str, _stage: Stage, _total: Option<u64>) {}

    fn advance(&mut self, _done: u64) {}
}
