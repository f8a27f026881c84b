//! A reply on its way from the model that writes it to the session that says it.
//!
//! [`ReplySink`] is the model's end, [`ReplyStream`] the session's. Between them stands a bounded buffer, in which the
//! text loses what is no part of the answer ([`ReplyFilter`]) and is split into clauses, the same way for every model. A
//! reply without words is one that failed. Neither end waits for the other: a model that is ahead is
//! told so, and a session that wants a clause is answered once there is one.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use duplex_core::{Event, Failure, Turn};
use duplex_model::{
    llm::{Opening, ReplyFilter},
    tts::Splitter,
};

use crate::job::{Answer, SessionMessage};

/// Longest reply in bytes: a quarter of an hour of speech. A model that goes on is cut there.
const LONGEST: usize = 16 * 1024;

/// What a model does after it has put text into a [`ReplySink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    More,
    /// It stops until [`ReplyModel::resume`](crate::ports::ReplyModel::resume) is called.
    Full,
    /// Nobody wants the rest.
    Cancelled,
}

/// Both ends of the reply of a turn, of which a part is written already or not: such a one may be complete.
pub(crate) fn reply_stream(turn: Turn, begun: bool) -> (ReplySink, ReplyStream) {
    let filter = ReplyFilter::new(Opening { begun, in_thought: false });
    let shared = Arc::new(Shared {
        turn,
        state: Mutex::new(State { filter, ..State::default() }),
        cancelled: AtomicBool::new(false),
        on_cancel: Mutex::default(),
    });
    (ReplySink { shared: Arc::clone(&shared) }, ReplyStream { shared })
}

struct Shared {
    turn: Turn,
    state: Mutex<State>,
    cancelled: AtomicBool,
    on_cancel: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

#[derive(Default)]
struct State {
    filter: ReplyFilter,
    splitter: Splitter,
    /// The next clause, complete and not given yet.
    ready: Option<String>,
    /// Who waits for a clause.
    wanted: Option<Answer>,
    /// Bytes put in, and those given out.
    put: usize,
    given: usize,
    /// How many bytes the model may be ahead.
    ahead: usize,
    /// The model was told to stop for a while.
    is_paused: bool,
    end: Option<End>,
    /// Whether another model stands ready, should this one fail.
    may_fall_back: bool,
}

enum End {
    Complete,
    Failed(String),
}

impl End {
    fn failed(why: &dyn std::fmt::Display) -> Self {
        tracing::warn!("a reply was not written to its end: {why}");
        Self::Failed(why.to_string())
    }
}

/// What is given for a request.
enum Given {
    Clause { text: String, last: bool },
    Failure(String),
}

impl State {
    /// Whether more text is wanted now.
    fn is_hungry(&self) -> bool {
        (self.wanted.is_some() && self.ready.is_none()) || self.put - self.given < self.ahead
    }

    /// Takes text, in pieces of any length. Whether the reply is over with it.
    fn push(&mut self, text: &str) -> bool {
        let mut said = String::new();
        if self.filter.push(text, &mut said) {
            self.take_back();
        }
        let fits = self.put(&said);
        self.filter.is_over() || !fits
    }

    /// Puts in what is said. Whether it fits.
    fn put(&mut self, said: &str) -> bool {
        let mut room = LONGEST.saturating_sub(self.put).min(said.len());
        while !said.is_char_boundary(room) {
            room -= 1;
        }
        self.splitter.push(&said[..room]);
        self.put += room;
        if room < said.len() {
            tracing::warn!("a reply is cut after {LONGEST} bytes");
        }
        room == said.len()
    }

    /// What was put in and not given yet proves to be a thought.
    fn take_back(&mut self) {
        self.splitter = Splitter::new();
        self.ready = None;
        self.put = self.given;
    }

    /// The reply is at its end, if it was not before.
    fn end(&mut self, end: End) {
        if self.end.is_some() {
            return;
        }
        let mut said = String::new();
        let answer = self.filter.finish(&mut said);
        self.put(&said);
        self.end = Some(match (end, answer) {
            (End::Complete, Err(why)) => End::failed(&why),
            (end, _) => end,
        });
    }

