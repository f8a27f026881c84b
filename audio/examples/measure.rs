//! Measures what docs/measurements-audio.md reports on voice activity and echo. Needs the models:
//! `cargo run --release -p duplex-audio --example measure`.

#![expect(clippy::print_stdout, reason = "a report is what this program is for")]

use std::{path::Path, time::Duration};

use duplex_audio::{
    ActivityFrame, Clip, EchoCanceller, EchoPath, FrontEnd, FrontEndOptions, ImpulseResponse,
    MICROPHONE_FRAME, VoiceActivity, level_db,
    noise::{self, active_level_db},
};
use duplex_core::SAMPLE_RATE;

const SECOND: usize = SAMPLE_RATE as usize;

/// Active speech level of the user and of the assistant, in dBFS.
const USER_DB: f32 = -26.0;
const ASSISTANT_DB: f32 = -23.0;

struct Recording {
    voice: String,
    category: String,
    samples: Vec<f32>,
}

fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("it is there");
    let read = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let clip = Clip::read(folder.join(format!("{}.flac", fields[0]))).expect("it is there");
        let (voice, category) = (fields[2].into(), fields[1].into());
        Recording { voice, category, samples: clip.mono(SAMPLE_RATE) }
    };
    manifest.lines().skip(1).map(read).collect()
}

fn at_level(samples: &[f32], db: f32) -> Vec<f32> {
    let gain = 10f32.powf((db - active_level_db(samples)) / 20.0);
    samples.iter().map(|x| x * gain).collect()
}

/// First and last audible sample, within 25 dB of the active level, to a precision of 5 ms.
fn audible(samples: &[f32]) -> (usize, usize) {
    let block = SECOND / 200;
    let least = active_level_db(samples) - 25.0;
    let loud: Vec<usize> = samples
        .chunks(block)
        .enumerate()
        .filter(|(_, block)| level_db(block) >= least)
        .map(|(n, _)| n)
        .collect();
    (loud[0] * block, (loud[loud.len() - 1] + 1) * block)
}

/// A track of utterances, and where each is audible.
#[derive(Default)]
struct Track {
    samples: Vec<f32>,
    spoken: Vec<(usize, usize)>,
}

impl Track {
    fn silence(&mut self, length: usize) {
        self.samples.extend(std::iter::repeat_n(0.0, length));
    }

    fn say(&mut self, samples: &[f32]) {
        let start = self.samples.len();
        let (from, to) = audible(samples);
        self.spoken.push((start + from, start + to));
        self.samples.extend(samples);
    }
}

fn run(
    activity: &VoiceActivity,
    options: FrontEndOptions,
    near: &[f32],
    far: &[f32],
    mut room: impl FnMut(usize) -> Option<EchoPath>,
    distort: bool,
) -> Vec<ActivityFrame> {
    let mut front_end = FrontEnd::new(activity.another(), options);
    let mut path = None;
    let mut frames = Vec::new();
    let silence = [0.0; MICROPHONE_FRAME];
    for (n, near) in near.as_chunks::<MICROPHONE_FRAME>().0.iter().enumerate() {
        let far = far.as_chunks::<MICROPHONE_FRAME>().0.get(n).unwrap_or(&silence);
        path = room(n).or(path);
        let mut microphone = silence;
        if let Some(path) = &mut path {
            let loudspeaker = if distort { far.map(|x| (8.0 * x).tanh() / 8.0) } else { *far };
            path.step(&loudspeaker, &mut microphone);
        }
        microphone.iter_mut().zip(near).for_each(|(x, near)| *x += near);
        front_end.push(&microphone, far, &mut |frame| frames.push(frame));
    }
    frames
}

/// Detected onsets and offsets compared with the true ones.
#[derive(Default)]
struct Score {
    onset: Vec<f64>,
    offset: Vec<f64>,
    missed: usize,
    spoken: usize,
    false_onsets: usize,
    minutes: f64,
}

