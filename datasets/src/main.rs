//! The `duplex-datasets` program: generates, inspects and evaluates with data sets.

mod args;
mod commands;
mod interrupt;
mod progress;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::run(args::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, nobody can read the message.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            if interrupt::happened() { interrupt::EXIT.into() } else { ExitCode::FAILURE }
        }
    }
}

/// Whether the reader of the output has gone.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
