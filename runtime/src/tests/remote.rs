//! Replies from another server, and the stand-in where it fails. The server is a real one on a socket, by a script.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use duplex_core::{Action, Context, ConversationEvent, Event, Speaker, Turn};
use duplex_model::remote::{EndpointOptions, Secret};

use super::{
    PATIENCE,
    fakes::{Fakes, replying},
    virtual_calls::{LISTENS, Speaks, engine_of},
};
use crate::{
    Call, CallOptions, Charges, Engine, EngineOptions, ReplyOptions, SessionOptions, SessionStep,
    Stop,
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
    /// Nothing more, until the client has gone, or the server was killed; the test is told then.
    Waits,
}

use Part::{Ends, Floods, Head, Raw, Says, Thinks, Waits};

const OK: Part = Head(200, "content-type: text/event-stream");

/// A server that answers the first request by the first script and so on, and the last one again and again.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    /// The longest reply that each request allows, in tokens.
    allowed: Arc<Mutex<Vec<u64>>>,
    left: Receiver<()>,
    life: Arc<Life>,
}

/// What it takes to kill a server, from any thread.
struct Life {
    address: SocketAddr,
    is_dead: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
    /// Tells that nothing listens any more.
    ended: Mutex<Receiver<()>>,
}

impl Life {
    /// Ends every connection, and refuses new ones.
    fn kill(&self) {
        self.is_dead.store(true, SeqCst);
        // Wakes the thread that listens.
        _ = TcpStream::connect(self.address);
        self.ended.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        for connection in self.connections.lock().unwrap().drain(..) {
            // The client may have closed it.
            _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Server {
    fn start(scripts: Vec<Vec<Part>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/v1");
        let requests = Arc::<AtomicUsize>::default();
        let allowed = Arc::<Mutex<Vec<u64>>>::default();
        let (sender, left) = channel();
        let (end, ended) = channel();
        let life = Arc::new(Life {
            address,
            is_dead: AtomicBool::new(false),
            connections: Mutex::default(),
            ended: Mutex::new(ended),
        });
        let (counter, living) = (Arc::clone(&requests), Arc::clone(&life));
        let most = Arc::clone(&allowed);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if living.is_dead.load(SeqCst) {
                    break;
                }
                living.connections.lock().unwrap().push(stream.try_clone().unwrap());
                let (scripts, counter, left) =
                    (scripts.clone(), Arc::clone(&counter), sender.clone());
                let most = Arc::clone(&most);
                // Where the client has gone the rest cannot be written, and need not be.
                std::thread::spawn(move || {
                    _ = serve(&stream, &scripts, &counter, &most, &left);
                    // The other handle on it keeps it open otherwise.
                    _ = stream.shutdown(Shutdown::Both);
                });
            }
            drop(listener);
            _ = end.send(());
        });
        Self { url, requests, allowed, left, life }
    }

    /// Nothing listens there.
    fn nowhere() -> Self {
        let server = Self::start(Vec::new());
        server.life.kill();
        server
    }
}

fn serve(
    stream: &TcpStream,
    scripts: &[Vec<Part>],
    counter: &AtomicUsize,
    most: &Mutex<Vec<u64>>,
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
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if let Ok(request) = serde_json::from_slice::<serde_json::Value>(&body) {
            most.lock().unwrap().extend(request["max_tokens"].as_u64());
        }
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
    options_with(server, rest, Duration::from_millis(800))
}

