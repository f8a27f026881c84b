//! The ends of a call's sound that a device's callbacks own.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use ringbuf::{HeapProd, traits::Producer as _};

use crate::{
    playout::Speaker,
    resample::{RateError, Resampler},
    units::{PLAYOUT_FRAME, PLAYOUT_RATE, amplitude},
};

/// How often in a row the resampler may give nothing before the rest of a block is silence. It takes a few samples to
/// give one, so this is never reached; it bounds the time of a callback whatever the resampler does.
const MOST_DRY: usize = 8;

/// How fast the volume is turned, for each sample at the playout rate: within some 10 ms.
const TURN: f32 = 0.005;

/// From here on a loud sound is limited.
const KNEE: f32 = 0.707;

/// What the device's ends count, for the other end to read.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Samples of the microphone that found no room, at the device's rate.
    pub(super) unheard: AtomicU64,
    /// Samples of the far end that found no room, at the playout rate.
    pub(super) far_lost: AtomicU64,
    /// Blocks that were longer than announced.
    pub(super) long_blocks: AtomicU64,
    /// The volume, in dB, as bits.
    pub(super) volume: AtomicU32,
}

/// The volume of a call's loudspeaker, for whoever turns it.
#[derive(Clone, Debug)]
pub struct Volume(pub(super) Arc<Shared>);

impl Volume {
    /// The loudest, in dB.
    pub const MOST_DB: f32 = 12.0;

    /// Turns it to so many dB, within -60 and [`MOST_DB`](Self::MOST_DB). What would be louder than full scale is
    /// limited softly. NaN is ignored.
    pub fn set_db(&self, db: f32) {
        if !db.is_nan() {
            self.0.volume.store(db.clamp(-60.0, Self::MOST_DB).to_bits(), Relaxed);
        }
    }

    /// In dB.
    pub fn db(&self) -> f32 {
        f32::from_bits(self.0.volume.load(Relaxed))
    }
}

/// The device's end of a call's sound, for whoever has the clock. See the [module documentation](super).
///
/// Its two halves may be taken apart, for a device that serves the microphone and the loudspeaker in two callbacks.
pub struct CallAudio {
    /// Where the microphone's samples go.
    pub microphone: MicrophoneEnd,
    /// Where the loudspeaker's samples come from.
    pub loudspeaker: LoudspeakerEnd,
}

impl CallAudio {
    /// Takes what the microphone has recorded, and fills what the loudspeaker plays next. The two need not be equally
    /// long, and either may be empty.
    ///
    /// Safe in a real-time callback: takes no lock, allocates nothing, never blocks, and its time is bounded by the
    /// blocks' lengths.
    pub fn process(&mut self, microphone: &[f32], loudspeaker: &mut [f32]) {
        // In this order, so that the far end of a sample is there whenever the sample is.
        self.loudspeaker.play(loudspeaker);
        self.microphone.record(microphone);
    }
}

/// The microphone's half of a [`CallAudio`]. The call is over once it is dropped: the microphone is the call's clock.
pub struct MicrophoneEnd {
    pub(super) ring: HeapProd<f32>,
    pub(super) shared: Arc<Shared>,
    pub(super) most_block: usize,
}

impl MicrophoneEnd {
    /// Takes a block of the microphone, of any length, at the device's rate. What nobody has taken for a second is not
    /// kept; it is counted.
    ///
    /// Safe in a real-time callback.
    pub fn record(&mut self, block: &[f32]) {
        let kept = self.ring.push_slice(block);
        count(&self.shared.unheard, block.len() - kept);
        count(&self.shared.long_blocks, usize::from(block.len() > self.most_block));
    }
}

