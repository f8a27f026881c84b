//! What follows from the evidence: nothing that was heard vanishes, and what was done by mistake is undone.

mod world;

use duplex_core::{ConversationEvent, Feature, Policy, SoundKind, Speaker, UserKind, Why};
use world::{Says, World};

const STORY: &[&str] =
    &["Once upon a time there was a dog.", " It lived in a small house by the sea."];

const MOON: &str = "Tell me about the moon.";

fn says(from: u64, to: u64, words: &'static str) -> Says {
    Says { from, to, words, end: 950 }
}

fn replies(world: World) -> World {
    world.reply("story", STORY).reply("moon", &["The moon is far away."])
}

/// The words of the user's that were settled, by what they were taken for.
fn settled(world: &World) -> Vec<(UserKind, Option<Why>, String)> {
    let turn = |event: &ConversationEvent| match event {
        ConversationEvent::UserTurn { kind, why, text, .. } => Some((*kind, *why, text.clone())),
        _ => None,
    };
    world.shown.iter().filter_map(|(_, event)| turn(event)).collect()
}

#[test]
fn words_that_are_not_answered_stand_aside_and_the_reply_model_is_told_of_them() {
    let user = [
        says(500, 2_000, "Mum, the soup is boiling."),
        says(5_000, 6_500, "Tell me about the moon."),
    ];
    let mut world = replies(World::new(&user));
    world.run(10_000);
    let transcript = world.session.transcript();
    assert_eq!(transcript.asides().len(), 1, "{}", world.trace);
    assert_eq!(transcript.asides()[0].why, Why::ToOthers);
    let all = transcript.with_asides();
    let texts: Vec<&str> = all.iter().map(|line| line.text.as_str()).collect();
    let expected =
        ["Mum, the soup is boiling.", "Tell me about the moon.", "The moon is far away."];
    assert_eq!(texts, expected, "{}", world.trace);
    assert!(all[0].aside.is_some() && all[1].aside.is_none());
    let read = world.lines().first().unwrap();
    assert_eq!(read.speaker, Speaker::User);
    assert!(read.text.contains("the soup") && read.text.contains("the moon"), "{}", read.text);
}

#[test]
fn a_backchannel_stands_aside_too_and_the_reply_model_is_not_told() {
    let user = [
        says(500, 1_500, "Tell me a story."),
        says(3_000, 3_600, "Uh-huh."),
        says(12_000, 13_500, "Tell me about the moon."),
    ];
    let mut world = replies(World::new(&user));
    world.run(18_000);
    let asides = world.session.transcript().asides();
    assert_eq!(asides.len(), 1, "{}", world.trace);
    assert_eq!((asides[0].text.as_str(), asides[0].why), ("Uh-huh.", Why::Backchannel));
    assert!(world.lines().iter().all(|line| !line.text.contains("huh")), "{}", world.trace);
}

#[test]
fn what_is_added_to_a_command_is_not_answered() {
    let outcomes = ["Now, please.", MOON].map(|words| {
        let user = [
            says(500, 1_500, "Tell me a story."),
            says(3_000, 3_550, "Stop."),
            says(3_850, 4_900, words),
        ];
        let mut world = replies(World::new(&user)).reply("please", &["Yes."]);
        world.run(12_000);
        let kinds: Vec<UserKind> = settled(&world).iter().map(|(kind, ..)| *kind).collect();
        let heard = world.session.transcript().lines().last().unwrap().text.clone();
        (kinds, heard, world.trace)
    });
    use UserKind::{Stop, Turn};
    let [(added, _, trace), (asked, answer, _)] = &outcomes;
    assert_eq!(*added, [Turn, Stop, Stop], "{trace}");
    assert_eq!(
        (asked.as_slice(), answer.as_str()),
        (&[Turn, Stop, Turn][..], "The moon is far away.")
    );
}

#[test]
fn what_has_cut_a_reply_counts_as_said_over_it() {
    // It cuts the reply before its words come, and they may be those of a backchannel.
    let user = [
        says(500, 1_500, "Tell me a story."),
        Says { from: 3_000, to: 5_000, words: "", end: 500 },
    ];
    let mut world = replies(World::new(&user));
    let mut overlaps = Vec::new();
    for at in (3_100..5_100).step_by(100) {
        world.run(at);
        let observed = world.session.observed().unwrap();
        overlaps.push((world.cancelled.len(), observed.features.get(Feature::Overlaps)));
    }
    assert!(overlaps.iter().any(|(cut, _)| *cut == 1), "{}", world.trace);
    assert!(overlaps.iter().all(|(_, overlaps)| *overlaps == Some(1_000)), "{overlaps:?}");
}

