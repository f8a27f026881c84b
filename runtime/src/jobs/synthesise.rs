//! A clause, spoken.

use std::ops::ControlFlow;

use duplex_audio::{PLAYOUT_RATE, Resampler};
use duplex_core::{Failure, Mark, SAMPLE_RATE, Samples, Turn};

use crate::{
    job::{Job, Kind, SessionMessage},
    ports::Synthesis,
};

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
        let spoken = voice.speak(&text, client.settings.speed, &mut |chunk| {
            if client.cancellation.is_cancelled(turn) {
                return ControlFlow::Break(());
            }
            let mut samples = Vec::new();
            resampler.process(&chunk.samples, &mut samples);
            if chunk.last {
                resampler.finish(&mut samples);
            }
            let at = |samples: u64| Samples(samples * u64::from(SAMPLE_RATE) / u64::from(rate));
            let marks = chunk.marks.iter();
            let marks =
                marks.map(|mark| Mark { at: at(mark.samples), bytes: mark.bytes }).collect();
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
