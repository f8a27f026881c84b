//! What was said before is not said again, unless it is asked for, and is known for as long as it is in the conversation.

use duplex_model::llm::{ChatMessage, DEFAULT_SYSTEM_PROMPT, Llm, LlmOptions, Role, Sampling};

use crate::support::{assistant, greedy, reply, user, weights};

const HOBBY: &str = "A winter wonderland is a fun and relaxing hobby that involves spending time with loved ones, \
                     enjoying the warmth of the sun, and creating memories together.";

fn options(dry_multiplier: f32) -> LlmOptions {
    LlmOptions {
        sampling: Sampling { dry_multiplier, ..greedy().sampling },
        reply: LlmOptions::default().reply,
        ..greedy()
    }
}

/// A conversation in which the small model falls back into its last answer.
fn another_topic() -> Vec<ChatMessage> {
    vec![
        ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT),
        user("Suggest a hobby for the winter."),
        assistant(HOBBY),
        user("Suggest a cheap present for a teacher."),
    ]
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[test]
fn a_question_on_another_topic_does_not_get_the_last_answer_word_for_word() {
    let weights = weights();
    let ask = |multiplier| {
        let mut llm = Llm::new(&weights, options(multiplier)).unwrap();
        let call = llm.open_call().unwrap();
        reply(&mut llm, call, &another_topic()).0
    };
    assert_eq!(ask(0.0), HOBBY, "the model no longer repeats itself: the test needs another case");
    let text = ask(Sampling::default().dry_multiplier);
    let (said, before) = (words(&text), words(HOBBY));
    assert!(!said.is_empty());
    assert!(!said.windows(8).any(|run| before.windows(8).any(|earlier| earlier == run)), "{text}");
}

#[test]
fn who_asks_for_an_answer_once_more_is_told_it() {
    let weights = weights();
    let mut llm = Llm::new(&weights, options(Sampling::default().dry_multiplier)).unwrap();
    let call = llm.open_call().unwrap();
    let told = [
        ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT),
        user("What is the largest animal in the ocean?"),
        assistant("The largest animal in the ocean is the blue whale."),
    ];
    for request in ["Can you say that again?", "Please repeat that."] {
        let messages = [&told[..], &[user(request)]].concat();
        let (text, _) = reply(&mut llm, call, &messages);
        assert!(text.to_lowercase().contains("whale"), "{request} {text}");
    }
}

#[test]
fn what_was_said_is_known_to_its_call_alone_and_forgotten_with_its_messages() {
    let weights = weights();
    let new_call = |messages: &[ChatMessage]| {
        let mut llm = Llm::new(&weights, options(4.0)).unwrap();
        let call = llm.open_call().unwrap();
        reply(&mut llm, call, messages).0
    };
    let whole = another_topic();
    let cut = [&whole[..1], &whole[1..2]].concat();
    let mut llm = Llm::new(&weights, options(4.0)).unwrap();
    let call = llm.open_call().unwrap();
    let first = reply(&mut llm, call, &cut).0;
    assert_eq!(first, new_call(&cut));
    let said = [&cut[..], &[assistant(&first), whole[3].clone()]].concat();
    assert_eq!(reply(&mut llm, call, &said).0, new_call(&said));
    // The window has moved on: the question is asked as if for the first time.
    assert_eq!(reply(&mut llm, call, &cut).0, first);
    let other = llm.open_call().unwrap();
    assert_eq!(reply(&mut llm, other, &cut).0, first);
}

#[test]
fn replies_that_were_cut_do_not_teach_the_model_to_break_off() {
    let weights = weights();
    let mut llm = Llm::new(&weights, options(Sampling::default().dry_multiplier)).unwrap();
    let call = llm.open_call().unwrap();
    let questions = ["Why is the sky blue?", "How do bees make honey?", "What is a volcano?"];
    let heard = ["The answer to the", "Well, the", "The answer to the question"];
    let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for (question, heard) in questions.iter().zip(heard).cycle().take(12) {
        messages.extend([user(question), assistant(heard)]);
    }
    messages.push(user("Tell me about the city of Rome."));
    let (text, _) = reply(&mut llm, call, &messages);
    assert!(text.trim_end_matches('"').ends_with(['.', '!', '?']), "{text}");
}
