//! The models that there are, each behind its port.

mod duplex_model;
mod endpoint;
mod llama;
mod smart_turn;
pub mod voices;
mod whisper;

pub use duplex_model::{DuplexOptions, duplex_model};
pub use endpoint::{RemoteReplyOptions, endpoint};
pub use llama::llama;
pub use smart_turn::smart_turn;
pub use whisper::whisper;

use ::duplex_model::llm::{ChatMessage, Role};
use duplex_core::{Line, Speaker};

/// A line of the transcript as the language models read it.
/// What is said of a turn that is longer than the context of the model.
const SHORTENED: &str =
    "what the user said is longer than the language model can read: it answers to the end of it";

fn message(line: &Line) -> ChatMessage {
    let role = match line.speaker {
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    ChatMessage::new(role, line.text.as_str())
}
