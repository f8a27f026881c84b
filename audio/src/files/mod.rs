//! Audio files: reads WAV, FLAC and what else people record in, writes WAV.
//!
//! What a header says is checked here, against the rest of the file; a library decodes the samples.

mod compressed;
mod decoder;
mod downmix;
mod error;
mod flac;
mod riff;
mod wav;
mod writer;

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

pub use error::FileError;
pub use writer::WavWriter;

use symphonia::core::io::{MediaSource, MediaSourceStream, ReadBytes, SeekBuffered};

use crate::resample;

/// A file while it is read.
type Input<'s> = MediaSourceStream<'s>;

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
    /// Reads a sound file: WAV (integers of 8 to 32 bits, floats of 32 or 64, A-law, µ-law, ADPCM; also RF64 and
    /// Wave64), FLAC, MP3, AAC, Ogg Vorbis, M4A or AIFF.
    ///
    /// The format is detected from the content, not from the name. NaN samples become silence, and samples beyond full
    /// scale are clipped. A WAV file whose header was written before its length was known is read to its end.
    ///
    /// # Errors
    /// Every [`FileError`] names the file and says what to do about it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let opened = File::open(path).map_err(|source| FileError::reading(path, source))?;
        Self::from_source(path, Box::new(opened))
    }

    /// Reads an audio file that is in memory, such as one embedded in the program. `name` stands for its path in
    /// errors.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn decode(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, FileError> {
        Self::from_source(name.as_ref(), Box::new(Cursor::new(bytes)))
    }

    fn from_source<'s>(path: &Path, source: Box<dyn MediaSource + 's>) -> Result<Self, FileError> {
        let mut input = MediaSourceStream::new(source, Default::default());
        let reading = |source| FileError::reading(path, source);
        let has_tag = skip_tag(&mut input).map_err(reading)?;
        let mut magic = [0; 36];
        let read = peek(&mut input, &mut magic).map_err(reading)?;
        let clip = match Kind::of(&magic[..read]) {
            Kind::Wav(layout) => wav::read(path, input, layout)?,
            Kind::Flac => flac::read(path, input)?,
            Kind::Coded { is_stream } => compressed::read(path, input, is_stream)?,
            Kind::Other(name) => return Err(FileError::unsupported(path, name)),
            Kind::Nothing => return Err(FileError::Empty { path: path.into() }),
            // The frames of an MP3 file may begin some way after its tag.
            Kind::Unknown if has_tag => compressed::read(path, input, true)?,
            Kind::Unknown => return Err(FileError::NotAudio { path: path.into() }),
        };
        if clip.frames() == 0 {
            return Err(FileError::Empty { path: path.into() });
        }
        check_rate(path, clip.rate)?;
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

fn check_rate(path: &Path, rate: u32) -> Result<(), FileError> {
    if RATES.contains(&rate) {
        return Ok(());
    }
    Err(FileError::unsupported(path, format!("a sample rate of {rate} Hz")))
}

/// Reads until `bytes` are full or the input ends, and gives how many were read.
fn read_up_to(input: &mut Input<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match input.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Bytes of the file; none: it comes from a pipe.
fn length(input: &Input<'_>) -> Option<u64> {
    input.byte_len().filter(|_| input.is_seekable())
}

/// Skips a tag (ID3) that stands before the sound, and says whether there was one.
fn skip_tag(input: &mut Input<'_>) -> io::Result<bool> {
    let mut head = [0; 10];
    peek(input, &mut head)?;
    let has_tag = head.starts_with(b"ID3");
    if has_tag {
        // Sizes leave the highest bit of each byte out.
        let bytes = head[6..].iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7f));
        let footer = if head[5] & 0x10 == 0 { 0 } else { 10 };
        let most = length(input).unwrap_or(u64::MAX);
        input.ignore_bytes((10 + bytes + footer).min(most))?;
    }
    Ok(has_tag)
}

/// Reads like [`read_up_to`] and goes back to where it was.
fn peek(input: &mut Input<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    let read = read_up_to(input, bytes)?;
    input.seek_buffered_rel(-(read as isize));
    Ok(read)
}

/// The format that the first bytes of a file indicate.
enum Kind {
    Wav(riff::Layout),
    Flac,
    /// One that the library tells from others.
    Coded {
        /// Nothing but frames.
        is_stream: bool,
    },
    Other(&'static str),
    Nothing,
    Unknown,
}

impl Kind {
    fn of(magic: &[u8]) -> Self {
        let part =
            |from: usize, name: &[u8]| magic.get(from..).is_some_and(|x| x.starts_with(name));
        match magic {
            [] => Self::Nothing,
            // A file cut off within its first bytes is a truncated WAV file, not another kind.
            [b'R', b'I', b'F', b'F', rest @ ..] if rest.len() < 8 => Self::Wav(riff::Layout::Riff),
            _ if part(8, b"WAVE") => match &magic[..4] {
                b"RIFF" | b"RF64" | b"BW64" => Self::Wav(riff::Layout::Riff),
                b"RIFX" => Self::Other("RIFX"),
                _ => Self::Unknown,
            },
            _ if part(0, b"riff\x2e\x91\xcf\x11") => Self::Wav(riff::Layout::Wave64),
            _ if part(0, b"fLaC") => Self::Flac,
            _ if part(0, b"OggS") && part(28, b"OpusHead") => Self::Other("Opus"),
            _ if part(0, b"OggS") && part(28, b"Speex ") => Self::Other("Speex"),
            _ if part(0, b"OggS") || part(4, b"ftyp") => Self::Coded { is_stream: false },
            _ if part(0, b"FORM") && part(8, b"AIF") => Self::Coded { is_stream: false },
            [0xff, 0xe2..=0xfd, ..] => Self::Coded { is_stream: true },
            _ if part(0, b"#!AMR") => Self::Other("AMR"),
            _ if part(0, b".snd") => Self::Other("AU"),
            _ if part(0, b"caff") => Self::Other("CAF"),
            _ if part(0, b"\x1a\x45\xdf\xa3") => Self::Other("Matroska or WebM"),
            _ if part(0, b"\x30\x26\xb2\x75") => Self::Other("WMA"),
            _ => Self::Unknown,
        }
    }
}
