//! A live conversation.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::SyncSender,
    },
    thread::JoinHandle,
};

use duplex_audio::{
    Acoustics, CallAudio, DeviceError, DeviceFormat, FramePair, FrontEndOptions, Playout,
};
use duplex_core::{
    Action, Command, ConversationEvent, Event, Line, Policy, SessionChange, SessionTime,
};

use crate::{
    Engine, JournalError,
    call_handle::CallHandle,
    engine::{Models, Seat, Workers},
    inbox::{Inbox, Messages, inbox},
    job::{Answer, Cancellation, SessionMessage},
    jobs::Work,
    session_driver::SessionDriver,
    settings::{SessionError, SessionOptions, Settings},
    sound::{Frames, listen, pace, sound},
};

/// Messages that wait for the session at most: over 30 s of sound.
const INBOX: usize = 1024;

/// How a call runs.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// The turn-taking.
    pub policy: Policy,
    /// Where the journal is written, if anywhere.
    pub journal: Option<PathBuf>,
    /// Echo cancellation and voice activity.
    pub front_end: FrontEndOptions,
    /// The assistant's level while it is unclear who has the floor, in dB.
    pub duck_db: f32,
    /// Instructions, voice and the like.
    pub session: SessionOptions,
    /// Where the call's sound goes as well, as it was recorded and played: to be written to a file, say. What finds no
    /// room there is lost to it.
    pub tap: Option<SyncSender<FramePair>>,
    /// Commands that are sent by themselves at these moments of the call, numbered from 1 in their order.
    pub script: Vec<(SessionTime, Command)>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            journal: None,
            front_end: FrontEndOptions::default(),
            duck_db: -14.0,
            session: SessionOptions::default(),
            tap: None,
            script: Vec::new(),
        }
    }
}

/// Why a call could not begin, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] JournalError),
    /// The engine does not have what the call asks for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The sound device cannot carry a call.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The system gave no thread, or one of them died.
    #[error("a thread of the call failed: {0}")]
    Thread(String),
}

/// An event, and what the session did about it.
#[derive(Clone, Copy, Debug)]
pub struct SessionStep<'a> {
    /// When.
    pub at: SessionTime,
    /// What happened.
    pub event: &'a Event,
    /// What was done.
    pub actions: &'a [Action],
}

impl<'a> SessionStep<'a> {
    /// What this step shows of the conversation, in order: all that whoever renders a call needs.
    pub fn conversation(&self) -> impl Iterator<Item = &'a ConversationEvent> + use<'a> {
        self.actions.iter().filter_map(|action| match action {
            Action::Notify(event) => Some(event),
            _ => None,
        })
    }
}

/// Counters of a call. All but frames and decisions should be small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Voice activity frames.
    pub frames: u64,
    /// Voice activity frames lost because the inbox was full.
    pub lost: u64,
    /// Frames of a sound device without a clock that came over 20 ms late.
    pub late: u64,
    /// Most messages that waited in the inbox at a time.
    pub deepest_inbox: u64,
    /// Times the duplex model was asked.
    pub decisions: u64,
    /// Times it answered; a question that a newer one overtakes is not answered.
    pub decided: u64,
    /// Jobs that no model took: its thread has ended.
    pub refused: u64,
    /// Answers of models lost because the inbox was full; their jobs count as failed.
    pub unanswered: u64,
    /// Times the playout ran dry in the middle of a clause.
    pub underruns: u64,
}

/// The result of a call.
#[derive(Debug)]
pub struct Outcome {
    /// What was said; of the assistant, what was heard.
    pub transcript: Vec<Line>,
    /// What was counted.
    pub counters: Counters,
    /// How long the call lasted.
    pub lasted: SessionTime,
    /// Why it ended early, where it did.
    pub error: Option<CallError>,
}

