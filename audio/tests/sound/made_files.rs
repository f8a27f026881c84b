//! Sound files written by hand, in order and out of order, as programs and people leave them behind.

/// Samples per second of every file.
pub(crate) const RATE: u32 = 16_000;

/// Samples per channel of every file.
pub(crate) const FRAMES: usize = 1_600;

/// A tone whose level differs from channel to channel, so that none is taken for another.
pub(crate) fn sample(channel: usize, frame: usize) -> f64 {
    let phase = std::f64::consts::TAU * 440.0 * frame as f64 / f64::from(RATE);
    phase.sin() * 0.5 / (1.0 + channel as f64 / 16.0)
}

/// The bytes of all samples, in turn from each channel.
pub(crate) fn interleaved(channels: u16, code: impl Fn(f64) -> Vec<u8>) -> Vec<u8> {
    let channels = usize::from(channels);
    (0..FRAMES * channels).flat_map(|at| code(sample(at % channels, at / channels))).collect()
}

/// Signed integers of so many bits in so many bytes, the lowest first.
pub(crate) fn integers(bits: u32, bytes: usize) -> impl Fn(f64) -> Vec<u8> {
    move |x| ((x * 2f64.powi(bits as i32 - 1)).round() as i64).to_le_bytes()[..bytes].to_vec()
}

/// Integers of 8 bits, which have no sign in WAV.
pub(crate) fn unsigned(x: f64) -> Vec<u8> {
    vec![(x * 128.0 + 128.0).round() as u8]
}

/// ITU-T G.711, A-law: a sign, three bits of segment, four within it; every other bit inverted.
pub(crate) fn a_law(x: f64) -> Vec<u8> {
    let magnitude = (x.abs() * 2048.0) as u32;
    let segment = magnitude.max(1).ilog2().saturating_sub(3);
    let code = (segment << 4 | magnitude >> segment.saturating_sub(1) & 15) as u8;
    vec![(code | if x < 0.0 { 0 } else { 0x80 }) ^ 0x55]
}

/// ITU-T G.711, µ-law: as A-law, from a magnitude with an offset; all bits inverted.
pub(crate) fn mu_law(x: f64) -> Vec<u8> {
    let magnitude = (x.abs() * 8192.0) as u32 + 33;
    let segment = magnitude.ilog2() - 5;
    let code = (segment << 4 | magnitude >> (segment + 1) & 15) as u8;
    vec![!(code | if x < 0.0 { 0x80 } else { 0 })]
}

/// A RIFF chunk with what fills it up to an even size.
pub(crate) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = unpadded(name, content);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

pub(crate) fn unpadded(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [name, &(content.len() as u32).to_le_bytes()[..], content].concat()
}

/// A WAV file, of which each part can be wrong.
#[derive(Clone, Default)]
pub(crate) struct Wav {
    pub(crate) tag: u16,
    pub(crate) channels: u16,
    pub(crate) bits: u16,
    /// Bytes of a frame.
    pub(crate) block: u16,
    /// What follows the first 16 bytes of the format chunk.
    pub(crate) format: Vec<u8>,
    /// Chunks between the format and the sound.
    pub(crate) before: Vec<u8>,
    pub(crate) sound: Vec<u8>,
    /// What follows the sound.
    pub(crate) after: Vec<u8>,
    /// What the file says of the size of the sound, if it is not so.
    pub(crate) sound_bytes: Option<u32>,
    /// What the file says of its own size, if it is not so.
    pub(crate) file_bytes: Option<u32>,
}

impl Wav {
    /// Sound with the tag of its coding, and as many bits a sample as it has.
    pub(crate) fn new(tag: u16, channels: u16, sound: Vec<u8>) -> Self {
        let block = (sound.len() / FRAMES) as u16;
        Self { tag, channels, bits: block / channels * 8, block, sound, ..Self::default() }
    }

    /// Two channels of 16 bits.
    pub(crate) fn usual() -> Self {
        Self::new(1, 2, interleaved(2, integers(16, 2)))
    }

