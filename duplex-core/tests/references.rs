//! The policies for comparison do what they are named after.

mod world;

use duplex_core::{Action, ConversationEvent, Policy};
use world::{Says, World};

const STORY: &[&str] =
    &["Once upon a time there was a dog.", " It lived in a small house by the sea."];

fn story(policy: Policy, then: Says) -> World {
    let question = Says { from: 500, to: 1500, words: "Tell me a story.", end: 950 };
    World::with_policy(&[question, then], policy)
        .reply("story", STORY)
        .reply("moon", &["The moon is far away."])
}

fn moon() -> Says {
    Says { from: 4_000, to: 5_500, words: "Wait, what about the moon?", end: 950 }
}

#[test]
fn barge_in_stops_for_a_cough_and_never_resumes() {
    let cough = Says { from: 4_000, to: 4_320, words: "", end: 500 };
    let mut world = story(Policy::barge_in(), cough);
    world.run(12_000);
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
    let silent_from = *world.cancelled.values().next().unwrap();
    assert!(world.audible.iter().all(|(at, _)| *at <= silent_from), "{}", world.trace);
    // Nor is anybody told to wait for it.
    let waits = |action: &Action| {
        matches!(action, Action::Notify(ConversationEvent::ReplyCancelled { may_resume: true, .. }))
    };
    assert!(!world.actions.iter().any(waits), "{}", world.trace);
}

#[test]
fn barge_in_answers_an_interruption_after_800_ms_of_silence() {
    let mut world = story(Policy::barge_in(), moon());
    world.run(14_000);
    let answer = world.audible.iter().find(|(at, _)| at.as_millis() > 5_500).unwrap().0;
    assert!((6_272..6_500).contains(&answer.as_millis()), "{}", world.trace);
    assert_eq!(world.session.transcript().lines()[3].text, "The moon is far away.");
}

#[test]
fn the_turn_based_assistant_hears_nothing_while_it_speaks() {
    let mut world = story(Policy::turn_based(), moon());
    world.run(14_000);
    assert!(world.cancelled.is_empty(), "{}", world.trace);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1].text, STORY.concat());
}
