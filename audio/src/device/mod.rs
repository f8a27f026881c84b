//! The microphone and the loudspeaker of this computer, kept open for a call.
//!
//! [`Devices`] lends the two ends of a call's sound ([`CallAudio`](crate::CallAudio)) to the callbacks of a microphone
//! and a loudspeaker, and gives them to others when a device is lost, chosen or plugged in again: the call notices
//! nothing but silence. While there is no microphone the call hears silence, so that its time goes on; while a
//! loudspeaker is missed its voice stands still, so that nothing counts as heard. [`list`] shows what there is.
//!
//! [`Recorder`] and [`Player`] are what the callbacks do: any format, rate and number of channels. They take no lock,
//! allocate nothing and never block. Everything else is done by a thread of the devices' own.
//!
//! Devices are reached through cpal: PulseAudio (and PipeWire, which speaks its protocol) or ALSA on Linux, what the
//! system has on macOS and Windows, where nobody has tried it yet.

mod blocks;
mod keeper;
mod stream;

use std::fmt;

use crate::{
    call_audio::{Clocks, DeviceFormat},
    units::{PLAYOUT_RATE, playout_samples},
};

pub use blocks::{Player, Recorder, SideMeter};
pub use keeper::{DeviceNews, Devices};

/// One of the two sides of a call's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What records the user.
    Microphone,
    /// What plays the assistant.
    Loudspeaker,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Microphone => "microphone",
            Self::Loudspeaker => "loudspeaker",
        })
    }
}

/// Which device is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The system's default, whichever it is at the moment.
    #[default]
    Default,
    /// The one of this name, or of this identifier, or the only one whose name has this in it, in whatever case.
    Named(String),
    /// None: silence on that side.
    Nothing,
}

impl From<&str> for Wanted {
    /// Empty or `default` is the system's default, `none` is none.
    fn from(name: &str) -> Self {
        match name.trim() {
            "" | "default" => Self::Default,
            "none" => Self::Nothing,
            name => Self::Named(name.to_owned()),
        }
    }
}

/// How a device's samples come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// In Hz.
    pub rate: u32,
    /// Interleaved.
    pub channels: u16,
    /// The format of a sample, as in `f32` or `i16`.
    pub sample: String,
    /// Frames of a block as the device means them to be; none where it does not say. Callbacks may come with others.
    pub block: Option<u32>,
}

impl fmt::Display for StreamFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = if self.channels == 1 { "channel" } else { "channels" };
        write!(f, "{} Hz, {} {channels}, {}", self.rate, self.channels, self.sample)
    }
}

/// A device that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What it is used as. A device that can do both is listed twice.
    pub side: Side,
    /// Its name for people.
    pub name: String,
    /// Its name for programs: it stays the same.
    pub id: String,
    /// The system's default.
    pub is_default: bool,
    /// How its samples come; none where it cannot be asked, as when it is busy.
    pub format: Option<StreamFormat>,
    /// What a loudspeaker plays, offered as a microphone: it is never chosen by itself.
    pub is_monitor: bool,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The system has no sound, or it cannot be reached now.
    #[error("the sound system cannot be reached: {0}")]
    System(String),
    /// There is no device for this side.
    #[error("there is no {0}")]
    None(Side),
    /// There is no other one.
    #[error("there is no other {0}")]
    NoOther(Side),
    /// There is none of that name.
    #[error("there is no {side} called `{wanted}`; there are: {known}")]
    Unknown {
        /// The side.
        side: Side,
        /// The name that was asked for.
        wanted: String,
        /// Those that there are.
        known: String,
    },
    /// There are several of that name.
    #[error("`{wanted}` may be any of these: {known}")]
    Ambiguous {
        /// The name that was asked for.
        wanted: String,
        /// Those that it may be.
        known: String,
    },
    /// Another program has it.
    #[error("the {side} `{name}` is used by another program")]
    Busy {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
    },
    /// The system does not let this program use it.
    #[error("the system does not allow the use of the {side} `{name}`: {why}")]
    Denied {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
        /// What the system says.
        why: String,
    },
    /// It has no format in which a call could be held.
    #[error("the {side} `{name}` has no format for a call: {why}")]
    Format {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Anything else.
    #[error("the {side} `{name}` cannot be opened: {why}")]
    Failed {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
        /// What the system says.
        why: String,
    },
}

/// The blocks that devices are asked for. Shorter ones answer sooner; each costs a question to the sound server, for when
/// it will be heard: blocks of 10 ms took 7 % of a core for both sides.
const BLOCK_MILLIS: u64 = 20;

/// The format of a call on [`Devices`]: both sides at the playout rate, each on a clock of its own. The callbacks
/// convert it.
pub const CALL_FORMAT: DeviceFormat = DeviceFormat {
    microphone_rate: PLAYOUT_RATE,
    loudspeaker_rate: PLAYOUT_RATE,
    // Longer ones work, too; what is played then runs dry sooner when the machine is busy.
    most_block: playout_samples(BLOCK_MILLIS),
    clocks: Clocks::Two,
};

/// The devices of the system, microphones first, the default ones first of each.
///
/// # Errors
/// [`OpenError::System`] if it cannot be asked.
pub fn list() -> Result<Vec<DeviceInfo>, OpenError> {
    let host = stream::host(None)?;
    let mut all = Vec::new();
    for side in [Side::Microphone, Side::Loudspeaker] {
        let mut found = stream::candidates(&host, side)?;
        found.sort_by_key(|it| (!it.info.is_default, it.info.is_monitor, it.info.name.clone()));
        all.extend(found.into_iter().map(|it| it.info));
    }
    Ok(all)
}

/// Looks whether there is the device that is wanted, without opening it.
///
/// # Errors
/// [`OpenError`] where there is not.
pub fn check(side: Side, wanted: &Wanted) -> Result<(), OpenError> {
    if *wanted == Wanted::Nothing {
        return Ok(());
    }
    stream::find(&stream::host(None)?, side, wanted).map(|_| ())
}
