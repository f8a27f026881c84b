//! Sound from strangers: files and messages that nobody would write on purpose.
//!
//! Each test runs for a second, and for longer where `BOLERO_RANDOM_TEST_TIME_MS` says so
//! (docs/soak.md).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod flac;
#[path = "../../../tests/tests/mutation/mod.rs"]
mod mutation;
mod other;
mod pcm;
mod wav;

use bolero::TypeGenerator;
use duplex_audio::{Clip, FileError};
use duplex_core::SAMPLE_RATE;
use peak_alloc::PeakAlloc;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// What reading a small file may take: what a header can ask for at most is the 16 MB of a piece of
/// metadata in a FLAC file.
const MOST_BYTES: usize = 64 << 20;

/// What resampling it may take besides: between rates without a common divisor the filter is as long as
/// twice the higher of them, and that is bounded.
const MOST_RESAMPLED_BYTES: usize = 256 << 20;

/// A field of a header that is mostly as it should be: a file in which everything is wrong is refused at
/// the first look.
#[derive(Clone, Copy, Debug, TypeGenerator)]
struct Field<T>(u8, T);

impl<T: Copy> Field<T> {
    /// One that is as it should be.
    fn usual(any: T) -> Self {
        Self(u8::MAX, any)
    }

    fn is_usual(&self) -> bool {
        self.0 >= 16
    }

    fn or(&self, usual: T) -> T {
        if self.is_usual() { usual } else { self.1 }
    }
}

/// Reads a file, checks what came of it, and gives it.
fn read(bytes: &[u8]) -> Result<Clip, FileError> {
    PEAK.reset_peak_usage();
    let read = Clip::decode("any", bytes);
    let most = PEAK.peak_usage();
    assert!(most < MOST_BYTES, "{most} bytes of memory for a file of {}", bytes.len());
    match &read {
        Ok(clip) => {
            assert!(clip.mono(SAMPLE_RATE).iter().all(|sample| sample.is_finite()));
            let most = PEAK.peak_usage();
            assert!(most < MOST_RESAMPLED_BYTES, "{most} bytes of memory at {} Hz", clip.rate);
            assert!(clip.frames() > 0);
            for channel in &clip.channels {
                assert_eq!(channel.len(), clip.frames());
                assert!(channel.iter().all(|sample| (-1.0..=1.0).contains(sample)));
            }
        }
        Err(error) => assert!(error.to_string().starts_with("any: "), "{error}"),
    }
    read
}

#[test]
fn any_bytes_are_a_clip_or_a_named_error() {
    let magic = [
        &b""[..],
        b"RIFF",
        b"RIFF\0\x01\0\0WAVE",
        b"RIFF\0\x01\0\0WAVEfmt ",
        b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0",
        b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",
        b"fLaC",
        b"ID3\x04\0\0\0\0\0\x04",
        b"\xff\xfb",
        b"OggS",
        b"FORM\0\0\x01\0AIFF",
        b"\0\0\0\x0cftypM4A ",
    ];
    bolero::check!().with_type::<(u8, Vec<u8>)>().for_each(|(kind, bytes)| {
        let magic = magic[usize::from(*kind) % magic.len()];
        _ = read(&[magic, bytes].concat());
    });
}
