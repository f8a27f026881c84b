//! FLAC files.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use symphonia::{
    core::{
        checksum::Crc16Ansi,
        codecs::{CodecParameters, audio::AudioCodecParameters},
        errors::Error,
        formats::FormatReader,
        io::{MediaSourceStream, Monitor, ReadBytes, ReadOnlySource, SeekBuffered},
        packet::PacketRef,
        units::{Duration, Timestamp},
    },
    default::formats::FlacReader,
};

use super::{
    Clip, FileError, Input, check_rate,
    decoder::{Decoder, describe},
    length, peek,
};

/// Bytes of the block that says what the stream is.
const INFO_BYTES: usize = 34;

/// What stands before that block if there is no other.
const HEAD: &[u8] = b"fLaC\x80\0\0\x22";

/// The fewest samples per channel of a block.
const SHORTEST_BLOCK: u16 = 16;

/// Bytes of which every frame has more.
const FRAME_BYTES: u64 = 8;

pub(super) fn read(path: &Path, mut input: Input<'_>) -> Result<Clip, FileError> {
    let mut info = Info::read(path, &mut input)?;
    check_rate(path, info.rate())?;
    let announced = info.frames();
    check_length(path, &input, announced)?;
    let step = info.agree_with_frames(path, &mut input)?;
    let bits = info.bits();
    let stream = MediaSourceStream::new(Box::new(info.before(input)), Default::default());
    let mut reader =
        FlacReader::try_new(stream, Default::default()).map_err(|error| not_opened(path, error))?;
    let mut decoder = Decoder::new(path, &parameters(&reader))?;
    let end =
        HEAD.len() as u64 + INFO_BYTES as u64 + decode(path, &mut reader, &mut decoder, step)?;
    let stream = Box::new(reader).into_inner();
    let mut is_end = stream.pos() == end;
    if !is_end && (announced == 0 || (decoder.frames() as u64) < announced) {
        is_end = decode_last(path, stream, end, &mut decoder)?;
    }
    let is_whole = if announced == 0 { is_end } else { decoder.frames() as u64 >= announced };
    match (is_whole, decoder.frames(), decoder.check_sum()) {
        (false, 0, _) => Err(decoder.damaged("no whole frame of sound")),
        (false, ..) => Err(decoder.cut_off()),
        // The decoder has no room for the difference of two channels of this width.
        (true, _, sum) if bits == 32 && sum != Some(true) => {
            Err(FileError::unsupported(path, "FLAC of 32 bits a sample"))
        }
        (true, _, Some(false)) => Err(decoder.damaged("its check sum is wrong")),
        _ => Ok(decoder.into_clip()),
    }
}

/// Refuses a file that ends before its first frame. `announced` is how many samples it says there are.
fn check_length(path: &Path, input: &Input<'_>, announced: u64) -> Result<(), FileError> {
    match length(input).map(|length| length.saturating_sub(input.pos())) {
        Some(0) if announced == 0 => Err(FileError::Empty { path: path.into() }),
        Some(..FRAME_BYTES) => Err(FileError::Truncated { path: path.into(), frames: 0 }),
        _ => Ok(()),
    }
}

/// Why the first frame was not found.
fn not_opened(path: &Path, error: Error) -> FileError {
    match describe(path, error, 0) {
        FileError::Truncated { path, .. } => FileError::Damaged { path, what: "no frame of sound" },
        other => other,
    }
}

fn parameters(reader: &FlacReader<'_>) -> AudioCodecParameters {
    let codec = reader.tracks().first().and_then(|track| track.codec_params.as_ref());
    codec.and_then(CodecParameters::audio).cloned().unwrap_or_default()
}

