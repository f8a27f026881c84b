//! Cost of editing a conversation with the default language model: `DUPLEX_MODELS=... cargo bench --bench llm`.
//! `DUPLEX_THREADS` sets the threads (default 1).

use std::ops::ControlFlow;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use duplex_model::llm::{
    CallId, ChatMessage, DEFAULT_SYSTEM_PROMPT, Llm, LlmOptions, Mirror, Need, Role, Sampling,
    Token, Weights,
};

const HISTORY: [(&str, &str); 2] = [
    (
        "Can you tell me about the moon?",
        "The moon goes around the Earth once in about twenty-seven days.",
    ),
    ("And how big is it?", "It is about a quarter as wide as the Earth."),
];

fn weights() -> Weights {
    let models = std::env::var_os("DUPLEX_MODELS").expect("DUPLEX_MODELS: run `make models`");
    let path = PathBuf::from(models).join("smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf");
    Weights::load(&path).expect("the default model loads")
}

fn options() -> LlmOptions {
    let threads = std::env::var("DUPLEX_THREADS").map_or(1, |text| text.parse().expect("a number"));
    LlmOptions { threads, ..LlmOptions::default() }
}

/// A conversation of two turns, and a third whose user is still speaking.
fn conversation(question: &str) -> Vec<ChatMessage> {
    let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for (user, assistant) in HISTORY {
        messages.push(ChatMessage::new(Role::User, user));
        messages.push(ChatMessage::new(Role::Assistant, assistant));
    }
    messages.push(ChatMessage::new(Role::User, question));
    messages
}

fn prefill(llm: &mut Llm<'_>, call: CallId, messages: &[ChatMessage]) {
    llm.prefill(call, messages, &mut || false).expect("prefilled");
}

