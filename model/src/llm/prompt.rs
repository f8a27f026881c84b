//! Renders messages to tokens.
//!
//! The chat template is rendered with a placeholder for each message's text. What is between the placeholders comes
//! from the template and may contain control tokens. The texts are tokenised as plain text, so that nothing a user says
//! can end a turn or start another.

use std::collections::HashMap;

use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};

use super::window::{Extent, Sizes};
use super::{LlmError, Token, Weights};

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The instructions at the start of the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation. White space around the text is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who wrote it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

impl ChatMessage {
    /// A message of `role`.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

/// The tokens of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// All tokens, without an end mark after the last message: it may still grow.
    pub tokens: Vec<Token>,
    /// For each message, the index of the first token of its text.
    pub starts: Vec<usize>,
    /// For each message, the index after the last token of its text.
    pub ends: Vec<usize>,
}

/// Cache of tokenised texts, so that a long history costs nothing at the next turn.
#[derive(Debug, Default)]
pub(super) struct Memo {
    texts: HashMap<String, Vec<Token>>,
    template: HashMap<String, Vec<Token>>,
}

impl Memo {
    /// Sets the tokens of `text` to `tokens`, whatever the tokenizer would produce: those in which a reply was
    /// generated.
    pub(super) fn insert(&mut self, text: &str, tokens: &[Token]) {
        self.texts.insert(text.to_owned(), tokens.to_vec());
    }

    /// Removes texts of earlier conversations once they outnumber those of this one.
    fn prune(&mut self, messages: &[ChatMessage]) {
        if self.texts.len() > 2 * messages.len() + 16 {
            let kept = messages.iter().map(|message| message.text.trim());
            self.texts = kept.filter_map(|text| self.texts.remove_entry(text)).collect();
        }
    }
}

/// Renders `messages` with the last one open: no end mark follows it, so that text may be appended. An empty assistant
/// message gives the opening of a reply.
pub(super) fn render(
    weights: &Weights,
    memo: &mut Memo,
    messages: &[ChatMessage],
) -> Result<Prompt, LlmError> {
    let (model, vocab) = (weights.model(), weights.vocab());
    let pieces = pieces(model, weights.template(), messages)
        .ok_or_else(|| LlmError::UnknownChatTemplate { path: weights.path().into() })?;
    let mut prompt = Prompt::default();
    if vocab.should_add_bos() {
        prompt.tokens.push(vocab.bos());
    }
    for (piece, message) in pieces.iter().zip(messages) {
        prompt.tokens.extend(recall(&mut memo.template, piece, |piece| {
            vocab.tokenize(piece.as_bytes(), false, true)
        }));
        prompt.starts.push(prompt.tokens.len());
        prompt.tokens.extend(recall(&mut memo.texts, message.text.trim(), |text| {
            vocab.tokenize(text.as_bytes(), false, false)
        }));
        prompt.ends.push(prompt.tokens.len());
    }
    memo.prune(messages);
    Ok(prompt)
}

/// Where each of `messages` stands in their prompt, without the tokens themselves. `sizes` remembers the texts, which
/// are many more than those of a prompt: the memo would forget them at the next one.
pub(super) fn extents(
    weights: &Weights,
    memo: &mut Memo,
    sizes: &mut Sizes,
    messages: &[ChatMessage],
) -> Result<Vec<Extent>, LlmError> {
    let vocab = weights.vocab();
    let pieces = pieces(weights.model(), weights.template(), messages)
        .ok_or_else(|| LlmError::UnknownChatTemplate { path: weights.path().into() })?;
    let Memo { texts, template } = memo;
    let sizes = sizes.of(messages, |message| match message.text.trim() {
        "" => 0,
        text => match texts.get(text) {
            Some(tokens) => tokens.len(),
            None => vocab.tokenize(text.as_bytes(), false, false).len(),
        },
    });
    let mut at = usize::from(vocab.should_add_bos());
    let extents = messages.iter().zip(&pieces).zip(sizes).map(|((message, piece), size)| {
        let piece = recall(template, piece, |piece| vocab.tokenize(piece.as_bytes(), false, true));
        let begin = at + piece.len();
        at = begin + size;
        Extent { role: message.role, begin, end: at }
    });
    Ok(extents.collect())
}

fn recall<'m>(
    known: &'m mut HashMap<String, Vec<Token>>,
    text: &str,
    tokenize: impl FnOnce(&str) -> Vec<Token>,
) -> &'m [Token] {
    if !known.contains_key(text) {
        let tokens = if text.is_empty() { Vec::new() } else { tokenize(text) };
        known.insert(text.to_owned(), tokens);
    }
    &known[text]
}

/// What the template puts before each text; what it puts after the last one is left out. None if the template fails, or
/// drops or reorders messages.
fn pieces(
    model: &LlamaModel,
    template: &LlamaChatTemplate,
    messages: &[ChatMessage],
) -> Option<Vec<String>> {
    let Some((last, earlier)) = messages.split_last() else {
        return Some(Vec::new());
    };
    let opens_reply = last.role == Role::Assistant && last.text.trim().is_empty();
    let marked = if opens_reply { earlier } else { messages };
    let chat: Option<Vec<_>> = marked
        .iter()
        .enumerate()
        .map(|(at, message)| LlamaChatMessage::new(message.role.name().to_owned(), mark(at)).ok())
        .collect();
    let rendered = model.apply_chat_template(template, &chat?, opens_reply).ok()?;
    let mut rest = rendered.as_str();
    let mut pieces = Vec::with_capacity(messages.len());
    for at in 0..marked.len() {
        let (before, after) = rest.split_once(&mark(at))?;
        pieces.push(before.to_owned());
        rest = after;
    }
    if opens_reply {
        pieces.push(rest.to_owned());
    }
    Some(pieces)
}

/// Placeholder for the text of message `at`: private-use characters, which no template contains or trims.
fn mark(at: usize) -> String {
    format!("\u{F8FF}{at}\u{F8FF}")
}

/// Whether llama.cpp can render a conversation with this template.
pub(super) fn is_usable(model: &LlamaModel, template: &LlamaChatTemplate) -> bool {
    let roles = [Role::System, Role::User, Role::Assistant, Role::User, Role::Assistant];
    let chat: Vec<_> = roles.iter().map(|role| ChatMessage::new(*role, "")).collect();
    pieces(model, template, &chat).is_some()
}
