//! Audio of a call: files, resampling, echo cancellation, voice activity detection, jitter buffer, playout.
//!
//! The principal type is [`FrontEnd`]: it takes the microphone and what the loudspeaker played, 10 ms at a time, and
//! reports whether the user is speaking. On the output side, [`playout()`] makes the queue between speech synthesis and
//! the loudspeaker; its [`Speaker`] runs in a real-time callback. [`call_audio()`] joins both to a device of any rate and
//! block, which drives them by its own clock. A [`room::Room`] is a sound device without hardware.
//!
//! [`Devices`](device::Devices) are the microphone and the loudspeaker of this computer.
//!
//! Samples are `f32` in -1..=1, mono unless stated otherwise. This crate knows nothing of language or of turn-taking.
//! Nothing but [`device`] runs in the background: all other calls block. The voice activity model runs on a one-thread
//! pool while its caller waits.

mod acoustics;
pub mod activity;
pub mod call_audio;
pub mod denoise;
pub mod device;
pub mod echo;
pub mod far_end;
pub mod files;
pub mod front_end;
pub mod history;
pub mod jitter;
pub mod noise;
pub mod pcm;
pub mod playout;
pub mod resample;
pub mod room;

mod echo_presence;
mod high_band_snr;
mod residual_echo;
mod units;

pub use acoustics::{Acoustics, Scene};
pub use activity::{Activity, ActivityError, Detector, Thresholds, VoiceActivity};
pub use call_audio::{
    CallAudio, Clocks, DeviceCounters, DeviceError, DeviceFormat, FramePair, FramePairs,
    HeardWindow, Hearing, LoudspeakerEnd, MicrophoneEnd, Volume, call_audio,
};
pub use denoise::NoiseSuppressor;
pub use echo::EchoCanceller;
pub use far_end::FarEnd;
pub use files::{Clip, FileError, WavWriter};
pub use front_end::{ActivityFrame, FrontEnd, FrontEndOptions};
pub use history::{Excerpt, History};
pub use jitter::{JitterBuffer, JitterCounters, JitterOptions};
pub use playout::{Playout, Speaker, playout};
pub use resample::{RateError, Resampler, convert};
pub use room::{EchoPath, ImpulseResponse};
pub use units::{
    ACTIVITY_WINDOW, FRAME_MILLIS, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, level_db,
};
