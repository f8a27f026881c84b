//! The devices, volume and pace that were chosen by key, remembered for the next call.

use std::{fs, io, path::PathBuf};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use super::minutes::replace;

/// What was chosen last. Anything that is not there was never chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Choices {
    /// The microphone's name.
    pub(crate) microphone: Option<String>,
    /// The loudspeaker's name.
    pub(crate) loudspeaker: Option<String>,
    /// In dB.
    pub(crate) volume_db: i32,
    /// In thousandths of the voice's own pace.
    pub(crate) speed: Option<u16>,
}

impl Choices {
    /// Those of the last call; none where there are none, or where they cannot be read: they are only a convenience.
    pub(crate) fn load() -> Self {
        let text = path().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        toml::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!("the devices chosen last cannot be read: {error}");
            Self::default()
        })
    }

    /// Remembers them.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn store(&self) -> io::Result<()> {
        let Some(path) = path() else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        replace(&path, toml::to_string(self).map_err(io::Error::other)?.as_bytes())
    }
}

/// Where they lie; none on a system without a home.
fn path() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(state.join("duplex").join("talk.toml"))
}
