use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tempfile::TempDir;

use super::{CancelIn, files_below};
use crate::weights::{Error, ModelSource, Role, Silent, Stage, Store};

/// The server's answer to one request; the body may be shorter than the length it declares.
struct Answer {
    head: &'static str,
    body: &'static [u8],
    length: usize,
}

fn ok(body: &'static [u8]) -> Answer {
    Answer { head: "200 OK", body, length: body.len() }
}

/// A server on this machine that gives each answer once, in order, and reports the requests.
struct Server {
    url: String,
    requests: Receiver<Vec<String>>,
}

impl Server {
    fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/m.gguf", listener.local_addr().unwrap());
        let (tx, requests) = channel();
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                tx.send(request(&stream)).unwrap();
                give(&stream, &answer);
            }
        });
        Self { url, requests }
    }

    fn source(&self) -> ModelSource {
        self.url.parse().unwrap()
    }

    /// The lines of the next request.
    fn request(&self) -> Vec<String> {
        self.requests.recv().unwrap()
    }
}

fn request(stream: &TcpStream) -> Vec<String> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect()
}

fn give(mut stream: &TcpStream, answer: &Answer) {
    let Answer { head, body, length } = answer;
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(folder.path());
    (folder, store)
}

fn has(request: &[String], line: &str) -> bool {
    request.iter().any(|own| own == line)
}

#[test]
fn a_file_behind_a_url_is_fetched_once() {
    let server = Server::new(vec![ok(b"GGUF whole")]);
    let (_folder, store) = store();
    let source = server.source();
    assert!(matches!(store.path(Role::Llm, &source), Err(Error::NotFetched { .. })));

    let pulled = store.pull(Role::Llm, &source, &mut Silent).unwrap();
    assert!(pulled.fetched && pulled.path.ends_with("m.gguf"));
    assert_eq!(std::fs::read(&pulled.path).unwrap(), b"GGUF whole");
    assert!(!store.pull(Role::Llm, &source, &mut Silent).unwrap().fetched);
    assert!(store.verify(Role::Llm, &source, &mut Silent).is_ok());
}

#[test]
fn an_altered_file_from_a_url_is_found_by_its_receipt() {
    let server = Server::new(vec![ok(b"GGUF whole"), ok(b"GGUF whole")]);
    let (_folder, store) = store();
    let path = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap().path;
    std::fs::write(&path, b"GGUF wh0le").unwrap();
    let error = store.verify(Role::Llm, &server.source(), &mut Silent).unwrap_err();
    assert!(matches!(error, Error::WrongHash { .. }), "{error}");
    assert!(store.pull(Role::Llm, &server.source(), &mut Silent).unwrap().fetched);
}

#[test]
fn a_broken_connection_goes_on_where_it_broke_if_the_file_is_the_same() {
    let server = Server::new(vec![
        Answer { head: "200 OK\r\nETag: \"v1\"", body: b"GGUF wh", length: 10 },
        Answer {
            head: "206 Partial Content\r\nContent-Range: bytes 7-9/10",
            body: b"ole",
            length: 3,
        },
    ]);
    let (folder, store) = store();
    let error = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("the connection ended early"), "{error}");
    assert!(!files_below(folder.path()).iter().any(|file| file.ends_with(".gguf")));
    assert!(!has(&server.request(), "range: bytes=7-"));

    let path = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap().path;
    let second = server.request();
    assert!(has(&second, "range: bytes=7-") && has(&second, "if-range: \"v1\""), "{second:?}");
    assert_eq!(std::fs::read(path).unwrap(), b"GGUF whole");
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_the_beginning() {
    let server = Server::new(vec![
        Answer { head: "200 OK\r\nETag: \"v1\"", body: b"GGUF wh", length: 10 },
        Answer { head: "200 OK\r\nETag: \"v2\"", body: b"GGUF new", length: 8 },
    ]);
    let (_folder, store) = store();
    assert!(store.pull(Role::Llm, &server.source(), &mut Silent).is_err());
    let path = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap().path;
    assert_eq!(std::fs::read(path).unwrap(), b"GGUF new");
}

#[test]
fn without_an_entity_tag_a_fetch_starts_again() {
    let cut = Answer { head: "200 OK", body: b"GGUF wh", length: 10 };
    let server = Server::new(vec![cut, ok(b"GGUF whole")]);
    let (_folder, store) = store();
    assert!(store.pull(Role::Llm, &server.source(), &mut Silent).is_err());
    assert!(store.pull(Role::Llm, &server.source(), &mut Silent).is_ok());
    server.request();
    assert!(!server.request().iter().any(|line| line.starts_with("range")));
}

#[test]
fn a_cancelled_fetch_leaves_no_model() {
    let server = Server::new(vec![ok(b"GGUF whole")]);
    let (_folder, store) = store();
    let mut progress = CancelIn::new(Stage::Downloading);
    let error = store.pull(Role::Llm, &server.source(), &mut progress).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(matches!(store.path(Role::Llm, &server.source()), Err(Error::NotFetched { .. })));
}

#[test]
fn what_the_server_says_is_in_the_error() {
    let server = Server::new(vec![Answer { head: "404 Not Found", body: b"", length: 0 }]);
    let (_folder, store) = store();
    let error = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: the server answered 404 Not Found", server.url));
}

#[test]
fn a_web_page_in_place_of_a_model_is_not_kept() {
    let server = Server::new(vec![ok(b"<!DOCTYPE html><title>Log in</title>")]);
    let (folder, store) = store();
    let error = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("what came is a web page, not a GGUF file"), "{error}");
    assert_eq!(files_below(folder.path()), [""; 0]);
}

#[test]
fn a_redirect_from_this_machine_to_elsewhere_is_not_followed() {
    let server = Server::new(vec![Answer {
        head: "302 Found\r\nLocation: http://192.0.2.1/m.gguf",
        body: b"",
        length: 0,
    }]);
    let (_folder, store) = store();
    let error = store.pull(Role::Llm, &server.source(), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("302 Found"), "{error}");
}

#[test]
fn a_voice_brings_the_description_that_lies_beside_it() {
    let server = Server::new(vec![ok(b"\x08\x08\x12\x07pytorch"), ok(b"{}")]);
    let (_folder, store) = store();
    let url = server.url.replace("m.gguf", "v.onnx?download=true");
    let path = store.pull(Role::Voice, &url.parse().unwrap(), &mut Silent).unwrap().path;
    assert!(has(&server.request(), "get /v.onnx?download=true http/1.1"));
    assert!(has(&server.request(), "get /v.onnx.json?download=true http/1.1"));
    assert_eq!(std::fs::read(path.with_file_name("v.onnx.json")).unwrap(), b"{}");
}
