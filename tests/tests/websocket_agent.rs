//! Agents behind a WebSocket, good and bad, each played by a small server in this process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use duplex_audio::{Acoustics, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene, level_db};
use duplex_core::{Command, SessionTime, Speaker};
use duplex_harness::agent::{
    Agent as _, AgentError, AgentReport, Directions, WebSocketAgent, WebSocketOptions,
};
use duplex_runtime::Stop;
use tungstenite::{
    Message, WebSocket,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// Frames of 10 ms in a second.
const SECOND: usize = 100;

/// What a room received: the level of each frame, in dB.
type ReceivedAudio = Arc<Mutex<Vec<f32>>>;

/// A room of a number of frames, whose user hums.
struct Humming {
    frames: usize,
    heard: ReceivedAudio,
}

impl Acoustics for Humming {
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene {
        microphone.iter_mut().enumerate().for_each(|(n, x)| *x = 0.3 * (n as f32 * 0.2).sin());
        let mut heard = self.heard.lock().unwrap();
        heard.push(level_db(playout));
        if heard.len() >= self.frames { Scene::Over } else { Scene::Running }
    }
}

/// A server that does `play` with its first connection.
fn agent(play: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/stream?rate=16000", listener.local_addr().unwrap());
    let playing = std::thread::spawn(move || play(listener.accept().unwrap().0));
    (url, playing)
}

/// The same, after the handshake.
fn websocket(
    play: impl FnOnce(&mut WebSocket<TcpStream>) + Send + 'static,
) -> (String, JoinHandle<()>) {
    agent(move |stream| {
        stream.set_nodelay(true).unwrap();
        play(&mut tungstenite::accept(stream).unwrap());
    })
}

#[test]
fn a_call_with_commands_is_refused_before_it_begins() {
    let agent = WebSocketAgent::new("ws://127.0.0.1:9/", WebSocketOptions::default()).unwrap();
    let room = Humming { frames: 1, heard: ReceivedAudio::default() };
    let say = Command::Say { text: "Hello.".to_owned(), interruptible: true };
    let directions = Directions { commands: vec![(SessionTime(0), say)], journal: None };
    let report = agent.directed(Box::new(room), directions, &Stop::default());
    assert!(matches!(report, Err(AgentError::NoCommands)), "{report:?}");
}

/// Reads a number of messages.
fn listen(socket: &mut WebSocket<TcpStream>, messages: usize) {
    for _ in 0..messages {
        socket.read().unwrap();
    }
}

/// Reads until the other side has left.
fn listen_on(socket: &mut WebSocket<TcpStream>) {
    while socket.read().is_ok() {}
}

/// A tone of 2 kHz, at a rate of 16 kHz.
fn sound(millis: usize) -> Message {
    let period = [[0x00, 0x20].repeat(4), [0x00, 0xe0].repeat(4)].concat();
    Message::binary(period.repeat(millis * 2))
}

fn text(said: &str) -> Message {
    Message::text(said.to_owned())
}

fn options() -> WebSocketOptions {
    WebSocketOptions { connect_within: Duration::from_millis(500), ..WebSocketOptions::default() }
}

/// A call with an agent; returns what the room received too.
fn call(url: &str, frames: usize) -> (Result<AgentReport, AgentError>, Vec<f32>) {
    let heard = ReceivedAudio::default();
    let room = Humming { frames, heard: Arc::clone(&heard) };
    let agent = WebSocketAgent::new(url, options()).unwrap();
    let began = Instant::now();
    let report = agent.call(Box::new(room), &Stop::default());
    assert!(began.elapsed() < Duration::from_secs(20), "that took {:?}", began.elapsed());
    let heard = heard.lock().unwrap().clone();
    (report, heard)
}

/// The error that broke a call that would last for ten seconds.
fn broken(url: &str) -> String {
    let (report, heard) = call(url, 10 * SECOND);
    assert!(heard.len() < 10 * SECOND, "the call went on to its end");
    match report.unwrap_err() {
        AgentError::Broken(why) => why,
        error => panic!("{error}"),
    }
}

fn unreachable(url: &str) -> String {
    let (report, heard) = call(url, SECOND);
    assert!(heard.is_empty(), "the room was entered");
    match report.unwrap_err() {
        AgentError::Unreachable(why) => why,
        error => panic!("{error}"),
    }
}

fn audible(heard: &[f32]) -> usize {
    heard.iter().filter(|&&db| db > -40.0).count()
}

#[test]
fn what_the_agent_says_is_heard_and_its_transcript_is_reported() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 5);
        for _ in 0..10 {
            socket.send(sound(20)).unwrap();
        }
        for said in [
            r#"{"type":"transcript","role":"user","text":"hum","final":false}"#,
            r#"{"type":"transcript","role":"user","text":"Hum hum."}"#,
            r#"{"type":"transcript","role":"assistant","text":"What a tune.","final":true}"#,
            r#"{"type":"transcript","role":"agent","text":"Go on.","final":true}"#,
            r#"{"type":"weather","sky":"blue"}"#,
            "[1, 2]",
        ] {
            socket.send(text(said)).unwrap();
        }
        listen_on(socket);
    });
    let (report, heard) = call(&url, SECOND);
    let report = report.unwrap();
    let lines: Vec<_> =
        report.transcript.iter().map(|line| (line.speaker, line.text.as_str())).collect();
    assert_eq!(
        lines,
        [
            (Speaker::User, "Hum hum."),
            (Speaker::Assistant, "What a tune."),
            (Speaker::Assistant, "Go on."),
        ]
    );
    assert!((19..=22).contains(&audible(&heard)), "{} frames", audible(&heard));
    assert!(heard[..8].iter().all(|&db| db < -90.0), "heard before it was said");
    agent.join().unwrap();
}

