//! The pipe that feeds a virtual microphone.

use std::path::{Path, PathBuf};

use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags, open},
    io::{Errno, ioctl_fionread, read, write},
    pipe::fcntl_setpipe_size,
};

/// Bytes that the pipe holds: 1.4 s, as much as the buffer of a sound card. A server that does not run for that long on
/// a busy machine reads them later, and none is lost.
const HOLDS: usize = 256 * 1024;

/// Samples that are written at once: so few are written whole or not at all.
const PIECE: usize = 1024;

/// Writes the microphone's samples, and drops them while no program reads the microphone.
pub(super) struct Microphone {
    path: PathBuf,
    pipe: Option<OwnedFd>,
    /// Whether a program reads it: the server takes nothing from the pipe otherwise.
    is_read: bool,
    /// Whether something was written that shows whether it is read.
    is_primed: bool,
    has_been_read: bool,
    unread: u64,
}

impl Microphone {
    pub(super) fn new(pipe: &Path) -> Self {
        Self {
            path: pipe.into(),
            pipe: None,
            is_read: false,
            is_primed: false,
            has_been_read: false,
            unread: 0,
        }
    }

    /// Whether a program reads the microphone at present.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Samples that no program read since the first one had opened the microphone.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Gives the microphone's next samples. Never waits.
    pub(super) fn write(&mut self, samples: &[f32]) {
        for piece in samples.chunks(PIECE) {
            let is_written = self.write_piece(piece);
            if !is_written && self.has_been_read {
                self.unread += piece.len() as u64;
            }
        }
    }

    fn write_piece(&mut self, samples: &[f32]) -> bool {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if self.pipe.is_none() {
            // A pipe that nobody has open for reading, or none at all: there is no server yet.
            let Ok(pipe) = open(&self.path, flags, Mode::empty()) else { return false };
            // Its default of 64 KiB is a third of a second; where no more is to be had, that has to do.
            _ = fcntl_setpipe_size(&pipe, HOLDS);
            self.pipe = Some(pipe);
        }
        let Some(pipe) = &self.pipe else { return false };
        if !self.is_read {
            // One piece waits until somebody reads it, so that nothing old is heard then.
            if ioctl_fionread(pipe).is_ok_and(|waiting| waiting > 0) {
                return false;
            }
            self.is_read = self.is_primed;
            self.has_been_read |= self.is_read;
            self.is_primed = true;
        }
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        match write(pipe, &bytes) {
            Ok(written) => written == bytes.len(),
            Err(Errno::AGAIN) => {
                // Nobody reads it any more. What is in it would be old when somebody does.
                (self.is_read, self.is_primed) = (false, false);
                self.empty();
                false
            }
            Err(_) => {
                // The server has gone; another one makes another pipe.
                (self.pipe, self.is_read, self.is_primed) = (None, false, false);
                false
            }
        }
    }

    fn empty(&self) {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(pipe) = open(&self.path, flags, Mode::empty()) else { return };
        let mut bytes = [0; PIECE];
        while read(&pipe, &mut bytes).is_ok_and(|read| read > 0) {}
    }
}
