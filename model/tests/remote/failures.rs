//! Servers that fail.

use std::time::{Duration, SystemTime};

use duplex_model::remote::{
    Break, EVENT_LIMIT, Endpoint, REPLY_LIMIT, RemoteEnd, RemoteError, Wait,
};
use tokio::net::TcpListener;

use crate::server::{Seen, Server, Step};
use crate::support::*;

fn is_broken(error: &RemoteError, expected: Break) -> bool {
    matches!(error, RemoteError::Broken { how } if *how == expected)
}

#[tokio::test]
async fn a_reply_that_is_killed_in_the_middle_is_broken_and_not_asked_for_again() {
    // With a length, so that the end is known to be missing; without, so that it is not.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n";
    for (head, how) in [(head, Break::Lost), (STREAM, Break::NoEnd)] {
        let (text, end) = reply_to(vec![send(head), send(piece("Good "))]).await;
        assert_eq!(text, "Good ");
        let error = end.unwrap_err();
        assert!(is_broken(&error, how), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_freezes_is_too_slow_before_the_first_token_and_after_it() {
    let frozen = |script: Vec<Step>| [script, vec![Step::Freeze]].concat();
    let wait = [send(": wait\n\n"), Step::Pass(Duration::from_millis(50))];
    let cases = [
        (frozen(vec![]), "", Wait::FirstToken),
        (frozen(vec![send(STREAM)]), "", Wait::FirstToken),
        (frozen(stream(piece("Good "))), "Good ", Wait::Stall),
        // Signs of life are no text.
        (
            [vec![send(STREAM)], std::iter::repeat_n(wait, 100).flatten().collect()].concat(),
            "",
            Wait::FirstToken,
        ),
    ];
    for (script, given, waited) in cases {
        let mut server = Server::start([script]).await;
        let (text, end) = reply(&endpoint(&server)).await;
        assert_eq!(text, given);
        let error = end.unwrap_err();
        assert!(matches!(error, RemoteError::TooSlow { what, .. } if what == waited), "{error:?}");
        server.until(Seen::Closed).await;
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn garbage_is_no_reply() {
    for garbage in ["data: <html>\n\n", "data: {\"choices\":7}\n\n", "data: {}\ndata: {}\n\n"] {
        let (text, end) = reply_to(stream(garbage)).await;
        assert_eq!(text, "");
        let error = end.unwrap_err();
        assert!(is_broken(&error, Break::NotJson), "{garbage}: {error:?}");
    }
    for empty in ["", "<html>\nNot what you asked for.\n</html>\n"] {
        let error = reply_to(stream(empty)).await.1.unwrap_err();
        assert!(is_broken(&error, Break::NoEnd), "{empty}: {error:?}");
    }
    let error = reply_to(stream(b"data: \xff\xfe\n\n")).await.1.unwrap_err();
    assert!(is_broken(&error, Break::NotUtf8), "{error:?}");
    // Not even HTTP: such a connection counts as lost, and is made again.
    let server = Server::start([vec![send("SSH-2.0-OpenSSH\r\n")], vec![]]).await;
    let error = reply(&endpoint(&server)).await.1.unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_came_before_garbage_is_given() {
    let (text, end) = reply_to(stream(piece("Good ") + "data: {\n\n")).await;
    assert_eq!(text, "Good ");
    assert!(is_broken(&end.unwrap_err(), Break::NotJson));
}

#[tokio::test]
async fn a_stream_that_is_cut_inside_a_character_is_broken() {
    let event = piece("Good ") + &piece("好");
    let inside = event.find('好').unwrap() + 1;
    let (text, end) = reply_to(stream(&event.as_bytes()[..inside])).await;
    assert_eq!(text, "Good ");
    assert!(is_broken(&end.unwrap_err(), Break::InsideCharacter));
}

#[tokio::test]
async fn an_error_inside_the_stream_is_the_server_s() {
    let event = "data: {\"error\":{\"message\":\"out of\\n memory\",\"code\":400}}\n\n";
    let (text, end) = reply_to(stream(piece("Good ") + event)).await;
    assert_eq!(text, "Good ");
    let error = end.unwrap_err();
    assert_eq!(error.to_string(), "the endpoint failed with status 400: out of memory");
}

#[tokio::test]
async fn a_refused_key_is_told_apart_from_a_missing_one() {
    let refused = || status("401 Unauthorized", "", "{\"error\":\"no\"}");
    let error = reply_to(refused()).await.1.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 refused the key: check it");
    let server = Server::start([refused()]).await;
    let mut options = options(format!("http://{}", server.address));
    options.key = None;
    let endpoint = Endpoint::new(options).unwrap();
    let error = reply(&endpoint).await.1.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 refused a request without a key: give one");
    assert!(!server.requests()[0].to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_model_that_the_server_does_not_have_is_named() {
    let bodies = [
        (
            "404 Not Found",
            r#"{"error":{"message":"The model `small` does not exist.","code":404}}"#,
        ),
        ("404 Not Found", r#"{"object":"error","message":"The model `small` does not exist."}"#),
        ("400 Bad Request", r#"{"error":{"message":"?","code":"model_not_found"}}"#),
    ];
    for (line, body) in bodies {
        let error = reply_to(status(line, "", body)).await.1.unwrap_err();
        assert_eq!(error.to_string(), "the endpoint has no model `small`: check the name");
    }
    let error = reply_to(status("404 Not Found", "", "{\"detail\":\"Not Found\"}")).await.1;
    assert_eq!(error.unwrap_err().to_string(), "the endpoint failed with status 404: Not Found");
}

#[tokio::test]
async fn too_many_requests_are_tried_again_only_if_the_server_wants_them_soon() {
    let date = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(60));
    for soon in
        ["retry-after: 0\r\n", "retry-after-ms: 40\r\n", &format!("retry-after: {date}\r\n")]
    {
        let server = Server::start([status("429 Too Many Requests", soon, "{}"), good()]).await;
        let (text, end) = reply(&endpoint(&server)).await;
        assert_eq!((text.as_str(), end.unwrap()), ("Good morning.", RemoteEnd::Complete));
        assert_eq!(server.requests().len(), 2);
    }
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
    for (late, least) in [
        ("", None),
        ("retry-after: 20\r\n", Some(20)),
        ("retry-after: soon\r\n", None),
        (&format!("retry-after: {date}\r\n"), Some(50)),
    ] {
        let script = status("429 Too Many Requests", late, "{\"error\":\"slow down\"}");
        let error = reply_to(script).await.1.unwrap_err();
        assert!(matches!(error, RemoteError::RateLimited { .. }), "{error:?}");
        let seconds = error.retry_after().map(|after| after.as_secs());
        assert_eq!(seconds.is_some(), least.is_some(), "{late}");
        assert!(seconds >= least, "{late}");
    }
}

#[tokio::test]
async fn a_server_that_fails_is_tried_once_more() {
    let fails = || status("500 Internal Server Error", "", "out of memory");
    let server = Server::start([fails(), good()]).await;
    let (text, end) = reply(&endpoint(&server)).await;
    assert_eq!((text.as_str(), end.unwrap()), ("Good morning.", RemoteEnd::Complete));

    let server = Server::start([fails(), fails(), good()]).await;
    let error = reply(&endpoint(&server)).await.1.unwrap_err();
    assert_eq!(error.to_string(), "the endpoint failed with status 500: out of memory");
    assert_eq!(server.requests().len(), 2);

    let busy = status("503 Service Unavailable", "retry-after: 5\r\n", "loading");
    let error = reply_to(busy).await.1.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn other_errors_of_the_request_are_not_tried_again() {
    for line in ["400 Bad Request", "403 Forbidden", "422 Unprocessable Entity"] {
        let error =
            reply_to(status(line, "", "{\"error\":{\"message\":\"no\"}}")).await.1.unwrap_err();
        assert!(matches!(error, RemoteError::Server { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_made_once_more_before_the_first_token() {
    for reset in [vec![Step::Reset], vec![send(STREAM), Step::Reset]] {
        let server = Server::start([reset, good()]).await;
        let (text, end) = reply(&endpoint(&server)).await;
        assert_eq!((text.as_str(), end.unwrap()), ("Good morning.", RemoteEnd::Complete));
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_does_not_run_is_unreachable() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = Endpoint::new(options(format!("http://{address}"))).unwrap();
    for error in [reply(&endpoint).await.1.unwrap_err(), endpoint.check().await.unwrap_err()] {
        assert!(matches!(error, RemoteError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn what_is_too_long_ends_the_connection() {
    let line = "x".repeat(64 << 10);
    let unending = format!("data: {line}");
    let error_head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    let cases = [
        (STREAM, piece("word "), REPLY_LIMIT),
        (STREAM, line.clone(), EVENT_LIMIT),
        (STREAM, format!(": {line}\n"), EVENT_LIMIT),
        (STREAM, unending, EVENT_LIMIT),
        (error_head, line, EVENT_LIMIT),
    ];
    for (head, over_and_over, expected) in cases {
        let mut server =
            Server::start([vec![send(head), Step::Endless(over_and_over.into_bytes())]]).await;
        let (text, end) = reply(&endpoint(&server)).await;
        assert!(text.len() <= REPLY_LIMIT);
        let error = end.unwrap_err();
        assert!(
            matches!(error, RemoteError::TooLong { limit, .. } if limit == expected),
            "{error:?}"
        );
        server.until(Seen::Closed).await;
    }
}

#[tokio::test]
async fn a_list_of_models_without_end_is_too_long() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"data\":[";
    let mut server =
        Server::start([vec![send(head), Step::Endless(b"{\"id\":\"x\"},".repeat(1000))]]).await;
    let error = endpoint(&server).check().await.unwrap_err();
    assert!(matches!(error, RemoteError::TooLong { .. }), "{error:?}");
    server.until(Seen::Closed).await;
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::start([good()]).await;
    let location = format!("location: http://{}/v1/chat/completions\r\n", elsewhere.address);
    let error = reply_to(status("307 Temporary Redirect", &location, "")).await.1.unwrap_err();
    assert!(error.to_string().contains("redirects to http://127.0.0.1"), "{error}");
    assert!(elsewhere.requests().is_empty());
}
