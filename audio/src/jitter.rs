//! The jitter buffer between a network and an audio device.
//!
//! Network messages arrive in bursts, late, or not at all; the device takes one frame at a time at a steady rate.
//! [`JitterBuffer`] waits until some audio has arrived, then gives the device what it asks for, with silence in place
//! of what is missing. When a sender is late once, the buffer is deeper from then on by the amount of the delay: so it
//! adapts by itself to the depth that its network needs. Depth that was not needed for a second is removed again.

use std::{collections::VecDeque, time::Duration};

use crate::units::level_db;

/// Period over which the lowest depth is observed before some of it counts as surplus.
const WINDOW: Duration = Duration::from_secs(1);

/// Frames below this level, in dBFS, are dropped without a cross-fade.
const QUIET_DB: f32 = -50.0;

/// Configuration of a [`JitterBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JitterOptions {
    /// Audio that must have arrived before any is given out, at the start and whenever the buffer ran empty. A shorter
    /// remainder is given out once it has waited for this long.
    pub lead: Duration,
    /// The most audio that is kept; the oldest is dropped first.
    pub most: Duration,
    /// Whether to remove surplus depth. Off for a sender that may run ahead of the clock.
    pub catch_up: bool,
}

/// Totals of a [`JitterBuffer`], in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterCounters {
    /// Received from the network.
    pub received: u64,
    /// Silence given out because audio was missing.
    pub missing: u64,
    /// Dropped because the buffer was full.
    pub dropped: u64,
    /// Skipped to remove surplus depth.
    pub skipped: u64,
}

/// Samples between a network and an audio device. See the [module documentation](self).
#[derive(Debug)]
pub struct JitterBuffer {
    samples: VecDeque<f32>,
    lead: usize,
    most: usize,
    window: Option<usize>,
    playing: bool,
    /// Samples requested since the buffer began to wait.
    waited: usize,
    /// Lowest depth before a pull, and the samples pulled, since the window began.
    lowest: usize,
    watched: usize,
    /// Samples known to be surplus.
    surplus: usize,
    /// Samples dropped since the buffer was last less than half full.
    in_a_row: usize,
    counters: JitterCounters,
}

impl JitterBuffer {
    /// An empty buffer for audio of `rate` samples per second.
    pub fn new(rate: u32, options: JitterOptions) -> Self {
        let samples = |length: Duration| (length.as_secs_f64() * f64::from(rate)) as usize;
        let lead = samples(options.lead);
        Self {
            samples: VecDeque::new(),
            lead,
            most: samples(options.most).max(lead).max(1),
            window: options.catch_up.then(|| samples(WINDOW)),
            playing: false,
            waited: 0,
            lowest: usize::MAX,
            watched: 0,
            surplus: 0,
            in_a_row: 0,
            counters: JitterCounters::default(),
        }
    }

    /// Takes audio from the network. Returns how many samples have been dropped since the buffer was last less than
    /// half full: a sender that runs permanently ahead makes this number grow without limit.
    pub fn push(&mut self, samples: &[f32]) -> usize {
        self.counters.received += samples.len() as u64;
        if self.samples.len() < self.most / 2 {
            self.in_a_row = 0;
        }
        let kept = &samples[samples.len().saturating_sub(self.most)..];
        let over = (self.samples.len() + kept.len()).saturating_sub(self.most);
        self.samples.drain(..over);
        self.samples.extend(kept);
        let dropped = over + samples.len() - kept.len();
        self.counters.dropped += dropped as u64;
        self.in_a_row += dropped;
        self.in_a_row
    }

    /// Fills a frame for the device.
    pub fn pull(&mut self, frame: &mut [f32]) {
        self.begin(frame.len());
        let ready = if self.playing { self.samples.len().min(frame.len()) } else { 0 };
        if self.playing {
            self.watch(frame.len());
            self.skip(frame.len());
        }
        for (to, sample) in frame.iter_mut().zip(self.samples.drain(..ready)) {
            *to = sample;
        }
        frame[ready..].fill(0.0);
        self.counters.missing += (frame.len() - ready) as u64;
        if self.playing && ready < frame.len() {
            self.wait();
        }
    }

    /// Discards what was not given out yet.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.wait();
    }

    /// Samples waiting to be given out.
    pub fn depth(&self) -> usize {
        self.samples.len()
    }

    /// Totals so far.
    pub fn counters(&self) -> JitterCounters {
        self.counters
    }

    fn wait(&mut self) {
        self.playing = false;
        self.waited = 0;
    }

    /// Ends the wait once there is enough audio, or once it has lasted long enough.
    fn begin(&mut self, frame: usize) {
        if self.playing || self.samples.is_empty() {
            return;
        }
        self.waited += frame;
        if self.samples.len() >= self.lead || self.waited > self.lead {
            self.playing = true;
            (self.lowest, self.watched, self.surplus) = (usize::MAX, 0, 0);
        }
    }

    fn watch(&mut self, frame: usize) {
        let Some(window) = self.window else { return };
        self.lowest = self.lowest.min(self.samples.len());
        self.watched += frame;
        if self.watched >= window {
            // At the lowest point, only the lead and the frame given out next need to be there.
            self.surplus = self.lowest.saturating_sub(self.lead + frame);
            (self.lowest, self.watched) = (usize::MAX, 0);
            if self.surplus >= frame {
                self.blend(frame);
            }
        }
    }

    /// Skips quiet frames of the surplus.
    fn skip(&mut self, frame: usize) {
        while self.surplus >= frame
            && self.samples.len() >= 2 * frame
            && level_db(&self.samples.range(..frame).copied().collect::<Vec<_>>()) < QUIET_DB
        {
            self.samples.drain(..frame);
            self.skipped(frame);
        }
    }

    /// Removes one frame within sound: cross-fades from the first frame into the second.
    fn blend(&mut self, frame: usize) {
        if self.samples.len() < 2 * frame {
            return;
        }
        for at in 0..frame {
            let into = (at + 1) as f32 / (frame + 1) as f32;
            self.samples[frame + at] =
                self.samples[at] * (1.0 - into) + self.samples[frame + at] * into;
        }
        self.samples.drain(..frame);
        self.skipped(frame);
    }

    fn skipped(&mut self, frame: usize) {
        self.surplus -= frame;
        self.counters.skipped += frame as u64;
    }
}
