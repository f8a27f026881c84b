//! What the user of a room says, and when.

use std::{
    fs,
    path::{Path, PathBuf},
};

use duplex_audio::room::{Anchor, Cue, Sound};
use duplex_core::Samples;
use serde::Deserialize;

use super::DeviceRoomError;

/// A script: clips in their order. None begins before the one before it has ended.
///
/// ```toml
/// [[clip]]
/// file = "question.flac"          # beside the script, or an absolute path
/// when = { start_ms = 1500 }      # since the microphone was opened
///
/// [[clip]]
/// file = "stop.flac"
/// gain_db = -3
/// when = { speaking_ms = 1200 }   # once the loudspeaker has spoken for so long
///
/// [[clip]]
/// file = "next.flac"
/// when = { stopped_ms = 800 }     # so long after it fell silent, having spoken since the clip before
/// ```
///
/// Also: `quiet_ms`, once nobody has been audible for so long; `words`, once the loudspeaker has said about so many
/// words; `after_ms`, so long after the clip before, whatever the loudspeaker does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(rename = "clip", default)]
    clips: Vec<ClipKeys>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipKeys {
    file: PathBuf,
    id: Option<String>,
    #[serde(default)]
    gain_db: f32,
    when: When,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    StartMs(u64),
    SpeakingMs(u64),
    StoppedMs(u64),
    QuietMs(u64),
    AfterMs(u64),
    Words(u32),
}

impl When {
    fn anchor(self) -> Anchor {
        let millis = Samples::from_millis;
        match self {
            Self::StartMs(time) => Anchor::Start(millis(time)),
            Self::SpeakingMs(time) => Anchor::Speaking(millis(time)),
            Self::StoppedMs(time) => Anchor::Stopped(millis(time)),
            Self::QuietMs(time) => Anchor::Quiet(millis(time)),
            Self::AfterMs(time) => Anchor::AfterCue(millis(time)),
            Self::Words(count) => Anchor::Words(count),
        }
    }
}

impl Script {
    /// Reads `path` and its clips.
    pub(super) fn read(path: &Path) -> Result<Vec<Cue>, DeviceRoomError> {
        let fail = |why: String| DeviceRoomError::Script { path: path.into(), why };
        let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let script: Self = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let cue = |clip: ClipKeys| {
            let name = || clip.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let sound = Sound::read(folder.join(&clip.file))?.amplified(clip.gain_db);
            let id = clip.id.clone().unwrap_or_else(name);
            Ok(Cue::new(id, sound, clip.when.anchor()))
        };
        script.clips.into_iter().map(cue).collect()
    }
}
