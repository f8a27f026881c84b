//! Replies from another server, and the stand-in where it fails. The server is a real one on a socket, by a script.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use duplex_core::{Action, Context, Event, Notice, Speaker, Turn};
use duplex_model::remote::{EndpointOptions, Secret};

use super::{
    PATIENCE,
    fakes::{Fakes, replying},
    virtual_calls::{Speaks, engine_of},
};
use crate::{
    CallOptions, Charges, EngineOptions, ReplyOptions, SessionOptions, SessionStep, Stop,
    engine::{Seat, Workers},
    job::{Cancellation, SessionMessage},
    models::{self, RemoteReplyOptions},
    run_virtual,
};

/// What the fakes' reply model says.
const STAND_IN: &str = "Once upon a time.";

const KEY: &str = "key-that-nobody-may-see";

/// A part of what the server does with a request for a reply.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// The head of an answer of this status, with these headers.
    Head(u16, &'static str),
    /// Bytes as they are.
    Raw(&'static [u8]),
    /// A piece of the reply.
    Says(&'static str),
    /// The end of the reply.
    Ends,
    /// Pieces without an end, ten million bytes of them or as many as are read.
    Floods,
    /// Pauses as a slow model does.
    Thinks(u64),
    /// Nothing more, until the client has gone; the test is told then.
    Waits,
}

use Part::{Ends, Floods, Head, Raw, Says, Thinks, Waits};

const OK: Part = Head(200, "content-type: text/event-stream");

/// A server that answers the first request by the first script and so on, and the last one again and again.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    left: Receiver<()>,
}

impl Server {
    fn start(scripts: Vec<Vec<Part>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::<AtomicUsize>::default();
        let (sender, left) = channel();
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (scripts, counter, left) =
                    (scripts.clone(), Arc::clone(&counter), sender.clone());
                // Where the client has gone the rest cannot be written, and need not be.
                std::thread::spawn(move || _ = serve(&stream, &scripts, &counter, &left));
            }
        });
        Self { url, requests, left }
    }

    /// Nothing listens there.
    fn nowhere() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { url: format!("http://{address}/v1"), requests: Arc::default(), left: channel().1 }
    }
}

fn serve(
    stream: &TcpStream,
    scripts: &[Vec<Part>],
    counter: &AtomicUsize,
    left: &Sender<()>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    loop {
        let (mut line, mut first, mut length) = (String::new(), String::new(), 0);
        while reader.read_line(&mut line)? > 0 && line.trim() != "" {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if first.is_empty() {
            return Ok(());
        }
        reader.read_exact(&mut vec![0; length])?;
        if first.starts_with("GET") {
            out.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        let number = counter.fetch_add(1, SeqCst).min(scripts.len() - 1);
        for part in &scripts[number] {
            match *part {
                Head(status, headers) => {
                    let head =
                        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}\r\n\r\n");
                    out.write_all(head.as_bytes())?;
                }
                Raw(bytes) => out.write_all(bytes)?,
                Says(text) => says(out, text)?,
                Ends => {
                    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
                    out.write_all(format!("data: {end}\n\ndata: [DONE]\n\n").as_bytes())?;
                }
                Floods => {
                    let text = "One word follows another word. ".repeat(30);
                    (0..10_000).try_for_each(|_| says(out, &text))?;
                }
                Thinks(ms) => std::thread::sleep(Duration::from_millis(ms)),
                Waits => {
                    _ = reader.read(&mut [0]);
                    _ = left.send(());
                }
            }
        }
        return Ok(());
    }
}

fn says(mut out: &TcpStream, text: &str) -> std::io::Result<()> {
    let chunk = serde_json::json!({ "choices": [{ "delta": { "content": text } }] });
    out.write_all(format!("data: {chunk}\n\n").as_bytes())
}

/// The fakes, whose reply model stands in for that of the server.
fn options(server: &Server, rest: Duration) -> EngineOptions {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let endpoint = EndpointOptions {
        key: Some(Secret::from_file(&file).unwrap()),
        connect: Duration::from_secs(1),
        first_token: Duration::from_millis(1_500),
        stall: Duration::from_millis(800),
        ..EndpointOptions::new(server.url.as_str(), "a model")
    };
    let remote = RemoteReplyOptions {
        endpoint,
        most_tokens: 120,
        temperature: 0.0,
        top_p: 1.0,
        seed: 1,
        context: 8_192,
        rest,
    };
    let fallback = Some("fake".to_owned());
    let remote =
        ReplyOptions { name: "remote".to_owned(), model: models::endpoint(remote), fallback };
    let fake = ReplyOptions::new("fake", replying(Arc::new(|| ())));
    EngineOptions { replies: vec![remote, fake], ..Fakes::default().options() }
}

/// What was heard of the assistant in a call in which the user asks once, and the warnings.
fn call(engine: &crate::Engine) -> (String, Vec<String>) {
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let warnings = Arc::clone(&warnings);
        Box::new(move |step: SessionStep<'_>| {
            for action in step.actions {
                if let Action::Notify(Notice::Warning(what)) = action {
                    warnings.lock().unwrap().push(what.clone());
                }
            }
        })
    };
    let (room, charges) = (Box::new(Speaks::new()), Charges::default());
    let options = CallOptions::default();
    let outcome = run_virtual(engine, room, options, &charges, &Stop::default(), observer).unwrap();
    let heard = outcome.transcript.iter().filter(|line| line.speaker == Speaker::Assistant);
    let heard: Vec<_> = heard.map(|line| line.text.trim()).collect();
    let warnings = std::mem::take(&mut *warnings.lock().unwrap());
    assert!(warnings.iter().all(|warning| !warning.contains(KEY)), "{warnings:?}");
    (heard.join(" | "), warnings)
}

