//! What the session thread discards when a turn is cancelled or dropped.

use std::sync::{Arc, Mutex, mpsc::Receiver};

use duplex_audio::{ACTIVITY_WINDOW, Speaker};
use duplex_core::{Action, Event, Notice, Samples, SessionTime, Turn};

use super::{PLAYED, audio, client, fakes::Fake, window};
use crate::{
    CallOptions, SessionStep,
    job::{Client, SessionMessage},
    jobs::{ModelKind, Work},
    session_driver::{QUEUE, SessionDriver},
};

/// Every event, with what the session did about it.
type Seen = Arc<Mutex<Vec<(Event, Vec<Action>)>>>;

/// A session thread without a thread: what it asks for is collected, and answered when the test says so.
struct Scene {
    driver: SessionDriver,
    speaker: Speaker,
    now: SessionTime,
    asked: Vec<Work>,
    seen: Seen,
    /// All models.
    fake: Fake,
    client: Client,
    answers: Receiver<SessionMessage>,
}

impl Scene {
    fn new() -> Self {
        let (playout, speaker) = duplex_audio::playout(QUEUE);
        let seen = Seen::default();
        let observer = {
            let seen = Arc::clone(&seen);
            Box::new(move |step: SessionStep<'_>| {
                seen.lock().unwrap().push((step.event.clone(), step.actions.to_vec()));
            })
        };
        let driver = SessionDriver::new(CallOptions::default(), playout, observer).unwrap();
        let (client, answers) = client(0);
        let (now, asked, fake) = (SessionTime(0), Vec::new(), Fake::default());
        Self { driver, speaker, now, asked, seen, fake, client, answers }
    }

    fn handle(&mut self, message: SessionMessage) {
        let Self { asked, client, .. } = self;
        self.driver.handle(self.now, message, &mut |mut work| {
            if work.begin(client) {
                asked.push(work);
            }
            Ok(())
        });
    }

    /// So many milliseconds of the user's sound or silence; gives what was played meanwhile.
    fn hears(&mut self, millis: u64, speech: bool) -> Vec<f32> {
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
    fn answer(&mut self, keep: fn(&Work) -> bool) {
        while let Some(index) = self.asked.iter().position(|work| !keep(work)) {
            let (fake, client) = (&mut self.fake, &self.client);
            match self.asked.remove(index) {
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
    fn waits_for(&mut self, what: fn(&Action) -> bool) {
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
    fn did(&self, what: fn(&Action) -> bool) -> bool {
        self.seen.lock().unwrap().iter().any(|(_, actions)| actions.iter().any(what))
    }

    /// Turns whose words or audio the session has taken in after the call's `from`-th event.
    fn taken_in(&self, from: usize) -> Vec<Turn> {
        self.seen.lock().unwrap()[from..].iter().filter_map(|(event, _)| event.turn()).collect()
    }

    fn events(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The user has asked, and the assistant speaks.
    fn speaking() -> Self {
        let mut scene = Self::new();
        scene.hears(1_000, true);
        scene.waits_for(|action| matches!(action, Action::Speak(_)));
        let played = scene.hears(200, false);
        assert!(played.iter().any(|sample| *sample > 0.1), "the assistant is heard");
        scene
    }
}

#[test]
fn nothing_of_a_cancelled_turn_is_heard_or_taken_in_afterwards() {
    let mut scene = Scene::speaking();
    scene.fake.words = "Stop.";
    scene.hears(500, true);
    scene.hears(64, false);
    scene.answer(|_| false);
    assert!(scene.did(|action| matches!(action, Action::Cancel(Turn(1)))));
    assert!(scene.driver.cancellation.is_cancelled(Turn(1)), "models are told to stop early");
    // What fades out is over within a window; what comes of the turn after that is late.
    scene.hears(64, false);
    let before = scene.events();
    scene.handle(audio(Turn(1), 1));
    let written = Event::Written { turn: Turn(1), text: " More.".to_owned(), last: true };
    scene.handle(SessionMessage::Event(written));
    let played = scene.hears(1_000, false);
    assert!(played.iter().all(|sample| *sample == 0.0), "nothing is heard any more");
    let taken_in = scene.taken_in(before);
    // The words reach the session, whose gate lets nothing of the turn pass; the audio does not even get there.
    assert_eq!(taken_in, [Turn(1)]);
    let said = scene.driver.session().transcript().lines();
    assert!(said.iter().all(|line| !line.text.contains("More")), "{said:?}");
}

#[test]
fn a_reply_that_was_prepared_and_dropped_is_never_heard() {
    let mut scene = Scene::new();
    scene.hears(1_000, true);
    scene.hears(96, false);
    // The recogniser and the reply model answer; the voice is still at work when the user goes on.
    let slow = |work: &Work| matches!(work.model(), ModelKind::Voice | ModelKind::EndOfTurn);
    scene.answer(slow);
    assert!(scene.asked.iter().any(|work| work.model() == ModelKind::Voice));
    scene.fake.words = "Tell me a story about the sea.";
    scene.hears(1_000, true);
    scene.hears(64, false);
    scene.answer(slow);
    let dropped =
        |action: &Action| matches!(action, Action::Notify(Notice::Dropped { turn: Turn(1), .. }));
    assert!(scene.did(dropped));
    let before = scene.events();
    scene.handle(audio(Turn(1), 1));
    assert!(scene.taken_in(before).is_empty(), "its audio is discarded");
    assert!(!scene.did(|action| matches!(action, Action::Speak(Turn(1)))));
}

#[test]
fn a_turn_after_the_cancelled_one_is_heard() {
    let mut scene = Scene::speaking();
    scene.fake.words = "What is known about the moon?";
    scene.hears(1_500, true);
    scene.waits_for(|action| matches!(action, Action::Speak(Turn(turn)) if *turn > 1));
    assert!(scene.did(|action| matches!(action, Action::Cancel(Turn(1)))));
    let played = scene.hears(300, false);
    assert!(played.iter().any(|sample| *sample > 0.1), "the second answer is heard");
}
