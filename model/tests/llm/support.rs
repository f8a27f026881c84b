//! Helpers shared by the tests: the model, conversations, and a `write` that collects its text.

use std::ops::ControlFlow;
use std::path::PathBuf;

use duplex_model::llm::{
    CallId, ChatMessage, End, Llm, LlmOptions, ReplyLimits, Role, Sampling, Weights,
};

pub(crate) fn model_path() -> PathBuf {
    let models = std::env::var_os("DUPLEX_MODELS")
        .expect("DUPLEX_MODELS names no folder of models: run `make models`");
    PathBuf::from(models).join("smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf")
}

pub(crate) fn weights() -> Weights {
    Weights::load(&model_path()).expect("the default model loads: run `make models`")
}

/// One thread, and greedy decoding.
pub(crate) fn greedy() -> LlmOptions {
    LlmOptions {
        context: 512,
        calls: 2,
        threads: 1,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        reply: ReplyLimits { soft: 16, hard: 24, paragraphs: false },
    }
}

pub(crate) fn system() -> ChatMessage {
    ChatMessage::new(Role::System, "You are a voice assistant. Answer in one short sentence.")
}

pub(crate) fn user(text: &str) -> ChatMessage {
    ChatMessage::new(Role::User, text)
}

pub(crate) fn assistant(text: &str) -> ChatMessage {
    ChatMessage::new(Role::Assistant, text)
}

/// Generates the whole reply.
pub(crate) fn reply(llm: &mut Llm<'_>, call: CallId, messages: &[ChatMessage]) -> (String, End) {
    let mut text = String::new();
    let mut emit = |piece: &str| {
        text.push_str(piece);
        ControlFlow::Continue(())
    };
    let written =
        llm.write(call, messages, &mut || false, &mut emit).expect("the reply is written");
    (text, written.end)
}

/// Generates up to the first piece of text.
pub(crate) fn first_piece(
    llm: &mut Llm<'_>,
    call: CallId,
    messages: &[ChatMessage],
) -> (String, End) {
    let mut text = String::new();
    let mut emit = |piece: &str| {
        text.push_str(piece);
        ControlFlow::Break(())
    };
    let written =
        llm.write(call, messages, &mut || false, &mut emit).expect("the reply is written");
    (text, written.end)
}
