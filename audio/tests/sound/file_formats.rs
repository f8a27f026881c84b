//! Sound files as people have them: each holds the same tone, and is read as that tone or refused for a true reason.

use duplex_audio::{Clip, FileError};

use crate::made_files::{
    FRAMES, Flac, RATE, Wav, a_law, aiff, chunk, ima_adpcm, integers, interleaved, mu_law, sample,
    unpadded, unsigned,
};

const PLAIN: &[u8; 14] = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
const AMBISONIC: &[u8; 14] = b"\0\0\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\0\0\0";

/// What 16 bits lose.
const FINE: f32 = 1.0 / 32_768.0;

/// Reads a file and checks that it is the tone on so many channels.
fn assert_tone(what: &str, bytes: &[u8], channels: u16, tolerance: f32) {
    let clip = Clip::decode(what, bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(clip.rate, RATE, "{what}");
    assert_eq!(clip.channels.len(), usize::from(channels), "{what}");
    assert_eq!(clip.frames(), FRAMES, "{what}");
    for (channel, samples) in clip.channels.iter().enumerate() {
        for (frame, &read) in samples.iter().enumerate() {
            let expected = sample(channel, frame) as f32;
            let is_near = (read - expected).abs() <= tolerance;
            assert!(is_near, "{what}, {channel}, {frame}: {read} for {expected}");
        }
    }
}

fn float(x: f64) -> Vec<u8> {
    (x as f32).to_le_bytes().to_vec()
}

fn wide_float(x: f64) -> Vec<u8> {
    x.to_le_bytes().to_vec()
}

#[test]
fn every_coding_of_wav_is_the_same_tone() {
    for channels in [1, 2] {
        let wav = |tag, sound| Wav::new(tag, channels, sound);
        let made = |bits, bytes| interleaved(channels, integers(bits, bytes));
        // 20 bits are the upper ones of 24.
        let twenty =
            interleaved(channels, |x| integers(24, 3)((x * 524_288.0).round() / 524_288.0));
        let lower = interleaved(channels, integers(24, 4));
        let upper =
            interleaved(channels, |x| integers(32, 4)((x * 8_388_608.0).round() / 8_388_608.0));
        let float = || wav(3, interleaved(channels, float));
        let twenty_four = |sound| Wav { bits: 24, ..wav(1, sound) };
        let cases = [
            ("8 bits", wav(1, interleaved(channels, unsigned)), 1.0 / 128.0),
            ("16 bits", wav(1, made(16, 2)), FINE),
            ("24 bits", wav(1, made(24, 3)), FINE / 128.0),
            ("32 bits", wav(1, made(32, 4)), FINE / 128.0),
            ("20 bits of 24", Wav { bits: 20, ..wav(1, twenty) }, FINE / 16.0),
            ("24 bits in the lower part of 32", twenty_four(lower), FINE / 128.0),
            ("24 bits in the upper part of 32", twenty_four(upper), FINE / 128.0),
            ("floats", float(), FINE / 128.0),
            ("floats of 64 bits", wav(3, interleaved(channels, wide_float)), FINE / 128.0),
            ("A-law", wav(6, interleaved(channels, a_law)), 0.017),
            ("µ-law", wav(7, interleaved(channels, mu_law)), 0.017),
            ("16 bits, extensible", wav(1, made(16, 2)).extensible(PLAIN), FINE),
            ("24 bits, extensible", wav(1, made(24, 3)).extensible(PLAIN), FINE / 128.0),
            ("floats, extensible", float().extensible(PLAIN), FINE / 128.0),
            ("16 bits, ambisonic", wav(1, made(16, 2)).extensible(AMBISONIC), FINE),
        ];
        for (what, wav, tolerance) in cases {
            assert_tone(&format!("{what}, {channels} channels"), &wav.file(), channels, tolerance);
        }
    }
    assert_tone("IMA ADPCM", &ima_adpcm().file(), 1, 0.05);
}

#[test]
fn every_number_of_channels_is_kept_apart() {
    for channels in [1, 2, 3, 4, 5, 6, 7, 8, 32] {
        let wav = Wav::new(1, channels, interleaved(channels, integers(16, 2)));
        let what = format!("{channels} channels");
        assert_tone(&what, &wav.file(), channels, FINE);
        assert_tone(&what, &wav.extensible(PLAIN).file(), channels, FINE);
    }
    for channels in [1, 2, 8] {
        for bits in [8, 16, 24] {
            let flac = Flac::new(bits, channels).file();
            let tolerance = 2f32.powi(1 - bits as i32);
            let what = format!("FLAC of {bits} bits, {channels} channels");
            assert_tone(&what, &flac, channels.into(), tolerance);
        }
    }
}

#[test]
fn what_stands_before_and_after_the_sound_does_not_matter() {
    let usual = Wav::usual();
    let before = |before| Wav { before, ..usual.clone() }.file();
    let after = |after| Wav { after, ..usual.clone() }.file();
    let list = chunk(b"LIST", b"INFOISFT\x04\0\0\0any\0");
    let padded_with_a_letter = [&unpadded(b"LIST", b"abcde")[..], b"x"].concat();
    let tag = |file: &[u8]| [&b"ID3\x04\0\0\0\0\0\x05title"[..], file].concat();
    let picture = Flac { metadata: vec![(6, vec![7; 1_000])], ..Flac::new(16, 2) };
    let unknown = Flac { announced: 0, ..Flac::new(16, 2) };
    let last_tag = [b"TAG", &[b'a'; 125][..]].concat();
    let cases = [
        ("a list", before(list.clone())),
        ("a list of odd size", before(chunk(b"LIST", b"abcde"))),
        ("a list of odd size that is not filled up", before(unpadded(b"LIST", b"abcde"))),
        ("a list of odd size filled up with a letter", before(padded_with_a_letter)),
        ("a chunk to be overwritten", before(chunk(b"JUNK", &[0; 28]))),
        ("a number of frames that is wrong", before(chunk(b"fact", &[1, 0, 0, 0]))),
        ("a list after the sound", after(list)),
        ("one byte after the sound", after(vec![0])),
        ("a chunk without a name after the sound", after(vec![0; 300])),
        ("a tag before WAV", tag(&usual.file())),
        ("a tag before FLAC", tag(&Flac::new(16, 2).file())),
        ("a picture in FLAC", picture.file()),
        ("FLAC that does not say how long it is", unknown.file()),
        ("a tag after FLAC", [Flac::new(16, 2).file(), last_tag.clone()].concat()),
        ("a tag after FLAC of unknown length", [unknown.file(), last_tag].concat()),
        ("zeros after FLAC", [Flac::new(16, 2).file(), vec![0; 3_000]].concat()),
        ("AIFF", aiff()),
    ];
    for (what, bytes) in cases {
        assert_tone(what, &bytes, 2, FINE);
    }
}

#[test]
fn a_size_that_the_writer_did_not_know_is_that_of_the_file() {
    let usual = Wav::usual();
    let bytes = usual.sound.len() as u32;
    let said = |sound_bytes, file_bytes| {
        Wav { sound_bytes: Some(sound_bytes), file_bytes, ..usual.clone() }.file()
    };
    let cases = [
        ("nothing, into a pipe", said(0, Some(0))),
        ("nothing, of a file that knows its size", said(0, None)),
        ("as much as there can be, into a pipe", said(u32::MAX, Some(u32::MAX))),
        ("as much as there can be, less the header", said(u32::MAX - 36, Some(u32::MAX))),
        ("as much as a signed number says", said(0x7fff_f000, Some(0x7fff_f024))),
        ("too much for the size of the file", said(bytes + 1_000, None)),
        ("too little for the size of the file", said(100, None)),
        ("too little, and the file too", said(100, Some(136))),
        ("RF64", usual.long(b"RF64", bytes.into())),
        ("BW64", usual.long(b"BW64", bytes.into())),
        ("RF64 into a pipe", usual.long(b"RF64", 0)),
        ("RF64 of any size", usual.long(b"RF64", u64::MAX)),
        ("Wave64", usual.wave64()),
    ];
    for (what, file) in cases {
        assert_tone(what, &file, 2, FINE);
    }
}

/// Files whose coding takes an encoder: a quarter of a second of 440 Hz at half of full scale, by LAME, libvorbis and
/// the AAC encoder of FFmpeg.
#[test]
fn compressed_files_are_the_tone_too() {
    let mp3 = include_bytes!("../tones/tone.mp3");
    let cases: [(&str, &[u8]); 4] = [
        ("MP3", mp3),
        ("MP3 without its first frame", &mp3[288..]),
        ("Ogg Vorbis", include_bytes!("../tones/tone.ogg")),
        ("M4A", include_bytes!("../tones/tone.m4a")),
    ];
    for (what, bytes) in cases {
        let clip = Clip::decode(what, bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        let samples = &clip.channels[0];
        assert_eq!((clip.rate, clip.channels.len()), (RATE, 1), "{what}");
        let middle = &samples[samples.len() / 2 - 500..][..1_000];
        let power: f64 = middle.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 1_000.0;
        assert!((power.sqrt() - 0.5 / 2f64.sqrt()).abs() < 0.03, "{what}: {}", power.sqrt());
        let rises = middle.windows(2).filter(|x| x[0] < 0.0 && x[1] >= 0.0).count();
        assert!((26..=29).contains(&rises), "{what}: {rises} periods of 27.5");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let usual = Wav::usual();
    let whole = usual.file();
    let flac = Flac::new(16, 2).file();
    let unknown = Flac { announced: 0, ..Flac::new(16, 2) }.file();
    let header = whole.len() - usual.sound.len();
    let with = |change: fn(&mut Wav)| {
        let mut wav = Wav::usual();
        change(&mut wav);
        wav.file()
    };
    let changed = |bytes: &[u8], at: usize, new: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let opus = [&b"OggS\0\x02"[..], &[0; 20], b"\x01\x13OpusHead\x01\x02"].concat();
    let (mp3, m4a) = (include_bytes!("../tones/tone.mp3"), include_bytes!("../tones/tone.m4a"));
    let ogg = include_bytes!("../tones/tone.ogg");
    let cases: [(&str, Vec<u8>, &str); 28] = [
        ("cut off", whole[..header + 2_000].to_vec(), "cut off after 500 samples"),
        ("cut off in a frame", whole[..header + 2_003].to_vec(), "cut off after 500 samples"),
        ("cut off in a list", whole[..40].to_vec(), "cut off after 0 samples"),
        ("Wave64, cut off", usual.wave64()[..1_104].to_vec(), "cut off after 250 samples"),
        (
            "RF64, cut off",
            usual.long(b"RF64", 6_400)[..1_080].to_vec(),
            "cut off after 250 samples",
        ),
        ("FLAC, cut off", flac[..flac.len() - 100].to_vec(), "cut off after 1536 samples"),
        (
            "FLAC of unknown length, cut off",
            unknown[..unknown.len() - 100].to_vec(),
            "cut off after 1536 samples",
        ),
        ("FLAC with a wrong byte", changed(&flac, 2_000, &[flac[2_000] ^ 1]), "damaged"),
        ("FLAC without frames", flac[..42].to_vec(), "cut off after 0 samples"),
        (
            "a list longer than the file",
            with(|wav| wav.before = b"LIST\xff\xff\0\0abcd".to_vec()),
            "a chunk is longer than the file",
        ),
        ("no sound", with(|wav| wav.sound.clear()), "holds no sound"),
        (
            "no sound, and a list",
            with(|wav| {
                wav.sound.clear();
                wav.after = chunk(b"LIST", b"INFO");
            }),
            "holds no sound",
        ),
        ("no channels", with(|wav| wav.channels = 0), "it has no channels"),
        ("more channels than a frame has bytes", with(|wav| wav.channels = 65_535), "damaged"),
        ("frames of no bytes", with(|wav| wav.block = 0), "damaged"),
        ("64 bits", with(|wav| wav.bits = 64), "WAV of 64 bits a sample is not supported"),
        ("GSM", with(|wav| wav.tag = 0x31), "GSM in WAV is not supported"),
        ("MP3 in WAV", with(|wav| wav.tag = 0x55), "MP3 in WAV is not supported"),
        ("an unknown coding", with(|wav| wav.tag = 0x1234), "the coding 0x1234 is not supported"),
        (
            "a rate of 4 GHz",
            changed(&whole, 24, &[0xff; 4]),
            "a sample rate of 4294967295 Hz is not supported",
        ),
        ("the other byte order", changed(&whole, 0, b"RIFX"), "RIFX is not supported"),
        ("a film", changed(&whole, 8, b"AVI "), "not a sound file"),
        ("Opus", opus, "Opus is not supported"),
        ("MP3, cut off", mp3[..700].to_vec(), "cut off after"),
        ("M4A, cut off", m4a[..1_400].to_vec(), "a part that says what is in it is missing"),
        ("Ogg, cut off", ogg[..3_600].to_vec(), "it ends too soon"),
        ("AIFF, cut off", aiff()[..2_000].to_vec(), "it ends too soon"),
        ("AMR", b"#!AMR\n\x04".to_vec(), "AMR is not supported"),
    ];
    for (what, bytes, expected) in cases {
        let message = match Clip::decode("voice.wav", &bytes) {
            Ok(clip) => panic!("{what}: read, {} samples", clip.frames()),
            Err(error) => error.to_string(),
        };
        assert!(message.starts_with("voice.wav: "), "{what}: {message}");
        assert!(message.contains(expected), "{what}: {message}");
        assert!(message.contains("; "), "{what} says what to do: {message}");
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_is_read_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let writer = path.clone();
    let said = Wav { sound_bytes: Some(u32::MAX), file_bytes: Some(u32::MAX), ..Wav::usual() };
    let write = std::thread::spawn(move || std::fs::write(writer, said.file()).unwrap());
    let clip = Clip::read(&path).unwrap();
    write.join().unwrap();
    assert_eq!((clip.frames(), clip.channels.len()), (FRAMES, 2));
}

#[test]
fn a_huge_size_takes_no_memory() {
    let said =
        Wav { sound_bytes: Some(0xf000_0000), file_bytes: Some(0xf000_0024), ..Wav::usual() };
    let error = Clip::decode("call.wav", &said.file()).unwrap_err();
    assert!(matches!(error, FileError::Truncated { frames: FRAMES, .. }), "{error}");
}
