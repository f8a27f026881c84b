//! Sound in and out of a call: files, resampling, echo cancellation, voice activity, playout.
//!
//! The principal type is [`FrontEnd`]: it takes the microphone and what the loudspeaker played, ten
//! milliseconds at a time, and says when somebody speaks. On the other side [`playout()`] is the
//! queue between synthesis and the loudspeaker, whose [`Speaker`] runs in a real-time callback.
//!
//! Samples are `f32` in -1..=1, mono unless said otherwise. This crate knows nothing of language
//! nor of the rules of a conversation, and it starts no thread of its own; voice activity runs on
//! the caller's time.

pub mod activity;
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

pub use activity::{Activity, ActivityError, Detector, Thresholds, VoiceActivity};
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
