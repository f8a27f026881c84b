//! The harness's own clock: whether frames come on time.

use std::time::{Duration, Instant};

use duplex_audio::FRAME_MILLIS;

use super::Clock;

const FRAME: Duration = Duration::from_millis(FRAME_MILLIS);

/// Measures how late frames are against a steady rhythm that begins with the first.
#[derive(Debug, Default)]
pub(super) struct Watch {
    due: Option<Instant>,
    clock: Clock,
}

impl Watch {
    /// Records a frame, and returns when the next one is due.
    pub(super) fn frame(&mut self, now: Instant) -> Instant {
        let due = *self.due.get_or_insert(now);
        self.clock.frames += 1;
        let lag = now.saturating_duration_since(due);
        if lag > FRAME / 2 {
            self.clock.late_frames += 1;
        }
        self.clock.worst_ms = self.clock.worst_ms.max(lag.as_secs_f64() * 1000.0);
        let next = due + FRAME;
        self.due = Some(next);
        next
    }

    /// The lateness so far.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames at the times `at`, in ms.
    fn watched(at: &[u64]) -> Clock {
        let began = Instant::now();
        let mut watch = Watch::default();
        for &at in at {
            watch.frame(began + Duration::from_millis(at));
        }
        watch.clock()
    }

    #[test]
    fn a_frame_is_late_once_it_lags_by_more_than_half_its_length() {
        assert_eq!(watched(&[0, 10, 20, 30]), Clock { frames: 4, late_frames: 0, worst_ms: 0.0 });
        assert_eq!(watched(&[0, 14, 25, 36]), Clock { frames: 4, late_frames: 1, worst_ms: 6.0 });
    }

    #[test]
    fn one_long_lag_is_not_counted_again_once_it_was_made_up_for() {
        assert_eq!(
            watched(&[0, 50, 50, 50, 50, 50]),
            Clock { frames: 6, late_frames: 4, worst_ms: 40.0 }
        );
    }

    #[test]
    fn early_frames_are_no_lag() {
        assert_eq!(watched(&[0, 3, 6]), Clock { frames: 3, ..Clock::default() });
    }
}
