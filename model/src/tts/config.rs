//! The `.onnx.json` file of a Piper voice: its sample rate, noise scales and phoneme alphabet.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::VoiceError;

/// Marks the start of an utterance in the phoneme alphabet.
const BEGIN: &str = "^";
/// Placed between any two phonemes, so that the aligner has room for transitions.
const PAD: &str = "_";
/// Marks the end of an utterance.
const END: &str = "$";

#[derive(Deserialize)]
struct File {
    audio: Audio,
    espeak: Espeak,
    inference: Inference,
    #[serde(default = "one")]
    num_speakers: u32,
    #[serde(default)]
    phoneme_type: Option<String>,
    phoneme_id_map: BTreeMap<String, Vec<i32>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Espeak {
    voice: String,
}

/// The voice's scales of variation and duration.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Inference {
    /// Standard deviation of the acoustic latent, relative to the prior's.
    pub(super) noise_scale: f32,
    /// Factor on all durations.
    pub(super) length_scale: f32,
    /// Standard deviation of the duration latent.
    pub(super) noise_w: f32,
}

const fn one() -> u32 {
    1
}

/// The checked settings of a voice.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) sample_rate: u32,
    /// Name of the espeak-ng voice whose phonemes the model was trained on.
    pub(super) espeak_voice: String,
    pub(super) inference: Inference,
    pub(super) alphabet: Alphabet,
}

/// Maps phonemes to the model's ids.
#[derive(Debug)]
pub(super) struct Alphabet {
    ids: BTreeMap<char, Vec<i32>>,
    begin: Vec<i32>,
    pad: Vec<i32>,
    end: Vec<i32>,
}

impl Alphabet {
    /// The ids of one phoneme; none if the voice does not know it.
    pub(super) fn ids(&self, phoneme: char) -> Option<&[i32]> {
        self.ids.get(&phoneme).map(Vec::as_slice)
    }

    pub(super) fn begin(&self) -> &[i32] {
        &self.begin
    }

    pub(super) fn pad(&self) -> &[i32] {
        &self.pad
    }

    pub(super) fn end(&self) -> &[i32] {
        &self.end
    }
}

impl Config {
    pub(super) fn load(path: &Path) -> Result<Self, VoiceError> {
        let text = fs::read_to_string(path)
            .map_err(|source| VoiceError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|what| VoiceError::Config { path: path.to_owned(), what })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.num_speakers != 1 {
            return Err(format!(
                "has {} speakers; only voices of one speaker are supported",
                file.num_speakers
            ));
        }
        if let Some(kind) = file.phoneme_type.filter(|kind| kind != "espeak") {
            return Err(format!("is written in \"{kind}\" phonemes; only espeak's are supported"));
        }
        if !file.espeak.voice.starts_with("en") {
            return Err(format!(
                "speaks \"{}\"; text is written out for speech in English only",
                file.espeak.voice
            ));
        }
        if file.audio.sample_rate == 0 {
            return Err("has a sample rate of zero".to_owned());
        }
        let Inference { noise_scale, length_scale, noise_w } = file.inference;
        let sane = |scale: f32| (0.0..=10.0).contains(&scale);
        if !(sane(noise_scale) && sane(noise_w) && sane(length_scale) && length_scale > 0.0) {
            return Err("has noise or length scales outside 0 to 10".to_owned());
        }
        let special = |symbol: &str| match file.phoneme_id_map.get(symbol) {
            Some(ids) if !ids.is_empty() => Ok(ids.clone()),
            _ => Err(format!("phoneme_id_map has no \"{symbol}\"")),
        };
        let alphabet = Alphabet {
            begin: special(BEGIN)?,
            pad: special(PAD)?,
            end: special(END)?,
            ids: file
                .phoneme_id_map
                .iter()
                .filter(|(symbol, _)| ![BEGIN, PAD, END].contains(&symbol.as_str()))
                .filter_map(|(symbol, ids)| {
                    let mut chars = symbol.chars();
                    let phoneme = chars.next()?;
                    chars.next().is_none().then(|| (phoneme, ids.clone()))
                })
                .collect(),
        };
        Ok(Self {
            sample_rate: file.audio.sample_rate,
            espeak_voice: file.espeak.voice,
            inference: file.inference,
            alphabet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"audio":{"sample_rate":22050},"espeak":{"voice":"en-us"},
        "inference":{"noise_scale":0.667,"length_scale":1,"noise_w":0.8},"num_speakers":1,
        "phoneme_id_map":{"_":[0],"^":[1],"$":[2],"a":[14]}}"#;

    #[test]
    fn settings_of_a_single_speaker_are_read() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.sample_rate, 22_050);
        assert_eq!(config.alphabet.ids('a'), Some(&[14][..]));
        assert_eq!(config.alphabet.ids('b'), None);
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = Config::parse(&GOOD.replace("sample_rate", "rate")).unwrap_err();
        assert!(error.contains("sample_rate"), "{error}");
        let error = Config::parse(&GOOD.replace("\"^\"", "\"x\"")).unwrap_err();
        assert!(error.contains("\"^\""), "{error}");
    }

    #[test]
    fn voices_of_several_speakers_are_refused() {
        let error =
            Config::parse(&GOOD.replace("\"num_speakers\":1", "\"num_speakers\":904")).unwrap_err();
        assert!(error.contains("904 speakers"), "{error}");
    }

    #[test]
    fn voices_of_other_languages_are_refused() {
        let error = Config::parse(&GOOD.replace("en-us", "de")).unwrap_err();
        assert!(error.contains("\"de\""), "{error}");
    }

    #[test]
    fn scales_that_would_make_endless_speech_are_refused() {
        assert!(
            Config::parse(&GOOD.replace("\"length_scale\":1", "\"length_scale\":1e9")).is_err()
        );
        assert!(Config::parse(&GOOD.replace("\"length_scale\":1", "\"length_scale\":0")).is_err());
    }
}
