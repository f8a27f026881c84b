//! Word errors against CPU time by the framing of the window: the table of docs/measurements-asr.md.

#![expect(clippy::unwrap_used, reason = "without the model there is nothing to measure")]
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../tests/asr/clips.rs"]
mod clips;

use std::time::Duration;

use duplex_core::Samples;
use duplex_model::asr::{Framing, Recogniser, RecogniserOptions, Request, WordErrors, wer};

/// Silence before and after the audio, in milliseconds.
const FRAMINGS: [(u64, u64); 9] = [
    (500, 2560),
    (250, 2560),
    (500, 3200),
    (250, 3200),
    (0, 3200),
    (500, 3840),
    (250, 3840),
    (0, 3840),
    (500, 5120),
];

fn main() {
    let clips = clips::all();
    println!(
        "| lead ms | margin ms | word errors | without backchannels | cpu ms of a clip of 1.7 to 2.3 s |"
    );
    println!("|---|---|---|---|---|");
    for (lead, margin) in FRAMINGS {
        let framing =
            Framing { lead: Samples::from_millis(lead), margin: Samples::from_millis(margin) };
        let mut recogniser =
            Recogniser::spawn(RecogniserOptions { framing, ..clips::options(1) }).unwrap();
        let (mut all, mut without, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for clip in &clips {
            let heard = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
            let errors = wer(&clip.text, &heard.text);
            all.push(errors);
            if !clip.name.starts_with('b') {
                without.push(errors);
            }
            if (1700..2300).contains(&Samples(clip.audio.len() as u64).as_millis()) {
                cpu.push(heard.cpu);
            }
        }
        let rate = |errors: Vec<WordErrors>| errors.into_iter().sum::<WordErrors>().rate() * 100.0;
        println!(
            "| {lead} | {margin} | {:.1} % | {:.1} % | {} |",
            rate(all),
            rate(without),
            median(cpu).as_millis()
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
