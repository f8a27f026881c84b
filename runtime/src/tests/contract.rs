//! What every model of a port must do, whichever it is: each test runs against all implementations that there are here,
//! and against the fake with which the threads are tested.

use std::{
    io::{BufRead, BufReader},
    ops::ControlFlow,
    process::{Command, Stdio},
    time::Duration,
};

use duplex_audio::Clip;
use duplex_core::{Line, SAMPLE_RATE, Speaker, Turn};
use duplex_model::{
    adapter,
    asr::{self, RecogniserOptions},
    llm::{DEFAULT_SYSTEM_PROMPT, LlmOptions},
    remote::EndpointOptions,
    tts::VoiceOptions,
    weights::{Manifest, ModelSource, Role, Store},
};

use super::{
    client,
    fakes::{prediction, recognition, replying, synthesis, with_model},
    replies::language_model,
};
use crate::{
    CallKey,
    job::SessionMessage,
    models::{self, DuplexOptions, RemoteReplyOptions},
    ports::{
        Conversation, ModelOptions, Recognition, ReplyModel, ReplyRequest, Replying, SpeechWindow,
        Synthesis, TurnPrediction, TurnPredictor, TurnQuestion, TurnView,
    },
    reply_stream::reply_stream,
};

/// Models by name.
type Models<K> = Vec<(&'static str, ModelOptions<K>)>;

fn path(role: Role) -> std::path::PathBuf {
    assert!(std::env::var_os("DUPLEX_MODELS").is_some(), "run `make models`, then `make test`");
    let model = Manifest::builtin().default_for(role).unwrap();
    Store::open().unwrap().path(role, &ModelSource::Named(model.name.clone())).unwrap()
}

pub(super) fn recognisers() -> Models<Recognition> {
    let worker = asr::find_worker(None).unwrap();
    vec![
        ("whisper", models::whisper(RecogniserOptions::new(worker, path(Role::Asr)))),
        ("fake", recognition(std::sync::Arc::new(|| ()))),
    ]
}

fn predictors() -> Models<TurnPrediction> {
    let adapter = adapter::built_in(Store::open().unwrap().root()).unwrap();
    let options = DuplexOptions {
        model: path(Role::Llm),
        adapter,
        llm: LlmOptions { calls: 2, ..LlmOptions::default() },
    };
    vec![
        ("smart-turn", models::smart_turn(path(Role::Turn), 1)),
        ("duplex model", models::duplex_model(options)),
        ("fake", prediction(std::sync::Arc::new(|| ()))),
    ]
}

/// A server with the default language model, until it is dropped.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The reply models, and the server that one of them is on.
fn reply_models() -> (Models<Replying>, Server) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/serve-llm");
    let process = Command::new(script).arg(path(Role::Llm)).stdout(Stdio::piped()).spawn();
    let mut server = Server(process.unwrap());
    let mut url = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let endpoint = EndpointOptions {
        // One core of a busy machine evaluates a prompt slowly.
        first_token: super::PATIENCE,
        stall: super::PATIENCE,
        ..EndpointOptions::new(url.trim(), "default")
    };
    let remote = RemoteReplyOptions {
        endpoint,
        most_tokens: 120,
        temperature: 0.0,
        top_p: 1.0,
        seed: 1,
        context: 2_048,
        rest: Duration::ZERO,
    };
    let models = vec![
        ("llama", language_model()),
        ("endpoint", models::endpoint(remote)),
        ("fake", replying(std::sync::Arc::new(|| ()))),
    ];
    (models, server)
}

pub(super) fn voices() -> Models<Synthesis> {
    let model = path(Role::Voice);
    let mut config = model.clone().into_os_string();
    config.push(".json");
    let piper = VoiceOptions { model, config: config.into(), threads: 1, speed: 1.0, seed: 1 };
    vec![
        ("piper", models::voices::piper(piper)),
        ("espeak", models::voices::espeak("en-us", 1.0)),
        ("fake", synthesis(std::sync::Arc::new(|| ()))),
    ]
}

/// A user's turn.
fn speech() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/speech/q01.flac");
    Clip::read(std::path::Path::new(path)).unwrap().mono(SAMPLE_RATE)
}

