use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};

use hound::{SampleFormat, WavSpec};

use super::FileError;
use crate::units::sane;

/// The largest size of the audio data of one file: the file's sizes are 32-bit numbers and include the header.
const MOST_BYTES: u64 = u32::MAX as u64 - 1024;

/// Writes a 16-bit WAV file of `CHANNELS` channels while the call is running.
///
/// After every second of audio, and after [`flush`](Self::flush), the file on disk is a valid WAV file with everything
/// written up to then: a killed program leaves a readable file behind.
pub struct WavWriter<const CHANNELS: usize, W: Write + Seek = BufWriter<File>> {
    path: PathBuf,
    file: hound::WavWriter<W>,
    rate: u32,
    /// Frames written since the sizes in the header were last updated.
    unannounced: u32,
}

impl<const CHANNELS: usize> WavWriter<CHANNELS> {
    /// Creates the file, or truncates it if it exists.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be created or written.
    pub fn create(path: impl AsRef<Path>, rate: u32) -> Result<Self, FileError> {
        let path = path.as_ref();
        let file =
            File::create(path).map_err(|source| FileError::Io { path: path.into(), source })?;
        Self::over(path, BufWriter::new(file), rate)
    }
}

impl<const CHANNELS: usize, W: Write + Seek> WavWriter<CHANNELS, W> {
    fn over(path: &Path, inner: W, rate: u32) -> Result<Self, FileError> {
        let spec = WavSpec {
            channels: CHANNELS as u16,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let file = hound::WavWriter::new(inner, spec).map_err(|error| describe(path, error))?;
        let mut writer = Self { path: path.into(), file, rate, unannounced: 0 };
        writer.flush()?;
        Ok(writer)
    }

    /// Appends one slice of samples per channel.
    ///
    /// Samples beyond full scale are clipped. If the slices differ in length, the shorter ones are padded with silence.
    ///
    /// # Errors
    /// [`FileError::Io`], for example if the disk is full, and [`FileError::Full`]. The file keeps what was written up
    /// to the last whole second.
    pub fn write(&mut self, channels: [&[f32]; CHANNELS]) -> Result<(), FileError> {
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let bytes = u64::from(self.file.len()) * 2 + (frames * CHANNELS * 2) as u64;
        if bytes > MOST_BYTES {
            return Err(FileError::Full { path: self.path.clone() });
        }
        for frame in 0..frames {
            for channel in channels {
                let sample = channel.get(frame).copied().unwrap_or(0.0);
                let quantised = (sane(sample) * f32::from(i16::MAX)).round() as i16;
                self.file.write_sample(quantised).map_err(|error| describe(&self.path, error))?;
            }
            self.unannounced += 1;
            if self.unannounced >= self.rate {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes buffered samples to disk and updates the header.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn flush(&mut self) -> Result<(), FileError> {
        self.unannounced = 0;
        self.file.flush().map_err(|error| describe(&self.path, error))
    }

    /// Writes what is buffered and closes the file. Dropping the writer does the same but ignores errors.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn finish(self) -> Result<(), FileError> {
        let path = self.path;
        self.file.finalize().map_err(|error| describe(&path, error))
    }
}

fn describe(path: &Path, error: hound::Error) -> FileError {
    let source = match error {
        hound::Error::IoError(source) => source,
        other => io::Error::other(other),
    };
    FileError::Io { path: path.into(), source }
}