/// As [`options`], of a server that may pause for so long within a reply.
fn options_with(server: &Server, rest: Duration, stall: Duration) -> EngineOptions {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let endpoint = EndpointOptions {
        key: Some(Secret::from_file(&file).unwrap()),
        connect: Duration::from_secs(1),
        first_token: Duration::from_millis(1_500),
        stall,
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
fn call(engine: &Engine) -> (String, Vec<String>) {
    call_of(engine, Speaks::new(), |_| ())
}

/// As [`call`], of this user; `meanwhile` sees what the session does.
fn call_of(
    engine: &Engine,
    user: Speaks,
    mut meanwhile: impl FnMut(&Action) + Send + 'static,
) -> (String, Vec<String>) {
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let warnings = Arc::clone(&warnings);
        Box::new(move |step: SessionStep<'_>| {
            for action in step.actions {
                meanwhile(action);
                if let Action::Notify(ConversationEvent::Warning { text, detail }) = action {
                    warnings.lock().unwrap().push(format!("{text} {detail}"));
                }
            }
        })
    };
    let (room, charges) = (Box::new(user), Charges::default());
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
        ("killed in the middle", vec![begins(Raw(b""))], &after, Some("stopped in the middle")),
        ("frozen at first", vec![vec![OK, Waits]], &alone, Some("1.5s")),
        ("frozen in the middle", vec![begins(Waits)], &after, Some("800ms")),
        (
            "slow",
            vec![vec![OK, Says("The "), Thinks(300), Says("sea is "), Thinks(300), Says("wide."), Ends]],
            "The sea is wide.",
            None,
        ),
        ("garbage", vec![vec![OK, Raw(b"data: {nonsense\n\n")]], &alone, Some("does not speak")),
        ("thoughts that are not sent", vec![vec![OK, Ends]], &alone, Some("without words")),
        ("only thoughts", vec![vec![OK, Says("<think>Hm. "), Ends]], &alone, Some("only thought")),
        (
            "thoughts and paragraphs",
            vec![vec![
                OK,
                Says("<thi"),
                Says("nk>They ask of the sea.</think>\n\n"),
                Says("The sea is wide.\n\nIt is "),
                Says("deep.<|im_end|>"),
                Ends,
            ]],
            wide,
            None,
        ),
        (
            "the user's next turn",
            vec![vec![OK, Says("The sea is wide. It is deep.\n"), Says("User: Why?\n"), Waits]],
            wide,
            None,
        ),
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
        ("busy", vec![vec![Head(429, "content-length: 0\r\nretry-after: 60")]], &alone, Some("no more requests")),
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
            Some("inside a character"),
        ),
        (
            "an error that quotes the key",
            vec![vec![
                Head(500, "content-type: application/json"),
                Raw(br#"{"error":{"message":"key-that-nobody-may-see is odd"}}"#),
            ]],
            &alone,
            Some("[key] is odd"),
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
fn that_a_model_begins_in_a_thought_is_known_from_its_first_reply_on() {
    let thinks = vec![
        OK,
        Says("They ask of the sea. "),
        Says("It is wide."),
        Says("</think>\n\n"),
        Says("The sea "),
        Says("is wide."),
        Ends,
    ];
    let server = Server::start(vec![thinks]);
    let engine = engine_of(options(&server, Duration::ZERO));
    let (said, warnings) = call_of(&engine, Speaks::again(3, LISTENS), |_| ());
    assert!(said.ends_with(" | The sea is wide. | The sea is wide."), "{said}");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_model_that_thinks_may_write_more_from_its_second_reply_on() {
    let too_long = Raw(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n");
    // It thinks in its text, or apart from it.
    for first in [vec![OK, Says("<think>Hm. "), too_long], vec![OK, too_long]] {
        let server = Server::start(vec![first, vec![OK, Says("It is deep."), Ends]]);
        let engine = engine_of(options(&server, Duration::ZERO));
        let (said, _) = call_of(&engine, Speaks::again(2, LISTENS), |_| ());
        assert_eq!(said, format!("{STAND_IN} | It is deep."));
        let allowed = server.allowed.lock().unwrap();
        assert!(allowed[0] == 120 && allowed[1] > 3_000, "{allowed:?}");
    }
}

#[test]
fn a_model_that_does_not_begin_in_a_thought_after_all_is_answered_for_once() {
    let thinks = vec![OK, Says("They ask of the sea.</think>The sea is wide."), Ends];
    let server = Server::start(vec![thinks, vec![OK, Says("It is deep."), Ends]]);
    let engine = engine_of(options(&server, Duration::ZERO));
    let (said, warnings) = call_of(&engine, Speaks::again(3, LISTENS), |_| ());
    assert_eq!(said, format!("The sea is wide. | {STAND_IN} | It is deep."));
    assert!(warnings.len() == 1 && warnings[0].contains("only thought"), "{warnings:?}");
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

#[test]
fn while_a_server_rests_the_next_turn_of_the_call_is_the_stand_ins_at_once() {
    let back = vec![OK, Says("I am back."), Ends];
    let server = Server::start(vec![vec![Head(401, "content-length: 0")], back]);
    let twice = || Speaks::again(2, LISTENS);
    let (said, warnings) = call_of(&engine_of(options(&server, PATIENCE)), twice(), |_| ());
    assert_eq!(said, format!("{STAND_IN} | {STAND_IN}"));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|why| why.contains("refused the key")), "{warnings:?}");
    assert_eq!(server.requests.load(SeqCst), 1, "it is not asked");
    let (said, warnings) = call_of(&engine_of(options(&server, Duration::ZERO)), twice(), |_| ());
    assert_eq!((said.as_str(), warnings), ("I am back. | I am back.", Vec::new()));
}

#[test]
fn after_a_reply_that_broke_off_the_next_turn_of_the_call_is_the_servers_again() {
    let broken = vec![OK, Says("The sea is wide. "), Says("It is")];
    let server = Server::start(vec![broken, vec![OK, Says("I am back."), Ends]]);
    let engine = engine_of(options(&server, PATIENCE));
    let (said, warnings) = call_of(&engine, Speaks::again(2, LISTENS), |_| ());
    assert_eq!(said, format!("The sea is wide. {STAND_IN} | I am back."));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(server.requests.load(SeqCst), 2);
}

#[test]
fn a_server_that_ends_between_two_turns_costs_none_of_them() {
    let server = Server::start(vec![vec![OK, Says("The sea is wide."), Ends]]);
    let life = Arc::clone(&server.life);
    let mut is_over = false;
    let kill = move |action: &Action| {
        if matches!(action, Action::Notify(ConversationEvent::ReplyEnded { cut: None, .. }))
            && !is_over
        {
            is_over = true;
            life.kill();
        }
    };
    let engine = engine_of(options(&server, PATIENCE));
    let (said, warnings) = call_of(&engine, Speaks::again(2, LISTENS), kill);
    assert_eq!(said, format!("The sea is wide. | {STAND_IN}"));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("refused"), "{warnings:?}");
}

#[test]
fn a_server_rests_for_as_long_as_it_asks_for_and_not_for_ever() {
    let never = "content-length: 0\r\nretry-after: 18446744073709551615";
    for asked in ["content-length: 0\r\nretry-after: 60", never] {
        let server = Server::start(vec![vec![Head(429, asked)]]);
        let engine = engine_of(options(&server, Duration::ZERO));
        let (said, warnings) = call_of(&engine, Speaks::again(2, LISTENS), |_| ());
        assert_eq!(said, format!("{STAND_IN} | {STAND_IN}"), "{asked}");
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|why| why.contains("no more requests")), "{warnings:?}");
        assert_eq!(server.requests.load(SeqCst), 1, "{asked}");
    }
}