#[test]
fn a_recogniser_gives_the_words_of_a_window_and_none_of_no_sound() {
    let speech = speech();
    for (name, options) in recognisers() {
        with_model(&options, |model| {
            let mut recognise = |audio: &[f32]| {
                model.recognise(SpeechWindow { audio, language: None, vocabulary: &[] })
            };
            let first = recognise(&speech).unwrap();
            assert!(!first.text.is_empty(), "{name}");
            let words: Vec<_> = first.words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(words.join(" "), first.text, "{name}");
            assert!(first.words.iter().all(|it| (0.0..=1.0).contains(&it.probability)), "{name}");
            assert!(recognise(&[]).unwrap().text.is_empty(), "{name}");
            let broken = [speech.as_slice(), &[f32::NAN]].concat();
            assert!(recognise(&broken).is_err(), "{name} takes what is no number for sound");
            assert_eq!(recognise(&speech).unwrap().text, first.text, "{name} afterwards");
        });
    }
}

/// What a predictor says of a question, asked twice.
fn asked_twice(
    model: &mut (dyn TurnPredictor + '_),
    call: u64,
    question: TurnQuestion<'_>,
) -> Option<f32> {
    let first = model.predict(CallKey(call), question).unwrap();
    let second = model.predict(CallKey(call), question).unwrap();
    assert_eq!(first, second);
    assert!(first.is_none_or(|first| (0.0..=1.0).contains(&first)), "{first:?}");
    first
}

#[test]
fn a_predictor_gives_a_probability_that_depends_on_the_question_alone() {
    let speech = speech();
    let words =
        |text: &str| TurnView { user: text.to_owned(), falls_silent: true, ..TurnView::default() };
    let (whole, begun) = (words("what is the time"), words("what is the"));
    for (name, options) in predictors() {
        with_model(&options, |model| {
            let over = asked_twice(model, 1, TurnQuestion::IsOver(&speech));
            let idle = asked_twice(model, 1, TurnQuestion::IsIdle(&whole));
            assert!(over.is_some() || idle.is_some(), "{name} answers no question");
            // Other calls, what was read ahead, and calls that ended change nothing.
            model.read_ahead(CallKey(2), &begun, &|| false).unwrap();
            asked_twice(model, 2, TurnQuestion::IsIdle(&begun));
            model.close(CallKey(2));
            model.read_ahead(CallKey(1), &whole, &|| false).unwrap();
            assert_eq!(asked_twice(model, 1, TurnQuestion::IsOver(&speech)), over, "{name}");
            let again = asked_twice(model, 1, TurnQuestion::IsIdle(&whole));
            match (again, idle) {
                (Some(again), Some(idle)) => assert!((again - idle).abs() < 1e-3, "{name}"),
                (again, idle) => assert_eq!(again, idle, "{name}"),
            }
            if over.is_some() {
                let broken = [speech.as_slice(), &[f32::NAN]].concat();
                assert!(model.predict(CallKey(1), TurnQuestion::IsOver(&broken)).is_err());
                assert_eq!(asked_twice(model, 1, TurnQuestion::IsOver(&speech)), over, "{name}");
            }
        });
    }
}

fn request(words: &str, begun: &str) -> ReplyRequest {
    let lines = vec![
        Line { speaker: Speaker::User, text: words.to_owned(), cut: None, aside: None }.into(),
    ];
    let conversation =
        Conversation { instructions: DEFAULT_SYSTEM_PROMPT.into(), lines, open: false };
    ReplyRequest { conversation, begun: begun.to_owned(), most_tokens: None, temperature: None }
}

/// A whole reply, clause by clause; what `meanwhile` does happens after each.
fn reply(
    model: &mut (dyn ReplyModel + '_),
    call: u64,
    request: ReplyRequest,
    meanwhile: &mut dyn FnMut(&mut (dyn ReplyModel + '_)),
) -> Vec<String> {
    let (sink, stream) = reply_stream(Turn(1), false);
    sink.allow_ahead(model.ahead());
    let mut sink = Some(sink);
    let mut clauses = Vec::new();
    loop {
        let (client, answers) = client(call);
        let resume = stream.wanting().ask(&client.answer);
        drop(client);
        match sink.take() {
            Some(sink) => model.begin(CallKey(call), request.clone(), sink),
            None if resume => model.resume(CallKey(call)),
            None => {}
        }
        // The channel ends without an answer where the model has lost the reply.
        match answers.recv_timeout(super::PATIENCE) {
            Ok(SessionMessage::Event(duplex_core::Event::Written { text, last, .. })) => {
                clauses.push(text);
                if last {
                    return clauses;
                }
            }
            _ => panic!("no clause after {clauses:?}"),
        }
        meanwhile(model);
    }
}

#[test]
fn a_reply_model_writes_a_reply_that_depends_on_its_conversation_alone() {
    let (models, _server) = reply_models();
    for (name, options) in models {
        with_model(&options, |model| {
            let asked = || request("Tell me about dogs and about cats.", "");
            let alone = reply(model, 1, asked(), &mut |_| ());
            assert!(!alone.concat().trim().is_empty(), "{name}");
            // Another call is served between its clauses, and its own conversation is read meanwhile.
            let mut other = 0;
            let beside = reply(model, 1, asked(), &mut |model| {
                other += 1;
                let request = request("What is the capital of France?", "");
                model.read_ahead(CallKey(2), &request.conversation, &|| false).unwrap();
                reply(model, 2, request, &mut |_| ());
                model.close(CallKey(2));
            });
            assert_eq!(beside.concat(), alone.concat(), "{name}, with {other} others");
        });
    }
}

#[test]
fn a_reply_is_the_same_where_the_model_was_asked_whether_the_words_are_whole() {
    let (models, _server) = reply_models();
    for (name, options) in models {
        with_model(&options, |model| {
            let asked = request("Tell me about dogs.", "");
            let never = || false;
            let of = |model: &mut (dyn ReplyModel + '_)| {
                model.end_of_words(CallKey(1), &asked.conversation, &never).unwrap()
            };
            let before = reply(model, 1, asked.clone(), &mut |_| ());
            let said = of(model);
            assert!(said.is_none_or(|end| (0.0..=1.0).contains(&end)), "{name}: {said:?}");
            assert_eq!(of(model), said, "{name}");
            assert_eq!(reply(model, 1, asked.clone(), &mut |_| ()), before, "{name}");
        });
    }
}

#[test]
fn a_reply_model_goes_on_after_what_is_written_and_after_a_cancelled_reply() {
    let (models, _server) = reply_models();
    for (name, options) in models {
        with_model(&options, |model| {
            let words = "Tell me about dogs and about cats.";
            let all = reply(model, 1, request(words, ""), &mut |_| ()).concat();
            let (begun, _) = all.split_at(all.find(' ').unwrap() + 1);
            let (sink, stream) = reply_stream(Turn(2), false);
            drop(stream);
            model.begin(CallKey(1), request(words, ""), sink);
            model.resume(CallKey(1));
            let rest = reply(model, 1, request(words, begun), &mut |_| ()).concat();
            assert!(!rest.trim().is_empty(), "{name}");
            assert!(!rest.starts_with(begun), "{name} begins again: {rest:?}");
        });
    }
}

#[test]
fn a_voice_speaks_a_clause_to_its_end_with_marks_in_order() {
    for (name, options) in voices() {
        with_model(&options, |model| {
            assert!(model.sample_rate() >= 8_000, "{name}");
            for text in ["Once upon a time, there was a café. ", "Yes.", " ", "", "—", "😀 ok"]
            {
                let (mut samples, mut marks, mut lasts) = (0, Vec::new(), Vec::new());
                model
                    .speak(text.into(), 1.0, &mut |chunk| {
                        samples += chunk.samples.len();
                        marks.extend(chunk.marks);
                        lasts.push(chunk.last);
                        assert!(chunk.samples.iter().all(|sample| sample.abs() <= 1.0), "{name}");
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                let ends = lasts.iter().filter(|last| **last).count();
                assert_eq!((ends, lasts.last()), (1, Some(&true)), "{name}, {text:?}");
                assert!(marks.is_sorted_by_key(|mark| (mark.samples, mark.bytes)), "{name}");
                for mark in &marks {
                    assert!(text.is_char_boundary(mark.bytes), "{name}, {text:?}");
                    assert!(mark.samples <= samples as u64, "{name}, {text:?}");
                }
                if text.contains(char::is_alphabetic) {
                    assert!(samples > 0 && !marks.is_empty(), "{name}, {text:?}");
                }
            }
        });
    }
}

#[test]
fn a_voice_stops_when_nobody_listens_and_speaks_the_next_clause() {
    for (name, options) in voices() {
        with_model(&options, |model| {
            let text = "Once upon a time, there was a king who had three daughters.";
            let mut chunks = 0;
            model
                .speak(text.into(), 1.0, &mut |_| {
                    chunks += 1;
                    ControlFlow::Break(())
                })
                .unwrap();
            assert_eq!(chunks, 1, "{name}");
            let mut ended = false;
            model
                .speak(text.into(), 1.0, &mut |chunk| {
                    ended |= chunk.last;
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(ended, "{name}");
        });
    }
}
