//! `duplex talk` on devices of a real sound server, in real time: what a person at this computer would hear and see.
//!
//! The devices are virtual; between them lies a process of its own that carries what the loudspeaker plays to the
//! microphone as an echo and mixes a user in (docs/room-rig.md).

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conversations;
mod devices;
mod talk;
