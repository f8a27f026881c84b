//! Commands: what a program asks of a conversation, in virtual time.

mod world;

use duplex_core::{
    Action, Command, CommandId, ConversationEvent, Event, Overlap, Policy, Refusal, Samples,
    SessionChange, SessionTime, Speaker, Turn, TurnChange,
};
use world::{Says, World, ms};

const STORY: &[&str] =
    &["Once upon a time there was a dog.", " It lived in a small house by the sea."];

const NOTICE: &str = "This call is recorded. You may object at any time.";

fn asks() -> Says {
    Says { from: 500, to: 1_500, words: "Tell me a story.", end: 950 }
}

fn world(user: &[Says]) -> World {
    with(user, world::policy())
}

fn with(user: &[Says], policy: Policy) -> World {
    World::with_policy(user, policy)
        .reply("story", STORY)
        .reply("moon", &["The moon is far away."])
        .reply("capital", &["It is Paris."])
}

fn say(text: &str, interruptible: bool) -> Command {
    Command::Say { text: text.to_owned(), interruptible }
}

fn text(words: &str) -> Command {
    Command::UserText(words.to_owned())
}

fn turns(change: TurnChange) -> Command {
    Command::Configure(Box::new(SessionChange { turns: change, ..SessionChange::default() }))
}

/// What is in the transcript, the assistant's lines in brackets.
fn lines(world: &World) -> Vec<String> {
    let lines = world.session.transcript().lines().iter();
    lines
        .map(|line| match line.speaker {
            Speaker::User => line.text.clone(),
            Speaker::Assistant => format!("[{}]", line.text.trim()),
        })
        .collect()
}

fn story() -> String {
    format!("[{}]", STORY.concat())
}

fn first_heard(world: &World) -> u64 {
    world.audible.first().map_or(u64::MAX, |(at, _)| at.as_millis())
}

#[test]
fn a_program_that_asks_for_an_answer_gets_it_before_the_user_has_been_silent_for_long() {
    // The words sound broken off: by itself the assistant would wait for two seconds.
    let user = [Says { from: 500, to: 1_900, words: "I was wondering if you could", end: 40 }];
    let mut waits = world(&user);
    waits.run(9_000);
    let mut asked = world(&user).command(2_000, Command::Respond);
    asked.run(9_000);
    assert!(first_heard(&waits) > 4_000, "{}", waits.trace);
    assert!(first_heard(&asked) < 2_800, "{}", asked.trace);
    assert_eq!(lines(&asked)[0], "I was wondering if you could");
}

fn earlier(user: &str, assistant: &str) -> Command {
    Command::Earlier { user: user.to_owned(), assistant: assistant.to_owned() }
}

#[test]
fn what_was_said_before_is_part_of_the_conversation_and_is_not_answered() {
    let user = [Says { from: 2_500, to: 3_500, words: "Tell me a story.", end: 950 }];
    let mut world = world(&user).command(100, earlier("My name is Ada.", "Hello, Ada."));
    world.run(2_000);
    assert_eq!(lines(&world), ["My name is Ada.", "[Hello, Ada.]"]);
    assert!(world.audible.is_empty(), "{}", world.trace);
    world.run(12_000);
    assert_eq!(
        lines(&world),
        ["My name is Ada.", "[Hello, Ada.]", "Tell me a story.", story().as_str()]
    );
}

#[test]
fn nothing_is_put_before_what_is_being_said() {
    let mut world = world(&[asks()]).command(3_000, earlier("My name is Ada.", "Hello, Ada."));
    world.run(12_000);
    assert_eq!(lines(&world), ["Tell me a story.", story().as_str()]);
    let refused = world.shown.iter().any(|(_, event)| {
        matches!(event, ConversationEvent::Refused { reason: Refusal::UnderWay, .. })
    });
    assert!(refused, "{}", world.trace);
}

#[test]
fn a_program_can_let_the_assistant_speak_first() {
    let mut world = world(&[]).command(100, Command::Respond);
    world.run(3_000);
    assert_eq!(lines(&world), ["[I see.]"]);
    assert!(first_heard(&world) < 500, "{}", world.trace);
}

