//! The playout queue between speech synthesis and the loudspeaker.
//!
//! [`Playout`] is the producer end, used by synthesis and turn-taking; [`Speaker`] is the consumer end, owned by the
//! device callback. They share a ring buffer of samples and a few atomics; neither ever waits for the other.
//!
//! # Positions
//! The position of a pushed sample is the number of samples pushed before it. These always hold:
//!
//! - `discarded() <= played() <= written()`, and none of the three ever decreases;
//! - `played()` is the position of the next sample to be heard, so `written() - played()` samples are waiting, and
//!   `played() - discarded()` have been heard, at whatever gain;
//! - a discarded sample counts as played without having been heard, so that positions keep their meaning across a
//!   flush.
//!
//! # What is heard
//! Control never cuts into sound, which would click: every change is a ramp or a fade.
//!
//! - [`set_gain`](Playout::set_gain) ramps the gain over [`GAIN_RAMP`] samples;
//! - [`hold`](Playout::hold) fades out over [`HOLD_FADE`] samples, which count as heard, then plays silence and
//!   consumes nothing until [`release`](Playout::release), which fades in over as many samples;
//! - [`flush`](Playout::flush) fades out over [`FLUSH_FADE`] samples, or over what is left if that is less, and
//!   discards the rest. From the first callback that begins after `flush` returned, at most [`FLUSH_FADE`] more of the
//!   flushed samples are ever heard.
//!
//! While nothing is audible (at the start, after the queue ran empty, while on hold, after a flush) there is nothing to
//! fade, and a new gain or hold takes effect at once.
//!
//! Control takes effect at the next callback, so its latency is one device period.

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

/// Length of a gain change, in samples: 15 ms.
pub const GAIN_RAMP: usize = playout_samples(15);

/// Length of the fade-out of a hold and of the fade-in of a release, in samples: 10 ms.
pub const HOLD_FADE: usize = playout_samples(10);

/// Length of the fade-out of a flush, in samples: 8 ms.
pub const FLUSH_FADE: usize = playout_samples(8);

/// State shared by the two ends. Each field has one writer.
struct Shared {
    /// Written by the control end: samples before this position must not be heard any more.
    flush: AtomicU64,
    /// Written by the control end: the target gain, as the bits of an `f32`.
    gain: AtomicU32,
    /// Written by the control end: whether playout is on hold.
    held: AtomicBool,
    /// Written by the control end: running empty at this position is not an underrun.
    end: AtomicU64,
    /// Written by the speaker: see [`Playout::played`].
    played: AtomicU64,
    /// Written by the speaker, before `played`: see [`Playout::discarded`].
    discarded: AtomicU64,
    /// Written by the speaker: see [`Playout::underruns`].
    underruns: AtomicU64,
}

/// The producer end of the playout queue, used by synthesis and turn-taking.
pub struct Playout {
    ring: HeapProd<f32>,
    written: u64,
    shared: Arc<Shared>,
}

/// A playout queue with room for `capacity` samples; at least one.
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
    /// Queues as many of `samples` as fit and returns how many that were. What is no finite number is
    /// silence.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        let fitted = if samples.iter().all(|sample| sample.is_finite()) {
            self.ring.push_slice(samples)
        } else {
            let finite = |&sample: &f32| if sample.is_finite() { sample } else { 0.0 };
            self.ring.push_iter(samples.iter().map(finite))
        };
        self.written += fitted as u64;
        fitted
    }

    /// How many samples fit now. Flushed samples free their room once the speaker has passed them.
    pub fn room(&self) -> usize {
        self.ring.vacant_len()
    }

    /// Ramps the gain to `gain`, clamped to 0..=1, over [`GAIN_RAMP`] samples. NaN is ignored.
    pub fn set_gain(&mut self, gain: f32) {
        if !gain.is_nan() {
            self.shared.gain.store(gain.clamp(0.0, 1.0).to_bits(), Release);
        }
    }

    /// Fades out and pauses: silence is played and nothing consumed until [`release`](Self::release) or
    /// [`flush`](Self::flush).
    pub fn hold(&mut self) {
        self.shared.held.store(true, Release);
    }

    /// Resumes after [`hold`](Self::hold), fading in.
    pub fn release(&mut self) {
        self.shared.held.store(false, Release);
    }

    /// Flushes everything pushed so far: it fades out and is discarded, at once if the queue is on hold.
    ///
    /// Also ends a hold and resets the gain: what is pushed afterwards plays at full gain, from its first sample.
    /// Returns the position of that sample. Once [`played`](Self::played) has reached it,
    /// [`discarded`](Self::discarded) tells how much of what came before was not heard.
    pub fn flush(&mut self) -> u64 {
        // The speaker reads gain and hold before it reads the flush position. So it cannot see the new gain and hold
        // without the position, which would raise speech that is about to end.
        self.shared.flush.store(self.written, Release);
        self.shared.gain.store(1f32.to_bits(), Release);
        self.shared.held.store(false, Release);
        self.written
    }

    /// Announces that nothing follows for now: running empty at this point is not an underrun.
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

    /// How many of the samples before [`played`](Self::played) were discarded unheard. To read both, read `played`
    /// first: `discarded` is then at least as new.
    pub fn discarded(&self) -> u64 {
        self.shared.discarded.load(Acquire)
    }

    /// How many times the queue ran empty within audio that was not [finished](Self::finish).
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Acquire)
    }
}