/// What the server does with each request, by name; what is heard, and what the warning says, if there is one.
type Case<'a> = (&'a str, Vec<Vec<Part>>, &'a str, Option<&'a str>);

#[test]
fn a_reply_is_the_servers_or_goes_on_with_the_stand_in_where_the_server_fails() {
    let whole = vec![OK, Says("The sea "), Says("is wide. "), Says("It is deep."), Ends];
    let wide = "The sea is wide. It is deep.";
    let alone = STAND_IN.to_owned();
    let after = format!("The sea is wide. {STAND_IN}");
    let begins = |end: Part| vec![OK, Says("The sea is wide. "), Says("It is"), end];
    let gone = "content-length: 0";
    let cases: Vec<Case<'_>> = vec![
        ("good", vec![whole.clone()], wide, None),
        ("killed in the middle", vec![begins(Raw(b""))], &after, Some("")),
        ("frozen at first", vec![vec![OK, Waits]], &alone, Some("1.5s")),
        ("frozen in the middle", vec![begins(Waits)], &after, Some("800ms")),
        (
            "slow",
            vec![vec![OK, Says("The "), Thinks(300), Says("sea is "), Thinks(300), Says("wide."), Ends]],
            "The sea is wide.",
            None,
        ),
        ("garbage", vec![vec![OK, Raw(b"data: {nonsense\n\n")]], &alone, Some("")),
        ("only thoughts", vec![vec![OK, Ends]], &alone, Some("without words")),
        ("401", vec![vec![Head(401, gone)]], &alone, Some("key")),
        (
            "no such model",
            vec![vec![
                Head(404, "content-type: application/json"),
                Raw(br#"{"error":{"message":"the model `a model` does not exist","code":"model_not_found"}}"#),
            ]],
            &alone,
            Some("a model"),
        ),
        (
            "busy for a moment",
            vec![vec![Head(429, "content-length: 0\r\nretry-after: 0")], whole.clone()],
            wide,
            None,
        ),
        ("busy", vec![vec![Head(429, "content-length: 0\r\nretry-after: 60")]], &alone, Some("")),
        ("500 once", vec![vec![Head(500, gone)], whole.clone()], wide, None),
        ("500", vec![vec![Head(500, gone)]], &alone, Some("500")),
        (
            "cut inside a character",
            vec![vec![
                OK,
                Says("The sea is wide. "),
                Says("It is"),
                Raw(b"data: {\"choices\":[{\"delta\":{\"content\":\"caf\xc3"),
            ]],
            &after,
            Some(""),
        ),
    ];
    for (name, scripts, heard, warning) in cases {
        let server = Server::start(scripts);
        let engine = engine_of(options(&server, Duration::ZERO));
        let (said, warnings) = call(&engine);
        assert_eq!(said, heard, "{name}: {warnings:?}");
        assert_eq!(warnings.len(), usize::from(warning.is_some()), "{name}: {warnings:?}");
        let says = warning.unwrap_or_default();
        assert!(warnings.iter().all(|warning| warning.contains(says)), "{name}: {warnings:?}");
    }
}

