//! Audio files: reads WAV and FLAC, writes WAV.

mod downmix;
mod error;
mod flac;
mod wav;
mod writer;

use std::{
    fs::File,
    io::{BufReader, Cursor, Read, Seek},
    path::Path,
};

pub use error::FileError;
pub use writer::WavWriter;

use crate::{resample, units::sane};

/// Sample rates that a clip may have. A header with any other rate is damaged, and resampling from such a rate could
/// need an unbounded amount of memory.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;

/// A whole audio file in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Sample rate of each channel, in Hz.
    pub rate: u32,
    /// One vector of samples in -1..=1 per channel, all of the same length.
    pub channels: Vec<Vec<f32>>,
}

impl Clip {
    /// Reads a WAV file (8, 16, 24 or 32-bit integers, or 32-bit floats) or a FLAC file.
    ///
    /// The format is detected from the content, not from the name. NaN samples become silence, and samples beyond full
    /// scale are clipped.
    ///
    /// # Errors
    /// Every [`FileError`] names the file and says what to do about it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(|source| FileError::reading(path, source))?;
        Self::from_reader(path, BufReader::new(opened))
    }

    /// Reads an audio file that is in memory, such as one embedded in the program. `name` stands for its path in
    /// errors.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn decode(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, FileError> {
        Self::from_reader(name.as_ref(), Cursor::new(bytes))
    }

    fn from_reader(path: &Path, mut file: impl Read + Seek) -> Result<Self, FileError> {
        let mut magic = Vec::new();
        Read::take(&mut file, 12)
            .read_to_end(&mut magic)
            .and_then(|_| file.rewind())
            .map_err(|source| FileError::reading(path, source))?;

        let clip = match Kind::of(&magic) {
            Kind::Wav => wav::read(path, file)?,
            Kind::Flac => flac::read(path, file)?,
            Kind::Other(name) => return Err(FileError::unsupported(path, name)),
            Kind::Nothing => return Err(FileError::Empty { path: path.into() }),
            Kind::Unknown => return Err(FileError::NotAudio { path: path.into() }),
        };
        if !RATES.contains(&clip.rate) {
            let what = format!("a sample rate of {} Hz", clip.rate);
            return Err(FileError::unsupported(path, what));
        }
        if clip.frames() == 0 {
            return Err(FileError::Empty { path: path.into() });
        }
        Ok(clip)
    }

    /// Samples per channel.
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// One channel at `rate`: the mean of all channels that are not silent, resampled.
    ///
    /// Silent channels do not count, so that a voice recorded on one side of a stereo file keeps its level. Channels
    /// of inverted polarity, such as one side of a balanced line, are turned, so that a voice does not cancel itself.
    pub fn mono(&self, rate: u32) -> Vec<f32> {
        resample::convert(&downmix::downmix(&self.channels, self.frames()), self.rate, rate)
    }
}

/// The format that the first bytes of a file indicate.
enum Kind {
    Wav,
    Flac,
    Other(&'static str),
    Nothing,
    Unknown,
}

impl Kind {
    fn of(magic: &[u8]) -> Self {
        match magic {
            [] => Self::Nothing,
            // A file cut off within its first bytes is a truncated WAV file, not another kind.
            [b'R', b'I', b'F', b'F', rest @ ..] if rest.len() < 8 || rest.ends_with(b"WAVE") => {
                Self::Wav
            }
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'R', b'F', b'6', b'4', ..] => Self::Other("RF64"),
            [b'O', b'g', b'g', b'S', ..] => Self::Other("Ogg"),
            [b'F', b'O', b'R', b'M', ..] => Self::Other("AIFF"),
            [b'I', b'D', b'3', ..] | [0xff, 0xe2..=0xff, ..] => Self::Other("MP3"),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::Other("MP4"),
            _ => Self::Unknown,
        }
    }
}

/// De-interleaves samples.
struct Channels(Vec<Vec<f32>>);

impl Channels {
    fn new(count: usize) -> Self {
        Self(vec![Vec::new(); count])
    }

    fn frames(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    fn push_frame(&mut self, frame: impl IntoIterator<Item = f32>) {
        for (channel, sample) in self.0.iter_mut().zip(frame) {
            channel.push(sane(sample));
        }
    }
}
