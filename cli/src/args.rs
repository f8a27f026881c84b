//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::{
    bench::Bench, converse::Converse, ctl::Ctl, demo::Demo, devices::Devices, replay::Replay,
    serve::Serve, talk::Talk, test::Test,
};
use crate::failure::Exit;

/// A voice assistant that listens while it speaks
#[derive(Debug, Parser)]
#[command(version, after_help = Exit::TABLE, propagate_version = true)]
pub(crate) struct Args {
    /// Configuration file [default: duplex/config.toml in the XDG configuration folder]
    #[arg(long, global = true, env = "DUPLEX_CONFIG", value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,

    /// Override one key of the configuration, as in llm.threads=4; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Log more: -v for info, -vv for debug, -vvv for trace; RUST_LOG overrides it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Talk(Box<Talk>),
    Ctl(Ctl),
    Devices(Devices),
    Demo(Demo),
    Converse(Converse),
    Serve(Serve),
    Replay(Replay),
    Test(Test),
    Bench(Bench),
    /// The models: which there are, where they are stored, whether they are intact
    #[command(subcommand)]
    Models(Models),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List the models that have a name, and any others that are configured
    List {
        /// For programs: one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Fetch what is missing or broken; do nothing if all is well
    Pull(Which),
    /// Compare the digests of models with the expected ones
    Verify(Which),
    /// Print the path of a model, or of the folder with all models
    Path {
        /// A model's name, or a role: llm, asr, voice, vad, turn
        model: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// Names of models, or roles: llm, asr, voice, vad, turn [default: all that the
    /// configuration names]
    #[arg(value_name = "MODEL")]
    pub(crate) models: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every key with its meaning and the value in force, as a configuration file
    Show {
        /// Show the defaults instead of the values in force
        #[arg(long)]
        defaults: bool,
    },
    /// Print the path of the configuration file, whether it exists or not
    Path,
    /// Check the configuration file
    Check,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
