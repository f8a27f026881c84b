//! What happens between the loudspeaker and the microphone, sample by sample and without a clock.

use std::sync::Arc;

use duplex_audio::{
    Acoustics as _, Clip, FileError, ImpulseResponse, MICROPHONE_FRAME, PLAYOUT_FRAME,
    PLAYOUT_RATE, Resampler, Scene, level_db,
    noise::{self, active_level_db},
    room::{DelayChange, Room, RoomLog, RoomOptions},
};
use duplex_core::SAMPLE_RATE;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, WindowFunction,
    audioadapter_buffers::direct::InterleavedSlice,
};

use super::{DeviceRoomError, DeviceRoomOptions, PlayedClip, Script};

/// What the room's filters add to the delay of an echo, in ms; with a drift, [`OWN_DRIFT_DELAY_MS`] comes on top.
pub const OWN_DELAY_MS: u64 = 8;

/// What the filter of the drift adds.
pub const OWN_DRIFT_DELAY_MS: u64 = 1;

/// The most by which two clocks may differ, in ppm.
const MOST_DRIFT: f64 = 5_000.0;

/// Taps of the filter that makes the drift; 1.3 ms at the playout rate are half of them.
const DRIFT_TAPS: usize = 128;

/// An impulse response begins this far below its peak; what comes before is the time that the sound took.
const FIRST_SOUND: f32 = 0.1;

/// No end.
const NEVER_MS: u64 = 1 << 40;

type Noise = Box<dyn Iterator<Item = f32> + Send>;

/// The air of one room.
pub struct Air {
    drift: Option<Drift>,
    /// Samples of the loudspeaker, on the microphone's clock, that do not fill a frame yet.
    waiting: Vec<f32>,
    room: Room,
    room_log: RoomLog,
    noise: Option<Noise>,
    to_device: Resampler,
    frames: u64,
}

impl Air {
    /// The air of the room that `options` describe. Reads its files, and creates its recording.
    ///
    /// # Errors
    /// A file cannot be used, or a value is out of range.
    pub fn new(options: &DeviceRoomOptions) -> Result<Self, DeviceRoomError> {
        let cues = options.script.as_deref().map(Script::read).transpose()?.unwrap_or_default();
        let (rt60_ms, impulse) = reverberation(&options.room)?;
        let own = OWN_DELAY_MS + if options.drift == 0.0 { 0 } else { OWN_DRIFT_DELAY_MS };
        let delay =
            |asked: u64| asked.checked_sub(own).ok_or(DeviceRoomError::Delay { asked, own });
        let change = |change: &super::DelayAt| {
            let (at_ms, delay_ms) = ((change.second * 1e3) as u64, delay(change.delay_ms)?);
            Ok::<_, DeviceRoomError>(DelayChange { at_ms, delay_ms })
        };
        let mut echo_delay_changes =
            options.delay_at.iter().map(change).collect::<Result<Vec<_>, _>>()?;
        echo_delay_changes.sort_by_key(|change| change.at_ms);
        let room_options = RoomOptions {
            echo_db: options.echo,
            echo_delay_ms: delay(options.delay)?,
            echo_delay_changes,
            rt60_ms,
            impulse: impulse.map(Arc::new),
            seed: options.seed,
            tail_ms: options.tail.map_or(NEVER_MS, |seconds| (seconds * 1e3) as u64),
            hang_up_ms: Some(NEVER_MS),
            patience_ms: (options.patience * 1e3) as u64,
            ..RoomOptions::default()
        };
        let (room, room_log) = Room::new(room_options, cues, options.record.clone())?;
        let to_device = Resampler::new(SAMPLE_RATE, PLAYOUT_RATE)
            .unwrap_or_else(|error| unreachable!("both rates are constants: {error}"));
        Ok(Self {
            drift: Drift::new(options.drift)?,
            waiting: Vec::new(),
            room,
            room_log,
            noise: noise(options)?,
            to_device,
            frames: 0,
        })
    }

    /// Takes what the loudspeaker plays next, any number of samples at the playout rate, and appends what the
    /// microphone hears meanwhile, at the same nominal rate.
    pub fn carry(&mut self, played: &[f32], heard: &mut Vec<f32>) -> Scene {
        match &mut self.drift {
            Some(drift) => drift.process(played, &mut self.waiting),
            None => self.waiting.extend_from_slice(played),
        }
        let mut scene = Scene::Running;
        let (frames, _) = self.waiting.as_chunks::<PLAYOUT_FRAME>();
        let taken = frames.len() * PLAYOUT_FRAME;
        for frame in frames {
            let mut microphone = [0.0; MICROPHONE_FRAME];
            scene = self.room.exchange(frame, &mut microphone);
            if let Some(noise) = &mut self.noise {
                microphone.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
            }
            self.to_device.process(&microphone, heard);
            self.frames += 1;
        }
        self.waiting.drain(..taken);
        scene
    }

