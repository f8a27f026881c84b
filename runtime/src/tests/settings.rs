//! What a call has of its own.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use duplex_core::{Action, Context, Event, Turn};

use super::{PATIENCE, fakes, fakes::Fakes, synthesise, work};
use crate::{
    EngineOptions, ReplyOptions, ReplySink, SessionError, SessionOptions,
    engine::{Seat, Workers},
    job::{Cancellation, SessionMessage},
    ports::{CallKey, ModelOptions, Port, PortError, ReplyModel, ReplyRequest, Replying},
};

/// A reply model that tells what it is asked for, and fails where its name says so.
struct Asked {
    name: &'static str,
    requests: Arc<Mutex<Sender<(&'static str, ReplyRequest)>>>,
}

impl Port for Asked {}

impl ReplyModel for Asked {
    fn begin(&mut self, _call: CallKey, request: ReplyRequest, sink: ReplySink) {
        self.requests.lock().unwrap().send((self.name, request)).unwrap();
        if self.name == "fails" {
            return sink.fail(&"the server is gone");
        }
        sink.push("Yes. ");
        sink.end();
    }

    fn resume(&mut self, _call: CallKey) {}

    fn check(&self, instructions: &str) -> Result<(), PortError> {
        if instructions.len() > 1_000 {
            Err("no room for these instructions".into())
        } else {
            Ok(())
        }
    }
}

fn reply_model(
    name: &'static str,
    fallback: Option<&str>,
    requests: &Arc<Mutex<Sender<(&'static str, ReplyRequest)>>>,
) -> ReplyOptions {
    let requests = Arc::clone(requests);
    let model = ModelOptions::<Replying>::one(move |serve| {
        serve(&mut Asked { name, requests: Arc::clone(&requests) });
        Ok(())
    });
    ReplyOptions { name: name.to_owned(), model, fallback: fallback.map(str::to_owned) }
}

/// Two reply models and two voices, of which the first fails, and what the reply models are asked for.
fn engine() -> (EngineOptions, Receiver<(&'static str, ReplyRequest)>) {
    let (sender, requests) = channel();
    let sender = Arc::new(Mutex::new(sender));
    let fakes = Fakes::default().options();
    let mute = fakes::synthesis(Arc::new(|| panic!("this panic belongs to the test")));
    let options = EngineOptions {
        replies: vec![
            reply_model("fails", Some("stands in"), &sender),
            reply_model("stands in", None, &sender),
        ],
        voices: vec![("mute".to_owned(), mute), fakes.voices[0].clone()],
        instructions: "Be kind.".to_owned(),
        ..fakes
    };
    (options, requests)
}

fn workers() -> (Workers, Receiver<(&'static str, ReplyRequest)>) {
    let (options, requests) = engine();
    (Workers::start(&options).unwrap().0, requests)
}

/// The first answer to an action, in a call with these options.
fn answer(workers: &Workers, options: &SessionOptions, action: Action) -> SessionMessage {
    let seat = Seat::open(workers, workers.settings(options).unwrap());
    let (sender, answers) = channel();
    let (work, _reply) = work(action);
    let answer = Arc::new(move |message| _ = sender.send(message));
    assert!(seat.submit(work, Cancellation::default(), answer).is_ok());
    answers.recv_timeout(PATIENCE).unwrap()
}

fn write() -> Action {
    Action::Write { turn: Turn(1), context: Context::default() }
}

#[test]
fn a_call_has_the_models_and_the_instructions_that_it_names_and_else_the_engines() {
    let (workers, requests) = workers();
    let own = SessionOptions {
        instructions: Some("Be brief.".to_owned()),
        reply: Some("stands in".to_owned()),
        most_reply_tokens: Some(7),
        voice: Some("fake".to_owned()),
        ..SessionOptions::default()
    };
    let written = answer(&workers, &own, write());
    assert!(matches!(written, SessionMessage::Event(Event::Written { .. })));
    let (name, request) = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!((name, request.most_tokens), ("stands in", Some(7)));
    assert_eq!(&*request.conversation.instructions, "Be brief.");
    assert!(matches!(answer(&workers, &own, synthesise(1)), SessionMessage::Audio { .. }));

    let usual = SessionOptions::default();
    answer(&workers, &usual, write());
    let (name, request) = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!((name, request.most_tokens), ("fails", None));
    assert_eq!(&*request.conversation.instructions, "Be kind.");
    assert!(super::is_failure(&answer(&workers, &usual, synthesise(1))), "its voice is mute");
}

#[test]
fn a_reply_model_that_fails_says_what_stands_ready_and_the_stand_in_says_that_it_failed() {
    let (workers, _requests) = workers();
    let usual = SessionOptions::default();
    match answer(&workers, &usual, write()) {
        SessionMessage::Event(Event::FellBack { turn: Turn(1), why }) => {
            assert_eq!(why, "the server is gone");
        }
        _ => panic!("the session is not told"),
    }
    let (mut options, _requests) = engine();
    options.replies[0].fallback = None;
    let workers = Workers::start(&options).unwrap().0;
    assert!(super::is_failure(&answer(&workers, &usual, write())));
}

#[test]
fn what_a_call_cannot_have_is_named_before_it_begins() {
    let (workers, _requests) = workers();
    let refused = |options: SessionOptions| workers.settings(&options).unwrap_err();
    let usual = SessionOptions::default;
    let voice = refused(SessionOptions { voice: Some("nobody".to_owned()), ..usual() });
    assert_eq!(voice.to_string(), "there is no voice named `nobody`; there are: mute, fake");
    let reply = refused(SessionOptions { reply: Some(String::new()), ..usual() });
    assert!(matches!(reply, SessionError::NoSuchModel { .. }));
    let megabyte = Some("a ".repeat(500_000));
    let instructions = refused(SessionOptions { instructions: megabyte, ..usual() });
    assert_eq!(instructions, SessionError::InstructionsTooLong { bytes: 1_000_000 });
    for speed in [0.0, f32::NAN, f32::INFINITY, -1.0, 2.1] {
        let speed = refused(SessionOptions { speed: Some(speed), ..usual() });
        assert!(matches!(speed, SessionError::Speed { .. }));
    }
    let language = refused(SessionOptions { language: Some("xx".to_owned()), ..usual() });
    assert!(matches!(language, SessionError::Language { .. }));
    let names = vec!["Ada".to_owned(); 33];
    let words = refused(SessionOptions { vocabulary: names, ..usual() });
    assert_eq!(words, SessionError::VocabularyTooLarge);
}

#[test]
fn instructions_that_a_model_has_no_room_for_keep_an_engine_from_starting_and_warn_in_a_call() {
    let (mut options, _requests) = engine();
    options.instructions = "Be kind. ".repeat(200);
    let error = Workers::start(&options).err().unwrap();
    assert!(error.to_string().contains("no room for these instructions"), "{error}");
    let (workers, _requests) = workers();
    let long =
        SessionOptions { instructions: Some("a".repeat(2_000)), ..SessionOptions::default() };
    let seat = Seat::open(&workers, workers.settings(&long).unwrap());
    let (sender, answers) = channel();
    let answer: crate::job::Answer = Arc::new(move |message| _ = sender.send(message));
    for opening in seat.opening() {
        assert!(seat.submit(opening, Cancellation::default(), Arc::clone(&answer)).is_ok());
    }
    let warned = answers.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(warned, SessionMessage::Event(Event::Warned(_))));
}

#[test]
fn the_date_and_the_time_stand_where_the_instructions_have_them() {
    let (workers, _requests) = workers();
    let options = SessionOptions {
        instructions: Some("It is {time} on {date}, in {place}.".to_owned()),
        ..SessionOptions::default()
    };
    let instructions = workers.settings(&options).unwrap().instructions;
    assert!(instructions.ends_with(", in {place}."), "{instructions}");
    assert!(!instructions.contains("{time}") && !instructions.contains("{date}"), "{instructions}");
    let year = |word: &&str| word.len() == 4 && word.chars().all(|c| c.is_ascii_digit());
    assert!(instructions.split([' ', ',']).any(|word| year(&word)), "{instructions}");
}
