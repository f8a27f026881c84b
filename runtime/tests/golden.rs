//! Journals of calls that are kept: what a session did in them it still does, and what is written in a journal is
//! what its version says.
//!
//! Where a test here fails after a change that is meant, raise the journal's version if its layout changed, and record
//! the journals again with `make journals`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use duplex_core::{
    Action, Command, CommandId, ConversationEvent, Event, Policy, Refusal, Samples, SessionTime,
    Turn, Why,
};
use duplex_runtime::{Journal, replay};
use serde_json::Value;

/// The demo call, and the same call with the duplex model asked.
const JOURNALS: [&str; 2] = ["demo.journal", "demo-both.journal"];

/// The version, and what is written under it: a digest of all names in the kept journals. Whoever changes the second
/// changes the first.
const LAYOUT: (u64, u64) = (9, 0x489b_7faa_718b_3e8a);

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals").join(name)
}

#[test]
fn a_session_does_what_it_did_in_the_kept_journals() {
    for name in JOURNALS {
        let (events, difference) = replay(&kept(name)).unwrap();
        assert_eq!(difference, None, "{name}");
        assert!(events > 1_000, "{name} is a whole call: {events} events");
    }
}

#[test]
fn the_kept_journals_show_what_a_conversation_is_made_of() {
    let text: String = JOURNALS.map(|name| fs::read_to_string(kept(name)).unwrap()).concat();
    for what in [
        "Recognise",
        "DetectEndOfTurn",
        "Write",
        "Synthesise",
        "Speak",
        "Duck",
        "Unduck",
        "Hold",
        "Release",
        "Cancel",
        "Drop",
        "Prefill",
        "Decide",
        "PrefillTurnModel",
        "VoiceActivity",
        "Recognised",
        "EndOfTurn",
        "Written",
        "Synthesised",
        "Played",
        "Decided",
        "Left",
        "reply_cancelled",
        "reply_resumed",
        "user_turn",
        "reply_started",
        "reply_heard",
    ] {
        assert!(text.contains(&format!("\"{what}\"")), "no {what} in the kept journals");
    }
}

#[test]
fn a_journal_that_is_read_and_written_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in JOURNALS {
        let text = fs::read_to_string(kept(name)).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let policy: Policy =
            serde_json::from_value(lines.next().unwrap()["policy"].take()).unwrap();
        let path = folder.path().join(name);
        let mut journal = Journal::create(&path, &policy).unwrap();
        for mut line in lines {
            let at: SessionTime = serde_json::from_value(line["at"].take()).unwrap();
            let event: Event = serde_json::from_value(line["event"].take()).unwrap();
            let actions: Vec<Action> = serde_json::from_value(line["actions"].take()).unwrap();
            journal.push(at, &event, &actions).unwrap();
        }
        journal.flush().unwrap();
        assert!(fs::read_to_string(&path).unwrap() == text, "{name} has another layout now");
    }
}

#[test]
fn the_version_changes_with_what_is_written() {
    let mut names = BTreeSet::new();
    let mut versions = BTreeSet::new();
    for name in JOURNALS {
        let text = fs::read_to_string(kept(name)).unwrap();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            versions.extend(value.get("journal").and_then(Value::as_u64));
            collect(&value, "", &mut names);
        }
    }
    names.extend(rare().map(|value| format!("rare {value}")));
    let all: Vec<_> = names.into_iter().collect();
    let layout = digest(all.join("\n").as_bytes());
    assert_eq!((versions, layout), (BTreeSet::from([LAYOUT.0]), LAYOUT.1), "see LAYOUT");
}

