//! `duplex-datasets acts`.

use std::io::{self, Write as _};

use anyhow::Context as _;
use duplex_datasets::acts::{Phrasings, Report, fit};

use crate::args::Acts;

pub(super) fn run(args: &Acts) -> anyhow::Result<()> {
    let phrasings = Phrasings::read(&args.phrasings)?;
    let table = fit(&phrasings);
    let mut out = io::stdout().lock();
    write!(out, "{}", Report::of(&phrasings))?;
    std::fs::write(&args.out, table)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    writeln!(out, "wrote {}", args.out.display())?;
    Ok(())
}
