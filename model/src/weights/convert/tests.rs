use std::fmt::Write as _;

use half::f16;
use proptest::prelude::*;

use super::{ConvertError, whisper_to_ggml};

const STATE: usize = 4;
const WORDS: usize = 51_864;

/// A `model.bin` being built, and where its sections start.
#[derive(Default)]
struct Model {
    count: u32,
    variables: Vec<u8>,
    starts: Vec<usize>,
}

impl Model {
    fn put(&mut self, name: &str, shape: &[usize], element: u8, data: &[u8]) {
        self.starts.push(self.variables.len());
        self.count += 1;
        string(&mut self.variables, name);
        self.variables.push(shape.len() as u8);
        self.variables.extend(shape.iter().flat_map(|&n| (n as u32).to_le_bytes()));
        self.variables.push(element);
        self.variables.extend((data.len() as u32).to_le_bytes());
        self.variables.extend(data);
    }

    fn floats(&mut self, name: &str, shape: &[usize], value: f32) {
        let n = shape.iter().product();
        let data: Vec<u8> = [f16::from_f32(value).to_le_bytes()].repeat(n).concat();
        self.put(name, shape, 4, &data);
    }

    fn linear(&mut self, name: &str, rows: usize, columns: usize, bias: f32) {
        self.floats(&format!("{name}/weight"), &[rows, columns], 0.5);
        self.floats(&format!("{name}/bias"), &[rows], bias);
    }

    fn norm(&mut self, name: &str) {
        self.floats(&format!("{name}/gamma"), &[STATE], 1.0);
        self.floats(&format!("{name}/beta"), &[STATE], 0.0);
    }

    fn finish(&self, spec: &str) -> Vec<u8> {
        let mut file = 6_u32.to_le_bytes().to_vec();
        string(&mut file, spec);
        file.extend(3_u32.to_le_bytes());
        file.extend(self.count.to_le_bytes());
        file.extend(&self.variables);
        file.extend(1_u32.to_le_bytes());
        string(&mut file, "decoder/projection/weight");
        string(&mut file, "decoder/embeddings/weight");
        file
    }
}

fn string(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u16 + 1).to_le_bytes());
    file.extend(text.as_bytes());
    file.push(0);
}

/// Whisper with one layer per side and a state of width four.
fn tiny(key_bias: f32) -> Model {
    let mut model = Model::default();
    for side in ["encoder", "decoder"] {
        model.put(&format!("{side}/num_heads"), &[], 2, &2_i16.to_le_bytes());
        model.floats(&format!("{side}/position_encodings/encodings"), &[8, STATE], 0.25);
        let layer = format!("{side}/layer_0");
        model.norm(&format!("{layer}/self_attention/layer_norm"));
        model.linear(&format!("{layer}/self_attention/linear_0"), 3 * STATE, STATE, key_bias);
        model.linear(&format!("{layer}/self_attention/linear_1"), STATE, STATE, 0.0);
        if side == "decoder" {
            model.norm(&format!("{layer}/attention/layer_norm"));
            model.linear(&format!("{layer}/attention/linear_0"), STATE, STATE, 0.0);
            model.linear(&format!("{layer}/attention/linear_1"), 2 * STATE, STATE, 0.0);
            model.linear(&format!("{layer}/attention/linear_2"), STATE, STATE, 0.0);
        }
        model.norm(&format!("{layer}/ffn/layer_norm"));
        model.linear(&format!("{layer}/ffn/linear_0"), 4 * STATE, STATE, 0.0);
        model.linear(&format!("{layer}/ffn/linear_1"), STATE, 4 * STATE, 0.0);
        model.norm(&format!("{side}/layer_norm"));
    }
    model.floats("encoder/conv1/weight", &[STATE, 80, 3], 0.5);
    model.floats("encoder/conv1/bias", &[STATE], 0.0);
    model.floats("encoder/conv2/weight", &[STATE, STATE, 3], 0.5);
    model.floats("encoder/conv2/bias", &[STATE], 0.0);
    model.floats("decoder/embeddings/weight", &[WORDS, STATE], 0.125);
    model
}

fn vocabulary() -> String {
    (0..WORDS).fold(String::new(), |mut text, i| {
        // U+0120 is a space in GPT-2's byte alphabet.
        let _ = writeln!(text, "\u{120}{i}");
        text
    })
}

fn bytes_of(file: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(file[at..at + 4].try_into().unwrap())
}