#[test]
fn the_agent_hears_the_room_in_messages_of_20_ms_at_its_rate() {
    for (rate, bytes) in [(8_000, 320), (16_000, 640), (48_000, 1_920)] {
        let (url, agent) = websocket(move |socket| {
            listen(socket, 3);
            let Message::Binary(message) = socket.read().unwrap() else { panic!("no sound") };
            assert_eq!(message.len(), bytes);
            let peak = message
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs())
                .max();
            assert!(peak.is_some_and(|peak| (8_000..11_000).contains(&peak)), "{peak:?}");
            listen_on(socket);
        });
        let (report, _) = call(&url.replace("16000", &rate.to_string()), SECOND / 2);
        report.unwrap();
        agent.join().unwrap();
    }
}

#[test]
fn what_was_not_heard_before_a_clear_is_never_heard() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 2);
        // Three seconds at once, which the agent takes back after a quarter of a second.
        socket.send(sound(3_000)).unwrap();
        listen(socket, 12);
        socket.send(text(r#"{"type":"clear"}"#)).unwrap();
        listen_on(socket);
    });
    let (report, heard) = call(&url, 2 * SECOND);
    report.unwrap();
    assert!((15..60).contains(&audible(&heard)), "{} frames", audible(&heard));
    agent.join().unwrap();
}

#[test]
fn a_silent_agent_is_waited_for_until_the_room_is_left() {
    let (url, agent) = websocket(listen_on);
    let (report, heard) = call(&url, SECOND / 2);
    let report = report.unwrap();
    assert!(report.transcript.is_empty());
    assert_eq!((heard.len(), audible(&heard)), (SECOND / 2, 0));
    assert_eq!(report.clock.frames, SECOND as u64 / 2, "frames were not timed");
    agent.join().unwrap();
}

#[test]
fn what_is_reported_after_the_room_was_left_still_counts() {
    let frames = SECOND / 5;
    let (url, agent) = websocket(move |socket| {
        // All that the room ever sends.
        listen(socket, frames / 2);
        let said = r#"{"type":"transcript","role":"agent","text":"Goodbye.","final":true}"#;
        socket.send(text(said)).unwrap();
        listen_on(socket);
    });
    let (report, _) = call(&url, frames);
    assert_eq!(report.unwrap().transcript.len(), 1);
    agent.join().unwrap();
}

#[test]
fn half_a_sample_is_named() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 3);
        socket.send(Message::binary(vec![0; 641])).unwrap();
        listen_on(socket);
    });
    let why = broken(&url);
    assert!(why.contains("641 bytes ends in the middle of a sample"), "{why}");
    assert!(why.contains("after 0."), "{why}");
    assert!(!why.contains("rate="), "the query may hold a secret: {why}");
    agent.join().unwrap();
}

#[test]
fn text_that_is_no_json_is_named() {
    let (url, agent) = websocket(|socket| {
        socket.send(text("hello?")).unwrap();
        listen_on(socket);
    });
    let why = broken(&url);
    assert!(why.contains("not JSON"), "{why}");
    agent.join().unwrap();
}