impl Score {
    fn add(&mut self, frames: &[ActivityFrame], spoken: &[(usize, usize)]) {
        const BEFORE: u64 = SECOND as u64 / 10;
        const AFTER: u64 = SECOND as u64 / 2;
        let millis = |end: u64, at: usize| (end as f64 - at as f64) * 1e3 / SECOND as f64;
        let near = |end: u64| {
            spoken.iter().any(|&(from, to)| end + BEFORE >= from as u64 && end <= to as u64 + AFTER)
        };
        for &(from, to) in spoken {
            self.spoken += 1;
            let within = |frame: &&ActivityFrame| frame.end > from as u64 && frame.end <= to as u64;
            match frames.iter().filter(within).find(|frame| frame.speech) {
                Some(frame) => self.onset.push(millis(frame.end, from)),
                None => self.missed += 1,
            }
            let last = frames.iter().rev().find(|frame| {
                frame.speech && frame.end > from as u64 && frame.end <= to as u64 + AFTER
            });
            let silent = last.and_then(|last| frames.iter().find(|frame| frame.end > last.end));
            self.offset.extend(silent.map(|frame| millis(frame.end, to)));
        }
        self.false_onsets += frames
            .windows(2)
            .filter(|pair| !pair[0].speech && pair[1].speech && !near(pair[1].end))
            .count();
        let free = frames.iter().filter(|frame| !near(frame.end)).count();
        self.minutes += free as f64 * duplex_audio::ACTIVITY_WINDOW as f64 / SECOND as f64 / 60.0;
    }

    fn print(mut self, name: &str) {
        let quantiles = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let at = |q: f64| values.get((q * values.len() as f64) as usize).copied();
            let text = |q| at(q).map_or("-".into(), |x| format!("{x:.0}"));
            format!("{} | {}", text(0.5), text(0.9))
        };
        println!(
            "| {name} | {} | {} | {} of {} | {} in {:.1} min |",
            quantiles(&mut self.onset),
            quantiles(&mut self.offset),
            self.missed,
            self.spoken,
            self.false_onsets,
            self.minutes,
        );
    }
}

fn header(title: &str) {
    println!("\n{title}\n");
    println!("| case | onset p50 ms | p90 | offset p50 ms | p90 | missed | false onsets |");
    println!("|---|---|---|---|---|---|---|");
}

fn speech_in_noise(activity: &VoiceActivity, recordings: &[Recording]) {
    header("Speech in noise, nothing played");
    let mut track = Track::default();
    track.silence(SECOND);
    for (n, recording) in recordings.iter().enumerate() {
        track.say(&at_level(&recording.samples, USER_DB));
        track.silence(SECOND + n * 997 % SECOND);
    }
    let quiet = FrontEndOptions { cancel_echo: false, ..FrontEndOptions::default() };
    type Noise = fn(u64) -> Box<dyn Iterator<Item = f32>>;
    let kinds: [(&str, Noise); 3] = [
        ("white", |seed| Box::new(noise::white(seed))),
        ("pink", |seed| Box::new(noise::pink(seed))),
        ("hum", |seed| Box::new(noise::hum(seed))),
    ];
    for (name, kind) in kinds {
        for snr_db in [60.0, 20.0, 10.0, 5.0] {
            let mut near = track.samples.clone();
            noise::mix(&mut near, kind(5), snr_db);
            let mut score = Score::default();
            score.add(&run(activity, quiet, &near, &[], |_| None, false), &track.spoken);
            score.print(&format!("{name} at {snr_db} dB"));
        }
    }
}

fn sounds(activity: &VoiceActivity) {
    header("Sounds that are not speech, peak -12 dB, one every two seconds");
    type Sound = fn(u64) -> Vec<f32>;
    let kinds: [(&str, Sound); 4] = [
        ("click", noise::click),
        ("door", noise::door),
        ("cough", noise::cough),
        ("keyboard", |seed| noise::keyboard(seed).take(SECOND).collect()),
    ];
    for (name, sound) in kinds {
        let mut near: Vec<f32> = noise::pink(8).map(|x| x * 1e-3).take(SECOND * 120).collect();
        for (n, start) in (SECOND..near.len() - 2 * SECOND).step_by(2 * SECOND).enumerate() {
            let sound = sound(n as u64);
            near[start..].iter_mut().zip(sound).for_each(|(x, sound)| *x += 0.25 * sound);
        }
        let mut score = Score::default();
        let frames = run(activity, FrontEndOptions::default(), &near, &[], |_| None, false);
        score.add(&frames, &[]);
        let highest = frames.iter().map(|frame| frame.probability).fold(0.0, f32::max);
        score.print(&format!("{name} (highest probability {highest:.2})"));
    }
}

/// The acoustic conditions of a call.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    noise_db: f32,
    distorts: bool,
    moves: bool,
    /// Seconds before the user's first interruption.
    before: usize,
}

