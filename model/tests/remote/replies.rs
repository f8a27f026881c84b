//! Replies that arrive.

use std::ops::ControlFlow;
use std::time::Duration;

use duplex_model::remote::{Listing, RemoteEnd, RemoteError, TextSink};
use tokio::sync::oneshot;

use crate::server::{Seen, Server, Step};
use crate::support::*;

#[tokio::test]
async fn a_reply_arrives_piece_by_piece_and_the_request_says_what_was_asked() {
    let server = Server::start([good()]).await;
    let (text, end) = reply(&endpoint(&server)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Good morning.", RemoteEnd::Complete));

    let request = &server.requests()[0];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
    assert!(head.contains(&format!("Bearer {KEY}")), "{head}");
    let expected = serde_json::json!({
        "model": "small",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Good morning!" },
        ],
        "stream": true,
        "max_tokens": 16,
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), expected);
}

#[tokio::test]
async fn a_reply_that_is_cut_at_the_maximum_length_says_so() {
    let (text, end) = reply_to(stream(piece("Well") + &finish("length"))).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Well", RemoteEnd::Length));
}

#[tokio::test]
async fn a_sink_that_wants_no_more_ends_the_reply_and_the_connection() {
    let mut server =
        Server::start([vec![send(STREAM), send(piece("one") + &piece("two")), Step::Freeze]]).await;
    let mut taken = Vec::new();
    let mut sink = |piece: &str| {
        taken.push(piece.to_owned());
        ControlFlow::Break(())
    };
    let end = endpoint(&server).stream(&ask(&conversation()), &mut sink).await;
    assert_eq!(end.unwrap(), RemoteEnd::Stopped);
    assert_eq!(taken, ["one"]);
    server.until(Seen::Closed).await;
}

#[tokio::test]
async fn a_token_every_300_ms_is_no_stall() {
    let mut script = vec![send(STREAM)];
    for word in ["one ", "two ", "three ", "four "] {
        script.extend([send(piece(word)), Step::Pass(Duration::from_millis(300))]);
    }
    script.push(send(finish("stop")));
    let (text, end) = reply_to(script).await;
    assert_eq!((text.as_str(), end.unwrap()), ("one two three four ", RemoteEnd::Complete));
}

#[tokio::test]
async fn what_a_server_leaves_out_or_adds_does_not_matter() {
    let body = [
        ": keep-alive\n\n",
        "data: {}\n\n",
        "data: {\"choices\":null,\"usage\":{\"total_tokens\":3}}\n\n",
        "data: {\"choices\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm.\"},\"finish_reason\":\"\"}]}\n\n",
        "id: 7\nevent: message\ndata:{\"choices\":[{\"delta\":{\"content\":\"Yes.\"}}],\"error\":null}\r\n\r\n",
        // No finish_reason, and a blank too many.
        "data:  [DONE] \n\n",
    ];
    let (text, end) = reply_to(stream(body.concat())).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Yes.", RemoteEnd::Complete));
}