#[test]
fn garbage_instead_of_frames_is_named() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 1);
        // Reserved bits, a reserved opcode.
        socket.get_mut().write_all(&[0xff; 64]).unwrap();
        listen_on(socket);
    });
    let why = broken(&url);
    assert!(why.contains("no WebSocket"), "{why}");
    agent.join().unwrap();
}

#[test]
fn half_a_frame_and_a_hang_up_are_named() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 1);
        // A binary message of 640 bytes, of which three come.
        socket.get_mut().write_all(&[0x82, 126, 2, 128, 1, 2, 3]).unwrap();
        socket.get_mut().shutdown(Shutdown::Both).unwrap();
    });
    let why = broken(&url);
    assert!(why.contains("hung up in the middle"), "{why}");
    agent.join().unwrap();
}

#[test]
fn a_flood_of_sound_is_named() {
    let (url, agent) = websocket(|socket| while socket.send(sound(1_000)).is_ok() {});
    let why = broken(&url);
    assert!(why.contains("a flood of sound"), "{why}");
    agent.join().unwrap();
}

#[test]
fn a_flood_of_nothing_does_not_delay_the_call() {
    let (url, agent) =
        websocket(|socket| while socket.send(Message::binary(Vec::new())).is_ok() {});
    let (report, heard) = call(&url, SECOND);
    assert_eq!((report.is_ok(), heard.len()), (true, SECOND));
    agent.join().unwrap();
}

#[test]
fn an_agent_that_never_ends_its_last_frame_is_left_all_the_same() {
    let (url, agent) = websocket(|socket| {
        // A text message of 100 000 bytes, of which one comes now and then.
        socket.get_mut().write_all(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xa0]).unwrap();
        while socket.get_mut().write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let began = Instant::now();
    let (report, heard) = call(&url, SECOND / 5);
    assert_eq!((report.is_ok(), heard.len()), (true, SECOND / 5));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    agent.join().unwrap();
}

#[test]
fn a_flood_of_text_is_named() {
    let line = text(r#"{"type":"transcript","role":"user","text":"again and again"}"#);
    let (url, agent) = websocket(move |socket| while socket.send(line.clone()).is_ok() {});
    let why = broken(&url);
    assert!(why.contains("a flood of text"), "{why}");
    agent.join().unwrap();
}

#[test]
fn a_hang_up_is_named_with_the_reason_that_was_given() {
    let (url, agent) = websocket(|socket| {
        listen(socket, 3);
        let frame = CloseFrame { code: CloseCode::Policy, reason: "go away".into() };
        socket.close(Some(frame)).unwrap();
        listen_on(socket);
    });
    let why = broken(&url);
    assert!(why.contains("hung up in the middle") && why.contains("1008"), "{why}");
    assert!(why.contains("go away"), "{why}");
    agent.join().unwrap();
}

#[test]
fn an_address_at_which_nobody_listens_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let why = unreachable(&url);
    assert!(why.contains("refused"), "{why}");
}

#[test]
fn an_answer_in_http_is_named_with_its_status_and_body() {
    let (url, agent) = agent(|mut stream| {
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).unwrap() > 0);
        let body = r#"{"error":"busy"}"#;
        let length = body.len();
        let head = format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).unwrap();
    });
    let why = unreachable(&url);
    assert!(why.contains("503") && why.contains("busy"), "{why}");
    agent.join().unwrap();
}

#[test]
fn a_handshake_that_is_not_answered_cannot_last_for_ever() {
    let (url, agent) = agent(|mut stream| {
        let mut request = Vec::new();
        stream.read_to_end(&mut request).unwrap();
        assert!(request.starts_with(b"GET /stream?rate=16000 "), "{request:?}");
    });
    let why = unreachable(&url);
    assert!(why.contains("no answer to the handshake within 0.5 s"), "{why}");
    agent.join().unwrap();
}

#[test]
fn an_address_that_cannot_be_called_is_refused_at_once() {
    for url in
        ["wss://127.0.0.1/", "http://127.0.0.1/", "ws:", "ws://h/?rate=many", "ws://h/?rate=9"]
    {
        let error = WebSocketAgent::new(url, options()).unwrap_err();
        assert!(matches!(error, AgentError::Unreachable(_)), "{url}: {error}");
        assert!(error.to_string().contains(url), "{error}");
    }
}
