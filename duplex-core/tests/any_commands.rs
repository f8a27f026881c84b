//! What holds whatever programs ask of a conversation, in any order and at any time.

mod world;

use std::collections::BTreeMap;

use duplex_core::{
    Action, Command, ConversationEvent, DuplexSession, Event, Overlap, Policy, Samples,
    SessionChange, SessionTime, Sources, Speaker, Turn, TurnChange,
};
use proptest::prelude::*;
use world::{
    Latencies, Says, World, ms,
    random::{Sayings, latencies, user},
};

const SAYINGS: Sayings = &[
    ("Tell me a story.", 1_000, 950),
    ("What about the moon?", 1_300, 900),
    ("Uh-huh.", 500, 800),
    ("Stop.", 500, 950),
    ("", 200, 300),
    ("", 2_000, 300),
    ("I was wondering if you could", 1_400, 40),
];

/// Push-to-talk that is forgotten counts as released after this, so that a call comes to rest.
const LONGEST_PRESS: u64 = 6_000;

fn turns(change: TurnChange) -> Command {
    Command::Configure(Box::new(SessionChange { turns: change, ..SessionChange::default() }))
}

fn overlap() -> impl Strategy<Value = Overlap> {
    use Overlap::{Unheard, Waits, Weighed, Yields};
    prop::sample::select(vec![Weighed, Yields, Unheard, Waits])
}

