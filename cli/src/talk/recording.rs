//! Both sides of a call, recorded to a FLAC file: the user left as the microphone heard them, the assistant right as it
//! was played, at 16 kHz and on one timeline.

use std::{
    fs::{File, OpenOptions},
    io::BufWriter,
    path::Path,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use duplex_audio::{FramePair, MICROPHONE_FRAME, NoiseSuppressor};
use duplex_core::SAMPLE_RATE;
use flac_codec::encode::{FlacSampleWriter, Options};

use super::panel::Panel;
use crate::failure::{Exit, Failure};

/// Frames that wait for the disk at most: ten seconds.
const WAITING: usize = 1_000;

/// A recording under way.
pub(crate) struct Recording {
    writer: JoinHandle<()>,
}

impl Recording {
    /// Begins to record to `path`, where `denoise` without the noise of the microphone. Gives the recording, and where
    /// the call's frames go.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub(crate) fn begin(
        path: &Path,
        denoise: bool,
        panel: Arc<Panel>,
    ) -> Result<(Self, SyncSender<FramePair>), Failure> {
        let io = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Io, format!("cannot record to {}: {error}", path.display()))
        };
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| {
            let failure = io(&error);
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                return failure.with_hint("name another file, or move this one away");
            }
            failure
        })?;
        let options = Options::fast().no_seektable();
        let encoder =
            FlacSampleWriter::new(BufWriter::new(file), options, SAMPLE_RATE, 16, 2, None)
                .map_err(|error| io(&error))?;
        let (frames, received) = sync_channel(WAITING);
        let name = path.display().to_string();
        panel.is_recording.store(true, Relaxed);
        let write = move || {
            let result = write(encoder, denoise.then(NoiseSuppressor::new), &received);
            panel.is_recording.store(false, Relaxed);
            if let Err(error) = result {
                let text = format!("{name}: the recording ended: {error}; the call goes on");
                panel.notice(text, true);
            }
        };
        let writer = std::thread::Builder::new().name("recording".to_owned()).spawn(write);
        Ok((Self { writer: writer.map_err(|error| io(&error))? }, frames))
    }

    /// Writes the rest, once the call is over and gives no more frames.
    pub(crate) fn finish(self) {
        // It has said what went wrong.
        _ = self.writer.join();
    }
}

fn write(
    mut encoder: FlacSampleWriter<BufWriter<File>>,
    mut suppressor: Option<NoiseSuppressor>,
    frames: &Receiver<FramePair>,
) -> Result<(), flac_codec::Error> {
    let mut samples = [0; 2 * MICROPHONE_FRAME];
    let whole = |sample: f32| (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i32;
    for FramePair { mut microphone, far_end } in frames {
        if let Some(suppressor) = &mut suppressor {
            suppressor.process(&mut microphone);
        }
        let sides = microphone.iter().zip(&far_end);
        for (pair, (&left, &right)) in samples.chunks_exact_mut(2).zip(sides) {
            pair.copy_from_slice(&[whole(left), whole(right)]);
        }
        encoder.write(&samples)?;
    }
    encoder.finalize()
}
