//! The real models, for tests that run calls.

use std::sync::Arc;

use duplex_model::{
    asr::{self, RecogniserOptions},
    llm::{DEFAULT_SYSTEM_PROMPT, LlmOptions},
    tts::VoiceOptions,
    weights::{Manifest, ModelSource, Role, Store},
};
use duplex_runtime::{Engine, EngineOptions};

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
    let options = EngineOptions {
        llm: path(Role::Llm),
        llm_options: LlmOptions { calls, ..LlmOptions::default() },
        duplex: None,
        system_prompt: DEFAULT_SYSTEM_PROMPT.to_owned(),
        asr: RecogniserOptions::new(asr::find_worker(None).unwrap(), path(Role::Asr)),
        voice: VoiceOptions {
            model: voice,
            config: description.into(),
            threads: 1,
            speed: 1.0,
            seed: 1,
        },
        vad: path(Role::Vad),
        turn: path(Role::Turn),
        turn_threads: 1,
    };
    Arc::new(Engine::start(options).unwrap())
}
