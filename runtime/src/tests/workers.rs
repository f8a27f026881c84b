//! The threads of the models: none waits for a session, no session waits for one, and none dies for good.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    mpsc::{Receiver, Sender, channel},
};

use duplex_core::{Action, Context, Event, Failure, Turn};

use super::{
    PATIENCE, all_kinds, ask, client, fakes::Fakes, fakes::Hook, is_failure, synthesise, work,
    write,
};
use crate::{
    CallKey, EngineError, ReplySink,
    engine::Seat,
    inbox::inbox,
    job::SessionMessage,
    ports::{Conversation, ModelOptions, Port, PortError, ReplyModel, ReplyRequest, Replying},
    settings::Settings,
};

/// A hook that waits until the sender is dropped.
fn gate() -> (Sender<()>, Hook) {
    let (open, gate) = channel::<()>();
    let gate: Mutex<Receiver<()>> = Mutex::new(gate);
    (open, Arc::new(move || _ = gate.lock().unwrap().recv()))
}

/// The same hook for every model.
fn all(hook: Hook) -> Fakes {
    let [recogniser, end_of_turn, duplex, reply, voice] =
        std::array::from_fn(|_| Arc::clone(&hook));
    Fakes { recogniser, end_of_turn, duplex, reply, voice, pool: 1 }
}

#[test]
fn sixty_four_calls_that_ask_while_the_model_is_busy_are_all_answered() {
    // The first job ends once all the others wait.
    let (open, reply) = gate();
    let workers = Fakes { reply, ..Fakes::default() }.start();
    let asked: Vec<_> = (0..64)
        .map(|call| ask(&workers, call, write(1)).unwrap_or_else(|_| panic!("{call} is refused")))
        .collect();
    drop(open);
    for asked in asked {
        let answer = asked.answers.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(answer, SessionMessage::Event(Event::Written { .. })));
    }
}

#[test]
fn a_call_ends_without_waiting_for_a_busy_model() {
    let (open, reply) = gate();
    let workers = Arc::new(Fakes { reply, ..Fakes::default() }.start());
    let (over, ended) = channel();
    let sessions = {
        let workers = Arc::clone(&workers);
        std::thread::spawn(move || {
            for _ in 0..64 {
                let seat = Seat::open(&workers, Settings::default());
                let (asked, _reply) = work(write(1));
                let (client, _) = client(0);
                assert!(seat.submit(asked, client.cancellation, client.answer).is_ok());
            }
            over.send(()).unwrap();
        })
    };
    let in_time = ended.recv_timeout(PATIENCE);
    drop(open);
    sessions.join().unwrap();
    assert_eq!(in_time, Ok(()), "the model was still busy when all calls had ended");
}

#[test]
fn a_session_that_does_not_listen_costs_no_other_call_anything() {
    // Room for one message, and nobody who reads it.
    let (inbox, unread) = inbox(1);
    let workers = Fakes::default().start();
    let (mut deaf, _) = client(1);
    deaf.answer = Arc::new(move |message| {
        // As a voice that gives its audio in many pieces.
        for _ in 0..5 {
            if let SessionMessage::Audio { turn, clause, .. } = &message {
                inbox.answer(super::audio(*turn, *clause));
            }
        }
    });
    assert!(workers.submit(work(synthesise(7)).0, deaf).is_ok());
    let other = ask(&workers, 2, synthesise(1)).unwrap();
    assert!(matches!(other.answers.recv_timeout(PATIENCE), Ok(SessionMessage::Audio { .. })));
    drop(workers);
    // The deaf call is told once that its clause cannot be spoken, however many pieces were lost.
    assert_eq!(unread.take_unanswered(), [Failure::Voice(Turn(7))]);
    assert!(matches!(unread.next(), Some((_, SessionMessage::Audio { turn: Turn(7), .. }))));
    assert!(unread.next().is_none(), "the rest found no room");
}

#[test]
fn a_model_that_panics_fails_its_job_and_does_the_next() {
    for (action, is_told, answers) in all_kinds() {
        let panics = Arc::new(AtomicBool::new(true));
        let workers = all(Arc::new(move || {
            assert!(!panics.swap(false, SeqCst), "this panic belongs to the test");
        }))
        .start();
        let first = ask(&workers, 1, action.clone()).unwrap();
        let first: Vec<_> = first.answers.iter().collect();
        assert_eq!(first.iter().any(is_failure), is_told, "{action:?}");
        let second = ask(&workers, 2, action.clone()).unwrap();
        let second: Vec<_> = second.answers.iter().collect();
        assert_eq!(second.len(), answers, "{action:?}");
        assert!(!second.iter().any(is_failure), "{action:?}");
    }
}

