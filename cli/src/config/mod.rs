//! The configuration: one TOML file, every key with a default and a meaning.
//!
//! [`Config`] is the principal type; its doc comments are what `duplex config show` prints, and
//! what docs/configuration.md holds. To add a section, add a struct and a `nested` field: loading,
//! checking, `--set` and `show` follow from them.

mod load;
mod show;

use confique::Config as Derive;
use duplex_model::weights::{ModelSource, Role};
use serde::Serialize;

pub(crate) use load::file;

/// What can be configured.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Config {
    /// Which models are used. Each is a name that `duplex models list` shows, the path of a
    /// file, or the https URL of one (http from this machine only). A relative path counts from
    /// the folder in which duplex is started; `~/` is the home folder.
    #[config(nested)]
    pub(crate) models: Models,

    /// The language model.
    #[config(nested)]
    pub(crate) llm: Llm,

    /// Recognition.
    #[config(nested)]
    pub(crate) asr: Asr,

    /// The assistant's voice.
    #[config(nested)]
    pub(crate) voice: Voice,
}

/// Which models are used.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Models {
    /// Writes the replies: a GGUF file with a chat template.
    #[config(default = "smollm2-135m")]
    pub(crate) llm: ModelSource,

    /// Recognises speech: a ggml file of whisper.cpp.
    #[config(default = "whisper-tiny.en")]
    pub(crate) asr: ModelSource,

    /// Speaks: a Piper voice (.onnx), with its description (.onnx.json) beside it.
    #[config(default = "piper-en-us-joe")]
    pub(crate) voice: ModelSource,

    /// Tells speech from other sound: Silero (.onnx).
    #[config(default = "silero-vad")]
    pub(crate) vad: ModelSource,

    /// Tells from the sound whether the user has finished: smart-turn (.onnx).
    #[config(default = "smart-turn")]
    pub(crate) turn: ModelSource,
}

impl Models {
    /// The model configured for `role`.
    pub(crate) fn source(&self, role: Role) -> &ModelSource {
        match role {
            Role::Llm => &self.llm,
            Role::Asr => &self.asr,
            Role::Voice => &self.voice,
            Role::Vad => &self.vad,
            Role::Turn => &self.turn,
        }
    }
}

/// The language model.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Llm {
    /// CPU threads that write the reply.
    #[config(default = 2, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// Tokens of the conversation that the model can see at once.
    #[config(default = 2048, validate(*context >= 256, "at least 256"))]
    pub(crate) context: u32,

    /// How freely words are chosen; 0 always takes the likeliest.
    #[config(default = 0.7, validate((0.0..=2.0).contains(temperature), "between 0 and 2"))]
    pub(crate) temperature: f64,

    /// Words are chosen among the likeliest that together have this probability.
    #[config(default = 0.9, validate(*top_p > 0.0 && *top_p <= 1.0, "above 0, at most 1"))]
    pub(crate) top_p: f64,

    /// Tokens after which a reply ends, finished or not.
    #[config(default = 96, validate(*max_reply_tokens > 0, "at least 1"))]
    pub(crate) max_reply_tokens: u32,

    /// What the model is told about its task before the conversation begins.
    #[config(
        default = "You are a friendly voice assistant. You answer aloud, in one or two short, plain sentences, without lists or markup."
    )]
    pub(crate) system_prompt: String,

    /// Seed of the choice of words: the same seed and the same tokens give the same reply.
    #[config(default = 1)]
    pub(crate) seed: u32,
}

/// Recognition.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Asr {
    /// CPU threads of the recogniser.
    #[config(default = 1, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// What language the user speaks, as ISO 639-1; a model with `.en` in its name knows only en.
    #[config(default = "en", validate = language)]
    pub(crate) language: String,

    /// Path of the recogniser's program. Without it, `duplex-asr` beside this program.
    pub(crate) worker: Option<String>,
}

/// The assistant's voice.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Voice {
    /// CPU threads of the synthesiser.
    #[config(default = 1, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// How fast it speaks; 1 is the voice's own pace, 2 twice as fast.
    #[config(default = 1.0, validate((0.5..=2.0).contains(speed), "between 0.5 and 2"))]
    pub(crate) speed: f64,
}

fn language(code: &impl AsRef<str>) -> Result<(), &'static str> {
    if code.as_ref().is_empty() { Err("a language, such as en") } else { Ok(()) }
}

#[cfg(test)]
mod tests;
