//! What the session thread discards when a turn is cancelled or dropped.

use duplex_core::{Action, Command, ConversationEvent, Event, Turn};

use super::{audio, scene::Scene};
use crate::{
    job::SessionMessage,
    jobs::{ModelKind, Work},
};

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
    // All models answer but the voice, which is still at work when the user goes on.
    let slow = |work: &Work| work.model() == ModelKind::Voice;
    scene.answer(slow);
    assert!(scene.models.asked.iter().any(|work| work.model() == ModelKind::Voice));
    scene.fake.words = "Tell me a story about the sea.";
    scene.hears(1_000, true);
    scene.hears(64, false);
    scene.answer(slow);
    let dropped = |action: &Action| {
        matches!(action, Action::Notify(ConversationEvent::ReplyDropped { reply: Turn(1), .. }))
    };
    assert!(scene.did(dropped));
    let before = scene.events();
    scene.handle(audio(Turn(1), 1));
    assert!(scene.taken_in(before).is_empty(), "its audio is discarded");
    assert!(!scene.did(|action| matches!(action, Action::Speak(Turn(1)))));
}

#[test]
fn a_turn_after_the_cancelled_one_is_heard() {
    let mut scene = Scene::speaking();
    scene.commands(Command::Cancel);
    assert!(scene.did(|action| matches!(action, Action::Cancel(Turn(1)))));
    scene.fake.words = "What is known about the moon?";
    scene.hears(1_500, true);
    scene.waits_for(|action| matches!(action, Action::Speak(Turn(turn)) if *turn > 1));
    let played = scene.hears(300, false);
    assert!(played.iter().any(|sample| *sample > 0.1), "the second answer is heard");
}
