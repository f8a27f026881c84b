//! Calls on sound devices that have a clock of their own.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Instant,
};

use duplex_audio::{ACTIVITY_WINDOW, CallAudio, Clip, Clocks, DeviceError, DeviceFormat};
use duplex_core::{Command, SAMPLE_RATE};

use super::{
    PATIENCE,
    fakes::Fakes,
    many_calls::{Progress, answered, report},
    virtual_calls::engine_of,
};
use crate::{Call, CallError, CallOptions, Engine, SessionStep, Stop};

fn format(microphone_rate: u32, loudspeaker_rate: u32, most_block: usize) -> DeviceFormat {
    DeviceFormat { microphone_rate, loudspeaker_rate, most_block, clocks: Clocks::One }
}

fn engine() -> Arc<Engine> {
    Arc::new(engine_of(Fakes::default().options()))
}

fn call(format: DeviceFormat, stop: &Stop) -> (Call, CallAudio, Receiver<Progress>) {
    let (progress, steps) = channel();
    let observer = Box::new(move |step: SessionStep<'_>| report(&progress, step));
    let options = CallOptions::default();
    let (call, audio) = Call::on_device(engine(), format, options, stop.clone(), observer).unwrap();
    (call, audio, steps)
}

/// The microphone of a user who asks something, and the loudspeaker that they hear.
struct Device {
    audio: CallAudio,
    format: DeviceFormat,
    asks: std::vec::IntoIter<f32>,
    steps: Receiver<Progress>,
    recorded: usize,
    windows: usize,
    loudest: f32,
}

impl Device {
    /// A block of each side, of the same time. Waits until the session has stepped what it completes, so that the device
    /// runs no faster than the call. True once the assistant has finished its answer.
    fn callback(&mut self) -> bool {
        let DeviceFormat { microphone_rate, loudspeaker_rate, most_block, .. } = self.format;
        let microphone: Vec<f32> =
            (0..most_block).map(|_| self.asks.next().unwrap_or(0.0)).collect();
        let mut loudspeaker =
            vec![0.0; most_block * loudspeaker_rate as usize / microphone_rate as usize];
        self.audio.process(&microphone, &mut loudspeaker);
        self.loudest = loudspeaker.iter().fold(self.loudest, |loudest, x| loudest.max(x.abs()));
        self.recorded += most_block;
        // What the resampler and an incomplete frame keep is less than a window.
        let heard = self.recorded * SAMPLE_RATE as usize / microphone_rate as usize;
        let mut finished = false;
        while (self.windows + 2) * ACTIVITY_WINDOW < heard {
            match self.steps.recv_timeout(PATIENCE).unwrap() {
                Progress::Window => self.windows += 1,
                Progress::Finished => finished = true,
            }
        }
        finished
    }
}

#[test]
fn a_device_with_callbacks_holds_a_call_and_ends_it_by_dropping_its_end() {
    for format in [format(44_100, 44_100, 441), format(48_000, 24_000, 2_048)] {
        let (call, audio, steps) = call(format, &Stop::default());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech/q01.flac");
        let asks = Clip::read(&path).unwrap().mono(format.microphone_rate).into_iter();
        let mut device =
            Device { audio, format, asks, steps, recorded: 0, windows: 0, loudest: 0.0 };
        // Session time runs as fast as the machine allows here, the models do not.
        let asked = Instant::now();
        while !device.callback() && asked.elapsed() < PATIENCE {}
        let Device { audio, recorded, loudest, .. } = device;
        drop(audio);
        let outcome = call.join().unwrap();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(answered(&outcome), 1, "{:?}", outcome.transcript);
        assert!(loudest > 0.1, "the answer is audible: {loudest}");
        // Every sample that was recorded before the device was dropped is time of the call.
        let ms = recorded as u64 * 1_000 / u64::from(format.microphone_rate);
        let lasted = outcome.lasted.as_millis();
        assert!((ms.saturating_sub(50)..=ms).contains(&lasted), "{lasted} ms of {ms}");
        assert_eq!((outcome.counters.lost, outcome.counters.underruns), (0, 0));
    }
}

#[test]
fn a_call_whose_device_stands_still_can_be_stopped() {
    let stop = Stop::default();
    let (call, mut audio, _steps) = call(DeviceFormat::FRAMES, &stop);
    audio.process(&[0.0; 160], &mut [0.0; 480]);
    stop.stop();
    assert!(call.join().unwrap().error.is_none());
    // The device may notice later.
    audio.process(&[0.0; 160], &mut [0.0; 480]);
}

#[test]
fn a_call_whose_device_stands_still_can_be_ended_by_a_command() {
    let (call, audio, _steps) = call(DeviceFormat::FRAMES, &Stop::default());
    call.handle().send(Command::End).unwrap();
    let (joined, outcomes) = channel();
    std::thread::spawn(move || _ = joined.send(call.join()));
    let outcome = outcomes.recv_timeout(PATIENCE).expect("the call is over").unwrap();
    assert!(outcome.error.is_none());
    drop(audio);
}

#[test]
fn a_call_on_a_device_that_cannot_exist_is_refused() {
    let (format, options) = (format(16_000, 1_000_000, 480), CallOptions::default());
    let call = Call::on_device(engine(), format, options, Stop::default(), Box::new(|_| ()));
    let error = call.map(|_| ()).unwrap_err();
    assert!(matches!(error, CallError::Device(DeviceError::Rate(1_000_000))), "{error}");
}
