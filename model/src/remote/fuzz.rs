//! Streams that no server wrote. Each test runs for a second, and for longer where `BOLERO_RANDOM_TEST_TIME_MS` says so
//! (docs/soak.md).

use std::time::SystemTime;

use bolero::{TypeGenerator, produce};
use http::{HeaderMap, HeaderValue, header};

use super::RemoteError;
use super::events::Lines;
use super::wire::{self, Chunk};

const REPLY: usize = 600;
const EVENT: usize = 80;

/// A part of a stream: what servers send, and what they do not.
#[derive(Clone, Debug, TypeGenerator)]
enum Part {
    Piece(String),
    Finish,
    Done,
    Comment(String),
    Line(String),
    Bytes(Vec<u8>),
    End,
}

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Piece(text) => {
                let event = serde_json::json!({ "choices": [{ "delta": { "content": text } }] });
                format!("data: {event}\n\n").into_bytes()
            }
            Self::Finish => b"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\r\n\r\n".to_vec(),
            Self::Done => b"data: [DONE]\n\n".to_vec(),
            Self::Comment(text) => format!(": {text}\n").into_bytes(),
            Self::Line(text) => format!("data: {text}\n").into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::End => b"\n".to_vec(),
        }
    }
}

/// What is let through of a stream that arrives in `pieces`, whether it is done, and what is wrong with it.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, bool, String) {
    let mut lines = Lines::new(REPLY, EVENT);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(lines.push(piece));
    }
    let ending = lines.finish();
    let fault = ending.fault;
    if let Some(fault) = &fault {
        assert!(matches!(fault, RemoteError::TooLong { .. } | RemoteError::Broken { .. }));
    }
    (out, ending.done, format!("{fault:?}"))
}

#[test]
fn a_stream_is_bounded_and_parsed_alike_however_it_is_divided() {
    let streams = produce::<(Vec<Part>, Vec<u8>)>();
    bolero::check!().with_generator(streams).for_each(|(parts, cuts)| {
        let stream = parts.iter().flat_map(Part::bytes).collect::<Vec<_>>();
        let whole = read([&stream[..]].into_iter());
        let mut rest = &stream[..];
        let mut cuts = cuts.iter().cycle();
        let divided = std::iter::from_fn(|| {
            let length = cuts.next().map_or(1, |&cut| usize::from(cut).max(1));
            let (piece, later) = rest.split_at(length.min(rest.len()));
            rest = later;
            (!piece.is_empty()).then_some(piece)
        });
        assert_eq!(read(divided), whole);

        let text = std::str::from_utf8(&whole.0).unwrap();
        // The mark of the end is written out in full.
        assert!(text.len() <= REPLY + 2);
        let mut event = 0;
        for line in text.split_inclusive('\n') {
            event += line.len();
            assert!(event <= EVENT + 2);
            if matches!(line, "\n" | "\r\n") {
                event = 0;
            }
        }
        for line in text.lines() {
            if let Some(data) = line.strip_prefix("data:")
                && data != " [DONE]"
            {
                serde_json::from_str::<Chunk>(data).unwrap();
            }
        }
    });
}

#[test]
fn any_body_of_an_error_is_a_line_of_bounded_length_without_the_key() {
    let bodies = produce::<(u16, Vec<u8>, String, bool)>();
    bolero::check!().with_generator(bodies).for_each(|(status, bytes, text, object)| {
        let json = serde_json::json!({ "error": { "message": text, "code": status } }).to_string();
        let body = if *object { json.as_bytes() } else { bytes };
        let (message, _) = wire::complaint(*status, body);
        let line = wire::one_line(&format!("{message} sk-1234{message}"), Some("sk-1234"));
        assert!(!line.is_empty() && line.chars().count() <= 201);
        assert!(!line.contains("sk-1234") && !line.contains(char::is_control));
        if let Ok(chunk) = serde_json::from_slice::<Chunk>(body) {
            _ = chunk.complaint();
            _ = chunk.into_parts();
        }
    });
}

#[test]
fn any_retry_after_is_a_time_or_none() {
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value);
        _ = wire::retry_after(&headers, SystemTime::UNIX_EPOCH);
    });
}
