//! The playout queue compared with a simple reference model, and with two threads at once.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Release},
};

use duplex_audio::{
    playout,
    playout::{FLUSH_FADE, GAIN_RAMP, HOLD_FADE},
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Push(usize),
    Fill(usize),
    Gain(f32),
    Hold,
    Release,
    Flush,
    Finish,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0usize..900).prop_map(Operation::Push),
        5 => (0usize..700).prop_map(Operation::Fill),
        1 => (0.0f32..=1.0).prop_map(Operation::Gain),
        1 => Just(Operation::Hold),
        1 => Just(Operation::Release),
        1 => Just(Operation::Flush),
        1 => Just(Operation::Finish),
    ]
}

/// The reference model: one sample at a time, with all state in plain fields.
struct Model {
    pushed: Vec<f32>,
    read: usize,
    discarded: usize,
    underruns: u64,
    end: usize,
    flush: Option<usize>,
    held: bool,
    sounding: bool,
    wish: f32,
    gain: (f32, f32, usize),
    presence: usize,
    fade: Option<(usize, usize)>,
}

fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}

impl Model {
    fn new() -> Self {
        Self {
            pushed: Vec::new(),
            read: 0,
            discarded: 0,
            underruns: 0,
            end: 0,
            flush: None,
            held: false,
            sounding: false,
            wish: 1.0,
            gain: (1.0, 1.0, 0),
            presence: HOLD_FADE,
            fade: None,
        }
    }

    fn current_gain(&self) -> f32 {
        let (from, to, left) = self.gain;
        from + (to - from) * smooth(1.0 - left as f32 / GAIN_RAMP as f32)
    }

    fn finish_flush(&mut self, at: usize) {
        self.discarded += at - self.read;
        self.read = at;
        self.flush = None;
        self.fade = None;
        self.sounding = false;
        self.presence = HOLD_FADE;
    }