#[test]
fn the_header_the_vocabulary_and_the_tensors_are_where_whisper_cpp_reads_them() {
    let file = whisper_to_ggml(&tiny(0.0).finish("WhisperSpec"), &vocabulary()).unwrap();
    assert_eq!(&file[..4], b"lmgg");
    let header: Vec<i32> = (1..12).map(|i| bytes_of(&file, 4 * i)).collect();
    assert_eq!(header, [WORDS as i32, 8, 4, 2, 1, 8, 4, 2, 1, 80, 1]);
    assert_eq!((bytes_of(&file, 48), bytes_of(&file, 52)), (80, 201));

    let mut at = 56 + 4 * 80 * 201;
    assert_eq!(bytes_of(&file, at), 50_256);
    assert_eq!(&file[at + 4..][..6], b"\x02\0\0\0 0", "a token is raw bytes, a space a space");
    at += 4;
    for _ in 0..50_256 {
        at += 4 + bytes_of(&file, at) as usize;
    }

    let mut names = Vec::new();
    while at < file.len() {
        let (rank, length, kind) =
            (bytes_of(&file, at), bytes_of(&file, at + 4), bytes_of(&file, at + 8));
        at += 12;
        let elements: i32 = (0..rank as usize).map(|i| bytes_of(&file, at + 4 * i)).product();
        at += 4 * rank as usize;
        names.push(String::from_utf8(file[at..at + length as usize].to_vec()).unwrap());
        at += length as usize + elements as usize * if kind == 1 { 2 } else { 4 };
    }
    assert_eq!(at, file.len());
    assert_eq!(names.len(), 1 + 4 + 15 + 2 + 2 + 24 + 2);
    assert!(names.contains(&"decoder.blocks.0.cross_attn.value.bias".to_owned()));
    assert!(!names.iter().any(|name| name.ends_with("key.bias")));
}

#[test]
fn a_model_cut_within_any_section_is_said_to_be_truncated() {
    let model = tiny(0.0);
    let file = model.finish("WhisperSpec");
    let begin = file.len() - model.variables.len() - 4 - 2 * (2 + 26);
    for start in &model.starts {
        for offset in [1, 3, 40] {
            let cut = &file[..begin + start + offset];
            let error = whisper_to_ggml(cut, "").unwrap_err();
            assert!(matches!(error, ConvertError::Truncated { .. }), "{start}+{offset}: {error}");
        }
    }
    let error = whisper_to_ggml(&file[..file.len() - 1], "").unwrap_err();
    assert!(error.to_string().contains("ends within the aliases"), "{error}");
}

#[test]
fn a_file_of_another_kind_is_refused() {
    for foreign in [&b"GGUF\x03\0\0\0"[..], b"lmgg", b"", b"PK\x03\x04"] {
        assert_eq!(whisper_to_ggml(foreign, ""), Err(ConvertError::NotCTranslate2));
    }
    let other = tiny(0.0).finish("TransformerSpec");
    let error = whisper_to_ggml(&other, "").unwrap_err();
    assert_eq!(error.to_string(), "model.bin holds a TransformerSpec, not a WhisperSpec");
}

#[test]
fn a_key_with_a_bias_is_not_dropped_silently() {
    let error = whisper_to_ggml(&tiny(0.5).finish("WhisperSpec"), &vocabulary()).unwrap_err();
    assert!(error.to_string().contains("encoder/layer_0/self_attention/linear_0/bias"), "{error}");
}

#[test]
fn a_missing_variable_is_named() {
    let mut model = tiny(0.0);
    model.variables.clear();
    model.count = 0;
    model.floats("decoder/embeddings/weight", &[WORDS, STATE], 0.0);
    let error = whisper_to_ggml(&model.finish("WhisperSpec"), &vocabulary()).unwrap_err();
    assert_eq!(error.to_string(), "model.bin: encoder/conv1/weight: it is missing");
}

#[test]
fn a_quantised_model_is_refused_with_what_is_supported() {
    let mut model = tiny(0.0);
    model.put("encoder/conv2/weight", &[STATE, STATE, 3], 1, &[0; STATE * STATE * 3]);
    let error = whisper_to_ggml(&model.finish("WhisperSpec"), &vocabulary()).unwrap_err();
    assert!(error.to_string().contains("I8 values are not supported"), "{error}");
}

#[test]
fn a_truncated_vocabulary_is_refused() {
    let model = tiny(0.0).finish("WhisperSpec");
    let error = whisper_to_ggml(&model, "a\nb\n").unwrap_err();
    assert_eq!(error.to_string(), "vocabulary.txt: 2 tokens instead of 50256");
    let foreign = vocabulary().replacen('\u{120}', "\u{4e00}", 1);
    assert!(matches!(whisper_to_ggml(&model, &foreign), Err(ConvertError::Vocabulary(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn altered_bytes_never_panic(at in 0_usize..2000, byte: u8, cut in 0_usize..4000) {
        let mut file = tiny(0.0).finish("WhisperSpec");
        file[at] = byte;
        file.truncate(file.len() - cut);
        let _ = whisper_to_ggml(&file, "");
    }
}
