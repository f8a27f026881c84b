//! `duplex converse`: a call with a recorded user.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use duplex_audio::room::{Anchor, Cue, RoomOptions, Sound};
use duplex_core::Samples;

use crate::config::Config;
use crate::failure::Failure;
use crate::run_call::{Scene, folder, run_call};
use crate::script;
use crate::setup;
use crate::view::Mode;

/// Run a call with a recorded user
#[derive(Debug, clap::Args)]
pub(crate) struct Converse {
    /// The user: a sound file of any rate (WAV, FLAC, MP3, Ogg Vorbis, M4A, AIFF)
    #[arg(long, value_name = "FILE")]
    input: PathBuf,

    /// Where the recording is written: both sides as audible, a stereo WAV file, the user left, the
    /// assistant right
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// Run as fast as the models allow, every model job charged a fixed latency: the outcome does
    /// not depend on the machine's speed. For behaviour, not for latency figures
    #[arg(long = "virtual")]
    is_virtual: bool,

    /// Send the commands of this file to the call at their moments: a line is SECONDS COMMAND, as in
    /// `2.5 say One moment.` (docs/commands.md)
    #[arg(long, value_name = "FILE")]
    commands: Option<PathBuf>,

    /// Write every event of the call to this file, which `duplex replay` reads
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Write transcript.md, timeline.html, timeline.svg and report.json into this folder
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,

    /// Level of the assistant's echo in the microphone, in dB, as in -12 [default: no echo]
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    echo_db: Option<f32>,

    /// Noise this far below the user, in dB, as in 20 [default: no noise]
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    snr_db: Option<f32>,

    /// Silence of both sides that ends the call, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    tail: f64,

    /// For programs: every event of the conversation as a JSON object on a line of standard output
    /// (docs/conversation-events.md)
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Converse, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let sound = Sound::read(&args.input)?;
    let script = args.commands.as_deref().map(script::read).transpose()?.unwrap_or_default();
    let engine = setup::engine(config)?;
    let cue = Cue::new("input", sound, Anchor::Start(Samples(0)));
    let room = RoomOptions {
        echo_db: args.echo_db,
        snr_db: args.snr_db,
        tail_ms: (args.tail.clamp(0.0, 600.0) * 1000.0) as u64,
        ..RoomOptions::default()
    };
    let call = run_call(
        config,
        &engine,
        Scene {
            room,
            cues: vec![cue],
            recording: args.output.clone(),
            journal: args.journal,
            script,
            is_virtual: args.is_virtual,
            mode: Mode::choose(args.json),
        },
    )?;
    if let Some(report) = &args.report {
        folder(report)?;
        call.record(&args.input.display().to_string(), &BTreeMap::new())?.write(report)?;
    }
    if !args.json {
        let seconds = call.outcome.lasted.as_millis() as f64 / 1000.0;
        writeln!(out, "{seconds:.1} s of conversation in {}", args.output.display())?;
    }
    call.ended_well()
}
