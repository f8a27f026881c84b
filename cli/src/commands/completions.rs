//! `duplex completions`: a script for the user's shell.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;

pub(crate) fn run(shell: Shell, out: &mut dyn Write) -> Result<(), Failure> {
    // Written to memory first: clap_complete panics if its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "duplex", &mut script);
    Ok(out.write_all(&script)?)
}
