//! The assistant speaks alone: how much of its echo is left.

use duplex_audio::{convert, level_db};

use crate::{
    cancellers::{CANDIDATES, Candidate},
    scene::{SECOND, Set},
};

const SECONDS: usize = 40;
const DELAY_MS: u64 = 60;

/// A window counts as one with an echo if it is as loud as this.
const AUDIBLE_DB: f32 = -55.0;

struct Course {
    /// Echo and what is left of it, in dB, for each half second with an echo, with its end in seconds.
    windows: Vec<(f64, f32, f32)>,
}

impl Course {
    fn new(echo: &[f32], left: &[f32]) -> Self {
        let half = SECOND / 2;
        let step = SECOND / 10;
        let windows = (0..echo.len().min(left.len()) - half).step_by(step).filter_map(|from| {
            let to = from + half;
            let loud = level_db(&echo[from..to]);
            let end = to as f64 / SECOND as f64;
            (loud > AUDIBLE_DB).then(|| (end, loud, level_db(&left[from..to])))
        });
        Self { windows: windows.collect() }
    }

    /// The enhancement over a time, by the powers of its windows.
    fn erle(&self, seconds: std::ops::Range<f64>) -> f32 {
        let power = |db: f32| 10f64.powf(f64::from(db) / 10.0);
        let within = self.windows.iter().filter(|window| seconds.contains(&window.0));
        let (echo, left) = within.fold((0.0, 0.0), |(echo, left), window| {
            (echo + power(window.1), left + power(window.2))
        });
        (10.0 * (echo / left).log10()) as f32
    }

    /// How long after `from` it is for the first time, and for a second, within 6 dB of what it is in the end, or
    /// at 20 dB.
    fn settles(&self, from: f64) -> Option<f64> {
        let end = self.windows.last()?.0;
        let enough = (self.erle(end - 10.0..end) - 6.0).min(20.0);
        let mut since = None;
        for &(at, echo, left) in self.windows.iter().filter(|window| window.0 >= from) {
            if echo - left < enough {
                since = None;
            } else if at - *since.get_or_insert(at) >= 1.0 {
                return since.map(|since| since - from);
            }
        }
        None
    }
}

fn seconds(time: Option<f64>) -> String {
    time.map_or("never".into(), |time| format!("{time:.1}"))
}

pub(crate) fn report(set: &Set) {
    println!("\n| canceller | room | echo | ERLE first 2 s | after 3 s | settled after s |");
    println!("|---|---|---|---|---|---|");
    let far = set.far(SECONDS * SECOND);
    for candidate in &CANDIDATES[1..] {
        for (name, room) in &set.rooms {
            for gain_db in [-6.0, -12.0, -20.0] {
                let echo = Set::echo(&far, room, gain_db, |_| DELAY_MS);
                let course = course(candidate, &far, &echo);
                println!(
                    "| {} | {name} | {gain_db} dB | {:.0} | {:.0} | {} |",
                    candidate.name,
                    course.erle(0.0..2.0),
                    course.erle(3.0..SECONDS as f64),
                    seconds(course.settles(0.0)),
                );
            }
        }
    }
    changes(set, &far);
}

fn course(candidate: &Candidate, far: &[f32], echo: &[f32]) -> Course {
    let silence = vec![0.0; echo.len()];
    let microphone = Set::microphone(&silence, echo);
    Course::new(echo, &candidate.run(far, &microphone))
}

/// Clocks that differ, and a delay that jumps.
fn changes(set: &Set, far: &[f32]) {
    let (name, room) = &set.rooms[set.rooms.len() / 2];
    println!("\nEcho -12 dB, {name}\n");
    println!("| canceller | case | ERLE 3 to 20 s | 20 to 40 s | back after s |");
    println!("|---|---|---|---|---|");
    // The microphone's clock is faster: what it hears has more samples.
    let ppm = |samples: &[f32]| convert(samples, 1_000_000 / 5, 1_000_200 / 5);
    let steady = Set::echo(far, room, -12.0, |_| DELAY_MS);
    let jumps = |to: u64| move |frame: usize| if frame < 2_000 { DELAY_MS } else { to };
    let cases = [
        ("steady", far.to_vec(), steady.clone()),
        ("200 ppm, not corrected", far.to_vec(), ppm(&steady)),
        ("200 ppm, the reference corrected", ppm(far), ppm(&steady)),
        (
            "the delay jumps from 60 to 140 ms",
            far.to_vec(),
            Set::echo(far, room, -12.0, jumps(140)),
        ),
        ("the delay jumps from 60 to 10 ms", far.to_vec(), Set::echo(far, room, -12.0, jumps(10))),
    ];
    for candidate in &CANDIDATES[1..] {
        for (case, far, echo) in &cases {
            let course = course(candidate, far, echo);
            let jumped = case.contains("jumps");
            println!(
                "| {} | {case} | {:.0} | {:.0} | {} |",
                candidate.name,
                course.erle(3.0..20.0),
                course.erle(20.0..SECONDS as f64),
                if jumped { seconds(course.settles(20.0)) } else { "-".into() },
            );
        }
    }
}
