//! Whole conversations in virtual time: what is done, and when.

mod world;

use duplex_core::{ConversationEvent, Mishearings, Policy, Samples, Speaker, UserKind};
use world::{Says, World};

const STORY: &[&str] =
    &["Once upon a time there was a dog.", " It lived in a small house by the sea."];

fn question() -> Says {
    Says { from: 500, to: 1500, words: "Tell me a story.", end: 950 }
}

fn story(then: &[Says]) -> World {
    story_misheard(then, Mishearings::default())
}

/// The same, with a recogniser that mishears.
fn story_misheard(then: &[Says], mishearings: Mishearings) -> World {
    let user: Vec<_> = std::iter::once(question()).chain(then.iter().cloned()).collect();
    World::with_policy(&user, Policy { mishearings, ..world::policy() })
        .reply("story", STORY)
        .reply("moon", &["The moon is far away."])
}

#[test]
fn a_question_is_answered_as_soon_as_the_answer_is_ready() {
    let mut world = story(&[]);
    world.run(7_000);
    // The last voiced frame ends at 1472 ms, but the recogniser is busy with the slice that ended at 1280 until 1530.
    // Then the tail (250 ms), the first clause (120 ms) and its audio (100 ms). 71 bytes at 15 a second from the next
    // frame on.
    assert_eq!(
        world.trace,
        r#" 1780 prepare "Tell me a story."
 2000 speak 1
 2000 Turn "Tell me a story."
 6720 finished "Once upon a time there was a dog. It lived in a small house by the sea."
"#
    );
}

#[test]
fn uh_huh_does_not_end_a_reply() {
    let mut world = story(&[Says { from: 3_000, to: 3_500, words: "Uh-huh.", end: 900 }]);
    world.run(9_000);
    assert!(world.cancelled.is_empty(), "{}", world.trace);
    assert!(world.trace.contains("Backchannel \"Uh-huh.\""), "{}", world.trace);
    assert!(world.trace.contains("finished \"Once upon a time there was a dog. It lived"));
}

#[test]
fn a_cough_only_ducks() {
    let mut world = story(&[Says { from: 3_000, to: 3_200, words: "", end: 500 }]);
    world.run(9_000);
    assert!(world.cancelled.is_empty() && world.trace.contains("duck"), "{}", world.trace);
    assert!(!world.trace.contains("hold"), "{}", world.trace);
    assert!(!world.gain_low);
}

#[test]
fn a_sentence_that_nobody_could_say_in_so_short_a_sound_does_not_end_a_reply() {
    let words = "Where is it that you can do it?";
    let mut world = story(&[Says { from: 3_000, to: 3_250, words, end: 950 }]);
    world.run(9_000);
    assert!(world.cancelled.is_empty(), "{}", world.trace);
    let mut world = story(&[Says { from: 3_000, to: 4_500, words, end: 950 }]);
    world.run(9_000);
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
}

#[test]
fn a_new_question_ends_the_reply_and_is_answered() {
    let words = "Wait, what about the moon?";
    let mut world = story(&[Says { from: 3_500, to: 5_000, words, end: 950 }]);
    world.run(12_000);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.len(), 4, "{}", world.trace);
    assert!(STORY.concat().starts_with(lines[1].text.trim_end()), "{lines:?}");
    assert_ne!(lines[1].text, STORY.concat());
    assert_eq!(lines[2].text, words);
    assert_eq!(lines[3].text, "The moon is far away.");
}

#[test]
fn the_assistant_is_silent_within_300_ms_of_an_interruption() {
    let words = "Wait, what about the moon?";
    let mut world = story(&[Says { from: 3_500, to: 5_000, words, end: 950 }]);
    world.run(12_000);
    let first = duplex_core::Turn(1);
    let last = world.audible.iter().rfind(|(_, turn)| *turn == first).unwrap().0;
    assert!(last.as_millis() - 3_500 <= 300, "audible until {}", last.as_millis());
}

