//! Who has the floor, by what both sides said.

use std::time::Instant;

use duplex_core::{DecisionId, Event, Permille};

use crate::{
    job::{Job, Kind},
    ports::{TurnPrediction, TurnQuestion, TurnView},
};

const KIND: Kind = Kind { name: "decide", charge: |charges| charges.decide, reads_ahead: false };

const READ: Kind = Kind {
    name: "read a conversation in slices ahead",
    charge: |charges| charges.prefill,
    reads_ahead: true,
};

pub(super) fn job(slice: DecisionId, view: TurnView) -> Job<TurnPrediction> {
    Job::<TurnPrediction>::new(KIND, move |model, client, _| {
        let began = Instant::now();
        match model.predict(client.call, TurnQuestion::IsIdle(&view)) {
            Ok(Some(idle)) => {
                tracing::debug!(ms = began.elapsed().as_millis() as u64, "decided");
                client.event(Event::Decided { slice, idle: Permille::from_probability(idle) });
            }
            // The other evidence decides.
            Ok(None) => {}
            Err(error) => tracing::warn!("the duplex model did not decide: {error}"),
        }
    })
}

/// Prefills the prompt, or all but the user's newest words.
pub(super) fn read_ahead(view: TurnView) -> Job<TurnPrediction> {
    Job::<TurnPrediction>::new(READ, move |model, client, others| {
        if let Err(error) = model.read_ahead(client.call, &view, others) {
            tracing::debug!("the duplex model did not read ahead: {error}");
        }
    })
}
