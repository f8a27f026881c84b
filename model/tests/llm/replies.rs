//! Generating a reply: pauses, stops, length limits, and what follows a reply that was cut.

use std::ops::ControlFlow;

use duplex_model::llm::{End, Llm, LlmError, LlmOptions, ReplyLimits, Sampling};

use crate::support::{assistant, first_piece, greedy, reply, system, user, weights};

fn sampled() -> LlmOptions {
    LlmOptions {
        sampling: Sampling { temperature: 0.8, seed: 3, ..Sampling::default() },
        ..greedy()
    }
}

#[test]
fn a_reply_answers_the_question_and_ends_its_turn() {
    let weights = weights();
    let mut llm = Llm::new(&weights, LlmOptions { threads: 1, ..greedy() }).unwrap();
    let call = llm.open_call().unwrap();
    let (text, end) = reply(&mut llm, call, &[system(), user("What is the capital of France?")]);
    assert!(text.contains("Paris"), "{text}");
    assert_eq!(end, End::EndOfTurn);
}

#[test]
fn a_reply_paused_at_every_piece_is_the_reply_without_pauses() {
    let weights = weights();
    let question = [system(), user("Tell me something about bees.")];
    for options in [greedy(), sampled()] {
        let mut llm = Llm::new(&weights, options.clone()).unwrap();
        let call = llm.open_call().unwrap();
        let (whole, whole_end) = reply(&mut llm, call, &question);

        let mut llm = Llm::new(&weights, options).unwrap();
        let call = llm.open_call().unwrap();
        let mut text = String::new();
        let mut last = End::Paused;
        for round in 0.. {
            // Both ways to ask for more: the question again, or with the reply so far.
            let so_far = [&question[..], &[assistant(&text)]].concat();
            let messages = if round % 2 == 0 { &question[..] } else { &so_far[..] };
            let mut emit = |piece: &str| {
                text.push_str(piece);
                ControlFlow::Break(())
            };
            let written = llm.write(call, messages, &mut || false, &mut emit).unwrap();
            if round > 0 {
                assert!(written.prefilled <= 1, "a pause costs no decoding: {written:?}");
            }
            last = written.end;
            if last != End::Paused {
                break;
            }
        }
        assert_eq!((text, last), (whole, whole_end));
    }
}

#[test]
fn a_reply_that_was_stopped_goes_on_where_it_was() {
    let weights = weights();
    let question = [system(), user("Why is the sky blue?")];
    let mut llm = Llm::new(&weights, sampled()).unwrap();
    let call = llm.open_call().unwrap();
    let mut whole = String::new();
    let mut emit = |piece: &str| {
        whole.push_str(piece);
        ControlFlow::Continue(())
    };
    let mut steps = 0;
    let mut count = || {
        steps += 1;
        false
    };
    llm.write(call, &question, &mut count, &mut emit).unwrap();
    llm.discard_reply(call).unwrap();

    // What is sampled, and how long it is, differs between processors.
    let mut text = String::new();
    let mut left = steps / 2;
    let mut halfway = || {
        left -= 1;
        left == 0
    };
    let mut emit = |piece: &str| {
        text.push_str(piece);
        ControlFlow::Continue(())
    };
    let written = llm.write(call, &question, &mut halfway, &mut emit).unwrap();
    assert_eq!(written.end, End::Stopped);
    let (rest, _) = reply(&mut llm, call, &question);
    assert_eq!(text + &rest, whole);
}

#[test]
fn a_conversation_that_went_elsewhere_begins_its_reply_anew() {
    let weights = weights();
    let question = [system(), user("Why do we need to sleep?")];
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let (first, end) = first_piece(&mut llm, call, &question);
    assert_eq!(end, End::Paused);
    let longer = [system(), user("Why do we need to sleep? And dream")];
    llm.prefill(call, &longer, &mut || false).unwrap();
    assert_eq!(first_piece(&mut llm, call, &question).0, first);
}

#[test]
fn a_reply_cut_to_what_was_heard_keeps_its_tokens_in_the_cache() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let question = [system(), user("Tell me about the moon.")];
    let opened = [&question[..], &[assistant("")]].concat();
    let opening = llm.prefill(call, &opened, &mut || false).unwrap().decoded;
    let (text, _) = reply(&mut llm, call, &question);
    let (end_of_fifth_word, _) = text.match_indices(' ').nth(4).unwrap();
    let heard = assistant(&text[..end_of_fifth_word]);

    let interrupted = [&question[..], &[heard, user("How far is it?")]].concat();
    let synced = llm.prefill(call, &interrupted, &mut || false).unwrap();
    assert!(synced.kept >= opening + 5, "{synced:?}: the heard words were decoded again");
    assert!(synced.removed > 0, "{synced:?}: words that nobody heard stayed");
    assert_ne!(reply(&mut llm, call, &interrupted).0, "");
}

#[test]
fn the_words_of_a_user_still_speaking_are_kept_when_more_follow() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let mut before = llm.prefill(call, &[system(), user("What is")], &mut || false).unwrap();
    for text in [
        "What is the boiling",
        "What is the boiling point of",
        "What is the boiling point of water?",
    ] {
        let synced = llm.prefill(call, &[system(), user(text)], &mut || false).unwrap();
        assert_eq!((synced.kept, synced.removed), (before.kept + before.decoded, 0));
        before = synced;
    }
}

#[test]
fn from_the_soft_limit_a_reply_ends_with_its_sentence_and_at_the_hard_limit_anywhere() {
    let weights = weights();
    let question = [user("Tell me a long story about a dog.")];
    let limits = |soft, hard| LlmOptions {
        reply: ReplyLimits { soft, hard, paragraphs: false },
        ..greedy()
    };

    let mut llm = Llm::new(&weights, limits(10, 200)).unwrap();
    let call = llm.open_call().unwrap();
    let (text, end) = reply(&mut llm, call, &question);
    assert_eq!(end, End::Length);
    assert!(text.ends_with(['.', '!', '?']), "{text}");

    let mut llm = Llm::new(&weights, limits(5, 5)).unwrap();
    let call = llm.open_call().unwrap();
    let mut silent = |_: &str| ControlFlow::Continue(());
    let written = llm.write(call, &question, &mut || false, &mut silent).unwrap();
    assert_eq!((written.tokens, written.end), (5, End::Length));
}

#[test]
fn the_same_seed_gives_the_same_reply_and_another_seed_another() {
    let weights = weights();
    let question = [system(), user("Tell me a short story about a dog.")];
    let spoken = |seed| {
        let options = LlmOptions {
            sampling: Sampling { temperature: 1.0, seed, ..Sampling::default() },
            ..greedy()
        };
        let mut llm = Llm::new(&weights, options).unwrap();
        let call = llm.open_call().unwrap();
        reply(&mut llm, call, &question).0
    };
    let first = spoken(1);
    assert_eq!(first, spoken(1));
    assert_ne!(first, spoken(2));
}

#[test]
fn a_conversation_that_leaves_no_room_for_a_reply_is_refused_before_decoding() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let long = [user(&"word ".repeat(500))];
    let mut silent = |_: &str| ControlFlow::Continue(());
    let error = llm.write(call, &long, &mut || false, &mut silent).unwrap_err();
    assert!(
        matches!(error, LlmError::ContextFull { needed, have: 512 } if needed > 512),
        "{error}"
    );
    assert!(!reply(&mut llm, call, &[user("Hello.")]).0.is_empty());
}
