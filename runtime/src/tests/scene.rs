//! A session thread without a thread.

use std::sync::{Arc, Mutex, mpsc::Receiver};

use duplex_audio::{ACTIVITY_WINDOW, Speaker};
use duplex_core::{Action, Event, Samples, SessionChange, SessionTime, Turn};

use super::{PLAYED, client, fakes::Fake, window};
use crate::{
    CallOptions, SessionError, SessionStep,
    engine::Models,
    job::{Client, SessionMessage},
    jobs::Work,
    session_driver::{QUEUE, SessionDriver},
    settings::Settings,
};

/// Every event, with what the session did about it.
pub(super) type Seen = Arc<Mutex<Vec<(Event, Vec<Action>)>>>;

/// A session thread without a thread: what it asks for is collected, and answered when the test says so.
pub(super) struct Scene {
    pub(super) driver: SessionDriver,
    speaker: Speaker,
    pub(super) now: SessionTime,
    pub(super) models: Collecting,
    pub(super) seen: Seen,
    /// All models.
    pub(super) fake: Fake,
    answers: Receiver<SessionMessage>,
}

/// Models that collect what they are asked.
pub(super) struct Collecting {
    pub(super) asked: Vec<Work>,
    client: Client,
}

impl Models for Collecting {
    fn submit(&mut self, mut work: Work) -> Result<(), Work> {
        if work.begin(&self.client) {
            self.asked.push(work);
        }
        Ok(())
    }

    fn changed(&self, change: &SessionChange) -> Result<Settings, SessionError> {
        let options = self.client.settings.options.clone().changed(change);
        let replies = [("fake".to_owned(), None)];
        Settings::of(&options, "", &Arc::default(), &replies, &["fake".to_owned()])
    }

    fn set(&mut self, settings: Settings) {
        self.client.settings = Arc::new(settings);
    }
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(CallOptions::default())
    }

    pub(super) fn with(options: CallOptions) -> Self {
        let (playout, speaker) = duplex_audio::playout(QUEUE);
        let seen = Seen::default();
        let observer = {
            let seen = Arc::clone(&seen);
            Box::new(move |step: SessionStep<'_>| {
                seen.lock().unwrap().push((step.event.clone(), step.actions.to_vec()));
            })
        };
        let driver = SessionDriver::new(options, playout, observer).unwrap();
        let (client, answers) = client(0);
        let models = Collecting { asked: Vec::new(), client };
        Self { driver, speaker, now: SessionTime(0), models, seen, fake: Fake::default(), answers }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.models.client.settings
    }

    pub(super) fn handle(&mut self, message: SessionMessage) {
        self.driver.handle(self.now, message, &mut self.models);
    }

    /// So many milliseconds of the user's sound or silence; gives what was played meanwhile.
    pub(super) fn hears(&mut self, millis: u64, speech: bool) -> Vec<f32> {
        let mut played = Vec::new();
        for _ in 0..Samples::from_millis(millis).0 / ACTIVITY_WINDOW as u64 {
            let mut out = [0.0; PLAYED];
            self.speaker.fill(&mut out);
            played.extend(out);
            self.now = self.now + Samples(ACTIVITY_WINDOW as u64);
            self.handle(window(self.now, speech));
        }
        played
    }

    /// Answers all that was asked, but for work of the kinds that `keep` says.
    pub(super) fn answer(&mut self, keep: fn(&Work) -> bool) {
        while let Some(index) = self.models.asked.iter().position(|work| !keep(work)) {
            let (fake, client) = (&mut self.fake, &self.models.client);
            match self.models.asked.remove(index) {
                Work::Recogniser(job) => (job.work)(fake, client, &|| false),
                Work::EndOfTurn(job) | Work::DuplexModel(job) => {
                    (job.work)(fake, client, &|| false)
                }
                Work::Reply(job) => (job.work)(fake, client, &|| false),
                Work::Voice(job) => (job.work)(fake, client, &|| false),
            }
            while let Ok(message) = self.answers.try_recv() {
                self.handle(message);
            }
        }
    }

    /// Silence, and answers to all that is asked, until this is done.
    pub(super) fn waits_for(&mut self, what: fn(&Action) -> bool) {
        for _ in 0..100 {
            self.hears(32, false);
            self.answer(|_| false);
            if self.did(what) {
                return;
            }
        }
        panic!("it was not done within three seconds");
    }

    /// Whether an action of this kind was seen.
    pub(super) fn did(&self, what: fn(&Action) -> bool) -> bool {
        self.seen.lock().unwrap().iter().any(|(_, actions)| actions.iter().any(what))
    }

    /// Turns whose words or audio the session has taken in after the call's `from`-th event.
    pub(super) fn taken_in(&self, from: usize) -> Vec<Turn> {
        self.seen.lock().unwrap()[from..].iter().filter_map(|(event, _)| event.turn()).collect()
    }

    pub(super) fn events(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The user has asked, and the assistant speaks.
    pub(super) fn speaking() -> Self {
        let mut scene = Self::new();
        scene.hears(1_000, true);
        scene.waits_for(|action| matches!(action, Action::Speak(_)));
        let played = scene.hears(200, false);
        assert!(played.iter().any(|sample| *sample > 0.1), "the assistant is heard");
        scene
    }
}