fn edits(criterion: &mut Criterion) {
    let weights = weights();
    let mut llm = Llm::new(&weights, options()).expect("a context");
    let call = llm.open_call().expect("a call");
    let short = conversation("How far away is the");
    let [longer, other] =
        ["sun", "moon"].map(|word| conversation(&format!("How far away is the {word}")));
    let mut group = criterion.benchmark_group("llm");
    group.sample_size(20);
    prefill(&mut llm, call, &short);
    group.bench_function("prefill, nothing new", |bench| {
        bench.iter(|| prefill(&mut llm, call, &short));
    });
    // Every second of these removes a word, which decodes nothing.
    group.bench_function("prefill, append one word and take it back", |bench| {
        bench.iter(|| {
            prefill(&mut llm, call, &longer);
            prefill(&mut llm, call, &short);
        });
    });
    let mut turn = 0;
    group.bench_function("prefill, replace the last word", |bench| {
        bench.iter(|| {
            turn += 1;
            prefill(&mut llm, call, if turn % 2 == 0 { &longer } else { &other });
        });
    });
    let prompt = llm.prompt(call, &longer).expect("rendered").tokens;
    drop(llm);
    let mut mirror = Mirror::new(&weights, &options()).expect("a context");
    group.bench_function(format!("sync, whole prompt of {} tokens", prompt.len()), |bench| {
        bench.iter(|| {
            mirror.sync(0, &[], Need::Cache, &mut || false).expect("cleared");
            mirror.sync(0, &prompt, Need::Logits, &mut || false).expect("decoded");
        });
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let weights = weights();
    let mut llm = Llm::new(&weights, options()).expect("a context");
    let call = llm.open_call().expect("a call");
    let messages = conversation("How far away is the sun?");
    let mut pause = |_: &str| ControlFlow::Break(());
    let mut group = criterion.benchmark_group("llm");
    group.sample_size(20);
    group.bench_function("write, one piece of a reply", |bench| {
        bench.iter_batched(
            || (),
            |()| {
                let written =
                    llm.write(call, &messages, &mut || false, &mut pause).expect("written");
                if written.tokens == 0 {
                    llm.discard_reply(call).expect("an open call");
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// What it costs to know the earlier replies: a token after 24 exchanges, whose replies have 750 tokens.
fn repetition(criterion: &mut Criterion) {
    let weights = weights();
    let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for turn in 0..24 {
        let (user, assistant) = HISTORY[turn % HISTORY.len()];
        messages.push(ChatMessage::new(Role::User, user));
        messages
            .push(ChatMessage::new(Role::Assistant, format!("{turn}. {assistant} {assistant}")));
    }
    messages.push(ChatMessage::new(Role::User, "Tell me a long story about a dog."));
    let mut group = criterion.benchmark_group("llm repetition");
    group.sample_size(20);
    for (name, dry_multiplier) in [("without", 0.0), ("with", Sampling::default().dry_multiplier)] {
        let sampling = Sampling { dry_multiplier, ..Sampling::default() };
        let mut llm = Llm::new(&weights, LlmOptions { sampling, ..options() }).expect("a context");
        let call = llm.open_call().expect("a call");
        let opened = [&messages[..], &[ChatMessage::new(Role::Assistant, "")]].concat();
        prefill(&mut llm, call, &opened);
        group.bench_function(format!("a reply of 20 tokens, {name} DRY"), |bench| {
            bench.iter(|| {
                llm.discard_reply(call).expect("an open call");
                llm.limit_reply(call, Some(20)).expect("an open call");
                let mut go_on = |_: &str| ControlFlow::Continue(());
                llm.write(call, &messages, &mut || false, &mut go_on).expect("written")
            });
        });
    }
    group.finish();
}

/// A call of half an hour.
const LONG: usize = 300;

fn long_calls(criterion: &mut Criterion) {
    let weights = weights();
    let mut llm = Llm::new(&weights, options()).expect("a context");
    let call = llm.open_call().expect("a call");
    let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for turn in 0..LONG / 2 {
        let (user, assistant) = HISTORY[turn % HISTORY.len()];
        messages.push(ChatMessage::new(Role::User, format!("Question {turn}: {user}")));
        messages.push(ChatMessage::new(Role::Assistant, format!("Answer {turn}: {assistant}")));
    }
    messages.push(ChatMessage::new(Role::User, ""));
    let mut group = criterion.benchmark_group("llm");
    group.sample_size(50);
    group.bench_function(format!("prompt, {LONG} messages"), |bench| {
        bench.iter(|| llm.prompt(call, &messages).expect("rendered"));
    });
    group.bench_function(format!("fit, {LONG} messages, and prompt of what is left"), |bench| {
        bench.iter(|| {
            let drop = llm.fit(call, &messages).expect("fitted");
            let kept = [&messages[..1], &messages[1 + drop..]].concat();
            llm.prompt(call, &kept).expect("rendered")
        });
    });
    group.finish();
}

/// What a token, a turn and a moved window cost after more and more history.
fn histories(criterion: &mut Criterion) {
    let weights = weights();
    let options = LlmOptions { context: 4352, ..options() };
    let mut mirror = Mirror::new(&weights, &options).expect("a context");
    let text = HISTORY.map(|(user, assistant)| format!("{user}\n{assistant}\n")).concat();
    let tokens = weights.vocab().tokenize(text.repeat(100).as_bytes(), false, false);
    let mut sync = |target: &[Token], need| {
        mirror.sync(0, target, need, &mut || false).expect("decoded");
    };
    let mut group = criterion.benchmark_group("llm after history");
    group.sample_size(20);
    for past in [300, 600, 1000, 2000, 4000] {
        sync(&tokens[..past], Need::Cache);
        // Another token each time, so that it is decoded each time.
        let mut turn = 0;
        group.bench_function(format!("a token after {past}"), |bench| {
            bench.iter(|| {
                turn += 1;
                let next = tokens[past + turn % 2];
                sync(&[&tokens[..past], &[next]].concat(), Need::Logits);
            });
        });
        // With the template's five tokens: the last words of a turn that was read ahead, and a whole turn.
        for new in [8, 24] {
            group.bench_function(format!("the first token after {past} and {new} new"), |bench| {
                bench.iter(|| {
                    sync(&tokens[..past], Need::Cache);
                    sync(&tokens[..past + new], Need::Logits);
                });
            });
        }
    }
    group.sample_size(10);
    for window in [1024, 2048, 4096] {
        group.bench_function(format!("half a window of {window}"), |bench| {
            bench.iter(|| {
                sync(&[], Need::Cache);
                sync(&tokens[..window / 2], Need::Cache);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, edits, writing, repetition, long_calls, histories);
criterion_main!(benches);