/// Ends a call from another thread, or from a signal handler.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the call: it closes within a few frames, and everything said so far is kept.
    pub fn stop(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether somebody did.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A live conversation.
#[derive(Debug)]
pub struct Call {
    handle: CallHandle,
    session: Option<JoinHandle<Outcome>>,
    sound: Option<JoinHandle<()>>,
    stop: Stop,
}

impl Call {
    /// Begins a call on a sound device without a clock of its own: its frames come in real time, from the call's sound
    /// thread. `observer` is called with every event and its actions, on the session's thread: it must not block.
    ///
    /// # Errors
    /// The engine does not have what the call asks for; the journal cannot be made, or a thread cannot be started.
    pub fn start(
        engine: Arc<Engine>,
        acoustics: Box<dyn Acoustics>,
        options: CallOptions,
        stop: Stop,
        observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
    ) -> Result<Self, CallError> {
        let (frames, playout) = Frames::new(&engine, acoustics, &options)?;
        let sound = move |inbox: &Inbox, stop: &Stop| pace(frames, inbox, stop);
        Self::begin(engine, playout, options, stop, observer, sound)
    }

    /// Begins a call on a sound device like `format` that has a clock of its own, and gives the end of the call's sound
    /// for its callbacks. Nothing of the call waits for them, nor they for the call, which is over once the device has
    /// dropped its microphone's end, or `stop` is set. What is played and heard after that goes nowhere.
    ///
    /// # Errors
    /// As for [`start`](Self::start), and [`CallError::Device`] if there is no such device.
    pub fn on_device(
        engine: Arc<Engine>,
        format: DeviceFormat,
        options: CallOptions,
        stop: Stop,
        observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
    ) -> Result<(Self, CallAudio), CallError> {
        let (playout, audio, hearing) = sound(&engine, format, &options)?;
        let sound = move |inbox: &Inbox, stop: &Stop| listen(hearing, inbox, stop);
        Ok((Self::begin(engine, playout, options, stop, observer, sound)?, audio))
    }

    /// Starts both threads; `sound` is what that of the sound does.
    fn begin(
        engine: Arc<Engine>,
        playout: Playout,
        options: CallOptions,
        stop: Stop,
        observer: Box<dyn FnMut(SessionStep<'_>) + Send>,
        sound: impl FnOnce(&Inbox, &Stop) + Send + 'static,
    ) -> Result<Self, CallError> {
        let settings = engine.workers().settings(&options.session)?;
        let commands = options.script.len() as u32;
        let driver = SessionDriver::new(options, playout, observer)?;
        let (inbox, messages) = inbox(INBOX);
        let handle = CallHandle::new(inbox.clone(), commands);
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let thread = |error: std::io::Error| CallError::Thread(error.to_string());
        let sound = {
            let (inbox, stop) = (inbox.clone(), stop.clone());
            spawn("sound").spawn(move || sound(&inbox, &stop))
        }
        .map_err(thread)?;
        let session = {
            let stop = stop.clone();
            spawn("session").spawn(move || {
                converse(driver, engine.workers(), settings, &inbox, &messages, &stop)
            })
        }
        .map_err(thread)?;
        Ok(Self { handle, session: Some(session), sound: Some(sound), stop })
    }

    /// What steers the call, from any thread.
    pub fn handle(&self) -> CallHandle {
        self.handle.clone()
    }

    /// Waits until the user has left, or the call was stopped.
    ///
    /// # Errors
    /// A thread of the call panicked.
    pub fn join(mut self) -> Result<Outcome, CallError> {
        if let Some(sound) = self.sound.take() {
            sound.join().map_err(|_| CallError::Thread("sound".to_owned()))?;
        }
        match self.session.take() {
            Some(session) => session.join().map_err(|_| CallError::Thread("session".to_owned())),
            None => Err(CallError::Thread("session".to_owned())),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// Models that answer into an inbox.
struct Live<'a> {
    seat: Seat<'a>,
    cancellation: Cancellation,
    answer: Answer,
}

impl Models for Live<'_> {
    fn submit(&mut self, work: Work) -> Result<(), Work> {
        self.seat.submit(work, self.cancellation.clone(), Arc::clone(&self.answer))
    }

    fn changed(&self, change: &SessionChange) -> Result<Settings, SessionError> {
        self.seat.changed(change)
    }

    fn set(&mut self, settings: Settings) {
        self.seat.set(settings);
    }
}

/// Steps the session with what arrives in its inbox, until the user has left.
pub(crate) fn converse(
    mut driver: SessionDriver,
    workers: &Workers,
    settings: Settings,
    inbox: &Inbox,
    messages: &Messages,
    stop: &Stop,
) -> Outcome {
    let answer: Answer = {
        let inbox = inbox.clone();
        Arc::new(move |message| inbox.answer(message))
    };
    let cancellation = driver.cancellation.clone();
    let mut models = Live { seat: Seat::open(workers, settings), cancellation, answer };
    // What cannot be done yet is done when it is needed.
    models.seat.opening().into_iter().for_each(|work| _ = models.submit(work));
    while !driver.over
        && let Some((at, message)) = messages.next()
    {
        driver.handle(at, message, &mut models);
        for failure in messages.take_unanswered() {
            driver.handle(at, SessionMessage::Event(Event::Failed(failure)), &mut models);
        }
        if driver.error.is_some() {
            stop.stop();
        }
    }
    driver.finish();
    drop(models);
    messages.count(&mut driver.counters);
    outcome(driver, messages.now())
}

pub(crate) fn outcome(driver: SessionDriver, lasted: SessionTime) -> Outcome {
    Outcome {
        transcript: driver.session().transcript().with_asides(),
        counters: driver.counters,
        lasted,
        error: driver.error,
    }
}