    fn next(&mut self) -> f32 {
        if let Some(at) = self.flush {
            let audible = self.sounding && self.presence > 0 && at > self.read;
            match self.fade {
                None if audible => {
                    let length = FLUSH_FADE.min(at - self.read);
                    self.fade = Some((length, length));
                }
                None => self.finish_flush(at),
                Some((0, _)) => self.finish_flush(at),
                Some(_) => {}
            }
        }
        if self.fade.is_none() {
            if !self.sounding {
                if self.read == self.pushed.len() {
                    return 0.0;
                }
                self.gain = (self.wish, self.wish, 0);
                if self.held {
                    self.presence = 0;
                    return 0.0;
                }
                self.sounding = true;
            }
            if self.wish != self.gain.1 {
                self.gain = (self.current_gain(), self.wish, GAIN_RAMP);
            }
            if self.held && self.presence == 0 {
                self.sounding = false;
                return 0.0;
            }
            if self.read == self.pushed.len() {
                self.sounding = false;
                if self.held {
                    self.presence = 0;
                } else if self.read != self.end {
                    self.underruns += 1;
                }
                return 0.0;
            }
        }
        let sample = self.pushed[self.read];
        self.read += 1;
        self.gain.2 = self.gain.2.saturating_sub(1);
        let mut fade = 1.0;
        if let Some((left, length)) = &mut self.fade {
            *left -= 1;
            fade = smooth(*left as f32 / *length as f32);
        } else if self.held {
            self.presence -= 1;
        } else if self.presence < HOLD_FADE {
            self.presence += 1;
        }
        sample * self.current_gain() * smooth(self.presence as f32 / HOLD_FADE as f32) * fade
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_sequence_of_operations_sounds_as_the_model_says(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        const CAPACITY: usize = 2_000;
        let (mut playout, mut speaker) = playout(CAPACITY);
        let mut model = Model::new();
        let mut last_played = 0;
        let mut value = 0.0f32;
        for operation in operations {
            match operation {
                Operation::Push(count) => {
                    let samples: Vec<f32> = (0..count)
                        .map(|_| {
                            value = (value + 0.137) % 1.0;
                            value + 0.1
                        })
                        .collect();
                    let room = playout.room();
                    let fitted = playout.push(&samples);
                    prop_assert_eq!(fitted, count.min(room));
                    model.pushed.extend(&samples[..fitted]);
                }
                Operation::Fill(count) => {
                    let mut out = vec![f32::NAN; count];
                    speaker.fill(&mut out);
                    for (n, &sample) in out.iter().enumerate() {
                        let expected = model.next();
                        prop_assert!(
                            (sample - expected).abs() < 1e-5,
                            "sample {} is {}, the model says {}", n, sample, expected
                        );
                    }
                    if count > 0 {
                        // The model completes a fade only when it is asked for the next sample.
                        if let (Some(at), Some((0, _))) = (model.flush, model.fade) {
                            model.finish_flush(at);
                        }
                        prop_assert_eq!(playout.played(), model.read as u64);
                        prop_assert_eq!(playout.discarded(), model.discarded as u64);
                        prop_assert_eq!(playout.underruns(), model.underruns);
                        let waiting = (playout.written() - playout.played()) as usize;
                        prop_assert_eq!(playout.room(), CAPACITY - waiting);
                    }
                }
                Operation::Gain(gain) => {
                    playout.set_gain(gain);
                    model.wish = gain;
                }
                Operation::Hold => {
                    playout.hold();
                    model.held = true;
                }
                Operation::Release => {
                    playout.release();
                    model.held = false;
                }
                Operation::Flush => {
                    playout.flush();
                    model.flush = Some(model.pushed.len());
                    model.wish = 1.0;
                    model.held = false;
                }
                Operation::Finish => {
                    playout.finish();
                    model.end = model.pushed.len();
                }
            }
            prop_assert!(playout.played() >= last_played);
            prop_assert!(playout.played() <= playout.written());
            prop_assert!(playout.discarded() <= playout.played());
            last_played = playout.played();
        }
    }
}

/// Stops the other thread even if this one panics.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

/// Turns are distinguished by their sign: even ones are positive, odd ones negative.
#[test]
fn two_threads_never_hear_a_flushed_turn_after_its_fade() {
    const TURNS: u64 = 400;
    let (mut playout, mut speaker) = playout(4_096);
    let turn = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    // How many callbacks the device makes before it stands still. So a flush can meet a turn that is heard, and of which
    // enough is left.
    let (callbacks, stands) = (AtomicU64::new(u64::MAX), AtomicBool::new(false));

    let most_stale = std::thread::scope(|scope| {
        let device = scope.spawn(|| {
            let mut out = [0.0; 97];
            let (mut current, mut stale, mut most_stale) = (0, 0, 0);
            while !done.load(Acquire) {
                match callbacks.load(Acquire) {
                    u64::MAX => {}
                    0 => {
                        stands.store(true, Release);
                        std::thread::yield_now();
                        continue;
                    }
                    left => callbacks.store(left - 1, Release),
                }
                // The turns before this one were flushed before this callback begins.
                let now = turn.load(Acquire);
                if now != current {
                    (current, stale) = (now, 0);
                }
                speaker.fill(&mut out);
                let flushed = if current % 2 == 0 { -1.0 } else { 1.0 };
                // A turn that ended meanwhile gave way to one of the same sign as the flushed one.
                if turn.load(Acquire) == now {
                    stale += out.iter().filter(|&&x| x * flushed > 0.0).count();
                    most_stale = most_stale.max(stale);
                }
            }
            most_stale
        });

        let ending = Done(&done);
        let mut last = 0;
        let mut total = 0;
        for number in 0..TURNS {
            let value = if number % 2 == 0 { 0.5 } else { -0.5 };
            let length = 500 + (number as usize * 337) % 9_000;
            let mut left = length;
            let meets_sound = number % 10 == 0;
            if meets_sound {
                stands.store(false, Release);
                callbacks.store(0, Release);
                while !stands.load(Acquire) {
                    std::thread::yield_now();
                }
            }
            while left > 0 {
                if meets_sound && length - left >= 2_048 {
                    break;
                }
                left -= playout.push(&[value; 256][..left.min(256)]);
                if number % 5 == 0 {
                    playout.hold();
                    playout.release();
                }
                playout.set_gain(if number % 3 == 0 { 0.3 } else { 1.0 });
                let played = playout.played();
                assert!(played >= last && played <= playout.written());
                last = played;
                std::thread::yield_now();
            }
            if meets_sound {
                callbacks.store(1, Release);
                while playout.played() == total {
                    std::thread::yield_now();
                }
            }
            total += (length - left) as u64;
            let flushed = playout.flush();
            assert_eq!(flushed, total);
            turn.store(number + 1, Release);
            callbacks.store(u64::MAX, Release);
            // One flush at a time, or the sign would not distinguish the turns.
            while playout.played() < flushed {
                std::thread::yield_now();
            }
            assert!(playout.discarded() <= playout.played());
        }
        drop(ending);
        assert_eq!(playout.played(), playout.written());
        device.join().expect("the device thread ends well")
    });
    assert!(most_stale > 0, "some flush met sound");
    assert!(most_stale <= FLUSH_FADE, "{most_stale} samples of a flushed turn were heard");
}
