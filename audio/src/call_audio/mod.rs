//! The sound of a call, driven by whoever has the clock.
//!
//! [`call_audio`] makes two ends. [`CallAudio`] is the device's: [`process`](CallAudio::process) takes a block of the
//! microphone and fills one for the loudspeaker, in whatever rhythm and at whatever rate the device has. It is called
//! by a sound card's callback, a simulated room or a socket's jitter buffer, and is fit for the strictest of them: it
//! takes no lock, allocates nothing and never blocks. Its halves can be moved to two callbacks. [`FramePairs`] is the
//! other end, for an ordinary thread: frames of the microphone at the session rate, each with the far end that belongs
//! to it. [`Hearing`] cancels the echo in them and finds the voice.
//!
//! Between the ends lie two rings, of the microphone's samples and of what was played; neither side ever waits for the
//! other. The microphone is the clock of the call: every sample that it records is heard once, in order, whatever the
//! loudspeaker does. A far end that is missing is silence, and finds its place again when it comes back.

mod device_end;
mod format;
mod hearing;
mod same_clock;
mod two_clocks;

use std::{sync::Arc, time::Duration};

use duplex_core::SAMPLE_RATE;
use ringbuf::{HeapRb, traits::Split as _};

use crate::{
    playout::Speaker,
    resample::{DriftResampler, RateError, Resampler},
    units::{MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE},
};
use device_end::Shared;
use hearing::Pairing;
use same_clock::SameClock;
use two_clocks::TwoClocks;

pub use device_end::{CallAudio, LoudspeakerEnd, MicrophoneEnd, Volume};
pub(crate) use format::RATES;
pub use format::{Clocks, DeviceError, DeviceFormat};
pub use hearing::{DeviceCounters, FramePair, FramePairs, HeardWindow, Hearing};

/// How long the other end may leave what was recorded and played, beyond two blocks.
const PATIENCE: Duration = Duration::from_secs(1);

/// Both ends of the sound of a call on a device like `format`, which plays what `speaker` has.
///
/// # Errors
/// [`DeviceError`] if there is no such device.
pub fn call_audio(
    format: DeviceFormat,
    speaker: Speaker,
) -> Result<(CallAudio, FramePairs), DeviceError> {
    format.check()?;
    let DeviceFormat { microphone_rate, loudspeaker_rate, most_block, clocks } = format;
    let (microphone_block, loudspeaker_block) =
        (format.microphone_block(), format.loudspeaker_block());
    let longest = microphone_block.max(loudspeaker_block);
    let ring = |rate: u32| {
        let length = PATIENCE + 2 * longest;
        HeapRb::new((length.as_secs_f64() * f64::from(rate)).ceil() as usize).split()
    };
    let (recorded, microphone) = ring(microphone_rate);
    let (played, far_end) = ring(PLAYOUT_RATE);
    let shared = Arc::<Shared>::default();
    let to_device =
        Resampler::new(PLAYOUT_RATE, loudspeaker_rate).map_err(of_rate(loudspeaker_rate))?;
    let ready = to_device.most_output(PLAYOUT_FRAME);
    let pairing = match clocks {
        Clocks::One => Pairing::Position(Box::new(SameClock::new(longest))),
        Clocks::Two => {
            let rate = DriftResampler::new(PLAYOUT_RATE, SAMPLE_RATE, MICROPHONE_FRAME)
                .map_err(of_rate(PLAYOUT_RATE))?;
            Pairing::Time(Box::new(TwoClocks::new(rate, microphone_block, loudspeaker_block)))
        }
    };
    let device = CallAudio {
        microphone: MicrophoneEnd { ring: recorded, shared: Arc::clone(&shared), most_block },
        loudspeaker: LoudspeakerEnd {
            speaker,
            rate: to_device,
            device_rate: loudspeaker_rate,
            ready: Vec::with_capacity(ready),
            far_end: played,
            shared: Arc::clone(&shared),
            most_block,
            factor: 1.0,
        },
    };
    let pairs = FramePairs {
        microphone,
        microphone_rate,
        rate: Resampler::new(microphone_rate, SAMPLE_RATE).map_err(of_rate(microphone_rate))?,
        waiting: Vec::with_capacity(2 * MICROPHONE_FRAME),
        far_end,
        pairing,
        shared,
        recorded: 0,
        position: 0,
        far_missing: 0,
        far_skipped: 0,
    };
    Ok((device, pairs))
}

/// The resampler takes more rates than a device has, so that this is no error that a caller sees.
fn of_rate(rate: u32) -> impl FnOnce(RateError) -> DeviceError {
    move |_| DeviceError::Rate(rate)
}
