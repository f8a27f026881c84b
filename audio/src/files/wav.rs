use std::{
    io::{self, Read},
    path::Path,
};

use hound::{Error, SampleFormat, WavReader};

use super::{Channels, Clip, FileError};

pub(super) fn read(path: &Path, file: impl Read) -> Result<Clip, FileError> {
    let mut reader = WavReader::new(file).map_err(|error| describe(path, error, 0))?;
    let spec = reader.spec();
    let channels = Channels::new(spec.channels.into());
    let channels = match spec.sample_format {
        SampleFormat::Float => collect(path, channels, reader.samples::<f32>())?,
        SampleFormat::Int => {
            let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
            let samples = reader.samples::<i32>().map(|x| x.map(|x| x as f32 * scale));
            collect(path, channels, samples)?
        }
    };
    Ok(Clip { rate: spec.sample_rate, channels: channels.0 })
}

fn collect(
    path: &Path,
    mut channels: Channels,
    samples: impl Iterator<Item = hound::Result<f32>>,
) -> Result<Channels, FileError> {
    let mut frame = Vec::with_capacity(channels.0.len());
    for sample in samples {
        frame.push(sample.map_err(|error| describe(path, error, channels.frames()))?);
        if frame.len() == channels.0.len() {
            channels.push_frame(frame.drain(..));
        }
    }
    Ok(channels)
}

fn describe(path: &Path, error: Error, frames: usize) -> FileError {
    match error {
        // hound reports the end of a file as `ErrorKind::Other`.
        Error::IoError(source)
            if matches!(source.kind(), io::ErrorKind::Other | io::ErrorKind::UnexpectedEof) =>
        {
            FileError::Truncated { path: path.into(), frames }
        }
        Error::IoError(source) => FileError::reading(path, source),
        Error::FormatError(what) => FileError::Damaged { path: path.into(), what },
        Error::TooWide
        | Error::UnfinishedSample
        | Error::Unsupported
        | Error::InvalidSampleFormat => {
            FileError::unsupported(path, "this coding of WAV (not plain 8 to 32 bit samples)")
        }
    }
}
