//! Audio files, whole and broken.

use std::{fs, path::PathBuf};

use duplex_audio::{Clip, FileError, WavWriter, level_db, noise};
use hound::{SampleFormat, WavSpec, WavWriter as Hound};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

/// A file with `frames` frames of a ramp, in any encoding that hound writes.
fn wav(folder: &tempfile::TempDir, rate: u32, channels: u16, bits: u16, frames: u32) -> PathBuf {
    let path = folder.path().join("any.wav");
    let sample_format = SampleFormat::Int;
    let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut file = Hound::create(&path, spec).expect("it is written");
    let full = (1i64 << (bits - 1)) - 1;
    for frame in 0..frames {
        for channel in 0..channels {
            let sign = if channel % 2 == 0 { 1 } else { -1 };
            let sample = sign * full * i64::from(frame) / i64::from(frames);
            file.write_sample(sample as i32).expect("it is written");
        }
    }
    file.finalize().expect("it is written");
    path
}

fn float_wav(folder: &tempfile::TempDir, samples: &[f32]) -> PathBuf {
    let path = folder.path().join("float.wav");
    let sample_format = SampleFormat::Float;
    let spec = WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 32, sample_format };
    let mut file = Hound::create(&path, spec).expect("it is written");
    samples.iter().for_each(|&sample| file.write_sample(sample).expect("it is written"));
    file.finalize().expect("it is written");
    path
}

#[test]
fn every_width_of_integer_reads_as_the_same_ramp() {
    let folder = folder();
    for bits in [8, 16, 24, 32] {
        let clip = Clip::read(wav(&folder, 16_000, 2, bits, 100)).unwrap();
        assert_eq!((clip.rate, clip.channels.len(), clip.frames()), (16_000, 2, 100));
        for frame in 0..100u8 {
            let expected = f32::from(frame) / 100.0;
            assert!((clip.channels[0][usize::from(frame)] - expected).abs() < 0.02, "{bits} bits");
            assert!((clip.channels[1][usize::from(frame)] + expected).abs() < 0.02, "{bits} bits");
        }
    }
}

#[test]
fn floats_that_are_no_numbers_are_silence_and_loud_ones_are_clipped() {
    let folder = folder();
    let path = float_wav(&folder, &[0.5, f32::NAN, f32::INFINITY, -7.0, f32::MIN_POSITIVE / 4.0]);
    assert_eq!(Clip::read(path).unwrap().channels, [vec![0.5, 0.0, 1.0, -1.0, 0.0]]);
}

#[test]
fn a_flac_file_is_read_whatever_its_name() {
    let folder = folder();
    let path = folder.path().join("speech.wav");
    fs::copy(crate::common::clip_path("q01"), &path).unwrap();
    let clip = Clip::read(path).unwrap();
    let seconds = clip.frames() as f64 / f64::from(clip.rate);
    assert!((seconds - 1.48).abs() < 0.001, "{seconds} s");
}

#[test]
fn any_rate_and_number_of_channels_becomes_mono_at_the_rate_asked_for() {
    let folder = folder();
    for (rate, channels) in [(8_000, 1), (11_025, 2), (44_100, 2), (96_000, 6)] {
        let clip = Clip::read(wav(&folder, rate, channels, 16, rate)).unwrap();
        assert_eq!(clip.mono(16_000).len(), 16_000, "{rate} Hz, {channels} channels");
    }
}

#[test]
fn a_silent_channel_does_not_weaken_the_voice_in_the_other() {
    let clip = Clip { rate: 16_000, channels: vec![vec![0.5; 10], vec![0.0; 10]] };
    assert_eq!(clip.mono(16_000), [0.5; 10]);
}

/// A voice, and a noise that has nothing to do with it, at the session rate.
fn voice_and_noise() -> (Vec<f32>, Vec<f32>) {
    let voice = crate::common::speech("q01", -26.0);
    let noise = noise::white(7).take(voice.len()).map(|x| 0.01 * x).collect();
    (voice, noise)
}

#[test]
fn a_voice_that_is_inverted_on_one_side_does_not_cancel_out() {
    let (voice, noise) = voice_and_noise();
    let inverted: Vec<f32> = voice.iter().map(|x| -x).collect();
    let weaker: Vec<f32> = inverted.iter().zip(&noise).map(|(x, y)| 0.5 * x + y).collect();
    let stereo = |left: &[f32], right: &[f32]| Clip {
        rate: 16_000,
        channels: vec![left.to_vec(), right.to_vec()],
    };
    assert_eq!(stereo(&voice, &inverted).mono(16_000), voice);
    assert_eq!(stereo(&inverted, &voice).mono(16_000), inverted);
    let level = level_db(&stereo(&voice, &weaker).mono(16_000));
    assert!((level - level_db(&voice)).abs() < 3.0, "{level} dB for {}", level_db(&voice));
}

