//! One recogniser process and the pipes to it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::protocol::Packet;

/// Time that a process with closed pipes gets to exit before it is killed.
const GRACE: Duration = Duration::from_millis(100);

/// A running process. Dropping it kills it: it has no state that could be lost.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    /// None once it is closed to let the process exit.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    log: Log,
}

/// Standard error of the process, forwarded to `tracing` line by line while an answer is awaited.
#[derive(Debug)]
struct Log {
    /// None once the process has closed it.
    pipe: Option<ChildStderr>,
    /// An incomplete line.
    partial: Vec<u8>,
    /// The last complete line: for the error message when the process dies.
    last: String,
}

impl Worker {
    /// Starts the program in a process group of its own: Ctrl-C in the terminal is for the client to handle.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Threads that spin while they wait take CPU time from the thread they wait for as soon as anything else
            // runs, and something else always does: the language model and speech synthesis.
            .env("OMP_WAIT_POLICY", "passive")
            .process_group(0)
            .spawn()?;
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = taken else {
            return Err(io::Error::other("no pipes to the process"));
        };
        // A process that is stopped and reads no more must not block the client in `write`.
        rustix::io::ioctl_fionbio(&stdin, true)?;
        let log = Log { pipe: Some(stderr), partial: Vec::new(), last: String::new() };
        Ok(Self { child, stdin: Some(stdin), stdout, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends one frame and waits for its answer, for at most `patience` in all.
    pub(super) fn exchange(&mut self, packet: &Packet, patience: Duration) -> io::Result<Packet> {
        let mut pipes = Pipes { worker: self, deadline: Instant::now() + patience };
        packet.write_to(&mut pipes)?;
        Packet::read_from(&mut pipes)
    }

    /// Ends the process and describes how it ended: its own exit status, if it exited, and its last line.
    pub(super) fn bury(mut self) -> String {
        self.stdin = None;
        let deadline = Instant::now() + GRACE;
        while let Some(pipe) = &self.log.pipe {
            match await_any(&mut [PollFd::new(pipe, PollFlags::IN)], deadline) {
                Ok(()) => self.log.drain(),
                Err(_) => break,
            }
        }
        let gone = self.log.pipe.is_none();
        // If the process has begun to exit, the signal changes nothing, not even its status.
        let _ = self.child.kill();
        let end = match self.child.wait() {
            Ok(status) if gone => status.to_string(),
            _ => "it no longer answered and was killed".to_owned(),
        };
        match self.log.last.as_str() {
            "" => end,
            words => format!("{end}; its last words: {words}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Either call fails only if the process has already exited and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The worker's pipes as one stream with a deadline for all operations.
struct Pipes<'a> {
    worker: &'a mut Worker,
    deadline: Instant,
}

impl Pipes<'_> {
    /// Waits until `pipe` is ready, forwarding standard error meanwhile.
    fn wait(
        &mut self,
        flags: PollFlags,
        pipe: fn(&Worker) -> Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        loop {
            let wanted = pipe(self.worker).ok_or(io::ErrorKind::BrokenPipe)?;
            let mut polled = vec![PollFd::from_borrowed_fd(wanted, flags)];
            polled.extend(self.worker.log.pipe.iter().map(|log| PollFd::new(log, PollFlags::IN)));
            await_any(&mut polled, self.deadline)?;
            let fired = |index: usize| polled.get(index).is_some_and(|fd| !fd.revents().is_empty());
            let (usable, talking) = (fired(0), fired(1));
            if talking {
                self.worker.log.drain();
            }
            if usable {
                return Ok(());
            }
        }
    }
}

/// Waits until one of the pipes is ready, or its other end is closed.
fn await_any(polled: &mut [PollFd<'_>], deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(polled, Some(&left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Read for Pipes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN, |worker| Some(worker.stdout.as_fd()))?;
        self.worker.stdout.read(buffer)
    }
}

impl Write for Pipes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::OUT, |worker| worker.stdin.as_ref().map(AsFd::as_fd))?;
            let stdin = self.worker.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            match stdin.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Forwards what is available. Blocks if nothing is and the process is alive.
    fn drain(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; 4096];
        match pipe.read(&mut buffer) {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(length) => self.partial.extend_from_slice(&buffer[..length]),
        }
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            self.last = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            tracing::warn!(target: "duplex_asr", "{}", self.last);
        }
        // A process that never ends a line must not grow this buffer.
        self.partial.truncate(buffer.len());
    }
}
