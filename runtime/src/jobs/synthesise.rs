//! A clause, spoken.

use std::ops::ControlFlow;

use duplex_audio::{PLAYOUT_RATE, Resampler};
use duplex_core::{Event, Failure, Mark, SAMPLE_RATE, Samples, Turn};

use crate::{
    job::{Job, Kind, SessionMessage},
    ports::Synthesis,
};

const CHECK: Kind = Kind {
    name: "check the pronunciations",
    charge: |charges| charges.first_audio,
    reads_ahead: false,
};

/// Words that a warning names.
const NAMED: usize = 3;

/// Whether the voice has the phonemes of the call's lexicon; whoever is shown the call is told of words that it will
/// read as they are written.
pub(super) fn check() -> Job<Synthesis> {
    Job::<Synthesis>::new(CHECK, |voice, client, _| {
        let phonemes = client.settings.lexicon.phonemes();
        let unknown = phonemes.filter(|(_, phonemes)| !voice.knows(phonemes));
        let mut words: Vec<_> = unknown.map(|(word, _)| format!("`{word}`")).collect();
        if words.is_empty() {
            return;
        }
        words.sort_unstable();
        let more = words.len().saturating_sub(NAMED);
        words.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = words.join(", ");
        let what = format!(
            "the voice has not all phonemes of {words}{more}: it reads them as they are written"
        );
        client.event(Event::Warned(what));
    })
}

const KIND: Kind =
    Kind { name: "synthesise", charge: |charges| charges.first_audio, reads_ahead: false };

/// Synthesises a clause, chunk by chunk, at the playout rate.
pub(super) fn job(turn: Turn, clause: u32, text: String) -> Job<Synthesis> {
    let failure = Some(Failure::Voice(turn));
    let work = Job::<Synthesis>::new(KIND, move |voice, client, _| {
        let rate = voice.sample_rate();
        let mut resampler = match Resampler::new(rate, PLAYOUT_RATE) {
            Ok(resampler) => resampler,
            Err(error) => {
                tracing::error!("the voice's sample rate cannot be played: {error}");
                return client.fail(failure);
            }
        };
        let reading = client.settings.lexicon.read(&text, |phonemes| voice.knows(phonemes));
        // What was said counts as what was written.
        let written = reading.clone();
        let mut marked = None;
        let spoken = voice.speak(reading, client.settings.speed, &mut |chunk| {
            if client.cancellation.is_cancelled(turn) {
                return ControlFlow::Break(());
            }
            let mut samples = Vec::new();
            resampler.process(&chunk.samples, &mut samples);
            if chunk.last {
                resampler.finish(&mut samples);
            }
            let at = |samples: u64| Samples(samples * u64::from(SAMPLE_RATE) / u64::from(rate));
            let marks = chunk.marks.iter().filter_map(|mark| {
                let bytes = written.written(mark.bytes).filter(|&bytes| Some(bytes) > marked)?;
                marked = Some(bytes);
                Some(Mark { at: at(mark.samples), bytes })
            });
            let marks = marks.collect();
            let last = chunk.last;
            (client.answer)(SessionMessage::Audio { turn, clause, samples, marks, last });
            ControlFlow::Continue(())
        });
        if let Err(error) = spoken {
            tracing::warn!("a clause was not spoken: {error}");
            client.fail(failure);
        }
    });
    Job { turn: Some(turn), failure, ..work }
}
