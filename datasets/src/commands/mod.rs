//! The commands, one module each.

mod acts;
mod build;
mod eval;
mod heard;
mod replies;
mod show;
mod stats;
mod talk;
mod weights;

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use duplex_datasets::texts::{self, Prompt};
use duplex_datasets::{Dialogue, Part};
use duplex_model::weights::{Manifest, ModelSource, Role, Store};

use crate::args::{Args, Command};
use crate::progress::Pull;

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Build(build) => build::run(&build),
        Command::Stats(stats) => stats::run(&stats),
        Command::Show(show) => show::run(&show),
        Command::Eval(eval) => eval::run(&eval),
        Command::Talk(talk) => talk::run(&talk),
        Command::Replies(replies) => replies::run(&replies),
        Command::Heard(heard) => heard::run(&heard),
        Command::Acts(acts) => acts::run(&acts),
        Command::Weights(weights) => weights::run(&weights),
        Command::Completions { shell } => {
            let (mut command, name) = (Args::command(), env!("CARGO_BIN_NAME"));
            clap_complete::generate(shell, &mut command, name, &mut io::stdout());
            Ok(())
        }
    }
}

fn prompts() -> anyhow::Result<Vec<Prompt>> {
    Ok(texts::prompts(Store::open()?, &mut Pull::new())?)
}

/// The typed conversations of one part.
fn conversations(part: Part) -> anyhow::Result<Vec<Vec<String>>> {
    Ok(texts::conversations(Store::open()?, part, &mut Pull::new())?)
}

/// The model at `path`, or the default model from the store.
fn base_model(path: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = path {
        return Ok(path.to_owned());
    }
    default_model(Role::Llm)
}

/// The default model for `role`, from the store.
fn default_model(role: Role) -> anyhow::Result<PathBuf> {
    let default = Manifest::builtin().default_for(role).context("no model is the default")?;
    Ok(Store::open()?.path(role, &ModelSource::Named(default.name.clone()))?)
}

/// The dialogues of a file, read one at a time.
fn dialogues(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Dialogue>> + '_> {
    let name = path.display();
    let file = fs_err(std::fs::File::open(path), path)?;
    let lines = BufReader::new(file).lines().enumerate();
    Ok(lines.map(move |(at, line)| {
        let line = line.with_context(|| format!("cannot read {name}"))?;
        serde_json::from_str(&line).with_context(|| format!("{name}:{}: not a dialogue", at + 1))
    }))
}

fn fs_err<T>(result: io::Result<T>, path: &Path) -> anyhow::Result<T> {
    result.with_context(|| format!("cannot open {}", path.display()))
}
