//! A reply on its way from its model to the session.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
    mpsc::Receiver,
};

use duplex_core::{Event, Failure, Turn};

use super::client;
use crate::{
    Flow, ReplySink,
    job::SessionMessage,
    reply_stream::{ReplyStream, reply_stream},
};

/// Both ends of a reply.
struct Reply {
    sink: Option<ReplySink>,
    stream: ReplyStream,
}

impl Reply {
    fn new(ahead: usize) -> Self {
        let (sink, stream) = reply_stream(Turn(3));
        sink.allow_ahead(ahead);
        Self { sink: Some(sink), stream }
    }

    fn push(&self, text: &str) -> Flow {
        self.sink.as_ref().unwrap().push(text);
        self.sink.as_ref().unwrap().flush()
    }

    /// Asks for a clause: where it arrives, and whether the model must be told that there is room.
    fn ask(&self) -> (Receiver<SessionMessage>, bool) {
        let (client, answers) = client(1);
        let resume = self.stream.wanting().ask(&client.answer);
        (answers, resume)
    }

    /// A clause that is there already.
    fn clause(&self) -> (String, bool) {
        given(&self.ask().0)
    }
}

fn given(answers: &Receiver<SessionMessage>) -> (String, bool) {
    match answers.try_recv() {
        Ok(SessionMessage::Event(Event::Written { turn: Turn(3), text, last })) => (text, last),
        Ok(_) => panic!("something other than a clause is given"),
        Err(error) => panic!("no clause is given: {error}"),
    }
}

#[test]
fn a_clause_is_given_when_it_is_both_wanted_and_complete() {
    let mut reply = Reply::new(0);
    let (first, resume) = reply.ask();
    assert!(!resume, "the model has not stopped");
    assert_eq!(reply.push("Well, it"), Flow::Full);
    assert_eq!(given(&first), ("Well, ".to_owned(), false));
    let (second, resume) = reply.ask();
    assert!(resume, "the model has stopped, and is needed");
    assert!(second.try_recv().is_err());
    assert_eq!(reply.push(" costs $3.50."), Flow::More, "the number may go on");
    reply.sink.take().unwrap().end();
    assert_eq!(given(&second), ("it costs $3.50.".to_owned(), true));
}

#[test]
fn a_model_that_knows_its_last_word_says_so_with_the_last_clause() {
    let mut reply = Reply::new(0);
    let (answer, _) = reply.ask();
    let sink = reply.sink.take().unwrap();
    sink.push("Yes. ");
    sink.end();
    assert_eq!(given(&answer), ("Yes. ".to_owned(), true));
}

#[test]
fn a_model_may_be_ahead_by_so_much_and_is_told_when_there_is_room() {
    let reply = Reply::new(40);
    assert_eq!(reply.push("It is a lovely day. "), Flow::More);
    assert_eq!(reply.push("It will be even lovelier soon. "), Flow::Full);
    let (answer, resume) = reply.ask();
    assert_eq!(given(&answer).0, "It is a lovely day. ");
    assert!(resume);
}

#[test]
fn a_model_that_goes_on_for_ever_is_cut() {
    let mut reply = Reply::new(usize::MAX);
    let mut put = 0;
    while reply.push("Word after wörd follows. ") == Flow::More {
        put += 1;
        assert!(put < 1_000_000, "it is never cut");
    }
    drop(reply.sink.take());
    let mut all = 0;
    loop {
        let (text, last) = reply.clause();
        all += text.len();
        if last {
            break;
        }
    }
    assert!((16_000..=16 * 1024).contains(&all), "{all} bytes");
}

#[test]
fn what_is_complete_of_a_reply_that_fails_is_given_first() {
    let mut reply = Reply::new(100);
    reply.push("One fine day it rained. And th");
    drop(reply.sink.take());
    assert_eq!(reply.clause().0, "One fine day it rained. ");
    let failure = reply.ask().0.try_recv().unwrap();
    assert!(matches!(failure, SessionMessage::Event(Event::Failed(Failure::Model(Turn(3))))));
}

#[test]
fn a_reply_that_is_dropped_is_cancelled_at_once_and_answers_nobody() {
    let hooks = Arc::new(AtomicU32::new(0));
    let Reply { sink, stream } = Reply::new(100);
    let sink = sink.unwrap();
    let hook = {
        let hooks = Arc::clone(&hooks);
        move || _ = hooks.fetch_add(1, SeqCst)
    };
    sink.on_cancel(hook.clone());
    let (client, answers) = client(1);
    stream.wanting().ask(&client.answer);
    drop(client);
    assert!(!sink.is_cancelled());
    drop(stream);
    assert!(sink.is_cancelled());
    assert_eq!(hooks.load(SeqCst), 1);
    assert_eq!(sink.push("More."), Flow::Cancelled);
    assert!(answers.recv().is_err(), "whoever waited is let go");
    sink.on_cancel(hook);
    assert_eq!(hooks.load(SeqCst), 2, "a hook that comes too late runs at once");
}