#[test]
fn words_that_repeat_ignored_ones_are_answered() {
    // Weights that pass over these words, though not surely.
    let mut policy = world::policy();
    policy.weights.sound[SoundKind::ToOthers as usize].bias = 2_800;
    let words = "Tell me about the moon.";
    policy.weights.sound[SoundKind::Turn as usize].weights[Feature::Asks as usize] = 0;
    let once = [says(500, 2_000, words)];
    let mut ignored = replies(World::with_policy(&once, policy.clone()));
    ignored.run(8_000);
    assert!(ignored.audible.is_empty(), "{}", ignored.trace);
    let twice = [says(500, 2_000, words), says(5_000, 6_500, words)];
    let mut answered = replies(World::with_policy(&twice, policy));
    answered.run(12_000);
    assert!(answered.trace.contains("finished"), "{}", answered.trace);
}

/// A call in which the story is told, and something is heard `after` ms of it, for `length` ms.
fn over_the_story(after: u64, length: u64, words: &'static str) -> World {
    let question = says(500, 1_500, "Tell me a story.");
    let mut alone = replies(World::new(std::slice::from_ref(&question)));
    alone.run(4_000);
    let began = alone.audible[0].0.as_millis() + after;
    let user = [question, says(began, began + length, words)];
    let mut world = replies(World::new(&user)).reply("dog", &["Its name was Rex."]);
    world.run(12_000);
    world
}

#[test]
fn words_that_the_assistant_is_just_saying_are_its_own() {
    for (after, length, words) in [(150, 400, "Once upon a"), (1_000, 700, "A time there were?")] {
        let world = over_the_story(after, length, words);
        assert!(world.cancelled.is_empty(), "{words}\n{}", world.trace);
        let (kind, why, _) = &settled(&world)[1];
        assert_eq!((*kind, *why), (UserKind::Noise, Some(Why::Noise)), "{}", world.trace);
    }
}

#[test]
fn whoever_is_asked_may_answer_in_the_words_of_the_question() {
    let question = says(500, 1_500, "Tell me a story.");
    let reply: &[&str] = &["Would you like one of the moon or one of the dog?"];
    let told = |user: &[Says]| {
        let world = World::new(user).reply("story", reply).reply("dog", &["Its name was Rex."]);
        let mut world = world;
        world.run(12_000);
        world
    };
    let alone = told(std::slice::from_ref(&question));
    let ends = alone.audible.last().unwrap().0.as_millis();
    let world = told(&[question, says(ends - 300, ends + 700, "One of the dog.")]);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.last().unwrap().text, "Its name was Rex.", "{}", world.trace);
}

#[test]
fn words_of_the_assistants_that_the_user_repeats_are_the_users() {
    let world = over_the_story(3_400, 900, "There was a dog?");
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.last().unwrap().text, "Its name was Rex.", "{}", world.trace);
}

#[test]
fn a_voice_without_words_is_asked_again_once() {
    let mut policy = world::policy();
    // A wordless sound may be a turn.
    policy.weights.sound[SoundKind::Turn as usize].weights[Feature::NoWords as usize] = 9_000;
    let sound = |from| Says { from, to: from + 600, words: "", end: 500 };
    let asks = |world: &World| world.trace.matches("finished \"Sorry?\"").count();
    let user = [sound(500), sound(5_000)];
    let mut world = replies(World::with_policy(&user, policy.clone()));
    world.run(10_000);
    assert_eq!(asks(&world), 1, "{}", world.trace);
    // After a turn of the user's, it asks again.
    let user = [sound(500), says(4_000, 5_500, "Tell me about the moon."), sound(10_000)];
    let mut world = replies(World::with_policy(&user, policy.clone()));
    world.run(15_000);
    assert_eq!(asks(&world), 2, "{}", world.trace);
    let mut silent = replies(World::with_policy(
        &[sound(500)],
        Policy { unheard_question: String::new(), ..policy },
    ));
    silent.run(8_000);
    assert!(silent.audible.is_empty(), "{}", silent.trace);
}

#[test]
fn a_user_who_tries_again_is_not_asked_again() {
    let mut policy = world::policy();
    policy.weights.sound[SoundKind::Turn as usize].weights[Feature::NoWords as usize] = 9_000;
    let sound = Says { from: 500, to: 1_100, words: "", end: 500 };
    let mut yielded = 0;
    for from in (1_300..1_900).step_by(32) {
        let user = [sound.clone(), says(from, from + 1_500, "Tell me about the moon.")];
        let mut world = replies(World::with_policy(&user, policy.clone()));
        world.run(9_000);
        // The question never begins over the user, nor comes after their turn.
        let begun = world.audible[0].0.as_millis();
        assert!(begun <= from + 100 || begun > from + 1_500, "from {from}: {}", world.trace);
        let last = world.lines().iter().rfind(|line| line.speaker == Speaker::Assistant);
        assert_eq!(last.unwrap().text, "The moon is far away.", "from {from}: {}", world.trace);
        yielded += u32::from(world.trace.contains("drop 1"));
    }
    assert!(yielded > 0);
}

