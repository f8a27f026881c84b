//! Loads and checks a model file.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use llama_cpp_2::LogOptions;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::gguf::GgufContext;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatTemplate, LlamaLoraAdapter, LlamaModel};
use llama_cpp_2::vocab::LlamaVocab;

use super::prompt;
use super::{LlmError, Token};

/// llama.cpp's global state, initialised once and kept until the process ends: all models of a process share it.
static BACKEND: LazyLock<Option<LlamaBackend>> = LazyLock::new(|| {
    llama_cpp_2::send_logs_to_tracing(LogOptions::default());
    LlamaBackend::init().ok()
});

/// The first four bytes of every GGUF file.
const MAGIC: &[u8; 4] = b"GGUF";

/// The metadata key that names the kind of model.
const ARCHITECTURE: &str = "general.architecture";

/// Weights, vocabulary and chat template of one GGUF file. Contexts borrow it.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    model: LlamaModel,
    template: LlamaChatTemplate,
    adapter: Option<Adapter>,
    longest_token: OnceLock<usize>,
    end_marks: OnceLock<Vec<Token>>,
    /// Creating a context writes to the shared model inside llama.cpp, so contexts are created one at a time.
    making: Mutex<()>,
}

/// A LoRA adapter; the model owns its memory.
#[derive(Debug)]
struct Adapter {
    path: PathBuf,
    /// llama.cpp takes it by a mutable pointer.
    lora: Mutex<LlamaLoraAdapter>,
}

/// Properties of a model that are known without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// `general.name`, or the file name if the file has none.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of all tensors; they are memory-mapped, not copied.
    pub weights_bytes: u64,
    /// Context the model was trained for, in tokens.
    pub trained_context: u32,
}

impl Weights {
    /// Maps the file and checks that the model can be used in a call.
    ///
    /// # Errors
    /// One variant for each way in which a file can be wrong: see [`LlmError`].
    pub fn load(path: &Path) -> Result<Self, LlmError> {
        check_magic(path)?;
        let Some(utf8) = path.to_str() else {
            return Err(LlmError::PathNotUtf8 { path: path.into() });
        };
        let backend = BACKEND.as_ref().ok_or(LlmError::BackendTaken)?;
        let params = LlamaModelParams::default();
        let Ok(model) = LlamaModel::load_from_file(backend, utf8, &params) else {
            return Err(diagnose(backend, path));
        };
        let reason =
            unfit(&model).or_else(|| (model.n_vocab() == 0).then_some("without a vocabulary"));
        if let Some(reason) = reason {
            return Err(unsupported(path, &model, reason));
        }
        let Ok(template) = model.chat_template(None) else {
            return Err(LlmError::NoChatTemplate { path: path.into() });
        };
        if !prompt::is_usable(&model, &template) {
            return Err(LlmError::UnknownChatTemplate { path: path.into() });
        }
        Ok(Self {
            path: path.into(),
            model,
            template,
            adapter: None,
            longest_token: OnceLock::new(),
            end_marks: OnceLock::new(),
            making: Mutex::new(()),
        })
    }

    /// The same weights with the adapter from `path`, which is attached to every context created from them.
    ///
    /// # Errors
    /// [`LlmError::WrongAdapter`] if the file is not an adapter or does not fit the model; as [`Weights::load`] if it
    /// cannot be read.
    pub fn with_adapter(mut self, path: &Path) -> Result<Self, LlmError> {
        check_magic(path)?;
        if path.to_str().is_none() {
            return Err(LlmError::PathNotUtf8 { path: path.into() });
        }
        if GgufContext::from_file(path).is_none() {
            return Err(LlmError::Damaged { path: path.into(), part: "its header" });
        }
        let lora = self
            .model
            .lora_adapter_init(path)
            .map_err(|_| LlmError::WrongAdapter { path: path.into(), model: self.path.clone() })?;
        self.adapter = Some(Adapter { path: path.into(), lora: Mutex::new(lora) });
        Ok(self)
    }

    /// Properties of the model.
    pub fn info(&self) -> ModelInfo {
        let model = &self.model;
        let name = model.meta_val_str("general.name").ok().filter(|name| !name.is_empty());
        let file_name = || self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        ModelInfo {
            name: name.unwrap_or_else(file_name),
            architecture: architecture(model),
            parameters: model.n_params(),
            weights_bytes: model.size(),
            trained_context: model.n_ctx_train(),
        }
    }

    /// The vocabulary.
    pub fn vocab(&self) -> LlamaVocab<'_> {
        self.model.vocab()
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn model(&self) -> &LlamaModel {
        &self.model
    }

    pub(super) fn template(&self) -> &LlamaChatTemplate {
        &self.template
    }

    /// The model's own marks of an end.
    pub(super) fn end_marks(&self) -> &[Token] {
        self.end_marks.get_or_init(|| {
            let vocab = self.vocab();
            (0..vocab.n_tokens()).map(Token::new).filter(|it| vocab.is_eog(*it)).collect()
        })
    }

