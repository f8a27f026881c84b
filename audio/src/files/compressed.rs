//! Files of other formats: MP3, AAC, Ogg Vorbis, M4A and AIFF.

use std::{io, path::Path};

use symphonia::core::{
    audio::Channels,
    codecs::{
        CodecParameters,
        audio::{
            AudioCodecParameters,
            well_known::{CODEC_ID_OPUS, CODEC_ID_SPEEX},
        },
    },
    errors::Error,
    formats::{FormatReader, TrackType},
};

use super::{
    Clip, FileError, Input,
    decoder::{Decoder, describe},
};

/// Samples per channel by which encoders miscount the last of the sound: two frames of MP3.
const LAST_FRAMES: u64 = 2 * 1_152;

/// Samples of a packet, those of all channels.
const MOST_PACKET_SAMPLES: u64 = 1 << 20;

/// Reads a file; `is_stream` says that it is nothing but frames, of which the first and the last may be incomplete.
pub(super) fn read(path: &Path, input: Input<'_>, is_stream: bool) -> Result<Clip, FileError> {
    let mut reader = symphonia::default::get_probe()
        .probe(&Default::default(), input, Default::default(), Default::default())
        .map_err(|error| not_opened(path, error, is_stream))?;
    let Sound { track, codec, frames } = Sound::of(reader.as_ref())
        .ok_or_else(|| FileError::unsupported(path, "a file without a track of sound"))?;
    if let Some(name) = unsupported(&codec) {
        return Err(FileError::unsupported(path, name));
    }
    let mut decoder = Decoder::new(path, &codec)?;
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == track => {
                match decoder.decode(&packet.as_packet_ref()) {
                    // The first frames of a piece of a stream need what was before them.
                    Err(FileError::Damaged { .. }) if is_stream && decoder.frames() == 0 => {}
                    decoded => decoded?,
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(Error::IoError(_)) if is_stream && decoder.frames() > 0 => break,
            Err(error) => return Err(describe(path, error, decoder.frames())),
        }
    }
    match frames {
        Some(frames) if decoder.frames() as u64 + LAST_FRAMES < frames => Err(decoder.cut_off()),
        _ => Ok(decoder.into_clip()),
    }
}

/// Why a file of a known format could not be opened.
fn not_opened(path: &Path, error: Error, is_stream: bool) -> FileError {
    let path = path.into();
    match error {
        _ if is_stream => FileError::NotAudio { path },
        // The library reads on for parts that can stand anywhere: how much sound there is before is not known.
        Error::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            FileError::Damaged { path, what: "it ends too soon" }
        }
        Error::Unsupported(what) if what.contains("missing") => {
            FileError::Damaged { path, what: "a part that says what is in it is missing" }
        }
        error => describe(&path, error, 0),
    }
}

/// What is read of a file.
struct Sound {
    track: u32,
    codec: AudioCodecParameters,
    /// Samples per channel; none: the file does not say, or not for sure.
    frames: Option<u64>,
}

impl Sound {
    fn of(reader: &dyn FormatReader) -> Option<Self> {
        let track = reader.default_track(TrackType::Audio)?;
        let codec = track.codec_params.as_ref().and_then(CodecParameters::audio)?.clone();
        // Without the tag of an encoder, which also gives the delay, the number of an MP3 file is a guess.
        let frames = track.num_frames.filter(|_| track.delay.is_some());
        Some(Self { track: track.id, codec, frames })
    }
}

/// What of the coding is not supported, which is known before anything is decoded: a decoder makes room for as many
/// channels and frames as a header says.
fn unsupported(codec: &AudioCodecParameters) -> Option<&'static str> {
    let channels = codec.channels.as_ref().map_or(0, Channels::count) as u64;
    let frames = codec.max_frames_per_packet.unwrap_or(0);
    match codec.codec {
        CODEC_ID_OPUS => Some("Opus"),
        CODEC_ID_SPEEX => Some("Speex"),
        _ if channels.saturating_mul(frames) > MOST_PACKET_SAMPLES => Some("so many channels"),
        _ => None,
    }
}
