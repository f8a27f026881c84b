//! The protocol between the recogniser process (the worker) and its client.
//!
//! The client writes to the worker's standard input, the worker answers on its standard output. Both are sequences of
//! frames:
//!
//! | bytes | content |
//! |---|---|
//! | 4 | [`MAGIC`]: identifies the protocol and its version |
//! | 4 | length of the payload, little-endian, at most [`MAX_PAYLOAD`] |
//! | length | one [`Packet`] in [postcard](https://postcard.jamesmunns.com/wire-format)'s format; samples are 4 bytes,
//! little-endian |
//!
//! The client starts with [`Packet::Load`]. The worker answers it and each [`Packet::Window`] in turn, so that neither
//! side ever has two frames in flight. The worker exits when its standard input is closed.
//!
//! The worker contains no policy: the client decides how much encoder context a window gets, how many tokens, and what
//! of the output is accepted. This file is compiled into both programs and depends on nothing of either.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first bytes of every frame. The digit changes with every change to [`Packet`].
pub(crate) const MAGIC: [u8; 4] = *b"DXA2";

/// A longer payload does not come from this protocol. A window of 30 s has 1.9 MB.
pub(crate) const MAX_PAYLOAD: usize = 4 << 20;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// To the worker, once: the model to load.
    Load(Load),
    /// To the client, in answer to `Load`.
    Ready(Ready),
    /// To the worker: one window of audio to recognise, independent of all others.
    Window(Window),
    /// To the client, in answer to `Window`.
    Decoded(Decoded),
    /// To the client: the last frame could not be served, for this reason. After `Load` the worker then exits.
    Refused(String),
}

/// See [`Packet::Load`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Path of the ggml model, as raw bytes: a path need not be UTF-8.
    pub(crate) model: Vec<u8>,
    /// Two-letter language code, or `auto` for a multilingual model.
    pub(crate) language: String,
    /// Threads used for every window.
    pub(crate) threads: u32,
}

/// See [`Packet::Ready`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Whisper's model size, such as `tiny`.
    pub(crate) kind: String,
    /// Two-letter codes of the languages that the model knows.
    pub(crate) languages: Vec<String>,
    /// Encoder frames of the full context.
    pub(crate) max_context: u32,
    /// Time from `Load` to this answer.
    pub(crate) load: Duration,
}

/// See [`Packet::Window`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Mono samples at 16 kHz in -1..=1.
    pub(crate) audio: Vec<f32>,
    /// Encoder frames to attend to; frames beyond the audio are silence.
    pub(crate) context: u32,
    /// Number of tokens after which decoding stops.
    pub(crate) max_tokens: u32,
    /// Text that preceded the window, as a prompt; empty for none.
    pub(crate) prompt: String,
    /// One of [`Ready::languages`]; empty for that of `Load`.
    pub(crate) language: String,
}

/// See [`Packet::Decoded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decoded {
    /// Text tokens in order.
    pub(crate) tokens: Vec<Token>,
    /// Whether the model ended the text itself; otherwise `max_tokens` did.
    pub(crate) ended: bool,
    /// Mean natural logarithm of the tokens' probabilities.
    pub(crate) mean_logprob: f32,
    /// The model's no-speech probability.
    pub(crate) no_speech: f32,
    /// Wall time from having read the window to this answer.
    pub(crate) compute: Duration,
    /// CPU time of all threads meanwhile.
    pub(crate) cpu: Duration,
}

/// A text token. Not always valid UTF-8: a character may span tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The bytes; they start with a space where a word starts.
    pub(crate) text: Vec<u8>,
    /// From 0 to 1.
    pub(crate) probability: f32,
}

impl Packet {
    /// Writes the frame in one write and flushes.
    pub(crate) fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([0; 4]);
        let mut bytes = postcard::to_extend(self, bytes).map_err(io::Error::other)?;
        let length = bytes.len() - 8;
        if length > MAX_PAYLOAD {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "frame too long"));
        }
        bytes[4..8].copy_from_slice(&(length as u32).to_le_bytes());
        writer.write_all(&bytes)?;
        writer.flush()
    }

    /// Reads one frame.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::UnexpectedEof`] if the other side has closed the pipe, [`io::ErrorKind::InvalidData`] if the
    /// bytes are not a frame of this protocol.
    pub(crate) fn read_from(reader: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [magic @ .., a, b, c, d] = header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if magic != MAGIC || length > MAX_PAYLOAD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a frame of this protocol"));
        }
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload)?;
        match postcard::take_from_bytes(&payload) {
            Ok((packet, [])) => Ok(packet),
            Ok(_) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "a frame longer than its packet"))
            }
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Packet {
        Packet::Window(Window {
            audio: vec![0.25, -1.0],
            context: 300,
            max_tokens: 20,
            prompt: "Well,".into(),
            language: "de".into(),
        })
    }

    #[test]
    fn a_frame_survives_the_wire() {
        let mut wire = Vec::new();
        window().write_to(&mut wire).unwrap();
        Packet::Refused("no".into()).write_to(&mut wire).unwrap();
        let mut wire = wire.as_slice();
        assert_eq!(Packet::read_from(&mut wire).unwrap(), window());
        assert_eq!(Packet::read_from(&mut wire).unwrap(), Packet::Refused("no".into()));
        assert!(wire.is_empty());
    }

    #[test]
    fn a_frame_cut_anywhere_is_an_unexpected_end() {
        let mut wire = Vec::new();
        window().write_to(&mut wire).unwrap();
        for length in 0..wire.len() {
            let error = Packet::read_from(&mut &wire[..length]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {length}");
        }
    }

    #[test]
    fn a_frame_longer_than_its_packet_is_refused() {
        let mut wire = Vec::new();
        window().write_to(&mut wire).unwrap();
        wire.push(0);
        wire[4] += 1;
        let error = Packet::read_from(&mut wire.as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_is_no_frame_is_refused_before_anything_is_allocated_for_it() {
        let huge = [&MAGIC[..], &u32::MAX.to_le_bytes()].concat();
        for foreign in [&b"GET / HTTP/1.1\r\n\r\n"[..], &huge, b"DXA2\x02\x00\x00\x00\xff\xff"] {
            let error = Packet::read_from(&mut &foreign[..]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
