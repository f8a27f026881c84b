//! Runs the cases of the simulated agent, with faults, and writes the reports, to work on their
//! layout: `cargo run --release -p duplex-harness --example suite -- FOLDER`.

#[path = "../tests/known_cases/mod.rs"]
mod known_cases;

use std::{error::Error, path::PathBuf};

use duplex_harness::{
    agent::simulated::{Fault, Simulated, code::recognise},
    case::Case,
    suite::{Options, run},
};

/// Variations of each case.
const VARIATIONS: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("out/suite"), PathBuf::from);
    let varied = |number: usize| {
        known_cases::cases()
            .into_iter()
            .map(move |case| Case { id: format!("{}-{number}", case.id), ..case })
    };
    let cases: Vec<Case> = (1..=VARIATIONS).flat_map(varied).collect();
    let mut whole = None;
    for (number, part) in cases.chunks(known_cases::cases().len()).enumerate() {
        let agent = Simulated {
            answers_after_ms: 450 + 90 * number as u64,
            stops_after_ms: 250 + 60 * number as u64,
            pauses_for_backchannels: number % 2 == 0,
            ..Simulated::default()
        };
        let agent = match number {
            1 => agent.with(Fault::StopsForCoughs).with(Fault::TellsTooMuch),
            3 => agent.with(Fault::TalksOverPauses).with(Fault::StartsOver),
            4 => agent.with(Fault::SpeaksAfterStop).with(Fault::InterruptsItself),
            _ => agent,
        };
        let options = Options { keep_audio: true, jobs: 2, ..Options::new(&folder) };
        let mut read = |sound: &[f32]| recognise(sound);
        let mut part = run(part, &agent, &options, Some(&mut read), &mut |_| {})?;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.results.append(&mut part.results),
        }
    }
    if let Some(whole) = whole {
        let report = whole.write(&folder)?;
        std::fs::write(folder.join("table.txt"), duplex_harness::suite::table(&report))?;
    }
    Ok(())
}
