//! What a loudspeaker of the sound server plays.

use std::{
    io::{self, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::Duration,
};

use duplex_audio::{FRAME_MILLIS, PLAYOUT_RATE};

use super::DeviceRoomError;

/// Blocks that wait for the room: a third of a second. More waits in the pipe, and the server.
const WAITING: usize = 64;

/// How long after its recorder ended a loudspeaker is looked for again.
const AGAIN: Duration = Duration::from_millis(100);

/// Records a loudspeaker, and waits for it where it is gone. The recording ends when this is dropped.
pub(super) struct Loudspeaker {
    blocks: Receiver<Vec<f32>>,
    recorder: Arc<Recorder>,
}

#[derive(Default)]
struct Recorder {
    process: Mutex<Option<Child>>,
    has_ended: AtomicBool,
    error: Mutex<Option<io::Error>>,
}

impl Loudspeaker {
    /// Records what the sink `name` plays from now on.
    pub(super) fn open(name: &str) -> Result<Self, DeviceRoomError> {
        // A block is at most half of what waits: short enough for a room that answers at once.
        let (give, blocks) = mpsc::sync_channel(WAITING);
        let recorder = Arc::new(Recorder::default());
        let (own, name) = (Arc::clone(&recorder), name.to_owned());
        thread::Builder::new()
            .name("loudspeaker".into())
            .spawn(move || own.run(&name, &give))
            .map_err(DeviceRoomError::Parec)?;
        Ok(Self { blocks, recorder })
    }

    /// The next block, of any length, mono at the playout rate.
    pub(super) fn recv_timeout(&self, timeout: Duration) -> Result<Vec<f32>, RecvTimeoutError> {
        self.blocks.recv_timeout(timeout)
    }

    /// Why there is none.
    pub(super) fn error(&self) -> DeviceRoomError {
        let mut error = self.recorder.error.lock().unwrap_or_else(PoisonError::into_inner);
        DeviceRoomError::Parec(error.take().unwrap_or_else(|| io::Error::other("it ended")))
    }
}

impl Drop for Loudspeaker {
    fn drop(&mut self) {
        self.recorder.has_ended.store(true, Ordering::Relaxed);
        let mut process = self.recorder.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = process.as_mut() {
            // It has ended already where this fails.
            _ = process.kill();
        }
    }
}

impl Recorder {
    /// Gives blocks until nobody takes them.
    fn run(self: &Arc<Self>, name: &str, give: &SyncSender<Vec<f32>>) {
        while !self.has_ended.load(Ordering::Relaxed) {
            match self.record(name, give) {
                // Nobody takes them any more.
                Ok(false) => return,
                Ok(true) => thread::sleep(AGAIN),
                Err(error) => {
                    *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return;
                }
            }
        }
    }

    /// Records until the server or the loudspeaker are gone; says whether blocks are still wanted.
    fn record(self: &Arc<Self>, name: &str, give: &SyncSender<Vec<f32>>) -> io::Result<bool> {
        let mut process = Command::new("parec")
            .args(["--raw", "--format=float32ne", "--channels=1"])
            .args([format!("--rate={PLAYOUT_RATE}"), format!("--device={name}.monitor")])
            .args([
                format!("--latency-msec={FRAME_MILLIS}"),
                format!("--process-time-msec={FRAME_MILLIS}"),
            ])
            .args(["--client-name=duplex-room", "--verbose"])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (output, messages) = (process.stdout.take(), process.stderr.take());
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        let own = Arc::clone(self);
        thread::spawn(move || own.watch(messages));
        let mut is_wanted = true;
        if let Some(mut output) = output {
            let (mut bytes, mut filled) = ([0; 8192], 0);
            loop {
                let read = output.read(&mut bytes[filled..]).unwrap_or(0);
                filled += read;
                let (samples, _) = bytes[..filled].as_chunks::<4>();
                let block: Vec<f32> = samples.iter().map(|x| f32::from_ne_bytes(*x)).collect();
                bytes.copy_within(block.len() * 4..filled, 0);
                filled -= block.len() * 4;
                is_wanted = is_wanted && (block.is_empty() || give.send(block).is_ok());
                if read == 0 || !is_wanted || self.has_ended.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut process) = process {
            // It has ended already where this fails.
            _ = process.kill();
            _ = process.wait();
        }
        Ok(is_wanted)
    }

    /// Ends a recorder whose device is gone: the server has moved it to another one, the microphone.
    fn watch(&self, messages: Option<ChildStderr>) {
        let (mut bytes, mut text) = ([0; 1024], String::new());
        let Some(mut messages) = messages else { return };
        while let Ok(read @ 1..) = messages.read(&mut bytes) {
            text.push_str(&String::from_utf8_lossy(&bytes[..read]));
            if text.contains("moved to device") {
                let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(process) = process.as_mut() {
                    // It has ended already where this fails.
                    _ = process.kill();
                }
                return;
            }
            // A message may come in two pieces.
            let kept = text.char_indices().rev().nth(64).map_or(0, |(at, _)| at);
            text.drain(..kept);
        }
    }
}