#[test]
fn a_request_that_the_server_does_not_take_is_no_reason_to_leave_it_alone() {
    let too_long = vec![
        Head(400, "content-type: application/json"),
        Raw(br#"{"error":{"message":"the request exceeds the context"}}"#),
    ];
    let server = Server::start(vec![too_long, vec![OK, Says("The sea is wide."), Ends]]);
    let engine = engine_of(options(&server, PATIENCE));
    let (said, warnings) = call(&engine);
    assert_eq!((said.as_str(), warnings.len()), (STAND_IN, 1), "{warnings:?}");
    assert!(warnings[0].contains("exceeds the context"), "{warnings:?}");
    assert_eq!(call(&engine), ("The sea is wide.".to_owned(), Vec::new()), "another call");
}

#[test]
fn a_user_who_interrupts_a_reply_of_ten_megabytes_is_answered() {
    let server = Server::start(vec![vec![OK, Floods], vec![OK, Says("I am brief."), Ends]]);
    let engine = engine_of(options(&server, Duration::ZERO));
    let (said, warnings) = call_of(&engine, Speaks::again(2, LISTENS), |_| ());
    let (flood, answer) = said.split_once(" | ").unwrap();
    assert!(flood.starts_with("One word follows another word. One word"), "{flood}");
    assert_eq!((answer, warnings), ("I am brief.", Vec::new()));
}

/// A call in real time, whose events arrive with the moment at which the session saw them.
fn live(engine: Engine, user: Speaks) -> (Call, Stop, Receiver<Moment>) {
    let (sender, moments) = channel();
    let observer = Box::new(move |step: SessionStep<'_>| {
        let moment = (Instant::now(), step.event.clone(), step.actions.to_vec());
        // A test that has seen enough does not listen any more.
        _ = sender.send(moment);
    });
    let (room, stop) = (Box::new(user), Stop::default());
    let options = CallOptions::default();
    let call = Call::start(Arc::new(engine), room, options, stop.clone(), observer).unwrap();
    (call, stop, moments)
}