    /// How long the room has run by the microphone's clock, in seconds.
    pub fn seconds(&self) -> f64 {
        (self.frames * MICROPHONE_FRAME as u64) as f64 / f64::from(SAMPLE_RATE)
    }

    /// The user's clips so far.
    pub fn clips(&self) -> Vec<PlayedClip> {
        let millis = |time: duplex_core::SessionTime| time.0 as f64 * 1e3 / f64::from(SAMPLE_RATE);
        let clip = |fired: duplex_audio::room::Fired| PlayedClip {
            id: fired.id,
            from_ms: fired.span.map(|(from, _)| millis(from)),
            to_ms: fired.span.map(|(_, to)| millis(to)),
        };
        self.room_log.fired().into_iter().map(clip).collect()
    }

    /// The error that ended the recording, if one did.
    pub fn recording_error(&self) -> Option<FileError> {
        self.room_log.take_error()
    }

    /// Ends the recording.
    pub fn finish(self) {
        // Its file is complete once the room is gone.
        drop(self);
    }
}

/// Reverberation time in ms, or a measured impulse response.
fn reverberation(room: &str) -> Result<(u64, Option<ImpulseResponse>), DeviceRoomError> {
    match room {
        "none" => return Ok((0, None)),
        "small" => return Ok((200, None)),
        "large" => return Ok((450, None)),
        _ => {}
    }
    let mut taps = Clip::read(room)?.mono(SAMPLE_RATE);
    let peak = taps.iter().fold(0f32, |peak, tap| peak.max(tap.abs()));
    // A delay is asked for beside it, and is that of the first sound.
    let first = taps.iter().position(|tap| tap.abs() > FIRST_SOUND * peak).unwrap_or(0);
    taps.drain(..first);
    match ImpulseResponse::measured(taps) {
        Some(response) => Ok((0, Some(response))),
        None => Err(DeviceRoomError::Silent { path: room.into() }),
    }
}

fn noise(options: &DeviceRoomOptions) -> Result<Option<Noise>, DeviceRoomError> {
    let Some(kind) = options.noise.as_deref() else { return Ok(None) };
    let seed = options.seed;
    let make = || -> Result<Noise, DeviceRoomError> {
        Ok(match kind {
            "pink" => Box::new(noise::pink(seed)),
            "white" => Box::new(noise::white(seed)),
            "keyboard" => Box::new(noise::keyboard(seed)),
            file => Box::new(Clip::read(file)?.mono(SAMPLE_RATE).into_iter().cycle()),
        })
    };
    let sample: Vec<f32> = make()?.take(8 * SAMPLE_RATE as usize).collect();
    let level = if kind == "keyboard" { active_level_db(&sample) } else { level_db(&sample) };
    let gain = 10f32.powf((options.noise_level - level) / 20.0);
    Ok(Some(Box::new(make()?.map(move |sample| sample * gain))))
}

/// Makes another clock of the loudspeaker's.
struct Drift {
    filter: Async<f32>,
    waiting: Vec<f32>,
    block: Vec<f32>,
}

impl Drift {
    fn new(ppm: f64) -> Result<Option<Self>, DeviceRoomError> {
        if ppm == 0.0 {
            return Ok(None);
        }
        if ppm.is_nan() || ppm.abs() > MOST_DRIFT {
            return Err(DeviceRoomError::Drift(ppm));
        }
        let shape = SincInterpolationParameters::new(DRIFT_TAPS, WindowFunction::Blackman);
        let filter = Async::new_sinc(
            1.0 + ppm * 1e-6,
            1.0,
            &shape,
            PLAYOUT_FRAME / 2,
            1,
            FixedAsync::Output,
        );
        let filter = filter.map_err(|_| DeviceRoomError::Drift(ppm))?;
        Ok(Some(Self { filter, waiting: Vec::new(), block: vec![0.0; PLAYOUT_FRAME / 2] }))
    }

