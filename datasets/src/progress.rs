//! Progress bars on stderr; none if it is not a terminal.

use std::time::Duration;

use duplex_model::weights::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;

/// A bar for `total` items called `what`.
pub(crate) fn bar(what: &'static str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {human_pos}/{human_len} {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_message(what)
}

/// Progress of fetching texts.
pub(crate) struct Pull(ProgressBar);

impl Pull {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Pull {
    fn begin(&mut self, model: &str, stage: Stage, _total: Option<u64>) {
        let verb = match stage {
            Stage::Waiting => "waiting for another pull",
            Stage::Downloading => "downloading",
            Stage::Extracting => "extracting",
            Stage::Converting => "converting",
            Stage::Verifying => "verifying",
        };
        self.0.set_message(format!("{model}: {verb}"));
    }

    fn advance(&mut self, _done: u64) {}

    fn cancelled(&self) -> bool {
        interrupt::happened()
    }
}