    /// The next clause, or what there is instead; none while it is still being written.
    fn take(&mut self) -> Option<Given> {
        let clause = self.ready.take().or_else(|| self.splitter.next_clause());
        let (text, last) = match (&self.end, clause) {
            (None, clause) => (clause?, false),
            (Some(End::Failed(_)), Some(clause)) => (clause, false),
            (Some(End::Failed(why)), None) => return Some(Given::Failure(why.clone())),
            (Some(End::Complete), clause) => {
                let rest = std::mem::take(&mut self.splitter).finish();
                match (clause, rest) {
                    (Some(clause), Some(rest)) => {
                        self.splitter.push(&rest);
                        (clause, false)
                    }
                    (Some(clause), None) => (clause, true),
                    (None, rest) => (rest.unwrap_or_default(), true),
                }
            }
        };
        self.given += text.len();
        Some(Given::Clause { text, last })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whoever waits, if there is something for them.
    fn serve(&self, state: &mut State) {
        let Some(answer) = state.wanted.take() else { return };
        let turn = self.turn;
        let event = match state.take() {
            Some(Given::Clause { text, last }) => Event::Written { turn, text, last },
            Some(Given::Failure(why)) if state.may_fall_back => Event::FellBack { turn, why },
            Some(Given::Failure(_)) => Event::Failed(Failure::Model(turn)),
            None => return state.wanted = Some(answer),
        };
        // Answering waits for nobody.
        answer(SessionMessage::Event(event));
    }

    fn flow(&self, state: &mut State) -> Flow {
        if self.cancelled.load(Relaxed) || state.end.is_some() {
            return Flow::Cancelled;
        }
        state.is_paused = !state.is_hungry();
        if state.is_paused { Flow::Full } else { Flow::More }
    }
}

/// Where a model puts the reply that it writes. Dropping it before [`end`](Self::end) says that the reply failed.
pub struct ReplySink {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for ReplySink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplySink").field("turn", &self.shared.turn).finish_non_exhaustive()
    }
}

impl ReplySink {
    /// The model may be so many bytes ahead of what is wanted.
    pub(crate) fn allow_ahead(&self, bytes: usize) {
        self.shared.lock().ahead = bytes;
    }

    /// Puts in text as it is written, in pieces of any length. What is no part of the answer is left out: thoughts, and
    /// the marks of chat templates ([`ReplyFilter`]). A clause that it completes is given to the session by the next
    /// [`flush`](Self::flush) or [`end`](Self::end): a model that knows with its last word that it was the last can thus
    /// say so in time.
    pub fn push(&self, text: &str) -> Flow {
        let state = &mut *self.shared.lock();
        if state.end.is_none() {
            if state.push(text) {
                state.end(End::Complete);
                self.shared.serve(state);
            } else if state.ready.is_none() {
                state.ready = state.splitter.next_clause();
            }
        }
        self.shared.flow(state)
    }

    /// Tells whoever is shown the call what is not as it should be, while the reply goes on.
    pub(crate) fn warn(&self, what: &str) {
        tracing::warn!("{what}");
        if let Some(answer) = &self.shared.lock().wanted {
            answer(SessionMessage::Event(Event::Warned(what.to_owned())));
        }
    }

    /// What was put in and not given to the session yet is no part of the answer.
    pub(crate) fn take_back(&self) {
        self.shared.lock().take_back();
    }

    /// Gives the session the clause that it wants, if it is complete.
    pub fn flush(&self) -> Flow {
        let state = &mut *self.shared.lock();
        self.shared.serve(state);
        self.shared.flow(state)
    }

    /// The reply is complete. One without words is one that failed, unless it was begun before.
    pub fn end(self) {
        self.finish(End::Complete);
    }

    /// The reply cannot be written to its end. What is complete of it is given first.
    pub fn fail(self, why: &dyn std::fmt::Display) {
        self.finish(End::failed(why));
    }

    /// Whether nobody wants the rest.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Relaxed)
    }

    /// Calls this once nobody wants the rest, on the thread that decides it: it must not block.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let hooks = &self.shared.on_cancel;
        hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
        if self.is_cancelled() {
            self.shared.run_hooks();
        }
    }

    fn finish(&self, end: End) {
        let state = &mut *self.shared.lock();
        state.end(end);
        self.shared.serve(state);
    }
}

impl Drop for ReplySink {
    fn drop(&mut self) {
        self.finish(End::Failed("the model gave it up".to_owned()));
    }
}

impl Shared {
    fn run_hooks(&self) {
        let hooks =
            std::mem::take(&mut *self.on_cancel.lock().unwrap_or_else(PoisonError::into_inner));
        hooks.into_iter().for_each(|hook| hook());
    }
}

/// Where the session takes a reply, clause by clause. Dropping it cancels the rest.
pub(crate) struct ReplyStream {
    shared: Arc<Shared>,
}

/// Asks for a clause of a reply.
#[derive(Clone)]
pub(crate) struct Wanting(Arc<Shared>);

impl ReplyStream {
    /// The turn whose reply it is.
    pub(crate) fn turn(&self) -> Turn {
        self.shared.turn
    }

    /// A request for the next clause, to be made once it is known where the answer goes.
    pub(crate) fn wanting(&self) -> Wanting {
        Wanting(Arc::clone(&self.shared))
    }
}

impl Wanting {
    /// Another model stands ready, should this one fail: the session is told so, instead of a failure.
    pub(crate) fn may_fall_back(&self) {
        self.0.lock().may_fall_back = true;
    }

    /// Asks: `answer` gets the next clause, or that there is none, as soon as that is known. Whether the model must be
    /// told that there is room.
    pub(crate) fn ask(&self, answer: &Answer) -> bool {
        let state = &mut *self.0.lock();
        state.wanted = Some(Arc::clone(answer));
        self.0.serve(state);
        let resume = state.is_paused && state.end.is_none() && state.is_hungry();
        state.is_paused &= !resume;
        resume
    }
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        self.shared.cancelled.store(true, Relaxed);
        self.shared.lock().wanted = None;
        self.shared.run_hooks();
    }
}
