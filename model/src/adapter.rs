//! The duplex adapter that is built into the program.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::weights::Sha256;

/// See model/adapter/README.md.
const ADAPTER: &[u8] = include_bytes!("../adapter/duplex.gguf");

/// Path of the adapter's file, which is written to `folder` if it is not there yet: llama.cpp loads adapters only from
/// files.
///
/// The file name contains the adapter's digest, so that programs of several versions can share a folder.
///
/// # Errors
/// If the file cannot be written.
pub fn built_in(folder: &Path) -> io::Result<PathBuf> {
    let digest = Sha256::of(ADAPTER).to_string();
    let path = folder.join(format!("duplex-adapter-{}.gguf", &digest[..12]));
    if std::fs::read(&path).is_ok_and(|there| there == ADAPTER) {
        return Ok(path);
    }
    std::fs::create_dir_all(folder)?;
    // Written to a temporary file and renamed: another program may be reading it.
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(ADAPTER)?;
    beside.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}
