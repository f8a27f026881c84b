//! What is said of replies of several families of models, however they arrive.

use proptest::prelude::*;

use super::*;

/// What is said of a reply whose text arrives in these pieces, and why nothing is, if so.
fn said_from(opening: Opening, pieces: &[&str]) -> (String, Result<(), NoAnswer>) {
    let mut filter = ReplyFilter::new(opening);
    let mut said = String::new();
    for piece in pieces {
        let mut out = String::new();
        if filter.push(piece, &mut out) {
            said.clear();
        }
        said.push_str(&out);
        assert!(filter.held.len() < ReplyFilter::LONGEST_MARK);
    }
    let answer = filter.finish(&mut said);
    (said, answer)
}

/// The same in one piece, in single characters, and in two pieces cut anywhere: it makes no difference.
fn said_of(opening: Opening, text: &str) -> (String, Result<(), NoAnswer>) {
    let whole = said_from(opening, &[text]);
    let chars: Vec<_> = text.split("").collect();
    assert_eq!(said_from(opening, &chars), whole, "{text:?} in single characters");
    for (at, _) in text.char_indices() {
        let cut = [&text[..at], &text[at..]];
        assert_eq!(said_from(opening, &cut), whole, "{cut:?}");
    }
    whole
}

fn said(text: &str) -> String {
    let (said, answer) = said_of(Opening::default(), text);
    assert_eq!(answer, Ok(()), "{text:?}");
    said
}

fn no_answer(text: &str) -> NoAnswer {
    let (said, answer) = said_of(Opening::default(), text);
    assert_eq!(said.trim(), "", "{text:?}");
    answer.unwrap_err()
}

#[test]
fn the_answer_of_every_family_is_said_without_its_thought_and_marks() {
    let cases = [
        (
            "Qwen 3",
            "<think>\nThey greet me.\n\n</think>\n\nGreat question!\n\nIt is.<|im_end|>",
            "Great question!\n\nIt is.",
        ),
        ("Qwen 3, not thinking", "<think>\n\n</think>\n\nHello.", "Hello."),
        ("DeepSeek R1", "<think>\nHm.\n</think>\nBees fly.<｜end▁of▁sentence｜>", "Bees fly."),
        (
            "DeepSeek R1, its beginning in the prompt",
            "They ask of bees. Well.\n</think>\n\nBees fly.",
            "Bees fly.",
        ),
        (
            "gpt-oss",
            "<|channel|>analysis<|message|>We need bees.<|end|><|start|>assistant<|channel|>final<|message|>Bees fly.<|return|>",
            "Bees fly.",
        ),
        (
            "gpt-oss, cut short",
            "<|channel|>analysis We need bees. <|channel|>final<|message|>Bees fly.",
            "Bees fly.",
        ),
        (
            "gpt-oss with a tool",
            "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"a\":1}<|call|><|start|>assistant<|channel|>final<|message|>Yes.",
            "Yes.",
        ),
        (
            "Llama 3",
            "<|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhat?",
            "Hi there.",
        ),
        ("Llama 4", "Hi there.<|eot|><|header_start|>user<|header_end|>\n\nWhat?", "Hi there."),
        (
            "Gemma 3",
            "<start_of_turn>model\nIt rains.<end_of_turn>\n<start_of_turn>user\nWhy?",
            "It rains.",
        ),
        ("Gemma 3, without an end", "It rains.\n<start_of_turn>user\nWhy?", "It rains.\n"),
        ("Gemma 4", "<|channel>thought\nRain?\n<channel|>It rains.<turn|>", "It rains."),
        ("Magistral", "[THINK]Let me see.[/THINK]It is four.</s>", "It is four."),
        ("Mistral", " [/INST] It is four.</s>[INST] And five? [/INST] Five.", " It is four."),
        ("Llama 2", "<s>It is four.</s>", "It is four."),
        ("Seed", "<seed:think>Ah.</seed:think>Yes.", "Yes."),
        ("Kimi", "◁think▷Ah.◁/think▷Yes.", "Yes."),
        (
            "Command",
            "<|START_THINKING|>Ah.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
            "Yes.",
        ),
        ("Phi", "Yes.<|end|><|user|>\nAnd?", "Yes."),
        ("SmolLM 2", "Yes.<|im_end|>\n<|im_start|>user\nAnd?", "Yes."),
        (
            "another spelling",
            "<Thinking>Ah.</Thinking>\n<reasoning>Oh.</reasoning>\n<answer>Yes.</answer>",
            "Yes.",
        ),
        ("no template", "Yes.\nUser: And?\nAssistant: No.", "Yes.\n"),
        ("its own name", "Assistant: Yes.", "Yes."),
        ("headings as names", "### Response:\nYes.\n\n### Instruction:\nGo on.", "Yes.\n\n"),
    ];
    for (family, text, answer) in cases {
        assert_eq!(said(text), answer, "{family}");
    }
}

