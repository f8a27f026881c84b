//! A reply of the real language model, clause by clause.

use duplex_core::{Action, Context, Event, Line, LinesEdit, Speaker, Turn};
use duplex_model::{
    llm::{DEFAULT_SYSTEM_PROMPT, LlmOptions, Sampling},
    weights::{Manifest, ModelSource, Role, Store},
};

use super::{client, fakes::with_model};
use crate::{
    job::{Client, SessionMessage},
    jobs::{Material, Work},
    models,
    ports::{ModelOptions, ReplyModel, Replying},
    settings::Settings,
};

/// The default language model, which takes the likeliest word.
pub(super) fn language_model() -> ModelOptions<Replying> {
    language_model_with(LlmOptions::default().context)
}

/// The same with a context of so many tokens.
fn language_model_with(context: u32) -> ModelOptions<Replying> {
    assert!(std::env::var_os("DUPLEX_MODELS").is_some(), "run `make models`, then `make test`");
    let model = Manifest::builtin().default_for(Role::Llm).unwrap();
    let source = ModelSource::Named(model.name.clone());
    let path = Store::open().unwrap().path(Role::Llm, &source).unwrap();
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    models::llama(path, LlmOptions { sampling, calls: 2, context, ..LlmOptions::default() })
}

fn begins(reply: &str) -> Action {
    asks("Tell me about dogs and about cats.", reply)
}

/// Asks for a reply to this, of which `reply` is begun.
fn asks(text: &str, reply: &str) -> Action {
    let text = text.to_owned();
    let lines = LinesEdit {
        kept: 0,
        new: vec![Line { speaker: Speaker::User, text, cut: None, aside: None }],
    };
    let context = Context { lines, open: false, reply: reply.to_owned() };
    Action::Write { turn: Turn(1), context }
}

/// What the model answers to an action: a clause, and whether it is the last.
fn clause(
    model: &mut (dyn ReplyModel + '_),
    action: Action,
    call: &mut Material,
) -> (String, bool) {
    let mut work = Work::of(action, call).unwrap();
    let (client, answers) = client(1);
    let settings = Settings { instructions: DEFAULT_SYSTEM_PROMPT.into(), ..Settings::default() };
    let client = Client { settings: settings.into(), ..client };
    if work.begin(&client)
        && let Work::Reply(job) = work
    {
        (job.work)(model, &client, &|| false);
    }
    drop(client);
    let written = |answer| match answer {
        SessionMessage::Event(Event::Written { text, last, .. }) => Some((text, last)),
        _ => None,
    };
    answers.iter().find_map(written).expect("a clause is written")
}

#[test]
fn a_clause_that_was_lost_on_the_way_is_written_again_and_not_skipped() {
    with_model(&language_model(), |model| {
        let call = &mut Material::new(1);
        let (first, _) = clause(model, begins(""), call);
        let (again, _) = clause(model, begins(""), call);
        assert_eq!(again, first, "the session never had it");
        let (second, _) = clause(model, begins(&first), call);
        assert!(!second.trim().is_empty() && second != first, "{first:?}, then {second:?}");
    });
}

#[test]
fn whether_the_words_are_whole_is_said_before_the_reply_to_them() {
    with_model(&language_model(), |model| {
        // It holds the reply: without it, nobody wants the reply any more.
        let call = &mut Material::new(1);
        let mut work = Work::of(begins(""), call).unwrap();
        let (client, answers) = client(1);
        if work.begin(&client)
            && let Work::Reply(job) = work
        {
            (job.work)(model, &client, &|| false);
        }
        drop(client);
        let mut answers = answers.iter();
        let Some(SessionMessage::Event(Event::EndOfWords { turn, probability })) = answers.next()
        else {
            panic!("nothing is said of the words");
        };
        assert!(turn == Turn(1) && probability.0 > 0);
        let mut written = answers
            .filter(|it| matches!(it, SessionMessage::Event(Event::Written { turn: Turn(1), .. })));
        assert!(written.next().is_some());
    });
}

#[test]
fn a_reply_in_clauses_is_the_reply_begun_once() {
    with_model(&language_model(), |model| {
        let call = &mut Material::new(1);
        let (mut all, mut last) = clause(model, begins(""), call);
        let mut clauses = vec![all.clone()];
        while !last {
            let (text, end) = clause(model, Action::WriteMore(Turn(1)), call);
            all.push_str(&text);
            clauses.push(text);
            last = end;
        }
        assert!(clauses.len() > 2, "{clauses:?}");
        // Asked anew for what follows the first clause, the model goes on as it did, in a first clause of its own.
        let (second, _) = clause(model, begins(&clauses[0]), call);
        assert!(clauses[1].starts_with(&second), "{second:?} of {clauses:?}");
        assert!(all.ends_with(['.', '!', '?']), "{all:?}");
    });
}

#[test]
fn a_turn_longer_than_the_context_is_answered_and_said_to_be_too_long_once() {
    with_model(&language_model_with(256), |model| {
        let call = &mut Material::new(1);
        let long = "I was in the garden and saw a dog. ".repeat(60) + "What is a dog?";
        for (text, warns) in
            [(long.as_str(), true), (long.as_str(), false), ("What is a cat?", false)]
        {
            let mut work = Work::of(asks(text, ""), call).unwrap();
            let (client, answers) = client(1);
            if work.begin(&client)
                && let Work::Reply(job) = work
            {
                (job.work)(model, &client, &|| false);
            }
            drop(client);
            let events: Vec<_> = answers.try_iter().collect();
            let warned = events
                .iter()
                .any(|it| matches!(it, SessionMessage::Event(Event::Warned(what)) if what.contains("longer")));
            assert_eq!(warned, warns, "{} bytes", text.len());
            let is_written = |it: &SessionMessage| matches!(it, SessionMessage::Event(Event::Written { text, .. }) if !text.trim().is_empty());
            assert!(events.iter().any(is_written), "{} bytes", text.len());
        }
    });
}
