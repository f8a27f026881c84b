//! The words of a window of the user's sound.

use duplex_core::{Event, Failure, Permille, SegmentId, SessionTime};

use crate::{
    job::{Job, Kind},
    ports::{Recognition, SpeechWindow},
};

const KIND: Kind =
    Kind { name: "recognise", charge: |charges| charges.recognise, reads_ahead: false };

pub(super) fn job(segment: SegmentId, to: SessionTime, audio: Vec<f32>) -> Job<Recognition> {
    let failure = Some(Failure::Recogniser(segment));
    let work = Job::<Recognition>::new(KIND, move |recogniser, client, _| {
        match recogniser.recognise(SpeechWindow {
            audio: &audio,
            language: client.settings.language.as_deref(),
            vocabulary: &client.settings.vocabulary,
        }) {
            Ok(hypothesis) => {
                let words = hypothesis.words.len().max(1) as f32;
                let sum: f32 = hypothesis.words.iter().map(|word| word.probability).sum();
                let confidence = Permille::from_probability(sum / words);
                let text = hypothesis.text;
                client.event(Event::Recognised { segment, to, text, confidence });
            }
            Err(error) => {
                tracing::warn!("recognition failed: {error}");
                client.fail(failure);
            }
        }
    });
    Job { failure, ..work }
}
