//! Which part of what was played belongs to a frame of the microphone, where each side runs on a clock of its own.
//!
//! The two are compared by the clock of whoever looks. Both sides move in blocks, of up to a quarter of a second, so
//! that their counts alone would tell the time no better than to a block. What is regular is the time at which blocks
//! end: [`Progress`] smooths it to a straight line, one for each side. The far end of a sample of the microphone is
//! what the loudspeaker had been given when that sample came, less what it keeps in its longest block, less a margin for
//! jitter. Blocks of any length so leave no trace in the alignment, and drift moves it by its product with
//! [`SMOOTHING`]: a millisecond at 200 ppm.

use std::time::Duration;

use duplex_core::SAMPLE_RATE;
use ringbuf::{
    HeapCons,
    traits::{Consumer as _, Observer as _},
};

use crate::{
    resample::DriftResampler,
    units::{MICROPHONE_FRAME, PLAYOUT_RATE},
};

/// Time constant of the lines, in seconds.
const SMOOTHING: f64 = 5.0;

/// Time constant with which the alignment follows the lines, in seconds.
const CORRECTION: f64 = 2.0;

/// The far end is never played faster or slower than by this: far more than clocks drift, and not enough to hear. Larger
/// errors are jumped over.
const MOST_CORRECTION: f64 = 0.002;

/// An alignment that is wrong by more than this is not corrected but set anew, in seconds; by more than [`MARGIN`] while
/// a line is new.
const JUMP: f64 = 0.020;

/// A side that is off its line by this and a block has stopped, or has lost something, in seconds.
const OFF: f64 = 0.040;

/// By how much the far end is later than it need be, in seconds, for blocks that come late. A device has more delay than
/// this between its loudspeaker and its microphone, so that no echo comes before its far end.
const MARGIN: f64 = 0.005;

/// The shortest time over which it is watched how far the loudspeaker falls behind its line between blocks, in seconds.
const WATCH: f64 = 2.0;

/// What a look at a side shows.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Nothing,
    /// More sound, about when it was to be expected.
    More,
    /// The first sound, or sound at another time than the line says.
    Anew,
}

/// When the blocks of a side come: a line of slope one through the ends of its blocks.
struct Progress {
    /// Seconds of sound less seconds of the clock.
    offset: f64,
    /// Blocks on which it rests.
    blocks: f64,
    count: u64,
    came: f64,
    off: f64,
}

impl Progress {
    fn new(block: Duration) -> Self {
        Self { offset: 0.0, blocks: 0.0, count: 0, came: 0.0, off: OFF + block.as_secs_f64() }
    }

    /// Takes the number of samples so far.
    fn look(&mut self, now: f64, count: u64, rate: u32) -> Seen {
        if count == self.count {
            return Seen::Nothing;
        }
        let offset = count as f64 / f64::from(rate) - now;
        let is_new = self.blocks == 0.0 || (offset - self.offset).abs() > self.off;
        if is_new {
            (self.offset, self.blocks) = (offset, 1.0);
        } else {
            self.blocks += 1.0;
            let weight = 1.0 - (-(now - self.came).max(0.0) / SMOOTHING).exp();
            self.offset += (offset - self.offset) * weight.max(1.0 / self.blocks);
        }
        (self.count, self.came) = (count, now);
        if is_new { Seen::Anew } else { Seen::More }
    }
}

/// The far end by time.
pub(super) struct TwoClocks {
    rate: DriftResampler,
    microphone: Progress,
    loudspeaker: Progress,
    /// How far the loudspeaker falls behind its line before its next block comes, in seconds: in the time that is
    /// watched, and in the one before. Never positive.
    lowest: f64,
    lowest_before: f64,
    /// How far it was behind at the last look, in seconds.
    behind: f64,
    watch: f64,
    watched_since: f64,
    /// When a line last began anew.
    anew: f64,
    now: f64,
    /// Samples of the far end that were taken, at the playout rate.
    taken: u64,
    input: Vec<f32>,
}

impl TwoClocks {
    pub(super) fn new(rate: DriftResampler, microphone: Duration, loudspeaker: Duration) -> Self {
        let input = vec![0.0; rate.most_input()];
        let block = loudspeaker.as_secs_f64();
        Self {
            rate,
            microphone: Progress::new(microphone),
            loudspeaker: Progress::new(loudspeaker),
            lowest: 0.0,
            lowest_before: 0.0,
            behind: 0.0,
            watch: WATCH.max(4.0 * block),
            watched_since: 0.0,
            anew: 0.0,
            now: 0.0,
            taken: 0,
            input,
        }
    }

    /// Notes how many samples each side has come to: the microphone at its device's rate, the loudspeaker at the playout
    /// rate by what waits in `ring`.
    pub(super) fn look(&mut self, now: Duration, recorded: (u64, u32), ring: &HeapCons<f32>) {
        // A clock that runs back stands still.
        let now = now.as_secs_f64().max(self.now);
        let (recorded, rate) = recorded;
        self.now = now;
        if self.microphone.look(now, recorded, rate) == Seen::Anew {
            self.anew = now;
        }
        let played = self.taken + ring.occupied_len() as u64;
        match self.loudspeaker.look(now, played, PLAYOUT_RATE) {
            Seen::Nothing => {}
            // Only a block that came shows how far behind the loudspeaker is before one comes: it may stand still.
            Seen::More => self.lowest = self.lowest.min(self.behind),
            Seen::Anew => self.anew = now,
        }
        self.behind = played as f64 / f64::from(PLAYOUT_RATE) - now - self.loudspeaker.offset;
        if now - self.watched_since > self.watch {
            self.lowest_before = std::mem::replace(&mut self.lowest, 0.0);
            self.watched_since = now;
        }
    }

    /// By how much the far end is later than it ought to be for sample `position` of the microphone, at the session
    /// rate, in seconds.
    fn lag(&self, position: u64) -> f64 {
        let at = position as f64 / f64::from(SAMPLE_RATE) - self.microphone.offset;
        let behind = self.lowest.min(self.lowest_before) - MARGIN;
        let wanted = at + self.loudspeaker.offset + behind;
        wanted - self.taken as f64 / f64::from(PLAYOUT_RATE)
    }

    /// The frame that begins at sample `position` of the microphone, at the session rate; how many samples of it are
    /// missing, and how many were skipped before it, at the playout rate.
    pub(super) fn frame(
        &mut self,
        ring: &mut HeapCons<f32>,
        position: u64,
    ) -> ([f32; MICROPHONE_FRAME], usize, usize) {
        let mut far = [0.0; MICROPHONE_FRAME];
        let samples = |seconds: f64| (seconds * f64::from(PLAYOUT_RATE)) as usize;
        let (mut early, mut skipped) = (0, 0);
        let mut lag = self.lag(position);
        let jump = if self.now - self.anew > self.watch { JUMP } else { MARGIN };
        if lag > jump {
            skipped = ring.skip(samples(lag));
            self.taken += skipped as u64;
            lag = self.lag(position);
        } else if lag < -jump {
            early = samples(-lag);
            lag = 0.0;
        }
        self.rate.set_speed(1.0 + (lag / CORRECTION).clamp(-MOST_CORRECTION, MOST_CORRECTION));
        let input = &mut self.input[..self.rate.wants()];
        input.fill(0.0);
        let early = early.min(input.len());
        let ready = ring.pop_slice(&mut input[early..]);
        self.taken += ready as u64;
        let missing = input.len() - ready;
        self.rate.process(input, &mut far);
        (far, missing, skipped)
    }
}
