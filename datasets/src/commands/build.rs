use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use duplex_datasets::texts::{self, Reply};
use duplex_datasets::{Builder, Part};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::{args, interrupt, progress};

/// The built-in replies.
const REPLIES: &str = include_str!("../../text/replies.jsonl");

pub(crate) fn run(args: &args::Build) -> anyhow::Result<()> {
    interrupt::catch()?;
    let replies = match &args.replies {
        Some(path) => texts::read_replies(path)?,
        None => REPLIES.lines().map(serde_json::from_str).collect::<Result<Vec<Reply>, _>>()?,
    };
    let exchanges = texts::exchanges(&super::prompts()?, &replies);
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    for (part, count) in [(Part::Train, args.train), (Part::Test, args.test)] {
        let builder = Builder::new(part, args.seed, &args.slices, &exchanges)?;
        let dialogues = (0..count).map(|number| builder.dialogue(number));
        write(args, &format!("{part}.jsonl"), "dialogues", count, dialogues)?;
    }
    let chats = texts::chats(super::conversations(Part::Train)?, &exchanges);
    write(args, "chat.jsonl", "chats", chats.len() as u64, chats.into_iter())
}

/// Writes a file, which appears complete or not at all.
fn write(
    args: &args::Build,
    name: &str,
    what: &'static str,
    count: u64,
    lines: impl Iterator<Item = impl Serialize>,
) -> anyhow::Result<()> {
    let path = args.out.join(name);
    let failed = |path: &Path| format!("cannot write {}", path.display());
    let file = NamedTempFile::new_in(&args.out).with_context(|| failed(&path))?;
    let mut out = BufWriter::new(file);
    let bar = progress::bar(what, count);
    for line in lines {
        if interrupt::happened() {
            bail!("interrupted; {} was not written", path.display());
        }
        serde_json::to_writer(&mut out, &line).with_context(|| failed(&path))?;
        out.write_all(b"\n").with_context(|| failed(&path))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let file = out.into_inner().map_err(io::IntoInnerError::into_error);
    let file = file.with_context(|| failed(&path))?;
    file.persist(&path).with_context(|| failed(&path))?;
    writeln!(io::stdout(), "{}: {count} {what}", path.display())?;
    Ok(())
}