/// When something happened, what it was, and what the session did.
type Moment = (Instant, Event, Vec<Action>);

/// The first moment of this kind; those before it are gone.
fn next(moments: &Receiver<Moment>, is_it: impl Fn(&Event, &[Action]) -> bool) -> Moment {
    let began = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(began.elapsed());
        let moment = moments.recv_timeout(left).unwrap();
        if is_it(&moment.1, &moment.2) {
            return moment;
        }
    }
}

fn speaks(_: &Event, actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Speak(_)))
}

#[test]
fn in_a_live_call_the_stand_in_goes_on_within_two_seconds_of_a_server_that_is_killed() {
    let begun = vec![OK, Says("The sea is wide. "), Says("It is"), Waits];
    let server = Server::start(vec![begun]);
    let engine = engine_of(options_with(&server, PATIENCE, PATIENCE));
    let (call, stop, moments) = live(engine, Speaks::new());
    next(&moments, speaks);
    let killed = Instant::now();
    server.life.kill();
    let (at, event, _) = next(&moments, |event, _| matches!(event, Event::Written { .. }));
    let took = at - killed;
    eprintln!("from the server's end to the stand-in's words: {} us", took.as_micros());
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(matches!(event, Event::Written { text, last: true, .. } if text == STAND_IN));
    let finished = |action: &Action| {
        matches!(action, Action::Notify(ConversationEvent::ReplyEnded { cut: None, .. }))
    };
    next(&moments, |_, actions| actions.iter().any(finished));
    stop.stop();
    let said = call.join().unwrap().transcript;
    assert_eq!(said.last().unwrap().text, format!("The sea is wide. {STAND_IN}"));
}

#[test]
fn a_user_who_interrupts_closes_the_connection_of_the_reply() {
    let begun = vec![OK, Says("The sea is wide. "), Says("It is"), Waits];
    let server = Server::start(vec![begun]);
    // Nothing else ends the reply while the test waits.
    let engine = engine_of(options_with(&server, PATIENCE, 10 * PATIENCE));
    let (_call, stop, moments) = live(engine, Speaks::again(2, 3));
    next(&moments, speaks);
    // A reply that was prepared too early was given up before.
    while server.left.try_recv().is_ok() {}
    let cancels = |action: &Action| matches!(action, Action::Cancel(_));
    let (cancelled, ..) = next(&moments, |_, actions| actions.iter().any(cancels));
    server.left.recv_timeout(PATIENCE).unwrap();
    eprintln!("from the cancellation to the closed connection: {:?}", cancelled.elapsed());
    stop.stop();
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
fn a_reply_without_an_end_is_cut_and_its_connection_closed() {
    let server = Server::start(vec![vec![OK, Floods, Waits], vec![OK, Says("I am brief."), Ends]]);
    let workers = Workers::start(&options(&server, PATIENCE)).unwrap().0;
    let mut session = Session::new(&workers);
    let (mut answers, mut size) = (session.begin(false), 0);
    loop {
        let Event::Written { text, last, .. } = event(&answers) else { panic!("no clause") };
        size += text.len();
        if last {
            break;
        }
        answers = session.go_on();
    }
    assert!((16_000..=16 * 1024).contains(&size), "{size} bytes");
    let Event::Written { text, .. } = event(&session.begin(false)) else { panic!("no clause") };
    assert_eq!(text, "I am brief.");
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
