//! What holds in every conversation, whatever is said and however slow the models are.

mod world;

use duplex_core::{Action, ConversationEvent, DuplexSession, Policy, Samples, Sources, Speaker};
use proptest::prelude::*;
use world::{
    Latencies, SAMPLES_PER_BYTE, Says, World, ms,
    random::{Sayings, latencies, user},
};

const SAYINGS: Sayings = &[
    ("Tell me a story.", 1_000, 950),
    ("What about the moon?", 1_300, 900),
    ("Uh-huh.", 500, 800),
    ("Okay.", 450, 700),
    ("Stop.", 500, 950),
    ("", 200, 300),
    ("", 2_000, 300),
    ("I was wondering if you could", 1_400, 40),
    ("Yeah, but what about the moon?", 1_500, 930),
    ("word word word word word word word word word word word word word word word", 6_000, 200),
];

fn replies(world: World) -> World {
    world
        .reply("story", &["Once upon a time, ", "there was a dog. ", "It lived by the sea."])
        .reply("moon", &["The moon is far away, ", "and it has no air."])
}

/// Every model that can be asked is asked.
fn policy() -> Policy {
    Policy { sources: Sources::Both, ..world::policy() }
}

fn play(user: &[Says], latencies: Latencies) -> World {
    let mut world = replies(World::with_policy(user, policy()));
    // Anything below `surely_idle`: from there on there may be no answer.
    world.idle = |context| (context.user.len() as u16 * 137) % 950;
    world.latencies = latencies;
    let end = user.last().map_or(0, |says| says.to);
    world.run(end + 20_000);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_a_cancelled_turn_is_heard_afterwards(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let world = play(&user, latencies);
        for (at, turn) in &world.audible {
            if let Some(cancelled) = world.cancelled.get(turn) {
                prop_assert!(at <= cancelled, "{turn:?} at {at:?}\n{}", world.trace);
            }
        }
    }

    #[test]
    fn a_cut_line_holds_the_words_that_were_heard_to_their_end(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let world = play(&user, latencies);
        for (heard, unheard, played) in &world.cuts {
            let whole = format!("{heard}{unheard}");
            let bytes = (played / SAMPLES_PER_BYTE) as usize;
            // A word is heard once playout reaches the space behind it.
            prop_assert!(heard.trim_end().len() <= bytes, "{heard:?} of {whole:?} at {bytes}");
            let next = unheard.trim_start().find(' ').unwrap_or(unheard.trim_start().len());
            let next_end = whole.len() - unheard.trim_start().len() + next;
            prop_assert!(next_end + 1 >= bytes, "{heard:?} of {whole:?} at {bytes}");
        }
    }

    #[test]
    fn every_sound_is_recognised_soon(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let patience = Samples::from_millis(2 * 640 + 800 + 2 * latencies.recogniser + 200);
        let world = play(&user, latencies);
        for says in &user {
            let mut at = ms(says.from);
            while at < ms(says.to) {
                let asked = world.recognitions.iter().any(|(when, from, to)| {
                    *from <= at && *to >= at && *when <= at + patience
                });
                prop_assert!(asked, "{at:?} of {says:?} was not recognised\n{}", world.trace);
                at = at + Samples::from_millis(100);
            }
        }
        prop_assert!(world.most_outstanding <= 1);
    }

    #[test]
    fn a_question_at_the_end_is_always_answered(user in user(SAYINGS, 1..7), latencies in latencies(), gap in 2_500u64..6_000) {
        let mut user = user;
        let from = user.last().map_or(0, |says| says.to) + gap;
        user.push(Says { from, to: from + 1_300, words: "Now tell me about the moon.", end: 900 });
        let world = play(&user, latencies);
        let lines = world.session.transcript().lines();
        let last = lines.last().expect("somebody spoke");
        prop_assert_eq!(last.speaker, Speaker::Assistant, "{}", world.trace);
        prop_assert!(lines.iter().any(|line| line.text.contains("tell me about the moon")), "{}", world.trace);
    }

    #[test]
    fn the_voice_is_never_left_low_or_held(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let world = play(&user, latencies);
        prop_assert!(!world.gain_low && !world.held, "{}", world.trace);
    }

    #[test]
    fn the_same_events_give_the_same_actions(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let world = play(&user, latencies);
        let mut again = DuplexSession::new(policy());
        let actions: Vec<Action> =
            world.log.iter().flat_map(|(at, event)| again.step(*at, event.clone())).collect();
        prop_assert_eq!(&actions, &world.actions);
        prop_assert_eq!(again.transcript(), world.session.transcript());
    }

    #[test]
    fn every_reply_that_was_released_ends_or_is_cut(user in user(SAYINGS, 1..7), latencies in latencies()) {
        let world = play(&user, latencies);
        let spoken = world.actions.iter().filter(|action| matches!(action, Action::Speak(_))).count();
        let ended = world.shown.iter().filter(|(_, event)| {
            matches!(event, ConversationEvent::ReplyEnded { cut: None, .. } | ConversationEvent::ReplyCancelled { .. })
        }).count();
        prop_assert_eq!(spoken, ended, "{}", world.trace);
    }
}
