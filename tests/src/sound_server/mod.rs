//! A sound server of its own for a test: virtual devices that a program under test finds as the computer's.
//!
//! [`SoundServer`] runs a private pulseaudio. Its loudspeaker [`SPEAKER`] is a null sink, which takes sound at the pace
//! of a real one. Its microphone [`MICROPHONE`] gives what is written to a pipe, at the pace at which it is written:
//! like that of a real device, its clock is nobody else's. [`RoomProcess`] starts the program that writes it,
//! `duplex-room` (see [`device_room`](crate::device_room)); without one, the microphone gives nothing.
//!
//! No device of the computer is touched, and no other sound server; it also works where there is neither, and as root.

mod error;
mod room_process;

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use duplex_audio::PLAYOUT_RATE;
use tempfile::TempDir;

pub use error::SoundServerError;
pub use room_process::{RoomError, RoomProcess, RoomRecord, find_room_program};

/// The loudspeaker that every server has, its default sink.
pub const SPEAKER: &str = "speaker";

/// The microphone that every server has, its default source.
pub const MICROPHONE: &str = "virtmic";

/// Environment variable with the path of the pipe that feeds [`MICROPHONE`].
pub const MICROPHONE_PIPE: &str = "DUPLEX_ROOM_MICROPHONE";

/// How long a server may take to answer for the first time.
const STARTS_WITHIN: Duration = Duration::from_secs(15);

/// How often it is asked whether it answers.
const POLL: Duration = Duration::from_millis(20);

/// A private pulseaudio. It ends when this is dropped.
#[derive(Debug)]
pub struct SoundServer {
    folder: TempDir,
    /// None while it is [killed](Self::kill).
    server: Option<Child>,
}

impl SoundServer {
    /// Starts a server with [`SPEAKER`] and [`MICROPHONE`], and waits until it answers.
    ///
    /// # Errors
    /// [`SoundServerError`]; where a program is missing, it names Debian's packages.
    pub fn start() -> Result<Self, SoundServerError> {
        let folder = tempfile::Builder::new().prefix("duplex-sound-").tempdir()?;
        let mut server = Self { folder, server: None };
        for folder in ["run", "state", "home"] {
            fs::create_dir(server.path(folder))?;
        }
        // ALSA's own devices stay out; what a program opens by default is the server's.
        let alsa = "</usr/share/alsa/alsa.conf>\n\
                    pcm.!default { type pulse }\n\
                    ctl.!default { type pulse }\n";
        fs::write(server.path("alsa.conf"), alsa)?;
        // A program must not start a server of its own where this one has been killed.
        fs::write(server.path("client.conf"), "autospawn = no\nenable-shm = no\n")?;
        fs::write(server.path("default.pa"), server.devices())?;
        server.launch()?;
        Ok(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The server's own configuration.
    fn devices(&self) -> String {
        let (socket, microphone) = (self.path("run/native"), self.microphone_arguments());
        // Without `norewinds` a null sink renders two seconds ahead, and the first input waits for them.
        format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name={SPEAKER} rate={PLAYOUT_RATE} norewinds=1 \
             sink_properties=device.description=Speaker\n\
             load-module module-pipe-source {}\n\
             set-default-sink {SPEAKER}\n\
             set-default-source {MICROPHONE}\n",
            socket.display(),
            microphone.join(" "),
        )
    }

    fn microphone_arguments(&self) -> [String; 5] {
        [
            format!("source_name={MICROPHONE}"),
            format!("rate={PLAYOUT_RATE}"),
            "channels=1".into(),
            "format=float32le".into(),
            format!("file={}", self.microphone_pipe().display()),
        ]
    }

    fn launch(&mut self) -> Result<(), SoundServerError> {
        // One that was killed leaves both behind.
        for stale in [self.path("run/native"), self.microphone_pipe()] {
            match fs::remove_file(stale) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        let mut command = self.command("pulseaudio");
        let options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"];
        command
            .args(options)
            .args(["--disable-shm=yes", "--realtime=yes", "--high-priority=yes"])
            .args(["--log-target=stderr", "-F"])
            .arg(self.path("default.pa"))
            .env("HOME", self.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.path("log"))?);
        let server = command.spawn().map_err(|error| SoundServerError::run("pulseaudio", error))?;
        self.server = Some(server);
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            match self.pactl(&["info"]) {
                Ok(_) => return Ok(()),
                Err(missing @ SoundServerError::NotInstalled { .. }) => return Err(missing),
                Err(_) => {}
            }
            if let Some(status) = self.server.as_mut().map(Child::try_wait).transpose()?.flatten() {
                self.server = None;
                return Err(SoundServerError::Ended { status, log: self.log() });
            }
            if Instant::now() > deadline {
                self.kill();
                return Err(SoundServerError::Silent { log: self.log() });
            }
            // pulseaudio tells nobody that it is ready: it has to be asked.
            thread::sleep(POLL);
        }
    }

