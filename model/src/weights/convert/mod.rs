//! Whisper from CTranslate2's format to whisper.cpp's.
//!
//! The weights themselves are the same in both, in the same order; what differs is how they are
//! named and split, which of them are 16 bit, and that whisper.cpp wants its mel filters and its
//! vocabulary in the file.

mod ctranslate2;
mod ggml;

use ctranslate2::Variables;

/// Why the members of a package cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The file does not begin as CTranslate2's do.
    #[error("model.bin is not a CTranslate2 model of version 5 or 6")]
    NotCTranslate2,
    /// The file is a CTranslate2 model, but not of Whisper.
    #[error("model.bin holds a {0}, not a WhisperSpec")]
    OtherModel(String),
    /// The file ends within a section.
    #[error("model.bin is truncated: it ends within {within}, which begins at byte {at}")]
    Truncated {
        /// What is cut.
        within: String,
        /// Where that begins.
        at: usize,
    },
    /// A variable is missing, or not as Whisper's are.
    #[error("model.bin: {name}: {why}")]
    Variable {
        /// CTranslate2's name of it.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The vocabulary is not Whisper's.
    #[error("vocabulary.txt: {0}")]
    Vocabulary(String),
}

/// Writes the file that whisper.cpp reads, from the bytes of `model.bin` and the text of
/// `vocabulary.txt`.
///
/// # Errors
/// Whatever makes the input something else than Whisper in 16 or 32 bit; never a panic.
pub(super) fn whisper_to_ggml(model: &[u8], vocabulary: &str) -> Result<Vec<u8>, ConvertError> {
    ggml::write(&Variables::read(model)?, vocabulary)
}

#[cfg(test)]
mod tests;
