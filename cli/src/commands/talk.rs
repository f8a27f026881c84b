//! `duplex talk`: a call with this computer's microphone and loudspeaker.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use duplex_audio::device::{self, OpenError, Side, Wanted};
use duplex_runtime::{EVENT_QUEUE, EventReader, Stop, WhenFull, event_queue};

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::setup;
use crate::talk::call::{Ends, Held, Plan, hold};
use crate::talk::choices::Choices;
use crate::talk::control::Control;
use crate::talk::earlier;
use crate::talk::interface;
use crate::talk::interface::options::{Flags, Options};
use crate::talk::panel::{Panel, Wish};
use crate::talk::recording::Recording;
use crate::talk::wake::Wake;
use crate::view::{self, View};

/// Talk to the assistant with this computer's microphone and loudspeaker
#[derive(Debug, clap::Args)]
pub(crate) struct Talk {
    /// The microphone: its name, or a part that only it has; `default`, or `none` to type only
    /// (`duplex devices` lists them) [default: talk.microphone, else the one chosen last, else the
    /// system's]
    #[arg(long, value_name = "NAME")]
    microphone: Option<String>,

    /// The loudspeaker, as --microphone
    #[arg(long, value_name = "NAME")]
    loudspeaker: Option<String>,

    /// Record both sides to this FLAC file: the user left, the assistant right
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// With --record: take steady noise out of the recorded user. What is recognised stays as it is
    #[arg(long, requires = "record")]
    denoise: bool,

    /// Save the conversation when the call ends: as FILE.md for people, as FILE.json for programs and for --continue
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Go on with a conversation that --transcript has saved
    #[arg(long = "continue", value_name = "FILE.json")]
    earlier: Option<PathBuf>,

    /// What the assistant is told about its task [default: llm.system_prompt]
    #[arg(long, value_name = "TEXT")]
    instructions: Option<String>,

    /// The voice, one of those that are configured [default: models.voice]
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,

    /// How fast the assistant speaks, relative to the voice's own pace: 0.5 to 2
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f32>,

    /// Sleep until this phrase is heard, as in "Hey Duplex"
    #[arg(long, value_name = "PHRASE")]
    wake: Option<String>,

    /// With --wake: sleep again after so many seconds in which the user says nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wake_for: u64,

    /// End the call when the user takes their leave
    #[arg(long)]
    end_at_farewell: bool,

    /// Write every event of the call to this file, which `duplex replay` reads
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    #[command(flatten)]
    look: Flags,

    /// For programs: every event of the conversation as a JSON object on a line of standard output
    /// (docs/conversation-events.md)
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Talk, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    interrupt::catch()?;
    let mut choices = Choices::load();
    let microphone = wanted(&args.microphone, &config.talk.microphone, &choices.microphone);
    let loudspeaker = wanted(&args.loudspeaker, &config.talk.loudspeaker, &choices.loudspeaker);
    // What is wrong with the devices is said before the models are loaded, which takes seconds.
    device::check(Side::Microphone, &microphone)?;
    device::check(Side::Loudspeaker, &loudspeaker)?;
    let earlier = args.earlier.as_deref().map(earlier::read).transpose()?.unwrap_or_default();
    let wake = args.wake.as_deref().map(|it| Wake::new(it, Duration::from_secs(args.wake_for)));
    let wake =
        wake.transpose().map_err(|why| Failure::new(Exit::Usage, format!("--wake: {why}")))?;
    if let Some(speed) = args.speed {
        choices.speed = Some((speed * 1000.0) as u16);
    }

    let mut options = setup::call_options(config);
    options.journal = args.journal;
    options.session.instructions = args.instructions;
    options.session.voice = args.voice;
    options.session.speed = choices.speed.map(|speed| f32::from(speed) / 1000.0);
    options.policy.ends_at_farewell |= args.end_at_farewell;
    let panel = Arc::new(if args.json { Panel::logged() } else { Panel::new() });
    let recording =
        args.record.as_deref().map(|path| Recording::begin(path, args.denoise, Arc::clone(&panel)));
    let recording = recording.transpose()?.map(|(recording, frames)| {
        options.tap = Some(frames);
        recording
    });

