//! Converts Whisper from CTranslate2's format to whisper.cpp's.
//!
//! The weights are the same in both, in the same order. The formats differ in how tensors are named and split, in which
//! of them are 16-bit, and in that whisper.cpp needs its mel filters and its vocabulary in the file.

mod ctranslate2;
mod ggml;

use ctranslate2::Variables;

/// Why the members of a package cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The file does not start like CTranslate2's.
    #[error("model.bin is not a CTranslate2 model of version 5 or 6")]
    NotCTranslate2,
    /// The file is a CTranslate2 model, but not Whisper.
    #[error("model.bin holds a {0}, not a WhisperSpec")]
    OtherModel(String),
    /// The file ends within a section.
    #[error("model.bin is truncated: it ends within {within}, which begins at byte {at}")]
    Truncated {
        /// The truncated section.
        within: String,
        /// Byte offset at which it starts.
        at: usize,
    },
    /// A variable is missing, or not as in Whisper.
    #[error("model.bin: {name}: {why}")]
    Variable {
        /// Its name in CTranslate2.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The vocabulary is not Whisper's.
    #[error("vocabulary.txt: {0}")]
    Vocabulary(String),
}

/// Makes the file that whisper.cpp reads, from the bytes of `model.bin` and the text of `vocabulary.txt`.
///
/// # Errors
/// [`ConvertError`] if the input is anything else than Whisper in 16 or 32 bits; never a panic.
pub(super) fn whisper_to_ggml(model: &[u8], vocabulary: &str) -> Result<Vec<u8>, ConvertError> {
    ggml::write(&Variables::read(model)?, vocabulary)
}

#[cfg(test)]
mod tests;