#[test]
fn a_model_that_panics_now_and_then_is_never_given_up() {
    let asked = AtomicU32::new(0);
    let hook = move || {
        let every_other = asked.fetch_add(1, SeqCst).is_multiple_of(2);
        assert!(!every_other, "this panic belongs to the test");
    };
    let workers = Fakes { reply: Arc::new(hook), ..Fakes::default() }.start();
    for number in 0..20 {
        let asked = ask(&workers, number, write(1)).unwrap();
        assert_eq!(asked.answers.iter().any(|it| is_failure(&it)), number % 2 == 0, "job {number}");
    }
    assert!(workers.is_alive());
}

#[test]
fn a_model_that_always_panics_fails_every_job_and_is_given_up() {
    let started = Arc::new(AtomicU32::new(0));
    let hook = {
        let started = Arc::clone(&started);
        move || {
            started.fetch_add(1, SeqCst);
            panic!("this panic belongs to the test");
        }
    };
    let workers = Fakes { voice: Arc::new(hook), ..Fakes::default() }.start();
    let mut refused = 0;
    for call in 0..20 {
        match ask(&workers, call, synthesise(1)) {
            // The session is told by the answer, or by the work that comes back.
            Ok(asked) => assert!(asked.answers.iter().any(|it| is_failure(&it)), "call {call}"),
            Err(work) => {
                assert_eq!(work.failure(), Some(Failure::Voice(Turn(1))));
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !workers.is_alive(), "it is given up at last");
    assert!(started.load(SeqCst) < 20);
}

#[test]
fn an_engine_that_is_dropped_lets_its_present_work_end() {
    let (entered, enters) = channel();
    let (open, gate) = gate();
    let entered = Mutex::new(entered);
    let hook = move || {
        entered.lock().unwrap().send(()).unwrap();
        gate();
    };
    let workers = Fakes { voice: Arc::new(hook), ..Fakes::default() }.start();
    let present = ask(&workers, 1, synthesise(1)).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    let dropping = std::thread::spawn(move || drop(workers));
    assert!(matches!(present.answers.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)));
    drop(open);
    let answer = present.answers.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(answer, SessionMessage::Audio { .. }));
    dropping.join().unwrap();
}

#[test]
fn of_two_models_in_a_pool_the_second_serves_while_the_first_is_busy() {
    let (open, gate) = gate();
    let (entered, enters) = channel();
    let (entered, is_first) = (Mutex::new(entered), AtomicBool::new(true));
    let hook = move || {
        if is_first.swap(false, SeqCst) {
            entered.lock().unwrap().send(()).unwrap();
            gate();
        }
    };
    let workers = Fakes { voice: Arc::new(hook), pool: 2, ..Fakes::default() }.start();
    let stuck = ask(&workers, 1, synthesise(1)).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    let served = ask(&workers, 2, synthesise(1)).unwrap();
    assert!(served.answers.recv_timeout(PATIENCE).is_ok());
    drop(open);
    assert!(stuck.answers.recv_timeout(PATIENCE).is_ok());
    let counters = workers.counters();
    let (_, voice) = counters.iter().find(|(name, _)| *name == "voice").unwrap();
    assert_eq!((voice.alive, voice.restarts, voice.waiting), (2, 0, 0));
}

#[test]
fn a_model_that_cannot_be_opened_is_named() {
    let mut options = Fakes::default().options();
    options.voices[0].1.open = Arc::new(|_| Err("there is no such voice".into()));
    let error = crate::engine::Workers::start(&options).err().unwrap();
    assert!(matches!(error, EngineError::Model { name: "voice", .. }), "{error:?}");
    assert_eq!(error.to_string(), "the voice: there is no such voice");
}

/// A reply model that reads ahead until other work waits.
struct Reads(Mutex<Sender<()>>);

impl Port for Reads {}

impl ReplyModel for Reads {
    fn begin(&mut self, _call: CallKey, _request: ReplyRequest, sink: ReplySink) {
        sink.push("Yes. ");
        sink.end();
    }

    fn resume(&mut self, _call: CallKey) {}

    fn read_ahead(
        &mut self,
        _call: CallKey,
        _conversation: &Conversation,
        others: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        self.0.lock().unwrap().send(()).unwrap();
        while !others() {
            std::thread::yield_now();
        }
        Ok(())
    }
}

#[test]
fn reading_ahead_gives_way_to_a_reply_that_another_call_waits_for() {
    let (reads, begins) = channel();
    let mut options = Fakes::default().options();
    options.replies[0].model = ModelOptions::<Replying>::one(move |serve| {
        serve(&mut Reads(Mutex::new(reads.clone())));
        Ok(())
    });
    let workers = crate::engine::Workers::start(&options).unwrap().0;
    let _reading = ask(&workers, 1, Action::Prefill(Context::default())).unwrap();
    begins.recv_timeout(PATIENCE).unwrap();
    // More to read is no reason to give way.
    let _more = ask(&workers, 2, Action::Prefill(Context::default())).unwrap();
    let asked = ask(&workers, 3, write(1)).unwrap();
    let answer = asked.answers.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(answer, SessionMessage::Event(Event::Written { .. })));
    // What is left to read does not keep the engine from ending.
    drop(workers);
}
