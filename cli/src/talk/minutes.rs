//! What was said in a call, for people (Markdown) and for programs (JSON, which `--continue` reads).

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use duplex_core::{ConversationEvent, Shown, Speaker};
use duplex_harness::report::plain_markdown;
use serde::{Deserialize, Serialize};

use crate::view::{Conversation, Said, Who, clock, name};

/// A saved conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// [`Saved::VERSION`] of the program that wrote it.
    pub(crate) version: u32,
    /// When the call began, as RFC 3339.
    pub(crate) began: String,
    /// What was said, oldest first.
    pub(crate) lines: Vec<SavedLine>,
}

impl Saved {
    /// The version of the format.
    pub(crate) const VERSION: u32 = 1;
}

/// A line of a saved conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedLine {
    /// Milliseconds since the call began; none for what is from an earlier one.
    pub(crate) at_ms: Option<u64>,
    /// Who said it; none for a remark about the call.
    pub(crate) speaker: Option<Speaker>,
    /// What was said; of the assistant, what was heard.
    pub(crate) text: String,
    /// What was to follow and nobody heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unheard: Option<String>,
    /// What cut it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cut: Option<String>,
}

/// Keeps what was said in a call.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    conversation: Conversation,
    began: String,
    earlier: Vec<SavedLine>,
    said: Vec<Said>,
    /// The text of the newest reply, all of it.
    reply: String,
}

impl Minutes {
    /// Of a call that begins now, and goes on with what was said `earlier`.
    pub(crate) fn new(earlier: Vec<SavedLine>) -> Self {
        let began = chrono::Local::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, false);
        Self { began, earlier, ..Self::default() }
    }

    /// Takes in an event.
    pub(crate) fn see(&mut self, shown: &Shown) {
        self.conversation.see(shown);
        self.said.extend(self.conversation.said());
        if let ConversationEvent::ReplyEnded { heard, unheard, .. } = &shown.event
            && !(heard.is_empty() && unheard.is_empty())
        {
            self.reply = format!("{heard}{unheard}").trim().to_owned();
        }
    }

    /// The newest reply that is over, with what was not heard of it; empty before there is one.
    pub(crate) fn last_reply(&self) -> &str {
        &self.reply
    }

    /// What was said in this call.
    pub(crate) fn said(&self) -> &[Said] {
        &self.said
    }

    fn saved(&self) -> Saved {
        let line = |said: &Said| SavedLine {
            at_ms: Some(said.at_ms),
            speaker: match said.who {
                Who::User => Some(Speaker::User),
                Who::Assistant => Some(Speaker::Assistant),
                Who::Note => None,
            },
            text: said.text.trim().to_owned(),
            unheard: said.cut.as_ref().map(|(unheard, _)| unheard.trim().to_owned()),
            cut: said.cut.as_ref().map(|(_, why)| name(*why)),
        };
        let lines = self.earlier.iter().cloned().chain(self.said.iter().map(line)).collect();
        Saved { version: Saved::VERSION, began: self.began.clone(), lines }
    }

    /// Writes the conversation to `path` with the extension `json`, and for people with `md` beside it. Gives the
    /// latter's path.
    ///
    /// # Errors
    /// The files cannot be written. What was there before stays as it was.
    pub(crate) fn save(&self, path: &Path) -> io::Result<PathBuf> {
        let saved = self.saved();
        let mut json = serde_json::to_vec_pretty(&saved)?;
        json.push(b'\n');
        replace(&path.with_extension("json"), &json)?;
        let page = path.with_extension("md");
        replace(&page, markdown(&saved).as_bytes())?;
        Ok(page)
    }
}

/// Writes a file as a whole, or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // It is of no use, and on a full disk its room is.
        _ = fs::remove_file(&part);
    }
    written
}

fn markdown(saved: &Saved) -> String {
    let mut page = format!("# Conversation of {}\n\n", saved.began);
    for line in &saved.lines {
        let who = match line.speaker {
            Some(Speaker::User) => "**You**",
            Some(Speaker::Assistant) => "**Duplex**",
            None => "*Remark*",
        };
        let when = line.at_ms.map_or_else(|| "earlier".to_owned(), clock);
        // A string takes whatever is written to it.
        _ = write!(page, "{who} · {when}  \n{}", plain_markdown(&line.text));
        if let Some(unheard) = line.unheard.as_deref().filter(|it| !it.is_empty()) {
            _ = write!(page, " ~~{}~~", plain_markdown(unheard));
        }
        if let Some(cut) = &line.cut {
            _ = write!(page, "  \n*cut: {}*", plain_markdown(cut));
        }
        page.push_str("\n\n");
    }
    if saved.lines.iter().any(|line| line.unheard.is_some()) {
        page.push_str("Struck through: was to be said, and nobody heard it.\n");
    }
    page
}
