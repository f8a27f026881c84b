//! The recogniser process: whisper.cpp behind a pipe.
//!
//! It is a program of its own because whisper.cpp and llama.cpp both carry a copy of ggml, and the two cannot be
//! linked together; a crash of the C++ code is then also survived. It is started by `duplex_model::asr::Recogniser`, reads
//! windows of audio on standard input and answers with text on standard output; [`protocol`] is what they speak. It keeps
//! no state between windows, opens no file but the model, and ends with its standard input.

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

/// The next frame; none where the client has closed the pipe or died.
fn next(input: &mut impl io::Read) -> Result<Option<Packet>> {
    match Packet::read_from(input) {
        Ok(frame) => Ok(Some(frame)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error).context("standard input"),
    }
}

/// Keeps the pipe to the client for frames alone: whatever else prints to standard output, the C++ code included,
/// lands on standard error.
fn claim_stdout() -> io::Result<File> {
    let pipe = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(pipe))
}
