//! What the duplex model changes about turn-taking, where it is asked.

mod world;

use duplex_core::{Policy, Sources, Speaker};
use world::{Says, World};

const STORY: &[&str] =
    &["Once upon a time there was a dog.", " It lived in a small house by the sea."];

fn says(from: u64, to: u64, words: &'static str) -> Says {
    Says { from, to, words, end: 950 }
}

/// A user who asks for a story at first.
fn story(sources: Sources, then: Says) -> World {
    let policy = Policy { sources, ..world::policy() };
    World::with_policy(&[says(500, 1500, "Tell me a story."), then], policy).reply("story", STORY)
}

#[test]
fn it_is_asked_only_where_the_policy_says_so() {
    let then = || says(3_000, 4_500, "Two coffees for us please.");
    let mut world = story(Sources::Acoustic, then());
    world.idle = |_| 1000;
    world.run(9_000);
    assert!(world.decided.is_empty());
    let mut world = story(Sources::Both, then());
    world.run(9_000);
    assert!(!world.decided.is_empty());
}

#[test]
fn words_that_it_would_not_answer_are_not_answered() {
    let then = says(8_000, 9_500, "Two coffees for us please.");
    for (idle, answered) in [(990, false), (500, true)] {
        let mut world = story(Sources::Both, then.clone());
        world.idle = if idle == 990 {
            |context| if context.user.contains("please") { 990 } else { 10 }
        } else {
            |_| 300
        };
        world.run(20_000);
        let replies = world.trace.matches("speak").count();
        assert_eq!(replies, 1 + usize::from(answered), "{}", world.trace);
        let noise = world.trace.contains("Noise \"Two coffees for us please.\"");
        assert_eq!(noise, !answered, "{}", world.trace);
    }
}

#[test]
fn what_follows_words_that_it_would_not_answer_is_one_turn_with_them() {
    let policy = Policy { sources: Sources::Both, ..world::policy() };
    let user = [says(500, 1500, "I would like to know."), says(3_000, 4_000, "How far it is.")];
    let mut world = World::with_policy(&user, policy);
    world.idle = |context| if context.user.contains("is.") { 20 } else { 990 };
    world.run(10_000);
    let lines = world.session.transcript().lines();
    assert_eq!(lines[0].text, "I would like to know. How far it is.", "{}", world.trace);
    assert_eq!(lines[0].speaker, Speaker::User);
}

#[test]
fn a_sentence_that_it_takes_for_somebody_elses_does_not_end_the_reply() {
    let then = says(3_000, 4_200, "Two coffees for us please.");
    for (idle, stops) in [(20, 0), (500, 1)] {
        let mut world = story(Sources::Both, then.clone());
        world.idle = if idle == 20 { |_| 20 } else { |_| 500 };
        world.run(9_000);
        assert_eq!(world.cancelled.len(), stops, "{}", world.trace);
    }
}

#[test]
fn two_unknown_words_take_the_floor_where_it_would_fall_silent() {
    let then = says(3_000, 3_600, "Blue whales.");
    for (idle, stops) in [(990, 1), (20, 0)] {
        let mut world = story(Sources::Both, then.clone());
        world.idle = if idle == 990 {
            |context| if context.user.contains("whales") { 990 } else { 10 }
        } else {
            |_| 20
        };
        world.run(9_000);
        assert_eq!(world.cancelled.len(), stops, "{}", world.trace);
    }
}

#[test]
fn short_words_to_which_it_yields_are_answered_and_not_taken_back_at_once() {
    let user = says(3_000, 3_600, "Blue whales.");
    let mut world = story(Sources::Both, user).reply("whales", &["They are large."]);
    // While the assistant speaks, its words are in slices: it should fall silent. Then it should answer.
    world.idle = |context| {
        let speaks = context.slices.iter().any(|slice| !slice.assistant.is_empty());
        if context.user.contains("whales") && speaks { 990 } else { 10 }
    };
    world.run(9_000);
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
    assert!(world.resumed.is_empty(), "{}", world.trace);
    assert!(world.trace.contains("Turn \"Blue whales.\""), "{}", world.trace);
    assert!(world.trace.contains("finished \"They are large.\""), "{}", world.trace);
}

#[test]
fn a_reply_that_was_cut_for_words_that_it_would_not_answer_resumes() {
    let user = says(3_000, 4_200, "Two coffees for us please.");
    let mut world = story(Sources::Both, user);
    world.idle = |context| {
        let speaks = context.slices.iter().any(|slice| !slice.assistant.is_empty());
        match (context.user.contains("please"), speaks) {
            (true, true) => 500,
            (true, false) => 990,
            _ => 10,
        }
    };
    world.run(20_000);
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
    assert_eq!(world.resumed.len(), 1, "{}", world.trace);
    let last = world.session.transcript().lines().last().unwrap();
    assert_eq!((last.text.as_str(), last.speaker), (STORY.concat().as_str(), Speaker::Assistant));
}

