//! Sample rate conversion: [`Resampler`] for streams, [`convert`] for whole signals in memory.

use std::time::Duration;

use rubato::{
    Adjustable as _, Async, Fft, FixedAsync, FixedSync, Resampler as _, Resizable as _,
    SincInterpolationParameters, SincInterpolationType, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice, calculate_cutoff,
};

/// Half of the filter's length, as a duration. The filter has as many taps at the lower of the two rates as this gives:
/// at 16 kHz 128 taps, with a cutoff of 7.4 kHz.
const DELAY: Duration = Duration::from_millis(4);

/// The most input samples handed to the filter at once.
const CHUNK: usize = 1024;

/// Filter length of [`convert`] in taps at the lower rate; at 16 kHz its cutoff is 7.9 kHz.
const QUALITY: usize = 1024;

/// With more phases than this, the filter's table outgrows the cache, and phases between its entries are interpolated
/// instead.
const MOST_PHASES: u32 = 512;

/// A pair of sample rates between which no conversion is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot resample from {from} Hz to {to} Hz; both must lie within 1 and 768 kHz")]
pub struct RateError {
    /// Input sample rate, in Hz.
    pub from: u32,
    /// Requested output sample rate, in Hz.
    pub to: u32,
}

/// Resamples a stream: any block size, low delay, and no buffering of whole blocks.
pub struct Resampler {
    /// None if the two rates are equal.
    filter: Option<Async<f32>>,
    /// Output of one chunk, sized for the largest one.
    scratch: Vec<f32>,
    delay: usize,
    /// Reduced ratio of the rates, `to / from`.
    ratio: (u64, u64),
    taken: u64,
    given: u64,
}

impl Resampler {
    /// Resamples from `from` to `to` samples per second.
    ///
    /// # Errors
    /// [`RateError`] if a rate is outside 1 to 768 kHz.
    pub fn new(from: u32, to: u32) -> Result<Self, RateError> {
        const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
        if !RATES.contains(&from) || !RATES.contains(&to) {
            return Err(RateError { from, to });
        }
        let divisor = gcd(from, to);
        let ratio = (u64::from(to / divisor), u64::from(from / divisor));
        let mut stream =
            Self { filter: None, scratch: Vec::new(), delay: 0, ratio, taken: 0, given: 0 };
        if from == to {
            return Ok(stream);
        }
        let phases = to / divisor;
        let taps = taps_at(from);
        let shape = shape(from, to);
        let shape = if phases <= MOST_PHASES {
            // Every output falls on a phase of the table: exact, at a quarter of the cost.
            shape.oversampling_factor(phases as usize).interpolation(SincInterpolationType::Nearest)
        } else {
            shape
        };
        let scale = f64::from(to) / f64::from(from);
        let filter = Async::new_sinc(scale, 1.0, &shape, CHUNK, 1, FixedAsync::Input)
            .map_err(|_| RateError { from, to })?;
        // rubato's own `output_delay` is off by up to two samples: the filter is centred one phase before its middle
        // tap, and the first output lies one step into the input.
        let middle = taps as f64 / 2.0 - 1.0 / shape.oversampling_factor as f64;
        stream.delay = (middle * scale - 1.0).round() as usize;
        stream.scratch = vec![0.0; filter.output_frames_max()];
        stream.filter = Some(filter);
        Ok(stream)
    }

    /// Delay of the output in output samples: the first `delay` samples out precede the first sample in.
    pub fn delay(&self) -> usize {
        self.delay
    }

    /// Takes all of `input` and appends the samples it completes to `output`.
    ///
    /// Allocates only if `output` has to grow.
    pub fn process(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.taken += input.len() as u64;
        let before = output.len();
        for chunk in input.chunks(CHUNK) {
            self.filter_chunk(chunk, output);
        }
        self.given += (output.len() - before) as u64;
    }

    /// Appends what is still in the filter: the output then has [`delay`](Self::delay) samples plus the rounded length
    /// of the whole input. Afterwards the stream is as new.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        let (to, from) = self.ratio;
        let whole = scaled(self.taken, to, from) + self.delay as u64;
        let silence = [0.0; CHUNK];
        while self.given < whole {
            let missing = (whole - self.given) as usize;
            let before = output.len();
            self.filter_chunk(&silence, output);
            output.truncate(before + missing.min(output.len() - before));
            self.given += (output.len() - before) as u64;
        }
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
        (self.taken, self.given) = (0, 0);
    }

    /// The most samples that so many of the input can complete.
    pub(crate) fn most_output(&self, input: usize) -> usize {
        let (to, from) = self.ratio;
        // The filter gives a whole number of samples for each chunk: one more than the ratio says, at most.
        (input as u64 * to).div_ceil(from) as usize + 1 + input.div_ceil(CHUNK)
    }

    fn filter_chunk(&mut self, chunk: &[f32], output: &mut Vec<f32>) {
        let Some(filter) = &mut self.filter else {
            output.extend_from_slice(chunk);
            return;
        };
        let room = self.scratch.len();
        // The sizes fit by construction, so nothing here can fail.
        let produced = (|| {
            filter.set_chunk_size(chunk.len()).ok()?;
            let input = InterleavedSlice::new(chunk, 1, chunk.len()).ok()?;
            let mut out = InterleavedSlice::new_mut(&mut self.scratch, 1, room).ok()?;
            filter.process_into_buffer(&input, &mut out, None).ok()
        })();
        if let Some((_, produced)) = produced {
            output.extend_from_slice(&self.scratch[..produced]);
        }
    }
}

