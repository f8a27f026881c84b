//! `duplex talk`: a call with this computer's microphone and loudspeaker.
//!
//! `call` runs it: the devices, the call, and what is asked of both ([`panel::Wish`]). `interface` shows it on a
//! terminal. `minutes` keeps what was said and saves it, `recording` writes both sides to a file, `control` takes
//! wishes from other programs (`duplex ctl`), `earlier` reads a conversation that is to go on, `choices` remembers the
//! devices.

pub(crate) mod call;
pub(crate) mod choices;
pub(crate) mod control;
pub(crate) mod earlier;
pub(crate) mod interface;
pub(crate) mod minutes;
pub(crate) mod panel;
pub(crate) mod recording;
pub(crate) mod wake;
