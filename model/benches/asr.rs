//! Cost of recognition by window length and number of threads.

#![expect(clippy::unwrap_used, reason = "without the model there is nothing to measure")]

#[path = "../tests/asr/clips.rs"]
mod clips;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use duplex_core::Samples;
use duplex_model::asr::{Recogniser, Request, wer};

fn windows(criterion: &mut Criterion) {
    let clip = clips::all().into_iter().find(|clip| clip.name == "l01").unwrap();
    let mut group = criterion.benchmark_group("asr");
    group.sample_size(10);
    for threads in [1, 2] {
        let mut recogniser = Recogniser::spawn(clips::options(threads)).unwrap();
        let heard = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
        assert!(
            wer(&clip.text, &heard.text).rate() < 0.2,
            "what is timed does not work: {heard:?}"
        );
        for seconds in [1, 2, 4, 8] {
            let window = &clip.audio[..Samples::from_millis(seconds * 1000).0 as usize];
            let id = BenchmarkId::new(format!("{threads} threads"), format!("{seconds} s"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| recogniser.recognise(window, &Request::default()).unwrap());
            });
        }
    }
}

criterion_group!(benches, windows);
criterion_main!(benches);