#[test]
fn a_pause_inside_a_sentence_is_waited_for() {
    for end in [60, 500] {
        let user = [
            Says { from: 500, to: 1_900, words: "I was wondering if you could", end },
            Says { from: 3_100, to: 4_200, words: "tell me a story.", end: 950 },
        ];
        let mut world = World::new(&user).reply("story", STORY);
        world.run(10_000);
        let first = world.audible[0].0;
        assert!(first.as_millis() > 4_200, "{}", world.trace);
        let lines = world.session.transcript().lines();
        assert_eq!(lines[0].text, "I was wondering if you could tell me a story.");
    }
}

#[test]
fn a_stop_command_is_followed_by_silence() {
    let mut world = story(&[Says { from: 3_000, to: 3_550, words: "Stop.", end: 900 }]);
    world.run(15_000);
    let last = world.audible.last().unwrap().0;
    assert!(last.as_millis() < 3_300, "{}", world.trace);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.last().unwrap().text, "Stop.");
}

#[test]
fn a_backchannel_that_becomes_an_objection_takes_the_floor() {
    let words = "Yeah, but what about the moon?";
    let mut world = story(&[Says { from: 3_500, to: 4_800, words, end: 950 }]);
    world.run(12_000);
    assert_eq!(world.session.transcript().lines().last().unwrap().text, "The moon is far away.");
}

#[test]
fn a_backchannel_that_the_recogniser_lengthens_does_not_cut_the_reply() {
    let words = "That makes senser.";
    for (lengthens_backchannels, lines) in [(true, 2), (false, 4)] {
        let mishearings = Mishearings { lengthens_backchannels, ..Mishearings::default() };
        let says = Says { from: 3_000, to: 4_100, words, end: 950 };
        let mut world = story_misheard(&[says], mishearings);
        world.run(15_000);
        assert_eq!(world.session.transcript().lines().len(), lines, "{}", world.trace);
    }
}

#[test]
fn a_reply_that_resumed_and_is_cut_again_at_once_keeps_what_was_heard() {
    let mut world = story(&[
        Says { from: 3_500, to: 5_200, words: "", end: 950 },
        Says { from: 6_000, to: 7_600, words: "What is known about the moon?", end: 950 },
    ]);
    world.run(16_000);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.len(), 4, "{}", world.trace);
    assert!(!lines[1].text.is_empty() && lines[1].cut.is_some(), "{}", world.trace);
    assert_eq!(lines[2].text, "What is known about the moon?", "{}", world.trace);
}

#[test]
fn an_answer_that_came_too_early_is_taken_back_when_the_user_goes_on() {
    // The end-of-turn model errs, and the user goes on just as the assistant begins.
    let user = [
        Says { from: 500, to: 1_500, words: "Tell me a story", end: 950 },
        Says { from: 2_200, to: 3_600, words: "about the moon and the sea.", end: 950 },
    ];
    let mut world = World::new(&user).reply("story", STORY);
    world.run(12_000);
    let lines = world.session.transcript().lines();
    assert_eq!(lines[0].text, "Tell me a story about the moon and the sea.", "{}", world.trace);
    assert_eq!(lines[1].speaker, Speaker::Assistant);
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_long_sound_without_words_interrupts_and_the_reply_resumes_afterwards() {
    let mut world = story(&[Says { from: 3_000, to: 4_900, words: "", end: 500 }]);
    world.run(15_000);
    assert_eq!(world.cancelled.len(), 1, "{}", world.trace);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1].text, STORY.concat(), "it resumes where it was cut");
}

#[test]
fn the_end_of_a_reply_that_is_too_late_to_resume_is_shown_before_the_sound_that_cut_it() {
    let long = Says { from: 3_000, to: 4_900, words: "", end: 500 };
    let policy = Policy { resume_within: Samples::from_millis(500), ..world::policy() };
    let mut world = World::with_policy(&[question(), long], policy).reply("story", STORY);
    world.run(15_000);
    let ends = |event: &ConversationEvent| matches!(event, ConversationEvent::ReplyEnded { .. });
    let end = world.shown.iter().position(|(_, event)| ends(event));
    let settled = world.shown.iter().rposition(|(_, event)| {
        matches!(event, ConversationEvent::UserTurn { kind: UserKind::Noise, .. })
    });
    assert!(end.is_some() && end < settled, "{:?}", world.shown);
    assert!(world.resumed.is_empty(), "{}", world.trace);
}