    let engine = setup::engine(config)?;
    let stop = Stop::default();
    let caught = interrupt::stops(&stop);
    let (wishing, wishes) = channel();
    let control = Control::listen(wishing.clone())
        .map_err(|error| tracing::warn!("`duplex ctl` cannot reach this call: {error}"));
    let (events, reader) = event_queue(EVENT_QUEUE, WhenFull::Lose);
    let look = Options::choose(args.look);
    let shown = match args.json {
        true => Shown::Json(view::json_of(reader)?),
        false => Shown::here(look, reader, Arc::clone(&panel), wishing)?,
    };
    let transcript = args.transcript.map(|path| path.with_extension(""));
    let plan = Plan { microphone, loudspeaker, options, earlier, transcript, choices, wake };
    let held = hold(&engine, plan, Ends { wishes, panel, events, stop });
    drop((caught, control));
    if let Some(recording) = recording {
        recording.finish();
    }
    shown.end();
    let Held { outcome, said, saved } = held?;
    if let Some(error) = outcome.error {
        return Err(error.into());
    }
    if !args.json {
        // The picture has left nothing on the terminal.
        if !look.plain && !look.screen_reader {
            said.iter().try_for_each(|said| writeln!(out, "{said}"))?;
        }
        let seconds = outcome.lasted.as_millis() as f64 / 1000.0;
        write!(out, "{seconds:.0} s of conversation")?;
        if let Some(page) = saved {
            write!(out, ", saved to {}", page.display())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Who shows the call.
enum Shown {
    Json(View),
    Terminal(JoinHandle<io::Result<()>>),
}

impl Shown {
    fn here(
        options: Options,
        events: EventReader,
        panel: Arc<Panel>,
        wishes: Sender<Wish>,
    ) -> Result<Self, Failure> {
        let show = move || interface::run(options, events, panel, wishes);
        let thread = thread::Builder::new().name("terminal".to_owned()).spawn(show);
        thread
            .map(Self::Terminal)
            .map_err(|error| Failure::new(Exit::Io, format!("no thread: {error}")))
    }

    /// Waits until everything of a call that is over was shown, and the terminal is given back.
    fn end(self) {
        match self {
            Self::Json(view) => drop(view),
            Self::Terminal(thread) => match thread.join() {
                Ok(Ok(())) => {}
                // With the terminal gone nobody can see it.
                Ok(Err(error)) => tracing::debug!("the terminal: {error}"),
                Err(_) => tracing::error!("showing the call panicked"),
            },
        }
    }
}

/// The device that is asked for here, or is configured, or was chosen in the last call.
fn wanted(here: &Option<String>, configured: &Option<String>, last: &Option<String>) -> Wanted {
    let name = here.as_ref().or(configured.as_ref()).or(last.as_ref());
    name.map_or(Wanted::Default, |name| Wanted::from(name.as_str()))
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        let (exit, hint) = match &error {
            OpenError::System(_) => (
                Exit::Unavailable,
                "is PipeWire, PulseAudio or ALSA running, and may this user reach it?",
            ),
            OpenError::None(Side::Microphone) => {
                (Exit::Unavailable, "plug one in, or type instead: `duplex talk --microphone none`")
            }
            OpenError::None(Side::Loudspeaker) | OpenError::NoOther(_) => {
                (Exit::Unavailable, "plug one in; `duplex devices` lists what there is")
            }
            OpenError::Unknown { .. } | OpenError::Ambiguous { .. } => {
                (Exit::Usage, "`duplex devices` lists what there is")
            }
            OpenError::Busy { .. } => {
                (Exit::Unavailable, "close that program, or choose another device")
            }
            OpenError::Denied { .. } => (
                Exit::Unavailable,
                "allow it in the system's settings, or add this user to the group `audio`",
            ),
            OpenError::Format { .. } | OpenError::Failed { .. } => {
                (Exit::Unavailable, "`duplex devices` lists other devices")
            }
        };
        Failure::new(exit, message).with_hint(hint)
    }
}
