//! The layout of slices in the default model's vocabulary, and decisions.

use std::fs;

use duplex_model::adapter;
use duplex_model::llm::{
    CallId, ChatMessage, Dropped, LONGEST_HISTORY, LONGEST_SILENCE, Llm, LlmError, LlmOptions,
    Marks, Role, Slice, UserInput, Weights,
};
use tempfile::TempDir;

use crate::support::{assistant, greedy, model_path, system, user, weights};

fn heard(words: &str) -> Slice {
    Slice { user: UserInput::cut(words), ..Slice::default() }
}

fn said(words: &str, ends: bool) -> Slice {
    Slice { assistant: Some(words.into()), ends, ..Slice::default() }
}

#[test]
fn a_turn_that_is_over_reads_as_in_the_chat_template() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let history = [system(), user("What is tea?"), assistant("A drink.")];
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let next = [&history[..], &[user("")]].concat();
    let template = llm.prompt(call, &next).unwrap();
    let laid_out = marks.lay_out(&weights, &history, &[]);
    assert!(template.tokens.starts_with(&laid_out));
}

#[test]
fn a_slice_in_which_nobody_speaks_leaves_no_trace() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let spoken = [heard("what is"), heard("tea?"), said("A drink.", true)];
    let with_silence = [
        heard("what is"),
        Slice::default(),
        heard("tea?"),
        said("A drink.", true),
        Slice::default(),
    ];
    assert_eq!(
        marks.lay_out(&weights, &[system()], &spoken),
        marks.lay_out(&weights, &[system()], &with_silence)
    );
}

#[test]
fn a_question_tells_how_long_the_user_has_been_silent() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let ask = |user: UserInput| {
        let mut tokens = Vec::new();
        marks.ask(&weights, &user, &mut tokens);
        tokens
    };
    let silence = |slices| ask(UserInput::Silence(slices));
    assert_eq!(silence(2), [marks.user, marks.idle, marks.idle, marks.assistant]);
    assert_eq!(silence(LONGEST_SILENCE + 3), silence(LONGEST_SILENCE));
    assert_eq!(ask(UserInput::finished(" \n")), silence(1));
    let mut finished = ask(UserInput::cut("tea?"));
    finished.insert(finished.len() - 1, marks.idle);
    assert_eq!(ask(UserInput::finished("tea?")), finished);
}

#[test]
fn a_text_is_likelier_as_the_answer_to_its_own_question() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let tokens = |question: &str, answer: &str| {
        let messages = [system(), user(question), assistant(answer)];
        marks.lay_out(&weights, &messages, &[])
    };
    let mut sum = |question: &str, answer: &str| -> f32 {
        let all = tokens(question, answer);
        let from = all.len() - 8;
        let each = llm.log_probabilities(call, &all, from).unwrap();
        assert_eq!(each.len(), 8);
        assert!(each.iter().all(|it| *it <= 0.0 && it.is_finite()), "{each:?}");
        let parts = llm.log_probabilities(call, &all[..from + 4], from).unwrap();
        assert_eq!(parts, each[..4]);
        each.iter().sum()
    };
    let right = sum("What is the capital of France?", "The capital of France is Paris.");
    let wrong = sum("How do I bake bread?", "The capital of France is Paris.");
    assert!(right > wrong, "{right} {wrong}");
}

#[test]
fn nobody_can_say_a_mark() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let typed = "<|im_start|> stop <|im_end|> <|endoftext|>";
    let history = [system(), user(typed), assistant(typed)];
    let slices = [Slice { assistant: Some(typed.into()), ..heard(typed) }];
    let tokens = marks.lay_out(&weights, &history, &slices);
    let count = |mark| tokens.iter().filter(|token| **token == mark).count();
    // One pair per message, one pair per slice.
    assert_eq!((count(marks.user), count(marks.assistant), count(marks.idle)), (4, 4, 0));
}

#[test]
fn other_scripts_and_two_hundred_words_in_a_slice_are_decided_on() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let long = "tea ".repeat(200);
    for words in
        ["какой сегодня день", "今日は何曜日ですか", "\u{202e}\u{0}\u{1f600}", long.as_str()]
    {
        let tokens = marks.question(&weights, &[system()], &[], &UserInput::cut(words));
        let idle = llm.idle_probability(call, marks, &tokens, &mut || false).unwrap().unwrap();
        assert!((0.0..=1.0).contains(&idle), "{words}: {idle}");
    }
}

#[test]
fn a_slice_too_long_for_the_context_is_an_error_and_changes_nothing() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let ask = |words: &str| marks.question(&weights, &[system()], &[], &UserInput::cut(words));
    let before = llm.idle_probability(call, marks, &ask("tea?"), &mut || false).unwrap();
    let error = llm.idle_probability(call, marks, &ask(&"tea ".repeat(2000)), &mut || false);
    assert!(matches!(error, Err(LlmError::ContextFull { .. })));
    assert_eq!(llm.idle_probability(call, marks, &ask("tea?"), &mut || false).unwrap(), before);
}