#[test]
fn a_thought_that_the_prompt_began_is_never_given_where_that_is_known() {
    let opening = Opening { in_thought: true, begun: false };
    let mut filter = ReplyFilter::new(opening);
    let mut out = String::new();
    assert!(!filter.push("They ask of bees. ", &mut out) && out.is_empty());
    assert!(!filter.push("</think>\n\nBees fly.", &mut out));
    assert_eq!(out, "Bees fly.");
    assert_eq!(said_of(opening, "Hm.</think>Yes."), ("Yes.".to_owned(), Ok(())));
}

#[test]
fn a_thought_that_was_not_known_for_one_is_taken_back_once() {
    let mut filter = ReplyFilter::default();
    let mut out = String::new();
    assert!(!filter.push("They ask of bees. ", &mut out));
    assert_eq!(out, "They ask of bees. ");
    out.clear();
    assert!(filter.push("So.</think>\n\nBees", &mut out));
    assert_eq!(out, "Bees");
    out.clear();
    assert!(!filter.push(" fly.</think> Yes.", &mut out), "the mark alone is left out");
    assert_eq!(out, " fly. Yes.");
}

#[test]
fn a_thought_in_a_thought_ends_with_the_outer_one() {
    assert_eq!(said("<think>a <think>b</think> c</think>Yes."), "Yes.");
    assert_eq!(said("<think>a [THINK]b[/THINK] c</think>Yes."), "Yes.");
}

#[test]
fn a_thought_that_mentions_its_mark_does_not_swallow_the_answer() {
    assert_eq!(said("<think>I may use <think> here.</think>Yes."), "Yes.");
}

#[test]
fn a_think_block_that_never_ends_is_an_error_and_no_speech() {
    for text in [
        "<think>Well, they ask",
        "<think>Well.<|im_end|>",
        "<|channel|>analysis<|message|>Well.<|return|>",
        "<think>Well.</think>",
        "<think>Well.</think>\n\n<|im_end|>",
        "[THINK]Well.</s>",
    ] {
        assert!(matches!(no_answer(text), NoAnswer::OnlyThought { bytes: 5.. }), "{text}");
    }
}

#[test]
fn a_thought_is_bounded() {
    let mut filter = ReplyFilter::default();
    let mut out = String::new();
    filter.push("<think>", &mut out);
    let mut put = 0;
    while !filter.is_over() {
        filter.push("Hm, let me see. ", &mut out);
        put += 16;
        assert!(put < 2 * LONGEST_THOUGHT);
    }
    assert!(put >= LONGEST_THOUGHT);
    let NoAnswer::OnlyThought { bytes } = filter.finish(&mut out).unwrap_err() else {
        panic!("it is not said that the model only thought");
    };
    assert!(bytes > LONGEST_THOUGHT && bytes <= put && out.is_empty());
}

#[test]
fn a_reply_without_words_is_an_error() {
    for text in [
        "",
        " \n\n ",
        "<|im_end|>",
        "<|eot_id|><|eot_id|>",
        "</s>",
        "<think>\n\n</think>\n\n",
        "<|im_start|>user\nAnd?",
        "User: And?",
        "...",
    ] {
        let (_, answer) = said_of(Opening::default(), text);
        assert_eq!(answer, Err(NoAnswer::NoWords), "{text:?}");
    }
}

