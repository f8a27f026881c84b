//! The chunks of WAV files: RIFF, RF64 (for more than 4 GB) and Wave64.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use symphonia::core::io::ReadBytes;

use super::{FileError, Input, length, peek, read_up_to};

/// Names by which a chunk is known even where the byte that pads the one before looks like a letter.
const USUAL_NAMES: [&[u8]; 4] = [b"data", b"fmt ", b"fact", b"LIST"];

/// Bytes of a format chunk that say something: those of `WAVEFORMATEXTENSIBLE`.
const FORMAT_BYTES: u64 = 40;

/// How a file writes down the names and sizes of its chunks.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Layout {
    /// Names of four letters and sizes of 32 bits; a chunk `ds64` gives those that need more.
    Riff,
    /// Names of 16 bytes and sizes of 64 bits, which count the name and the size too.
    Wave64,
}

/// What stands before the sound of a file.
pub(super) struct Header {
    /// The format chunk, at most [`FORMAT_BYTES`] of it.
    pub(super) format: Vec<u8>,
    /// Samples per channel, where a chunk `fact` says so.
    pub(super) frames: Option<u32>,
    /// Bytes of the sound; none: it lasts until the end of the file.
    pub(super) sound_bytes: Option<u64>,
}

/// Reads up to the first byte of the sound.
pub(super) fn header(
    path: &Path,
    input: &mut Input<'_>,
    layout: Layout,
) -> Result<Header, FileError> {
    let length = length(input);
    Chunks { path, input, layout, length, end: None, long_sound: None }.header()
}

struct Chunks<'a, 's> {
    path: &'a Path,
    input: &'a mut Input<'s>,
    layout: Layout,
    /// Bytes of the file; none: it comes from a pipe.
    length: Option<u64>,
    /// Where the file ends by what its first chunk says; none: the writer did not know.
    end: Option<u64>,
    /// Bytes of the sound by a chunk `ds64`.
    long_sound: Option<u64>,
}

struct Chunk {
    name: [u8; 4],
    bytes: u64,
}

impl Chunks<'_, '_> {
    fn header(mut self) -> Result<Header, FileError> {
        let whole = self.chunk()?.ok_or_else(|| self.cut_off())?;
        if !is_placeholder(whole.bytes) {
            self.end = Some(self.input.pos().saturating_add(whole.bytes));
        }
        self.skip(if self.layout == Layout::Wave64 { 16 } else { 4 })?;
        let (mut format, mut frames) = (None, None);
        loop {
            let chunk = self.chunk()?.ok_or_else(|| self.without_sound())?;
            match &chunk.name {
                b"data" => {
                    let missing = || self.damaged("no format before the sound");
                    let format = format.ok_or_else(missing)?;
                    let sound_bytes = self.sound_bytes(chunk.bytes)?;
                    return Ok(Header { format, frames, sound_bytes });
                }
                b"fmt " => format = Some(self.content(&chunk, FORMAT_BYTES)?),
                b"fact" => {
                    let content = self.content(&chunk, 4)?;
                    frames = content.first_chunk().copied().map(u32::from_le_bytes);
                }
                b"ds64" => {
                    let content = self.content(&chunk, 16)?;
                    self.note_long_sizes(&content);
                }
                _ => self.skip(chunk.bytes)?,
            }
            self.skip_padding(chunk.bytes)?;
        }
    }

