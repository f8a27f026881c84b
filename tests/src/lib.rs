//! Test harness for voice agents: scripted calls, scoring and reports.
//!
//! [`suite::run`] runs a set of [`case`]s with an [`agent::Agent`] and reports it; [`measure`] says
//! what each call shows. A [`Room`](duplex_audio::room::Room) is the sound device of a scripted call.
//! [`record::record`] makes a [`report::CallRecord`] of a finished call.
//!
//! For a program that opens the computer's devices there is a [`sound_server`] of its own, and a [`device_room`] between
//! its loudspeaker and its microphone (Linux only).
//!
//! Calls are judged by what was audible. Of what the system itself reports, only its transcript and
//! whether a reply was cut for good count: only they can show what the audio cannot.
//!
//! Nothing here is part of the assistant itself.

pub mod agent;
pub mod case;
pub mod collect;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod device_room;
pub mod measure;
pub mod observe;
pub mod record;
pub mod report;
pub mod scenario;
pub mod score;
pub mod script;
#[cfg(target_os = "linux")]
pub mod sound_server;
pub mod suite;
