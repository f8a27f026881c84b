//! Long calls: what is dropped when the history outgrows the context.

use std::ops::ControlFlow;

use duplex_model::llm::{ChatMessage, Llm, LlmOptions, Role};

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

#[test]
fn a_turn_of_any_length_is_answered_by_its_end_and_the_next_turn_as_ever() {
    let weights = weights();
    let mut llm = Llm::new(&weights, LlmOptions { context: 256, ..greedy() }).unwrap();
    let call = llm.open_call().unwrap();
    let written = |llm: &mut Llm<'_>, mut messages: Vec<ChatMessage>| {
        let short = llm.shorten(call, &messages).unwrap();
        let is_short = short.is_some();
        if let Some((at, message)) = short {
            assert!(messages[at].text.trim().ends_with(&message.text));
            messages[at] = message;
        }
        let dropped = llm.fit(call, &messages).unwrap();
        messages.drain(1..1 + dropped);
        let mut text = String::new();
        let mut emit = |piece: &str| {
            text.push_str(piece);
            ControlFlow::Continue(())
        };
        llm.write(call, &messages, &mut || false, &mut emit).unwrap();
        assert!(!text.is_empty());
        is_short
    };
    let before = turns(4);
    for (words, is_short) in [(10, false), (100, false), (400, true), (5_000, true)] {
        let long =
            user(&format!("{}What is the capital of France?", "word and ".repeat(words / 2)));
        let messages = [&before[..], std::slice::from_ref(&long)].concat();
        assert_eq!(written(&mut llm, messages.clone()), is_short, "{words} words");
        let begun = [&messages[..], &[assistant("The capital of")]].concat();
        assert_eq!(written(&mut llm, begun), is_short, "{words} words");
        let after = [&messages[..], &[assistant("Paris."), user("And of Spain?")]].concat();
        assert!(!written(&mut llm, after), "{words} words");
    }
    assert!(written(&mut llm, vec![system(), user(&"天空是蓝色的".repeat(500))]));
}

#[test]
fn the_same_messages_have_the_same_window_whatever_was_asked_before() {
    let weights = weights();
    let mut asked = Llm::new(&weights, greedy()).unwrap();
    let call = asked.open_call().unwrap();
    let all = turns(60);
    for end in 1..all.len() {
        let messages = [&all[..=end], &[user("")]].concat();
        let dropped = asked.fit(call, &messages).unwrap();
        if end % 20 == 0 {
            let mut fresh = Llm::new(&weights, greedy()).unwrap();
            let call = fresh.open_call().unwrap();
            assert_eq!(fresh.fit(call, &messages).unwrap(), dropped);
        }
    }
}

#[test]
fn after_a_turn_with_a_full_window_the_first_token_costs_only_the_new_words() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let kept = |llm: &mut Llm<'_>, messages: &[ChatMessage]| {
        let dropped = llm.fit(call, messages).unwrap();
        (dropped, [&messages[..1], &messages[1 + dropped..]].concat())
    };
    let mut conversation = vec![system()];
    let (mut window, mut moves) = (0, 0);
    for turn in 0..25 {
        let early = format!("Tell me something about the number {turn}, and say");
        let whole = format!("{early} whether it is even.");
        // The user's committed words, and then all of them.
        let messages = [&conversation[..], &[user(&early)]].concat();
        let (dropped, messages) = kept(&mut llm, &messages);
        assert_eq!(dropped, window, "the window moved while the user spoke in turn {turn}");
        let read = llm.prefill(call, &messages, &mut || false).unwrap();
        assert!(turn == 0 || read.decoded <= 14, "{read:?} in turn {turn}");
        let mut before = llm.prompt(call, &messages).unwrap().tokens;

        conversation.push(user(&whole));
        let (dropped, messages) = kept(&mut llm, &conversation);
        assert_eq!(dropped, window, "the window moved before the reply in turn {turn}");
        let opened = [&messages[..], &[assistant("")]].concat();
        let tokens = llm.prompt(call, &opened).unwrap().tokens;
        assert!(tokens.starts_with(&before), "turn {turn}");
        let mut text = String::new();
        let mut emit = |piece: &str| {
            text.push_str(piece);
            ControlFlow::Continue(())
        };
        let written = llm.write(call, &messages, &mut || false, &mut emit).unwrap();
        assert_eq!(written.prefilled, tokens.len() - before.len(), "turn {turn}");
        // Five words and the template's five tokens.
        assert!(written.prefilled <= 12, "{written:?} in turn {turn}");

        // The reply was heard to its end.
        conversation.push(assistant(&text));
        let messages = [&conversation[..], &[user("")]].concat();
        let (dropped, messages) = kept(&mut llm, &messages);
        moves += usize::from(dropped != window);
        assert!(dropped >= window);
        let read = llm.prefill(call, &messages, &mut || false).unwrap();
        before = llm.prompt(call, &messages).unwrap().tokens;
        if dropped == window {
            assert!(read.decoded <= 8, "{read:?} after turn {turn}");
        } else {
            assert!(before.len() <= 512 / 2, "{read:?} after turn {turn}");
        }
        window = dropped;
    }
    assert!((3..=12).contains(&moves), "{moves} moves");
}

#[test]
fn a_fact_told_long_ago_is_known_with_a_long_context_and_forgotten_with_a_short_one() {
    let weights = weights();
    let fact = user("My sister's name is Wilhelmina.");
    let mut all = turns(60);
    all.splice(1..1, [fact, assistant("What a fine name.")]);
    all.push(user("What is my sister's name?"));
    let prompt = |context| {
        let mut llm = Llm::new(&weights, LlmOptions { context, ..greedy() }).unwrap();
        let call = llm.open_call().unwrap();
        let whole = llm.prompt(call, &all).unwrap();
        assert!(whole.tokens.len() - whole.starts[2] > 1500, "the fact is old");
        let dropped = llm.fit(call, &all).unwrap();
        let tokens = llm.prompt(call, &[&all[..1], &all[1 + dropped..]].concat()).unwrap().tokens;
        String::from_utf8(weights.vocab().detokenize(&tokens, false, true)).unwrap()
    };
    assert!(prompt(4096).contains("Wilhelmina"));
    assert!(!prompt(512).contains("Wilhelmina"));
}
