//! Writes whisper.cpp's file: a header, the mel filters, the vocabulary, the tensors.
//!
//! The layout is that of `whisper_model_load` in whisper.cpp; tensor names are those of the original PyTorch model.
//! Matrices are `f16`; biases, norms and positional embeddings are `f32`.

use super::ConvertError;
use super::ctranslate2::{Variable, Variables};

/// "ggml".
const MAGIC: u32 = 0x6767_6d6c;
/// The header's value for "matrices are f16", and the type of such a tensor.
const F16: i32 = 1;
/// The type of an `f32` tensor.
const F32: i32 = 0;

/// Whisper's FFT size is 400 samples at 16 kHz, which gives 201 bins.
const FFT: usize = 400;
const BINS: usize = FFT / 2 + 1;

/// From this size on a vocabulary is multilingual (whisper.cpp's own rule).
const MULTILINGUAL: usize = 51_865;

pub(super) fn write(model: &Variables<'_>, vocabulary: &str) -> Result<Vec<u8>, ConvertError> {
    let embeddings = matrix(model, "decoder/embeddings/weight")?;
    let (words, state) = (embeddings.shape[0], embeddings.shape[1]);
    let mels = match *model.get("encoder/conv1/weight")?.shape {
        [_, mels, _] if (1..=256).contains(&mels) => mels,
        _ => return Err(model.get("encoder/conv1/weight")?.wrong("it is no mel convolution")),
    };
    let (audio_layers, text_layers) = (model.layers("encoder"), model.layers("decoder"));

    let mut file = File { bytes: Vec::new(), model };
    file.u32(MAGIC);
    file.size(words)?;
    file.size(matrix(model, "encoder/position_encodings/encodings")?.shape[0])?;
    file.size(state)?;
    file.i32(model.get("encoder/num_heads")?.integer()?);
    file.size(audio_layers)?;
    file.size(matrix(model, "decoder/position_encodings/encodings")?.shape[0])?;
    file.size(state)?;
    file.i32(model.get("decoder/num_heads")?.integer()?);
    file.size(text_layers)?;
    file.size(mels)?;
    file.i32(F16);

    file.size(mels)?;
    file.size(BINS)?;
    for weight in mel_filters(mels) {
        file.bytes.extend(weight.to_le_bytes());
    }
    file.vocabulary(vocabulary, words)?;

    file.f32("encoder.positional_embedding", "encoder/position_encodings/encodings")?;
    for conv in ["conv1", "conv2"] {
        file.f16(&format!("encoder.{conv}.weight"), &format!("encoder/{conv}/weight"))?;
        // whisper.cpp adds it to [frames, state], so it is a column.
        let bias = model.get(&format!("encoder/{conv}/bias"))?;
        file.tensor(&format!("encoder.{conv}.bias"), &[state, 1], F32, &bias.as_f32()?)?;
    }
    for layer in 0..audio_layers {
        file.block("encoder", layer)?;
    }
    file.norm("encoder.ln_post", "encoder/layer_norm")?;

    file.f32("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
    file.f16("decoder.token_embedding.weight", "decoder/embeddings/weight")?;
    for layer in 0..text_layers {
        file.block("decoder", layer)?;
    }
    file.norm("decoder.ln", "decoder/layer_norm")?;
    Ok(file.bytes)
}

fn matrix<'m, 'a>(model: &'m Variables<'a>, name: &str) -> Result<&'m Variable<'a>, ConvertError> {
    let variable = model.get(name)?;
    match *variable.shape {
        [_, _] => Ok(variable),
        _ => Err(variable.wrong("it is not a matrix")),
    }
}

/// The file being written.
struct File<'m, 'a> {
    bytes: Vec<u8>,
    model: &'m Variables<'a>,
}

impl File<'_, '_> {
    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn i32(&mut self, value: i32) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Writes a count; the format has 31 bits for it.
    fn size(&mut self, value: usize) -> Result<(), ConvertError> {
        let value = i32::try_from(value).map_err(|_| ConvertError::Variable {
            name: "the header".into(),
            why: format!("{value} is out of range"),
        })?;
        self.i32(value);
        Ok(())
    }

    /// The text tokens only: whisper.cpp adds the special tokens itself.
    fn vocabulary(&mut self, text: &str, words: usize) -> Result<(), ConvertError> {
        // <|endoftext|>, the first special token, has this number.
        let count = if words >= MULTILINGUAL { 50_257 } else { 50_256 };
        let tokens: Vec<_> = text.lines().take(count).collect();
        if tokens.len() < count {
            let found = tokens.len();
            return Err(ConvertError::Vocabulary(format!("{found} tokens instead of {count}")));
        }
        self.size(count)?;
        for token in tokens {
            let bytes =
                token.chars().map(byte_of).collect::<Option<Vec<u8>>>().ok_or_else(|| {
                    ConvertError::Vocabulary(format!("`{token}` is not in GPT-2's byte alphabet"))
                })?;
            self.size(bytes.len())?;
            self.bytes.extend(bytes);
        }
        Ok(())
    }

    /// `shape` is row-major; the format lists extents in reverse order.
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        kind: i32,
        data: &[u8],
    ) -> Result<(), ConvertError> {
        self.size(shape.len())?;
        self.size(name.len())?;
        self.i32(kind);
        for &extent in shape.iter().rev() {
            self.size(extent)?;
        }
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(data);
        Ok(())
    }

    fn f32(&mut self, name: &str, from: &str) -> Result<(), ConvertError> {
        let variable = self.model.get(from)?;
        self.tensor(name, &variable.shape, F32, &variable.as_f32()?)
    }

    fn f16(&mut self, name: &str, from: &str) -> Result<(), ConvertError> {
        let variable = self.model.get(from)?;
        self.tensor(name, &variable.shape, F16, &variable.as_f16()?)
    }

    fn norm(&mut self, name: &str, from: &str) -> Result<(), ConvertError> {
        self.f32(&format!("{name}.weight"), &format!("{from}/gamma"))?;
        self.f32(&format!("{name}.bias"), &format!("{from}/beta"))
    }

    fn linear(&mut self, name: &str, from: &str) -> Result<(), ConvertError> {
        self.f16(&format!("{name}.weight"), &format!("{from}/weight"))?;
        self.f32(&format!("{name}.bias"), &format!("{from}/bias"))
    }

    fn block(&mut self, side: &str, layer: usize) -> Result<(), ConvertError> {
        let (to, from) = (format!("{side}.blocks.{layer}"), format!("{side}/layer_{layer}"));
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        let (name, source) = (format!("{to}.attn"), format!("{from}/self_attention"));
        // CTranslate2 stores query, key and value in one matrix, stacked by rows.
        self.fused(&source, "linear_0", &[(0, "query"), (1, "key"), (2, "value")], &name)?;
        self.linear(&format!("{name}.out"), &format!("{source}/linear_1"))?;
        if side == "decoder" {
            self.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
            let (name, source) = (format!("{to}.cross_attn"), format!("{from}/attention"));
            self.linear(&format!("{name}.query"), &format!("{source}/linear_0"))?;
            // Here only key and value share a matrix.
            self.fused(&source, "linear_1", &[(0, "key"), (1, "value")], &name)?;
            self.linear(&format!("{name}.out"), &format!("{source}/linear_2"))?;
        }
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))
    }

    /// Splits one linear layer of CTranslate2 into those of whisper.cpp.
    fn fused(
        &mut self,
        source: &str,
        linear: &str,
        parts: &[(usize, &str)],
        to: &str,
    ) -> Result<(), ConvertError> {
        let weight = self.model.get(&format!("{source}/{linear}/weight"))?;
        let bias = self.model.get(&format!("{source}/{linear}/bias"))?;
        for &(i, part) in parts {
            let rows = weight.part(i, parts.len())?;
            self.tensor(&format!("{to}.{part}.weight"), &rows.shape, F16, &rows.as_f16()?)?;
            let bias = bias.part(i, parts.len())?;
            if part != "key" {
                self.tensor(&format!("{to}.{part}.bias"), &bias.shape, F32, &bias.as_f32()?)?;
            } else if !bias.is_zero()? {
                // Whisper's keys have no bias, and whisper.cpp's format has no place for one.
                return Err(bias.wrong("the key has a bias, so this is not Whisper"));
            }
        }
        Ok(())
    }
}

