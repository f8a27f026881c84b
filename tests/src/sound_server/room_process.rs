//! The program `duplex-room`, as a test runs it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use duplex_audio::{Clip, FileError};

use super::SoundServer;
use crate::device_room::DeviceRoomLog;

/// Environment variable with the path of the program.
const VARIABLE: &str = "DUPLEX_ROOM";

/// How often the room's log is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A running room. It ends when this is dropped.
#[derive(Debug)]
pub struct RoomProcess {
    room: Child,
    /// The room ends once this is closed: with the test, however that ends.
    stdin: Option<ChildStdin>,
    recording: PathBuf,
    log: PathBuf,
    errors: PathBuf,
}

/// What is left of a room that has ended.
#[derive(Clone, Debug)]
pub struct RoomRecord {
    /// When it played what.
    pub log: DeviceRoomLog,
    /// Both sides on one timeline, that of the microphone: the user before echo and noise, the loudspeaker as played.
    pub recording: Clip,
}

/// What goes wrong with a room.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The program is not there.
    #[error(
        "duplex-room is not built: cargo build --release --package duplex-harness; looked for at {}",
        tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotBuilt {
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// It cannot be run, or what it wrote cannot be read.
    #[error("the room: {0}")]
    Io(#[from] io::Error),
    /// It ended with an error.
    #[error("the room ended with {status}: {said}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// What was waited for did not happen.
    #[error("the room's log does not show {what}; it is {log:?}")]
    Waited {
        /// What was waited for.
        what: &'static str,
        /// The log.
        log: Box<DeviceRoomLog>,
    },
    /// Its log is not one.
    #[error("the room's log: {0}")]
    Log(#[from] serde_json::Error),
    /// Its recording is not one.
    #[error(transparent)]
    Recording(#[from] FileError),
}

impl RoomProcess {
    /// Starts `duplex-room` beside `server` with `args`, the options of its command line (`duplex-room --help`),
    /// without those that name its output. Its files are `NAME.wav` and `NAME.json` in the server's folder.
    ///
    /// # Errors
    /// The program is not built, or cannot be run.
    pub fn start<A: AsRef<OsStr>>(
        server: &SoundServer,
        name: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self, RoomError> {
        let file = |extension: &str| server.folder().join(name).with_extension(extension);
        let (recording, log, errors) = (file("wav"), file("json"), file("stderr"));
        let mut outputs: Vec<OsString> = vec!["--end-with-stdin".into()];
        for (option, path) in [("--record", &recording), ("--log", &log)] {
            outputs.push(option.into());
            outputs.push(path.into());
        }
        let mut room = server
            .command(find_room_program()?)
            .args(args)
            .args(outputs)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors)?)
            .spawn()?;
        let stdin = room.stdin.take();
        Ok(Self { room, stdin, recording, log, errors })
    }

    /// The log so far; it is written anew with everything that it shows, at most ten times a second.
    ///
    /// # Errors
    /// The room has ended with an error, or has no readable log.
    pub fn log(&mut self) -> Result<DeviceRoomLog, RoomError> {
        if let Some(status) = self.room.try_wait()?.filter(|status| !status.success()) {
            return Err(self.failed(status));
        }
        match fs::read(&self.log) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DeviceRoomLog::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the log shows `what`, that is, until `is_shown`.
    ///
    /// # Errors
    /// As for [`log`](Self::log), and that it was not so in time.
    pub fn wait_for(
        &mut self,
        what: &'static str,
        within: Duration,
        is_shown: impl Fn(&DeviceRoomLog) -> bool,
    ) -> Result<DeviceRoomLog, RoomError> {
        let deadline = Instant::now() + within;
        loop {
            let log = self.log()?;
            if is_shown(&log) {
                return Ok(log);
            }
            if Instant::now() > deadline {
                return Err(RoomError::Waited { what, log: Box::new(log) });
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until the room ends by itself (`--seconds`, `--tail`), then reads what it wrote.
    ///
    /// # Errors
    /// It ended with an error, or what it wrote cannot be read.
    pub fn wait(mut self) -> Result<RoomRecord, RoomError> {
        // Its standard input stays open: `Child::wait` would close it.
        let status = self.room.wait()?;
        self.record(status)
    }

    /// Ends the room and reads what it wrote.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    pub fn finish(mut self) -> Result<RoomRecord, RoomError> {
        self.stdin = None;
        let status = self.room.wait()?;
        self.record(status)
    }

    fn record(&mut self, status: ExitStatus) -> Result<RoomRecord, RoomError> {
        if !status.success() {
            return Err(self.failed(status));
        }
        let log = serde_json::from_slice(&fs::read(&self.log)?)?;
        Ok(RoomRecord { log, recording: Clip::read(&self.recording)? })
    }

    fn failed(&self, status: ExitStatus) -> RoomError {
        let said = fs::read_to_string(&self.errors).unwrap_or_default();
        RoomError::Failed { status, said: said.trim().into() }
    }
}

impl Drop for RoomProcess {
    fn drop(&mut self) {
        // It has ended already where this fails.
        _ = self.room.kill();
        _ = self.room.wait();
    }
}

/// The program `duplex-room`: the value of the environment variable `DUPLEX_ROOM`, else the program of that name in the
/// folder of the running one, or in the one above, where Cargo's tests find it.
///
/// # Errors
/// [`RoomError::NotBuilt`].
pub fn find_room_program() -> Result<PathBuf, RoomError> {
    let name = format!("duplex-room{}", env::consts::EXE_SUFFIX);
    let tried = match env::var_os(VARIABLE) {
        Some(path) => vec![PathBuf::from(path)],
        None => {
            let program = env::current_exe()?;
            program.ancestors().skip(1).take(2).map(|folder: &Path| folder.join(&name)).collect()
        }
    };
    let found = tried.iter().find(|path| path.is_file()).cloned();
    found.ok_or(RoomError::NotBuilt { tried })
}
