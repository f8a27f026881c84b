//! The texts: prompts from packages and templates, and the replies written to them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use duplex_model::weights::{self, Manifest, ModelSource, Progress, Role, Sha256, Store};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::phrases::Phrasebook;
use crate::{Error, Part, Turn};

/// Minimum and maximum number of words of a prompt.
const PROMPT_WORDS: std::ops::RangeInclusive<usize> = 4..=22;

/// One of this many conversations or questions of a package is held out.
const HELD_OUT: u8 = 10;

/// Something that a user may say to the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Identifies it: its source, and its position there.
    pub key: String,
    /// The words, with punctuation at the end.
    pub text: String,
    /// The part of the data that it belongs to.
    pub part: Part,
}

/// A reply to a [`Prompt`]; a line of `datasets/text/replies.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The prompt's key.
    pub key: String,
    /// The words.
    pub reply: String,
}

/// A prompt with its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What the user says.
    pub ask: String,
    /// What the assistant answers.
    pub reply: String,
    /// The part of the data that it belongs to.
    pub part: Part,
}

/// A conversation in plain turns; a line of `chat.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Its turns.
    pub history: Vec<Turn>,
}

/// Plain chats, on which training must not change the model: conversations that two people typed, with every second
/// turn as the assistant's, mixed with exchanges of the training part.
pub fn chats(conversations: Vec<Vec<String>>, exchanges: &[Exchange]) -> Vec<Chat> {
    const PAIRS: usize = 4;
    let exchanges = exchanges.iter().filter(|it| it.part == Part::Train);
    let mut exchanges = exchanges.cycle();
    let mut chats = Vec::new();
    for turns in conversations {
        let pairs = turns
            .chunks_exact(2)
            .take(PAIRS)
            .filter(|pair| pair.iter().all(|it| !it.trim().is_empty()));
        let turn = |pair: &[String]| Turn { user: pair[0].clone(), assistant: pair[1].clone() };
        let history: Vec<Turn> = pairs.map(turn).collect();
        if !history.is_empty() {
            chats.push(Chat { history });
        }
        chats.extend(exchanges.next().map(|it| Chat {
            history: vec![Turn { user: it.ask.clone(), assistant: it.reply.clone() }],
        }));
    }
    chats
}

/// The packages that texts are taken from.
pub fn manifest() -> &'static Manifest {
    static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
        Manifest::parse(include_str!("../texts.toml"))
            .expect("the list of texts in the program is checked by a test")
    });
    &MANIFEST
}

/// Fetches the packages that `store` lacks, and reads all prompts.
///
/// # Errors
/// If a package cannot be fetched or has unexpected content.
pub fn prompts(store: Store, progress: &mut dyn Progress) -> Result<Vec<Prompt>, Error> {
    let store = store.with_manifest(manifest());
    let mut folder = |name: &str| -> Result<PathBuf, weights::Error> {
        let source = ModelSource::Named(name.to_owned());
        store.pull(Role::Text, &source, progress)?;
        let file = store.path(Role::Text, &source)?;
        Ok(file.parent().map(Path::to_owned).unwrap_or_default())
    };
    let mut prompts = from_templates(Phrasebook::builtin());
    chitchat(&folder("chitchat")?.join("dataset.json"), &mut prompts)?;
    let chatterbot_folder = folder("chatterbot")?;
    for member in manifest().get("chatterbot").into_iter().flat_map(|model| model.files()) {
        chatterbot(&chatterbot_folder.join(&member.name), &mut prompts)?;
    }
    Ok(prompts)
}

/// Conversations that two people typed, one after the other; for [`Part::Test`] none that training uses.
///
/// # Errors
/// As [`prompts`].
pub fn conversations(
    store: Store,
    part: Part,
    progress: &mut dyn Progress,
) -> Result<Vec<Vec<String>>, Error> {
    let store = store.with_manifest(manifest());
    let source = ModelSource::Named("chitchat".to_owned());
    store.pull(Role::Text, &source, progress)?;
    let all = read_chitchat(&store.path(Role::Text, &source)?)?;
    let of_part = all.into_iter().filter(|(id, _)| part_of(id) == part);
    let join = |turn: Vec<ChatMessage>| {
        turn.into_iter().map(|message| message.text).collect::<Vec<_>>().join(" ")
    };
    Ok(of_part.map(|(_, it)| it.messages.into_iter().map(join).collect()).collect())
}

/// Reads replies, one per line.
///
/// # Errors
/// Names the file, and the line that is not a reply.
pub fn read_replies(path: &Path) -> Result<Vec<Reply>, Error> {
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let mut replies = Vec::new();
    for (at, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| Error::io("read", path, e))?;
        let reply = serde_json::from_str(&line).map_err(|e| Error::Line {
            path: path.to_owned(),
            line: at + 1,
            message: e.to_string(),
        })?;
        replies.push(reply);
    }
    Ok(replies)
}

