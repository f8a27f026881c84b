//! `duplex config`: what is configured, and where.

use std::io::Write;
use std::path::Path;

use crate::args::ConfigCommand;
use crate::config::{self, Config};
use crate::failure::Failure;

pub(crate) fn run(
    command: ConfigCommand,
    path: Option<&Path>,
    set: &[String],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show { defaults: true } => {
            out.write_all(Config::defaults()?.to_toml()?.as_bytes())?;
        }
        ConfigCommand::Show { defaults: false } => {
            out.write_all(Config::load(path, set)?.to_toml()?.as_bytes())?;
        }
        ConfigCommand::Path => writeln!(out, "{}", config::file(path)?.display())?,
        ConfigCommand::Check => {
            Config::load(path, set)?;
            let file = config::file(path)?;
            let found = if file.exists() { "is in order" } else { "is not there: all defaults" };
            writeln!(out, "{} {found}", file.display())?;
        }
    }
    Ok(())
}
