//! What is said in text beside the sound.

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
    /// Sound that was sent and not played yet is not to be played.
    Clear,
    /// What somebody said.
    Transcript {
        /// Who.
        role: Role,
        /// Their words; of the assistant, those that were heard.
        text: String,
        /// Whether it stays so: a line that is not final is replaced by the next one.
        #[serde(rename = "final")]
        is_final: bool,
    },
}