/// The first sentences of `text`, with at least eight words if it has them.
pub fn brief(text: &str) -> &str {
    const BRIEF_WORDS: usize = 8;
    let mut words = 0;
    let mut end = 0;
    for word in text.split_inclusive(' ') {
        words += 1;
        end += word.len();
        if words >= BRIEF_WORDS && word.trim_end().ends_with(['.', '?', '!']) {
            break;
        }
    }
    text[..end].trim_end()
}

/// The prompts that have a reply, in the order of the replies.
pub fn exchanges(prompts: &[Prompt], replies: &[Reply]) -> Vec<Exchange> {
    let known: BTreeMap<&str, &Prompt> = prompts.iter().map(|p| (p.key.as_str(), p)).collect();
    let exchange = |reply: &Reply| {
        let prompt = known.get(reply.key.as_str())?;
        Some(Exchange { ask: prompt.text.clone(), reply: reply.reply.clone(), part: prompt.part })
    };
    replies.iter().filter_map(exchange).collect()
}

/// Every template with every topic of its part.
fn from_templates(book: &Phrasebook) -> Vec<Prompt> {
    let mut prompts = Vec::new();
    for part in Part::ALL {
        for topic in book.topics.of(part) {
            for (at, frame) in book.frames.of(part).iter().enumerate() {
                prompts.push(Prompt {
                    key: format!("{part}/{topic}/{at}"),
                    text: crate::utterance::sentence(&frame.replace("{}", topic)),
                    part,
                });
            }
        }
    }
    prompts
}

#[derive(Deserialize)]
struct Conversation {
    messages: Vec<Vec<ChatMessage>>,
}

#[derive(Deserialize)]
struct ChatMessage {
    text: String,
}

fn read_chitchat(path: &Path) -> Result<BTreeMap<String, Conversation>, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::Text { path: path.to_owned(), message: e.to_string() })
}

fn chitchat(path: &Path, prompts: &mut Vec<Prompt>) -> Result<(), Error> {
    for (id, conversation) in read_chitchat(path)? {
        let part = part_of(&id);
        for (at, message) in conversation.messages.iter().flatten().enumerate() {
            if let Some(text) = spoken(&message.text) {
                prompts.push(Prompt { key: format!("chitchat/{id}/{at}"), text, part });
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Corpus {
    /// Lists of lines; in a few places there is a line instead of a list.
    conversations: Vec<serde_json::Value>,
}

fn chatterbot(path: &Path, prompts: &mut Vec<Prompt>) -> Result<(), Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    let corpus: Corpus = serde_saphyr::from_str(&text)
        .map_err(|e| Error::Text { path: path.to_owned(), message: e.to_string() })?;
    let topic = path.file_stem().unwrap_or_default().to_string_lossy();
    for (at, conversation) in corpus.conversations.iter().enumerate() {
        let first = conversation.get(0).and_then(|line| line.as_str());
        if let Some(text) = first.and_then(spoken) {
            let key = format!("chatterbot/{topic}/{at}");
            prompts.push(Prompt { part: part_of(&key), key, text });
        }
    }
    Ok(())
}

/// The part of a whole conversation or question, by the digest of its name: adding others does not move it.
fn part_of(key: &str) -> Part {
    let digest = Sha256::of(key.as_bytes()).to_string();
    let byte = u8::from_str_radix(&digest[..2], 16).unwrap_or_default();
    if byte.is_multiple_of(HELD_OUT) { Part::Test } else { Part::Train }
}

/// The typed text, if it could have been said to an assistant: a few words of plain English without digits, links or
/// rude words.
fn spoken(typed: &str) -> Option<String> {
    static TYPED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[^A-Za-z'.,?!\- ]|(?i)\b(lol|haha\w*|omg|brb|sex\w*|kill\w*|suicid\w*|porn\w*|drug\w*|nazi\w*|fuck\w*|shit\w*|damn\w*|bitch\w*|ass|dumb|stupid|rape\w*|gay|racis\w*|murder\w*)\b"#)
            .expect("the pattern is right")
    });
    let words: Vec<&str> =
        typed.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).collect();
    let text = words.join(" ");
    let whole = PROMPT_WORDS.contains(&words.len()) && !TYPED.is_match(&text);
    let is_sentence = text.ends_with(['.', '?', '!']) || crate::utterance::asks(&text);
    (whole && is_sentence).then(|| crate::utterance::sentence(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_texts_can_be_read() {
        assert!(manifest().models().iter().all(|text| text.role == Role::Text));
    }

    #[test]
    fn what_nobody_would_say_is_left_out() {
        assert_eq!(spoken("where are you from"), Some("Where are you from?".into()));
        assert_eq!(spoken("I like  to cook ... at home."), Some("I like to cook at home.".into()));
        for typed in
            ["see https://x.org for it.", "lol what is that?", "at 5 o'clock it ends.", "yes."]
        {
            assert_eq!(spoken(typed), None, "{typed}");
        }
    }
}
