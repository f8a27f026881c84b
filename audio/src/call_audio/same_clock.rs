//! Which part of what was played belongs to a frame of the microphone, where both sides run on one clock: the same
//! position of both.

use std::time::Duration;

use duplex_core::SAMPLE_RATE;
use ringbuf::{
    HeapCons,
    traits::{Consumer as _, Observer as _},
};

use crate::{
    far_end::FarEnd,
    units::{FRAME_MILLIS, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, playout_samples},
};

/// The shortest time over which it is watched how far the loudspeaker is ahead.
const WATCH: Duration = Duration::from_secs(2);

/// A far end that is never less than this ahead has slipped, as when the microphone alone lost something.
const SLIPPED: usize = playout_samples(2 * FRAME_MILLIS);

/// The far end by position.
///
/// What is missing is silence in its place, and moves all that follows to the moment at which it came: so the far end
/// is as early as it is always there. Should it stay behind what is there, the surplus is skipped.
pub(super) struct SameClock {
    far_end: FarEnd,
    /// Frames for which [`lowest`](Self::lowest) is watched: longer than two blocks of either side.
    watch: usize,
    watched: usize,
    /// The least that was ahead in that time, at the playout rate.
    lowest: usize,
}

impl SameClock {
    pub(super) fn new(block: Duration) -> Self {
        let watch = WATCH.max(4 * block).as_millis() / u128::from(FRAME_MILLIS);
        Self { far_end: FarEnd::default(), watch: watch as usize, watched: 0, lowest: usize::MAX }
    }

    /// The next frame, and how many samples of it are missing, at the playout rate.
    pub(super) fn frame(&mut self, ring: &mut HeapCons<f32>) -> ([f32; MICROPHONE_FRAME], usize) {
        let mut played = [0.0; PLAYOUT_FRAME];
        let ready = ring.pop_slice(&mut played);
        self.watched += 1;
        (self.far_end.frame(&played), PLAYOUT_FRAME - ready)
    }

    /// Looks at what is left once all whole frames are taken, of which `pending` samples of the microphone are not, at
    /// the session rate. Returns how many samples of the far end it skipped.
    pub(super) fn settle(&mut self, ring: &mut HeapCons<f32>, pending: usize) -> usize {
        let pending = pending * (PLAYOUT_RATE / SAMPLE_RATE) as usize;
        self.lowest = self.lowest.min(ring.occupied_len().saturating_sub(pending));
        if self.watched < self.watch {
            return 0;
        }
        let surplus = std::mem::replace(&mut self.lowest, usize::MAX);
        self.watched = 0;
        if surplus > SLIPPED { ring.skip(surplus) } else { 0 }
    }
}
