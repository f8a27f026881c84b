//! `duplex serve` as its user sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tungstenite::{HandshakeError, Message, client::client};

const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two checks whether it is ready, which take time from the loading.
const POLL: Duration = Duration::from_millis(10);

fn duplex(home: &TempDir, args: &[&str]) -> Command {
    assert!(
        std::env::var_os("DUPLEX_MODELS").is_some(),
        "DUPLEX_MODELS is not set: run `make models`, then `make test`"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_duplex"));
    command.arg("serve").args(args).current_dir(home.path()).stdin(Stdio::null());
    command.env("XDG_CONFIG_HOME", home.path()).env_remove("DUPLEX_CONFIG").env_remove("RUST_LOG");
    command
}

/// A server that is killed if a test fails.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already if the test passed.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn serve(home: &TempDir, args: &[&str]) -> (Serving, SocketAddr) {
    serve_at("127.0.0.1:0", home, args)
}

fn serve_at(address: &str, home: &TempDir, args: &[&str]) -> (Serving, SocketAddr) {
    let args = [&["--listen", address, "--json"], args].concat();
    let mut command = duplex(home, &args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let serving = Serving(child);
    let listening: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address: SocketAddr = listening["listening"].as_str().unwrap().parse().unwrap();
    assert_eq!(listening["url"], format!("ws://{address}/v1/audio/stream"));
    (serving, address)
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: duplex\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn until_ready(address: SocketAddr) {
    let until = Instant::now() + PATIENCE;
    while !get(address, "/readyz").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "it is never ready");
        std::thread::sleep(POLL);
    }
}

/// Sends Ctrl-C; returns the exit code and the log.
fn interrupt(mut serving: Serving) -> (Option<i32>, String) {
    let process = Pid::from_raw(serving.0.id().try_into().unwrap()).unwrap();
    kill_process(process, Signal::INT).unwrap();
    let code = serving.0.wait().unwrap().code();
    let mut log = String::new();
    serving.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    (code, log)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn ctrl_c_ends_open_calls_with_a_reason_and_the_program_with_success() {
    let home = tempfile::tempdir().unwrap();
    let (serving, address) = serve(&home, &[]);
    until_ready(address);
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let url = format!("ws://{address}/v1/audio/stream?rate=16000");
    let (mut call, _) = client(url, stream).unwrap();
    call.send(Message::binary(vec![0; 640])).unwrap();
    let ended = std::thread::spawn(move || interrupt(serving));
    let frame = loop {
        match call.read().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            _ => continue,
        }
    };
    assert_eq!(u16::from(frame.code), 1001);
    // The frame is answered with the next read.
    assert!(call.read().is_err());
    let (code, log) = ended.join().unwrap();
    assert_eq!(code, Some(0), "{log}");
    for line in ["the models are ready", "call 1 begins, at 16000 Hz", "call 1 ended after"] {
        assert!(log.contains(line), "{line:?} is not in the log:\n{log}");
    }
}

#[test]
fn the_configuration_says_how_many_calls_there_may_be() {
    let home = tempfile::tempdir().unwrap();
    let (serving, address) = serve(&home, &["--set", "server.max_calls=1"]);
    until_ready(address);
    let connect = || {
        let stream = TcpStream::connect(address).unwrap();
        let begun = client(format!("ws://{address}/v1/audio/stream"), stream);
        begun.map(|(call, _)| call).map_err(|error| match error {
            HandshakeError::Failure(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            error => panic!("{error}"),
        })
    };
    let first = connect().unwrap();
    assert_eq!(connect().unwrap_err(), 503);
    drop(first);
    assert_eq!(interrupt(serving).0, Some(0));
}

#[test]
fn an_address_that_others_reach_must_be_allowed() {
    let home = tempfile::tempdir().unwrap();
    let output = duplex(&home, &["--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--allow-remote"), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "it listened all the same");

    let (serving, address) = serve_at("0.0.0.0:0", &home, &["--allow-remote"]);
    assert!(address.ip().is_unspecified(), "{address}");
    assert_eq!(interrupt(serving).0, Some(0));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let other = TcpListener::bind(&taken).unwrap();
    let output = duplex(&home, &["--listen", &taken]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains(&taken), "{}", stderr(&output));
    drop(other);
}

#[test]
fn a_model_that_cannot_be_loaded_ends_the_server() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("broken.gguf"), "GGUF, but not really").unwrap();
    let args = ["--listen", "127.0.0.1:0", "--set", "models.llm=./broken.gguf"];
    let output = duplex(&home, &args).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("broken.gguf"), "{}", stderr(&output));
}
