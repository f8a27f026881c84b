//! Ctrl-C, checked between two dialogues.

use std::sync::atomic::{AtomicBool, Ordering};

/// The exit status of a program that was interrupted.
pub(crate) const EXIT: u8 = 130;

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C only sets a flag.
pub(crate) fn catch() -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(|| HAPPENED.store(true, Ordering::Relaxed))?)
}

pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}