#[test]
fn ordinary_stereo_is_the_mean_of_both_sides() {
    let (voice, noise) = voice_and_noise();
    let nearer: Vec<f32> = voice.iter().zip(&noise).map(|(x, y)| 0.3 * x + y).collect();
    for right in [nearer, noise, voice.clone()] {
        let mean: Vec<f32> = voice.iter().zip(&right).map(|(x, y)| (x + y) * 0.5).collect();
        let clip = Clip { rate: 16_000, channels: vec![voice.clone(), right] };
        assert_eq!(clip.mono(16_000), mean);
    }
}

#[test]
fn every_broken_file_is_named_with_what_is_wrong_and_what_to_do() {
    let folder = folder();
    let path = folder.path().join("broken");
    let whole = fs::read(wav(&folder, 16_000, 1, 16, 1_000)).unwrap();
    let flac = fs::read(crate::common::clip_path("q01")).unwrap();
    let mut adpcm = whole.clone();
    adpcm[20] = 2;
    let mut rate = whole.clone();
    rate[24..28].copy_from_slice(&1u32.to_le_bytes());
    rate[28..32].copy_from_slice(&2u32.to_le_bytes());
    let mut blocks = whole.clone();
    blocks[32] = 3;
    let empty = fs::read(wav(&folder, 16_000, 1, 16, 0)).unwrap();
    let cases: [(&str, &[u8], &str); 13] = [
        ("an empty file", b"", "holds no sound"),
        ("a WAV file without samples", &empty, "holds no sound"),
        ("text", b"What is the capital of France?", "not a sound file"),
        ("a tag without sound", b"ID3\x04\0\0\0\0\0\x03\0\0\0", "holds no sound"),
        ("the first bytes of an Ogg file", b"OggS\0\x02\0\0\0\0\0\0\0", "ends too soon"),
        ("a WebM file", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f", "WebM is not supported"),
        ("half a WAV file", &whole[..1_044], "cut off after 500 samples"),
        ("half a header", &whole[..30], "cut off after 0 samples"),
        ("the first bytes of a header", &whole[..6], "cut off after 0 samples"),
        ("half a FLAC file", &flac[..flac.len() / 2], "cut off after"),
        ("a WAV file in ADPCM", &adpcm, "not supported"),
        ("a WAV file of 1 Hz", &rate, "a sample rate of 1 Hz is not supported"),
        ("a WAV file that contradicts itself", &blocks, "damaged"),
    ];
    for (what, bytes, expected) in cases {
        fs::write(&path, bytes).unwrap();
        let message = Clip::read(&path).expect_err(what).to_string();
        assert!(message.contains("broken"), "{what}: {message}");
        assert!(message.contains(expected), "{what}: {message}");
        assert!(message.contains("; "), "{what} says what to do: {message}");
    }
}

#[test]
fn a_missing_file_is_not_found() {
    let path = folder().path().join("nowhere.wav");
    assert!(matches!(Clip::read(&path), Err(FileError::NotFound { .. })));
}

#[test]
fn what_is_written_is_read_again() {
    let path = folder().path().join("call.wav");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = WavWriter::<2>::create(&path, 48_000).unwrap();
    file.write([&[0.5, 2.0, f32::NAN], &[-0.25]]).unwrap();
    file.finish().unwrap();
    let clip = Clip::read(&path).unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(clip.rate, 48_000);
    let expected = [[0.5, 1.0, 0.0], [-0.25, 0.0, 0.0]];
    for (channel, expected) in clip.channels.iter().zip(expected) {
        for (sample, expected) in channel.iter().zip(expected) {
            assert!((sample - expected).abs() < 1e-4);
        }
    }
}

#[test]
fn a_program_that_is_killed_leaves_a_readable_file() {
    let folder = folder();
    let path = folder.path().join("call.wav");
    let mut file = WavWriter::<1>::create(&path, 1_000 * 16).unwrap();
    assert!(matches!(Clip::read(&path), Err(FileError::Empty { .. })), "valid from the start");
    file.write([&vec![0.1; 40_000]]).unwrap();
    // Neither finished nor dropped: what is on disk is what a kill leaves behind.
    let clip = Clip::read(&path).unwrap();
    std::mem::forget(file);
    assert_eq!(clip.frames(), 32_000, "up to the last whole second");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_that_says_so() {
    let error = WavWriter::<1>::create("/dev/full", 16_000).err().unwrap();
    let message = error.to_string();
    assert!(message.contains("/dev/full") && message.contains("free some space"), "{message}");
}
