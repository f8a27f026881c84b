use std::sync::{
    Arc,
    atomic::Ordering::{Acquire, Release},
};

use ringbuf::{
    HeapCons,
    traits::{Consumer as _, Observer as _},
};

use super::{FLUSH_FADE, GAIN_RAMP, HOLD_FADE, Shared};

/// The consumer end of the playout queue, owned by the device callback.
pub struct Speaker {
    ring: HeapCons<f32>,
    shared: Arc<Shared>,
    /// Position of the next sample in the ring.
    read: u64,
    /// The last flush that was carried out.
    flushed: u64,
    discarded: u64,
    underruns: u64,
    /// Whether the last sample out came from the queue. If it did not, there is nothing to fade.
    sounding: bool,
    gain: Ramp,
    /// Progress of the fade of a hold: 0 is silence, [`HOLD_FADE`] is full level.
    presence: usize,
    /// The fade-out of a flush, while it lasts.
    fade: Option<Fade>,
}

/// What the control end asks for, read once per callback.
struct Wishes {
    gain: f32,
    held: bool,
    flush: u64,
}

impl Speaker {
    pub(super) fn new(ring: HeapCons<f32>, shared: Arc<Shared>) -> Self {
        Self {
            ring,
            shared,
            read: 0,
            flushed: 0,
            discarded: 0,
            underruns: 0,
            sounding: false,
            gain: Ramp::at(1.0),
            presence: HOLD_FADE,
            fade: None,
        }
    }

    /// Fills `out` with the next samples, and with silence where there are none.
    ///
    /// Safe in a real-time callback: takes no lock, allocates nothing, never blocks, and its time is bounded by the
    /// length of `out`.
    pub fn fill(&mut self, out: &mut [f32]) {
        let mut wishes = self.wishes();
        let mut rest = out;
        while !rest.is_empty() {
            let done = self.fill_some(rest, &mut wishes);
            rest = &mut rest[done..];
        }
        // `discarded` first: a reader that sees the new `played` then sees the new `discarded` too.
        self.shared.discarded.store(self.discarded, Release);
        self.shared.underruns.store(self.underruns, Release);
        self.shared.played.store(self.read, Release);
    }

    /// The order of the loads matters: see [`Playout::flush`](super::Playout::flush).
    fn wishes(&self) -> Wishes {
        let gain = f32::from_bits(self.shared.gain.load(Acquire));
        let held = self.shared.held.load(Acquire);
        let flush = self.shared.flush.load(Acquire);
        Wishes { gain, held, flush }
    }

    /// Fills the beginning of `out`, at least one sample, with samples that are all treated alike.
    fn fill_some(&mut self, out: &mut [f32], wishes: &mut Wishes) -> usize {
        if self.flushed != wishes.flush && self.fade.is_none() {
            let left = wishes.flush.saturating_sub(self.read) as usize;
            if left > 0 && self.sounding && self.presence > 0 {
                self.fade = Some(Fade::over(left.min(FLUSH_FADE)));
            } else {
                self.discard(wishes.flush);
            }
        }
        if let Some(fade) = self.fade {
            let count = out.len().min(fade.left);
            let done = self.play(&mut out[..count], false);
            if self.fade.is_some_and(|fade| fade.left == 0) {
                self.discard(wishes.flush);
            }
            return done;
        }
        if !self.sounding {
            return self.begin(out, wishes);
        }
        self.gain.aim(wishes.gain);
        match (wishes.held, self.presence) {
            (true, 0) => {
                self.sounding = false;
                out.fill(0.0);
                out.len()
            }
            (true, left) => {
                let count = out.len().min(left);
                self.play(&mut out[..count], true)
            }
            (false, HOLD_FADE) => self.play(out, false),
            (false, so_far) => {
                let count = out.len().min(HOLD_FADE - so_far);
                self.play(&mut out[..count], false)
            }
        }
    }

