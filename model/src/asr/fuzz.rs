//! Frames that nobody wrote. Each test runs for a second, and for longer where
//! `BOLERO_RANDOM_TEST_TIME_MS` says so (docs/soak.md).

use std::io::{ErrorKind, Result};
use std::time::Duration;

use bolero::{TypeGenerator, produce};

use super::protocol::{Decoded, Load, MAGIC, Packet, Ready, Token, Window};
use mutation::{damage, mutated};

#[path = "../../../tests/tests/mutation/mod.rs"]
mod mutation;

/// A packet, by its parts.
#[derive(Clone, Debug, TypeGenerator)]
enum Any {
    Load(Vec<u8>, String, u32),
    Ready(String, Vec<String>, u32, Duration),
    Window(Vec<f32>, u32, u32, [String; 2]),
    Decoded(Vec<(Vec<u8>, f32)>, bool, [f32; 2], [Duration; 2]),
    Refused(String),
}

impl Any {
    fn packet(&self) -> Packet {
        match self.clone() {
            Self::Load(model, language, threads) => Packet::Load(Load { model, language, threads }),
            Self::Ready(kind, languages, max_context, load) => {
                Packet::Ready(Ready { kind, languages, max_context, load })
            }
            Self::Window(audio, context, max_tokens, [prompt, language]) => {
                Packet::Window(Window { audio, context, max_tokens, prompt, language })
            }
            Self::Decoded(tokens, ended, [mean_logprob, no_speech], [compute, cpu]) => {
                let token = |(text, probability)| Token { text, probability };
                let tokens = tokens.into_iter().map(token).collect();
                Packet::Decoded(Decoded { tokens, ended, mean_logprob, no_speech, compute, cpu })
            }
            Self::Refused(why) => Packet::Refused(why),
        }
    }
}

fn frame(packet: &Packet) -> Vec<u8> {
    let mut wire = Vec::new();
    packet.write_to(&mut wire).unwrap();
    wire
}

/// Reads a frame, and checks that it was read as a whole or is an error that the client tells apart.
fn read(wire: &[u8]) -> Result<Packet> {
    let mut rest = wire;
    let read = Packet::read_from(&mut rest);
    match &read {
        Ok(packet) => {
            let length = u32::from_le_bytes(wire[4..8].try_into().unwrap()) as usize;
            assert_eq!(wire.len() - rest.len(), 8 + length);
            // Compared by their bytes: samples need not be numbers.
            let again = frame(packet);
            assert_eq!(frame(&Packet::read_from(&mut again.as_slice()).unwrap()), again);
        }
        Err(error) => {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::InvalidData), "{error}");
        }
    }
    read
}

#[test]
fn any_bytes_are_no_frame_and_any_payload_is_a_packet_or_an_error() {
    let bytes = produce::<(u8, Vec<u8>)>();
    bolero::check!().with_generator(bytes).for_each(|(kind, bytes)| {
        read(bytes).unwrap_err();
        // The first byte says which packet it is; the last of six is none.
        let payload = [&[kind % 6][..], bytes].concat();
        let length = (payload.len() as u32).to_le_bytes();
        _ = read(&[&MAGIC[..], &length, &payload].concat());
    });
}

#[test]
fn any_packet_survives_the_wire_and_none_survives_being_cut_or_lengthened() {
    let packets = produce::<(Any, u16)>();
    bolero::check!().with_generator(packets).for_each(|(any, cut)| {
        let wire = frame(&any.packet());
        assert_eq!(frame(&read(&wire).unwrap()), wire);
        let cut = usize::from(*cut) % wire.len();
        assert_eq!(read(&wire[..cut]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        // The same with a size that fits to what is there.
        let resized = |payload: &[u8]| {
            let length = (payload.len() as u32).to_le_bytes();
            read(&[&MAGIC[..], &length, payload].concat())
        };
        assert!(resized(&wire[8..cut.max(8)]).is_err());
        assert!(resized(&[&wire[8..], &[0]].concat()).is_err());
    });
}

#[test]
fn any_damage_to_a_frame_gives_a_packet_or_an_error() {
    bolero::check!().with_generator((produce::<Any>(), damage())).for_each(|(any, damage)| {
        _ = read(&mutated(&frame(&any.packet()), damage));
    });
}