    /// The variables under which a program finds this server, by libpulse and by ALSA's `default`.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        let mut socket = OsString::from("unix:");
        socket.push(self.path("run/native"));
        vec![
            ("PULSE_SERVER", socket),
            ("PULSE_CLIENTCONFIG", self.path("client.conf").into()),
            ("PULSE_RUNTIME_PATH", self.path("run").into()),
            ("PULSE_STATE_PATH", self.path("state").into()),
            ("XDG_RUNTIME_DIR", self.path("run").into()),
            ("ALSA_CONFIG_PATH", self.path("alsa.conf").into()),
            (MICROPHONE_PIPE, self.microphone_pipe().into()),
        ]
    }

    /// `program` in the environment in which it finds this server.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.env());
        // They would name devices of another server.
        for variable in ["PULSE_SINK", "PULSE_SOURCE", "PULSE_LATENCY_MSEC"] {
            command.env_remove(variable);
        }
        command
    }

    /// The pipe that feeds [`MICROPHONE`]: mono, 32-bit floats, little-endian, at the playout rate.
    pub fn microphone_pipe(&self) -> PathBuf {
        self.path("microphone.pipe")
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn pactl(&self, args: &[&str]) -> Result<String, SoundServerError> {
        let Output { status, stdout, stderr } = self
            .command("pactl")
            .args(args)
            .env("LC_ALL", "C")
            .output()
            .map_err(|error| SoundServerError::run("pactl", error))?;
        if status.success() {
            return Ok(String::from_utf8_lossy(&stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&stderr).trim().to_owned();
        Err(SoundServerError::Refused { request: args.join(" "), said })
    }

    /// Plugs in another loudspeaker, with its rate in Hz. It plays into nothing.
    ///
    /// # Errors
    /// The server refuses, as where the name is taken.
    pub fn add_sink(&self, name: &str, rate: u32) -> Result<(), SoundServerError> {
        let (name, rate) = (format!("sink_name={name}"), format!("rate={rate}"));
        self.pactl(&["load-module", "module-null-sink", &name, &rate, "norewinds=1"]).map(drop)
    }

    /// Plugs in another microphone, with its rate in Hz. It hears nothing.
    ///
    /// # Errors
    /// The server refuses, as where the name is taken.
    pub fn add_source(&self, name: &str, rate: u32) -> Result<(), SoundServerError> {
        let (name, rate) = (format!("source_name={name}"), format!("rate={rate}"));
        self.pactl(&["load-module", "module-null-source", &name, &rate]).map(drop)
    }

    /// Plugs [`MICROPHONE`] in again, after it was [pulled out](Self::remove_source). A room goes on feeding it.
    ///
    /// # Errors
    /// The server refuses, as where it is there.
    pub fn add_microphone(&self) -> Result<(), SoundServerError> {
        let arguments = self.microphone_arguments();
        let mut request = vec!["load-module", "module-pipe-source"];
        request.extend(arguments.iter().map(String::as_str));
        self.pactl(&request).map(drop)
    }

    /// Pulls out a loudspeaker; the streams on it end.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_sink(&self, name: &str) -> Result<(), SoundServerError> {
        self.remove(&format!("sink_name={name}"))
    }

    /// Pulls out a microphone; the streams on it end.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_source(&self, name: &str) -> Result<(), SoundServerError> {
        self.remove(&format!("source_name={name}"))
    }

    fn remove(&self, argument: &str) -> Result<(), SoundServerError> {
        let modules = self.pactl(&["list", "short", "modules"])?;
        let has = |line: &&str| line.split_whitespace().any(|word| word == argument);
        let module = modules.lines().find(has).and_then(|line| line.split_whitespace().next());
        let Some(module) = module else {
            let said = format!("no module has {argument}");
            return Err(SoundServerError::Refused { request: "unload-module".into(), said });
        };
        self.pactl(&["unload-module", module]).map(drop)
    }

    /// Makes `name` the loudspeaker that a program opens by default.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn set_default_sink(&self, name: &str) -> Result<(), SoundServerError> {
        self.pactl(&["set-default-sink", name]).map(drop)
    }

    /// Makes `name` the microphone that a program opens by default.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn set_default_source(&self, name: &str) -> Result<(), SoundServerError> {
        self.pactl(&["set-default-source", name]).map(drop)
    }

    /// Suspends a loudspeaker, or lets it go on: its clock stands still meanwhile.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn suspend_sink(&self, name: &str, is_suspended: bool) -> Result<(), SoundServerError> {
        self.pactl(&["suspend-sink", name, flag(is_suspended)]).map(drop)
    }

    /// Suspends a microphone, or lets it go on: it gives nothing meanwhile.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn suspend_source(&self, name: &str, is_suspended: bool) -> Result<(), SoundServerError> {
        self.pactl(&["suspend-source", name, flag(is_suspended)]).map(drop)
    }

    /// How many streams play into loudspeakers, and how many take sound from microphones (or from what a loudspeaker
    /// plays, as the room does).
    ///
    /// # Errors
    /// The server does not answer.
    pub fn streams(&self) -> Result<(usize, usize), SoundServerError> {
        let count = |kind| self.pactl(&["list", "short", kind]).map(|list| list.lines().count());
        Ok((count("sink-inputs")?, count("source-outputs")?))
    }

    /// Ends the server at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It has ended already where this fails.
            _ = server.kill();
            _ = server.wait();
        }
    }

    /// [Kills](Self::kill) the server and starts it again at the same socket, with the devices it began with.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn restart(&mut self) -> Result<(), SoundServerError> {
        self.kill();
        self.launch()
    }

    /// The folder of everything that the server writes; it is gone with the server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        self.kill();
    }
}
