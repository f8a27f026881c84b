//! Who drives a call's sound: the sound thread, for a device without a clock; the device itself, for one that has one.

use std::time::{Duration, Instant};

use duplex_audio::{
    Acoustics, CallAudio, DeviceError, DeviceFormat, FRAME_MILLIS, FrontEnd, HeardWindow, Hearing,
    MICROPHONE_FRAME, PLAYOUT_FRAME, Playout, Scene, call_audio, playout,
};
use duplex_core::{Permille, SessionTime, VadFrame};

use crate::{CallOptions, Engine, Stop, inbox::Inbox, job::SessionMessage, session_driver::QUEUE};

/// How often it is looked what a device has recorded. Usual blocks are no multiple of it: they do not come at the same
/// moment of it again and again, which would hide how far apart two clocks are.
const LOOK: Duration = Duration::from_millis(3);

/// What a call needs for a device: the queue that the session fills, the device's end, and the end that is heard.
pub(crate) fn sound(
    engine: &Engine,
    format: DeviceFormat,
    options: &CallOptions,
) -> Result<(Playout, CallAudio, Hearing), DeviceError> {
    format.check()?;
    let (playout, speaker) = playout(QUEUE.max(format.playout_ahead()));
    let (audio, pairs) = call_audio(format, speaker)?;
    let front_end = FrontEnd::new(engine.activity(), options.front_end);
    Ok((playout, audio, Hearing::new(pairs, front_end).tapped(options.tap.clone())))
}

/// A device without a clock, and both ends of its call's sound.
pub(crate) struct Frames {
    acoustics: Box<dyn Acoustics>,
    audio: CallAudio,
    hearing: Hearing,
}

impl Frames {
    /// The device's sound, and the queue of what it plays.
    pub(crate) fn new(
        engine: &Engine,
        acoustics: Box<dyn Acoustics>,
        options: &CallOptions,
    ) -> Result<(Self, Playout), DeviceError> {
        let (playout, audio, hearing) = sound(engine, DeviceFormat::FRAMES, options)?;
        Ok((Self { acoustics, audio, hearing }, playout))
    }

    /// Plays, records and hears a frame; gives the window of the microphone that it completes, if it does.
    pub(crate) fn frame(&mut self, sound: &mut dyn FnMut(SessionTime, SessionMessage)) -> Scene {
        let mut playout = [0.0; PLAYOUT_FRAME];
        let mut microphone = [0.0; MICROPHONE_FRAME];
        self.audio.loudspeaker.play(&mut playout);
        let scene = self.acoustics.exchange(&playout, &mut microphone);
        self.audio.microphone.record(&microphone);
        // Both sides are on one clock, so that the time does not matter.
        self.hearing.hear(Duration::ZERO, &mut |window| {
            let (end, message) = message(window);
            sound(end, message);
        });
        scene
    }
}

fn message(window: HeardWindow) -> (SessionTime, SessionMessage) {
    let HeardWindow { cleaned, activity } = window;
    let end = SessionTime(activity.end);
    let frame = VadFrame {
        speech: activity.speech,
        probability: Permille::from_probability(activity.probability),
        level: activity.level_db.clamp(f32::from(i8::MIN), 0.0) as i8,
        high_band_snr: activity.high_band_snr_db.clamp(0.0, f32::from(i8::MAX)) as i8,
    };
    (end, SessionMessage::Sound { end, cleaned, frame })
}

/// Ends the session when the sound thread ends, however it ends.
struct LeavesAtEnd<'a>(&'a Inbox);

impl Drop for LeavesAtEnd<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Drives a device without a clock, in real time, until it is over.
pub(crate) fn pace(mut frames: Frames, inbox: &Inbox, stop: &Stop) {
    let period = Duration::from_millis(FRAME_MILLIS);
    let mut due = Instant::now();
    let _leaves = LeavesAtEnd(inbox);
    let mut heard = true;
    while heard {
        let scene = frames.frame(&mut |at, window| heard = inbox.sound(at, window));
        if scene == Scene::Over || stop.is_stopped() {
            return;
        }
        due += period;
        match due.checked_duration_since(Instant::now()) {
            Some(wait) => std::thread::sleep(wait),
            None if due.elapsed() > 2 * period => inbox.count_late_frame(),
            None => {}
        }
    }
}

/// Hears a device that drives itself, until it has closed its microphone or the session has ended. The device waits for
/// nobody, and so cannot wake this thread: it looks.
pub(crate) fn listen(mut hearing: Hearing, inbox: &Inbox, stop: &Stop) {
    let began = Instant::now();
    let _leaves = LeavesAtEnd(inbox);
    // Without a microphone's sound there is nothing whose loss would show that the session has ended.
    while !inbox.is_closed() && !stop.is_stopped() {
        // Asked before it is heard what came before.
        let is_closed = hearing.is_closed();
        hearing.hear(began.elapsed(), &mut |window| {
            let (end, message) = message(window);
            inbox.sound(end, message);
        });
        if is_closed {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let counters = hearing.counters();
    if counters.unheard > 0 {
        tracing::warn!("sound of the microphone was lost: {counters:?}");
    } else {
        tracing::debug!("the sound device: {counters:?}");
    }
}
