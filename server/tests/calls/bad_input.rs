//! Peers that violate the protocol, and the reasons that they receive.

use std::{
    io::Write as _,
    net::Shutdown,
    time::{Duration, Instant},
};

use duplex_server::ServerOptions;
use tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::{Served, close_code, options, silence};

/// How the server closes a call in which a peer sends `messages`.
fn answer_to(messages: impl IntoIterator<Item = Message>) -> (u16, String) {
    let served = Served::ready(options(1));
    let mut client = served.call();
    for message in messages {
        // The server may have hung up before the last of them.
        if client.send(message).is_err() {
            break;
        }
    }
    let answer = close_code(&mut client).expect("the connection was closed without a reason");
    assert!(served.try_call("").is_ok(), "the place is not free again");
    answer
}

#[test]
fn half_a_sample_is_refused_with_its_length() {
    let (code, reason) = answer_to([silence(20), Message::binary(vec![0; 641])]);
    assert_eq!(code, 1007);
    assert!(reason.contains("641 bytes ends in the middle of a sample"), "{reason}");
}

#[test]
fn text_that_is_not_json_is_refused() {
    let (code, reason) = answer_to([Message::text("hello")]);
    assert_eq!(code, 1007);
    assert!(reason.contains("not JSON"), "{reason}");
}

#[test]
fn a_rate_that_contradicts_the_query_is_refused() {
    let (code, reason) = answer_to([Message::text(r#"{"type":"start","sample_rate":24000}"#)]);
    assert_eq!(code, 1007);
    assert!(reason.contains("24000") && reason.contains("16000 Hz"), "{reason}");
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let (code, reason) = answer_to([Message::binary(vec![0; 32_002])]);
    assert_eq!(code, 1009);
    assert!(reason.contains("32000 bytes"), "{reason}");
}

#[test]
fn a_flood_is_refused() {
    let (code, reason) = answer_to(std::iter::repeat_n(silence(1_000), 600));
    assert_eq!(code, 1008);
    assert!(reason.contains("faster than it can be heard"), "{reason}");
}

#[test]
fn bytes_that_are_no_websocket_are_refused() {
    let served = Served::ready(options(1));
    let mut client = served.call();
    client.get_mut().write_all(&[0xff; 64]).unwrap();
    assert_eq!(close_code(&mut client).map(|(code, _)| code), Some(1002));
}

#[test]
fn json_an_empty_message_and_a_ping_are_no_fault() {
    let served = Served::ready(options(1));
    let mut client = served.call();
    client.send(Message::text(r#"{"type":"hello","sample_rate":16000}"#)).unwrap();
    client.send(Message::binary(Vec::new())).unwrap();
    client.send(Message::Ping("still there?".into())).unwrap();
    assert_eq!(client.read().unwrap(), Message::Pong("still there?".into()));
}

#[test]
fn a_peer_that_sends_nothing_is_hung_up_on() {
    let idle = Duration::from_millis(300);
    let served = Served::ready(ServerOptions { idle, ..options(1) });
    let began = Instant::now();
    let mut client = served.call();
    // It is alive, but it says nothing.
    client.send(Message::Ping("".into())).unwrap();
    let (code, reason) = close_code(&mut client).unwrap();
    assert_eq!(code, 1000);
    assert!(reason.contains("nothing was sent for 0.3 s"), "{reason}");
    assert!((idle..10 * idle).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[test]
fn a_peer_may_be_silent_for_as_long_as_can_be_said() {
    let served = Served::ready(ServerOptions { idle: Duration::MAX, ..options(1) });
    let mut client = served.call();
    client.send(silence(20)).unwrap();
    client.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).unwrap();
    assert_eq!(close_code(&mut client).map(|(code, _)| code), Some(1000));
    assert!(served.try_call("").is_ok(), "the place is not free again");
}

#[test]
fn a_hang_up_in_the_middle_frees_the_place_within_a_second() {
    let served = Served::ready(options(1));
    for round in 0..3 {
        let mut client = served.call();
        client.send(silence(20)).unwrap();
        // Half a frame, and then nothing more, ever.
        client.get_mut().write_all(&[0x82, 0xfe, 2, 128, 1, 2]).unwrap();
        client.get_mut().shutdown(Shutdown::Both).unwrap();
        // A place that is not free within a second is refused.
        let next = served.try_call("");
        assert!(next.is_ok(), "round {round}: {next:?}");
        drop(next);
    }
}
