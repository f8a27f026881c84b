//! What the readers of all formats share: packets become channels.

use std::{io, path::Path};

use symphonia::core::{
    codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions},
    errors::Error,
    packet::PacketRef,
};

use super::{Clip, FileError};
use crate::units::sane;

/// What is not supported about a file if nothing more is known.
const CODING: &str = "this coding of sound";

/// Decodes the packets of one file.
pub(super) struct Decoder<'a> {
    path: &'a Path,
    codec: Box<dyn AudioDecoder>,
    rate: u32,
    channels: Vec<Vec<f32>>,
    packet: Vec<Vec<f32>>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(path: &'a Path, codec: &AudioCodecParameters) -> Result<Self, FileError> {
        let options = AudioDecoderOptions::default().verify(true);
        let codec = symphonia::default::get_codecs()
            .make_audio_decoder(codec, &options)
            .map_err(|_| FileError::unsupported(path, CODING))?;
        Ok(Self { path, codec, rate: 0, channels: Vec::new(), packet: Vec::new() })
    }

    /// Decodes a packet and appends its samples.
    pub(super) fn decode(&mut self, packet: &PacketRef<'_>) -> Result<(), FileError> {
        let decoded = self.codec.decode_ref(packet).map_err(|error| match error {
            // The packet is at hand: what ends too soon is not the file.
            Error::DecodeError(_) | Error::IoError(_) => {
                FileError::Damaged { path: self.path.into(), what: "its sound cannot be decoded" }
            }
            other => describe(self.path, other, 0),
        })?;
        if decoded.frames() == 0 {
            return Ok(());
        }
        let (rate, channels) = (decoded.spec().rate(), decoded.num_planes());
        if self.channels.is_empty() {
            self.rate = rate;
            self.channels.resize(channels, Vec::new());
        }
        if (self.rate, self.channels.len()) != (rate, channels) {
            return Err(self.damaged("the sample rate or the number of channels changes"));
        }
        decoded.copy_to_vecs_planar(&mut self.packet);
        for (channel, samples) in self.channels.iter_mut().zip(&self.packet) {
            channel.extend(samples.iter().copied().map(sane));
        }
        Ok(())
    }

    /// Whether what was decoded has the check sum that the file gives, if it gives one.
    pub(super) fn check_sum(&mut self) -> Option<bool> {
        self.codec.finalize().verify_ok
    }

    /// Samples per channel up to now.
    pub(super) fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    pub(super) fn into_clip(self) -> Clip {
        Clip { rate: self.rate, channels: self.channels }
    }

    pub(super) fn cut_off(&self) -> FileError {
        FileError::Truncated { path: self.path.into(), frames: self.frames() }
    }

    pub(super) fn damaged(&self, what: &'static str) -> FileError {
        FileError::Damaged { path: self.path.into(), what }
    }
}

/// What is wrong where reading failed after so many frames.
pub(super) fn describe(path: &Path, error: Error, frames: usize) -> FileError {
    match error {
        Error::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            FileError::Truncated { path: path.into(), frames }
        }
        Error::IoError(source) => FileError::reading(path, source),
        Error::Unsupported(_) => FileError::unsupported(path, CODING),
        Error::DecodeError(what) | Error::LimitError(what) => {
            FileError::Damaged { path: path.into(), what: plain(what) }
        }
        Error::SeekError(_) => {
            FileError::Damaged { path: path.into(), what: "its parts are not where it says" }
        }
        _ => FileError::unsupported(path, "a file of several recordings"),
    }
}

/// A message without the part of the library that it comes from.
fn plain(what: &'static str) -> &'static str {
    what.split_once(':').map_or(what, |(_, what)| what.trim_start())
}
