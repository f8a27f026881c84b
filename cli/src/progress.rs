//! Progress of downloads: a bar per stage on a terminal, a line per stage elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use duplex_model::weights::{Progress, Stage};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::interrupt;

const TICK: Duration = Duration::from_millis(120);

/// Shows the stages of pulls and verifications on stderr.
pub(crate) struct Shown {
    /// The bar of the running stage; none if stderr is not a terminal.
    bar: Option<ProgressBar>,
    is_terminal: bool,
}

impl Shown {
    pub(crate) fn new() -> Self {
        Self { bar: None, is_terminal: io::stderr().is_terminal() }
    }

    fn end_stage(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.end_stage();
    }
}

fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting for another pull",
        Stage::Downloading => "downloading",
        Stage::Extracting => "extracting",
        Stage::Converting => "converting",
        Stage::Verifying => "verifying",
    }
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}",
        None => "{spinner} {msg} {bytes} {elapsed}",
    };
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl Progress for Shown {
    fn begin(&mut self, model: &str, stage: Stage, total: Option<u64>) {
        self.end_stage();
        let message = format!("{model}: {}", verb(stage));
        if self.is_terminal {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            bar.set_style(style(total));
            bar.set_message(message);
            bar.enable_steady_tick(TICK);
            self.bar = Some(bar);
        } else {
            let size = total.map(|n| format!(" ({})", HumanBytes(n))).unwrap_or_default();
            // With stderr closed the work continues without showing its progress.
            let _ = writeln!(io::stderr(), "{message}{size}");
        }
    }

    fn advance(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::interrupted()
    }
}