#[test]
fn a_cancelled_reply_ends_at_once_and_is_not_resumed() {
    let mut world = world(&[asks()]).command(3_000, Command::Cancel);
    world.run(12_000);
    let last = world.audible.last().unwrap().0;
    assert!(last <= ms(3_032), "audible until {}", last.as_millis());
    assert_eq!(world.resumed, []);
    let said = lines(&world);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(story().starts_with(said[1].trim_end_matches(']')), "{said:?}");
    assert_ne!(said[1], story());
}

#[test]
fn a_cancelled_preparation_leaves_the_users_words_in_the_transcript() {
    let mut world = world(&[asks()]);
    world.latencies.voice = 5_000;
    let mut world = world.command(2_500, Command::Cancel);
    world.run(12_000);
    assert_eq!(lines(&world), ["Tell me a story."]);
    assert!(world.audible.is_empty());
}

#[test]
fn typed_words_are_answered_as_if_they_had_been_said() {
    let mut world = world(&[]).command(1_000, text("What is the\ncapital of France?\u{0}"));
    world.run(4_000);
    assert_eq!(lines(&world), ["What is the capital of France?", "[It is Paris.]"]);
}

#[test]
fn typed_words_cut_a_reply_and_are_answered() {
    let mut world = world(&[asks()]).command(4_000, text("What about the moon?"));
    world.run(12_000);
    let said = lines(&world);
    assert_eq!(said.len(), 4, "{said:?}");
    assert_ne!(said[1], story());
    assert_eq!(said[2..], ["What about the moon?", "[The moon is far away.]"]);
}

#[test]
fn exactly_what_is_to_be_said_is_said_once_the_reply_is_over() {
    let mut world = world(&[asks()]).command(3_000, say(NOTICE, true));
    world.run(20_000);
    assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story(), format!("[{NOTICE}]")]);
}

#[test]
fn a_user_who_interrupts_a_text_is_answered() {
    let user = [Says { from: 1_500, to: 2_900, words: "What about the moon?", end: 950 }];
    let mut world = world(&user).command(100, say(NOTICE, true));
    world.run(20_000);
    let said = lines(&world);
    assert!(format!("[{NOTICE}]").starts_with(said[0].trim_end_matches(']')), "{said:?}");
    assert_eq!(said[1..], ["What about the moon?", "[The moon is far away.]"]);
}

#[test]
fn a_text_that_cannot_be_interrupted_is_heard_whole_and_the_user_is_answered_afterwards() {
    let user = [Says { from: 1_500, to: 2_900, words: "Stop. What about the moon?", end: 950 }];
    let mut world = world(&user).command(100, say(NOTICE, false));
    world.run(20_000);
    assert!(!world.trace.contains("duck") && !world.trace.contains("hold"), "{}", world.trace);
    assert_eq!(
        lines(&world),
        [&format!("[{NOTICE}]"), "Stop. What about the moon?", "[The moon is far away.]"]
    );
}

#[test]
fn nothing_is_heard_of_a_user_who_is_muted_and_the_reply_goes_on() {
    let user = [asks(), Says { from: 3_200, to: 5_000, words: "What about the moon?", end: 950 }];
    let mut world = world(&user).command(3_000, Command::Mute).command(5_200, Command::Unmute);
    world.run(20_000);
    assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story()]);
    assert!(world.cancelled.is_empty() && !world.gain_low && !world.held);
    assert!(world.microphone_open);
}

#[test]
fn a_user_who_is_muted_in_the_middle_of_a_word_over_the_reply_leaves_the_voice_as_it_was() {
    let user = [asks(), Says { from: 3_000, to: 9_000, words: "What", end: 950 }];
    let mut world = world(&user).command(3_200, Command::Mute);
    world.run(20_000);
    assert!(!world.gain_low && !world.held, "{}", world.trace);
    assert_eq!(lines(&world)[1], story(), "{}", world.trace);
}

#[test]
fn the_user_has_the_floor_until_the_button_is_released_and_is_then_answered_at_once() {
    let user = [
        Says { from: 1_000, to: 2_000, words: "Tell me about the", end: 950 },
        Says { from: 5_000, to: 5_600, words: "moon.", end: 40 },
    ];
    let mut world = world(&user)
        .command(100, Command::Mute)
        .command(900, Command::Press)
        .command(5_700, Command::Release);
    world.run(12_000);
    assert!((5_700..6_600).contains(&first_heard(&world)), "{}", world.trace);
    assert_eq!(lines(&world), ["Tell me about the moon.", "[The moon is far away.]"]);
    assert!(!world.microphone_open);
}

