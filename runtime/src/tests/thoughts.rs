//! Whole calls with models that think aloud, write paragraphs, or leave marks of their templates in what they write.

use std::sync::{Arc, Mutex};

use duplex_core::{Action, ConversationEvent, Event, Speaker};

use super::{
    fakes::{Fakes, recorded, replying},
    virtual_calls::{Speaks, engine_of},
};
use crate::{CallOptions, Charges, EngineOptions, ReplyOptions, SessionStep, Stop, run_virtual};

/// What the fakes' reply model says.
const STAND_IN: &str = "Once upon a time.";

/// What came of a call in which the user asks once.
#[derive(Default)]
struct Seen {
    /// What the assistant said, by the transcript.
    heard: String,
    /// All that the voice was given to say.
    spoken: String,
    warnings: Vec<String>,
    fell_back: Vec<String>,
}

/// A call whose reply model writes this, with another one to stand in for it or none.
fn call(reply: &'static str, piece: usize, stand_in: bool) -> Seen {
    let fallback = stand_in.then(|| "fake".to_owned());
    let model = recorded(reply, piece);
    let recorded = ReplyOptions { name: "recorded".to_owned(), model, fallback };
    let fake = ReplyOptions::new("fake", replying(Arc::new(|| ())));
    let engine =
        engine_of(EngineOptions { replies: vec![recorded, fake], ..Fakes::default().options() });
    let seen = Arc::new(Mutex::new(Seen::default()));
    let observer = {
        let seen = Arc::clone(&seen);
        Box::new(move |step: SessionStep<'_>| {
            let seen = &mut *seen.lock().unwrap();
            if let Event::FellBack { why, .. } = step.event {
                seen.fell_back.push(why.clone());
            }
            for action in step.actions {
                match action {
                    Action::Synthesise { text, .. } => seen.spoken.push_str(text),
                    Action::Notify(ConversationEvent::Warning { text, .. }) => {
                        seen.warnings.push(text.clone());
                    }
                    _ => {}
                }
            }
        })
    };
    let (user, options, charges) =
        (Box::new(Speaks::new()), CallOptions::default(), Charges::default());
    let outcome =
        run_virtual(&engine, user, options, &charges, &Stop::default(), observer).unwrap();
    let heard = outcome.transcript.iter().filter(|line| line.speaker == Speaker::Assistant);
    let heard: Vec<_> = heard.map(|line| line.text.trim()).collect();
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.heard = heard.join(" | ");
    seen
}

#[test]
fn a_thought_is_neither_spoken_nor_in_the_transcript_and_all_paragraphs_are() {
    let reply = "<think>\nOkay, they want a story. Keep it short.\n</think>\n\nGreat question!\n\nIt was a bear.<|im_end|>";
    for piece in [1, 7, 1_000] {
        let seen = call(reply, piece, false);
        assert_eq!(seen.spoken, "Great question!\n\nIt was a bear.", "{piece}");
        let words: Vec<_> = seen.heard.split_whitespace().collect();
        assert_eq!(words.join(" "), "Great question! It was a bear.", "{piece}");
        assert_eq!((seen.warnings, seen.fell_back), (Vec::new(), Vec::new()), "{piece}");
    }
}

#[test]
fn the_turn_that_a_model_writes_for_the_user_is_not_spoken() {
    let seen = call("It was a bear.\nUser: And then?\nAssistant: It slept.", 3, false);
    assert_eq!(seen.heard, "It was a bear.");
    let seen = call(
        "<start_of_turn>model\nIt was a bear.<end_of_turn>\n<start_of_turn>user\nAnd?",
        3,
        false,
    );
    assert_eq!(seen.heard, "It was a bear.");
}

#[test]
fn another_model_answers_for_one_that_only_thinks_or_says_nothing_and_the_call_says_why() {
    for (reply, why) in [
        ("<think>Well, they want a story", "the model only thought"),
        ("<|channel|>analysis<|message|>Well.<|end|>", "the model only thought"),
        ("<|im_end|>", "without words"),
        (" \n\n", "without words"),
    ] {
        let seen = call(reply, 4, true);
        assert_eq!((seen.heard.as_str(), seen.spoken.as_str()), (STAND_IN, STAND_IN), "{reply}");
        assert!(
            seen.fell_back.len() == 1 && seen.fell_back[0].contains(why),
            "{:?}",
            seen.fell_back
        );
    }
}

#[test]
fn without_another_model_a_call_says_that_one_that_only_thinks_gave_no_reply() {
    let seen = call("<think>Well, they want a story", 4, false);
    assert_eq!((seen.heard.as_str(), seen.spoken.as_str()), ("", ""));
    assert!(seen.warnings.iter().any(|what| what.contains("did not go on")), "{:?}", seen.warnings);
}
