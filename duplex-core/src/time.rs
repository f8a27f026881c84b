//! Session time: the microphone is the only clock.

use std::ops::{Add, Sub};

/// Samples per second of session time, and of every signal that the core reasons about.
pub const SAMPLE_RATE: u32 = 16_000;

/// A span of session time, in microphone samples at 16 kHz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Samples(pub u64);

impl Samples {
    /// The span of so many milliseconds. Durations become samples only here.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * SAMPLE_RATE as u64 / 1000)
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 * 1000 / SAMPLE_RATE as u64
    }

    /// `self - other`, or 0 where `other` is longer.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Samples {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// A moment of the call: microphone samples at 16 kHz since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct SessionTime(pub u64);

impl SessionTime {
    /// The span since `earlier`, or 0 where that lies ahead.
    pub const fn since(self, earlier: Self) -> Samples {
        Samples(self.0.saturating_sub(earlier.0))
    }

    /// `self - span`, or the beginning of the call.
    pub const fn back(self, span: Samples) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// Whole milliseconds since the call began.
    pub const fn as_millis(self) -> u64 {
        Samples(self.0).as_millis()
    }
}

impl Add<Samples> for SessionTime {
    type Output = Self;

    fn add(self, span: Samples) -> Self {
        Self(self.0 + span.0)
    }
}

impl Sub for SessionTime {
    type Output = Samples;

    fn sub(self, earlier: Self) -> Samples {
        self.since(earlier)
    }
}

/// Numbers the requests to the duplex model, one for each [`Action::Decide`](crate::Action::Decide).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct DecisionId(pub u32);

/// Cuts the call into the slices after which the user's words are recognised. A slice ends when its length has passed,
/// or early at a voice offset, so that no answer waits for the end of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceClock {
    length: Samples,
    began: SessionTime,
}

impl SliceClock {
    /// A clock whose slices last `length`, the first of which begins with the call.
    pub const fn new(length: Samples) -> Self {
        Self { length, began: SessionTime(0) }
    }

    /// Advances to `now`; true where this ends a slice.
    pub fn advance(&mut self, now: SessionTime) -> bool {
        let over = now.since(self.began) >= self.length;
        if over {
            self.close(now);
        }
        over
    }

    /// Ends the running slice at `now`.
    pub fn close(&mut self, now: SessionTime) {
        self.began = now;
    }
}
