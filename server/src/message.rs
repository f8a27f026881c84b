//! Text messages, which travel beside the audio.

use serde::Serialize;

/// Who said a line of the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Whoever speaks into the connection.
    User,
    /// Duplex.
    Agent,
}

/// A text message to the peer, as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerEvent {
    /// Audio that was sent and not played yet must not be played.
    Clear,
    /// Something is not as it should be, and the call goes on: another model answers, for instance.
    Warning {
        /// What.
        text: String,
    },
    /// A line of the transcript.
    Transcript {
        /// Who said it.
        role: Role,
        /// The words; of the assistant, those that were heard.
        text: String,
        /// Whether the line is final: one that is not is replaced by the next.
        #[serde(rename = "final")]
        is_final: bool,
    },
}
