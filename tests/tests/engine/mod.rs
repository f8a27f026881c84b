//! The real models, for tests that run calls.

use std::sync::Arc;

use duplex_model::{
    asr::{self, RecogniserOptions},
    llm::{DEFAULT_SYSTEM_PROMPT, LlmOptions},
    tts::{Lexicon, VoiceOptions},
    weights::{Manifest, ModelSource, Role, Store},
};
use duplex_runtime::{Engine, EngineOptions, ReplyOptions, models};

/// The default models, with slots for this many calls.
pub(crate) fn engine(calls: u32) -> Arc<Engine> {
    assert!(
        std::env::var_os("DUPLEX_MODELS").is_some(),
        "DUPLEX_MODELS is not set: run `make models`, then `make test`"
    );
    let store = Store::open().unwrap();
    let path = |role| {
        let model = Manifest::builtin().default_for(role).unwrap();
        store.path(role, &ModelSource::Named(model.name.clone())).unwrap()
    };
    let voice = path(Role::Voice);
    let mut description = voice.clone().into_os_string();
    description.push(".json");
    let voice =
        VoiceOptions { model: voice, config: description.into(), threads: 1, speed: 1.0, seed: 1 };
    let asr = RecogniserOptions::new(asr::find_worker(None).unwrap(), path(Role::Asr));
    let llm = LlmOptions { calls, ..LlmOptions::default() };
    let options = EngineOptions {
        recogniser: models::whisper(asr),
        end_of_turn: models::smart_turn(path(Role::Turn), 1),
        duplex: None,
        replies: vec![ReplyOptions::new("llama", models::llama(path(Role::Llm), llm))],
        voices: vec![("piper".to_owned(), models::voices::piper(voice))],
        instructions: DEFAULT_SYSTEM_PROMPT.to_owned(),
        lexicon: Lexicon::default(),
        vad: path(Role::Vad),
    };
    Arc::new(Engine::start(options).unwrap())
}
