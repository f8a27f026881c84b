//! Long calls: what is dropped when the history outgrows the context.

use duplex_model::llm::{ChatMessage, Llm, Role};

use crate::support::{assistant, greedy, system, user, weights};

fn turns(count: usize) -> Vec<ChatMessage> {
    let turn = |at: usize| {
        [
            user(&format!("Question {at} about the weather.")),
            assistant("It will rain all day long."),
        ]
    };
    std::iter::once(system()).chain((0..count).flat_map(turn)).collect()
}

#[test]
fn a_history_that_fits_is_left_whole() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    assert_eq!(llm.fit(call, &turns(5)).unwrap(), 0);
    assert_eq!(llm.fit(call, &[]).unwrap(), 0);
}

#[test]
fn what_is_left_fits_begins_with_a_user_and_changes_rarely() {
    let weights = weights();
    let options = greedy();
    let mut llm = Llm::new(&weights, options.clone()).unwrap();
    let call = llm.open_call().unwrap();
    let all = turns(120);
    let (mut before, mut changes) = (0, 0);
    for end in 1..all.len() {
        let dropped = llm.fit(call, &all[..=end]).unwrap();
        assert!(dropped >= before, "what was dropped stays dropped");
        if dropped > before {
            changes += 1;
            before = dropped;
        }
        let kept = [&all[..1], &all[1 + dropped..=end]].concat();
        assert_eq!(kept[1].role, Role::User);
        assert!(kept.len() > 2 || end < 3, "the newest turns stay");
        let opened = [&kept[..], &[assistant("")]].concat();
        let tokens = llm.prompt(call, &opened).unwrap().tokens.len();
        assert!(tokens + options.reply.hard <= options.context as usize, "{tokens} tokens");
    }
    // 240 messages of 12 tokens; each change makes room for half a context of some 20.
    assert!((5..=20).contains(&changes), "{changes} times the cache was rebuilt");
}

#[test]
fn the_newest_message_stays_even_if_it_alone_is_too_long() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let mut messages = turns(3);
    messages.push(user(&"word ".repeat(600)));
    assert_eq!(llm.fit(call, &messages).unwrap(), 6);
}