#[test]
fn a_reply_that_was_begun_may_have_nothing_to_add_but_must_end_its_thought() {
    let opening = Opening { begun: true, in_thought: false };
    for text in ["", "<|im_end|>", "<think>It is said.</think>"] {
        assert_eq!(said_of(opening, text), (String::new(), Ok(())), "{text:?}");
    }
    assert!(said_of(opening, "<think>It is").1.is_err());
}

#[test]
fn marks_glued_to_words_leave_the_words() {
    for (text, answer) in [
        ("gl<|fim_pad|>ued", "glued"),
        ("<s>Hello<pad>, you", "Hello, you"),
        ("gr<think>no</think>eat", "great"),
        ("One.<think>no</think>Two", "One. Two"),
        ("One.<think>no</think>\n\nTwo", "One.\n\nTwo"),
        ("One<|im_start|>assistant\nTwo", "One\nTwo"),
        ("Hello <|im_st", "Hello "),
        ("<|im_end|>\n<|im_start|>assistant\nHello", "Hello"),
    ] {
        assert_eq!(said(text), answer, "{text}");
    }
}

#[test]
fn text_that_only_resembles_a_mark_is_said() {
    for text in [
        "I <3 you, and 1 < 2 > 0.",
        "See [1] and [T], or [this](https://a.b).",
        "f <| x, a <| b |> c",
        "A user: me.\nUsers: many.\nHumans too.\n### Users\n**Use** it",
        "<b>bold</b> and <thinly>",
        "The end of turn",
        "思考 <思考> 「終わり」。\nمرحبا < بكم",
        "\n  Leading space stays.  ",
        "It ends with <",
        "And with User",
    ] {
        assert_eq!(said(text), text);
    }
}

#[test]
fn text_that_cannot_begin_a_mark_is_not_held_back() {
    let mut filter = ReplyFilter::default();
    for piece in ["W", "ell", ", I thin", "k so", ".", "\n\n", "- ", "Yes", " [", "a"] {
        let mut out = String::new();
        filter.push(piece, &mut out);
        let expected = match piece {
            " [" => " ",
            "a" => "[a",
            piece => piece,
        };
        assert_eq!(out, expected);
    }
}

#[test]
fn a_long_reply_without_a_stop_passes() {
    let text = "word and ".repeat(11_112);
    assert!(text.len() > 100_000);
    assert_eq!(said_from(Opening::default(), &[&text]).0, text);
}

/// Cuts text into pieces of these lengths, again and again.
fn cut<'t>(text: &'t str, lengths: &[usize]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let at = rest.char_indices().nth(*length).map_or(rest.len(), |(at, _)| at);
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Text with marks in it, some of them broken.
fn marked() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<thinking>",
        "<|im_end|>",
        "<|im_start|>",
        "user",
        "assistant",
        "\n",
        "User:",
        "Assistant:",
        "<|channel|>",
        "final",
        "analysis",
        "<|message|>",
        "<|start|>",
        "<|end|>",
        "[INST]",
        "[THINK]",
        "[/THINK]",
        "</s>",
        "<",
        "|",
        ">",
        "[",
        "word ",
        "Word",
        ".",
        "é",
        "思",
        "<｜User｜>",
        "<turn|>",
        "<|turn>",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn text_without_marks_passes_unchanged(
        text in "[^<\\[◁:]{0,200}",
        lengths in prop::collection::vec(1usize..9, 1..9),
    ) {
        let (said, _) = said_from(Opening::default(), &cut(&text, &lengths));
        prop_assert_eq!(said, text);
    }

    #[test]
    fn where_the_text_is_cut_does_not_matter(
        text in prop_oneof![marked(), any::<String>()],
        lengths in prop::collection::vec(1usize..9, 1..9),
        in_thought in any::<bool>(),
        begun in any::<bool>(),
    ) {
        let opening = Opening { in_thought, begun };
        prop_assert_eq!(said_from(opening, &cut(&text, &lengths)), said_from(opening, &[&text]));
    }
}
