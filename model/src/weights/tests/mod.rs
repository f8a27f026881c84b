//! The store as a whole: real pip with wheels made here, real HTTP on this machine.

mod named;
mod url;

use std::path::Path;

use super::{Progress, Stage};

/// Cancels as soon as `stage` has made progress.
struct CancelIn {
    stage: Stage,
    now: bool,
    cancelled: bool,
}

impl CancelIn {
    fn new(stage: Stage) -> Self {
        Self { stage, now: false, cancelled: false }
    }
}

impl Progress for CancelIn {
    fn begin(&mut self, _model: &str, stage: Stage, _total: Option<u64>) {
        self.now = stage == self.stage;
    }

    fn advance(&mut self, _done: u64) {
        self.cancelled |= self.now;
    }

    fn cancelled(&self) -> bool {
        self.cancelled
    }
}

/// Paths of all files below `folder`, relative to it, without the lock.
fn files_below(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, base: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, base, found);
            } else if entry.file_name() != ".lock" {
                found.push(path.strip_prefix(base).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}
