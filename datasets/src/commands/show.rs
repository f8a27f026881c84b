use std::io::{self, Write as _};

use anyhow::Context as _;
use duplex_datasets::Slice;

use crate::args;

pub(crate) fn run(args: &args::Show) -> anyhow::Result<()> {
    let mut count = 0;
    let mut dialogues = super::dialogues(&args.file)?.inspect(|_| count += 1);
    let found = dialogues.nth(args.number as usize - 1);
    drop(dialogues);
    let dialogue = found.with_context(|| {
        format!("{} has {count} dialogues, and no number {}", args.file.display(), args.number)
    })??;

    let mut out = io::stdout().lock();
    let (id, category) = (&dialogue.id, dialogue.category.name());
    writeln!(out, "{id}: {category}, slices of {} ms", dialogue.slice_ms)?;
    for turn in &dialogue.history {
        writeln!(
            out,
            "\n  before, the user: {}\n  the assistant:    {}",
            turn.user, turn.assistant
        )?;
    }
    let user = |slice: &Slice| {
        let end = if slice.falls_silent { " |" } else { "" };
        slice.user.as_ref().map(|words| format!("{words}{end}")).unwrap_or_default()
    };
    let widest = dialogue.slices.iter().map(|slice| user(slice).chars().count()).max();
    let width = widest.unwrap_or(0).max("user".len());
    writeln!(out, "\n{:<11} {:<width$}  assistant", "phase", "user")?;
    for slice in &dialogue.slices {
        let end = if slice.ends { " |" } else { "" };
        let assistant = slice.assistant.as_deref().unwrap_or("-");
        let phase = slice.phase.name();
        writeln!(out, "{phase:<11} {:<width$}  {assistant}{end}", user(slice))?;
    }
    Ok(())
}
