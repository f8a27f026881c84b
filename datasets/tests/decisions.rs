//! The built-in adapter, evaluated on held-out dialogues with llama.cpp.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

use std::sync::LazyLock;

use duplex_datasets::eval::{Free, Judge, Thresholds};
use duplex_datasets::{Dialogue, Phase};
use duplex_model::adapter;
use duplex_model::llm::{Llm, LlmOptions, Weights};
use duplex_model::weights::{Manifest, ModelSource, Role, Store};
use serde::Deserialize;
use tempfile::TempDir;

/// PyTorch's results for a dialogue; written by `python -m duplex_lora decisions`.
#[derive(Deserialize)]
struct Reference {
    dialogue: Dialogue,
    tokens: Vec<i32>,
    idle: Vec<f32>,
}

static REFERENCES: LazyLock<Vec<Reference>> = LazyLock::new(|| {
    let lines = include_str!("decisions.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
});

fn judged<T>(judge: impl FnOnce(&mut Judge<'_, '_>) -> T) -> T {
    let store = Store::open().unwrap();
    let model = Manifest::builtin().default_for(Role::Llm).unwrap();
    let path = store.path(Role::Llm, &ModelSource::Named(model.name.clone())).unwrap();
    let folder = TempDir::new().unwrap();
    let adapter = adapter::built_in(folder.path()).unwrap();
    let weights = Weights::load(&path).unwrap().with_adapter(&adapter).unwrap();
    let mut llm = Llm::new(&weights, LlmOptions::default()).unwrap();
    judge(&mut Judge::new(&mut llm, &weights, Thresholds::default()).unwrap())
}

#[test]
fn llama_cpp_decides_as_torch_does() {
    let (mut alike, mut all) = (0, 0);
    judged(|judge| {
        for reference in REFERENCES.iter() {
            let tokens: Vec<i32> =
                judge.lay_out(&reference.dialogue).iter().map(|it| it.0).collect();
            assert_eq!(tokens, reference.tokens, "{}", reference.dialogue.id);
            let asked = judge.ask(&reference.dialogue).unwrap();
            assert_eq!(asked.len(), reference.idle.len(), "{}", reference.dialogue.id);
            let same =
                asked.iter().zip(&reference.idle).filter(|(a, b)| (a.idle < 0.5) == (**b < 0.5));
            alike += same.count();
            all += asked.len();
        }
    });
    println!("{alike} of {all} alike");
    assert!(all > 400 && alike as f64 >= 0.98 * all as f64, "{alike} of {all} alike");
}

#[test]
fn running_free_it_lets_users_finish_and_finishes_itself() {
    let mut free = Free::default();
    judged(|judge| {
        for reference in REFERENCES.iter() {
            judge.run_free(&reference.dialogue, &mut free).unwrap();
        }
    });
    println!("{free:?}");
    let share = |phase| free.phases[&phase].share().unwrap();
    assert!(share(Phase::Wait) > 0.95 && share(Phase::Pause) > 0.9, "{free:?}");
    assert!(share(Phase::Continue) > 0.95, "{free:?}");
    assert!(free.starts.within(1).unwrap() > 0.85, "{free:?}");
    assert!(free.starts.never_rate().unwrap() < 0.05, "{free:?}");
}
