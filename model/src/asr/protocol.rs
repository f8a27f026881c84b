//! What the recogniser process and its client say to each other.
//!
//! The client writes to the worker's standard input, the worker answers on its standard output; both are sequences
//! of frames:
//!
//! | bytes | content |
//! |---|---|
//! | 4 | [`MAGIC`]: names the protocol and its version |
//! | 4 | length of the payload, little-endian, at most [`MAX_PAYLOAD`] |
//! | length | one [`Packet`] in [postcard](https://postcard.jamesmunns.com/wire-format)'s format; samples are 4 bytes each, little-endian |
//!
//! The client opens with [`Packet::Load`], and the worker answers it and each [`Packet::Window`] in turn, so that
//! neither ever has two frames under way. The end of standard input ends the worker.
//!
//! The worker knows nothing of policy: how much context a window gets, how many tokens, and what of the answer is
//! believed is decided by the client. This file is compiled into both programs and refers to nothing of either.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first bytes of every frame. The digit changes whenever [`Packet`] does.
pub(crate) const MAGIC: [u8; 4] = *b"DXA1";

/// A payload longer than this comes from something that is no part of this protocol. A window of 30 s has 1.9 MB.
pub(crate) const MAX_PAYLOAD: usize = 4 << 20;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// To the worker, once: the model to recognise with.
    Load(Load),
    /// To the client, in answer to `Load`.
    Ready(Ready),
    /// To the worker: a piece of audio to recognise, independent of all others.
    Window(Window),
    /// To the client, in answer to `Window`.
    Decoded(Decoded),
    /// To the client: the last frame could not be served, for this reason. After `Load` the worker then exits.
    Refused(String),
}

/// See [`Packet::Load`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Path of the ggml model, as the bytes of the platform: a path need not be UTF-8.
    pub(crate) model: Vec<u8>,
    /// Two-letter code, or `auto` where the model knows several.
    pub(crate) language: String,
    /// Threads of every window.
    pub(crate) threads: u32,
}

/// See [`Packet::Ready`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// The size of Whisper, such as `tiny`.
    pub(crate) kind: String,
    /// Whether it knows languages other than English.
    pub(crate) multilingual: bool,
    /// Encoder frames of a full context.
    pub(crate) max_context: u32,
    /// From `Load` to here.
    pub(crate) load: Duration,
}

/// See [`Packet::Window`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Mono, 16 kHz, full scale 1.
    pub(crate) audio: Vec<f32>,
    /// Encoder frames to attend to; what of them lies behind the audio is silence.
    pub(crate) context: u32,
    /// Tokens after which decoding stops.
    pub(crate) max_tokens: u32,
    /// Text that went before; empty for none.
    pub(crate) prompt: String,
}

/// See [`Packet::Decoded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decoded {
    /// Text tokens in order.
    pub(crate) tokens: Vec<Token>,
    /// Whether the model ended the text; otherwise `max_tokens` did.
    pub(crate) ended: bool,
    /// Mean natural logarithm of the tokens' probabilities.
    pub(crate) mean_logprob: f32,
    /// The model's probability that the window holds no speech.
    pub(crate) no_speech: f32,
    /// From having read the window to here.
    pub(crate) compute: Duration,
    /// Of all threads, meanwhile.
    pub(crate) cpu: Duration,
}

/// A piece of text. Not always UTF-8 of its own: a character may span tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Begins with a space where a word begins.
    pub(crate) text: Vec<u8>,
    /// Between 0 and 1.
    pub(crate) probability: f32,
}

impl Packet {
    /// Writes the frame as one piece and flushes.
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
    /// [`io::ErrorKind::UnexpectedEof`] where the other side has ended, [`io::ErrorKind::InvalidData`] where it speaks
    /// something else.
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
        postcard::from_bytes(&payload)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
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
    fn what_is_no_frame_is_refused_before_anything_is_allocated_for_it() {
        let huge = [&MAGIC[..], &u32::MAX.to_le_bytes()].concat();
        for foreign in [&b"GET / HTTP/1.1\r\n\r\n"[..], &huge, b"DXA1\x02\x00\x00\x00\xff\xff"] {
            let error = Packet::read_from(&mut &foreign[..]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
