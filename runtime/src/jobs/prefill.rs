//! The conversation, read before a reply is asked for.

use std::{sync::Arc, time::Instant};

use duplex_core::{Event, Line};

use crate::{
    job::{Job, Kind},
    ports::{Conversation, Replying},
};

const KIND: Kind = Kind {
    name: "read a conversation ahead",
    charge: |charges| charges.prefill,
    reads_ahead: true,
};

pub(super) fn job(lines: Vec<Arc<Line>>, open: bool) -> Job<Replying> {
    let work = Job::<Replying>::new(KIND, move |model, client, others| {
        let instructions = client.settings.instructions.clone();
        let conversation = Conversation { instructions, lines, open };
        let began = Instant::now();
        match model.read_ahead(client.call, &conversation, others) {
            Ok(()) => tracing::debug!(ms = began.elapsed().as_millis() as u64, "read ahead"),
            // No reply waits for this: its own prefill reads the newest words.
            Err(error) => tracing::warn!("the conversation was not read ahead: {error}"),
        }
    });
    // A model that stands in for one on a server reads in its place: the server has a cache of its own, and the stand-in
    // can go on at once.
    Job { elsewhere: true, ..work }
}

const CHECK: Kind =
    Kind { name: "check the instructions", charge: |charges| charges.prefill, reads_ahead: false };

/// Whether the model can work with the call's instructions; whoever is shown the call is told if not.
pub(crate) fn check() -> Job<Replying> {
    Job::<Replying>::new(CHECK, move |model, client, _| {
        if let Err(error) = model.check(&client.settings.instructions) {
            client.event(Event::Warned(error.to_string()));
        }
    })
}
