//! A reply on its way from its model to the session.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
    mpsc::Receiver,
};

use duplex_core::{Event, Failure, Turn};
use duplex_model::llm::LONGEST_THOUGHT;

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
        Self::of(reply_stream(Turn(3), false), ahead)
    }

    fn of((sink, stream): (ReplySink, ReplyStream), ahead: usize) -> Self {
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

    /// The reply is complete.
    fn end(&mut self) {
        self.sink.take().unwrap().end();
    }

    /// Whether the session is told that there is no more of it.
    fn fails(&self) -> bool {
        let answer = self.ask().0.try_recv().unwrap();
        matches!(answer, SessionMessage::Event(Event::Failed(Failure::Model(Turn(3)))))
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

#[test]
fn a_reply_without_words_fails_unless_it_was_begun() {
    for text in ["", " \n", "<|im_end|>", "<think>\n\n</think>\n"] {
        let mut reply = Reply::new(100);
        reply.push(text);
        reply.end();
        assert!(reply.fails(), "{text:?}");
        let mut begun = Reply::of(reply_stream(Turn(3), true), 100);
        begun.push(text);
        begun.end();
        let (text, last) = begun.clause();
        assert!(text.trim().is_empty() && last, "{text:?}");
    }
}

#[test]
fn a_model_that_thinks_for_ever_is_stopped_and_its_reply_fails() {
    let reply = Reply::new(100);
    let mut put = 0;
    reply.push("<think>");
    while reply.push("Hm, let me see. Or not. ") == Flow::More {
        put += 24;
        assert!(put < 1_000_000, "it is never stopped");
    }
    assert!(put + 24 >= LONGEST_THOUGHT, "{put} bytes");
    assert!(reply.fails());
}

#[test]
fn what_was_not_given_yet_of_a_thought_without_a_beginning_is_dropped() {
    let mut reply = Reply::new(100);
    reply.push("They ask of bees. I like them, so");
    assert_eq!(reply.clause().0, "They ask of bees. ");
    reply.push(" do they.</think>\n\nBees fly.");
    reply.end();
    assert_eq!(reply.clause(), ("Bees fly.".to_owned(), true));
}

#[test]
fn after_the_end_of_its_turn_nothing_more_is_wanted_of_a_model() {
    let reply = Reply::new(100);
    assert_eq!(reply.push("Bees fly.<|im_end|>\n<|im_start|>user\nWhy?"), Flow::Cancelled);
    assert_eq!(reply.clause(), ("Bees fly.".to_owned(), true));
}

#[test]
fn a_reply_of_a_hundred_thousand_characters_without_a_stop_is_given_in_clauses_and_cut() {
    let text = "ways to go and ".repeat(6_667);
    let reply = Reply::new(usize::MAX);
    for at in (0..text.len()).step_by(1_000) {
        reply.push(&text[at..text.len().min(at + 1_000)]);
    }
    let mut all = 0;
    loop {
        let (clause, last) = reply.clause();
        all += clause.len();
        assert!(last || clause.len() < 300, "{clause}");
        if last {
            break;
        }
    }
    assert!((16_000..=16 * 1024).contains(&all), "{all} bytes");
}

#[test]
fn a_reply_of_another_script_passes() {
    let mut reply = Reply::new(100);
    reply.push("<think>嗯。</think>\n\n天空是蓝色的。Небо синее.");
    reply.end();
    let (mut all, mut last) = (String::new(), false);
    while !last {
        let (clause, is_last) = reply.clause();
        all.push_str(&clause);
        last = is_last;
    }
    assert_eq!(all, "天空是蓝色的。Небо синее.");
}
