//! Whether the loudspeaker's samples come when they are due.

use std::time::Duration;

use duplex_audio::PLAYOUT_RATE;

/// The loudspeaker counts as gone once it is this late: four times what a busy machine makes of its jitter.
const GONE: f64 = 0.08;

/// Samples this much earlier than the earliest before stand for a time that was filled with silence already.
const EARLY: f64 = 0.02;

/// How long the earliest sample is looked for before it becomes the measure; and the first time.
const WINDOW: f64 = 5.0;
const FIRST_WINDOW: f64 = 1.0;

/// The most by which the measure changes at once: 100 ppm, more than the clocks of one machine differ by.
const STEP: f64 = WINDOW * 1e-4;

/// Keeps the microphone's time beside the computer's: it fills where the loudspeaker gives nothing, and leaves out what
/// it then gives too late. Otherwise every sample is taken, whenever it comes.
#[derive(Debug, Default)]
pub struct Pace {
    /// Samples of the microphone's past, at the playout rate.
    taken: u64,
    filled: u64,
    left_out: u64,
    /// By how much a sample that is not late lies ahead of the computer's clock, in seconds.
    ahead: f64,
    window: Window,
    latest: f64,
}

/// The time in which the earliest sample is looked for; all in seconds.
#[derive(Clone, Copy, Debug, Default)]
enum Window {
    /// The loudspeaker gives nothing: its next sample is the first measure.
    #[default]
    Gone,
    First {
        since: f64,
        most: f64,
    },
    Later {
        since: f64,
        most: f64,
    },
}

impl Pace {
    fn lead(&self, now: f64) -> f64 {
        self.taken as f64 / f64::from(PLAYOUT_RATE) - now
    }

    /// Whether `count` samples of the loudspeaker that come at `now` are taken, or come too late.
    pub fn takes(&mut self, now: Duration, count: usize) -> bool {
        let now = now.as_secs_f64();
        let lead = self.lead(now) + count as f64 / f64::from(PLAYOUT_RATE);
        if let Window::Gone = self.window {
            self.ahead = self.ahead.min(lead);
            self.window = Window::First { since: now, most: lead };
        }
        if lead > self.ahead + EARLY {
            self.left_out += count as u64;
            return false;
        }
        self.taken += count as u64;
        self.latest = self.latest.max(self.ahead - lead);
        match &mut self.window {
            Window::Gone => {}
            Window::First { since, most } => {
                *most = most.max(lead);
                if now - *since >= FIRST_WINDOW {
                    self.ahead = *most;
                    self.window = Window::Later { since: now, most: f64::MIN };
                }
            }
            Window::Later { since, most } => {
                *most = most.max(lead);
                if now - *since >= WINDOW {
                    self.ahead = most.clamp(self.ahead - STEP, self.ahead + STEP);
                    self.window = Window::Later { since: now, most: f64::MIN };
                }
            }
        }
        true
    }

    /// How many samples of silence stand for the loudspeaker, which has given nothing for a while.
    pub fn missing(&mut self, now: Duration) -> usize {
        let late = self.ahead - self.lead(now.as_secs_f64());
        if late < GONE {
            return 0;
        }
        let missing = (late * f64::from(PLAYOUT_RATE)) as u64;
        self.taken += missing;
        self.filled += missing;
        self.window = Window::Gone;
        missing as usize
    }

    /// Samples of silence so far.
    pub fn filled(&self) -> u64 {
        self.filled
    }

    /// Samples that were left out so far.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// By how much the latest sample that was taken came later than it should.
    pub fn latest(&self) -> Duration {
        Duration::from_secs_f64(self.latest.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 240;

    /// Seconds at which blocks come: one every 5 ms, each late by what `late` says.
    fn times(seconds: f64, mut late: impl FnMut(u64) -> f64) -> Vec<f64> {
        let count = (seconds / 0.005) as u64;
        let mut times: Vec<f64> = (1..=count).map(|n| n as f64 * 0.005 + late(n)).collect();
        // No block overtakes another.
        let mut newest = 0.0;
        times.iter_mut().for_each(|time| {
            newest = f64::max(newest, *time);
            *time = newest;
        });
        times
    }

    /// Gives blocks to a pace as the room does, and returns by how much the microphone's time is off at the end.
    fn run(pace: &mut Pace, times: &[f64]) -> f64 {
        let (mut now, mut blocks) = (0.0, times.iter().peekable());
        while let Some(&&next) = blocks.peek() {
            if next - now > 0.01 {
                now += 0.01;
                pace.missing(Duration::from_secs_f64(now));
            } else {
                now = next;
                blocks.next();
                pace.takes(Duration::from_secs_f64(now), BLOCK);
            }
        }
        pace.taken as f64 / f64::from(PLAYOUT_RATE) - now
    }

    #[test]
    fn jitter_below_what_counts_as_gone_costs_no_sample() {
        let mut pace = Pace::default();
        let mut random = 1u64;
        let off = run(
            &mut pace,
            &times(1_800.0, |_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 40) as f64 / f64::from(1 << 24) * 0.05
            }),
        );
        assert_eq!((pace.filled, pace.left_out), (0, 0));
        assert!(off.abs() < 0.06, "{off} s");
    }

    #[test]
    fn a_server_whose_clock_differs_costs_no_sample_in_half_an_hour() {
        for ppm in [-50.0, 50.0] {
            let mut pace = Pace::default();
            run(&mut pace, &times(1_800.0, |n| n as f64 * 0.005 * ppm * 1e-6));
            assert_eq!((pace.filled, pace.left_out), (0, 0), "{ppm} ppm");
        }
    }

    #[test]
    fn a_loudspeaker_that_is_gone_is_silence_and_the_clock_goes_on() {
        let mut pace = Pace::default();
        let mut times = times(30.0, |_| 0.0);
        times.retain(|time| !(10.0..15.0).contains(time));
        let off = run(&mut pace, &times);
        let filled = pace.filled as f64 / f64::from(PLAYOUT_RATE);
        assert!((4.9..=5.1).contains(&filled), "{filled} s of silence");
        assert!(off.abs() < 0.1, "{off} s");
    }

    #[test]
    fn what_comes_after_the_silence_that_stands_for_it_is_left_out() {
        let mut pace = Pace::default();
        // For a second nothing comes, and then all of it at once.
        let off =
            run(&mut pace, &times(30.0, |n| if (2_000..2_200).contains(&n) { 1.0 } else { 0.0 }));
        assert!(pace.left_out > 0);
        assert!(pace.filled.abs_diff(pace.left_out) < u64::from(PLAYOUT_RATE) / 10, "{pace:?}");
        assert!(off.abs() < 0.1, "{off} s");
    }
}
