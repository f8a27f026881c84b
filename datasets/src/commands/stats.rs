use std::io::{self, Write as _};

use anyhow::Context as _;
use duplex_datasets::stats::Stats;

use crate::args;

pub(crate) fn run(args: &args::Stats) -> anyhow::Result<()> {
    let mut stats = Stats::default();
    for dialogue in super::dialogues(&args.file)? {
        stats.add(&dialogue?);
    }
    write!(io::stdout(), "{stats}")?;
    if let Some(path) = &args.html {
        let page = stats.page(&args.file.display().to_string());
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