/// The byte that a character of GPT-2's printable alphabet stands for: printable Latin-1 characters stand for
/// themselves, characters from U+0100 on for all other bytes.
fn byte_of(c: char) -> Option<u8> {
    let stands_for_itself = |b: u8| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    match u8::try_from(c) {
        Ok(byte) => stands_for_itself(byte).then_some(byte),
        Err(_) => {
            let index = (c as usize).checked_sub(0x100)?;
            (0..=u8::MAX).filter(|&byte| !stands_for_itself(byte)).nth(index)
        }
    }
}

/// `mels` triangular filters over [`BINS`] bins, row by row, as `librosa.filters.mel` makes them: on Slaney's scale
/// (linear below 1 kHz, logarithmic above), each of unit area.
fn mel_filters(mels: usize) -> Vec<f32> {
    const BREAK_HZ: f64 = 1000.0;
    const BREAK_MEL: f64 = 15.0;
    const HZ_PER_MEL: f64 = BREAK_HZ / BREAK_MEL;
    let step = 6.4_f64.ln() / 27.0;
    let rate = f64::from(duplex_core::SAMPLE_RATE);

    let to_mel = |hz: f64| {
        if hz < BREAK_HZ { hz / HZ_PER_MEL } else { BREAK_MEL + (hz / BREAK_HZ).ln() / step }
    };
    let to_hz = |mel: f64| {
        if mel < BREAK_MEL { mel * HZ_PER_MEL } else { BREAK_HZ * (step * (mel - BREAK_MEL)).exp() }
    };
    let top = to_mel(rate / 2.0);
    let edges: Vec<f64> =
        (0..mels + 2).map(|i| to_hz(top * i as f64 / (mels + 1) as f64)).collect();

    let mut filters = Vec::with_capacity(mels * BINS);
    for edge in edges.windows(3) {
        let (low, centre, high) = (edge[0], edge[1], edge[2]);
        let height = 2.0 / (high - low);
        for bin in 0..BINS {
            let hz = bin as f64 * rate / FFT as f64;
            let slope = ((hz - low) / (centre - low)).min((high - hz) / (high - centre));
            filters.push((slope.max(0.0) * height) as f32);
        }
    }
    filters
}