#[test]
fn a_reply_of_ten_megabytes_is_cut_and_the_call_goes_on() {
    let server = Server::start(vec![vec![OK, Floods]]);
    let (said, warnings) = call(&engine_of(options(&server, Duration::ZERO)));
    assert!(said.starts_with("One word follows another word."), "{said}");
    assert!(said.len() < 16 * 1024 && warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_server_that_failed_is_left_alone_for_a_while_and_then_asked_again() {
    let refused = vec![Head(401, "content-length: 0")];
    let server = Server::start(vec![refused.clone()]);
    let engine = engine_of(options(&server, PATIENCE));
    for _ in 0..2 {
        let (said, warnings) = call(&engine);
        assert_eq!((said.as_str(), warnings.len()), (STAND_IN, 1), "{warnings:?}");
    }
    assert_eq!(server.requests.load(SeqCst), 1, "the second call did not ask");

    let server = Server::start(vec![refused, vec![OK, Says("I am back."), Ends]]);
    let engine = engine_of(options(&server, Duration::ZERO));
    assert_eq!(call(&engine).0, STAND_IN);
    assert_eq!(call(&engine), ("I am back.".to_owned(), Vec::new()));

    let nowhere = engine_of(options(&Server::nowhere(), PATIENCE));
    let (said, warnings) = call(&nowhere);
    assert_eq!((said.as_str(), warnings.len()), (STAND_IN, 1), "{warnings:?}");
}

/// A session's side of a reply.
struct Session<'w> {
    seat: Seat<'w>,
    reply: Option<crate::reply_stream::ReplyStream>,
}

impl<'w> Session<'w> {
    fn new(workers: &'w Workers) -> Self {
        let settings = workers.settings(&SessionOptions::default()).unwrap();
        Self { seat: Seat::open(workers, settings), reply: None }
    }

    /// Begins a reply; with the stand-in where `fell_back`.
    fn begin(&mut self, fell_back: bool) -> Receiver<SessionMessage> {
        let mut material = crate::jobs::Material::new(1);
        material.fell_back = fell_back.then_some(Turn(1));
        let action = Action::Write { turn: Turn(1), context: Context::default() };
        let work = crate::jobs::Work::of(action, &mut material).unwrap();
        self.reply = material.reply;
        self.submit(work)
    }

    fn go_on(&mut self) -> Receiver<SessionMessage> {
        let mut material = crate::jobs::Material::new(1);
        material.reply = self.reply.take();
        let work = crate::jobs::Work::of(Action::WriteMore(Turn(1)), &mut material).unwrap();
        self.reply = material.reply;
        self.submit(work)
    }

    fn submit(&self, work: crate::jobs::Work) -> Receiver<SessionMessage> {
        let (sender, answers) = channel();
        let answer = Arc::new(move |message| _ = sender.send(message));
        assert!(self.seat.submit(work, Cancellation::default(), answer).is_ok());
        answers
    }
}

fn event(answers: &Receiver<SessionMessage>) -> Event {
    match answers.recv_timeout(PATIENCE).unwrap() {
        SessionMessage::Event(event) => event,
        _ => panic!("a reply model gives events"),
    }
}

#[test]
fn a_cancelled_reply_closes_its_connection_at_once() {
    let server = Server::start(vec![vec![OK, Says("The sea is wide. "), Says("It is"), Waits]]);
    let workers = Workers::start(&options(&server, Duration::ZERO)).unwrap().0;
    let mut session = Session::new(&workers);
    assert!(matches!(event(&session.begin(false)), Event::Written { .. }));
    let cancelled = Instant::now();
    session.reply = None;
    server.left.recv_timeout(PATIENCE).unwrap();
    // Sooner than the limit on a pause, which would close it too.
    assert!(cancelled.elapsed() < Duration::from_millis(700), "{:?}", cancelled.elapsed());
}

#[test]
fn the_stand_in_goes_on_within_two_seconds_of_a_server_that_is_killed() {
    let server = Server::start(vec![vec![OK, Says("The sea is wide. "), Says("It is"), Raw(b"")]]);
    let workers = Workers::start(&options(&server, Duration::ZERO)).unwrap().0;
    let mut session = Session::new(&workers);
    assert!(matches!(event(&session.begin(false)), Event::Written { .. }));
    let asked = Instant::now();
    assert!(matches!(event(&session.go_on()), Event::FellBack { turn: Turn(1), .. }));
    assert!(matches!(event(&session.begin(true)), Event::Written { last: true, .. }));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
