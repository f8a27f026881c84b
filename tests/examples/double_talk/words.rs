//! Both speak: what is left of the user, and what words are heard.

use std::{env, path::Path, time::Duration};

use duplex_model::asr::{Recogniser, RecogniserOptions, Request, WordErrors, find_worker, wer};

use crate::{
    cancellers::CANDIDATES,
    scene::{SECOND, Said, Set},
};

/// The assistant has spoken alone for this long when the user begins.
const BEFORE: usize = 6 * SECOND;

/// Silence of the user between two clips.
const BETWEEN: usize = SECOND;

/// Sound before and after a clip that is recognised with it.
const MARGIN: usize = SECOND * 3 / 10;

/// Candidates that are compared at all levels, besides none.
const COMPARED: usize = 3;

/// The most by which a canceller is late.
const MOST_LAG: usize = SECOND / 50;

pub(crate) struct Words(Recogniser);

impl Words {
    pub(crate) fn new() -> Self {
        let store = env::var_os("DUPLEX_MODELS").expect("DUPLEX_MODELS is not set: `make models`");
        let model = Path::new(&store).join("whisper-tiny.en/ggml-tiny.en.bin");
        let worker = find_worker(None).expect("duplex-asr is built");
        // Nobody waits, and what is left of an echo may take it long.
        let patience = Duration::from_secs(120);
        let options = RecogniserOptions::new(worker, model);
        let options = RecogniserOptions { threads: 1, patience, ..options };
        Self(Recogniser::spawn(options).expect("the recogniser starts"))
    }

    pub(crate) fn heard(&mut self, sound: &[f32]) -> String {
        self.0.recognise(sound, &Request::default()).expect("the recogniser runs").text
    }
}

/// The user's clips one after the other, and where each lies.
fn track(clips: &[Said]) -> (Vec<f32>, Vec<std::ops::Range<usize>>) {
    let mut near = vec![0.0; BEFORE];
    let mut places = Vec::new();
    for clip in clips {
        places.push(near.len()..near.len() + clip.samples.len());
        near.extend(&clip.samples);
        near.extend([0.0; BETWEEN]);
    }
    (near, places)
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
}

/// By how much the part of `left` that is the user's is softer than the user, in dB: the projection on the user's
/// sound, at the canceller's lag.
fn loss(near: &[f32], left: &[f32], places: &[std::ops::Range<usize>]) -> f32 {
    let at = |lag: usize| {
        let parts = places.iter().map(|place| {
            let (user, left) = (&near[place.clone()], &left[place.start + lag..place.end + lag]);
            (dot(user, left), dot(user, user))
        });
        let (common, whole) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        common / whole
    };
    let share = (0..MOST_LAG).step_by(4).map(at).fold(0.0, f64::max);
    (-20.0 * share.log10()) as f32
}

pub(crate) fn report(words: &mut Words, set: &Set) {
    let (name, room) = &set.rooms[set.rooms.len() / 2];
    println!("\nDouble talk, {name}; word errors\n");
    println!(
        "| canceller | users | no echo | -20 dB | -12 dB | -6 dB | user's loss at -20, -12, -6 dB |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (n, candidate) in CANDIDATES.iter().enumerate() {
        // The other settings are tried at one level.
        let all = n <= COMPARED;
        for (users, clips) in &set.users {
            let (near, places) = track(clips);
            let far = set.far(near.len());
            let (mut cells, mut losses) = (Vec::new(), Vec::new());
            for gain_db in [None, Some(-20.0), Some(-12.0), Some(-6.0)] {
                if !all && gain_db != Some(-12.0) {
                    cells.push(String::new());
                    continue;
                }
                let echo = match gain_db {
                    Some(gain_db) => Set::echo(&far, room, gain_db, |_| 60),
                    None => vec![0.0; near.len()],
                };
                let left = candidate.run(&far, &Set::microphone(&near, &echo));
                if gain_db.is_some() {
                    losses.push(format!("{:.1}", loss(&near, &left, &places)));
                }
                let heard = clips.iter().zip(&places).map(|(clip, place)| {
                    let to = (place.end + MARGIN).min(left.len());
                    wer(&clip.text, &words.heard(&left[place.start - MARGIN..to]))
                });
                let errors: WordErrors = heard.sum();
                cells.push(format!("{:.1} %", 100.0 * errors.rate()));
            }
            println!(
                "| {} | {users} | {} | {} dB |",
                candidate.name,
                cells.join(" | "),
                losses.join(", ")
            );
        }
    }
}
