//! Peers that send anything. The test runs for a second, and for longer where
//! `BOLERO_RANDOM_TEST_TIME_MS` says so (docs/soak.md).

use bolero::{TypeGenerator, produce};
use duplex_audio::{Acoustics as _, MICROPHONE_FRAME, PLAYOUT_FRAME};
use duplex_core::SAMPLE_RATE;

use super::*;
use crate::{server::RATES, socket_audio::socket_audio};

/// Between a peer and a call.
#[derive(Debug, TypeGenerator)]
enum Step {
    /// A message of so many bytes, as long as the server allows or shorter.
    Sound {
        bytes: u16,
        first: u8,
        step: u8,
    },
    /// So many messages of the longest, one after another.
    Flood(#[generator(1..=20)] u8),
    /// A message of any bytes.
    Bytes(Vec<u8>),
    Text(Said),
    Ping(Vec<u8>),
    /// The call asks for so many frames.
    Heard(u8),
    Close,
}

#[derive(Debug, TypeGenerator)]
enum Said {
    Any(String),
    Rate(u32),
    Number(f64),
    Deep(u8),
}

impl Said {
    fn text(&self) -> String {
        match self {
            Self::Any(text) => text.clone(),
            Self::Rate(rate) => format!(r#"{{"sample_rate":{rate}}}"#),
            Self::Number(number) => format!(r#"{{"sample_rate":{number:e}}}"#),
            Self::Deep(depth) => "[".repeat(usize::from(*depth)),
        }
    }
}

#[test]
fn any_peer_is_heard_or_hung_up_on_and_a_second_of_sound_is_kept_at_most() {
    let calls = produce::<(u32, Vec<Step>)>();
    bolero::check!().with_generator(calls).for_each(|(rate, steps)| {
        // A filter between rates that have little in common takes a while to make.
        let rate = match rate % 64 {
            0 => RATES.start() + (rate >> 6) % (RATES.end() - RATES.start() + 1),
            usual => [8_000, 16_000, 24_000, 48_000][usual as usize % 4],
        };
        let lead = Duration::from_millis(40);
        let (mut audio, _events, mut ingress, _inbox) = socket_audio(rate, lead).unwrap();
        let mut pulled = 0;
        for step in steps {
            let messages: Vec<Message> = match step {
                Step::Sound { bytes, first, step } => {
                    let byte = |n: usize| first.wrapping_add((n as u8).wrapping_mul(*step));
                    let bytes = usize::from(*bytes) % (most_bytes(rate) + 1);
                    vec![Message::Binary((0..bytes).map(byte).collect())]
                }
                Step::Flood(count) => {
                    vec![Message::Binary(vec![0; most_bytes(rate)].into()); usize::from(*count)]
                }
                Step::Bytes(bytes) => vec![Message::Binary(bytes.clone().into())],
                Step::Text(said) => vec![Message::Text(said.text().into())],
                Step::Ping(bytes) => vec![Message::Ping(bytes.clone().into())],
                Step::Close => vec![Message::Close(None)],
                Step::Heard(frames) => {
                    for _ in 0..*frames {
                        let mut microphone = [f32::NAN; MICROPHONE_FRAME];
                        audio.exchange(&[0.0; PLAYOUT_FRAME], &mut microphone);
                        assert!(microphone.iter().all(|sample| sample.abs() < 4.0));
                        pulled += MICROPHONE_FRAME as u64;
                    }
                    Vec::new()
                }
            };
            for message in messages {
                let is_half = matches!(&message, Message::Binary(sound) if sound.len() % 2 == 1);
                let is_close = matches!(&message, Message::Close(_));
                let end = take(message, &mut ingress, rate);
                let told = matches!(end, Err(End::IngressError(IngressError::Half(_))));
                assert_eq!(told, is_half);
                let sound = ingress.buffer().counters();
                let given = pulled - sound.missing;
                let kept = sound.received - sound.dropped - sound.skipped - given;
                assert!(kept <= u64::from(SAMPLE_RATE), "{kept} samples are kept");
                if let Err(end) = end {
                    assert_eq!(matches!(end, End::Left), is_close, "{end}");
                    assert!(reason(&end).len() <= MOST_REASON);
                    return;
                }
            }
        }
    });
}
