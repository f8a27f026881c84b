//! `duplex replay`: replays a journal through the session.

use std::io::{self, Write};
use std::path::PathBuf;

use duplex_core::{Event, Shown};
use duplex_runtime::{SessionStep, replay_seen};

use crate::failure::{Exit, Failure};
use crate::view::{Conversation, clock};

/// Replay a journal through the session and report where it acts differently, if it does
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// A journal that `demo` or `converse` wrote
    journal: PathBuf,

    /// Show the conversation as it is replayed, and the commands that were sent to it
    #[arg(long)]
    show: bool,

    /// For programs: every event of the conversation as a JSON object on a line of standard output
    #[arg(long, conflicts_with = "show")]
    json: bool,
}

pub(crate) fn run(args: &Replay, out: &mut dyn Write) -> Result<(), Failure> {
    let mut conversation = Conversation::default();
    let mut written = Ok(());
    let mut show = |step: SessionStep<'_>| -> io::Result<()> {
        if args.show
            && let Event::Command { id, command } = step.event
        {
            let command = serde_json::to_string(command)?;
            writeln!(out, "{} command {}: {command}", clock(step.at.as_millis()), id.0)?;
        }
        for event in step.conversation() {
            let shown = Shown::new(step.at, event.clone());
            if args.json {
                writeln!(out, "{}", serde_json::to_string(&shown)?)?;
            } else if args.show {
                conversation.see(&shown);
                conversation.said().iter().try_for_each(|said| writeln!(out, "{said}"))?;
            }
        }
        Ok(())
    };
    let replayed = replay_seen(&args.journal, &mut |step| {
        if written.is_ok() {
            written = show(step);
        }
    });
    let (events, difference) =
        replayed.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    written?;
    let Some(difference) = difference else {
        if !args.json {
            writeln!(out, "{events} events: the same actions")?;
        }
        return Ok(());
    };
    let mut tell = |line: String| {
        // Standard output is for the events alone.
        if args.json { writeln!(io::stderr(), "{line}") } else { writeln!(out, "{line}") }
    };
    tell(format!(
        "{}, line {}: after {:.3} s the session acts differently\nevent: {:?}",
        args.journal.display(),
        difference.line,
        difference.at.as_millis() as f64 / 1000.0,
        difference.event,
    ))?;
    for action in &difference.then {
        tell(format!("then: {action:?}"))?;
    }
    for action in &difference.now {
        tell(format!("now:  {action:?}"))?;
    }
    let message = format!("{} events were the same, then one was not", events - 1);
    Err(Failure::new(Exit::Failed, message).with_hint(
        "the rules of the conversation have changed since it was recorded, or the session is not deterministic",
    ))
}
