use serde::{Deserialize, Serialize};

/// What a room did, as `duplex-room --log` writes it. Times count in ms from its beginning, by the microphone's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceRoomLog {
    /// When it began, in ms since 1970: when a program first opened the microphone; none: none has yet.
    pub began_unix_ms: Option<f64>,
    /// How long it has run since, in seconds.
    pub seconds: f64,
    /// The user's clips so far, in order.
    pub clips: Vec<PlayedClip>,
    /// Silence in place of what the loudspeaker did not give, before the beginning too.
    pub filled_ms: f64,
    /// Of what the loudspeaker gave, what came too late and was left out.
    pub left_out_ms: f64,
    /// What the microphone gave since the beginning and no program read in time.
    pub unread_ms: f64,
    /// By how much the latest block of the loudspeaker came later than the earliest: the jitter of its clock.
    pub latest_block_ms: f64,
}

/// A clip of the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayedClip {
    /// Its name.
    pub id: String,
    /// When it began; none: what it waited for did not come.
    pub from_ms: Option<f64>,
    /// When it ended, or will end.
    pub to_ms: Option<f64>,
}
