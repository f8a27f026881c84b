//! Cost of one end-of-turn query, with one and two threads.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use duplex_core::SAMPLE_RATE;
use duplex_model::endpoint::EndOfTurn;

fn turns(criterion: &mut Criterion) {
    let models = std::env::var_os("DUPLEX_MODELS")
        .expect("DUPLEX_MODELS names no folder of models: run `make models`");
    let weights = PathBuf::from(models).join("smart-turn/smart-turn-v3.2-cpu.onnx");
    for seconds in [1, 8] {
        // The time depends on how much audio there is, not on its content.
        let audio: Vec<f32> = (0..seconds * SAMPLE_RATE)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5)
            .collect();
        for threads in [1, 2] {
            let mut endpoint = EndOfTurn::load(&weights, threads).expect("run `make models`");
            criterion.bench_function(
                &format!("end of turn, {seconds} s, threads: {threads}"),
                |bencher| bencher.iter(|| endpoint.probability(black_box(&audio))),
            );
        }
    }
}

criterion_group!(benches, turns);
criterion_main!(benches);
