//! The `duplex` program: arguments, configuration, and the commands built on the other crates.
//!
//! `commands` has a module for each command; each takes the loaded [`Config`] and returns a
//! [`Failure`], which says what to print and how to exit. A command writes its result to the output
//! it is given; only progress and what a running call shows go to the terminal directly.

mod args;
mod commands;
mod config;
mod failure;
mod interrupt;
mod progress;
mod run_call;
mod script;
mod set;
mod setup;
mod talk;
mod view;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use args::{Args, Command};
use config::Config;
use failure::Failure;
use talk::interface::log;

fn main() -> ExitCode {
    // clap prints its own errors, and exits with 2 after them: bad usage.
    let args = Args::parse();
    log_to_stderr(args.verbose);
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.reader_left => ExitCode::SUCCESS,
        Err(failure) => {
            // With stderr closed nobody can see it.
            let _ = write!(io::stderr().lock(), "{failure}");
            failure.exit.into()
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let mut out = io::stdout();
    let load = || Config::load(args.config.as_deref(), &args.set);
    match args.command {
        Command::Demo(demo) => commands::demo::run(demo, &load()?, &mut out),
        Command::Converse(converse) => commands::converse::run(converse, &load()?, &mut out),
        Command::Talk(talk) => commands::talk::run(*talk, &load()?, &mut out),
        Command::Ctl(ctl) => commands::ctl::run(&ctl),
        Command::Devices(devices) => commands::devices::run(&devices, &mut out),
        Command::Serve(serve) => commands::serve::run(serve, &load()?, &mut out),
        Command::Replay(replay) => commands::replay::run(&replay, &mut out),
        Command::Test(test) => commands::test::run(test, &load()?, &mut out),
        Command::Bench(bench) => commands::bench::run(bench, &load()?, &mut out),
        Command::Models(command) => commands::models::run(command, &load()?, &mut out),
        Command::Config(command) => {
            commands::config::run(command, args.config.as_deref(), &args.set, &mut out)
        }
        Command::Completions { shell } => commands::completions::run(shell, &mut out),
    }
}

/// Logs warnings by default, and the calls of a server; `-v` logs more; `RUST_LOG` overrides both. While a picture of a
/// call stands there, warnings are shown in it, and all of it afterwards.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        // The client of PulseAudio calls every end of its connection an error; what comes of it is said elsewhere.
        0 => "warn,duplex_server=info,pulseaudio=off",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .finish()
        .with(log::Notices)
        .init();
}
