//! The next clause of a reply.

use std::sync::Arc;

use duplex_core::{Event, Failure, Line, Permille, Turn};

use crate::{
    job::{Client, Job, Kind},
    ports::{Conversation, ReplyRequest, Replying},
    reply_stream::{ReplyStream, reply_stream},
    settings::Settings,
};

const BEGIN: Kind =
    Kind { name: "begin a reply", charge: |charges| charges.write, reads_ahead: false };

const GO_ON: Kind =
    Kind { name: "go on with a reply", charge: |charges| charges.write, reads_ahead: false };

/// Begins the reply, and asks for its first clause. Whatever happens to the model, the stream answers: the session is
/// told by it, not by the job.
pub(super) fn begin(
    turn: Turn,
    lines: Vec<Arc<Line>>,
    begun: String,
    elsewhere: bool,
) -> (ReplyStream, Job<Replying>) {
    let (sink, stream) = reply_stream(turn, !begun.trim().is_empty());
    let wanting = stream.wanting();
    let work = Job::<Replying>::new(BEGIN, move |model, client, _| {
        let instructions = client.settings.instructions.clone();
        let conversation = Conversation { instructions, lines, open: false };
        if begun.is_empty() {
            match model.end_of_words(client.call, &conversation, &|| sink.is_cancelled()) {
                Ok(Some(probability)) => {
                    let probability = Permille::from_probability(probability);
                    client.event(Event::EndOfWords { turn, probability });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!("no end of the words was predicted: {error}"),
            }
        }
        sink.allow_ahead(model.ahead());
        let Settings { most_reply_tokens: most_tokens, temperature, .. } = *client.settings;
        let request = ReplyRequest { conversation, begun, most_tokens, temperature };
        model.begin(client.call, request, sink);
    });
    let at_once = move |client: &Client| {
        if client.settings.fallback.is_some() && !elsewhere {
            wanting.may_fall_back();
        }
        wanting.ask(&client.answer);
        true
    };
    (stream, Job { turn: Some(turn), elsewhere, at_once: Some(Box::new(at_once)), ..work })
}

/// Asks for the next clause of the reply that is being written.
pub(super) fn go_on(turn: Turn, reply: Option<&ReplyStream>, elsewhere: bool) -> Job<Replying> {
    let wanting = reply.filter(|reply| reply.turn() == turn).map(ReplyStream::wanting);
    let work = Job::<Replying>::new(GO_ON, |model, client, _| model.resume(client.call));
    let at_once = move |client: &Client| match wanting {
        Some(wanting) => wanting.ask(&client.answer),
        None => {
            client.fail(Some(Failure::Model(turn)));
            false
        }
    };
    Job { turn: Some(turn), elsewhere, at_once: Some(Box::new(at_once)), ..work }
}
