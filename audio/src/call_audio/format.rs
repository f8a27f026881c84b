//! What a sound device is like.

use std::{ops::RangeInclusive, time::Duration};

use duplex_core::SAMPLE_RATE;

use crate::units::{ACTIVITY_WINDOW, PLAYOUT_FRAME, PLAYOUT_RATE};

/// Sample rates of sound devices, in Hz: from telephones to studios.
pub(crate) const RATES: RangeInclusive<u32> = 8_000..=192_000;

/// The longest block. Longer ones leave no conversation.
const LONGEST_BLOCK: Duration = Duration::from_secs(1);

/// By how much a device's call, or the thread that fills the playout, may be late.
const JITTER: Duration = Duration::from_millis(25);

/// Whether the two sides of a device run on one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// Both sides count the same time, as within one sound card, in a simulated room or on a socket: what was played
    /// and recorded belongs together by its position.
    One,
    /// Each side counts its own, as with a USB microphone beside the computer's loudspeaker: they drift apart.
    Two,
}

/// A sound device, as a call sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceFormat {
    /// Sample rate of the microphone, in Hz: 8 to 192 kHz.
    pub microphone_rate: u32,
    /// Sample rate of the loudspeaker, in Hz: 8 to 192 kHz.
    pub loudspeaker_rate: u32,
    /// The most samples that either side hands over at once; at least one, at most a second of either side.
    pub most_block: usize,
    /// Whether the two sides run on one clock.
    pub clocks: Clocks,
}

/// Why a device cannot carry a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// A sample rate that no device of a call has.
    #[error("a sound device cannot run at {0} Hz; its rate must lie within 8 and 192 kHz")]
    Rate(u32),
    /// Blocks that are empty, or too long to talk.
    #[error(
        "a sound device cannot work in blocks of {samples} samples at {rate} Hz; a block must have some, and last a second at most"
    )]
    Block {
        /// The block's samples.
        samples: usize,
        /// The rate of the side for which they are too many or too few, in Hz.
        rate: u32,
    },
}

impl DeviceFormat {
    /// A device without a clock of its own, [`Acoustics`](crate::Acoustics): frames of 10 ms, the microphone at the
    /// session rate, the loudspeaker at the playout rate. Nothing is resampled on the way to it.
    pub const FRAMES: Self = Self {
        microphone_rate: SAMPLE_RATE,
        loudspeaker_rate: PLAYOUT_RATE,
        most_block: PLAYOUT_FRAME,
        clocks: Clocks::One,
    };

    /// Checks that a call can be held on such a device.
    ///
    /// # Errors
    /// [`DeviceError`] names the first number that is out of range.
    pub fn check(&self) -> Result<(), DeviceError> {
        for rate in [self.microphone_rate, self.loudspeaker_rate] {
            if !RATES.contains(&rate) {
                return Err(DeviceError::Rate(rate));
            }
            let samples = self.most_block;
            if samples == 0 || self.block_at(rate) > LONGEST_BLOCK {
                return Err(DeviceError::Block { samples, rate });
            }
        }
        Ok(())
    }

    /// How many samples of the playout must be queued, at the playout rate, so that neither the longest block of the
    /// loudspeaker, nor the time between two windows of the microphone, nor a little jitter of either makes it run dry:
    /// the queue is filled whenever a window of the microphone is complete.
    pub fn playout_ahead(&self) -> usize {
        let window = Duration::from_secs_f64(ACTIVITY_WINDOW as f64 / f64::from(SAMPLE_RATE));
        let blocks = self.loudspeaker_block().saturating_add(self.microphone_block());
        let ahead = blocks.saturating_add(window + JITTER);
        (ahead.as_secs_f64() * f64::from(PLAYOUT_RATE)).ceil() as usize
    }

    pub(super) fn microphone_block(&self) -> Duration {
        self.block_at(self.microphone_rate)
    }

    pub(super) fn loudspeaker_block(&self) -> Duration {
        self.block_at(self.loudspeaker_rate)
    }

    fn block_at(&self, rate: u32) -> Duration {
        let seconds = self.most_block as f64 / f64::from(rate);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}