    /// The next chunk; none: the file ends before it.
    fn chunk(&mut self) -> Result<Option<Chunk>, FileError> {
        let mut head = [0; 24];
        let head = &mut head[..if self.layout == Layout::Wave64 { 24 } else { 8 }];
        let read = read_up_to(self.input, head).map_err(|error| self.reading(error))?;
        if read == 0 {
            return Ok(None);
        }
        if read < head.len() {
            return Err(self.cut_off());
        }
        let mut name = [head[0], head[1], head[2], head[3]];
        if !is_name(&name) {
            return Err(self.damaged("a chunk without a name"));
        }
        let size = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, &x| sum << 8 | u64::from(x));
        let bytes = match self.layout {
            Layout::Riff => size(&head[4..]),
            Layout::Wave64 => {
                name.make_ascii_lowercase();
                size(&head[16..]).saturating_sub(24)
            }
        };
        Ok(Some(Chunk { name, bytes }))
    }

    /// Reads a chunk and gives at most `most` bytes of it.
    fn content(&mut self, chunk: &Chunk, most: u64) -> Result<Vec<u8>, FileError> {
        let mut content = vec![0; chunk.bytes.min(most) as usize];
        self.input.read_exact(&mut content).map_err(|error| self.reading(error))?;
        self.skip(chunk.bytes - content.len() as u64)?;
        Ok(content)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), FileError> {
        let end = self.input.pos().saturating_add(bytes);
        match self.length {
            Some(length) if end > length && self.end == Some(length) => {
                Err(self.damaged("a chunk is longer than the file"))
            }
            Some(length) if end > length => Err(self.cut_off()),
            _ => self.input.ignore_bytes(bytes).map_err(|error| self.reading(error)),
        }
    }

    /// Skips what fills a chunk of `bytes` up to the next even size. Not every writer does that in RIFF.
    fn skip_padding(&mut self, bytes: u64) -> Result<(), FileError> {
        if self.layout == Layout::Wave64 {
            return self.skip(bytes.wrapping_neg() % 8);
        }
        if bytes.is_multiple_of(2) {
            return Ok(());
        }
        let mut next = [0; 5];
        let read = peek(self.input, &mut next).map_err(|error| self.reading(error))?;
        let is_padded = !is_name(&next[..4]) || USUAL_NAMES.contains(&&next[1..]);
        if is_padded && read > 0 { self.skip(1) } else { Ok(()) }
    }

    /// Notes the sizes of a chunk `ds64`: of the file, and of the sound.
    fn note_long_sizes(&mut self, content: &[u8]) {
        let size = |at: usize| content.get(at..at + 8).and_then(|x| x.first_chunk().copied());
        let [file, sound] = [0, 8].map(|at| size(at).map(u64::from_le_bytes));
        self.end = file.filter(|&bytes| !is_placeholder(bytes)).and_then(|x| x.checked_add(8));
        self.long_sound = sound;
    }

    /// Bytes of the sound of which the header says that it has `declared`; none: up to the end.
    ///
    /// A writer that cannot go back, into a pipe, says none, or as many as there can be; one that was interrupted says
    /// what it had at first. More than the file has is believed unless the file is as long as it should be.
    fn sound_bytes(&mut self, declared: u64) -> Result<Option<u64>, FileError> {
        let declared = match self.long_sound {
            Some(bytes) if declared == u64::from(u32::MAX) => bytes,
            _ => declared,
        };
        let Some(length) = self.length else {
            return Ok(Some(declared).filter(|&bytes| !is_placeholder(bytes)));
        };
        let left = length.saturating_sub(self.input.pos());
        if declared > left {
            let is_wrong = is_placeholder(declared) || self.end == Some(length);
            return Ok(if is_wrong { None } else { Some(declared) });
        }
        // More than was declared lies after it, and is no other chunk.
        let goes_on = left - declared > declared.max(1) && !self.is_chunk_after(declared)?;
        Ok(if goes_on { None } else { Some(declared) })
    }

    /// Whether a chunk follows that begins `bytes` from here and fits into the file.
    fn is_chunk_after(&mut self, bytes: u64) -> Result<bool, FileError> {
        let (here, length) = (self.input.pos(), self.length.unwrap_or(u64::MAX));
        let go = |input: &mut Input<'_>, to| input.seek(SeekFrom::Start(to)).map(|_| ());
        go(self.input, here + bytes).map_err(|error| self.reading(error))?;
        self.skip_padding(bytes)?;
        let chunk = self.chunk();
        let is_chunk = match chunk {
            Ok(Some(chunk)) => self.input.pos().saturating_add(chunk.bytes) <= length,
            _ => false,
        };
        go(self.input, here).map_err(|error| self.reading(error))?;
        Ok(is_chunk)
    }

    fn without_sound(&self) -> FileError {
        match self.end {
            Some(end) if end <= self.input.pos() => FileError::Empty { path: self.path.into() },
            _ => self.cut_off(),
        }
    }

    fn cut_off(&self) -> FileError {
        FileError::Truncated { path: self.path.into(), frames: 0 }
    }

    fn damaged(&self, what: &'static str) -> FileError {
        FileError::Damaged { path: self.path.into(), what }
    }

    fn reading(&self, error: io::Error) -> FileError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.cut_off(),
            _ => FileError::reading(self.path, error),
        }
    }
}

fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a size is what writers put down that do not know it: nothing, or about as much as a signed or an unsigned
/// number of 32 or 64 bits can say.
fn is_placeholder(bytes: u64) -> bool {
    bytes == 0
        || (0x7fff_0000..=0x8000_ffff).contains(&bytes)
        || (0xffff_0000..=0xffff_ffff).contains(&bytes)
        || bytes >= 1 << 62
}