#[test]
fn a_user_who_never_stops_is_recognised_in_bounded_windows() {
    let words: Vec<_> = (0..240).map(|number| format!("word{number}")).collect();
    let words = words.join(" ");
    let says = Says { from: 500, to: 60_500, words: words.clone().leak(), end: 0 };
    let mut world = World::new(&[says]);
    world.run(66_000);
    let longest = world.recognitions.iter().map(|(_, from, to)| (*to - *from).as_millis()).max();
    assert!(longest.unwrap() <= 8_700, "{longest:?} ms");
    assert_eq!(world.most_outstanding, 1);
    let said = &world.session.transcript().lines()[0].text;
    assert_eq!(*said, words, "no word is lost or doubled where a window is cut");
}

#[test]
fn a_backchannel_in_silence_is_not_answered_unless_something_was_asked() {
    let yes = Says { from: 8_000, to: 8_500, words: "Yeah.", end: 950 };
    let mut world = story(std::slice::from_ref(&yes));
    world.run(12_000);
    assert_eq!(world.session.transcript().lines().len(), 2, "{}", world.trace);

    let mut asked = World::new(&[question(), yes]).reply("story", &["Do you like dogs?"]);
    asked.run(12_000);
    assert_eq!(asked.session.transcript().lines().len(), 4, "{}", asked.trace);

    let more = Says { from: 8_000, to: 8_700, words: "Please go on.", end: 950 };
    let mut world = story(&[more]);
    world.run(14_000);
    assert_eq!(world.session.transcript().lines()[2].text, "Please go on.", "{}", world.trace);
    assert_eq!(world.session.transcript().lines().len(), 4, "{}", world.trace);
}

#[test]
fn a_command_that_was_misheard_under_the_reply_is_obeyed() {
    let words = "Move on a second.";
    let stop_edges = vec!["a second".to_owned()];
    let mishearings = Mishearings { stop_edges, ..Mishearings::default() };
    let says = Says { from: 3_000, to: 3_900, words, end: 900 };
    let mut world = story_misheard(&[says], mishearings);
    world.run(15_000);
    assert_eq!(world.session.transcript().lines().last().unwrap().text, words, "{}", world.trace);
    assert!(!world.trace.contains("finished"), "{}", world.trace);
}

#[test]
fn what_is_said_to_somebody_else_is_not_answered_and_the_reply_resumes() {
    let words = "Can you close the door, Sarah?";
    let mut world = story(&[Says { from: 3_000, to: 4_400, words, end: 950 }]);
    world.run(14_000);
    let lines = world.session.transcript().lines();
    assert_eq!(lines.len(), 2, "{}", world.trace);
    assert_eq!(lines[1].text, STORY.concat(), "{}", world.trace);
}

#[test]
fn what_is_said_to_somebody_else_in_silence_is_not_answered() {
    let words = "Mum, I'll be there in a minute.";
    let mut world = World::new(&[Says { from: 500, to: 2_000, words, end: 950 }]);
    world.run(8_000);
    assert!(world.audible.is_empty(), "{}", world.trace);
}

#[test]
fn a_far_field_voice_neither_stops_the_reply_nor_is_answered() {
    let words = "In the news tonight, the city council voted.";
    let mut world = World::new(&[Says { from: 500, to: 3_500, words, end: 950 }]);
    world.high_band_snr = 1;
    world.run(9_000);
    assert!(world.audible.is_empty(), "{}", world.trace);

    let mut world = story(&[Says { from: 3_000, to: 5_500, words, end: 950 }]);
    world.run(2_900);
    world.high_band_snr = 1;
    world.run(16_000);
    assert!(world.cancelled.is_empty(), "{}", world.trace);
    assert!(world.trace.contains("finished"), "{}", world.trace);
}