    /// The most bytes of plain text that one token stands for, or somewhat more: a text of `n` bytes has at least `n`
    /// divided by this many tokens.
    ///
    /// Vocabularies spell a byte with one character or more, never with less. A token for what is unknown stands for
    /// one character, whatever its name is.
    pub(super) fn longest_token(&self) -> usize {
        *self.longest_token.get_or_init(|| {
            let vocab = self.vocab();
            // No control token comes of plain text.
            let plain = (0..vocab.n_tokens()).map(Token::new).filter(|it| !vocab.is_control(*it));
            let bytes = plain.filter_map(|token| Some(vocab.text(token)?.to_bytes().len()));
            bytes.fold(char::MAX.len_utf8(), usize::max)
        })
    }

    /// Tokens that end a sentence or a message: what they stand for begins with a full stop, a question mark, an
    /// exclamation mark or a line break, or they are the model's own marks of an end.
    pub(super) fn ends(&self) -> Vec<Token> {
        let vocab = self.vocab();
        let is_end = |token: &Token| {
            let piece = vocab.token_to_piece(*token, false, None);
            let mark = piece.iter().find(|byte| **byte != b' ');
            vocab.is_eog(*token) || mark.is_some_and(|byte| b".?!\n\r".contains(byte))
        };
        (0..vocab.n_tokens()).map(Token::new).filter(is_end).collect()
    }

    /// Number of cached values (keys and values) per token.
    pub(super) fn cache_numbers_per_token(&self) -> u64 {
        let model = &self.model;
        let head_width = model.n_embd().unsigned_abs() / model.n_head().max(1);
        2 * u64::from(model.n_layer() * model.n_head_kv() * head_width)
    }

    pub(super) fn context(&self, params: LlamaContextParams) -> Option<LlamaContext<'_>> {
        let backend = BACKEND.as_ref()?;
        // The lock guards no data: a panic of another holder leaves nothing broken.
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.model.new_context(backend, params).ok()
    }

    /// Attaches the adapter, if there is one, to `context`.
    pub(super) fn adapt(&self, context: &mut LlamaContext<'_>) -> Result<(), LlmError> {
        let Some(adapter) = &self.adapter else { return Ok(()) };
        let mut lora = adapter.lora.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |_| LlmError::AdapterRefused { path: adapter.path.clone() };
        context.lora_adapter_set(&mut lora, 1.0).map_err(refused)
    }
}

fn check_magic(path: &Path) -> Result<(), LlmError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => LlmError::Missing { path: path.into() },
        _ => LlmError::Unreadable { path: path.into(), source },
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(()),
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(unreadable(error)),
        _ => Err(LlmError::NotGguf { path: path.into() }),
    }
}

/// Why a file that starts as GGUF failed to load: llama.cpp itself only says that it did.
fn diagnose(backend: &LlamaBackend, path: &Path) -> LlmError {
    let damaged = |part| LlmError::Damaged { path: path.into(), part };
    let Some(header) = GgufContext::from_file(path) else {
        return damaged("its header");
    };
    let key = header.find_key(ARCHITECTURE);
    let Some(name) = (key >= 0).then(|| header.val_str(key)).flatten() else {
        return damaged("its description of the model");
    };
    match bare_model(backend, name) {
        Some(bare) => match unfit(&bare) {
            Some(reason) => unsupported(path, &bare, reason),
            None => damaged("its tensors or its tokenizer"),
        },
        None => LlmError::Unsupported {
            path: path.into(),
            architecture: name.to_owned(),
            reason: "which this version of llama.cpp does not know",
        },
    }
}

/// An empty model of the named architecture, to ask llama.cpp about that architecture. None if it is unknown.
fn bare_model(backend: &LlamaBackend, architecture: &str) -> Option<LlamaModel> {
    const VERSION: u32 = 3;
    const STRING: u32 = 8;
    let metadata = [(ARCHITECTURE, architecture), ("tokenizer.ggml.model", "no_vocab")];
    let mut gguf = MAGIC.to_vec();
    gguf.extend(VERSION.to_le_bytes());
    gguf.extend(0u64.to_le_bytes());
    gguf.extend((metadata.len() as u64).to_le_bytes());
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    for (key, value) in metadata {
        gguf.extend(text(key));
        gguf.extend(STRING.to_le_bytes());
        gguf.extend(text(value));
    }
    let mut file = tempfile::NamedTempFile::new().ok()?;
    file.write_all(&gguf).ok()?;
    let vocab_only = LlamaModelParams::default().with_vocab_only(true);
    LlamaModel::load_from_file(backend, file.path(), &vocab_only).ok()
}

/// Why the model cannot be used in a call; none if it can.
///
/// The end of a sequence must be removable from the KV cache, because a reply is cut to what the user heard. Recurrent
/// state cannot be cut.
fn unfit(model: &LlamaModel) -> Option<&'static str> {
    let flag = |key: &str| model.meta_val_str(&format!("{}.{key}", architecture(model)));
    if model.is_recurrent() || model.is_hybrid() {
        Some("which is recurrent, so that the end of a reply cannot be taken back")
    } else if architecture(model).starts_with("t5") {
        Some("which is an encoder")
    } else if flag("attention.causal").is_ok_and(|causal| causal == "false") {
        Some("which does not write from left to right")
    } else {
        None
    }
}

fn unsupported(path: &Path, model: &LlamaModel, reason: &'static str) -> LlmError {
    LlmError::Unsupported { path: path.into(), architecture: architecture(model), reason }
}

fn architecture(model: &LlamaModel) -> String {
    model.meta_val_str(ARCHITECTURE).unwrap_or_else(|_| "unnamed".to_owned())
}
