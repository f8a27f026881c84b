//! Where a voice comes from.

use std::fmt;
use std::str::FromStr;

use duplex_model::weights::{ModelSource, SourceError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A voice: a model, or a program and what it is asked for, as in `espeak:de`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VoiceSource {
    /// A model with files.
    Model(ModelSource),
    /// A program that is installed on this machine.
    Program {
        /// Which; `setup` knows those that there are.
        program: String,
        /// The voice, or the language, that it is asked for.
        voice: String,
    },
}

impl VoiceSource {
    /// The model, where it is one.
    pub(crate) const fn model(&self) -> Option<&ModelSource> {
        match self {
            Self::Model(source) => Some(source),
            Self::Program { .. } => None,
        }
    }
}

impl FromStr for VoiceSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        // A URL goes on with slashes; a drive of Windows is a single letter.
        let is_program =
            |name: &str| name.len() > 1 && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        match text.split_once(':') {
            Some((program, voice)) if is_program(program) && !voice.starts_with("//") => {
                Ok(Self::Program { program: program.to_owned(), voice: voice.to_owned() })
            }
            _ => text.parse().map(Self::Model),
        }
    }
}

impl fmt::Display for VoiceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(source) => source.fmt(f),
            Self::Program { program, voice } => write!(f, "{program}:{voice}"),
        }
    }
}

/// As the string it was parsed from.
impl Serialize for VoiceSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VoiceSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_string_is_a_model_or_a_program() {
        let program = |text: &str| match text.parse().unwrap() {
            VoiceSource::Program { program, voice } => Some((program, voice)),
            VoiceSource::Model(_) => None,
        };
        assert_eq!(program("espeak:de"), Some(("espeak".to_owned(), "de".to_owned())));
        assert_eq!(program("espeak:"), Some(("espeak".to_owned(), String::new())));
        for model in ["piper-en-us-joe", "./a:b.onnx", "C:\\voice.onnx", "https://a.org/v.onnx"] {
            assert_eq!(program(model), None, "{model}");
            assert_eq!(model.parse::<VoiceSource>().unwrap().to_string(), model);
        }
        assert!("".parse::<VoiceSource>().is_err());
    }
}