fn command() -> impl Strategy<Value = Command> {
    let text = prop::sample::select(vec!["Hello there.", "What about the moon?", "", "a\u{0}b"]);
    let audio = prop_oneof![0u64..60_000, Just(u64::MAX)];
    prop_oneof![
        Just(Command::Respond),
        Just(Command::Cancel),
        text.clone().prop_map(|text| Command::UserText(text.to_owned())),
        (text.clone(), text.clone()).prop_map(|(user, assistant)| Command::Earlier {
            user: user.to_owned(),
            assistant: assistant.to_owned(),
        }),
        (text, any::<bool>()).prop_map(|(text, interruptible)| {
            Command::Say { text: text.repeat(3), interruptible }
        }),
        Just(Command::Mute),
        Just(Command::Unmute),
        Just(Command::Press),
        Just(Command::Release),
        (0u32..6, audio).prop_map(|(reply, audio)| {
            Command::Truncate { reply: Turn(reply), audio: Samples(audio) }
        }),
        overlap().prop_map(|it| turns(TurnChange { overlap: Some(it), ..TurnChange::default() })),
        any::<bool>()
            .prop_map(|it| turns(TurnChange { answers: Some(it), ..TurnChange::default() })),
        Just(Command::Configure(Box::new(SessionChange {
            instructions: Some("Be brief.".to_owned()),
            language: Some("en".to_owned()),
            ..SessionChange::default()
        }))),
        Just(Command::ToolResult { call: "1".to_owned(), output: "2".to_owned() }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<(u64, Command)>> {
    prop::collection::vec((0u64..20_000, command()), 1..12)
}

fn policy(preset: usize) -> Policy {
    let preset = match preset {
        0 => Policy::barge_in(),
        1 => Policy::turn_based(),
        2 => Policy { overlap: Overlap::Waits, ..world::policy() },
        3 => Policy { answers: false, ..world::policy() },
        _ => Policy { sources: Sources::Both, ..world::policy() },
    };
    Policy {
        longest_press: Samples::from_millis(LONGEST_PRESS),
        idle_after: Samples::from_millis(3_000),
        idle_question: "Are you there?".to_owned(),
        ..preset
    }
}

/// The call until it has come to rest; the user has not left yet.
fn play(preset: usize, user: &[Says], commands: &[(u64, Command)], latencies: Latencies) -> World {
    let mut world = World::with_policy(user, policy(preset))
        .reply("story", &["Once upon a time, ", "there was a dog. ", "It lived by the sea."])
        .reply("moon", &["The moon is far away, ", "and it has no air."]);
    // Anything below `surely_idle`: from there on there may be no answer.
    world.idle = |context| (context.user.len() as u16 * 137) % 950;
    world.latencies = latencies;
    let mut sent = commands.to_vec();
    sent.sort_by_key(|(at, _)| *at);
    for (at, command) in &sent {
        world = world.command(*at, command.clone());
    }
    let end = user.last().map_or(0, |says| says.to).max(20_000);
    world.run(end + 40_000);
    world
}

/// What the stream says of a reply.
#[derive(Debug, Default)]
struct Told {
    is_started: bool,
    is_over: bool,
    is_cut: bool,
    text: String,
    heard: String,
}

/// A reply that was told to be prepared.
fn of(replies: &mut BTreeMap<Turn, Told>, reply: Turn) -> Result<&mut Told, TestCaseError> {
    replies.get_mut(&reply).ok_or_else(|| TestCaseError::fail(format!("{reply:?} is not prepared")))
}

/// The promises of [`ConversationEvent`].
fn check(shown: &[(SessionTime, ConversationEvent)]) -> Result<(), TestCaseError> {
    use ConversationEvent as E;
    prop_assert_eq!(&shown[0].1, &E::CallStarted { version: E::VERSION });
    prop_assert_eq!(shown.last().map(|(_, event)| event), Some(&E::CallEnded));
    prop_assert!(shown.is_sorted_by_key(|(at, _)| *at));
    let mut replies = BTreeMap::<Turn, Told>::new();
    let mut lines = BTreeMap::<u32, String>::new();
    for (at, event) in shown {
        let why = format!("{at:?} {event:?}");
        match event.clone() {
            E::UserWords { speech, .. } => prop_assert!(!lines.contains_key(&speech.0), "{why}"),
            E::UserTurn { speech, text, continues, line, kind, .. } => {
                let is_turn =
                    matches!(kind, duplex_core::UserKind::Turn | duplex_core::UserKind::Stop);
                if is_turn && let Some(before) = continues {
                    // What stood before it may have grown: nothing was heard of the reply between them.
                    let joined = format!("{} {text}", lines[&before.0]);
                    prop_assert!(line.trim().ends_with(joined.trim()), "{}", why);
                } else if is_turn {
                    prop_assert_eq!(&line, &text, "{}", why);
                }
                prop_assert!(lines.insert(speech.0, line).is_none(), "{why}");
            }
            E::ReplyPreparing { reply, .. } => {
                prop_assert!(replies.insert(reply, Told::default()).is_none(), "{why}");
            }
            E::ReplyDropped { reply, .. } => {
                let told = of(&mut replies, reply)?;
                prop_assert!(!told.is_started && !told.is_over, "{why}");
                told.is_over = true;
            }
            E::ReplyStarted { reply, .. } => {
                let told = of(&mut replies, reply)?;
                prop_assert!(!told.is_started && !told.is_over, "{why}");
                told.is_started = true;
            }
            E::ReplyText { reply, text } => {
                let told = of(&mut replies, reply)?;
                prop_assert!(told.is_started && !told.is_over && !told.is_cut, "{why}");
                told.text.push_str(&text);
            }
            E::ReplyHeard { reply, text, .. } => {
                let told = of(&mut replies, reply)?;
                prop_assert!(told.is_started && !told.is_over && !told.is_cut, "{why}");
                told.heard.push_str(&text);
            }
            E::ReplyTruncated { reply, heard, unheard } => {
                let told = of(&mut replies, reply)?;
                prop_assert_eq!(&told.text, &format!("{heard}{unheard}"), "{}", why);
                prop_assert!(told.heard.starts_with(&heard), "{why}");
                told.heard = heard;
            }
            E::ReplyCancelled { reply, heard, unheard, .. } => {
                let told = of(&mut replies, reply)?;
                prop_assert_eq!(&told.text, &format!("{heard}{unheard}"), "{}", why);
                prop_assert_eq!(&told.heard, &heard, "{}", why);
                told.is_cut = true;
            }
            E::ReplyResumed { reply, .. } => {
                let told = of(&mut replies, reply)?;
                prop_assert!(told.is_started && !told.is_over, "{why}");
                told.is_cut = false;
            }
            E::ReplyEnded { reply, heard, unheard, cut } => {
                let told = of(&mut replies, reply)?;
                prop_assert_eq!(&told.text, &format!("{heard}{unheard}"), "{}", why);
                prop_assert_eq!(&told.heard, &heard, "{}", why);
                prop_assert_eq!(told.is_cut, cut.is_some(), "{}", why);
                prop_assert!(told.is_started && !told.is_over, "{why}");
                told.is_over = true;
            }
            _ => {}
        }
    }
    for (reply, told) in &replies {
        prop_assert!(told.is_over, "{reply:?} {told:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_stream_keeps_its_promises(
        preset in 0usize..8, user in user(SAYINGS, 0..5), commands in commands(), latencies in latencies(), ends in any::<bool>(),
    ) {
        let mut world = play(preset, &user, &commands, latencies);
        world.step(if ends { Event::Command { id: Default::default(), command: Command::End } } else { Event::Left });
        world.run(120_000);
        check(&world.shown).map_err(|error| TestCaseError::fail(format!("{error}\n{}", world.trace)))?;
        prop_assert!(world.session.is_over());
        prop_assert!(world.session.step(ms(200_000), Event::Left).is_empty(), "it is over");
    }

    #[test]
    fn nothing_of_a_cancelled_turn_is_heard_afterwards_and_the_voice_comes_to_rest(
        preset in 0usize..8, user in user(SAYINGS, 0..5), commands in commands(), latencies in latencies(),
    ) {
        let world = play(preset, &user, &commands, latencies);
        for (at, turn) in &world.audible {
            if let Some(cancelled) = world.cancelled.get(turn) {
                prop_assert!(at <= cancelled, "{turn:?} at {at:?}\n{}", world.trace);
            }
        }
        prop_assert!(!world.gain_low && !world.held, "{}", world.trace);
        prop_assert!(world.most_outstanding <= 1);
    }

    #[test]
    fn the_same_events_and_commands_give_the_same_actions(
        preset in 0usize..8, user in user(SAYINGS, 0..5), commands in commands(), latencies in latencies(),
    ) {
        let world = play(preset, &user, &commands, latencies);
        let mut again = DuplexSession::new(policy(preset));
        let actions: Vec<Action> =
            world.log.iter().flat_map(|(at, event)| again.step(*at, event.clone())).collect();
        prop_assert_eq!(&actions, &world.actions);
    }

    #[test]
    fn a_command_is_obeyed_in_the_frame_in_which_it_comes(
        preset in 0usize..8, user in user(SAYINGS, 0..5), commands in commands(), latencies in latencies(), at in 0u64..12_000,
    ) {
        // Whatever the state it meets, the command is refused or obeyed at once.
        let by = ms(at) + Samples(world::FRAME);
        let with = |last: Command| {
            // The button opens a muted microphone.
            let before = |(when, it): &&(u64, Command)| *when < at && *it != Command::Press;
            let mut all: Vec<_> = commands.iter().filter(before).cloned().collect();
            all.push((at, last));
            play(preset, &user, &all, latencies.clone())
        };
        let world = with(Command::Cancel);
        let live = world.audible.iter().rev().find(|(when, _)| *when <= ms(at)).map(|(_, turn)| *turn);
        let later = world.audible.iter().find(|(when, turn)| *when > by && Some(*turn) == live);
        prop_assert!(later.is_none(), "{later:?}\n{}", world.trace);

        let world = with(Command::Mute);
        let newest = world.shown.iter().rev().find_map(|(when, event)| match event {
            ConversationEvent::Microphone { open } if *when <= by => Some(*open),
            _ => None,
        });
        prop_assert_eq!(newest, Some(false), "{}", world.trace);
        let speech = world.shown.iter().any(|(when, event)| *when > by + Samples(world::FRAME) && matches!(event, ConversationEvent::UserSpeechStarted { .. }));
        prop_assert!(!speech, "{}", world.trace);

        let world = with(Command::UserText("What about the moon?".to_owned()));
        // It follows what is being said.
        let waits = !user.is_empty()
            || commands.iter().any(|(_, it)| {
                matches!(it, Command::Press | Command::Say { interruptible: false, .. })
            });
        let taken = world.shown.iter().any(|(when, event)| {
            (waits || *when <= by) && matches!(event, ConversationEvent::UserTurn { typed: true, .. })
        });
        prop_assert!(taken, "{}", world.trace);
    }

    #[test]
    fn typed_words_at_the_end_are_always_answered(
        preset in 0usize..8, user in user(SAYINGS, 0..5), commands in commands(), latencies in latencies(),
    ) {
        let mut all: Vec<_> = commands.clone();
        let end = user.last().map_or(0, |says| says.to).max(20_000) + LONGEST_PRESS + 2_000;
        all.push((end, Command::UserText("Tell me about the moon.".to_owned())));
        let world = play(preset, &user, &all, latencies);
        let lines = world.session.transcript().lines();
        let asked = lines.iter().position(|line| line.text.contains("Tell me about the moon"));
        let answer = asked.and_then(|index| lines.get(index + 1));
        prop_assert_eq!(answer.map(|line| line.speaker), Some(Speaker::Assistant), "{}", world.trace);
    }
}
