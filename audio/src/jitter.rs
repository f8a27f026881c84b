//! The buffer between a network and a sound device.
//!
//! Messages come in bursts, late, or not at all; the device takes a frame at a time in a steady
//! rhythm. [`JitterBuffer`] waits until a little sound has come in, and from then on gives what the
//! device asks for, with silence for what is missing. Whoever comes late once has from then on more
//! in the buffer, by as much as was late: so the buffer finds by itself the depth that its network
//! needs. What is found not to be needed for a second is taken out again.

use std::{collections::VecDeque, time::Duration};

use crate::units::level_db;

/// How long the least depth is watched before some of it counts as not needed.
const WINDOW: Duration = Duration::from_secs(1);

/// Frames below this level, in dB of full scale, are left out without a trace.
const QUIET_DB: f32 = -50.0;

/// How a [`JitterBuffer`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JitterOptions {
    /// Sound that must have come in before any is given, at the beginning and whenever the buffer
    /// ran empty. A shorter rest is given once it has waited for as long.
    pub lead: Duration,
    /// The most sound that is kept; the oldest goes first.
    pub most: Duration,
    /// Whether to take out what lies in the buffer without need. Off for a sender that may run ahead
    /// of the clock.
    pub catch_up: bool,
}

/// What went through a [`JitterBuffer`], in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterCounters {
    /// Came in.
    pub received: u64,
    /// Silence that was given for want of sound.
    pub missing: u64,
    /// Thrown away because the buffer was full.
    pub dropped: u64,
    /// Taken out to catch up.
    pub skipped: u64,
}

/// Samples on their way from a network to a sound device. See the module's documentation.
#[derive(Debug)]
pub struct JitterBuffer {
    samples: VecDeque<f32>,
    lead: usize,
    most: usize,
    window: Option<usize>,
    playing: bool,
    /// Samples asked for since the buffer began to wait.
    waited: usize,
    /// Least depth before a pull, and the samples pulled, since the window began.
    lowest: usize,
    watched: usize,
    /// Samples known not to be needed.
    surplus: usize,
    /// Dropped since the buffer was last less than half full.
    in_a_row: usize,
    counters: JitterCounters,
}

impl JitterBuffer {
    /// An empty buffer for sound of `rate` samples per second.
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

    /// Takes in what the network brought. Gives the number of samples that were dropped one after
    /// another, now and before: a sender that is ahead for good makes it grow without end.
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

    /// Throws away what was not given yet.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.wait();
    }

    /// Samples that wait to be given.
    pub fn depth(&self) -> usize {
        self.samples.len()
    }

    /// What went through so far.
    pub fn counters(&self) -> JitterCounters {
        self.counters
    }

    fn wait(&mut self) {
        self.playing = false;
        self.waited = 0;
    }

    /// Ends the waiting where there is enough, or where it has lasted long enough.
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
            // What remains at the lowest point is the lead and the frame that is given next.
            self.surplus = self.lowest.saturating_sub(self.lead + frame);
            (self.lowest, self.watched) = (usize::MAX, 0);
            if self.surplus >= frame {
                self.blend(frame);
            }
        }
    }

    /// Leaves out quiet frames of the surplus.
    fn skip(&mut self, frame: usize) {
        while self.surplus >= frame
            && self.samples.len() >= 2 * frame
            && level_db(&self.samples.range(..frame).copied().collect::<Vec<_>>()) < QUIET_DB
        {
            self.samples.drain(..frame);
            self.skipped(frame);
        }
    }

    /// Takes out a frame in the middle of sound: fades from the first frame into the second.
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
