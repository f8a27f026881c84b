//! From the microphone to the question whether the user speaks.

use crate::{
    activity::{Detector, Thresholds, VoiceActivity},
    echo::EchoCanceller,
    echo_presence::EchoPresence,
    high_band_snr::HighBandSnr,
    residual_echo::ResidualEcho,
    units::{ACTIVITY_WINDOW, FRAME_MILLIS, MICROPHONE_FRAME, level_db, sane},
};

/// Frames for which the loudspeaker's sound may still be on its way into the microphone: the delay of
/// devices and room, and the room's tail (300 ms).
const ECHO_FRAMES: usize = (300 / FRAME_MILLIS) as usize;

/// How a [`FrontEnd`] listens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontEndOptions {
    /// Whether to take the far end out of the microphone, as long as any of it arrives there. Off for
    /// tracks that are known to be clean: it saves the canceller's work.
    pub cancel_echo: bool,
    /// When speech begins and ends while nothing is played.
    pub quiet: Thresholds,
    /// When it does while the assistant's own voice may be in the room.
    pub echoing: Thresholds,
    /// The far end counts as active above this level, in dB of full scale.
    pub far_active_db: f32,
}

impl Default for FrontEndOptions {
    /// The numbers are measured, see docs/measurements-audio.md.
    fn default() -> Self {
        let quiet = Thresholds::default();
        Self {
            cancel_echo: true,
            quiet,
            echoing: Thresholds { floor_db: -50.0, ..quiet },
            far_active_db: -55.0,
        }
    }
}

/// What was found in one window of the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivityFrame {
    /// Position behind the window's last sample: microphone samples since the beginning.
    pub end: u64,
    /// How probably the window holds speech, as the model says.
    pub probability: f32,
    /// Level of the window after echo cancellation, in dB of full scale.
    pub level_db: f32,
    /// By how many dB the window's high_band_snr exceeds that of the background: the consonants of a voice
    /// close by. At least 0.
    pub high_band_snr_db: f32,
    /// Whether the user is speaking, after hysteresis and what is known of the echo.
    pub speech: bool,
    /// Whether the assistant's own voice may be in the microphone: the far end has sounded within the
    /// last 300 ms, echo cancellation is on, and the room is not known to be without echo.
    pub far_active: bool,
}

/// Echo cancellation and voice activity for one call.
pub struct FrontEnd {
    options: FrontEndOptions,
    canceller: Option<EchoCanceller>,
    activity: VoiceActivity,
    detector: Detector,
    echo_presence: EchoPresence,
    residual_echo: ResidualEcho,
    high_band_snr: HighBandSnr,
    cleaned: [f32; MICROPHONE_FRAME],
    window: [f32; ACTIVITY_WINDOW],
    filled: usize,
    /// Microphone samples so far.
    position: u64,
    /// Frames since the far end was last active; [`ECHO_FRAMES`] and more is silence.
    since_far: usize,
}

impl FrontEnd {
    /// A front end at the beginning of a call.
    pub fn new(mut activity: VoiceActivity, options: FrontEndOptions) -> Self {
        activity.reset();
        Self {
            options,
            canceller: options.cancel_echo.then(EchoCanceller::new),
            activity,
            detector: Detector::new(),
            echo_presence: EchoPresence::new(),
            residual_echo: ResidualEcho::new(ECHO_FRAMES * MICROPHONE_FRAME),
            high_band_snr: HighBandSnr::new(),
            cleaned: [0.0; MICROPHONE_FRAME],
            window: [0.0; ACTIVITY_WINDOW],
            filled: 0,
            position: 0,
            since_far: ECHO_FRAMES,
        }
    }

    /// Takes ten milliseconds of the microphone and what was handed to the loudspeaker in that time.
    ///
    /// Emits a [`ActivityFrame`] for every [`ACTIVITY_WINDOW`] that is complete (none or one), and gives back
    /// the cleaned frame. Samples that are not numbers count as silence.
    pub fn push(
        &mut self,
        microphone: &[f32; MICROPHONE_FRAME],
        far_end: &[f32; MICROPHONE_FRAME],
        emit: &mut dyn FnMut(ActivityFrame),
    ) -> &[f32; MICROPHONE_FRAME] {
        let microphone = microphone.map(sane);
        self.cleaned = microphone;
        if let Some(canceller) = &mut self.canceller {
            canceller.process(far_end, &mut self.cleaned);
        }
        let far_end = far_end.map(sane);
        self.echo_presence.push(&microphone, &far_end);
        if self.echo_presence.is_silent() {
            self.cleaned = microphone;
        }
        self.residual_echo.push(&microphone, &self.cleaned, &far_end);
        let sounding = level_db(&far_end) >= self.options.far_active_db;
        self.since_far = if sounding { 0 } else { (self.since_far + 1).min(ECHO_FRAMES) };

        let cleaned = self.cleaned;
        let mut rest = &cleaned[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(ACTIVITY_WINDOW - self.filled));
            self.window[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            self.position += now.len() as u64;
            rest = later;
            if self.filled == ACTIVITY_WINDOW {
                self.filled = 0;
                emit(self.frame());
            }
        }
        &self.cleaned
    }

    /// Judges the window that is complete.
    fn frame(&mut self) -> ActivityFrame {
        let probability = self.activity.probability(&self.window);
        let level_db = level_db(&self.window);
        let high_band_snr_db = self.high_band_snr.above_background(&self.window);
        let sounding = self.canceller.is_some() && self.since_far < ECHO_FRAMES;
        let far_active = sounding && !self.echo_presence.is_silent();
        let thresholds = if far_active { &self.options.echoing } else { &self.options.quiet };
        if far_active {
            self.residual_echo.tick();
        }
        // The comparison costs more than all the rest, so it is made only where it can matter.
        let leaks = sounding
            && probability >= thresholds.offset.min(thresholds.onset)
            && if far_active {
                self.residual_echo.is_far_end()
            } else {
                self.residual_echo.is_new_echo()
            };
        if leaks {
            self.echo_presence.heard();
        }
        let evidence = if leaks { 0.0 } else { probability };
        let activity = self.detector.update(evidence, level_db, thresholds);
        ActivityFrame {
            end: self.position,
            probability,
            level_db,
            high_band_snr_db,
            speech: activity.speech,
            far_active,
        }
    }

    /// By how many dB the canceller believes to weaken the echo; nothing where it is off or does not
    /// know yet.
    pub fn erle_db(&self) -> Option<f32> {
        self.canceller.as_ref().and_then(EchoCanceller::erle_db)
    }
}