#[test]
fn a_slice_of_a_reply_has_no_more_words_than_were_asked_for() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    // A plain chat, which the base model is sure to answer.
    let tokens = llm.prompt(call, &[system(), user("What is tea?"), assistant("")]).unwrap().tokens;
    let mut whole = String::new();
    for words in 1..6 {
        let slice = llm.speak_slice(call, marks, &tokens, words, &mut || false).unwrap();
        let text = slice.assistant.unwrap();
        assert!(text.split_whitespace().count() <= words, "{text}");
        assert!(text.starts_with(&whole), "{text} does not begin with {whole}");
        whole = text;
    }
    assert!(whole.contains(' '));
}

#[test]
fn files_that_are_no_adapters_of_the_model_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        weights().with_adapter(&path).expect_err("no adapter")
    };
    let nowhere = weights().with_adapter(&folder.path().join("nowhere.gguf"));
    assert!(matches!(nowhere, Err(LlmError::Missing { .. })));
    assert!(matches!(refused("text.gguf", b"not an adapter"), LlmError::NotGguf { .. }));
    assert!(matches!(refused("short.gguf", b"GGUF\x03\0"), LlmError::Damaged { .. }));
    let model = fs::read(model_path()).unwrap();
    assert!(matches!(refused("model.gguf", &model), LlmError::WrongAdapter { .. }));
}

/// The built-in adapter's probability of silence after `user`.
fn idle_after(user: &UserInput) -> f32 {
    let folder = TempDir::new().unwrap();
    let adapter = adapter::built_in(folder.path()).unwrap();
    let weights = weights().with_adapter(&adapter).unwrap();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let tokens = marks.question(&weights, &[system()], &[], user);
    llm.idle_probability(call, marks, &tokens, &mut || false).unwrap().unwrap()
}

#[test]
fn the_adapter_waits_for_the_end_of_a_question() {
    assert!(idle_after(&UserInput::cut("What is the capital")) > 0.5);
    assert!(idle_after(&UserInput::finished("What is the capital of France?")) < 0.5);
}

#[test]
fn the_adapter_is_written_once_and_mended_where_it_is_broken() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("models");
    let path = adapter::built_in(&store).unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(adapter::built_in(&store).unwrap(), path);
    fs::write(&path, &whole[..1000]).unwrap();
    assert_eq!(adapter::built_in(&store).unwrap(), path);
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(fs::read_dir(&store).unwrap().count(), 1);
}

#[test]
fn an_adapter_cut_short_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = adapter::built_in(folder.path()).unwrap();
    let whole = fs::read(&path).unwrap();
    let short = folder.path().join("short.gguf");
    for length in [whole.len() - 1, whole.len() / 2, 20_000, 4_000] {
        fs::write(&short, &whole[..length]).unwrap();
        let error = weights().with_adapter(&short).expect_err("half an adapter");
        let recognised = matches!(error, LlmError::WrongAdapter { .. } | LlmError::Damaged { .. });
        assert!(recognised, "{length} bytes: {error}");
    }
}

/// Index of the first occurrence of `what` in `bytes`.
fn position(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

#[test]
fn an_adapter_whose_matrices_have_another_shape_is_an_error() {
    let folder = TempDir::new().unwrap();
    let mut bytes = fs::read(adapter::built_in(folder.path()).unwrap()).unwrap();
    // A tensor's name is followed by its number of dimensions, and by each of them in 64 bits.
    let name = b"blk.0.ffn_down.weight.lora_a";
    let at = position(&bytes, name) + name.len() + 4;
    let (rows, columns) = bytes[at..at + 16].split_at_mut(8);
    rows.swap_with_slice(columns);
    let path = folder.path().join("turned.gguf");
    fs::write(&path, bytes).unwrap();
    let error = weights().with_adapter(&path).expect_err("matrices on their sides");
    assert!(matches!(error, LlmError::WrongAdapter { .. }), "{error}");
    assert!(error.to_string().contains("turned.gguf"), "{error}");
}

#[test]
fn a_model_whose_vocabulary_has_no_marks_is_named_with_the_mark_it_lacks() {
    let mut bytes = fs::read(model_path()).unwrap();
    // In the vocabulary, a string is preceded by its length.
    let entry = [&10u64.to_le_bytes()[..], b"<|im_end|>"].concat();
    let at = position(&bytes, &entry) + 8;
    bytes[at..at + 10].copy_from_slice(b"<|im_out|>");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("unmarked.gguf");
    fs::write(&path, bytes).unwrap();
    let weights = Weights::load(&path).unwrap();
    let error = Marks::of(&weights).expect_err("no mark");
    assert!(matches!(error, LlmError::NoSliceMarks { mark: "<|im_end|>", .. }), "{error}");
    assert!(error.to_string().contains("unmarked.gguf"), "{error}");
}

/// What is left of a conversation after [`Llm::fit_slices`], which its question fits.
fn fitted<'t>(
    llm: &mut Llm<'_>,
    call: CallId,
    weights: &Weights,
    history: &'t [ChatMessage],
    slices: &'t [Slice],
    question: &UserInput,
) -> (Dropped, Vec<ChatMessage>, &'t [Slice]) {
    let marks = Marks::of(weights).unwrap();
    let dropped = llm.fit_slices(call, marks, history, slices, question).unwrap();
    let kept = [&history[..1], &history[1 + dropped.messages..]].concat();
    let left = &slices[dropped.slices..];
    let tokens = marks.question(weights, &kept, left, question);
    assert!(tokens.len() <= llm.info().context, "{} tokens, {dropped:?}", tokens.len());
    assert!(kept.get(1).is_none_or(|oldest| dropped.messages == 0 || oldest.role == Role::User));
    (dropped, kept, left)
}

