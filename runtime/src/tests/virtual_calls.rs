//! Many virtual calls on one engine: what happens to one of them, or to a model, costs the others no time.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
};

use duplex_audio::{Acoustics, Clip, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene};
use duplex_core::{Action, Policy, SAMPLE_RATE, SessionTime, Sources};
use duplex_model::weights::{Manifest, ModelSource, Role, Store};

use super::fakes::{Fakes, Hook};
use crate::{CallOptions, Charges, Engine, EngineOptions, Outcome, SessionStep, Stop, run_virtual};

/// Seconds for which the user listens at the end.
pub(super) const LISTENS: usize = 5;

/// A user who says something, once or more often, and listens for five seconds after each time.
pub(super) struct Speaks {
    audio: std::vec::IntoIter<f32>,
    listens: usize,
}

impl Speaks {
    pub(super) fn new() -> Self {
        Self::again(1, LISTENS)
    }

    /// Says it so often, with so many seconds between.
    pub(super) fn again(times: usize, between: usize) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech/q01.flac");
        let audio = Clip::read(&path).unwrap().mono(SAMPLE_RATE);
        let silence = vec![0.0; between * SAMPLE_RATE as usize];
        let audio = vec![audio; times].join(silence.as_slice());
        Self {
            audio: audio.into_iter(),
            listens: LISTENS * SAMPLE_RATE as usize / MICROPHONE_FRAME,
        }
    }
}

impl Acoustics for Speaks {
    fn exchange(
        &mut self,
        _playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene {
        microphone.fill_with(|| self.audio.next().unwrap_or(0.0));
        if self.audio.len() == 0 {
            self.listens = self.listens.saturating_sub(1);
        }
        if self.listens == 0 { Scene::Over } else { Scene::Running }
    }
}

fn engine(fakes: Fakes) -> Engine {
    engine_of(fakes.options())
}

/// An engine with real voice activity detection.
pub(super) fn engine_of(options: EngineOptions) -> Engine {
    assert!(std::env::var_os("DUPLEX_MODELS").is_some(), "run `make models`, then `make test`");
    let model = Manifest::builtin().default_for(Role::Vad).unwrap();
    let vad = ModelSource::Named(model.name.clone());
    let vad = Store::open().unwrap().path(Role::Vad, &vad).unwrap();
    Engine::start(EngineOptions { vad, ..options }).unwrap()
}

/// When the assistant began to speak, and what came of the call. It waits for `gate` first, where there is one.
fn call(engine: &Engine, gate: Option<Receiver<()>>) -> (Option<SessionTime>, Outcome) {
    let spoke = Arc::new(Mutex::new(None));
    let observer = {
        let spoke = Arc::clone(&spoke);
        let gate = gate.map(Mutex::new);
        Box::new(move |step: SessionStep<'_>| {
            if step.actions.iter().any(|action| matches!(action, Action::Speak(_))) {
                spoke.lock().unwrap().get_or_insert(step.at);
                // A session that is stuck just when its models are at work.
                if let Some(gate) = &gate {
                    _ = gate.lock().unwrap().recv();
                }
            }
        })
    };
    // As often as makes an engine give up a model that fails each time.
    let policy = Policy { sources: Sources::Both, retries: 3, ..Policy::default() };
    let options = CallOptions { policy, ..CallOptions::default() };
    let (room, charges) = (Box::new(Speaks::new()), Charges::default());
    let outcome = run_virtual(engine, room, options, &charges, &Stop::default(), observer).unwrap();
    (spoke.lock().unwrap().take(), outcome)
}

/// A model that is given up at its first jobs.
fn dead() -> Hook {
    Arc::new(|| panic!("this panic belongs to the test"))
}

#[test]
fn of_64_calls_one_is_stuck_and_one_model_is_dead_and_the_others_take_as_long_as_one_alone() {
    for fakes in [Fakes::default(), Fakes { duplex: dead(), ..Fakes::default() }] {
        let alone = engine(fakes.clone());
        let (spoke_alone, outcome_alone) = call(&alone, None);
        // Where a model is dead it is so from the second call on: the first found it alive.
        let (spoke_alone, outcome_alone) = match alone.is_healthy() {
            true => (spoke_alone, outcome_alone),
            false => call(&alone, None),
        };
        assert!(spoke_alone.is_some(), "{:?}", outcome_alone.transcript);
        let (open, gate) = channel();
        let engine = alone;
        let others: Vec<_> = std::thread::scope(|scope| {
            let stuck = scope.spawn(|| call(&engine, Some(gate)));
            let others: Vec<_> = (1..64).map(|_| scope.spawn(|| call(&engine, None))).collect();
            let others = others.into_iter().map(|other| other.join().unwrap()).collect();
            drop(open);
            stuck.join().unwrap();
            others
        });
        assert_eq!(others.len(), 63);
        for (spoke, outcome) in others {
            assert_eq!(spoke, spoke_alone);
            assert_eq!(outcome.transcript, outcome_alone.transcript);
        }
    }
}

#[test]
fn a_virtual_call_whose_reply_model_is_dead_is_told_so_and_ends() {
    let engine = engine(Fakes { reply: dead(), ..Fakes::default() });
    // The first calls find it alive; once it is given up, its work is refused.
    for _ in 0..4 {
        let (spoke, outcome) = call(&engine, None);
        assert!(spoke.is_none() && outcome.transcript.len() == 1, "{:?}", outcome.transcript);
    }
    assert!(!engine.is_healthy());
}
