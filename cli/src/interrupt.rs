//! Ctrl-C, once for the whole program.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Exit, Failure};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C (or termination) only sets what [`interrupted`] answers, so that
/// the command can end in order; a second one ends the program at once.
///
/// # Errors
/// Where the system refuses the handler.
pub(crate) fn catch() -> Result<(), Failure> {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|e| Failure::new(Exit::Io, format!("cannot catch Ctrl-C: {e}")))
}

/// Whether there was a Ctrl-C since [`catch`].
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
