//! The conversation, read before a reply is asked for.

use std::{sync::Arc, time::Instant};

use duplex_core::Line;

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
    Job::<Replying>::new(KIND, move |model, client| {
        let instructions = client.settings.instructions.clone();
        let conversation = Conversation { instructions, lines, open };
        let began = Instant::now();
        match model.read_ahead(client.call, &conversation) {
            Ok(()) => tracing::debug!(ms = began.elapsed().as_millis() as u64, "read ahead"),
            // No reply waits for this: its own prefill reads the newest words.
            Err(error) => tracing::warn!("the conversation was not read ahead: {error}"),
        }
    })
}