#[test]
fn a_button_that_is_pressed_over_the_reply_ends_it_and_a_backchannel_is_then_a_turn() {
    let user = [asks(), Says { from: 4_000, to: 4_500, words: "Okay.", end: 900 }];
    let mut world = world(&user).command(3_500, Command::Press).command(4_600, Command::Release);
    world.run(15_000);
    let said = lines(&world);
    assert_eq!(said.len(), 4, "{said:?}");
    assert_eq!(said[2..], ["Okay.", "[I see.]"]);
    let heard_between = world.audible.iter().any(|(at, _)| *at > ms(3_540) && *at < ms(4_600));
    assert!(!heard_between, "{}", world.trace);
}

#[test]
fn a_button_that_is_never_released_counts_as_released_after_a_while() {
    let policy = Policy { longest_press: Samples::from_millis(4_000), ..world::policy() };
    let mut world = with(&[asks()], policy).command(300, Command::Press);
    world.run(20_000);
    assert!(world.trace.contains("warning: push-to-talk was down for 4 s"), "{}", world.trace);
    assert_eq!(switched(&world), [(true, false), (false, true)]);
    assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story()]);
}

/// What the stream says of push-to-talk: whether it is down, and whether it lapsed.
fn switched(world: &World) -> Vec<(bool, bool)> {
    let switched = |(_, event): &(SessionTime, ConversationEvent)| match event {
        ConversationEvent::PushToTalk { down, lapsed } => Some((*down, *lapsed)),
        _ => None,
    };
    world.shown.iter().filter_map(switched).collect()
}

#[test]
fn a_button_without_words_needs_no_answer() {
    let mut world = world(&[]).command(300, Command::Press).command(900, Command::Release);
    world.run(5_000);
    assert_eq!(switched(&world), [(true, false), (false, false)]);
    assert!(world.audible.is_empty() && lines(&world).is_empty());
}

#[test]
fn a_call_ends_after_the_sentence_that_is_being_written() {
    let long = ["The first sentence is here.", " So is the second one.", " And so on.", " And on."];
    let mut world = World::new(&[asks()]).reply("story", &long).command(2_200, Command::End);
    world.run(20_000);
    let said = lines(&world);
    assert!(said[1].ends_with(".]") && said[1].len() < long.concat().len(), "{said:?}");
    assert!(world.session.is_over());
    assert_eq!(world.shown.last().unwrap().1, ConversationEvent::CallEnded);
}

#[test]
fn a_call_in_which_nothing_is_said_ends_at_once() {
    let mut world = world(&[]).command(1_000, Command::End);
    world.run(1_500);
    assert_eq!(world.shown.last().unwrap(), &(ms(1_000), ConversationEvent::CallEnded));
}

#[test]
fn a_farewell_is_heard_before_the_call_ends() {
    let mut world = world(&[]).command(1_000, say("Goodbye.", false)).command(1_000, Command::End);
    world.run(6_000);
    assert_eq!(lines(&world), ["[Goodbye.]"]);
    assert!(world.session.is_over());
}

#[test]
fn a_client_that_played_less_of_a_cut_reply_corrects_the_transcript() {
    let user =
        [asks(), Says { from: 4_500, to: 6_000, words: "Wait, what about the moon?", end: 950 }];
    let truncate = Command::Truncate { reply: Turn(1), audio: Samples::from_millis(1_000) };
    let mut world = world(&user).command(5_900, truncate);
    world.run(12_000);
    let said = lines(&world);
    // At 15 characters a second.
    assert_eq!(said[1], "[Once upon a]", "{said:?}");
    assert_eq!(said[2..], ["Wait, what about the moon?", "[The moon is far away.]"]);
    let shown = world.shown.iter().map(|(_, event)| event);
    let truncated = shown.filter_map(|event| match event {
        ConversationEvent::ReplyTruncated { heard, unheard, .. } => {
            Some(format!("{heard}{unheard}"))
        }
        _ => None,
    });
    assert_eq!(truncated.collect::<Vec<_>>(), [STORY.concat()]);
}

