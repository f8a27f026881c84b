//! A reply of the real language model, clause by clause.

use duplex_core::{Context, Event, Line, Speaker, Turn};
use duplex_model::{
    llm::{DEFAULT_SYSTEM_PROMPT, Llm, LlmOptions, Sampling, Weights},
    weights::{Manifest, ModelSource, Role, Store},
};

use super::job;
use crate::{
    job::{SessionMessage, Work},
    models::ReplyWorker,
    worker::Model as _,
};

/// The next clause of a reply of which the session has `reply`.
fn next_clause(worker: &mut ReplyWorker<'_>, reply: &str) -> String {
    let text = "Tell me about dogs and about cats.".to_owned();
    let lines = vec![Line { speaker: Speaker::User, text, cut: None }];
    let context = Context { lines, open: false, reply: reply.to_owned() };
    let (job, answers) = job(1, Work::Write { turn: Turn(1), context });
    worker.work(&job);
    drop(job);
    match answers.iter().next() {
        Some(SessionMessage::Event(Event::Written { text, .. })) => text,
        _ => panic!("no clause was written"),
    }
}

#[test]
fn a_clause_that_was_lost_on_the_way_is_written_again_and_not_skipped() {
    assert!(std::env::var_os("DUPLEX_MODELS").is_some(), "run `make models`, then `make test`");
    let model = Manifest::builtin().default_for(Role::Llm).unwrap();
    let source = ModelSource::Named(model.name.clone());
    let weights = Weights::load(&Store::open().unwrap().path(Role::Llm, &source).unwrap()).unwrap();
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let options = LlmOptions { sampling, ..LlmOptions::default() };
    let llm = Llm::new(&weights, options).unwrap();
    let mut worker = ReplyWorker::new(llm, DEFAULT_SYSTEM_PROMPT.to_owned());
    let first = next_clause(&mut worker, "");
    let again = next_clause(&mut worker, "");
    assert_eq!(again, first, "the session never had it");
    let second = next_clause(&mut worker, &first);
    assert!(!second.trim().is_empty() && second != first, "{first:?}, then {second:?}");
}
