//! What a program asks of a call, on the session's thread.

use std::sync::{
    atomic::{AtomicBool, Ordering::Relaxed},
    mpsc::{Receiver, channel},
};

use duplex_audio::ACTIVITY_WINDOW;
use duplex_core::{
    Action, Command, CommandId, ConversationEvent, Event, Permille, Refusal, Samples,
    SessionChange, SessionTime, VadFrame,
};

use super::{PATIENCE, PLAYED, fakes::Fakes, scene::Scene, window};
use crate::{
    CallHandle, CallOptions, CommandError, SessionStep, Stop,
    call::converse,
    inbox::{Inbox, inbox},
    job::SessionMessage,
    jobs::{ModelKind, Work},
    session_driver::{QUEUE, SessionDriver},
    settings::Settings,
};

impl Scene {
    pub(super) fn commands(&mut self, command: Command) {
        let id = CommandId(7);
        self.handle(SessionMessage::Event(Event::Command { id, command }));
    }

    /// A window of loud speech.
    fn hears_loudly(&mut self) {
        self.now = self.now + Samples(ACTIVITY_WINDOW as u64);
        let frame =
            VadFrame { speech: true, probability: Permille(950), level: -20, high_band_snr: 20 };
        let cleaned = vec![0.5; ACTIVITY_WINDOW];
        self.handle(SessionMessage::Sound { end: self.now, cleaned, frame });
    }

    fn shown(&self) -> Vec<ConversationEvent> {
        let seen = self.seen.lock().unwrap();
        let actions = seen.iter().flat_map(|(_, actions)| actions.clone());
        let shown = actions.filter_map(|action| match action {
            Action::Notify(event) => Some(event),
            _ => None,
        });
        shown.collect()
    }

    fn refusal(&self) -> Option<Refusal> {
        self.shown().into_iter().find_map(|event| match event {
            ConversationEvent::Refused { command: CommandId(7), reason, .. } => Some(reason),
            _ => None,
        })
    }
}

fn change(change: SessionChange) -> Command {
    Command::Configure(Box::new(change))
}

#[test]
fn what_is_said_while_the_microphone_is_muted_reaches_no_model_and_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.journal");
    let mut scene =
        Scene::with(CallOptions { journal: Some(path.clone()), ..CallOptions::default() });
    for _ in 0..30 {
        scene.hears_loudly();
    }
    scene.commands(Command::Mute);
    for _ in 0..30 {
        scene.hears_loudly();
    }
    scene.driver.finish();
    // The words before it are recognised, with silence behind them.
    let muted_at = 30 * ACTIVITY_WINDOW as u64;
    let Some(Work::Recogniser(_)) =
        scene.models.asked.iter().rfind(|work| work.model() == ModelKind::Recogniser)
    else {
        panic!("what was said before is recognised");
    };
    let history = scene.driver.history();
    let heard = |from, to| history.range(from, to).samples;
    assert!(heard(0, muted_at).iter().all(|sample| *sample == 0.5));
    assert!(heard(muted_at, 2 * muted_at).iter().all(|sample| *sample == 0.0));
    let journal = std::fs::read_to_string(path).unwrap();
    let after = journal.lines().skip_while(|line| !line.contains("mute")).skip(1);
    let (loud, all): (Vec<_>, Vec<_>) = after.partition(|line| line.contains("\"speech\":true"));
    assert!(loud.is_empty() && all.len() >= 30, "{loud:?}");
}

#[test]
fn settings_that_do_not_exist_are_refused_by_name_and_nothing_changes() {
    let mut scene = Scene::new();
    let voice = Some("nobody".to_owned());
    scene.commands(change(SessionChange { voice, ..SessionChange::default() }));
    let Some(Refusal::Setting(why)) = scene.refusal() else { panic!("it is refused") };
    assert!(why.contains("nobody") && why.contains("fake"), "{why}");
    assert!(!scene.did(|action| matches!(action, Action::Configure(_))));
}

#[test]
fn a_change_is_in_force_from_the_next_reply_on() {
    let mut scene = Scene::speaking();
    let instructions = Some("Be brief.".to_owned());
    scene.commands(change(SessionChange {
        instructions,
        speed: Some(1_500),
        ..SessionChange::default()
    }));
    assert_eq!((scene.refusal(), scene.settings().speed), (None, 1.0));
    scene
        .waits_for(|action| matches!(action, Action::Notify(ConversationEvent::ReplyEnded { .. })));
    scene.hears(64, false);
    assert_eq!((&*scene.settings().instructions, scene.settings().speed), ("Be brief.", 1.5));
}