#[test]
fn a_client_that_stops_a_reply_says_how_much_of_it_was_heard() {
    let truncate = Command::Truncate { reply: Turn(1), audio: Samples::from_millis(400) };
    let mut world = world(&[asks()]).command(4_000, truncate);
    world.run(12_000);
    assert_eq!(lines(&world), ["Tell me a story.", "[Once]"], "{}", world.trace);
    assert!(world.audible.last().unwrap().0 <= ms(4_032));
}

#[test]
fn a_reply_of_which_the_client_played_nothing_was_not_heard() {
    let truncate = Command::Truncate { reply: Turn(1), audio: Samples(0) };
    let user = [asks(), Says { from: 9_000, to: 10_300, words: "What about the moon?", end: 950 }];
    let mut world = world(&user).command(12_500, truncate.clone()).command(8_000, truncate);
    world.run(14_000);
    assert_eq!(lines(&world), ["Tell me a story. What about the moon?", "[The moon is far away.]"]);
    assert!(world.trace.contains("refused: it is neither the reply"), "{}", world.trace);
}

#[test]
fn a_command_in_the_wrong_state_is_refused_by_name_and_changes_nothing() {
    let refused = |at, command, why: &str| {
        let mut world = world(&[asks()]).command(at, command);
        world.run(12_000);
        assert!(world.trace.contains(&format!("refused: {why}")), "{why}\n{}", world.trace);
        assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story()]);
    };
    let truncate = |reply, audio| Command::Truncate { reply: Turn(reply), audio: Samples(audio) };
    let tool = Command::ToolResult { call: "call_1".to_owned(), output: "12".to_owned() };
    refused(100, Command::Cancel, "there is no reply to cancel");
    refused(3_000, Command::Respond, "a reply is under way");
    refused(3_000, Command::Release, "push-to-talk is not down");
    refused(3_000, truncate(1, u64::MAX), "the reply has no more than");
    refused(3_000, truncate(7, 0), "it is neither the reply under way nor the newest one");
    refused(3_000, text("\u{0} \n..."), "the text has no words");
    refused(3_000, text(&"word ".repeat(200_000)), "at most 16384 bytes of text are taken");
    refused(3_000, say(&"word ".repeat(200_000), true), "at most 16384 bytes of text are taken");
    refused(3_000, tool, "the model has not called such a tool");
    let longest_wait = Some(Samples::from_millis(90_000));
    let wrong = turns(TurnChange { longest_wait, ..TurnChange::default() });
    refused(3_000, wrong, "a turn waits for 30000 ms at most");
}

#[test]
fn too_much_that_waits_to_be_said_is_refused_and_what_waited_is_said() {
    let mut world = world(&[asks()]);
    for number in 0..20 {
        world = world.command(3_000, say(&format!("Number {number}."), true));
    }
    world.run(60_000);
    assert_eq!(world.trace.matches("refused: too much waits to be said already").count(), 4);
    let said = lines(&world);
    assert_eq!((said.len(), said.last().unwrap().as_str()), (18, "[Number 15.]"), "{said:?}");
}

#[test]
fn after_a_silence_the_assistant_asks_whether_somebody_is_there_and_not_for_ever() {
    let policy = Policy {
        idle_after: Samples::from_millis(4_000),
        idle_question: "Are you there?".to_owned(),
        ..world::policy()
    };
    let mut world = with(&[], policy);
    world.run(40_000);
    assert_eq!(lines(&world), ["[Are you there?]", "[Are you there?]"]);
    assert!(world.trace.contains("idle 5"), "the silence is reported further on\n{}", world.trace);
}

#[test]
fn a_user_who_speaks_is_not_asked_whether_anybody_is_there() {
    let policy = Policy {
        idle_after: Samples::from_millis(4_000),
        idle_question: "Are you there?".to_owned(),
        ..world::policy()
    };
    let mut world = with(&[asks()], policy);
    world.run(9_500);
    assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story()]);
}

