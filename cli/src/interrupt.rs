//! Ctrl-C, handled once for the whole program.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use duplex_runtime::Stop;

use crate::failure::{Exit, Failure};
use crate::talk::interface::terminal::give_back;

/// When the first came.
static INTERRUPTED: OnceLock<Instant> = OnceLock::new();

/// What comes this soon after the first is the same wish: whoever ends a program often tells it and its group of
/// processes. Nobody presses a key twice so fast.
const SAME: Duration = Duration::from_millis(100);

/// From now on the first Ctrl-C (or termination) sets what [`interrupted`] returns and does what
/// the current [`Guard`] was made for, so that the command can end in order. A second one ends the
/// program at once.
///
/// # Errors
/// The system refuses the handler.
pub(crate) fn catch() -> Result<(), Failure> {
    let handler = || {
        let now = Instant::now();
        let first = *INTERRUPTED.get_or_init(|| now);
        if first != now {
            if now.duration_since(first) < SAME {
                return;
            }
            give_back();
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
        if let Some(end) = lock().as_ref() {
            end();
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|e| Failure::new(Exit::Io, format!("cannot catch Ctrl-C: {e}")))
}

/// Stops a call at the first Ctrl-C, as long as the guard lives.
pub(crate) fn stops(call: &Stop) -> Guard {
    let call = call.clone();
    does(move || call.stop())
}

/// Sets what the first Ctrl-C does, as long as the guard lives.
pub(crate) fn does(end: impl Fn() + Send + 'static) -> Guard {
    *lock() = Some(Box::new(end));
    Guard
}

/// While it lives, Ctrl-C ends what the command does.
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        *lock() = None;
    }
}

type End = Box<dyn Fn() + Send>;

static END: Mutex<Option<End>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<End>> {
    END.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error if there was a Ctrl-C.
pub(crate) fn check() -> Result<(), Failure> {
    match interrupted() {
        true => Err(Failure::new(Exit::Interrupted, "interrupted: what was said so far is kept")),
        false => Ok(()),
    }
}

/// Whether there was a Ctrl-C since [`catch`].
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.get().is_some()
}
