//! WAV files whose headers say what no program would.

use bolero::TypeGenerator;
use duplex_audio::Clip;

use crate::{
    Field,
    mutation::{damage, mutated},
    read,
};

/// The fields of a header.
#[derive(Debug, TypeGenerator)]
struct Header {
    /// Whether the format's block is the long one, and what its size is said to be.
    is_extensible: bool,
    format_bytes: Field<u32>,
    riff_bytes: Field<u32>,
    coding: Field<u16>,
    #[generator(1..=8)]
    few: u16,
    channels: Field<u16>,
    rate: Field<u32>,
    bytes_a_second: Field<u32>,
    block: Field<u16>,
    #[generator(1..=4)]
    bytes: u16,
    bits: Field<u16>,
    /// A block before the sound, and what its size is said to be.
    other: Option<([u8; 4], Field<u32>)>,
    data_bytes: Field<u32>,
    data: Vec<u8>,
}

impl Header {
    fn channels(&self) -> u16 {
        self.channels.or(self.few)
    }

    fn bits(&self) -> u16 {
        self.bits.or(self.bytes * 8)
    }

    /// Whether nothing is said of the sound's size but what it is, in samples of whole bytes.
    fn is_honest(&self) -> bool {
        let is_plain = self.coding.is_usual() || self.bits() >= 8;
        let is_said = self.data_bytes.is_usual() && self.format_bytes.is_usual();
        is_plain && is_said && self.block.is_usual()
    }

    fn file(&self) -> Vec<u8> {
        let rate = self.rate.or(16_000);
        let (channels, bits) = (self.channels(), self.bits());
        let block = self.block.or(channels.wrapping_mul(bits.div_ceil(8)));
        let a_second = self.bytes_a_second.or(rate.wrapping_mul(block.into()));
        let coding = self.coding.or(if self.is_extensible { 0xfffe } else { 1 });
        let mut format = [coding.to_le_bytes(), channels.to_le_bytes()].concat();
        format.extend(rate.to_le_bytes());
        format.extend(a_second.to_le_bytes());
        format.extend(block.to_le_bytes());
        format.extend(bits.to_le_bytes());
        if self.is_extensible {
            format.extend([22, 0]);
            format.extend(bits.to_le_bytes());
            format.extend([0; 4]);
            // The identifier of plain PCM.
            format.extend(*b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        }
        let piece = |name: &[u8], said: Field<u32>, bytes: &[u8]| {
            let said = said.or(bytes.len() as u32).to_le_bytes();
            [name, &said, bytes].concat()
        };
        let mut pieces = piece(b"fmt ", self.format_bytes, &format);
        if let Some((name, said)) = &self.other {
            pieces.extend(piece(name, *said, b"something"));
        }
        pieces.extend(piece(b"data", self.data_bytes, &self.data));
        piece(b"RIFF", self.riff_bytes, &[b"WAVE", &pieces[..]].concat())
    }
}

#[test]
fn any_header_of_a_wav_file_gives_a_clip_or_a_named_error() {
    bolero::check!().with_type::<Header>().for_each(|header| {
        let Ok(Clip { channels, .. }) = read(&header.file()) else { return };
        assert_eq!(channels.len(), usize::from(header.channels()));
        if header.is_honest() && header.other.is_none() {
            let frame = channels.len() * usize::from(header.bits().div_ceil(8));
            let frames = header.data.len() / frame;
            assert_eq!(channels[0].len(), frames, "all whole frames of the sound were read");
        }
    });
}

#[test]
fn any_damage_to_a_wav_file_gives_a_clip_or_a_named_error() {
    let whole = whole();
    bolero::check!().with_generator(damage()).for_each(|mutations| {
        _ = read(&mutated(&whole, mutations));
    });
}

#[test]
fn a_wav_file_that_is_cut_off_anywhere_is_never_taken_for_a_whole_one() {
    let whole = whole();
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "cut off at {length} of {}", whole.len());
    }
}

/// A file in order: two channels of 16 bits.
fn whole() -> Vec<u8> {
    let (word, size) = (Field::usual(0), Field::usual(0));
    let header = Header {
        is_extensible: false,
        format_bytes: size,
        riff_bytes: size,
        coding: word,
        few: 2,
        channels: word,
        rate: size,
        bytes_a_second: size,
        block: word,
        bytes: 2,
        bits: word,
        other: None,
        data_bytes: size,
        data: (0..100).collect(),
    };
    let file = header.file();
    assert_eq!(read(&file).unwrap().frames(), 25);
    file
}
