//! The queue between synthesis and the loudspeaker.
//!
//! [`Playout`] is the end that synthesis and turn-taking hold, [`Speaker`] the end that the device
//! callback owns. They share a ring of samples and a few atomics; neither ever waits for the other.
//!
//! # Positions
//! Every pushed sample has a position: how many were pushed before it. Always
//!
//! - `discarded() <= played() <= written()`, and none of the three ever decreases;
//! - `played()` is the position of the next sample to be heard, so `written() - played()` samples
//!   are waiting, and `played() - discarded()` have been heard, at whatever gain;
//! - a discarded sample counts as played without having been heard, which is what makes positions
//!   after a flush mean the same as before it.
//!
//! # What is heard
//! Between hearing nothing and hearing something there is never a click in the middle of sound:
//!
//! - [`set_gain`](Playout::set_gain) moves the gain over [`GAIN_RAMP`] samples;
//! - [`hold`](Playout::hold) fades out over [`HOLD_FADE`] samples, which count as heard, then plays
//!   silence and consumes nothing until [`release`](Playout::release), which fades in likewise;
//! - [`flush`](Playout::flush) fades out over [`FLUSH_FADE`] samples, or over what is left where that
//!   is less, and discards the rest. From the first callback that begins after `flush` returned, at
//!   most [`FLUSH_FADE`] more of the flushed samples are heard, ever.
//!
//! While nothing sounds (at the start, after the queue ran empty, while held, after a flush) there is
//! nothing to fade, and a new gain or hold takes effect at once.
//!
//! Control takes effect at the next callback: how long that takes is the device's period.

mod speaker;

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{Acquire, Release},
    },
};

use ringbuf::{
    HeapProd, HeapRb,
    traits::{Observer as _, Producer as _, Split as _},
};

pub use speaker::Speaker;

use crate::units::playout_samples;

/// Samples over which a change of gain is spread: 15 ms.
pub const GAIN_RAMP: usize = playout_samples(15);

/// Samples over which held speech fades out and released speech fades in: 10 ms.
pub const HOLD_FADE: usize = playout_samples(10);

/// Samples over which flushed speech fades out: 8 ms.
pub const FLUSH_FADE: usize = playout_samples(8);

/// What the two ends tell each other. Each field has one writer.
struct Shared {
    /// Written by the control end: samples before this position are not to be heard any more.
    flush: AtomicU64,
    /// Written by the control end: the gain to move to, as the bits of an `f32`.
    gain: AtomicU32,
    /// Written by the control end: whether to stand still.
    held: AtomicBool,
    /// Written by the control end: running empty at this position is no underrun.
    end: AtomicU64,
    /// Written by the speaker: see [`Playout::played`].
    played: AtomicU64,
    /// Written by the speaker, before `played`: see [`Playout::discarded`].
    discarded: AtomicU64,
    /// Written by the speaker: see [`Playout::underruns`].
    underruns: AtomicU64,
}

/// The end of the queue that synthesis and turn-taking hold.
pub struct Playout {
    ring: HeapProd<f32>,
    written: u64,
    shared: Arc<Shared>,
}

/// A queue that holds `capacity` samples, and at least one.
pub fn playout(capacity: usize) -> (Playout, Speaker) {
    let (producer, consumer) = HeapRb::new(capacity.max(1)).split();
    let shared = Arc::new(Shared {
        flush: AtomicU64::new(0),
        gain: AtomicU32::new(1f32.to_bits()),
        held: AtomicBool::new(false),
        end: AtomicU64::new(0),
        played: AtomicU64::new(0),
        discarded: AtomicU64::new(0),
        underruns: AtomicU64::new(0),
    });
    (
        Playout { ring: producer, written: 0, shared: Arc::clone(&shared) },
        Speaker::new(consumer, shared),
    )
}

impl Playout {
    /// Queues as much of `samples` as fits, and says how many that were.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        let fitted = self.ring.push_slice(samples);
        self.written += fitted as u64;
        fitted
    }

    /// How many samples fit now. Flushed samples make room when the speaker has passed them.
    pub fn room(&self) -> usize {
        self.ring.vacant_len()
    }

    /// Moves the gain to `gain`, limited to 0..=1, over [`GAIN_RAMP`] samples. Not a number is
    /// ignored.
    pub fn set_gain(&mut self, gain: f32) {
        if !gain.is_nan() {
            self.shared.gain.store(gain.clamp(0.0, 1.0).to_bits(), Release);
        }
    }

    /// Fades out and stands still: silence is played and nothing consumed until [`release`](Self::release)
    /// or [`flush`](Self::flush).
    pub fn hold(&mut self) {
        self.shared.held.store(true, Release);
    }

    /// Goes on after [`hold`](Self::hold), fading in.
    pub fn release(&mut self) {
        self.shared.held.store(false, Release);
    }

    /// Ends everything pushed so far: it fades out and is discarded, at once where the queue is held.
    ///
    /// Ends a hold and a changed gain with it: what is pushed afterwards plays at full gain, from its
    /// first sample. Returns the position of that sample. Once [`played`](Self::played) has reached
    /// it, [`discarded`](Self::discarded) says how much of what came before was not heard.
    pub fn flush(&mut self) -> u64 {
        // The speaker reads gain and hold before it reads the position. So it cannot see the new
        // ones without the position, and let speech that is about to end rise first.
        self.shared.flush.store(self.written, Release);
        self.shared.gain.store(1f32.to_bits(), Release);
        self.shared.held.store(false, Release);
        self.written
    }

    /// Says that nothing follows for now: running empty at this point is no underrun.
    pub fn finish(&mut self) {
        self.shared.end.store(self.written, Release);
    }

    /// How many samples were pushed.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The position of the next sample to be heard.
    pub fn played(&self) -> u64 {
        self.shared.played.load(Acquire)
    }

    /// How many of the samples before [`played`](Self::played) were discarded unheard. Where both are
    /// read, read `played` first: `discarded` is then at least as new.
    pub fn discarded(&self) -> u64 {
        self.shared.discarded.load(Acquire)
    }

    /// How many times the queue ran empty in the middle of sound that was not [finished](Self::finish).
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Acquire)
    }
}
