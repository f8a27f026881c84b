//! `duplex test`: scripted calls, judged by what was audible.

use std::io::Write;
use std::path::PathBuf;

use duplex_harness::suite;

use crate::config::Config;
use crate::failure::Failure;
use crate::set::{self, Set, SplitName};

/// Run scripted calls and judge them by what was audible on both sides
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
    0  all calls went as expected
    1  some did not
    2  a scenario has a fault (the other cases run)
    3  the agent cannot be reached, or a model is missing
  130  interrupted (what ran until then is reported)")]
pub(crate) struct Test {
    /// Scenario files, or folders of them; see docs/scenarios.md
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where index.html, report.json, junit.xml and the audio of failed calls are written
    #[arg(long, value_name = "FOLDER", default_value = "out/test")]
    report: PathBuf,

    /// How often each case runs
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: usize,

    /// Call this agent instead of the one in this program; see docs/protocol.md
    #[arg(long, value_name = "ws://HOST:PORT/PATH", conflicts_with = "is_virtual")]
    agent: Option<String>,

    /// How many calls run at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,

    /// Run as fast as the models allow: for behaviour, not for latency figures
    #[arg(long = "virtual")]
    is_virtual: bool,

    /// Only a fixed quarter of the cases of each category: for the whole set in real time
    #[arg(long = "quarter")]
    is_quarter: bool,

    /// Only cases of this split, of the quarter where --quarter is given; see docs/scenarios.md
    #[arg(long, value_name = "SPLIT")]
    split: Option<SplitName>,

    /// Only cases whose name contains this, of the quarter where --quarter is given; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// Keep the audio of all calls, not only of those that failed
    #[arg(long)]
    keep_audio: bool,

    /// Keep the journals of all calls, each with a list of when its cues were played
    #[arg(long, conflicts_with = "agent")]
    keep_journals: bool,
    /// Also write what was observed of the user's sounds, with what they were: the table that the weights of
    /// turn-taking are fitted to
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    observations: Option<PathBuf>,

    /// For programs: the report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Test, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let set = Set {
        paths: args.paths,
        is_quarter: args.is_quarter,
        split: args.split.map(Into::into),
        only: args.only,
        agent: args.agent,
        is_virtual: args.is_virtual,
        jobs: args.jobs.max(1),
        repeat: args.repeat.max(1),
        keep_audio: args.keep_audio,
        keep_journals: args.keep_journals,
        observations: args.observations.clone(),
        folder: args.report,
    };
    let outcome = set::run_set(config, &set)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &outcome.report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", suite::table(&outcome.report))?;
        writeln!(out, "look  {}", set.folder.join("index.html").display())?;
    }
    outcome.judge(&set)
}