/// By how much the speed of a [`DriftResampler`] may differ from one.
const MOST_DRIFT: f64 = 0.01;

/// Resamples a stream whose rate is not exactly what it says: a fixed number of samples out for as many in as its speed
/// asks for.
pub(crate) struct DriftResampler {
    filter: Async<f32>,
}

impl DriftResampler {
    /// Resamples from `from` to `to` samples per second, `chunk` samples out at a time.
    pub(crate) fn new(from: u32, to: u32, chunk: usize) -> Result<Self, RateError> {
        let scale = f64::from(to) / f64::from(from);
        let most = 1.0 + MOST_DRIFT;
        let filter = Async::new_sinc(scale, most, &shape(from, to), chunk, 1, FixedAsync::Output)
            .map_err(|_| RateError { from, to })?;
        Ok(Self { filter })
    }

    /// How many samples of the input the next chunk takes.
    pub(crate) fn wants(&self) -> usize {
        self.filter.input_frames_next()
    }

    /// The most that it ever takes.
    pub(crate) fn most_input(&self) -> usize {
        self.filter.input_frames_max()
    }

    /// From the next chunk on, takes `speed` times as much of the input for the same output; within a hundredth of one.
    pub(crate) fn set_speed(&mut self, speed: f64) {
        let ratio = 1.0 / speed.clamp(1.0 - MOST_DRIFT / 2.0, 1.0 + MOST_DRIFT / 2.0);
        // Within the range that the filter was made for, so that it cannot fail.
        _ = self.filter.set_resample_ratio_relative(ratio, true);
    }

    /// Takes as many samples as it [wants](Self::wants) and writes a chunk. Does not allocate.
    pub(crate) fn process(&mut self, input: &[f32], output: &mut [f32]) {
        let room = output.len();
        // The sizes fit by construction, so nothing here can fail.
        let produced = (|| {
            let input = InterleavedSlice::new(input, 1, input.len()).ok()?;
            let mut out = InterleavedSlice::new_mut(output, 1, room).ok()?;
            self.filter.process_into_buffer(&input, &mut out, None).ok()
        })();
        debug_assert!(produced.is_some(), "the sizes are the filter's own");
    }
}

/// The filter between two rates, with phases between those of its table interpolated.
fn shape(from: u32, to: u32) -> SincInterpolationParameters {
    let window = WindowFunction::Blackman;
    SincInterpolationParameters::new(taps_at(from), window)
        .f_cutoff(calculate_cutoff(taps_at(from.min(to)), window))
}

fn taps_at(rate: u32) -> usize {
    ((2.0 * DELAY.as_secs_f64() * f64::from(rate)) as usize / 8 * 8).max(8)
}

/// `samples` at another rate: exactly `samples.len() * to / from` samples, rounded, and aligned in time.
///
/// Empty if either rate is zero.
pub fn convert(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || from == 0 || to == 0 || samples.is_empty() {
        return if from == to { samples.to_vec() } else { Vec::new() };
    }
    let wanted = scaled(samples.len() as u64, u64::from(to), u64::from(from)) as usize;
    let divisor = gcd(from, to);
    let block = (from / divisor) as usize;
    // An even number of blocks, so that the delay is a whole number of samples at both rates, and enough of them for
    // the filter to be long at the lower rate.
    let length = QUALITY * (from.div_ceil(to).max(1) as usize);
    let chunk = length.div_ceil(2 * block) * 2 * block;
    let converted = (|| {
        let mut filter =
            Fft::<f32>::new(from as usize, to as usize, chunk, 1, FixedSync::Both).ok()?;
        let input = InterleavedSlice::new(samples, 1, samples.len()).ok()?;
        filter.process_all(&input, samples.len(), None).ok()
    })();
    let mut output = converted.map_or_else(Vec::new, |converted| converted.take_data());
    output.resize(wanted, 0.0);
    output
}

fn scaled(count: u64, to: u64, from: u64) -> u64 {
    ((u128::from(count) * u128::from(to) + u128::from(from) / 2) / u128::from(from)) as u64
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
