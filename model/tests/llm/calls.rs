//! Several calls on one context do not affect each other.

use std::ops::ControlFlow;

use duplex_model::llm::{End, Llm, LlmError};

use crate::support::{greedy, reply, system, user, weights};

#[test]
fn two_calls_interleaved_piece_by_piece_say_what_each_says_alone() {
    let weights = weights();
    let questions = [
        [system(), user("What is the capital of Italy?")],
        [system(), user("How do plants make their food?")],
    ];
    let alone = questions.each_ref().map(|question| {
        let mut llm = Llm::new(&weights, greedy()).unwrap();
        let call = llm.open_call().unwrap();
        reply(&mut llm, call, question).0
    });

    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let calls = [llm.open_call().unwrap(), llm.open_call().unwrap()];
    let mut said = [String::new(), String::new()];
    let mut paused = [true, true];
    while paused != [false, false] {
        for at in [0, 1] {
            if paused[at] {
                let mut emit = |piece: &str| {
                    said[at].push_str(piece);
                    ControlFlow::Break(())
                };
                let written = llm.write(calls[at], &questions[at], &mut || false, &mut emit);
                paused[at] = written.unwrap().end == End::Paused;
            }
        }
    }
    assert_eq!(said, alone);
}

#[test]
fn a_closed_call_makes_room_for_another_and_its_handle_is_dead() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let [first, second] = [llm.open_call().unwrap(), llm.open_call().unwrap()];
    assert!(matches!(llm.open_call(), Err(LlmError::TooManyCalls { limit: 2 })));

    let (text, _) = reply(&mut llm, first, &[system(), user("Hello.")]);
    llm.close_call(first).unwrap();
    let third = llm.open_call().unwrap();
    assert_ne!(third, first);
    let dead = llm.prefill(first, &[system()], &mut || false);
    assert!(matches!(dead, Err(LlmError::NoSuchCall { call }) if call == first));

    let synced = llm.prefill(third, &[system(), user("Hello.")], &mut || false).unwrap();
    assert_eq!(synced.kept, 0, "a call begins with an empty cache");
    assert_eq!(reply(&mut llm, third, &[system(), user("Hello.")]).0, text);
    llm.close_call(second).unwrap();
}

#[test]
fn two_models_can_be_loaded_in_one_process() {
    let [first, second] = [weights(), weights()];
    let mut one = Llm::new(&first, greedy()).unwrap();
    let mut other = Llm::new(&second, greedy()).unwrap();
    let question = [system(), user("Hello.")];
    let calls = (one.open_call().unwrap(), other.open_call().unwrap());
    assert_eq!(reply(&mut one, calls.0, &question), reply(&mut other, calls.1, &question));
}

#[test]
fn the_facts_are_those_of_the_file() {
    let weights = weights();
    let llm = Llm::new(&weights, greedy()).unwrap();
    let info = llm.info();
    assert_eq!(info.model.architecture, "llama");
    assert_eq!(info.model.parameters, 134_515_008);
    assert_eq!(info.context, 512);
    // Two calls and 512 cells for drafts; 30 layers of 3 heads of 64 values, keys and values, 34 bytes for 32 of them.
    assert_eq!(info.cache_bytes, (2 * 512 + 512) * 30 * 3 * 64 * 2 / 32 * 34);
}
