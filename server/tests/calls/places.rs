//! How many calls run at once, and how all of them end.

use std::time::{Duration, Instant};

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::support::{Served, close_code, options, silence};

#[test]
fn a_third_call_is_refused_while_two_are_running() {
    let served = Served::ready(options(2));
    let mut calls = [served.call(), served.call()];
    let (status, body) = served.try_call("?rate=16000").unwrap_err();
    assert_eq!(status, 503);
    assert!(body.contains(r#""error":"busy""#) && body.contains("2 calls"), "{body}");
    for call in &mut calls {
        call.send(silence(20)).unwrap();
    }
    assert!(served.get("/readyz").starts_with("HTTP/1.1 200"), "a busy server is ready");
    calls[0].close(None).unwrap();
    assert!(served.try_call("?rate=16000").is_ok());
}

#[test]
fn calls_follow_one_another_at_once() {
    let served = Served::ready(options(1));
    for _ in 0..5 {
        let mut call = served.call();
        call.send(silence(20)).unwrap();
        call.close(None).unwrap();
    }
}

#[test]
fn a_peer_that_says_goodbye_is_answered() {
    let served = Served::ready(options(1));
    let mut call = served.call();
    call.send(silence(20)).unwrap();
    call.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).unwrap();
    assert_eq!(close_code(&mut call).map(|(code, _)| code), Some(1000));
}

#[test]
fn a_server_that_ends_says_so_in_every_call() {
    let served = Served::ready(options(2));
    let mut calls = [served.call(), served.call()];
    let began = Instant::now();
    let stopping = std::thread::spawn(move || served.stop());
    for call in &mut calls {
        assert_eq!(close_code(call).map(|(code, _)| code), Some(1001));
    }
    stopping.join().unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_server_ends_although_a_peer_neither_reads_nor_asks() {
    let served = Served::ready(options(1));
    let _mute = std::net::TcpStream::connect(served.address).unwrap();
    let _call = served.call();
    let began = Instant::now();
    served.stop().unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
