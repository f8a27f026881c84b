//! Copies with a digest and a size limit, checks formats, and moves files into place.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::digest::Hasher;
use super::{Error, Progress, Role, Sha256};

const BLOCK: usize = 1 << 18;

/// Why a copy ended early: one side failed, or it was cancelled.
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
    Cancelled,
}

/// Copies at most `limit` bytes; reports `before` plus the bytes copied to `progress`. Returns the number of bytes
/// copied and their digest.
pub(super) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    limit: u64,
    before: u64,
    progress: &mut dyn Progress,
) -> Result<(u64, Sha256), CopyError> {
    let mut block = vec![0; BLOCK];
    let mut hasher = Hasher::default();
    let mut done = 0;
    loop {
        if progress.cancelled() {
            return Err(CopyError::Cancelled);
        }
        let room = usize::try_from(limit - done).unwrap_or(BLOCK).min(BLOCK);
        let n = match from.read(&mut block[..room]) {
            Ok(0) => return Ok((done, hasher.finish())),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(CopyError::Read(e)),
        };
        to.write_all(&block[..n]).map_err(CopyError::Write)?;
        hasher.update(&block[..n]);
        done += n as u64;
        progress.advance(before + done);
    }
}

/// Digest of a whole file.
pub(super) fn digest(path: &Path, progress: &mut dyn Progress) -> Result<Sha256, Error> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    match copy(&mut file, &mut io::sink(), u64::MAX, 0, progress) {
        Ok((_, sha256)) => Ok(sha256),
        Err(CopyError::Cancelled) => Err(Error::Cancelled),
        Err(CopyError::Read(e) | CopyError::Write(e)) => Err(Error::io("read", path)(e)),
    }
}

/// Checks the first bytes of a file against the format of its role.
pub(super) fn check_format(path: &Path, role: Role) -> Result<(), Error> {
    let mut head = Vec::with_capacity(16);
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(Error::io("read", path))?;
    if role.accepts(&head) {
        return Ok(());
    }
    let text = head.trim_ascii_start().to_ascii_lowercase();
    let found = match &head[..] {
        [] => "an empty file",
        _ if head.starts_with(b"GGUF") => "a GGUF file",
        _ if head.starts_with(b"lmgg") => "a ggml file",
        _ if head.starts_with(b"PK\x03\x04") => "a zip archive",
        _ if text.starts_with(b"<!doctype") || text.starts_with(b"<html") => "a web page",
        _ if head.starts_with(b"version https://") => "a Git LFS pointer",
        _ => "something else",
    };
    Err(Error::WrongFormat { path: path.to_owned(), expected: role.format(), found })
}

/// Flushes `from` to disk, then renames it to `to`, replacing what was there.
pub(super) fn place(from: &Path, to: &Path) -> Result<(), Error> {
    File::open(from).and_then(|file| file.sync_all()).map_err(Error::io("write", from))?;
    fs::rename(from, to).map_err(Error::io("write", to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_is(head: &[u8], role: Role) -> Result<(), Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, head).unwrap();
        check_format(&path, role)
    }

    #[test]
    fn a_foreign_file_is_named_with_what_it_seems_to_be() {
        let cases: [(&[u8], Role, &str); 6] = [
            (b"lmgg\x01\0\0\0", Role::Llm, "this is a ggml file, not a GGUF file"),
            (b"GGUF\x03\0\0\0", Role::Asr, "this is a GGUF file, not a whisper.cpp ggml file"),
            (b"\n<!DOCTYPE html>", Role::Voice, "this is a web page, not an ONNX file"),
            (b"", Role::Vad, "this is an empty file, not an ONNX file"),
            (b"version https://git-lfs", Role::Turn, "this is a Git LFS pointer"),
            (b"PK\x03\x04", Role::Llm, "this is a zip archive"),
        ];
        for (head, role, message) in cases {
            let error = head_is(head, role).unwrap_err().to_string();
            assert!(error.contains(message) && error.contains("model: "), "{error}");
        }
    }

    #[test]
    fn a_file_of_the_right_format_is_accepted() {
        assert!(head_is(b"GGUF\x03\0\0\0", Role::Llm).is_ok());
        assert!(head_is(b"lmgg\x08\xca\0\0", Role::Asr).is_ok());
        assert!(head_is(b"\x08\x08\x12\x07pytorch", Role::Voice).is_ok());
    }

    #[test]
    fn a_copy_never_exceeds_its_limit() {
        let mut out = Vec::new();
        let copied = copy(&mut io::repeat(7), &mut out, 1000, 0, &mut super::super::Silent);
        assert!(matches!(copied, Ok((1000, sha)) if sha == Sha256::of(&[7; 1000])));
        assert_eq!(out.len(), 1000);
    }
}
