//! `duplex demo`: the demo call, with everything that makes a conversation difficult.

use std::io::Write;
use std::path::PathBuf;

use duplex_harness::demo;
use duplex_harness::report::{CallRecord, Percentiles};

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::run_call::{Scene, folder, run_call};
use crate::setup;
use crate::view::Mode;

/// Run the demo call: a question, a backchannel and a cough during the answer, a new question
/// during the answer, a sentence with a pause inside, a command to stop
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Where call.wav, transcript.md, timeline.html, report.json and call.journal are written
    #[arg(long, value_name = "FOLDER", default_value = "out/demo")]
    out: PathBuf,

    /// Run as fast as the models allow: for behaviour, not for latency figures
    #[arg(long = "virtual")]
    is_virtual: bool,

    /// For programs: every event of the conversation as a JSON object on a line of standard output
    /// (docs/conversation-events.md)
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Demo, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    folder(&args.out)?;
    let (cues, expect) = demo::script()?;
    let engine = setup::engine(config)?;
    let call = run_call(
        config,
        &engine,
        Scene {
            room: demo::room(),
            cues,
            recording: args.out.join("call.wav"),
            journal: Some(args.out.join("call.journal")),
            script: Vec::new(),
            is_virtual: args.is_virtual,
            mode: Mode::choose(args.json),
        },
    )?;
    let record = call.record("The demo call", &expect)?;
    record.write(&args.out)?;
    if !args.json {
        print(&record, &args, out)?;
    }
    call.ended_well()?;
    if record.passed {
        return Ok(());
    }
    let failed: Vec<_> = record.events.iter().filter(|event| !event.passed).collect();
    let failed: Vec<_> =
        failed.iter().map(|event| format!("{} ({})", event.id, event.outcome)).collect();
    Err(Failure::new(
        Exit::Failed,
        format!("the call did not go as it should: {}", failed.join(", ")),
    )
    .with_hint(format!("see {}", args.out.join("timeline.html").display())))
}

fn print(record: &CallRecord, args: &Demo, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out)?;
    for event in &record.events {
        let mark = if event.passed { "ok" } else { "FAILED" };
        let latency = event.latency_ms.map(|ms| format!("{ms:.0} ms")).unwrap_or_default();
        writeln!(out, "{:<22} {:<28} {latency:>8}  {mark}", event.id, event.outcome)?;
    }
    let show = |latency: &Percentiles| {
        let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
        format!(
            "p50 {} ms, p90 {} ms, max {} ms",
            ms(latency.p50),
            ms(latency.p90),
            ms(latency.max)
        )
    };
    let summary = &record.summary;
    writeln!(out)?;
    if !args.is_virtual {
        writeln!(out, "answers after   {}", show(&summary.response_latency_ms))?;
        writeln!(out, "stops within    {}", show(&summary.stop_latency_ms))?;
        writeln!(out, "ready after     {:.1} s", summary.ready_ms / 1000.0)?;
    }
    writeln!(out, "memory at most  {:.0} MB", summary.rss_mb)?;
    writeln!(out)?;
    writeln!(out, "listen  {}", args.out.join("call.wav").display())?;
    writeln!(out, "look    {}", args.out.join("timeline.html").display())?;
    writeln!(out, "read    {}", args.out.join("transcript.md").display())?;
    Ok(())
}