#[test]
fn a_session_that_answers_only_when_asked_keeps_the_turn_for_then() {
    let answers = turns(TurnChange { answers: Some(false), ..TurnChange::default() });
    let mut world = world(&[asks()]).command(0, answers).command(6_000, Command::Respond);
    world.run(12_000);
    assert!(first_heard(&world) > 6_000);
    assert_eq!(lines(&world), ["Tell me a story.".to_owned(), story()]);
    let settled =
        world.shown.iter().find(|(_, it)| matches!(it, ConversationEvent::UserTurn { .. }));
    assert!(settled.unwrap().0 < ms(3_000), "{}", world.trace);
}

#[test]
fn a_session_in_which_the_user_cannot_interrupt_answers_afterwards() {
    let overlap = Some(Overlap::Waits);
    let user = [asks(), Says { from: 3_000, to: 4_300, words: "What about the moon?", end: 950 }];
    let mut world = world(&user).command(0, turns(TurnChange { overlap, ..TurnChange::default() }));
    world.run(15_000);
    assert_eq!(
        lines(&world),
        ["Tell me a story.", &story(), "What about the moon?", "[The moon is far away.]"]
    );
}

#[test]
fn a_change_waits_for_the_reply_under_way_but_what_concerns_hearing_does_not() {
    let change = SessionChange {
        instructions: Some("Be brief.".to_owned()),
        language: Some("en".to_owned()),
        ..SessionChange::default()
    };
    let mut world = world(&[asks()]).command(3_000, Command::Configure(Box::new(change)));
    world.run(3_100);
    let languages =
        |world: &World| world.configured.iter().filter(|it| it.language.is_some()).count();
    assert_eq!((world.configured.len(), languages(&world)), (1, 1));
    world.run(12_000);
    assert_eq!(world.configured[1].instructions.as_deref(), Some("Be brief."));
    // The models read the new instructions before anybody waits for them.
    let configured =
        |action: &Action| matches!(action, Action::Configure(it) if it.instructions.is_some());
    let at = world.actions.iter().position(configured).unwrap();
    assert!(matches!(world.actions[at + 1], Action::Prefill(_)));
}

#[test]
fn words_typed_over_an_announcement_are_answered_after_it() {
    let mut world =
        world(&[]).command(100, say(NOTICE, false)).command(1_000, text("What about the moon?"));
    world.run(12_000);
    let notice = format!("[{NOTICE}]");
    assert_eq!(lines(&world), [&notice, "What about the moon?", "[The moon is far away.]"]);
}

#[test]
fn words_typed_behind_the_users_follow_them() {
    let user = [Says { from: 500, to: 1_500, words: "Tell me a story", end: 950 }];
    let mut world = world(&user).command(1_550, text("about the moon."));
    world.run(12_000);
    assert_eq!(lines(&world)[0], "Tell me a story about the moon.");
}

#[test]
fn a_slow_recogniser_costs_no_words_of_a_turn_that_ends_by_command() {
    let user = [Says { from: 600, to: 1_500, words: "What about the moon?", end: 950 }];
    let mut world = world(&user).command(500, Command::Press).command(1_600, Command::Release);
    world.latencies.recogniser = 3_000;
    world.run(15_000);
    assert_eq!(lines(&world), ["What about the moon?", "[The moon is far away.]"]);
}

#[test]
fn a_reply_that_was_cut_in_error_can_be_cancelled_before_it_resumes() {
    let user = [asks(), Says { from: 3_200, to: 5_400, words: "", end: 300 }];
    let mut resumes = world(&user);
    resumes.run(15_000);
    assert_eq!(resumes.resumed.len(), 1, "{}", resumes.trace);
    let mut cancelled = world(&user).command(5_000, Command::Cancel);
    cancelled.run(15_000);
    assert_eq!(cancelled.resumed, [], "{}", cancelled.trace);
    assert!(!cancelled.trace.contains("refused"), "{}", cancelled.trace);
}

#[test]
fn an_answer_that_was_asked_for_can_be_cancelled_before_its_words_are_there() {
    let user = [Says { from: 600, to: 1_500, words: "What about the moon?", end: 950 }];
    for ask in [Command::Respond, Command::Release] {
        let mut world = world(&user)
            .command(500, Command::Press)
            .command(1_550, Command::Release)
            .command(1_560, ask)
            .command(1_600, Command::Cancel);
        world.run(8_000);
        assert_eq!(lines(&world), ["What about the moon?"], "{}", world.trace);
        assert!(world.audible.is_empty());
    }
}