    /// The same with the long format chunk, whose identifier ends as given.
    pub(crate) fn extensible(self, identifier: &[u8; 14]) -> Self {
        let tag = self.tag.to_le_bytes();
        let bits = self.bits.to_le_bytes();
        let format = [&[22, 0], &bits[..], &[0; 4], &tag, identifier].concat();
        Self { tag: 0xfffe, format, ..self }
    }

    pub(crate) fn format_chunk(&self) -> Vec<u8> {
        let rate = RATE.to_le_bytes();
        let second = (RATE * u32::from(self.block)).to_le_bytes();
        let [tag, channels, block, bits] =
            [self.tag, self.channels, self.block, self.bits].map(u16::to_le_bytes);
        [&tag[..], &channels, &rate, &second, &block, &bits, &self.format].concat()
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let mut data = chunk(b"data", &self.sound);
        if let Some(bytes) = self.sound_bytes {
            data[4..8].copy_from_slice(&bytes.to_le_bytes());
        }
        let format = chunk(b"fmt ", &self.format_chunk());
        let mut file =
            chunk(b"RIFF", &[b"WAVE", &format[..], &self.before, &data, &self.after].concat());
        if let Some(bytes) = self.file_bytes {
            file[4..8].copy_from_slice(&bytes.to_le_bytes());
        }
        file
    }

    /// The same as RF64 (or BW64), with the sizes that it gives in a chunk of its own.
    pub(crate) fn long(&self, name: &[u8; 4], sound_bytes: u64) -> Vec<u8> {
        let sizes = [&[0; 8], &sound_bytes.to_le_bytes()[..], &[0; 12]].concat();
        let format = chunk(b"fmt ", &self.format_chunk());
        let data = [b"data\xff\xff\xff\xff", &self.sound[..]].concat();
        let sizes = chunk(b"ds64", &sizes);
        [name, &b"\xff\xff\xff\xffWAVE"[..], &sizes, &format, &data].concat()
    }

    /// The same as Wave64, with long names and sizes.
    pub(crate) fn wave64(&self) -> Vec<u8> {
        let rest = b"\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a";
        let chunk = |name: &[u8; 4], content: &[u8]| {
            let bytes = (content.len() as u64 + 24).to_le_bytes();
            let mut chunk = [name, &rest[..], &bytes, content].concat();
            chunk.resize(chunk.len().next_multiple_of(8), 0);
            chunk
        };
        let chunks = [chunk(b"fmt ", &self.format_chunk()), chunk(b"data", &self.sound)].concat();
        let bytes = (chunks.len() as u64 + 40).to_le_bytes();
        let whole = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";
        [&whole[..], &bytes, b"wave", rest, &chunks].concat()
    }
}

/// A FLAC file whose frames hold their samples as they are.
pub(crate) struct Flac {
    pub(crate) bits: u32,
    pub(crate) channels: u8,
    /// Samples per channel that it says it has; 0: not known.
    pub(crate) announced: u64,
    /// Blocks of metadata: kind and content.
    pub(crate) metadata: Vec<(u8, Vec<u8>)>,
}

/// Samples per channel of a frame.
const FLAC_BLOCK: usize = 192;

impl Flac {
    pub(crate) fn new(bits: u32, channels: u8) -> Self {
        Self { bits, channels, announced: FRAMES as u64, metadata: Vec::new() }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let block = FLAC_BLOCK as u16;
        let (rate, channels, bits) =
            (u64::from(RATE), u64::from(self.channels), u64::from(self.bits));
        let numbers = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | self.announced;
        let blocks = [block.to_be_bytes(), block.to_be_bytes()].concat();
        let info = [&blocks[..], &[0; 6], &numbers.to_be_bytes(), &[0; 16]].concat();
        let all = [(0, info)].into_iter().chain(self.metadata.iter().cloned());
        let mut file = b"fLaC".to_vec();
        for (index, (kind, content)) in all.enumerate() {
            let last = if index == self.metadata.len() { 0x80 } else { 0 };
            file.push(kind | last);
            file.extend(&(content.len() as u32).to_be_bytes()[1..]);
            file.extend(content);
        }
        (0..FRAMES.div_ceil(FLAC_BLOCK)).for_each(|index| file.extend(self.frame(index)));
        file
    }

