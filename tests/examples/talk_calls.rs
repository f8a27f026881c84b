//! Holds calls with `duplex talk` on virtual devices, in real time: a user without headphones, who asks, interrupts the
//! answer, and asks again. `cargo run --release -p duplex-harness --example talk_calls -- PROGRAM MINUTES FOLDER`;
//! `make soak WHAT=talk` does it. The events of each call are left in the folder. Fails where the assistant interrupts
//! or answers itself, or too often is not interrupted.

#![expect(clippy::print_stdout, reason = "this is a program")]

use std::{
    fs,
    io::read_to_string,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use duplex_core::{ConversationEvent as Event, Shown, UserKind, Why};
use duplex_harness::sound_server::{RoomProcess, SoundServer};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Levels of the echo below the loudspeaker, in dB, in turn.
const ECHOES: [&str; 3] = ["-6", "-12", "-20"];

/// What the user asks, interrupts with, and asks afterwards, in turn.
const FIRST: [&str; 4] = ["q02", "q04", "q06", "q08"];
const OVER: [&str; 4] = ["i01", "i02", "i03", "i04"];
const LAST: [&str; 2] = ["q01", "q03"];

/// A call takes no longer, on any machine.
const LONGEST: Duration = Duration::from_secs(120);

/// Where a reply ends by itself so soon after the user's onset, there was nothing left to interrupt.
const OVER_BY_ITSELF_MS: u64 = 1_000;

/// What calls came to.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    calls: u32,
    /// Cut replies that no user had cut.
    self_interruptions: u32,
    /// Turns that no user had said.
    own_turns: u32,
    /// Interruptions by the user of which the reply did not end by itself, and those that cut it.
    interruptions: u32,
    noticed: u32,
    /// Questions, and those that were heard as a turn.
    questions: u32,
    heard: u32,
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(minutes), Some(folder)) = (args.next(), args.next(), args.next())
    else {
        return Err("talk_calls PROGRAM MINUTES FOLDER".into());
    };
    fs::create_dir_all(&folder)?;
    let length = Duration::from_secs_f64(60.0 * minutes.parse::<f64>()?);
    let began = Instant::now();
    let mut all = [Totals::default(); ECHOES.len()];
    for call in 0.. {
        if began.elapsed() >= length {
            break;
        }
        let echo = call % ECHOES.len();
        let events = Path::new(&folder).join(format!("call-{call:03}.jsonl"));
        hold(Path::new(&program), call, ECHOES[echo], &events, &mut all[echo])?;
    }
    for (echo, totals) in ECHOES.iter().zip(&all) {
        println!("{echo} dB: {totals:?}");
    }
    let sum = |of: fn(&Totals) -> u32| all.iter().map(of).sum::<u32>();
    let (calls, noticed, of) =
        (sum(|it| it.calls), sum(|it| it.noticed), sum(|it| it.interruptions));
    let wrong = sum(|it| it.self_interruptions + it.own_turns);
    println!(
        "{calls} calls, {wrong} times misled by itself, {noticed} of {of} interruptions noticed"
    );
    if wrong > 0 || f64::from(noticed) < 0.9 * f64::from(of) {
        return Err("it interrupts or answers itself, or is not interrupted".into());
    }
    Ok(())
}

/// Whether the reply that the user spoke over was ending anyway. `later_ms`: how long after their question they did.
/// The call's clock is not the room's: the question is where the user was heard first.
fn ended_by_itself(events: &[Shown], later_ms: u64) -> bool {
    let asked = events.iter().find(|it| matches!(it.event, Event::UserSpeechStarted { .. }));
    let end = events.iter().find_map(|it| match &it.event {
        Event::ReplyEnded { cut, .. } => Some((it.at_ms, cut.is_some())),
        _ => None,
    });
    asked.zip(end).is_some_and(|(asked, (end, was_cut))| {
        !was_cut && end < asked.at_ms + later_ms + OVER_BY_ITSELF_MS
    })
}

/// Holds a call, writes its events and adds what it came to.
fn hold(
    program: &Path,
    call: usize,
    echo: &str,
    events_file: &Path,
    totals: &mut Totals,
) -> Result<(), Error> {
    let server = SoundServer::start()?;
    let clip = |name: &str| -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("speech").join(name).with_extension("flac")
    };
    let user = [
        (FIRST[call % FIRST.len()], "start_ms = 700"),
        (OVER[call % OVER.len()], "speaking_ms = 2200"),
        (LAST[call % LAST.len()], "stopped_ms = 1500"),
    ];
    let script: String = user
        .iter()
        .map(|(name, when)| format!("[[clip]]\nfile = {:?}\nwhen = {{ {when} }}\n", clip(name)))
        .collect();
    let path = server.folder().join("user.toml");
    fs::write(&path, script)?;
    let room = if call.is_multiple_of(2) { "small" } else { "large" };
    let path = path.display().to_string();
    let options = ["--echo", echo, "--delay", "60", "--room", room, "--drift", "100"];
    let options = options.into_iter().chain(["--patience", "25", "--tail", "4", "--script", &path]);
    let room = RoomProcess::start(&server, "room", options)?;
    let mut talk = server
        .command(program)
        .args(["talk", "--json"])
        .env("XDG_STATE_HOME", server.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let out = talk.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || read_to_string(out));
    // The room ends once the user has said everything and nobody says any more.
    let record = room.wait()?;
    let mut ctl: Command = server.command(program);
    ctl.args(["ctl", "end"]).status()?;
    let deadline = Instant::now() + LONGEST;
    while talk.try_wait()?.is_none() {
        if Instant::now() > deadline {
            talk.kill()?;
            return Err("the call does not end".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = reader.join().map_err(|_| "the reader panicked")??;
    fs::write(events_file, &text)?;
    let events: Vec<Shown> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let count = |of: fn(&Event) -> bool| events.iter().filter(|it| of(&it.event)).count() as u32;
    let from: Vec<f64> = record.log.clips.iter().filter_map(|clip| clip.from_ms).collect();
    let said = from.len() as u32;
    let turns = count(|event| {
        matches!(event, Event::UserTurn { kind: UserKind::Turn, continues: None, .. })
    });
    let cuts = count(|event| match event {
        Event::ReplyCancelled { why, .. } => !matches!(why, Why::Left | Why::Command),
        _ => false,
    });
    let over = match from.as_slice() {
        [question, over, ..] => u32::from(!ended_by_itself(&events, (over - question) as u64)),
        _ => 0,
    };
    totals.calls += 1;
    totals.interruptions += over;
    totals.noticed += cuts.min(over);
    totals.self_interruptions += cuts.saturating_sub(over);
    totals.questions += said;
    totals.heard += turns.min(said);
    totals.own_turns += turns.saturating_sub(said);
    println!(
        "call {call}: echo {echo} dB, said {said}, turns {turns}, interruptions {over}, cuts {cuts}"
    );
    Ok(())
}
