//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

use super::CallId;

/// An error of the language model. Every message says what happened, to which file, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// No file at the path.
    #[error("no language model at {path}: name an existing GGUF file or fetch the default model")]
    Missing {
        /// Where the model was expected.
        path: PathBuf,
    },
    /// The file exists and cannot be read.
    #[error("cannot read the language model {path}: check its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// llama.cpp takes paths as UTF-8 only.
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
    /// The file begins as GGUF, but its header or its tensors are cut short or altered.
    #[error("{path} is truncated or damaged ({part}): fetch it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part could not be read.
        part: &'static str,
    },
    /// A sound GGUF file whose model cannot serve in a call.
    #[error(
        "{path} holds a model of architecture `{architecture}`, {reason}: choose a decoder-only chat model"
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// `general.architecture` of the file.
        architecture: String,
        /// Why it cannot serve.
        reason: &'static str,
    },
    /// The file names no chat template, so there is no telling user from assistant.
    #[error("{path} has no chat template: choose a model tuned for chat (often named `Instruct`)")]
    NoChatTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The chat template is one that llama.cpp does not know, or that drops or reorders messages.
    #[error(
        "{path} has a chat template that llama.cpp cannot apply: choose another build of the model"
    )]
    UnknownChatTemplate {
        /// The file.
        path: PathBuf,
    },
    /// The vocabulary cannot mark slices.
    #[error(
        "{path} has no token `{mark}` to mark slices with: use the default model, or decide without the duplex model"
    )]
    NoSliceMarks {
        /// The file of the base model.
        path: PathBuf,
        /// The token that is missing.
        mark: &'static str,
    },
    /// A sound GGUF file that is no adapter, or one of another model.
    #[error(
        "{path} is no adapter for the language model {model}: its description or its tensors do not fit"
    )]
    WrongAdapter {
        /// The file of the adapter.
        path: PathBuf,
        /// The file of the base model.
        model: PathBuf,
    },
    /// llama.cpp did not take a loaded adapter into use.
    #[error("llama.cpp refused the adapter {path}")]
    AdapterRefused {
        /// The file of the adapter.
        path: PathBuf,
    },
    /// Another part of the process initialised llama.cpp and owns it.
    #[error("llama.cpp is already in use by other code of this process")]
    BackendTaken,
    /// llama.cpp returned no context.
    #[error(
        "llama.cpp refused a context of {cells} tokens: lower `context` or `calls`, or free memory"
    )]
    ContextRefused {
        /// Cache cells asked for.
        cells: u32,
    },
    /// Every call the context was made for is open.
    #[error("all {limit} calls are in use: close one, or raise `calls`")]
    TooManyCalls {
        /// Calls the context was made for.
        limit: u32,
    },
    /// The call was closed, or belongs to another `Llm`.
    #[error("call {call:?} is not open")]
    NoSuchCall {
        /// The handle that was used.
        call: CallId,
    },
    /// The conversation is too long. Nothing was decoded and the cache is as it was.
    #[error(
        "the conversation needs {needed} tokens and the context has {have}: drop old messages or raise `context`"
    )]
    ContextFull {
        /// Tokens of the conversation, with room for the reply where one is to be written.
        needed: usize,
        /// Tokens a call may have.
        have: usize,
    },
    /// llama.cpp failed in the middle of decoding; the cache holds what was decoded before.
    #[error("llama.cpp failed to decode")]
    Decode {
        /// What llama.cpp said.
        source: llama_cpp_2::DecodeError,
    },
    /// llama.cpp kept cells that it was asked to remove.
    #[error("llama.cpp could not remove the end of a sequence from its cache")]
    CacheEdit,
}
