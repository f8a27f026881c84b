//! Cost of one step of the session: a heartbeat while nobody speaks, and one while the user does.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use duplex_core::{DuplexSession, Event, Permille, Policy, Samples, SessionTime, VadFrame};

const WINDOW: Samples = Samples::from_millis(32);

fn frame(speech: bool) -> Event {
    Event::VoiceActivity(VadFrame {
        speech,
        probability: Permille(900),
        level: -20,
        high_band_snr: 20,
    })
}

fn step(bench: &mut Criterion) {
    bench.bench_function("step/silence", |bench| {
        let mut session = DuplexSession::new(Policy::default());
        let mut at = SessionTime(0);
        bench.iter(|| {
            at = at + WINDOW;
            black_box(session.step(at, frame(false)))
        });
    });
    bench.bench_function("step/user_speaks", |bench| {
        let mut session = DuplexSession::new(Policy::default());
        let mut at = SessionTime(0);
        bench.iter(|| {
            at = at + WINDOW;
            for action in session.step(at, frame(true)) {
                if let duplex_core::Action::Recognise { segment, to, .. } = action {
                    let text = "what is the capital of france".to_owned();
                    let confidence = Permille(900);
                    session.step(at, Event::Recognised { segment, to, text, confidence });
                }
            }
        });
    });
}

criterion_group!(benches, step);
criterion_main!(benches);
