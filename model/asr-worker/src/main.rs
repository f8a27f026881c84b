//! The recogniser process: whisper.cpp behind a pipe.
//!
//! It is a separate program because whisper.cpp and llama.cpp both contain a copy of ggml, and the two cannot be linked
//! together; it also isolates crashes of the C++ code. `duplex_model::asr::Recogniser` starts it. It reads windows of
//! audio on standard input and answers with text on standard output, in the format of [`protocol`]. It keeps no state
//! between windows, opens no file but the model, and exits when its standard input is closed.

mod model_file;
#[path = "../../src/asr/protocol.rs"]
mod protocol;
mod recogniser;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};

use anyhow::{Context, Result, bail};

use protocol::Packet;
use recogniser::Recogniser;

fn main() -> Result<()> {
    if io::stdin().is_terminal() {
        bail!(
            "duplex-asr is started by duplex and speaks with it over pipes; it has no use on its own"
        );
    }
    whisper_rs::install_logging_hooks();
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = claim_stdout().context("cannot take over standard output")?;

    let Some(Packet::Load(load)) = next(&mut input)? else {
        bail!("the first frame does not name a model")
    };
    let mut recogniser = match Recogniser::load(load) {
        Ok((recogniser, ready)) => {
            Packet::Ready(ready).write_to(&mut output)?;
            recogniser
        }
        Err(error) => {
            Packet::Refused(format!("{error:#}")).write_to(&mut output)?;
            return Ok(());
        }
    };
    while let Some(frame) = next(&mut input)? {
        let Packet::Window(window) = frame else { bail!("expected a window of audio") };
        match recogniser.decode(&window) {
            Ok(decoded) => Packet::Decoded(decoded),
            Err(error) => Packet::Refused(format!("{error:#}")),
        }
        .write_to(&mut output)?;
    }
    Ok(())
}

/// The next frame; none if the client has closed the pipe or died.
fn next(input: &mut impl io::Read) -> Result<Option<Packet>> {
    match Packet::read_from(input) {
        Ok(frame) => Ok(Some(frame)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error).context("standard input"),
    }
}

/// Reserves the pipe to the client for frames: anything else that prints to standard output, the C++ code included,
/// goes to standard error.
fn claim_stdout() -> io::Result<File> {
    let pipe = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(pipe))
}