#[tokio::test]
async fn a_reply_is_complete_without_the_mark_of_its_end_once_it_has_a_reason_to_end() {
    let ending = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let (text, end) = reply_to(stream(piece("Yes.") + ending)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Yes.", RemoteEnd::Complete));
}

#[tokio::test]
async fn a_server_that_keeps_the_stream_open_delays_no_end() {
    let ending = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let mut server =
        Server::start([vec![send(STREAM), send(piece("Yes.") + ending), Step::Freeze]]).await;
    let (text, end) = reply(&endpoint(&server)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Yes.", RemoteEnd::Complete));
    server.until(Seen::Closed).await;
}

#[tokio::test]
async fn characters_stay_whole_wherever_the_stream_is_divided() {
    let words = "Ça va très bien – 好的 👍🏽!";
    let body = piece(words) + &finish("stop");
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let mut script = vec![send(head)];
    script.extend(body.bytes().map(|byte| send([b"1\r\n", &[byte][..], b"\r\n"].concat())));
    script.push(send("0\r\n\r\n"));
    let (text, end) = reply_to(script).await;
    assert_eq!((text.as_str(), end.unwrap()), (words, RemoteEnd::Complete));
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection_before_the_first_token_and_after_it() {
    for sent in [vec![], vec![send(STREAM)], stream(piece("one"))] {
        let given = sent.len() > 1;
        let mut server = Server::start([[sent, vec![Step::Freeze]].concat()]).await;
        let endpoint = endpoint(&server);
        let (tell, taken) = oneshot::channel();
        let mut tell = Some(tell);
        let mut sink = |_: &str| {
            _ = tell.take().map(|tell| tell.send(()));
            ControlFlow::Continue(())
        };
        let messages = conversation();
        let request = ask(&messages);
        let under_way = async {
            server.until(Seen::Frozen).await;
            if given {
                taken.await.unwrap();
            }
        };
        tokio::select! {
            end = endpoint.stream(&request, &mut sink) => panic!("{end:?}"),
            () = under_way => {}
        }
        server.until(Seen::Closed).await;
    }
}

/// Waits before it takes anything.
struct Patient {
    go_on: Option<oneshot::Receiver<()>>,
    taken: usize,
}

impl TextSink for Patient {
    async fn take(&mut self, _: &str) -> ControlFlow<()> {
        if let Some(go_on) = self.go_on.take() {
            go_on.await.unwrap();
        }
        self.taken += 1;
        if self.taken < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

#[tokio::test]
async fn while_the_sink_waits_nothing_is_read_and_no_limit_runs() {
    let mut server =
        Server::start([vec![send(STREAM), Step::Endless(piece("word ").into())]]).await;
    let endpoint = endpoint(&server);
    let (go, go_on) = oneshot::channel();
    let mut sink = Patient { go_on: Some(go_on), taken: 0 };
    let messages = conversation();
    let request = ask(&messages);
    let stalled = async {
        server.until(Seen::Blocked).await;
        // Longer than a stall may be.
        tokio::time::sleep(Duration::from_secs(1)).await;
        go.send(()).unwrap();
    };
    let (end, ()) = tokio::join!(endpoint.stream(&request, &mut sink), stalled);
    assert_eq!(end.unwrap(), RemoteEnd::Stopped);
    assert_eq!(sink.taken, 100);
    server.until(Seen::Closed).await;
}

#[tokio::test]
async fn a_connection_is_used_for_the_next_reply() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = |text: String| format!("{:x}\r\n{text}\r\n", text.len());
    let whole =
        || vec![send(head), send(chunk(piece("Yes.") + &finish("stop"))), send("0\r\n\r\n")];
    let mut server =
        Server::start([[whole(), vec![Step::Next], whole(), vec![Step::Freeze]].concat()]).await;
    let endpoint = endpoint(&server);
    for _ in 0..2 {
        // From another thread, as the runtime does it.
        let endpoint = endpoint.clone();
        let (text, end) = tokio::spawn(async move { reply(&endpoint).await }).await.unwrap();
        assert_eq!((text.as_str(), end.unwrap()), ("Yes.", RemoteEnd::Complete));
    }
    server.until(Seen::Frozen).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_check_finds_the_model_and_accepts_a_server_without_a_list() {
    let list = |body| status("200 OK", "content-type: application/json\r\n", body);
    let known = list(r#"{"object":"list","data":[{"id":"large"},{},{"id":"small:latest"}]}"#);
    let unknown = list(r#"{"data":[{"id":"large"},{"id":"huge"}]}"#);
    let none = status("404 Not Found", "", "no such page");
    let server = Server::start([known, none, unknown]).await;
    let endpoint = endpoint(&server);
    assert_eq!(endpoint.check().await.unwrap(), Listing::Listed);
    assert_eq!(endpoint.check().await.unwrap(), Listing::NoList);
    let error = endpoint.check().await.unwrap_err();
    assert!(matches!(&error, RemoteError::NoSuchModel { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the endpoint has no model `small`: it has large, huge");
    assert!(server.requests()[0].starts_with("GET /v1/models HTTP/1.1"));
}