/// The loudspeaker's half of a [`CallAudio`].
pub struct LoudspeakerEnd {
    pub(super) speaker: Speaker,
    /// From the playout rate to the device's.
    pub(super) rate: Resampler,
    /// In Hz.
    pub(super) device_rate: u32,
    /// Samples at the device's rate that no block had room for. Never grows beyond its capacity.
    pub(super) ready: Vec<f32>,
    /// What was played, at the playout rate.
    pub(super) far_end: HeapProd<f32>,
    pub(super) shared: Arc<Shared>,
    pub(super) most_block: usize,
    /// The volume's factor, on its way to where it was turned.
    pub(super) factor: f32,
}

impl LoudspeakerEnd {
    /// What turns its volume.
    pub fn volume(&self) -> Volume {
        Volume(Arc::clone(&self.shared))
    }

    /// Plays at another rate from now on, in Hz, for a device that takes the place of one that is gone. Not for a
    /// callback.
    ///
    /// # Errors
    /// [`RateError`] for a rate that cannot be converted; nothing is changed.
    pub fn set_rate(&mut self, device_rate: u32) -> Result<(), RateError> {
        self.rate = Resampler::new(PLAYOUT_RATE, device_rate)?;
        self.device_rate = device_rate;
        self.ready = Vec::with_capacity(self.rate.most_output(PLAYOUT_FRAME));
        Ok(())
    }

    /// Fills a block for the loudspeaker, of any length, at the device's rate; with silence where the assistant says
    /// nothing.
    ///
    /// Safe in a real-time callback.
    pub fn play(&mut self, block: &mut [f32]) {
        count(&self.shared.long_blocks, usize::from(block.len() > self.most_block));
        if self.device_rate == PLAYOUT_RATE {
            self.speaker.fill(block);
            self.turn(block);
            self.played(block);
        } else {
            self.convert(block);
        }
    }

    fn convert(&mut self, block: &mut [f32]) {
        let mut rest = block;
        let mut dry = 0;
        loop {
            let count = rest.len().min(self.ready.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&self.ready[..count]);
            self.ready.drain(..count);
            rest = later;
            if rest.is_empty() {
                return;
            }
            dry = if count == 0 { dry + 1 } else { 0 };
            if dry > MOST_DRY {
                rest.fill(0.0);
                return;
            }
            let mut piece = [0.0; PLAYOUT_FRAME];
            let wanted = rest.len() as u64 * u64::from(PLAYOUT_RATE);
            let wanted = wanted.div_ceil(u64::from(self.device_rate)) as usize;
            let piece = &mut piece[..wanted.min(PLAYOUT_FRAME)];
            self.speaker.fill(piece);
            self.turn(piece);
            self.played(piece);
            self.rate.process(piece, &mut self.ready);
        }
    }

    /// Applies the volume: before it is noted what was played, so that the canceller knows it.
    fn turn(&mut self, sound: &mut [f32]) {
        let wanted = amplitude(f32::from_bits(self.shared.volume.load(Relaxed)));
        if self.factor == wanted && wanted <= 1.0 {
            if wanted != 1.0 {
                sound.iter_mut().for_each(|sample| *sample *= wanted);
            }
            return;
        }
        for sample in sound {
            self.factor += (wanted - self.factor) * TURN;
            *sample = limited(*sample * self.factor);
        }
        if (wanted - self.factor).abs() < 1e-4 {
            self.factor = wanted;
        }
    }

    /// Hands on what was played, for the echo canceller.
    fn played(&mut self, sound: &[f32]) {
        let kept = self.far_end.push_slice(sound);
        count(&self.shared.far_lost, sound.len() - kept);
    }
}

/// Limits softly: what is below -3 dBFS stays as it is, and full scale is never passed.
fn limited(sample: f32) -> f32 {
    let over = sample.abs() - KNEE;
    if over <= 0.0 {
        return sample;
    }
    (KNEE + (1.0 - KNEE) * (over / (1.0 - KNEE)).tanh()).copysign(sample)
}

fn count(counter: &AtomicU64, more: usize) {
    if more > 0 {
        counter.fetch_add(more as u64, Relaxed);
    }
}