/// What a journal can have and a good call does not: every reason, kind and failure, as it is written. A new one
/// does not compile until it stands in the match below its list.
fn rare() -> impl Iterator<Item = String> {
    use duplex_core::{Failure, Overlap, SegmentId, Sources, UserKind};
    let reasons = [
        Why::Words,
        Why::Length,
        Why::StopCommand,
        Why::Backchannel,
        Why::ShortSound,
        Why::ToOthers,
        Why::OtherVoice,
        Why::Noise,
        Why::NoWords,
        Why::NoAnswer,
        Why::WentOn,
        Why::Revised,
        Why::Model,
        Why::Failure,
        Why::Empty,
        Why::Command,
        Why::Left,
    ];
    let _: fn(Why) = |why| match why {
        Why::Words
        | Why::Length
        | Why::StopCommand
        | Why::Backchannel
        | Why::ShortSound
        | Why::ToOthers
        | Why::OtherVoice
        | Why::Noise
        | Why::NoWords
        | Why::NoAnswer
        | Why::WentOn
        | Why::Revised
        | Why::Model
        | Why::Failure
        | Why::Empty
        | Why::Command
        | Why::Left => (),
    };
    let kinds = [UserKind::Turn, UserKind::Stop, UserKind::Backchannel, UserKind::Noise];
    let _: fn(UserKind) = |kind| match kind {
        UserKind::Turn | UserKind::Stop | UserKind::Backchannel | UserKind::Noise => (),
    };
    let failures =
        [Failure::Recogniser(SegmentId(1)), Failure::Model(Turn(1)), Failure::Voice(Turn(1))];
    let _: fn(Failure) = |failure| match failure {
        Failure::Recogniser(_) | Failure::Model(_) | Failure::Voice(_) => (),
    };
    let written = |value: serde_json::Result<String>| value.expect("a name is written");
    let reasons = reasons.map(|why| written(serde_json::to_string(&why)));
    let kinds = kinds.map(|kind| written(serde_json::to_string(&kind)));
    let events = failures.map(Event::Failed).into_iter().chain([
        Event::FellBack { turn: Turn(1), why: String::new() },
        Event::Warned(String::new()),
    ]);
    let failures = events.map(move |it| written(serde_json::to_string(&it)));
    let policies = [
        written(serde_json::to_string(&[
            Overlap::Weighed,
            Overlap::Yields,
            Overlap::Unheard,
            Overlap::Waits,
        ])),
        written(serde_json::to_string(&[Sources::Acoustic, Sources::Model, Sources::Both])),
    ];
    let notices = shown().map(move |event| written(serde_json::to_string(&Action::Notify(event))));
    let commands =
        commands().into_iter().map(|command| Event::Command { id: CommandId(1), command });
    let commands = commands.map(move |it| written(serde_json::to_string(&it)));
    let rest = policies.into_iter().chain(notices).chain(commands);
    reasons.into_iter().chain(kinds).chain(failures).chain(rest)
}

/// What is shown of a call in which more happens than in the kept ones.
fn shown() -> impl Iterator<Item = ConversationEvent> {
    use ConversationEvent as E;
    let (reply, text, why) = (Turn(1), String::new(), Why::Command);
    let (heard, unheard) = (text.clone(), text.clone());
    [
        E::ReplyDropped { reply, why },
        E::ReplyTruncated { reply, heard, unheard },
        E::UserIdle { silence_ms: 1, times: 1 },
        E::Microphone { open: true },
        E::Configured { command: CommandId(1) },
        E::Refused { command: CommandId(1), reason: Refusal::NoReply, text: text.clone() },
        E::Warning { text: text.clone(), detail: text },
        E::Lost { events: 1 },
        E::CallEnded,
    ]
    .into_iter()
}

/// Every command. A new one does not compile until it stands in the match below the list.
fn commands() -> Vec<Command> {
    let text = String::new();
    let commands = vec![
        Command::Respond,
        Command::Cancel,
        Command::UserText(text.clone()),
        Command::Earlier { user: text.clone(), assistant: text.clone() },
        Command::Say { text: text.clone(), interruptible: true },
        Command::Configure(Box::default()),
        Command::Mute,
        Command::Unmute,
        Command::Press,
        Command::Release,
        Command::End,
        Command::Truncate { reply: Turn(1), audio: Samples(1) },
        Command::ToolResult { call: text.clone(), output: text },
    ];
    let _: fn(Command) = |command| match command {
        Command::Respond
        | Command::Cancel
        | Command::UserText(_)
        | Command::Earlier { .. }
        | Command::Say { .. }
        | Command::Configure(_)
        | Command::Mute
        | Command::Unmute
        | Command::Press
        | Command::Release
        | Command::End
        | Command::Truncate { .. }
        | Command::ToolResult { .. } => (),
    };
    commands
}

/// The path of every name in a value.
fn collect(value: &Value, path: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}/{name}");
                collect(value, &path, names);
                names.insert(path);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, path, names)),
        _ => {}
    }
}

/// FNV-1a, 64 bit (Fowler, Noll and Vo).
fn digest(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