#[test]
fn nothing_is_heard_of_a_cancelled_reply_once_it_has_faded_out() {
    let mut scene = Scene::speaking();
    scene.commands(Command::Cancel);
    let played = scene.hears(320, false);
    let fade = duplex_audio::playout::FLUSH_FADE;
    assert!(played[..fade].iter().any(|sample| *sample > 0.0), "it does not end with a click");
    assert!(played[fade..].iter().all(|sample| *sample == 0.0));
    assert!(scene.did(|action| matches!(action, Action::Cancel(_))));
}

#[test]
fn commands_of_a_script_are_sent_at_their_moments() {
    let at = SessionTime::default() + Samples::from_millis(500);
    let script = vec![(at, Command::Unmute), (SessionTime(0), Command::Mute)];
    let mut scene = Scene::with(CallOptions { script, ..CallOptions::default() });
    scene.hears(1_000, false);
    let seen = scene.seen.lock().unwrap().clone();
    let commands = seen.iter().filter(|(event, _)| matches!(event, Event::Command { .. }));
    let commands: Vec<_> = commands.map(|(event, _)| event.clone()).collect();
    let sent = |id, command| Event::Command { id: CommandId(id), command };
    assert_eq!(commands, [sent(1, Command::Mute), sent(2, Command::Unmute)]);
}

/// The sound of a live call, a window of silence at a time, and what the call shows.
struct Sound {
    inbox: Inbox,
    now: SessionTime,
    steps: Receiver<(bool, Vec<ConversationEvent>)>,
}

impl Sound {
    /// Sends windows, each once the one before was stepped, until this is shown.
    fn until(&mut self, what: fn(&ConversationEvent) -> bool) {
        let mut is_shown = false;
        while !is_shown {
            self.now = self.now + Samples(ACTIVITY_WINDOW as u64);
            self.inbox.sound(self.now, window(self.now, false));
            let mut is_stepped = false;
            while !is_stepped && !is_shown {
                let (is_window, shown) = self.steps.recv_timeout(PATIENCE).unwrap();
                is_stepped = is_window;
                is_shown |= shown.iter().any(what);
            }
        }
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.inbox.leave();
    }
}

#[test]
fn a_program_steers_a_live_call_from_another_thread_and_ends_it() {
    use ConversationEvent::{CallEnded, ReplyEnded, ReplyLatency, UserTurn};
    let workers = Fakes::default().start();
    let (playout, mut speaker) = duplex_audio::playout(QUEUE);
    let (shown, steps) = channel();
    let observer = Box::new(move |step: SessionStep<'_>| {
        let is_window = matches!(step.event, Event::VoiceActivity(_));
        _ = shown.send((is_window, step.conversation().cloned().collect::<Vec<_>>()));
    });
    let driver = SessionDriver::new(CallOptions::default(), playout, observer).unwrap();
    let (inbox, messages) = inbox(64);
    let handle = CallHandle::new(inbox.clone(), 0);
    let mut sound = Sound { inbox: inbox.clone(), now: SessionTime(0), steps };
    let is_over = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                speaker.fill(&mut [0.0; PLAYED]);
                std::thread::yield_now();
            }
        });
        let program = scope.spawn(move || {
            let text = Command::UserText("Tell me a story.".to_owned());
            assert_eq!(handle.send(text), Ok(CommandId(1)));
            sound.until(|it| matches!(it, UserTurn { typed: true, .. }));
            sound.until(|it| matches!(it, ReplyLatency { .. } | ReplyEnded { .. }));
            handle.send(Command::Say { text: "Goodbye.".to_owned(), interruptible: true }).unwrap();
            handle.send(Command::End).unwrap();
            sound.until(|it| *it == CallEnded);
            handle
        });
        let settings = Settings::default();
        let outcome = converse(driver, &workers, settings, &inbox, &messages, &Stop::default());
        let handle = program.join().unwrap();
        is_over.store(true, Relaxed);
        drop(messages);
        assert_eq!(handle.send(Command::Mute), Err(CommandError::Over));
        outcome
    });
    let said: Vec<_> = outcome.transcript.iter().map(|line| line.text.as_str()).collect();
    assert_eq!((said[0], said.last()), ("Tell me a story.", Some(&"Goodbye.")));
    assert!(outcome.error.is_none());
}

#[test]
fn a_handle_names_the_reason_why_a_command_does_not_reach_the_call() {
    let (inbox, messages) = inbox(1);
    let handle = CallHandle::new(inbox, 3);
    let long = Command::UserText("word ".repeat(200_000));
    let most = Command::LONGEST_TEXT;
    assert_eq!(handle.send(long), Err(CommandError::Refused(Refusal::TooLong { most })));
    assert_eq!(handle.send(Command::Mute), Ok(CommandId(4)));
    assert_eq!(handle.send(Command::Unmute), Err(CommandError::Busy));
    assert!(messages.next().is_some());
    drop(messages);
    assert_eq!(handle.send(Command::Mute), Err(CommandError::Over));
}
