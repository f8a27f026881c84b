//! From microphone frames to voice activity: echo cancellation, then voice activity detection (VAD).

use crate::{
    activity::{Detector, Thresholds, VoiceActivity},
    echo::EchoCanceller,
    echo_presence::EchoPresence,
    high_band_snr::HighBandSnr,
    residual_echo::ResidualEcho,
    units::{ACTIVITY_WINDOW, FRAME_MILLIS, MICROPHONE_FRAME, level_db, sane},
};

/// Frames for which sound from the loudspeaker may still be arriving at the microphone: the delay of devices and room,
/// plus the reverberant tail (300 ms).
const ECHO_FRAMES: usize = (300 / FRAME_MILLIS) as usize;

/// Configuration of a [`FrontEnd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontEndOptions {
    /// Whether to cancel the echo of the far end in the microphone, as long as any arrives there. Off for tracks that
    /// are known to be clean: it saves the canceller's work.
    pub cancel_echo: bool,
    /// VAD thresholds while nothing is played.
    pub quiet: Thresholds,
    /// VAD thresholds while the assistant's own voice may be in the microphone.
    pub echoing: Thresholds,
    /// The far end counts as active at or above this level, in dBFS.
    pub far_active_db: f32,
}

impl Default for FrontEndOptions {
    /// The values are measured: see docs/measurements-audio.md.
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

/// Voice activity of one window of the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivityFrame {
    /// Position just after the window's last sample, in microphone samples since the start.
    pub end: u64,
    /// Speech probability of the window, as the model gives it.
    pub probability: f32,
    /// Level of the window after echo cancellation, in dBFS.
    pub level_db: f32,
    /// The window's high-band SNR, in dB: by how much its energy above 2.5 kHz exceeds the background's there. High for
    /// the consonants of a nearby voice. At least 0.
    pub high_band_snr_db: f32,
    /// Whether the user is speaking, after hysteresis and the rejection of residual echo.
    pub speech: bool,
    /// Whether the assistant's own voice may be in the microphone: the far end was active within the last 300 ms, echo
    /// cancellation is on, and echo has not been found to be absent.
    pub far_active: bool,
}

/// Echo cancellation and voice activity detection for one call.
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
    /// Frames since the far end was last active; [`ECHO_FRAMES`] or more means silence.
    since_far: usize,
}

impl FrontEnd {
    /// A front end at the start of a call.
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

    /// Takes 10 ms of the microphone and what was sent to the loudspeaker in that time.
    ///
    /// Emits an [`ActivityFrame`] for every completed [`ACTIVITY_WINDOW`] (none or one per call) and returns the frame
    /// after echo cancellation. NaN samples count as silence.
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

    /// Evaluates a completed window.
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
        // The correlation costs more than all the rest, so it is computed only where it can change the result.
        let is_echo = sounding
            && probability >= thresholds.offset.min(thresholds.onset)
            && if far_active {
                self.residual_echo.is_far_end()
            } else {
                self.residual_echo.is_new_echo()
            };
        if is_echo {
            self.echo_presence.heard();
        }
        let evidence = if is_echo { 0.0 } else { probability };
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

    /// The echo canceller's estimate of its echo return loss enhancement, in dB; none if cancellation is off or there
    /// is no estimate yet.
    pub fn erle_db(&self) -> Option<f32> {
        self.canceller.as_ref().and_then(EchoCanceller::erle_db)
    }
}
