//! The marks that models write around what they think and around turns.
//!
//! Sources: the chat templates of the families, and the reasoning parsers of llama.cpp and vLLM. `<|name|>` is a mark
//! whatever its name is, and so is DeepSeek's `<｜name｜>`; the other forms are listed.

/// The longest name in `<|name|>`, in bytes.
const LONGEST_NAME: usize = 32;

/// The longest mark, in bytes: a name between full-width bars.
pub(super) const LONGEST_MARK: usize = LONGEST_NAME + "<｜｜>".len();

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A think block begins.
    Open,
    /// A think block ends.
    Close,
    /// The name of a channel follows (harmony).
    Channel,
    /// A message follows, and with it the name of who speaks (harmony).
    Start,
    /// What a channel says follows (harmony).
    Message,
    /// A message ends; others of the same turn may follow (harmony).
    MessageEnd,
    /// The turn ends.
    End,
    /// The name of who speaks follows.
    Header,
    /// The user speaks.
    User,
    /// The model speaks, or whoever gives its instructions.
    Own,
    /// Nothing that matters to who listens.
    Silent,
}

/// Whether text is a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No mark begins so.
    Text,
    /// It is the beginning of one.
    Beginning,
    /// It is one.
    Whole(Mark),
}

use Mark::{Channel, Close, End, Header, Message, MessageEnd, Open, Own, Silent, Start, User};

/// Marks in their own spelling. None is the beginning of another.
const SPELLED: &[(&str, Mark)] = &[
    ("<think>", Open),
    ("</think>", Close),
    ("<thinking>", Open),
    ("</thinking>", Close),
    ("<thought>", Open),
    ("</thought>", Close),
    ("<thoughts>", Open),
    ("</thoughts>", Close),
    ("<reasoning>", Open),
    ("</reasoning>", Close),
    ("<reflection>", Open),
    ("</reflection>", Close),
    ("<scratchpad>", Open),
    ("</scratchpad>", Close),
    // Seed-OSS.
    ("<seed:think>", Open),
    ("</seed:think>", Close),
    // Kimi.
    ("◁think▷", Open),
    ("◁/think▷", Close),
    // Magistral.
    ("[THINK]", Open),
    ("[/THINK]", Close),
    // Gemma 4, whose opening marks are `<|name>`.
    ("<channel|>", Close),
    ("<turn|>", End),
    // Around the answer, beside a think block.
    ("<answer>", Silent),
    ("</answer>", Silent),
    ("<response>", Silent),
    ("</response>", Silent),
    // Gemma.
    ("<start_of_turn>", Header),
    ("<end_of_turn>", End),
    ("<bos>", Silent),
    ("<eos>", End),
    ("<pad>", Silent),
    ("<unk>", Silent),
    // Llama 2, Mistral.
    ("<s>", Silent),
    ("</s>", End),
    ("<<SYS>>", Silent),
    ("<</SYS>>", Silent),
    ("[INST]", End),
    ("[/INST]", Silent),
    ("[SYSTEM_PROMPT]", Silent),
    ("[/SYSTEM_PROMPT]", Silent),
    ("[AVAILABLE_TOOLS]", Silent),
    ("[/AVAILABLE_TOOLS]", Silent),
    ("[TOOL_CALLS]", Silent),
];

/// Marks at the beginning of a line: how a model that was not tuned for chat writes down a conversation.
const AT_LINE_START: &[(&str, Mark)] = &[
    ("User:", User),
    ("USER:", User),
    ("Human:", User),
    ("HUMAN:", User),
    ("**User:**", User),
    ("**Human:**", User),
    ("### User:", User),
    ("### Human:", User),
    ("### Instruction:", User),
    ("Assistant:", Own),
    ("ASSISTANT:", Own),
    ("**Assistant:**", Own),
    ("### Assistant:", Own),
    ("### Response:", Own),
];

/// Whether a mark may begin with a character, at the start of a line or elsewhere.
pub(super) fn may_begin(c: char, line_start: bool) -> bool {
    matches!(c, '<' | '[' | '◁')
        || line_start && AT_LINE_START.iter().any(|(mark, _)| mark.starts_with(c))
}

