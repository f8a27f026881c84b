//! Whether the user's turn is over, by its sound.

use duplex_core::{Event, Permille, SessionTime};

use crate::{
    job::{Job, Kind},
    ports::{TurnPrediction, TurnQuestion},
};

const KIND: Kind = Kind {
    name: "score the end of a turn",
    charge: |charges| charges.detect_end_of_turn,
    reads_ahead: false,
};

pub(super) fn job(to: SessionTime, audio: Vec<f32>) -> Job<TurnPrediction> {
    Job::<TurnPrediction>::new(KIND, move |model, client, _| {
        match model.predict(client.call, TurnQuestion::IsOver(&audio)) {
            Ok(Some(probability)) => {
                let probability = Permille::from_probability(probability);
                client.event(Event::EndOfTurn { to, probability });
            }
            // The other evidence decides.
            Ok(None) => {}
            Err(error) => tracing::warn!("no end-of-turn score: {error}"),
        }
    })
}
