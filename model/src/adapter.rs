//! The duplex adapter that comes with the program.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::weights::Sha256;

/// See model/adapter/README.md.
const ADAPTER: &[u8] = include_bytes!("../adapter/duplex.gguf");

/// The file of the adapter, for llama.cpp, which loads nothing but files; written to `folder` where it is not there yet.
///
/// Its name holds its digest: programs of several versions share a folder.
///
/// # Errors
/// Where it cannot be written.
pub fn built_in(folder: &Path) -> io::Result<PathBuf> {
    let digest = Sha256::of(ADAPTER).to_string();
    let path = folder.join(format!("duplex-adapter-{}.gguf", &digest[..12]));
    if std::fs::read(&path).is_ok_and(|there| there == ADAPTER) {
        return Ok(path);
    }
    std::fs::create_dir_all(folder)?;
    // Whole or not at all: another program may be reading it.
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(ADAPTER)?;
    beside.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}
