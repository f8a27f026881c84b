//! Unusable files are distinguished, and named with what helps; none ends the process.

use std::fs;
use std::path::Path;

use duplex_model::llm::{LlmError, Weights};
use tempfile::TempDir;

use crate::support::model_path;

fn refused(path: &Path) -> LlmError {
    let error = Weights::load(path).expect_err("the file is not a usable model");
    let text = error.to_string();
    assert!(
        text.contains(path.to_str().expect("a UTF-8 path")),
        "the message names the file: {text}"
    );
    error
}

/// Writes `bytes` to a file and returns the error of loading it.
fn error_of(bytes: &[u8]) -> LlmError {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).expect("room for the file");
    refused(&path)
}

/// A GGUF header of version 3 without tensors: the given string keys and values.
fn header(metadata: &[(&str, &str)]) -> Vec<u8> {
    const STRING: u32 = 8;
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        bytes.extend(text(key));
        bytes.extend(STRING.to_le_bytes());
        bytes.extend(text(value));
    }
    bytes
}

fn model_bytes() -> Vec<u8> {
    fs::read(model_path()).expect("the default model is there: run `make models`")
}

#[test]
fn a_missing_file_is_called_missing() {
    assert!(matches!(refused(Path::new("/nowhere/model.gguf")), LlmError::Missing { .. }));
}

#[test]
fn a_folder_is_called_unreadable() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(refused(folder.path()), LlmError::Unreadable { .. }));
}

#[test]
fn a_file_of_another_format_is_not_gguf() {
    for bytes in [&b""[..], b"GG", b"lmgg model of whisper", b"PK\x03\x04"] {
        assert!(matches!(error_of(bytes), LlmError::NotGguf { .. }));
    }
}

#[test]
fn a_model_truncated_anywhere_is_called_damaged() {
    let model = model_bytes();
    for len in [5, 40, 10_000, 1_500_000, model.len() / 2, model.len() - 1] {
        let error = error_of(&model[..len]);
        assert!(matches!(error, LlmError::Damaged { .. }), "{len} bytes: {error}");
    }
}

#[test]
fn a_recurrent_model_is_refused_with_the_reason() {
    let error = error_of(&header(&[
        ("general.architecture", "mamba"),
        ("tokenizer.ggml.model", "no_vocab"),
    ]));
    let LlmError::Unsupported { architecture, reason, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(architecture, "mamba");
    assert!(reason.contains("recurrent"), "{reason}");
}

#[test]
fn an_architecture_that_llama_cpp_does_not_know_is_named() {
    let error = error_of(&header(&[("general.architecture", "perceptron")]));
    assert!(
        matches!(&error, LlmError::Unsupported { architecture, .. } if architecture == "perceptron"),
        "{error}"
    );
}

#[test]
fn a_model_without_a_chat_template_is_refused() {
    let mut model = model_bytes();
    let key = b"tokenizer.chat_template";
    let at = model.windows(key.len()).position(|window| window == key).unwrap();
    model[at + key.len() - 1] = b'_';
    assert!(matches!(error_of(&model), LlmError::NoChatTemplate { .. }));
}

#[test]
fn a_chat_template_that_llama_cpp_cannot_apply_is_refused() {
    let mut model = model_bytes();
    // llama.cpp recognises a template by its marks.
    let mark = b"<|im_start|>' + message";
    let at = model.windows(mark.len()).position(|window| window == mark).unwrap();
    let template = at - 400..at + 400;
    let mut at = template.start;
    while let Some(next) =
        model[at..template.end].windows(9).position(|window| window == b"im_start|")
    {
        at += next;
        model[at..at + 8].copy_from_slice(b"xx_xxxxx");
    }
    assert!(matches!(error_of(&model), LlmError::UnknownChatTemplate { .. }));
}
