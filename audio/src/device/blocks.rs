//! What a device's callbacks do with its samples: any format, any number of channels, any rate.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use cpal::{FromSample, Sample};

use crate::{
    call_audio::{LoudspeakerEnd, MicrophoneEnd},
    resample::{RateError, Resampler},
    units::{PLAYOUT_FRAME, PLAYOUT_RATE, SILENCE_DB, power_db, sane},
};

/// The most channels of a microphone that are looked at.
const CHANNELS: usize = 8;

/// Time constant with which the level of a channel is followed, in seconds.
const SMOOTHING: f32 = 1.0;

/// Another channel is taken for the voice once it is this much louder: 6 dB in power.
const LOUDER: f32 = 4.0;

/// What the callbacks show of a side, for anyone to read.
#[derive(Debug)]
pub struct SideMeter {
    /// Level of the newest block, in dBFS, as bits.
    level: AtomicU32,
    /// Samples of each channel since the device was opened.
    pub(super) samples: AtomicU64,
    /// Times the device said that it lost sound.
    pub(super) glitches: AtomicU64,
}

impl Default for SideMeter {
    fn default() -> Self {
        Self {
            level: AtomicU32::new(SILENCE_DB.to_bits()),
            samples: AtomicU64::new(0),
            glitches: AtomicU64::new(0),
        }
    }
}

impl SideMeter {
    /// RMS level of the newest block, in dBFS; at least -100.
    pub fn level_db(&self) -> f32 {
        f32::from_bits(self.level.load(Relaxed))
    }

    /// Times that the device lost sound, because a callback came too late.
    pub fn glitches(&self) -> u64 {
        self.glitches.load(Relaxed)
    }

    fn block(&self, power: f32, samples: usize) {
        let level = power_db(power / samples.max(1) as f32);
        self.level.store(level.to_bits(), Relaxed);
        self.samples.fetch_add(samples as u64, Relaxed);
    }
}

/// What a microphone's callback does: takes the channel in which the voice is, and hands it on at the playout rate, at
/// which the call's [`MicrophoneEnd`] is to run.
pub struct Recorder {
    end: MicrophoneEnd,
    rate: Resampler,
    channels: usize,
    /// Smoothed power of each channel.
    powers: [f32; CHANNELS],
    /// The one that is heard.
    chosen: usize,
    /// Weight of one sample in the powers.
    weight: f32,
    mono: Vec<f32>,
    converted: Vec<f32>,
    meter: Arc<SideMeter>,
}

impl Recorder {
    /// Of a microphone with so many channels, interleaved, at `rate` Hz.
    ///
    /// # Errors
    /// [`RateError`] for a rate that cannot be converted, and the end.
    pub fn new(
        end: MicrophoneEnd,
        channels: usize,
        rate: u32,
        meter: Arc<SideMeter>,
    ) -> Result<Self, Box<(MicrophoneEnd, RateError)>> {
        let converter = match Resampler::new(rate, PLAYOUT_RATE) {
            Ok(converter) => converter,
            Err(error) => return Err(Box::new((end, error))),
        };
        let room = converter.most_output(PLAYOUT_FRAME);
        Ok(Self {
            end,
            rate: converter,
            channels: channels.max(1),
            powers: [0.0; CHANNELS],
            chosen: 0,
            weight: 1.0 / (SMOOTHING * rate as f32),
            mono: Vec::with_capacity(PLAYOUT_FRAME),
            converted: Vec::with_capacity(room),
            meter,
        })
    }

    /// Takes a block of whole frames, interleaved, of any length.
    ///
    /// Safe in a real-time callback: takes no lock, allocates nothing, never blocks.
    pub fn record<T: Sample>(&mut self, block: &[T])
    where
        f32: FromSample<T>,
    {
        let mut power = 0.0;
        for piece in block.chunks(PLAYOUT_FRAME * self.channels) {
            self.mono.clear();
            for frame in piece.chunks_exact(self.channels) {
                let mut heard = 0.0;
                for (channel, &sample) in frame.iter().take(CHANNELS).enumerate() {
                    let sample = sane(f32::from_sample(sample));
                    let before = &mut self.powers[channel];
                    *before += (sample * sample - *before) * self.weight;
                    if channel == self.chosen {
                        heard = sample;
                    }
                }
                power += heard * heard;
                self.mono.push(heard);
            }
            self.converted.clear();
            self.rate.process(&self.mono, &mut self.converted);
            self.end.record(&self.converted);
        }
        self.choose();
        self.meter.block(power, block.len() / self.channels);
    }

    /// The channel in which most is heard: many devices have two and use one, and the two of others cancel each other
    /// out when they are added.
    fn choose(&mut self) {
        let louder = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
        let Some((loudest, &power)) = self.powers.iter().enumerate().max_by(louder) else { return };
        if power > LOUDER * self.powers[self.chosen] {
            self.chosen = loudest;
        }
    }

    /// Gives the call's end back.
    pub fn into_end(self) -> MicrophoneEnd {
        self.end
    }
}

/// What a loudspeaker's callback does: plays the call's sound on all of the device's channels.
pub struct Player {
    end: LoudspeakerEnd,
    channels: usize,
    mono: [f32; PLAYOUT_FRAME],
    meter: Arc<SideMeter>,
}

impl Player {
    /// Of a loudspeaker with so many channels, interleaved, at `rate` Hz.
    ///
    /// # Errors
    /// [`RateError`] for a rate that cannot be converted, and the end.
    pub fn new(
        mut end: LoudspeakerEnd,
        channels: usize,
        rate: u32,
        meter: Arc<SideMeter>,
    ) -> Result<Self, Box<(LoudspeakerEnd, RateError)>> {
        match end.set_rate(rate) {
            Ok(()) => {
                Ok(Self { end, channels: channels.max(1), mono: [0.0; PLAYOUT_FRAME], meter })
            }
            Err(error) => Err(Box::new((end, error))),
        }
    }

    /// Fills a block of whole frames, interleaved, of any length.
    ///
    /// Safe in a real-time callback: takes no lock, allocates nothing, never blocks.
    pub fn play<T: Sample + FromSample<f32>>(&mut self, block: &mut [T]) {
        let mut power = 0.0;
        for piece in block.chunks_mut(PLAYOUT_FRAME * self.channels) {
            let mono = &mut self.mono[..piece.len() / self.channels];
            self.end.play(mono);
            for (&sample, frame) in mono.iter().zip(piece.chunks_exact_mut(self.channels)) {
                power += sample * sample;
                frame.fill(T::from_sample(sample));
            }
        }
        self.meter.block(power, block.len() / self.channels);
    }

    /// Gives the call's end back.
    pub fn into_end(self) -> LoudspeakerEnd {
        self.end
    }
}
