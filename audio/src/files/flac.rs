use std::{
    io::{self, Read},
    path::Path,
};

use claxon::{Error, FlacReader};

use super::{Channels, Clip, FileError};

pub(super) fn read(path: &Path, file: impl Read) -> Result<Clip, FileError> {
    let mut reader = FlacReader::new(file).map_err(|error| describe(path, error, 0))?;
    let info = reader.streaminfo();
    let scale = 1.0 / (1u64 << (info.bits_per_sample - 1)) as f32;
    let mut channels = Channels::new(info.channels as usize);
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    loop {
        let next = blocks.read_next_or_eof(buffer);
        let block = match next.map_err(|error| describe(path, error, channels.frames()))? {
            Some(block) => block,
            None => break,
        };
        // Real files do not change their number of channels, but a damaged one may.
        if block.channels() as usize != channels.0.len() {
            let what = "the number of channels changes";
            return Err(FileError::Damaged { path: path.into(), what });
        }
        for frame in 0..block.duration() {
            let samples = (0..block.channels()).map(|channel| block.sample(channel, frame));
            channels.push_frame(samples.map(|x| x as f32 * scale));
        }
        buffer = block.into_buffer();
    }
    // A stream cut between two blocks decodes without an error.
    if info.samples.is_some_and(|announced| announced > channels.frames() as u64) {
        return Err(FileError::Truncated { path: path.into(), frames: channels.frames() });
    }
    Ok(Clip { rate: info.sample_rate, channels: channels.0 })
}

fn describe(path: &Path, error: Error, frames: usize) -> FileError {
    match error {
        Error::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            FileError::Truncated { path: path.into(), frames }
        }
        Error::IoError(source) => FileError::reading(path, source),
        Error::FormatError(what) => FileError::Damaged { path: path.into(), what },
        Error::Unsupported(what) => FileError::unsupported(path, what),
    }
}
