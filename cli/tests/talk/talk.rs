//! A running `duplex talk`, and what it shows.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use duplex_core::{ConversationEvent as Event, Shown, UserKind};
use duplex_harness::sound_server::{RoomProcess, SoundServer};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that is waited for: models are loaded and answers given on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/speech/{name}.flac"))
}

/// A sound server, its devices, and a room with a user who says clips at moments.
pub(crate) struct Desk {
    pub(crate) server: SoundServer,
    /// It ends with the desk.
    _room: RoomProcess,
}

impl Desk {
    /// A desk in a small room whose echo is so many dB below the loudspeaker. Each clip of the user has a moment.
    pub(crate) fn new(echo_db: &str, user: &[(&str, &str)]) -> Self {
        let server = SoundServer::start().unwrap();
        let script: String = user
            .iter()
            .map(|(name, when)| {
                format!("[[clip]]\nid = {name:?}\nfile = {:?}\nwhen = {{ {when} }}\n", clip(name))
            })
            .collect();
        let path = server.folder().join("user.toml");
        std::fs::write(&path, script).unwrap();
        let options = ["--echo", echo_db, "--delay", "60", "--drift", "200", "--script"];
        let options = options.into_iter().chain([path.to_str().unwrap()]);
        let room = RoomProcess::start(&server, "room", options).unwrap();
        Self { server, _room: room }
    }

    /// Begins a call at the desk.
    pub(crate) fn talk(&self, args: &[&str]) -> Talk {
        self.begin(self.server.command(env!("CARGO_BIN_EXE_duplex")), args)
    }

    /// Begins a call whose files may have so many blocks of 512 bytes: the full disk that needs no other disk.
    pub(crate) fn talk_with_files_of(&self, blocks: u32, args: &[&str]) -> Talk {
        let mut shell = self.server.command("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_duplex")]);
        self.begin(shell, args)
    }

    fn begin(&self, mut command: Command, args: &[&str]) -> Talk {
        let folder = self.server.folder();
        command
            .args(["talk", "--json"])
            .args(args)
            .current_dir(folder)
            .env("XDG_STATE_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("talk.log")).unwrap());
        let mut program = command.spawn().unwrap();
        let out = BufReader::new(program.stdout.take().unwrap());
        let (events, shown) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // Nobody waits for it once the test is over.
                _ = events.send(serde_json::from_str(&line).unwrap());
            }
        });
        Talk { program, shown, seen: Vec::new(), log: folder.join("talk.log") }
    }

    /// Steers the call from another program.
    pub(crate) fn ctl(&self, wish: &str) {
        let mut command = self.server.command(env!("CARGO_BIN_EXE_duplex"));
        let output = command.arg("ctl").args(wish.split(' ')).output().unwrap();
        assert!(output.status.success(), "{wish}: {output:?}");
    }
}

/// A running call.
pub(crate) struct Talk {
    program: Child,
    shown: Receiver<Shown>,
    seen: Vec<Shown>,
    log: PathBuf,
}

impl Talk {
    /// Waits for an event of which `find` says something.
    pub(crate) fn wait<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> (u64, T) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(shown) = self.shown.recv_timeout(left) else {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{what}: did not come; {log}\n{:#?}", self.seen);
            };
            let found = find(&shown.event).map(|found| (shown.at_ms, found));
            self.seen.push(shown);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Waits until nothing of the assistant was heard for so long.
    pub(crate) fn until_quiet(&mut self, silence: Duration) {
        let mut quiet = Instant::now() + silence;
        while let Ok(shown) =
            self.shown.recv_timeout(quiet.saturating_duration_since(Instant::now()))
        {
            if matches!(shown.event, Event::ReplyHeard { .. }) {
                quiet = Instant::now() + silence;
            }
            self.seen.push(shown);
        }
    }

    /// Waits until a reply is over; gives what was heard of it, and whether it was cut.
    pub(crate) fn reply(&mut self) -> (String, bool) {
        let over = |event: &Event| match event {
            Event::ReplyEnded { heard, cut, .. } => Some((heard.clone(), cut.is_some())),
            _ => None,
        };
        self.wait("the end of a reply", over).1
    }

    /// Ends the call as programs do that tell a process and its group.
    pub(crate) fn interrupt(&self) {
        let pid = Pid::from_raw(self.program.id().try_into().unwrap()).unwrap();
        for signal in [Signal::TERM, Signal::INT] {
            kill_process(pid, signal).unwrap();
        }
    }

    /// What has been shown so far.
    pub(crate) fn seen(&self) -> &[Shown] {
        &self.seen
    }

    /// The user's settled sounds so far, of this kind, and when they were settled.
    pub(crate) fn turns(&self, wanted: UserKind) -> Vec<(u64, String)> {
        let turn = |shown: &Shown| match &shown.event {
            Event::UserTurn { text, kind, .. } if *kind == wanted => {
                Some((shown.at_ms, text.clone()))
            }
            _ => None,
        };
        self.seen.iter().filter_map(turn).collect()
    }

    /// Waits until the program has ended; gives its exit code, and what it wrote to standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String, Vec<Shown>) {
        let status = self.program.wait().unwrap();
        self.seen.extend(self.shown.iter());
        let log = std::fs::read_to_string(&self.log).unwrap();
        (status.code(), log, std::mem::take(&mut self.seen))
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It has ended already where this fails.
        _ = self.program.kill();
        _ = self.program.wait();
    }
}
