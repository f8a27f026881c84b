//! The path from a real loudspeaker to a real microphone: what the program `duplex-room` does.
//!
//! A program under test opens the devices of a [`SoundServer`](crate::sound_server::SoundServer). This is the air
//! between them, the user, and the microphone's clock, as a process of its own: [`run`] records what the loudspeaker
//! plays, gives it to a [`Room`](duplex_audio::room::Room), and writes what that room's microphone hears to the pipe
//! that feeds the virtual one. The room reacts to sound alone; it knows nothing of the program.
//!
//! # Clocks
//!
//! Every sample of the loudspeaker becomes `1 + drift` samples of the microphone, at once and in order: the two clocks
//! differ by exactly that drift, for any length of a call, and nothing is buffered that could grow. Only where the
//! loudspeaker stops giving samples (it is pulled out, the server has crashed) does the microphone go on by the
//! computer's clock, and what then comes too late is left out ([`pace`]).
//!
//! The room's time begins when a program first opens the microphone.
//!
//! # Delays
//!
//! A delay is that between what `SPEAKER.monitor` gives and what the microphone gives, both read by programs that read
//! alike. The room's own share (its filters, [`air::OWN_DELAY_MS`]) is part of the delay that it is asked for. What the
//! program's own buffers add on either side comes on top, as with any device.

pub mod air;
mod error;
mod log;
mod loudspeaker;
mod microphone;
mod options;
pub mod pace;
mod script;

use std::{
    fs,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::RecvTimeoutError,
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use duplex_audio::{FRAME_MILLIS, PLAYOUT_RATE, Scene};

use air::Air;
use loudspeaker::Loudspeaker;
use microphone::Microphone;
use pace::Pace;

pub use error::DeviceRoomError;
pub use log::{DeviceRoomLog, PlayedClip};
pub use options::{DelayAt, DeviceRoomOptions};
pub use script::Script;

/// What the room adds to its niceness.
const PRIORITY: i32 = -10;

/// How often the log is written.
const LOG_EVERY: Duration = Duration::from_millis(200);

/// Runs a room until `stop` is set, or until what `options` name as its end.
///
/// # Errors
/// A file cannot be read or written, or there is no program that records the loudspeaker. That the loudspeaker or the
/// microphone are missing is no error: they are waited for.
pub fn run(
    options: &DeviceRoomOptions,
    stop: &AtomicBool,
) -> Result<DeviceRoomLog, DeviceRoomError> {
    // Air does not wait for a busy machine. Where that is not allowed, it has to do without.
    _ = rustix::process::nice(PRIORITY);
    let mut air = Air::new(options)?;
    let pipe = options.microphone.as_deref().ok_or(DeviceRoomError::NoMicrophone)?;
    let mut microphone = Microphone::new(pipe);
    let loudspeaker = Loudspeaker::open(&options.loudspeaker)?;
    let frame = Duration::from_millis(FRAME_MILLIS);
    let start = Instant::now();
    let mut pace = Pace::default();
    let mut began = options.at_once.then(SystemTime::now);
    let mut heard = Vec::new();
    let mut logged = start;
    let mut is_over = false;
    while !is_over && !stop.load(Ordering::Relaxed) {
        let played = match loudspeaker.recv_timeout(frame) {
            Ok(block) => Some(block),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(loudspeaker.error()),
        };
        let now = start.elapsed();
        let block = match played {
            Some(block) if pace.takes(now, block.len()) => block,
            Some(_) => continue,
            None => vec![0.0; pace.missing(now)],
        };
        heard.clear();
        let scene = match began {
            Some(_) => air.carry(&block, &mut heard),
            None => {
                heard.resize(block.len(), 0.0);
                Scene::Running
            }
        };
        microphone.write(&heard);
        if began.is_none() && microphone.is_read() {
            began = Some(SystemTime::now());
        }
        if let Some(error) = air.recording_error() {
            return Err(error.into());
        }
        is_over = options.tail.is_some() && scene == Scene::Over
            || options.seconds.is_some_and(|seconds| air.seconds() >= seconds);
        if logged.elapsed() >= LOG_EVERY {
            logged = Instant::now();
            write_log(options.log.as_deref(), &show(&air, &pace, &microphone, began))?;
        }
    }
    let log = show(&air, &pace, &microphone, began);
    write_log(options.log.as_deref(), &log)?;
    air.finish();
    Ok(log)
}

fn show(
    air: &Air,
    pace: &Pace,
    microphone: &Microphone,
    began: Option<SystemTime>,
) -> DeviceRoomLog {
    let millis = |samples: u64| samples as f64 * 1e3 / f64::from(PLAYOUT_RATE);
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    DeviceRoomLog {
        began_unix_ms: began.and_then(since).map(|since| since.as_secs_f64() * 1e3),
        seconds: air.seconds(),
        clips: air.clips(),
        filled_ms: millis(pace.filled()),
        left_out_ms: millis(pace.left_out()),
        unread_ms: millis(microphone.unread()),
        latest_block_ms: pace.latest().as_secs_f64() * 1e3,
    }
}

/// Replaces the log as a whole: who reads it never sees a part.
fn write_log(path: Option<&Path>, log: &DeviceRoomLog) -> Result<(), DeviceRoomError> {
    let Some(path) = path else { return Ok(()) };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let json = serde_json::to_string_pretty(log).map_err(std::io::Error::from);
    json.and_then(|json| fs::write(&beside, json))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|source| DeviceRoomError::Write { path: path.into(), source })
}
