//! Whether the user's words are whole, by how the model would go on.

use duplex_model::llm::{CallId, ChatMessage, Llm, LlmError};

use super::support::{assistant, greedy, reply, system, user, weights};

fn end(llm: &mut Llm<'_>, call: CallId, messages: &[ChatMessage]) -> Option<f32> {
    llm.end_probability(call, messages, &mut || false).unwrap()
}

#[test]
fn a_sentence_that_breaks_off_is_less_likely_whole_than_the_same_sentence_to_its_end() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    for (cut, whole) in [
        ("Could you please tell me what the", "Could you please tell me what the time is?"),
        ("I would like to", "I would like to learn French."),
        ("How far is it from London to", "How far is it from London to Paris?"),
        ("Wie weit ist es von Berlin nach", "Wie weit ist es von Berlin nach Hamburg?"),
    ] {
        let mut of = |text| end(&mut llm, call, &[system(), user(text)]).unwrap();
        let (cut, whole) = (of(cut), of(whole));
        assert!(cut < whole && (0.0..=1.0).contains(&cut) && whole <= 1.0, "{cut} and {whole}");
    }
}

#[test]
fn the_punctuation_of_a_recogniser_does_not_make_a_sentence_whole() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let mut of = |text| end(&mut llm, call, &[system(), user(text)]);
    let plain = of("Can you help me with");
    for guessed in ["Can you help me with?", "Can you help me with...", " Can you help me with. "] {
        assert_eq!(of(guessed), plain, "{guessed}");
    }
}

#[test]
fn where_there_are_no_words_of_the_user_nothing_is_said_of_them() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    for messages in [
        vec![],
        vec![system()],
        vec![system(), user("")],
        vec![system(), user("?!")],
        vec![system(), user("Hello."), assistant("Hello.")],
    ] {
        assert_eq!(end(&mut llm, call, &messages), None, "{messages:?}");
    }
    let stopped = llm.end_probability(call, &[system(), user("Hello.")], &mut || true).unwrap();
    assert_eq!(stopped, None);
}

#[test]
fn a_reply_is_the_same_whether_it_was_asked_about_the_words_or_not() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let (asked, plain) = (llm.open_call().unwrap(), llm.open_call().unwrap());
    let messages = [system(), user("What is the capital of France?")];
    end(&mut llm, asked, &messages).unwrap();
    assert_eq!(reply(&mut llm, asked, &messages), reply(&mut llm, plain, &messages));
    // A reply that is under way can still be begun again behind it.
    end(&mut llm, asked, &[system(), user("What is the")]).unwrap();
    llm.discard_reply(asked).unwrap();
    llm.discard_reply(plain).unwrap();
    assert_eq!(reply(&mut llm, asked, &messages), reply(&mut llm, plain, &messages));
}

#[test]
fn words_that_do_not_fit_the_context_are_an_error() {
    let weights = weights();
    let mut llm = Llm::new(&weights, greedy()).unwrap();
    let call = llm.open_call().unwrap();
    let error = llm.end_probability(call, &[user(&"tea ".repeat(2_000))], &mut || false);
    assert!(matches!(error, Err(LlmError::ContextFull { .. })), "{error:?}");
}
