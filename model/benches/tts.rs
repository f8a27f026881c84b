//! Time from a written clause to its first audio: the text processing alone, and the whole.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use duplex_model::tts::normalise::normalise;
use duplex_model::tts::{EspeakVoice, Splitter, Voice, VoiceOptions};

const SHORT: &str = "Sure, I can help with that.";
const LONG: &str = "The capital of France is Paris, which lies on the river Seine, and about two \
                    million people live there, although many more come to visit it every year.";
const NUMBERS: &str = "On March 5, 2024 at 3:30 p.m. it cost $45.99, or 12.5% more than in 1999.";

fn text(criterion: &mut Criterion) {
    for (name, text) in [("prose", LONG), ("numbers", NUMBERS)] {
        criterion.bench_function(&format!("normalise/{name}"), |bencher| {
            bencher.iter(|| normalise(black_box(text)));
        });
    }
    criterion.bench_function("split/by-word", |bencher| {
        bencher.iter(|| {
            let mut splitter = Splitter::new();
            let mut clauses = 0;
            for piece in black_box(LONG).split_inclusive(' ') {
                splitter.push(piece);
                clauses += std::iter::from_fn(|| splitter.next_clause()).count();
            }
            clauses
        });
    });
}

fn voice(criterion: &mut Criterion) {
    let store = std::env::var_os("DUPLEX_MODELS")
        .expect("DUPLEX_MODELS names no folder of models: run make models");
    let folder = PathBuf::from(store).join("piper-en-us-joe");
    let mut group = criterion.benchmark_group("speak");
    group.sample_size(10);
    for threads in [1, 2] {
        let options = VoiceOptions {
            model: folder.join("en_US-joe-medium.onnx"),
            config: folder.join("en_US-joe-medium.onnx.json"),
            threads,
            speed: 1.0,
            seed: 0,
        };
        let mut voice = Voice::load(&options).expect("the voice loads");
        for (name, clause) in [("short", SHORT), ("long", LONG)] {
            group.bench_function(format!("first-chunk/{name}/{threads}-threads"), |bencher| {
                bencher.iter(|| voice.speak(clause, 1.0, &mut |_| ControlFlow::Break(())));
            });
            group.bench_function(format!("whole/{name}/{threads}-threads"), |bencher| {
                bencher.iter(|| voice.speak(clause, 1.0, &mut |_| ControlFlow::Continue(())));
            });
        }
    }
    group.finish();
}

fn espeak_voice(criterion: &mut Criterion) {
    let mut voice = EspeakVoice::load("en-us", 1.0).expect("espeak-ng speaks");
    let mut group = criterion.benchmark_group("espeak");
    for (name, clause) in [("short", SHORT), ("long", LONG)] {
        // Until the chunk is there. The processes were started just before, so this holds the rest of their start.
        group.bench_function(format!("first-chunk/{name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut waited = Duration::ZERO;
                for _ in 0..rounds {
                    let begun = Instant::now();
                    let _ = voice.speak(clause, 1.0, &mut |_| {
                        waited += begun.elapsed();
                        ControlFlow::Break(())
                    });
                }
                waited
            });
        });
        group.bench_function(format!("whole/{name}"), |bencher| {
            bencher.iter(|| voice.speak(clause, 1.0, &mut |_| ControlFlow::Continue(())));
        });
    }
    group.finish();
}

criterion_group!(benches, text, voice, espeak_voice);
criterion_main!(benches);