#[test]
fn what_it_would_not_answer_at_once_it_may_answer_after_a_slice_of_silence() {
    let policy = || Policy { sources: Sources::Both, ..world::policy() };
    let user = [says(500, 1500, "I have never understood diamonds.")];
    let mut waits = World::with_policy(&user, policy());
    waits.idle = |context| if context.silence == 0 { 990 } else { 20 };
    waits.run(8_000);
    let spoke = waits.audible.first().map(|(at, _)| at.as_millis());
    let slice = policy().decision_slice.as_millis();
    assert!(spoke.is_some_and(|at| (1_500 + slice..4_000).contains(&at)), "{}", waits.trace);
    let asked: Vec<u32> = waits.decided.iter().map(|context| context.silence).collect();
    assert!(asked.ends_with(&[0, 1]), "{asked:?}");

    let mut ignores = World::with_policy(&user, policy());
    ignores.idle = |_| 990;
    ignores.run(8_000);
    assert!(ignores.audible.is_empty(), "{}", ignores.trace);
    let asked: Vec<u32> = ignores.decided.iter().map(|context| context.silence).collect();
    assert!(asked.ends_with(&[0, 1, 2, 3, 4]), "{asked:?}");
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let then = || says(3_000, 4_200, "Two coffees for us please.");
    let mut without = story(Sources::Acoustic, then());
    without.run(12_000);
    let mut late = story(Sources::Both, then());
    late.latencies.decision = 5_000;
    late.idle = |_| 1000;
    late.run(12_000);
    let order = |trace: &str| -> Vec<String> {
        let lines = trace.lines().map(|line| line.trim_start().split_once(' ').unwrap().1);
        lines.filter(|line| !line.starts_with("cut by")).map(str::to_owned).collect()
    };
    assert_eq!(order(&late.trace), order(&without.trace));
}

#[test]
fn it_is_shown_what_both_sides_said_in_slices_of_few_words() {
    let mut world = story(Sources::Both, says(3_000, 4_200, "Two coffees for us please."));
    world.idle = |_| 20;
    world.run(9_000);
    for context in &world.decided {
        let sides = context.slices.iter().flat_map(|said| [&said.user, &said.assistant]);
        for text in sides.chain([&context.user]) {
            assert!(text.split(' ').count() <= 3, "{context:?}");
        }
        assert!(context.slices.iter().all(|it| !(it.user.is_empty() && it.assistant.is_empty())));
    }
    let joined = |parts: Vec<&str>| {
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let last = world.decided.iter().rfind(|context| context.user.contains("please")).unwrap();
    let user = last.slices.iter().map(|it| it.user.as_str()).chain([last.user.as_str()]);
    assert_eq!(joined(user.collect()), "Tell me a story. Two coffees for us please.");
    let heard = joined(last.slices.iter().map(|it| it.assistant.as_str()).collect());
    assert!(!heard.is_empty() && STORY.concat().starts_with(&heard), "{heard}");
    // The reply begins in the slice in which the question ends.
    let end = last.slices.iter().find(|said| said.user.contains("story.")).unwrap();
    assert!(end.assistant.starts_with("Once"), "{last:?}");
}

#[test]
fn it_prefills_the_users_words_while_they_speak_and_a_reply_once_it_is_over() {
    let policy = Policy { sources: Sources::Both, ..world::policy() };
    let question = "I would like to know why people who live by the sea tell every story twice.";
    let user = [says(500, 6_500, question)];
    let mut world = World::with_policy(&user, policy).reply("story", STORY);
    world.idle = |_| 20;
    world.run(20_000);
    let asked = &world.decided[0];
    let during: Vec<_> =
        world.prefilled.iter().filter(|context| context.lines.new.is_empty()).collect();
    let most = during.iter().map(|context| context.slices.len()).max();
    assert!(most.is_some_and(|most| most + 2 >= asked.slices.len()), "{asked:?}\n{most:?}");
    assert!(during.iter().all(|context| asked.slices.starts_with(&context.slices)), "{during:?}");
    // The reply is over: both turns are plain text, and nothing is left in slices.
    let over = world.prefilled.last().unwrap();
    let lines: Vec<&str> = over.lines.new.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, [question, &STORY.concat()]);
    assert!(over.slices.is_empty());

    let mut without = World::new(&user).reply("story", STORY);
    without.run(20_000);
    assert!(without.prefilled.is_empty());
}
