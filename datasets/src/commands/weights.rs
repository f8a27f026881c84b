//! `duplex-datasets weights`.

use std::io::{self, Write as _};

use anyhow::Context as _;
use duplex_datasets::weights::{Options, Report, Table, fit, page, source};

use crate::args::Weights;

pub(super) fn run(args: &Weights) -> anyhow::Result<()> {
    let table = Table::read(&args.tables)?;
    let options = Options { prior: args.prior, ..Options::default() };
    let weights = fit(&table, options);
    let mut out = io::stdout().lock();
    let reports = Report::both(&table, options, true);
    for report in &reports {
        writeln!(out, "{report}")?;
    }
    for (path, text) in [(&args.out, source(&weights)), (&args.page, page(&weights, &reports))] {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(())
}