/// Voices and rooms that were not used to set the thresholds.
fn echo(activity: &VoiceActivity, recordings: &[Recording]) {
    header("The assistant speaks all the time; the user interrupts every 3 s after 12 s");
    let plain =
        Case { name: "quiet room", noise_db: -60.0, distorts: false, moves: false, before: 12 };
    let cases = [
        plain,
        Case { name: "noise at 20 dB", noise_db: USER_DB - 20.0, ..plain },
        Case { name: "loudspeaker distorts", distorts: true, ..plain },
        Case { name: "room and delay change every 5 s", moves: true, ..plain },
        Case { name: "quiet room, from the first second on", before: 1, ..plain },
    ];
    for gain_db in [-12.0, -6.0] {
        for case in cases {
            let mut score = Score::default();
            for (voice, seed) in
                ["af_bella", "af_heart", "am_fenrir", "am_michael", "am_puck", "bf_emma"]
                    .into_iter()
                    .zip(51..)
            {
                let far = assistant(recordings, voice);
                let mut track = interruptions(recordings, voice, case.before, far.len());
                let floor = 10f32.powf(case.noise_db / 20.0);
                track.samples.iter_mut().zip(noise::pink(seed)).for_each(|(x, n)| *x += floor * n);
                let room = |n: usize| {
                    let change = n as u64 / 500;
                    let (rt60, delay) = if case.moves {
                        (150 + change % 3 * 100, 40 + change % 4 * 25)
                    } else {
                        (250, 70)
                    };
                    (n == 0 || case.moves && n % 500 == 250).then(|| {
                        let rt60 = Duration::from_millis(rt60);
                        let response = ImpulseResponse::decaying(seed + change, rt60, 3.0);
                        EchoPath::new(Duration::from_millis(delay), gain_db, &response)
                    })
                };
                let options = FrontEndOptions::default();
                let frames = run(activity, options, &track.samples, &far, room, case.distorts);
                score.add(&frames, &track.spoken);
            }
            score.print(&format!("echo {gain_db} dB, {}", case.name));
        }
    }
}

/// All utterances of one voice, repeated to at least 40 s.
fn assistant(recordings: &[Recording], voice: &str) -> Vec<f32> {
    let mut far = Vec::new();
    while far.len() < 40 * SECOND {
        for recording in recordings.iter().filter(|recording| recording.voice == voice) {
            far.extend(at_level(&recording.samples, ASSISTANT_DB));
            far.extend([0.0; SECOND / 5]);
        }
    }
    far
}

/// Interruptions by all voices except `but`, within `length` samples.
fn interruptions(recordings: &[Recording], but: &str, before: usize, length: usize) -> Track {
    let mut track = Track::default();
    track.silence(before * SECOND);
    for recording in recordings {
        let interrupts =
            recording.category.starts_with("interrupt") || recording.category == "hard-pair";
        let fits = track.samples.len() + recording.samples.len() < length;
        if recording.voice != but && interrupts && fits {
            track.say(&at_level(&recording.samples, USER_DB));
            track.silence(3 * SECOND);
        }
    }
    track.samples.resize(length, 0.0);
    track
}

fn cancellation(recordings: &[Recording]) {
    println!("\nEcho return loss enhancement, after 5 s and in the first 2 s, dB\n");
    println!("| echo | decay | after 5 s | first 2 s |");
    println!("|---|---|---|---|");
    let far = assistant(recordings, "bf_emma");
    for gain_db in [-12.0, -6.0] {
        for rt60 in [100, 250, 500] {
            let response = ImpulseResponse::decaying(61, Duration::from_millis(rt60), 3.0);
            let mut path = EchoPath::new(Duration::from_millis(60), gain_db, &response);
            let mut canceller = EchoCanceller::new();
            let (mut echo, mut left) = (Vec::new(), Vec::new());
            for far in far.as_chunks::<MICROPHONE_FRAME>().0 {
                let mut frame = [0.0; MICROPHONE_FRAME];
                path.step(far, &mut frame);
                echo.extend(frame);
                canceller.process(far, &mut frame);
                left.extend(frame);
            }
            let erle = |range: std::ops::Range<usize>| {
                level_db(&echo[range.clone()]) - level_db(&left[range])
            };
            let (settled, first) = (erle(5 * SECOND..left.len()), erle(0..2 * SECOND));
            println!("| {gain_db} dB | {rt60} ms | {settled:.0} | {first:.0} |");
        }
    }
}

fn main() {
    let store =
        std::env::var_os("DUPLEX_MODELS").expect("DUPLEX_MODELS is not set: run `make models`");
    let path = Path::new(&store).join("silero-vad/silero_vad.onnx");
    let activity = VoiceActivity::load(&path).expect("the model loads; if not: run `make models`");
    let recordings = recordings();
    cancellation(&recordings);
    sounds(&activity);
    speech_in_noise(&activity, &recordings);
    echo(&activity, &recordings);
}
