//! Requests that are answered without a call.

use crate::support::{Served, options};

#[test]
fn a_process_that_loads_its_models_lives_but_is_not_ready() {
    let mut served = Served::loading(options(1));
    assert!(served.get("/healthz").starts_with("HTTP/1.1 200"));
    let answer = served.get("/readyz");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains(r#""error":"loading""#), "{answer}");
    let (status, body) = served.try_call("?rate=16000").unwrap_err();
    assert_eq!(status, 503);
    assert!(body.contains(r#""error":"loading""#), "{body}");
    served.load();
    assert!(served.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(served.try_call("?rate=16000").is_ok());
}

#[test]
fn a_request_that_is_no_call_gets_a_reason() {
    let served = Served::ready(options(1));
    let answer = served.get("/v1/audio/stream?rate=16000");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains(r#""error":"websocket""#), "{answer}");
    let answer = served.get("/v2/audio");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("/v1/audio/stream"), "{answer}");
}

#[test]
fn a_query_that_is_not_understood_is_refused() {
    let served = Served::ready(options(1));
    for (query, error) in [
        ("?rate=7999", "rate"),
        ("?rate=48001", "rate"),
        ("?rate=fast", "query"),
        ("?rate=-1", "query"),
        ("?rat=8000", "query"),
        ("?speed=9", "session"),
        ("?voice=nobody", "session"),
        ("?reply=elsewhere", "session"),
    ] {
        let (status, body) = served.try_call(query).unwrap_err();
        assert_eq!(status, 400, "{query}");
        assert!(body.contains(&format!(r#""error":"{error}""#)), "{query}: {body}");
    }
    for query in
        ["?rate=8000", "?rate=44100", "?rate=48000", "", "?speed=1.5&instructions=Be%20brief."]
    {
        assert!(served.try_call(query).is_ok(), "{query}");
    }
}

#[test]
fn a_page_of_another_site_may_not_call() {
    let served = Served::ready(options(1));
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let head = format!("{upgrade}Origin: https://example.org\r\n");
    let answer = served.ask("/v1/audio/stream", &head);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("example.org"), "{answer}");
}