/// Whether text is a mark, or the beginning of one.
pub(super) fn find(text: &str, line_start: bool) -> Found {
    let tag = text.strip_prefix('<');
    if let Some(rest) = tag.filter(|rest| rest.starts_with(['|', '｜'])) {
        return named(rest);
    }
    let same = |mark: &str| match tag {
        Some(_) => mark.get(..text.len()).is_some_and(|mark| mark.eq_ignore_ascii_case(text)),
        None => mark.starts_with(text),
    };
    let lines = if line_start { AT_LINE_START } else { &[] };
    let mut known = SPELLED.iter().chain(lines).filter(|(mark, _)| same(mark));
    match known.next() {
        Some((mark, is)) if mark.len() == text.len() => Found::Whole(*is),
        Some(_) => Found::Beginning,
        None => Found::Text,
    }
}

/// `|name|>`, `|name>` or `｜name｜>`, of which there may be only the beginning.
fn named(text: &str) -> Found {
    let wide = text.starts_with('｜');
    let text = text.strip_prefix(['|', '｜']).unwrap_or(text);
    let in_name = |c: char| c.is_ascii_alphanumeric() || "_-:/.▁".contains(c) || (wide && c == ' ');
    let length = text.find(|c| !in_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    if name.len() > LONGEST_NAME {
        return Found::Text;
    }
    match rest {
        "" | "|" | "｜" => Found::Beginning,
        _ if name.is_empty() => Found::Text,
        ">" => Found::Whole(opening(&name.to_ascii_lowercase())),
        "|>" | "｜>" => {
            let name = name.to_ascii_lowercase().replace(['▁', ' '], "_");
            Found::Whole(meaning(&name))
        }
        _ => Found::Text,
    }
}

/// What `<|name>` says (Gemma 4): what follows the name of a channel is a thought, as is the name.
fn opening(name: &str) -> Mark {
    match name {
        "channel" => Open,
        "turn" => Header,
        _ => Silent,
    }
}

/// What `<|name|>` says.
fn meaning(name: &str) -> Mark {
    match name {
        "think" | "thinking" | "thought" | "start_thinking" | "begin_of_thought"
        | "inner_prefix" => Open,
        "/think" | "/thinking" | "/thought" | "end_thinking" | "end_of_thought"
        | "inner_suffix" => Close,
        "channel" => Channel,
        "start" => Start,
        "message" => Message,
        "end" | "call" => MessageEnd,
        "im_end" | "eot_id" | "eom_id" | "eot" | "eom" | "end_of_text" | "endoftext"
        | "end_of_turn" | "end_of_turn_token" | "end_of_sentence" | "return" | "eos" => End,
        "im_start" | "start_header_id" | "header_start" | "start_of_role" => Header,
        "user" | "human" | "user_token" => User,
        "assistant" | "system" | "chatbot_token" | "system_token" => Own,
        _ => Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_is_the_beginning_of_another_and_all_may_begin() {
        let all: Vec<_> = SPELLED.iter().chain(AT_LINE_START).map(|(mark, _)| *mark).collect();
        for mark in &all {
            assert!(mark.len() <= LONGEST_MARK && may_begin(mark.chars().next().unwrap(), true));
            let shorter = all.iter().filter(|other| other != &mark && mark.starts_with(**other));
            assert_eq!(shorter.count(), 0, "{mark}");
        }
    }

    #[test]
    fn every_beginning_of_a_mark_is_taken_for_one_and_no_more() {
        let named = ["<|im_end|>", "<|turn>", "<｜end▁of▁sentence｜>", "<｜User｜>", "</THINK>"];
        for mark in SPELLED.iter().chain(AT_LINE_START).map(|(mark, _)| *mark).chain(named) {
            for (at, _) in mark.char_indices().skip(1) {
                assert_eq!(find(&mark[..at], true), Found::Beginning, "{mark}");
            }
            assert!(matches!(find(mark, true), Found::Whole(_)), "{mark}");
        }
        for text in ["<3", "< ", "<|>", "<| x", "<thinly", "[1]", "[think", "<|im end", "User "] {
            assert_eq!(find(text, true), Found::Text, "{text}");
        }
        assert_eq!(find("User", false), Found::Text);
        let name = "n".repeat(LONGEST_NAME + 1);
        assert_eq!(find(&format!("<|{name}"), true), Found::Text);
    }
}
