//! How a command ends that fails.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use duplex_model::weights;

/// Why the program ends; the number is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The run, or an expectation of it, failed.
    Failed = 1,
    /// Bad usage, configuration or input.
    Usage = 2,
    /// A model is missing or broken and could not be fetched, or an agent cannot be reached.
    Unavailable = 3,
    /// The disk or the file system refused.
    Io = 4,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The exit codes, for `--help`.
    pub(crate) const TABLE: &str = "\
Exit codes:
    0  it went well
    1  the run failed, or an expectation of it did
    2  bad usage, configuration or input
    3  a model is missing or broken, or an agent cannot be reached
    4  the disk or the file system refused
  130  interrupted";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error, what can be done about it, and how to exit.
///
/// Displays as it is printed: `error: ...` and, where there is one, `hint: ...`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
    /// Whether the reader of the output has closed it: that is no failure, and nothing is printed.
    pub(crate) reader_left: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, reader_left: false }
    }

    /// What happened, without the hint.
    pub(crate) fn into_message(self) -> String {
        self.message
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

impl From<weights::Error> for Failure {
    fn from(error: weights::Error) -> Self {
        use weights::Error as E;

        let exit = match &error {
            E::Source(_) | E::UnknownModel { .. } | E::NoHome => Exit::Usage,
            E::Io { .. } => Exit::Io,
            E::Cancelled => Exit::Interrupted,
            _ => Exit::Unavailable,
        };
        Self { exit, message: chain(&error), hint: error.hint(), reader_left: false }
    }
}

/// An error while a command writes its output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let reader_left = error.kind() == io::ErrorKind::BrokenPipe;
        Self { reader_left, ..Self::new(Exit::Io, format!("cannot write the output: {error}")) }
    }
}
