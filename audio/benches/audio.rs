//! CPU time of the audio components of a call.

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use duplex_audio::{
    ACTIVITY_WINDOW, Clip, Clocks, DeviceFormat, EchoCanceller, EchoPath, FrontEnd,
    FrontEndOptions, ImpulseResponse, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, Resampler,
    VoiceActivity, call_audio, convert, noise, playout,
};
use duplex_core::SAMPLE_RATE;

fn voice_activity() -> VoiceActivity {
    let store =
        std::env::var_os("DUPLEX_MODELS").expect("DUPLEX_MODELS is not set: run `make models`");
    let path = Path::new(&store).join("silero-vad/silero_vad.onnx");
    VoiceActivity::load(&path).expect("the model loads; if not: run `make models`")
}

fn frame(seed: u64) -> [f32; MICROPHONE_FRAME] {
    let mut noise = noise::pink(seed);
    std::array::from_fn(|_| 0.1 * noise.next().unwrap_or(0.0))
}

fn clip(name: &str) -> Vec<[f32; MICROPHONE_FRAME]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    let clip = Clip::read(folder.join(format!("{name}.flac"))).expect("it is in the repository");
    clip.mono(SAMPLE_RATE).as_chunks().0.to_vec()
}

fn front_end(criterion: &mut Criterion) {
    let (near, far) = (frame(1), frame(2));
    let mut group = criterion.benchmark_group("frame of 10 ms");
    let mut whole = FrontEnd::new(voice_activity(), FrontEndOptions::default());
    group.bench_function("front end", |bencher| {
        bencher.iter(|| {
            whole.push(black_box(&near), black_box(&far), &mut |frame| {
                black_box(frame);
            });
        });
    });
    let (user, assistant) = (clip("l01"), clip("l02"));
    let mut double_talk = user.iter().zip(&assistant).cycle();
    group.bench_function("front end in double talk", |bencher| {
        bencher.iter(|| {
            if let Some((near, far)) = double_talk.next() {
                whole.push(near, far, &mut |frame| {
                    black_box(frame);
                });
            }
        });
    });
    let mut canceller = EchoCanceller::new();
    group.bench_function("echo canceller", |bencher| {
        bencher.iter(|| {
            let mut near = black_box(near);
            canceller.process(black_box(&far), &mut near);
            near
        });
    });
    let room = ImpulseResponse::decaying(1, Duration::from_millis(200), 3.0);
    let mut path = EchoPath::new(Duration::from_millis(60), -12.0, &room);
    group.bench_function("echo path of 200 ms", |bencher| {
        bencher.iter(|| {
            let mut echo = [0.0; MICROPHONE_FRAME];
            path.step(black_box(&far), &mut echo);
            echo
        });
    });
    group.finish();

    let mut activity = voice_activity();
    criterion.bench_function("voice activity window of 32 ms", |bencher| {
        bencher.iter(|| activity.probability(black_box(&[0.1; ACTIVITY_WINDOW])));
    });
}

fn speaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("speaker fill of 10 ms");
    let sound = [0.5; PLAYOUT_FRAME];
    let mut out = [0.0; PLAYOUT_FRAME];
    let (mut queue, mut speaker) = playout(2 * PLAYOUT_FRAME);
    group.bench_function("steady", |bencher| {
        bencher.iter(|| {
            queue.push(&sound);
            speaker.fill(black_box(&mut out));
        });
    });
    let mut low = false;
    group.bench_function("during a change of gain", |bencher| {
        bencher.iter(|| {
            low = !low;
            queue.set_gain(if low { 0.2 } else { 1.0 });
            queue.push(&sound);
            speaker.fill(black_box(&mut out));
        });
    });
    group.finish();
}

/// What a device's callback costs, with an assistant that speaks.
fn device(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("callback of a device, 10 ms");
    for rate in [SAMPLE_RATE, 44_100, PLAYOUT_RATE, 192_000] {
        let block = rate as usize / 100;
        let format = DeviceFormat {
            microphone_rate: rate,
            loudspeaker_rate: rate,
            most_block: block,
            clocks: Clocks::One,
        };
        let (mut queue, speaker) = playout(format.playout_ahead());
        let (mut device, mut pairs) = call_audio(format, speaker).expect("there are such devices");
        let (microphone, mut loudspeaker) = (vec![0.1; block], vec![0.0; block]);
        group.bench_function(format!("{rate} Hz"), |bencher| {
            bencher.iter_batched(
                || {
                    // What the other thread does.
                    pairs.take(Duration::ZERO, &mut |_| {});
                    queue.push(&[0.5; PLAYOUT_FRAME]);
                },
                |()| device.process(black_box(&microphone), black_box(&mut loudspeaker)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn resampling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resampling");
    for (from, to) in
        [(PLAYOUT_RATE, SAMPLE_RATE), (SAMPLE_RATE, PLAYOUT_RATE), (22_050, PLAYOUT_RATE)]
    {
        let block = vec![0.1; from as usize / 100];
        let mut stream = Resampler::new(from, to).expect("both are rates of sound");
        let mut out = Vec::new();
        group.bench_function(format!("stream {from} to {to}, 10 ms"), |bencher| {
            bencher.iter(|| {
                out.clear();
                stream.process(black_box(&block), &mut out);
            });
        });
        let second = vec![0.1; from as usize];
        group.bench_function(format!("convert {from} to {to}, 1 s"), |bencher| {
            bencher.iter(|| convert(black_box(&second), from, to));
        });
    }
    group.finish();
}

criterion_group! {
    name = audio;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = front_end, speaker, device, resampling
}
criterion_main!(audio);