/// Decodes all frames and gives their bytes. `step` is by how much their numbers grow; none: by their samples.
///
/// The reader leaves out frames whose check sums are wrong, which the numbers tell.
fn decode(
    path: &Path,
    reader: &mut FlacReader<'_>,
    decoder: &mut Decoder<'_>,
    step: Option<u16>,
) -> Result<u64, FileError> {
    let mut next = None;
    let mut bytes = 0;
    loop {
        let packet = reader.next_packet();
        let Some(packet) = packet.map_err(|error| describe(path, error, decoder.frames()))? else {
            return Ok(bytes);
        };
        let number = packet.pts.get();
        if next.is_some_and(|next| next != number) {
            return Err(decoder.damaged("a part of its sound is destroyed"));
        }
        let before = decoder.frames();
        decoder.decode(&packet.as_packet_ref())?;
        let frames = (decoder.frames() - before) as i64;
        next = Some(number + step.map_or(frames, i64::from));
        bytes += packet.data.len() as u64;
    }
}

/// Decodes the frame that begins at `start` and is followed by something else, such as a tag: the reader takes that for
/// a part of the frame and then finds its check sum wrong. Says whether there is one.
fn decode_last(
    path: &Path,
    mut stream: MediaSourceStream<'_>,
    start: u64,
    decoder: &mut Decoder<'_>,
) -> Result<bool, FileError> {
    if stream.seek_buffered(start) != start {
        return Ok(false);
    }
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).map_err(|source| FileError::reading(path, source))?;
    let mut sum = Crc16Ansi::new(0);
    for (index, byte) in rest.iter().enumerate() {
        sum.process_byte(*byte);
        // A frame ends with its own check sum, which makes the sum of both nothing.
        let frame = &rest[..=index];
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::ZERO, frame);
        if sum.crc() == 0 && decoder.decode(&packet).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The block that says what the stream is.
struct Info([u8; INFO_BYTES]);

impl Info {
    /// Reads up to the first frame.
    fn read(path: &Path, input: &mut Input<'_>) -> Result<Self, FileError> {
        let fail = |error| describe(path, error, 0);
        let mut read = |bytes: &mut [u8]| input.read_exact(bytes).map_err(|x| fail(x.into()));
        let (mut marker, mut head, mut info) = ([0; 4], [0; 4], [0; INFO_BYTES]);
        read(&mut marker)?;
        read(&mut head)?;
        let [kind, size @ ..] = head;
        if kind & 0x7f != 0 || size != [0, 0, info.len() as u8] {
            let what = "it does not begin by saying what it is";
            return Err(FileError::Damaged { path: path.into(), what });
        }
        read(&mut info)?;
        let mut is_last = kind & 0x80 != 0;
        while !is_last {
            input.read_exact(&mut head).map_err(|error| fail(error.into()))?;
            let [kind, size @ ..] = head;
            let bytes = size.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
            input.ignore_bytes(bytes).map_err(|error| fail(error.into()))?;
            is_last = kind & 0x80 != 0;
        }
        Ok(Self(info))
    }

    fn number(&self) -> u64 {
        self.0[10..18].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    fn rate(&self) -> u32 {
        (self.number() >> 44) as u32
    }

    fn bits(&self) -> u64 {
        (self.number() >> 36 & 31) + 1
    }

    /// Samples per channel; 0: not known.
    fn frames(&self) -> u64 {
        self.number() & ((1 << 36) - 1)
    }

    /// Makes the lengths of blocks agree with how the first frame is numbered, which is what counts for other readers,
    /// and leaves out what the reader would judge by. Gives by how much the numbers of frames grow.
    fn agree_with_frames(
        &mut self,
        path: &Path,
        input: &mut Input<'_>,
    ) -> Result<Option<u16>, FileError> {
        let mut sync = [0; 2];
        peek(input, &mut sync).map_err(|source| FileError::reading(path, source))?;
        let longest = u16::from_be_bytes([self.0[2], self.0[3]]);
        let is_fixed = sync[1] & 1 == 0;
        let shortest = if is_fixed { longest } else { SHORTEST_BLOCK };
        self.0[..2].copy_from_slice(&shortest.to_be_bytes());
        self.0[4..10].fill(0);
        self.0[13] &= 0xf0;
        self.0[14..18].fill(0);
        Ok(is_fixed.then_some(longest))
    }

    /// A stream of this block and the frames in `input`.
    fn before<'s>(self, input: Input<'s>) -> ReadOnlySource<impl Read + Send + Sync + use<'s>> {
        let head = [HEAD, &self.0[..]].concat();
        ReadOnlySource::new(Cursor::new(head).chain(input))
    }
}