    /// From silence: starts playing if there is something to play.
    fn begin(&mut self, out: &mut [f32], wishes: &mut Wishes) -> usize {
        if self.ring.is_empty() {
            out.fill(0.0);
            return out.len();
        }
        // The sample now seen in the ring was pushed after any control that came before it.
        *wishes = self.wishes();
        if self.flushed != wishes.flush {
            return 0;
        }
        self.gain = Ramp::at(wishes.gain);
        if wishes.held {
            self.presence = 0;
            out.fill(0.0);
            return out.len();
        }
        self.sounding = true;
        0
    }

    /// Plays from the ring with all gains applied, followed by silence if the ring runs empty.
    fn play(&mut self, out: &mut [f32], fading_out: bool) -> usize {
        let count = self.ring.pop_slice(out);
        let (sound, silence) = out.split_at_mut(count);
        let plain = self.fade.is_none() && self.gain.is_flat() && !fading_out;
        if plain && self.presence == HOLD_FADE {
            if self.gain.to != 1.0 {
                sound.iter_mut().for_each(|sample| *sample *= self.gain.to);
            }
        } else {
            for sample in sound {
                *sample *= self.next_gain(fading_out);
            }
        }
        self.read += count as u64;
        if !silence.is_empty() {
            silence.fill(0.0);
            self.sounding = false;
            let finished = self.read == self.shared.end.load(Acquire);
            if !finished && !fading_out && self.fade.is_none() {
                self.underruns += 1;
            }
            if fading_out {
                self.presence = 0;
            }
        }
        out.len()
    }

    fn next_gain(&mut self, fading_out: bool) -> f32 {
        let mut gain = self.gain.next();
        if fading_out {
            self.presence -= 1;
        } else if self.presence < HOLD_FADE && self.fade.is_none() {
            self.presence += 1;
        }
        if self.presence < HOLD_FADE {
            gain *= smooth(self.presence as f32 / HOLD_FADE as f32);
        }
        if let Some(fade) = &mut self.fade {
            gain *= fade.next();
        }
        gain
    }

    /// Skips to `flush` and stops playing.
    fn discard(&mut self, flush: u64) {
        self.flushed = flush;
        if self.read > flush {
            // Samples pushed after the flush were already playing when the flush was seen.
            return;
        }
        let skipped = self.ring.skip((flush - self.read) as usize) as u64;
        self.read += skipped;
        self.discarded += skipped;
        self.fade = None;
        self.sounding = false;
        self.presence = HOLD_FADE;
    }
}

/// A gain that moves towards a target.
struct Ramp {
    from: f32,
    to: f32,
    /// Samples left until the target.
    left: usize,
}

impl Ramp {
    fn at(gain: f32) -> Self {
        Self { from: gain, to: gain, left: 0 }
    }

    fn aim(&mut self, gain: f32) {
        if gain != self.to {
            *self = Self { from: self.now(), to: gain, left: GAIN_RAMP };
        }
    }

    fn is_flat(&self) -> bool {
        self.left == 0
    }

    fn now(&self) -> f32 {
        if self.is_flat() {
            return self.to;
        }
        let done = 1.0 - self.left as f32 / GAIN_RAMP as f32;
        self.from + (self.to - self.from) * smooth(done)
    }

    fn next(&mut self) -> f32 {
        self.left = self.left.saturating_sub(1);
        self.now()
    }
}

/// A fade-out over `length` samples, of which the last is silent.
#[derive(Clone, Copy)]
struct Fade {
    left: usize,
    length: usize,
}

impl Fade {
    fn over(length: usize) -> Self {
        Self { left: length, length }
    }

    fn next(&mut self) -> f32 {
        self.left = self.left.saturating_sub(1);
        smooth(self.left as f32 / self.length as f32)
    }
}

/// From 0 to 1 with flat ends: a cubic that stays within 1 % of a raised cosine.
fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}