#[test]
fn a_tap_on_the_button_does_not_cost_the_answer_that_is_due() {
    let user = [Says { from: 600, to: 1_500, words: "What about the moon?", end: 950 }];
    let mut world = world(&user)
        .command(500, Command::Press)
        .command(1_600, Command::Release)
        .command(1_900, Command::Press)
        .command(2_000, Command::Release);
    world.latencies.voice = 500;
    world.run(12_000);
    assert_eq!(lines(&world), ["What about the moon?", "[The moon is far away.]"]);
}

#[test]
fn a_reply_that_nobody_is_to_give_any_more_is_not_given() {
    let answers = turns(TurnChange { answers: Some(false), ..TurnChange::default() });
    let mut world = world(&[asks()]).command(1_800, answers);
    world.latencies.voice = 2_000;
    world.run(12_000);
    assert!(world.audible.is_empty(), "{}", world.trace);
    assert_eq!(lines(&world), ["Tell me a story."]);
}

#[test]
fn a_short_objection_to_an_announcement_is_answered() {
    let user = [Says { from: 1_500, to: 1_950, words: "No.", end: 950 }];
    let mut world = world(&user).command(100, say("Is that all right?", false));
    world.run(9_000);
    assert_eq!(lines(&world), ["[Is that all right?]", "No.", "[I see.]"], "{}", world.trace);
}

#[test]
fn a_button_that_is_pressed_again_does_not_keep_the_recogniser_busy() {
    let user = [Says { from: 600, to: 6_000, words: "one two three four five six seven", end: 10 }];
    let mut world = world(&user)
        .command(500, Command::Press)
        .command(1_600, Command::Release)
        .command(1_620, Command::Press);
    world.run(6_000);
    assert!(world.recognitions.len() < 12, "{}", world.recognitions.len());
}

#[test]
fn a_change_waits_for_a_reply_that_may_resume() {
    let user = [asks(), Says { from: 3_200, to: 5_400, words: "", end: 300 }];
    let voice = Some("other".to_owned());
    let change = SessionChange { voice, ..SessionChange::default() };
    let mut world = world(&user).command(3_000, Command::Configure(Box::new(change)));
    world.run(6_400);
    assert_eq!((world.resumed.len(), world.configured.len()), (1, 0), "{}", world.trace);
    world.run(15_000);
    assert_eq!(world.configured.len(), 1);
}

#[test]
fn too_much_that_is_typed_is_refused_and_what_was_typed_is_answered() {
    let mut world = world(&[]).command(100, Command::Press);
    for _ in 0..20 {
        world = world.command(200, text(&"word ".repeat(3_000)));
    }
    world = world.command(300, Command::Release);
    world.run(3_000);
    assert!(world.trace.contains("refused: too much waits for an answer already"));
    let lines = world.session.transcript().lines();
    assert!((60_000..100_000).contains(&lines[0].text.len()), "{}", lines[0].text.len());
    assert_eq!(lines[1].text, "I see.");
}

#[test]
fn what_a_user_says_on_after_a_turn_that_ended_by_command_is_another_speech() {
    let user =
        [Says { from: 500, to: 4_000, words: "Tell me a story and then another one", end: 950 }];
    let mut world = world(&user).command(2_000, Command::Respond);
    world.run(15_000);
    let mut open = None;
    for (at, event) in &world.shown {
        match event {
            ConversationEvent::UserSpeechStarted { speech } => {
                assert_eq!(open.replace(*speech), None, "{at:?}");
            }
            ConversationEvent::UserSpeechStopped { speech } => {
                assert_eq!(open.take(), Some(*speech), "{at:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_moment_before_the_latest_one_counts_as_the_latest() {
    let mut world = world(&[asks()]);
    world.run(2_500);
    let before = world.session.step(ms(0), Event::Warned("late".to_owned()));
    assert!(matches!(&before[..], [Action::Notify(ConversationEvent::Warning { .. }), ..]));
    let command = Event::Command { id: CommandId(1), command: Command::Cancel };
    assert!(world.session.step(ms(1), command).contains(&Action::Cancel(Turn(1))));
}
