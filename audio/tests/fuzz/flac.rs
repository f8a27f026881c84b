//! FLAC files whose headers say what no program would. Their check sums are right, so that what they
//! say is believed.

use bolero::TypeGenerator;

use crate::{
    Field,
    mutation::{damage, mutated},
    read,
};

/// A stream of one frame.
#[derive(Debug, TypeGenerator)]
struct Stream {
    info: Info,
    /// Blocks of metadata: kind, what its size is said to be, content.
    metadata: Vec<(u8, Field<u32>, Vec<u8>)>,
    frame: Frame,
}

/// What the stream says of itself.
#[derive(Debug, TypeGenerator)]
struct Info {
    size: Field<u32>,
    shortest: Field<u16>,
    longest: Field<u16>,
    rate: Field<u32>,
    #[generator(0..8)]
    channels: u8,
    bits: Field<u8>,
    samples: Field<u32>,
}

/// A frame: codes of four bits, and the bits of its sound.
#[derive(Debug, TypeGenerator)]
struct Frame {
    block_code: u8,
    rate_code: Field<u8>,
    channel_code: Field<u8>,
    bits_code: Field<u8>,
    number: Vec<u8>,
    further: [u8; 4],
    sound: Sound,
}

/// The sound of a frame.
#[derive(Debug, TypeGenerator)]
enum Sound {
    /// One sample over and over on each channel.
    Steady(u8),
    /// Any bits.
    Any(Vec<u8>),
}

impl Stream {
    fn file(&self) -> Vec<u8> {
        let mut file = b"fLaC".to_vec();
        let last = if self.metadata.is_empty() { 0x80 } else { 0 };
        block(&mut file, last, self.info.size, &self.info.bytes());
        for (index, (kind, said, content)) in self.metadata.iter().enumerate() {
            let last = if index + 1 == self.metadata.len() { 0x80 } else { 0 };
            block(&mut file, last | (kind & 0x7f), *said, content);
        }
        file.extend(self.frame.bytes(self.info.channels));
        file
    }
}

fn block(file: &mut Vec<u8>, kind: u8, said: Field<u32>, content: &[u8]) {
    file.push(kind);
    file.extend(&said.or(content.len() as u32).to_be_bytes()[1..]);
    file.extend(content);
}

impl Info {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.shortest.or(16).to_be_bytes().to_vec();
        bytes.extend(self.longest.or(4_096).to_be_bytes());
        bytes.extend([0; 6]);
        let rate = u64::from(self.rate.or(16_000) & 0xf_ffff);
        let (channels, bits) = (u64::from(self.channels), u64::from(self.bits.or(15) & 31));
        let samples = u64::from(self.samples.or(0));
        bytes.extend((rate << 44 | channels << 41 | bits << 36 | samples).to_be_bytes());
        bytes.extend([0; 16]);
        bytes
    }
}

impl Frame {
    /// The frame of a stream with so many channels.
    fn bytes(&self, channels: u8) -> Vec<u8> {
        let (block_code, rate_code) = (self.block_code & 0xf, self.rate_code.or(0) & 0xf);
        let mut bytes = vec![0xff, 0xf8, block_code << 4 | rate_code];
        bytes.push(self.channel_code.or(channels) << 4 | (self.bits_code.or(4) & 7) << 1);
        bytes.extend(self.number.first().map_or(0, |number| number & 0x7f).to_be_bytes());
        let further = match block_code {
            6 => 1,
            7 => 2,
            _ => 0,
        } + match rate_code {
            12 => 1,
            13 | 14 => 2,
            _ => 0,
        };
        bytes.extend(&self.further[..further]);
        bytes.push(sum(&bytes, 8, 0x07) as u8);
        match &self.sound {
            // A kind of one byte, and a sample of two.
            Sound::Steady(sample) => {
                (0..=channels).for_each(|_| bytes.extend([0, *sample, 0]));
            }
            Sound::Any(bits) => bytes.extend(bits),
        }
        bytes.extend(sum(&bytes, 16, 0x8005).to_be_bytes());
        bytes
    }
}

/// A cyclic check sum of `width` bits, the highest first.
fn sum(bytes: &[u8], width: u32, polynomial: u16) -> u16 {
    let top = 1u16 << (width - 1);
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte) << (width - 8), |sum: u16, _| {
            let shifted = sum << 1;
            let next = if sum & top == 0 { shifted } else { shifted ^ polynomial };
            if width == 8 { next & 0xff } else { next }
        })
    })
}

#[test]
fn any_header_of_a_flac_file_gives_a_clip_or_a_named_error() {
    bolero::check!().with_type::<Stream>().for_each(|stream| _ = read(&stream.file()));
}

#[test]
fn any_damage_to_a_flac_file_gives_a_clip_or_a_named_error() {
    let whole = whole();
    bolero::check!().with_generator(damage()).for_each(|mutations| {
        _ = read(&mutated(&whole, mutations));
    });
}

#[test]
fn a_flac_file_that_is_cut_off_anywhere_is_never_taken_for_a_whole_one() {
    let whole = whole();
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "cut off at {length} of {}", whole.len());
    }
}

/// A file in order: 192 times the same sample of 16 bits, on one channel.
fn whole() -> Vec<u8> {
    let info = Info {
        size: Field::usual(0),
        shortest: Field::usual(0),
        longest: Field::usual(0),
        rate: Field::usual(0),
        channels: 0,
        bits: Field::usual(0),
        samples: Field(0, 192),
    };
    let frame = Frame {
        block_code: 1,
        rate_code: Field::usual(0),
        channel_code: Field::usual(0),
        bits_code: Field::usual(0),
        number: Vec::new(),
        further: [0; 4],
        sound: Sound::Steady(0x40),
    };
    let file = Stream { info, metadata: Vec::new(), frame }.file();
    assert_eq!(read(&file).unwrap().channels, [vec![0.5; 192]]);
    file
}