    fn process(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.waiting.extend_from_slice(input);
        loop {
            let wanted = self.filter.input_frames_next();
            let Some(chunk) = self.waiting.get(..wanted) else { return };
            // The sizes are the filter's own, so nothing here can fail.
            let made = (|| {
                let length = self.block.len();
                let input = InterleavedSlice::new(chunk, 1, wanted).ok()?;
                let mut block = InterleavedSlice::new_mut(&mut self.block, 1, length).ok()?;
                self.filter.process_into_buffer(&input, &mut block, None).ok()
            })();
            debug_assert!(made.is_some(), "the sizes are the filter's own");
            output.extend_from_slice(&self.block);
            self.waiting.drain(..wanted);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        room: DeviceRoomOptions,
    }

    fn air(options: &str) -> Result<Air, DeviceRoomError> {
        Air::new(&Cli::parse_from(std::iter::once("room").chain(options.split(' '))).room)
    }

    /// Noise below half the session rate, at the playout rate.
    fn sound(seconds: usize) -> Vec<f32> {
        let noise: Vec<f32> = noise::white(3).take(seconds * SAMPLE_RATE as usize).collect();
        duplex_audio::convert(&noise, SAMPLE_RATE, PLAYOUT_RATE).iter().map(|x| 0.1 * x).collect()
    }

    fn heard(options: &str, played: &[f32]) -> Vec<f32> {
        let mut air = air(options).unwrap();
        let mut heard = Vec::new();
        // As the loudspeaker gives them: blocks of no fixed length.
        for block in played.chunks(331) {
            air.carry(block, &mut heard);
        }
        heard
    }

    /// Where the tenth of a second of `played` at `from` is found in `heard`, behind its own place, in ms.
    fn delay(played: &[f32], heard: &[f32], from: usize) -> f64 {
        let piece = &played[from..from + PLAYOUT_RATE as usize / 10];
        let alike = |lag: usize| -> f32 {
            piece.iter().zip(&heard[from + lag..]).map(|(a, b)| a * b).sum()
        };
        let most = PLAYOUT_RATE as usize / 5;
        let lag = (0..most).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap();
        lag as f64 * 1e3 / f64::from(PLAYOUT_RATE)
    }

    #[test]
    fn an_echo_has_the_delay_that_was_asked_for_with_the_room_s_own_in_it() {
        let played = sound(4);
        for (drift, asked) in [("0", 50.0), ("0.1", 50.0)] {
            let options =
                format!("--echo -6 --room none --delay 50 --delay-at 2:130 --drift {drift}");
            let heard = heard(&options, &played);
            let (before, after) = (delay(&played, &heard, 48_000), delay(&played, &heard, 130_000));
            assert!((before - asked).abs() < 0.6, "{before} ms at a drift of {drift}");
            assert!((after - before - 80.0).abs() < 0.1, "{before} ms, then {after}");
        }
    }

    #[test]
    fn the_microphone_gives_more_samples_by_the_drift_and_no_queue_grows() {
        let played = vec![0.0; PLAYOUT_RATE as usize];
        for (drift, more) in [(0, 0), (1_000, 2_880), (-1_000, -2_880)] {
            let mut air = air(&format!("--drift {drift}")).unwrap();
            let (mut heard, mut given) = (Vec::new(), 0);
            for second in 1..=60 {
                heard.clear();
                air.carry(&played, &mut heard);
                given += heard.len() as i64;
                let due =
                    f64::from(PLAYOUT_RATE) * f64::from(second) * (1.0 + f64::from(drift) * 1e-6);
                assert!((given as f64 - due).abs() < 1_500.0, "{given} samples after {second} s");
            }
            let off = given - 60 * i64::from(PLAYOUT_RATE) - more;
            assert!(off.abs() < 1_500, "{off} samples off at {drift} ppm");
        }
    }

    #[test]
    fn a_delay_shorter_than_the_room_s_own_is_refused() {
        let error = air("--delay 5").err().unwrap();
        assert!(error.to_string().contains("8 ms"), "{error}");
        assert!(air("--delay 40 --delay-at 3:2").is_err());
    }

    #[test]
    fn noise_has_the_level_that_was_asked_for_whatever_it_is_made_of() {
        let played = vec![0.0; 4 * PLAYOUT_RATE as usize];
        for kind in ["pink", "white"] {
            let heard = heard(&format!("--noise {kind} --noise-level -40"), &played);
            let level = level_db(&heard[PLAYOUT_RATE as usize / 10..]);
            assert!((level + 40.0).abs() < 1.5, "{kind}: {level} dB");
        }
    }
}
