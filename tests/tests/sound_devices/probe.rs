//! What plays into a device of the sound server, and what records from one.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use duplex_audio::{PLAYOUT_RATE, convert, level_db};
use duplex_core::SAMPLE_RATE;
use duplex_harness::sound_server::SoundServer;

const SECOND: usize = SAMPLE_RATE as usize;

/// Length of what is looked for in another track.
const PIECE: usize = SECOND / 2;

/// The longest delay that is looked for.
const MOST_DELAY: usize = SECOND * 3 / 10;

fn program(server: &SoundServer, name: &str, device: &str) -> std::process::Command {
    let mut command = server.command(name);
    command
        .args(["--raw", "--format=float32ne", "--channels=1", "--latency-msec=10"])
        .args([format!("--rate={PLAYOUT_RATE}"), format!("--device={device}")]);
    command
}

/// Plays `sound`, at the session rate, to its end.
pub(crate) fn play(server: &SoundServer, sink: &str, sound: &[f32]) {
    let mut player =
        program(server, "pacat", sink).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let samples = convert(sound, SAMPLE_RATE, PLAYOUT_RATE);
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_ne_bytes()).collect();
    player.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert!(player.wait().unwrap().success());
}

/// Samples, and how many there were at which moments.
type Read = (Vec<f32>, Vec<(Instant, usize)>);

/// Records a device from now on.
pub(crate) struct Probe {
    recorder: Child,
    reader: JoinHandle<Read>,
    start: Instant,
}

impl Probe {
    pub(crate) fn start(server: &SoundServer, source: &str) -> Self {
        let mut recorder = program(server, "parec", source)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = recorder.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let (mut bytes, mut blocks) = (Vec::new(), Vec::new());
            let mut buffer = [0; 16_384];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                bytes.extend_from_slice(&buffer[..read]);
                blocks.push((Instant::now(), bytes.len() / 4));
            }
            let samples = bytes.as_chunks::<4>().0;
            (samples.iter().map(|x| f32::from_ne_bytes(*x)).collect(), blocks)
        });
        Self { recorder, reader, start: Instant::now() }
    }

    pub(crate) fn stop(mut self) -> Track {
        self.recorder.kill().unwrap();
        self.recorder.wait().unwrap();
        let (samples, blocks) = self.reader.join().unwrap();
        let seconds = |at: Instant| at.duration_since(self.start).as_secs_f64();
        let count = |samples: usize| samples as f64 / f64::from(PLAYOUT_RATE);
        // Blocks come late, and never early: the earliest tells when the first sample was.
        let began = blocks.iter().map(|&(at, end)| seconds(at) - count(end));
        let began = began.fold(f64::MAX, f64::min).max(0.0);
        Track {
            began: self.start + Duration::from_secs_f64(began),
            samples: convert(&samples, PLAYOUT_RATE, SAMPLE_RATE),
        }
    }
}

/// What a device gave, at the session rate.
pub(crate) struct Track {
    pub(crate) samples: Vec<f32>,
    began: Instant,
}

impl Track {
    /// From the first to the last second that is heard.
    fn active(&self) -> std::ops::Range<usize> {
        let is_loud = |block: &&[f32]| level_db(block) > -55.0;
        let block = SECOND / 20;
        let first = self.samples.chunks(block).position(|block| is_loud(&block));
        let last = self.samples.chunks(block).rposition(|block| is_loud(&block));
        first.unwrap_or(0) * block..last.map_or(0, |last| last * block)
    }

    /// What lies well within what is heard.
    pub(crate) fn loud(&self) -> &[f32] {
        let active = self.active();
        let (from, to) = (active.start + SECOND / 10, active.end.saturating_sub(SECOND / 10));
        self.samples.get(from..to).unwrap_or_default()
    }

    /// By how much this one starts before `other`, in samples.
    fn starts_before(&self, other: &Self) -> isize {
        let (a, b) = (self.began, other.began);
        let later = b.saturating_duration_since(a).as_secs_f64();
        let earlier = a.saturating_duration_since(b).as_secs_f64();
        ((later - earlier) * SECOND as f64).round() as isize
    }

    /// Where the piece of `other` at `from` is found in this, and how clearly: a correlation of at most one.
    fn place_of(&self, other: &Self, from: usize) -> (usize, f32) {
        let piece = &other.samples[from..from + PIECE];
        let first = from.saturating_add_signed(self.starts_before(other));
        let places = first..(first + MOST_DELAY).min(self.samples.len().saturating_sub(PIECE));
        let at = |place: usize| (place, correlation(piece, &self.samples[place..place + PIECE]));
        places.map(at).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((first, 0.0))
    }

    /// Delays of this behind `played`, in ms: one for each half second, in order.
    pub(crate) fn delays_behind(&self, played: &Self) -> Vec<f64> {
        let active = played.active();
        let offset = self.starts_before(played);
        let pieces = (active.start..active.end - PIECE).step_by(PIECE);
        pieces
            .filter_map(|from| {
                let (place, clearly) = self.place_of(played, from);
                let delay = place as f64 - from as f64 - offset as f64;
                (clearly > 0.8).then_some(delay * 1e3 / SECOND as f64)
            })
            .collect()
    }

    /// By how much what this hears is stretched against `played`, in ppm.
    pub(crate) fn drift_against(&self, played: &Self) -> f64 {
        let active = played.active();
        let (first, last) = (active.start + SECOND / 10, active.end - PIECE - SECOND / 10);
        let (from, to) = (self.place_of(played, first), self.place_of(played, last));
        // A drift blurs what is compared.
        assert!(from.1 > 0.4 && to.1 > 0.4, "{from:?}, {to:?}");
        ((to.0 - from.0) as f64 / (last - first) as f64 - 1.0) * 1e6
    }

    /// Where `clip` begins in this, each time.
    pub(crate) fn find(&self, clip: &[f32]) -> Vec<usize> {
        let piece = &clip[..PIECE.min(clip.len())];
        let mut found: Vec<(usize, f32)> = Vec::new();
        for place in 0..self.samples.len().saturating_sub(piece.len()) {
            let alike = correlation(piece, &self.samples[place..place + piece.len()]);
            match found.last_mut().filter(|last| place - last.0 < PIECE) {
                Some(last) if alike > last.1 => *last = (place, alike),
                None if alike > 0.7 => found.push((place, alike)),
                _ => {}
            }
        }
        found.into_iter().map(|(place, _)| place).collect()
    }
}

/// Normalised correlation of two pieces of the same length.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 {
        let (a, a_rest) = a.as_chunks::<16>();
        let (b, b_rest) = b.as_chunks::<16>();
        let mut sums = [0f32; 16];
        for (a, b) in a.iter().zip(b) {
            sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f32>() + rest
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}