#[test]
fn a_farewell_over_a_reply_is_returned_and_ends_the_call_where_it_is_asked_to() {
    for ends_at_farewell in [false, true] {
        let farewell = "Goodbye.".to_owned();
        let policy = Policy { farewell, ends_at_farewell, ..world::policy() };
        let user = [says(500, 1_500, "Tell me a story."), says(2_600, 3_400, "Okay, goodbye.")];
        let mut world = replies(World::with_policy(&user, policy));
        world.run(10_000);
        assert!(world.trace.contains("finished \"Goodbye.\""), "{}", world.trace);
        assert!(!world.trace.contains("finished \"Once"), "{}", world.trace);
        assert_eq!(world.session.is_over(), ends_at_farewell, "{}", world.trace);
    }
    // One that needs no breaking off is answered by the reply model, and ends the call as well.
    let policy = Policy { ends_at_farewell: true, ..world::policy() };
    let mut world = replies(World::with_policy(&[says(500, 1_500, "Goodbye, moon.")], policy));
    world.run(10_000);
    assert!(world.trace.contains("finished \"The moon is far away.\""), "{}", world.trace);
    assert!(world.session.is_over(), "{}", world.trace);
}

#[test]
fn a_reply_that_was_taken_back_by_mistake_goes_on_and_the_turn_before_it_stays() {
    // Partial words cut the reply in its first second; all of them prove to be for somebody else.
    let user = [
        says(500, 1_500, "Tell me a story."),
        says(2_200, 4_600, "Is it that you can go and close the door now, Sarah?"),
    ];
    let mut world = replies(World::new(&user));
    world.run(20_000);
    let taken_back = |event: &ConversationEvent| {
        matches!(
            event,
            ConversationEvent::ReplyCancelled { taken_back: true, may_resume: true, .. }
        )
    };
    assert!(world.shown.iter().any(|(_, event)| taken_back(event)), "{}", world.trace);
    assert_eq!(world.resumed.len(), 1, "{}", world.trace);
    let lines = world.session.transcript().lines();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["Tell me a story.", &STORY.concat()], "{}", world.trace);
    assert!(settled(&world).iter().any(|(kind, ..)| *kind == UserKind::Noise), "{}", world.trace);
}

#[test]
fn a_softer_voice_that_talks_on_does_not_keep_a_turn_from_ending() {
    let user = [says(500, 2_000, "Tell me about the moon.")];
    let mut world = replies(World::new(&user));
    world.behind = Some((2_000, 14_000, -34));
    world.run(14_000);
    let spoke = world.audible.first().map(|(at, _)| at.as_millis());
    assert!(spoke.is_some_and(|at| at < 4_000), "{}", world.trace);
    let mut world =
        replies(World::with_policy(&user, Policy { other_voice: 0, ..world::policy() }));
    world.behind = Some((2_000, 14_000, -34));
    world.run(13_000);
    assert!(world.audible.is_empty(), "the setting does it\n{}", world.trace);
}

#[test]
fn a_room_full_of_voices_gets_no_answer_and_a_question_after_it_does() {
    // Half a minute without a pause, from nobody who is close by.
    let talk = "so I said to him that the garden was ".repeat(8);
    let user = [says(500, 30_500, talk.trim().to_owned().leak()), says(34_000, 35_500, MOON)];
    let mut world = replies(World::new(&user));
    let close = world.high_band_snr;
    world.high_band_snr = 0;
    world.run(33_000);
    assert!(world.audible.is_empty(), "{}", world.trace);
    let longest = world.recognitions.iter().map(|(_, from, to)| (*to - *from).as_millis()).max();
    assert!(longest.is_some_and(|ms| ms <= 8_700) && world.most_outstanding == 1, "{longest:?}");
    world.high_band_snr = close;
    world.run(40_000);
    let answered: Vec<&str> =
        world.session.transcript().lines().iter().map(|line| line.text.as_str()).collect();
    assert_eq!(answered, [MOON, "The moon is far away."], "{}", world.trace);
}

#[test]
fn words_that_the_reply_model_takes_for_whole_are_answered_sooner_than_those_it_would_continue() {
    let answered_after = |end_of_words: fn(&str) -> Option<u16>| {
        // The acoustic model takes it for a pause.
        let user = [Says { from: 500, to: 2_000, words: "Tell me about the moon.", end: 250 }];
        let mut world = replies(World::new(&user));
        world.end_of_words = end_of_words;
        world.run(8_000);
        world.audible.first().expect("it is answered").0.as_millis()
    };
    let (whole, unknown) = (answered_after(|_| Some(950)), answered_after(|_| None));
    let cut = answered_after(|_| Some(20));
    assert!(whole < unknown && unknown < cut, "{whole}, {unknown}, {cut}");
}

#[test]
fn what_is_said_of_words_that_were_revised_does_not_count_for_those_that_came_instead() {
    let user = [
        Says { from: 500, to: 1_200, words: "Tell me about", end: 100 },
        Says { from: 1_500, to: 2_400, words: "the moon.", end: 500 },
    ];
    let mut world = replies(World::new(&user));
    world.end_of_words = |text| Some(if text.contains("moon") { 20 } else { 999 });
    world.run(8_000);
    let first = world.audible.first().expect("it is answered").0;
    assert!(first.as_millis() > 4_000, "{}", world.trace);
}
