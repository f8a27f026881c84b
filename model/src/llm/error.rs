//! Errors of the language model, by what the caller can do about them.

use std::path::PathBuf;

use super::CallId;

/// An error of the language model. Most messages say what happened, to which file, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// There is no file at the path.
    #[error("no language model at {path}: name an existing GGUF file or fetch the default model")]
    Missing {
        /// Where the model was expected.
        path: PathBuf,
    },
    /// The file exists but cannot be read.
    #[error("cannot read the language model {path}: check its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// llama.cpp accepts only paths in UTF-8.
    #[error(
        "the path {path} is not UTF-8, which llama.cpp needs: move or link the model elsewhere"
    )]
    PathNotUtf8 {
        /// The path, as far as it can be shown.
        path: PathBuf,
    },
    /// The file does not begin with the four bytes `GGUF`.
    #[error("{path} is not a GGUF file: llama.cpp reads models in this format only")]
    NotGguf {
        /// The file.
        path: PathBuf,
    },
    /// The file starts as GGUF, but its header or its tensors are truncated or corrupt.
    #[error("{path} is truncated or damaged ({part}): fetch it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part that could not be read.
        part: &'static str,
    },
    /// A valid GGUF file whose model cannot be used in a call.
    #[error(
        "{path} holds a model of architecture `{architecture}`, {reason}: choose a decoder-only chat model"
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// `general.architecture` of the file.
        architecture: String,
        /// Why it cannot be used.
        reason: &'static str,
    },
    /// The file has no chat template, so user and assistant turns cannot be marked.
    #[error("{path} has no chat template: choose a model tuned for chat (often named `Instruct`)")]
    NoChatTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The chat template is unknown to llama.cpp, or it drops or reorders messages.
    #[error(
        "{path} has a chat template that llama.cpp cannot apply: choose another build of the model"
    )]
    UnknownChatTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The vocabulary lacks a control token that marks slices.
    #[error(
        "{path} has no token `{mark}` to mark slices with: use the default model, or decide without the duplex model"
    )]
    NoSliceMarks {
        /// The file of the base model.
        path: PathBuf,
        /// The token that is missing.
        mark: &'static str,
    },
    /// A valid GGUF file that is not an adapter, or an adapter of another model.
    #[error(
        "{path} is no adapter for the language model {model}: its description or its tensors do not fit"
    )]
    WrongAdapter {
        /// The file of the adapter.
        path: PathBuf,
        /// The file of the base model.
        model: PathBuf,
    },
    /// llama.cpp rejected a loaded adapter when it was attached to a context.
    #[error("llama.cpp refused the adapter {path}")]
    AdapterRefused {
        /// The file of the adapter.
        path: PathBuf,
    },
    /// Other code in the process initialised llama.cpp and owns it.
    #[error("llama.cpp is already in use by other code of this process")]
    BackendTaken,
    /// llama.cpp returned no context.
    #[error(
        "llama.cpp refused a context of {cells} tokens: lower `context` or `calls`, or free memory"
    )]
    ContextRefused {
        /// KV cache cells requested.
        cells: u32,
    },
    /// All calls that the context was made for are open.
    #[error("all {limit} calls are in use: close one, or raise `calls`")]
    TooManyCalls {
        /// Number of calls the context was made for.
        limit: u32,
    },
    /// The call is closed, or belongs to another `Llm`.
    #[error("call {call:?} is not open")]
    NoSuchCall {
        /// The handle that was used.
        call: CallId,
    },
    /// The conversation is too long. Nothing was decoded and the KV cache is unchanged.
    #[error(
        "the conversation needs {needed} tokens and the context has {have}: drop old messages or raise `context`"
    )]
    ContextFull {
        /// Tokens of the conversation, including room for the reply if one is to be generated.
        needed: usize,
        /// Tokens available per call.
        have: usize,
    },
    /// The instructions leave no room for a conversation: every reply of the call would fail.
    #[error(
        "the instructions need {needed} tokens or more, and {have} are left for them beside a question and its reply: shorten `system_prompt` or raise `context`"
    )]
    InstructionsTooLong {
        /// Tokens of the instructions; if they are far too long to be worth counting, the fewest that they can have.
        needed: usize,
        /// Tokens available for them.
        have: usize,
    },
    /// llama.cpp failed during decoding; the KV cache contains what was decoded before.
    #[error("llama.cpp failed to decode")]
    Decode {
        /// llama.cpp's error.
        source: llama_cpp_2::DecodeError,
    },
    /// llama.cpp did not remove cells that it was asked to remove.
    #[error("llama.cpp could not remove the end of a sequence from its cache")]
    CacheEdit,
}