    fn frame(&self, index: usize) -> Vec<u8> {
        let frames = index * FLAC_BLOCK..((index + 1) * FLAC_BLOCK).min(FRAMES);
        let bits_code = match self.bits {
            8 => 1,
            16 => 4,
            _ => 6,
        };
        // The number of samples minus one follows the number of the frame, in a byte.
        let mut frame = vec![0xff, 0xf8, 0x60, (self.channels - 1) << 4 | bits_code << 1];
        frame.extend([index as u8, (frames.len() - 1) as u8]);
        frame.push(check_sum(&frame, 8, 0x07) as u8);
        for channel in 0..usize::from(self.channels) {
            // Samples as they are.
            frame.push(0x02);
            for at in frames.clone() {
                let bytes = integers(self.bits, self.bits as usize / 8)(sample(channel, at));
                frame.extend(bytes.iter().rev());
            }
        }
        frame.extend(check_sum(&frame, 16, 0x8005).to_be_bytes());
        frame
    }
}

/// A cyclic check sum of `width` bits, the highest first.
fn check_sum(bytes: &[u8], width: u32, polynomial: u32) -> u16 {
    let sum = bytes.iter().fold(0, |sum: u32, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << (width - 8), |sum, _| {
            let carry = if sum >> (width - 1) & 1 == 1 { polynomial } else { 0 };
            (sum << 1 ^ carry) & ((1 << width) - 1)
        })
    });
    sum as u16
}

/// An AIFF file of two channels of 16 bits.
pub(crate) fn aiff() -> Vec<u8> {
    let chunk = |name: &[u8; 4], content: &[u8]| {
        [name, &(content.len() as u32).to_be_bytes()[..], content].concat()
    };
    let frames = (FRAMES as u32).to_be_bytes();
    // The rate is a float of 80 bits.
    let format = [&[0, 2][..], &frames, &[0, 16], b"\x40\x0c\xfa\0\0\0\0\0\0\0"].concat();
    let code = |x: f64| integers(16, 2)(x).into_iter().rev().collect();
    let sound = [&[0; 8], &interleaved(2, code)[..]].concat();
    let chunks = [b"AIFF", &chunk(b"COMM", &format)[..], &chunk(b"SSND", &sound)].concat();
    chunk(b"FORM", &chunks)
}

/// The quantiser steps of IMA ADPCM.
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
    73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449,
    494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272,
    2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493,
    10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
];

/// A WAV file of IMA ADPCM on one channel, in blocks of 256 bytes.
pub(crate) fn ima_adpcm() -> Wav {
    let (block, mut index) = (256, 60);
    let frames = (block - 4) * 2 + 1;
    let mut sound = Vec::new();
    for first in (0..FRAMES).step_by(frames) {
        let pcm = |frame| (sample(0, frame) * 32_767.0) as i32;
        let mut predicted = pcm(first);
        sound.extend((predicted as i16).to_le_bytes());
        sound.extend([index as u8, 0]);
        let mut code = |frame| {
            let difference = pcm(frame) - predicted;
            let code = (difference.abs() * 4 / STEPS[index]).min(7);
            let change: i32 = [(8, 3), (4, 0), (2, 1), (1, 2)]
                .iter()
                .filter(|(bit, _)| (code | 8) & bit != 0)
                .map(|(_, shift)| STEPS[index] >> shift)
                .sum();
            predicted += if difference < 0 { -change } else { change };
            predicted = predicted.clamp(-32_768, 32_767);
            let step = if code < 4 { -1 } else { 2 * (code - 3) };
            index = (index as i32 + step).clamp(0, 88) as usize;
            (code | if difference < 0 { 8 } else { 0 }) as u8
        };
        for pair in 0..(frames - 1) / 2 {
            let low = code(first + 1 + 2 * pair);
            sound.push(low | code(first + 2 + 2 * pair) << 4);
        }
    }
    let format = [[2, 0], (frames as u16).to_le_bytes()].concat();
    let before = chunk(b"fact", &(FRAMES as u32).to_le_bytes());
    let (block, bits) = (block as u16, 4);
    Wav { tag: 0x11, channels: 1, bits, block, format, before, sound, ..Wav::default() }
}
