//! The last seconds of the microphone signal.

use std::ops::Range;

/// A ring buffer of the latest samples of a call, addressed by position: the number of samples before them.
pub struct History {
    ring: Vec<f32>,
    /// Position just after the newest sample: the number of samples pushed.
    end: u64,
}

/// A part of a [`History`].
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// The samples that were available.
    pub samples: Vec<f32>,
    /// Position of the first of `samples`.
    pub from: u64,
    /// How many of the requested samples have been overwritten, or lie before the start.
    pub lost: u64,
    /// How many of the requested samples have not been pushed yet.
    pub to_come: u64,
}

impl History {
    /// Keeps the latest `capacity` samples; at least one.
    pub fn new(capacity: usize) -> Self {
        Self { ring: vec![0.0; capacity.max(1)], end: 0 }
    }

    /// Appends `samples`; the oldest are overwritten.
    pub fn push(&mut self, samples: &[f32]) {
        let capacity = self.ring.len();
        let kept = &samples[samples.len().saturating_sub(capacity)..];
        self.end += samples.len() as u64;
        let at = ((self.end - kept.len() as u64) % capacity as u64) as usize;
        let (first, second) = kept.split_at(kept.len().min(capacity - at));
        self.ring[at..at + first.len()].copy_from_slice(first);
        self.ring[..second.len()].copy_from_slice(second);
    }

    /// The range of positions that are available.
    pub fn kept(&self) -> Range<u64> {
        self.end.saturating_sub(self.ring.len() as u64)..self.end
    }

    /// The samples from position `from` up to, not including, `to`, as far as they are available.
    pub fn range(&self, from: u64, to: u64) -> Excerpt {
        let to = to.max(from);
        let kept = self.kept();
        let first = from.clamp(kept.start, kept.end);
        let last = to.clamp(kept.start, kept.end);
        let capacity = self.ring.len();
        let at = (first % capacity as u64) as usize;
        let count = (last - first) as usize;
        let straight = count.min(capacity - at);
        let mut samples = Vec::with_capacity(count);
        samples.extend_from_slice(&self.ring[at..at + straight]);
        samples.extend_from_slice(&self.ring[..count - straight]);
        Excerpt {
            samples,
            from: first,
            lost: to.min(kept.start).saturating_sub(from),
            to_come: to.saturating_sub(from.max(kept.end)),
        }
    }
}
