//! WAV files: how the sound of one is coded, and reading it.

use std::path::Path;

use symphonia::core::{
    audio::Channels,
    codecs::audio::{
        AudioCodecId, AudioCodecParameters,
        well_known::{
            CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32LE,
            CODEC_ID_PCM_F64LE, CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S24LE,
            CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
        },
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

use super::{Clip, FileError, Input, check_rate, decoder::Decoder, read_up_to, riff};

/// Bytes that are decoded at a time, if a frame is not longer.
const PIECE_BYTES: usize = 1 << 14;

/// The ends of the identifiers whose first two bytes are a tag as in a short format chunk: plain, and ambisonic.
const TAGGED: [&[u8]; 2] = [
    b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
    b"\0\0\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\0\0\0",
];

pub(super) fn read(
    path: &Path,
    mut input: Input<'_>,
    layout: riff::Layout,
) -> Result<Clip, FileError> {
    let header = riff::header(path, &mut input, layout)?;
    let format = Format::parse(path, &header.format)?;
    check_rate(path, format.rate)?;
    let mut decoder = Decoder::new(path, &format.parameters())?;
    let left = decode(path, &mut input, &format, header.sound_bytes, &mut decoder)?;
    if left.is_some_and(|bytes| bytes > 0) {
        return Err(decoder.cut_off());
    }
    let mut clip = decoder.into_clip();
    format.finish(&mut clip, header.frames);
    Ok(clip)
}

/// Decodes `left` bytes, or all that there are, and gives how many of those are missing.
fn decode(
    path: &Path,
    input: &mut Input<'_>,
    format: &Format,
    mut left: Option<u64>,
    decoder: &mut Decoder<'_>,
) -> Result<Option<u64>, FileError> {
    let mut bytes = vec![0; format.piece_blocks() * format.block_bytes];
    loop {
        let asked = left.map_or(bytes.len(), |left| left.min(bytes.len() as u64) as usize);
        let read = read_up_to(input, &mut bytes[..asked])
            .map_err(|source| FileError::reading(path, source))?;
        left = left.map(|left| left - read as u64);
        // A part of a frame at the end is dropped.
        let blocks = read / format.block_bytes;
        if blocks > 0 {
            let frames = Duration::from((blocks * format.block_frames) as u64);
            let sound = &bytes[..blocks * format.block_bytes];
            decoder.decode(&PacketRef::new(0, Timestamp::new(0), frames, sound))?;
        }
        if read < bytes.len() {
            return Ok(left);
        }
    }
}

/// How the sound is coded.
struct Format {
    codec: AudioCodecId,
    rate: u32,
    channels: u16,
    /// Bits of a sample.
    bits: u16,
    /// Bytes that are decoded together: a frame, or a block of ADPCM.
    block_bytes: usize,
    /// Frames of such a block.
    block_frames: usize,
}

impl Format {
    fn parse(path: &Path, chunk: &[u8]) -> Result<Self, FileError> {
        let damaged = |what| FileError::Damaged { path: path.into(), what };
        let Some((fields, long)) = chunk.split_first_chunk::<16>() else {
            return Err(damaged("its format chunk is too short"));
        };
        let word = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
        let (channels, block, bits) = (word(2), word(12), word(14));
        let tag = match (word(0), long.get(8..)) {
            (0xfffe, Some([low, high, rest @ ..])) if TAGGED.contains(&rest) => {
                u16::from_le_bytes([*low, *high])
            }
            (tag, _) => tag,
        };
        if channels == 0 {
            return Err(damaged("it has no channels"));
        }
        let codec = codec(tag, bits, block / channels)
            .ok_or_else(|| FileError::unsupported(path, describe(tag, bits)))?;
        let block_frames = block_frames(codec, channels.into(), block.into())
            .ok_or_else(|| damaged("its frames are not as long as its samples need"))?;
        Ok(Self {
            codec,
            rate: u32::from(word(6)) << 16 | u32::from(word(4)),
            channels,
            bits,
            block_bytes: block.into(),
            block_frames,
        })
    }

    fn piece_blocks(&self) -> usize {
        (PIECE_BYTES / self.block_bytes).max(1)
    }

    fn parameters(&self) -> AudioCodecParameters {
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(self.codec)
            .with_sample_rate(self.rate)
            .with_channels(Channels::Discrete(self.channels))
            .with_frames_per_block(self.block_frames as u64)
            .with_max_frames_per_packet((self.piece_blocks() * self.block_frames) as u64);
        parameters
    }

    /// Does what the decoder cannot know of: `frames` is how many the file says there are.
    fn finish(&self, clip: &mut Clip, frames: Option<u32>) {
        let is_adpcm = matches!(self.codec, CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV);
        // The last block is filled up. What is said to end before it is not believed.
        let filled_up = clip.frames().saturating_sub(self.block_frames) + 1..clip.frames();
        if let Some(frames) = frames.map(|frames| frames as usize)
            && is_adpcm
            && filled_up.contains(&frames)
        {
            clip.channels.iter_mut().for_each(|channel| channel.truncate(frames));
        }
        // Some writers put 24 bits into the lower part of 32, others into the upper.
        if self.codec == CODEC_ID_PCM_S32LE && self.bits == 24 {
            let mut samples = clip.channels.iter_mut().flatten();
            let lower = 1.0 / 256.0;
            if samples.all(|sample| sample.abs() <= lower) {
                clip.channels.iter_mut().flatten().for_each(|sample| *sample /= lower);
            }
        }
    }
}

/// The codec of a format's tag, with so many bits and bytes a sample.
fn codec(tag: u16, bits: u16, bytes: u16) -> Option<AudioCodecId> {
    Some(match (tag, bits) {
        (1, 1..=8) => CODEC_ID_PCM_U8,
        (1, 9..=16) => CODEC_ID_PCM_S16LE,
        (1, 17..=24) if bytes != 4 => CODEC_ID_PCM_S24LE,
        (1, 17..=32) => CODEC_ID_PCM_S32LE,
        (2, 4) => CODEC_ID_ADPCM_MS,
        (3, 32) => CODEC_ID_PCM_F32LE,
        (3, 64) => CODEC_ID_PCM_F64LE,
        (6, 8) => CODEC_ID_PCM_ALAW,
        (7, 8) => CODEC_ID_PCM_MULAW,
        (0x11, 4) => CODEC_ID_ADPCM_IMA_WAV,
        _ => return None,
    })
}

/// Frames of a block of `bytes`; none: no block of this codec has that length.
fn block_frames(codec: AudioCodecId, channels: usize, bytes: usize) -> Option<usize> {
    let width = match codec {
        // The state of each channel with two samples, then half a byte for each sample.
        CODEC_ID_ADPCM_MS => {
            return bytes.checked_sub(7 * channels).map(|left| left * 2 / channels + 2);
        }
        // The state of each channel with one sample, then half a byte for each sample.
        CODEC_ID_ADPCM_IMA_WAV => {
            return bytes.checked_sub(4 * channels).map(|left| left * 2 / channels + 1);
        }
        CODEC_ID_PCM_S16LE => 2,
        CODEC_ID_PCM_S24LE => 3,
        CODEC_ID_PCM_S32LE | CODEC_ID_PCM_F32LE => 4,
        CODEC_ID_PCM_F64LE => 8,
        _ => 1,
    };
    (bytes == width * channels).then_some(1)
}

fn describe(tag: u16, bits: u16) -> String {
    match tag {
        1 => format!("WAV of {bits} bits a sample"),
        2 | 0x11 => format!("WAV of ADPCM with {bits} bits a sample"),
        3 => format!("WAV of floats of {bits} bits"),
        6 | 7 => format!("WAV of A-law or \u{b5}-law with {bits} bits a sample"),
        0x31 => "GSM in WAV".into(),
        0x50 | 0x55 => "MP3 in WAV".into(),
        _ => format!("WAV of the coding {tag:#06x}"),
    }
}
