//! Checks whether a file is a complete whisper.cpp model.
//!
//! whisper.cpp loads whatever it can read: a file cut within its last tensor, or right after its vocabulary, loads
//! without an error and then recognises nonsense. So the layout is checked here first, without reading the weights.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// "ggml" as whisper.cpp writes it: a little-endian number.
const MAGIC: [u8; 4] = *b"lmgg";

/// Bytes per block and weights per block, by ggml's number of the type.
const fn block(kind: i32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (4, 1),      // f32
        1 => (2, 1),      // f16
        2 => (18, 32),    // q4_0
        3 => (20, 32),    // q4_1
        6 => (22, 32),    // q5_0
        7 => (24, 32),    // q5_1
        8 => (34, 32),    // q8_0
        10 => (84, 256),  // q2_k
        11 => (110, 256), // q3_k
        12 => (144, 256), // q4_k
        13 => (176, 256), // q5_k
        14 => (210, 256), // q6_k
        _ => return None,
    })
}

/// Fails, with the reason, if the file at `path` is missing, of another kind, or truncated.
pub(crate) fn check(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).context("the file is empty or nearly so")?;
    match &magic {
        &MAGIC => {}
        b"GGUF" => bail!("this is a GGUF file; whisper.cpp needs the ggml format (ggml-*.bin)"),
        _ => bail!("this is no ggml model of whisper.cpp (it begins with other bytes)"),
    }
    match walk(&mut reader, length) {
        Err(error) if is_end_of_file(&error) => bail!("the file is cut short ({length} bytes)"),
        other => other,
    }
}

fn is_end_of_file(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// Checks hyper-parameters, mel filters, vocabulary, then tensors up to exactly the end of the file.
fn walk(reader: &mut BufReader<File>, length: u64) -> Result<()> {
    /// n_vocab, four of audio and four of text, n_mels, weight type.
    const HYPER_PARAMETERS: u64 = 11 * 4;
    skip(reader, length, HYPER_PARAMETERS)?;
    let filters = number(reader)? * number(reader)?;
    skip(reader, length, filters * 4)?;
    for _ in 0..number(reader)? {
        let bytes = number(reader)?;
        skip(reader, length, bytes)?;
    }
    ensure!(reader.stream_position()? < length, "the file is cut short: it holds no weights");
    while reader.stream_position()? < length {
        let (dimensions, name, kind) = (number(reader)?, number(reader)?, number(reader)?);
        ensure!(dimensions <= 4, "the file is damaged: a tensor of {dimensions} dimensions");
        let mut weights = 1u64;
        for _ in 0..dimensions {
            weights = weights.saturating_mul(number(reader)?);
        }
        let Some((bytes, per_block)) = block(kind as i32) else {
            bail!("the file is damaged, or newer than this program: weights of type {kind}");
        };
        skip(reader, length, name.saturating_add(weights.saturating_mul(bytes) / per_block))?;
    }
    Ok(())
}

fn number(reader: &mut BufReader<File>) -> Result<u64> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    let value = i32::from_le_bytes(bytes);
    u64::try_from(value).with_context(|| format!("the file is damaged: a size of {value}"))
}

fn skip(reader: &mut BufReader<File>, length: u64, bytes: u64) -> Result<()> {
    let end = reader.stream_position()?.saturating_add(bytes);
    if end > length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    // Within the file, so it fits an i64. A relative seek keeps the reader's buffer.
    reader.seek_relative(bytes as i64)?;
    Ok(())
}
