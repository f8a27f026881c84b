//! The `duplex-datasets` program: makes data sets, counts them, and shows what is in them.

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
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            if interrupt::happened() { interrupt::EXIT.into() } else { ExitCode::FAILURE }
        }
    }
}

/// Whether whoever read the output has left.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