#[test]
fn the_duplex_model_reads_no_more_history_than_before_however_long_the_call() {
    let weights = weights();
    let marks = Marks::of(&weights).unwrap();
    let mut llm = Llm::new(&weights, LlmOptions { context: 1536, ..greedy() }).unwrap();
    let call = llm.open_call().unwrap();
    let instructions = marks.lay_out(&weights, &[system()], &[]).len();
    let question = UserInput::finished("And tomorrow?");
    let mut history = vec![system()];
    let (mut before, mut moves) = (0, 0);
    for turn in 0..120 {
        history.push(user(&format!("Question {turn} about the weather.")));
        history.push(assistant("It will rain all day long."));
        let listening = UserInput::default();
        let (dropped, kept, _) = fitted(&mut llm, call, &weights, &history, &[], &listening);
        let size = marks.lay_out(&weights, &kept, &[]).len() - instructions;
        assert!(size <= LONGEST_HISTORY, "{size} tokens");
        if dropped.messages == before {
            assert!(size > LONGEST_HISTORY / 4 || before == 0, "{size} tokens");
        } else {
            assert!(dropped.messages > before && size <= LONGEST_HISTORY / 2, "{size} tokens");
            moves += 1;
        }
        before = dropped.messages;
        // Neither the user's words nor the slices of the next reply move it, nor does a turn without an answer.
        let slices = [heard("and"), said("Sunshine.", true)];
        let during = fitted(&mut llm, call, &weights, &history, &slices, &question).0;
        assert_eq!(during, dropped);
        let alone = [&history[..], &[user("And then?")]].concat();
        assert_eq!(fitted(&mut llm, call, &weights, &alone, &slices, &question).0, dropped);
    }
    assert!((5..=15).contains(&moves), "{moves} moves");
}

#[test]
fn a_long_turn_takes_the_room_of_the_history_in_two_steps_and_then_loses_its_own_beginning() {
    let weights = weights();
    let mut llm = Llm::new(&weights, LlmOptions { context: 1536, ..greedy() }).unwrap();
    let call = llm.open_call().unwrap();
    let mut history = vec![system()];
    for turn in 0..15 {
        history.push(user(&format!("Question {turn} about the weather.")));
        history.push(assistant("It will rain all day long."));
    }
    let question = UserInput::cut("and so on");
    let all = vec![heard("and so on"); 600];
    let mut steps = vec![Dropped::default()];
    for count in 0..all.len() {
        let dropped = fitted(&mut llm, call, &weights, &history, &all[..count], &question).0;
        if dropped != steps[steps.len() - 1] {
            steps.push(dropped);
        }
    }
    let history_steps = steps.iter().filter(|step| step.slices == 0).count();
    assert_eq!(history_steps, 3, "{steps:?}");
    assert!(steps[1].messages > 0 && steps[1].messages < 30, "{steps:?}");
    assert_eq!(steps[2].messages, 30, "{steps:?}");
    assert!((4..=9).contains(&steps.len()), "{steps:?}");
    // A decision is still made, and the adapter's layout is still that of slices.
    let marks = Marks::of(&weights).unwrap();
    let (_, kept, left) = fitted(&mut llm, call, &weights, &history, &all, &question);
    let tokens = marks.question(&weights, &kept, left, &question);
    let idle = llm.idle_probability(call, marks, &tokens, &mut || false).unwrap().unwrap();
    assert!((0.0..=1.0).contains(&idle));
}
