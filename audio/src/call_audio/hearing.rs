//! The end of a call's sound that is no callback's: frames of both sides, and what is heard in them.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed, mpsc::SyncSender},
    time::Duration,
};

use ringbuf::{
    HeapCons,
    traits::{Consumer as _, Observer as _},
};

use super::{device_end::Shared, same_clock::SameClock, two_clocks::TwoClocks};
use crate::{
    front_end::{ActivityFrame, FrontEnd},
    resample::Resampler,
    units::{MICROPHONE_FRAME, PLAYOUT_FRAME},
};

/// How the far end finds the frame of the microphone that it belongs to.
pub(super) enum Pairing {
    Position(Box<SameClock>),
    Time(Box<TwoClocks>),
}

/// A frame of the microphone, and what the loudspeaker was given for that time; both at the session rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePair {
    /// As recorded.
    pub microphone: [f32; MICROPHONE_FRAME],
    /// Silence where the loudspeaker had nothing.
    pub far_end: [f32; MICROPHONE_FRAME],
}

/// Totals of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Samples of the microphone that found no room, at the device's rate: nobody took any for a second.
    pub unheard: u64,
    /// Samples of the far end that found no room, at the playout rate.
    pub far_lost: u64,
    /// Samples of the far end that were not there in time, and are silence in its place, at the playout rate.
    pub far_missing: u64,
    /// Samples of the far end that were skipped, because it had fallen behind the microphone, at the playout rate.
    pub far_skipped: u64,
    /// Blocks that were longer than announced.
    pub long_blocks: u64,
}

/// The other end of a [`CallAudio`](super::CallAudio): gives what both sides hold in frames that belong together.
///
/// The microphone is the clock: each of its samples comes out once, in order, and none waits for the far end.
pub struct FramePairs {
    pub(super) microphone: HeapCons<f32>,
    pub(super) microphone_rate: u32,
    /// From the device's rate to the session's.
    pub(super) rate: Resampler,
    /// Samples at the session rate that do not fill a frame yet.
    pub(super) waiting: Vec<f32>,
    pub(super) far_end: HeapCons<f32>,
    pub(super) pairing: Pairing,
    pub(super) shared: Arc<Shared>,
    /// Samples taken from the microphone, at its rate.
    pub(super) recorded: u64,
    /// Samples given out, at the session rate.
    pub(super) position: u64,
    pub(super) far_missing: u64,
    pub(super) far_skipped: u64,
}

impl FramePairs {
    /// Takes what both sides hold, and gives each whole frame to `give`, in order. Neither waits nor sleeps.
    ///
    /// `now` is the time on any steady clock. Where the device has [two clocks](super::Clocks::Two) they are compared
    /// by it, and this is to be called every few ms; otherwise it has no effect.
    pub fn take(&mut self, now: Duration, give: &mut dyn FnMut(&FramePair)) {
        // First the microphone, then the far end: a sample that is seen so has its far end seen, too.
        let count = self.microphone.occupied_len();
        if let Pairing::Time(pairing) = &mut self.pairing {
            let recorded = self.recorded + count as u64;
            pairing.look(now, (recorded, self.microphone_rate), &self.far_end);
        }
        let mut left = count;
        let mut block = [0.0; PLAYOUT_FRAME];
        while left > 0 {
            let taken = self.microphone.pop_slice(&mut block[..left.min(PLAYOUT_FRAME)]);
            if taken == 0 {
                break;
            }
            left -= taken;
            self.recorded += taken as u64;
            self.rate.process(&block[..taken], &mut self.waiting);
            self.frames(give);
        }
        if let Pairing::Position(pairing) = &mut self.pairing {
            self.far_skipped += pairing.settle(&mut self.far_end, self.waiting.len()) as u64;
        }
    }

    fn frames(&mut self, give: &mut dyn FnMut(&FramePair)) {
        let mut done = 0;
        while let Some(frame) = self.waiting[done..].first_chunk::<MICROPHONE_FRAME>() {
            let (far_end, missing, skipped) = match &mut self.pairing {
                Pairing::Position(pairing) => {
                    let (far_end, missing) = pairing.frame(&mut self.far_end);
                    (far_end, missing, 0)
                }
                Pairing::Time(pairing) => pairing.frame(&mut self.far_end, self.position),
            };
            self.far_missing += missing as u64;
            self.far_skipped += skipped as u64;
            self.position += MICROPHONE_FRAME as u64;
            done += MICROPHONE_FRAME;
            give(&FramePair { microphone: *frame, far_end });
        }
        self.waiting.drain(..done);
    }

    /// Whether the microphone's end was dropped. What it recorded before is still there to be taken.
    pub fn is_closed(&self) -> bool {
        !self.microphone.write_is_held()
    }

    /// Totals so far.
    pub fn counters(&self) -> DeviceCounters {
        DeviceCounters {
            unheard: self.shared.unheard.load(Relaxed),
            far_lost: self.shared.far_lost.load(Relaxed),
            far_missing: self.far_missing,
            far_skipped: self.far_skipped,
            long_blocks: self.shared.long_blocks.load(Relaxed),
        }
    }
}

/// A window of the microphone, as it was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardWindow {
    /// The sound after echo cancellation since the window before, at the session rate. Its samples come in whole
    /// frames, and so may reach a little beyond the window.
    pub cleaned: Vec<f32>,
    /// Voice activity of the window.
    pub activity: ActivityFrame,
}

/// Echo cancellation and voice activity of a call, off the device's callbacks.
pub struct Hearing {
    frames: FramePairs,
    front_end: FrontEnd,
    cleaned: Vec<f32>,
    /// Where the frames go as well, as they were recorded and played.
    tap: Option<SyncSender<FramePair>>,
}

impl Hearing {
    /// Hears `frames` with `front_end`.
    pub fn new(frames: FramePairs, front_end: FrontEnd) -> Self {
        Self { frames, front_end, cleaned: Vec::new(), tap: None }
    }

    /// Gives every frame to `tap` as well, as it was recorded and played. What it has no room for is lost to it.
    #[must_use]
    pub fn tapped(self, tap: Option<SyncSender<FramePair>>) -> Self {
        Self { tap, ..self }
    }

    /// Hears what the device has recorded so far, and gives each completed window to `emit`. For `now` see
    /// [`FramePairs::take`].
    pub fn hear(&mut self, now: Duration, emit: &mut dyn FnMut(HeardWindow)) {
        let Self { frames, front_end, cleaned, tap } = self;
        frames.take(now, &mut |pair| {
            if let Some(tap) = tap {
                _ = tap.try_send(*pair);
            }
            let mut window = None;
            let frame =
                front_end.push(&pair.microphone, &pair.far_end, &mut |frame| window = Some(frame));
            cleaned.extend_from_slice(frame);
            if let Some(activity) = window {
                emit(HeardWindow { cleaned: std::mem::take(cleaned), activity });
            }
        });
    }

    /// Whether the device has closed its microphone. What it recorded before is still there to be heard.
    pub fn is_closed(&self) -> bool {
        self.frames.is_closed()
    }

    /// Totals of the device so far.
    pub fn counters(&self) -> DeviceCounters {
        self.frames.counters()
    }
}
