//! The transcript: what the user said, and what was heard of the assistant's replies.

use crate::{Context, SessionTime, Why};

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Speaker {
    /// The user.
    User,
    /// The assistant.
    Assistant,
}

/// What a segment of the user's sound was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum UserKind {
    /// A turn: it asks for an answer.
    Turn,
    /// A command to stop: it ends the assistant's speech and needs no answer.
    Stop,
    /// A backchannel, or a sound too short to be more.
    Backchannel,
    /// Anything else: a sound without words, or words that are not for the assistant.
    Noise,
}

/// Where and why a turn of the assistant was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cut {
    /// When it was cut.
    pub at: SessionTime,
    /// The reason.
    pub why: Why,
    /// What was planned and never heard.
    pub unheard: String,
}

/// One line of the transcript: successive words of one speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What the user said, or what was heard of the assistant.
    pub text: String,
    /// The cut that ended the assistant's line early, where there was one.
    pub cut: Option<Cut>,
    /// The reason why the user's words were not answered, where they were not: a backchannel, or words for somebody
    /// else.
    pub aside: Option<Why>,
}

/// The lines of a conversation, as a change of those that the same reader was given before: so neither a call nor its
/// journal has the whole conversation again with every turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinesEdit {
    /// How many of the lines, from the oldest on, stay as they are.
    pub kept: usize,
    /// What follows those.
    pub new: Vec<Line>,
}

impl LinesEdit {
    /// Changes the lines that the reader was given before.
    pub fn apply<L: From<Line>>(self, lines: &mut Vec<L>) {
        lines.truncate(self.kept);
        lines.extend(self.new.into_iter().map(L::from));
    }
}

/// Who is given the lines of a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader {
    ReplyModel,
    DuplexModel,
}

/// Words of the user's that were heard and not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// How many lines there were then. A reply under way had none yet: its line comes after the aside.
    pub after: usize,
    /// The words.
    pub text: String,
    /// Why they were not answered.
    pub why: Why,
}

/// The authoritative record of a conversation. The language model's KV cache only mirrors it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// What is answered, and the answers.
    lines: Vec<Line>,
    /// What is not answered, in order.
    asides: Vec<Aside>,
    /// How many of the lines, from the oldest on, each reader has as they are.
    given: [usize; 2],
}

impl Transcript {
    /// What is answered, and the answers: all lines but the asides, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What was heard of the user and not answered, oldest first.
    pub fn asides(&self) -> &[Aside] {
        &self.asides
    }

    /// Everything that was said, oldest first: the lines, and the asides among them.
    pub fn with_asides(&self) -> Vec<Line> {
        let mut asides = self.asides.iter().peekable();
        let mut all = Vec::with_capacity(self.lines.len() + self.asides.len());
        for index in 0..=self.lines.len() {
            let is_here = |aside: &&Aside| aside.after <= index || index == self.lines.len();
            while let Some(Aside { text, why, .. }) = asides.next_if(is_here) {
                let (text, aside) = (text.clone(), Some(*why));
                all.push(Line { speaker: Speaker::User, text, cut: None, aside });
            }
            all.extend(self.lines.get(index).cloned());
        }
        all
    }

    /// Adds words that are not answered.
    pub(crate) fn push_aside(&mut self, text: String, why: Why) {
        self.asides.push(Aside { after: self.lines.len(), text, why });
    }

    /// The user's line at `index` as the reply model reads it: behind what was said aside before it. What shows mere
    /// attention is left out.
    fn read(&self, index: usize, text: &str) -> String {
        let before = self.lines[..index].iter().rposition(|line| line.speaker == Speaker::User);
        let from = before.map_or(0, |before| before + 1);
        let tells =
            |aside: &&Aside| (from..=index).contains(&aside.after) && aside.why != Why::Backchannel;
        let asides = self.asides.iter().filter(tells).map(|aside| aside.text.as_str());
        let asides = asides.collect::<Vec<_>>().join(" ");
        if asides.is_empty() { text.to_owned() } else { format!("(aside: \"{asides}\") {text}") }
    }

    /// Adds the user's line, and gives it as it is then. Two in a row are one turn for the language model, so they are
    /// joined.
    pub(crate) fn push_user(&mut self, text: &str) -> &str {
        match self.lines.last_mut() {
            Some(line) if line.speaker == Speaker::User => {
                join(&mut line.text, text);
                self.changed(self.lines.len() - 1);
            }
            _ => self.push(Speaker::User, text.to_owned(), None),
        }
        self.lines.last().map_or("", |line| &line.text)
    }

    /// Adds what was heard of the assistant's turn, and gives the line's place; a turn of which nothing was heard leaves
    /// no line. The text of a resumed turn includes what was heard before the cut.
    pub(crate) fn push_assistant(&mut self, heard: String, cut: Option<Cut>) -> Option<usize> {
        if heard.trim().is_empty() {
            return None;
        }
        self.push(Speaker::Assistant, heard, cut);
        Some(self.lines.len() - 1)
    }

    /// Less was heard of the assistant's line at `index` than was thought. Returns its place; it is gone where nothing
    /// was heard, and the user's lines around it are one.
    pub(crate) fn amend(&mut self, index: usize, heard: &str, cut: Cut) -> Option<usize> {
        let line = self.lines.get_mut(index).filter(|line| line.speaker == Speaker::Assistant)?;
        if !heard.trim().is_empty() {
            (line.text, line.cut) = (heard.to_owned(), Some(cut));
            self.changed(index);
            return Some(index);
        }
        self.remove(index);
        self.changed(index.saturating_sub(1));
        if let Some(before) = index.checked_sub(1)
            && self.lines.len() > index
            && self.lines[before].speaker == self.lines[index].speaker
            && self.lines[before].speaker == Speaker::User
        {
            let after = self.remove(index);
            join(&mut self.lines[before].text, &after.text);
        }
        None
    }

    /// Takes back the assistant's line where it is the last, to resume it.
    pub(crate) fn reopen_assistant(&mut self) {
        self.take_back(Speaker::Assistant);
    }

    /// Takes back the user's line where it is the last, to continue it.
    pub(crate) fn reopen_user(&mut self) -> Option<String> {
        self.take_back(Speaker::User)
    }

    /// The text of the last line, where it is the assistant's.
    pub(crate) fn last_assistant(&self) -> Option<&str> {
        let last = self.lines.last().filter(|line| line.speaker == Speaker::Assistant)?;
        Some(&last.text)
    }

    /// The text of the assistant's newest line.
    pub(crate) fn said_last(&self) -> Option<&str> {
        let mut lines = self.lines.iter().rev();
        lines.find(|line| line.speaker == Speaker::Assistant).map(|line| line.text.as_str())
    }

    /// The conversation for the reply model while the user has said `words` that are not settled yet, and `reply` is
    /// written already. `open` goes into the context as it is: whether the user's line may still grow.
    pub(crate) fn context(&mut self, words: &str, open: bool, reply: String) -> Context {
        let mut settled = self.lines.len();
        let unsettled = (!words.is_empty()).then(|| {
            let mut text = words.to_owned();
            if let Some(last) = self.lines.last()
                && last.speaker == Speaker::User
            {
                settled -= 1;
                text = last.text.clone();
                join(&mut text, words);
            }
            Line { speaker: Speaker::User, text: self.read(settled, &text), cut: None, aside: None }
        });
        let mut lines = self.give(Reader::ReplyModel, settled);
        lines.new.extend(unsettled);
        Context { lines, open, reply }
    }

    /// The first `upto` lines, as a change of what the reader has.
    pub(crate) fn give(&mut self, reader: Reader, upto: usize) -> LinesEdit {
        let kept = self.given[reader as usize].min(upto);
        self.given[reader as usize] = upto;
        let line = |index: usize| {
            let line = &self.lines[index];
            let reads = line.speaker == Speaker::User && matches!(reader, Reader::ReplyModel);
            let text = if reads { self.read(index, &line.text) } else { line.text.clone() };
            Line { speaker: line.speaker, text, cut: None, aside: None }
        };
        LinesEdit { kept, new: (kept..upto).map(line).collect() }
    }

    fn push(&mut self, speaker: Speaker, text: String, cut: Option<Cut>) {
        self.lines.push(Line { speaker, text, cut, aside: None });
    }

    /// Removes a line. What was said aside after it stays where it is among the others.
    fn remove(&mut self, index: usize) -> Line {
        for aside in self.asides.iter_mut().filter(|aside| aside.after > index) {
            aside.after -= 1;
        }
        self.lines.remove(index)
    }

    fn take_back(&mut self, speaker: Speaker) -> Option<String> {
        let last = self.lines.len().checked_sub(1)?;
        if self.lines[last].speaker != speaker {
            return None;
        }
        let line = self.remove(last);
        self.changed(last);
        Some(line.text)
    }

    /// Lines from this one on are not what readers were given.
    fn changed(&mut self, from: usize) {
        for given in &mut self.given {
            *given = (*given).min(from);
        }
    }
}

/// Continues a line of the user's.
fn join(line: &mut String, words: &str) {
    line.push(' ');
    line.push_str(words);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Edit {
        User,
        Assistant,
        ReopenUser,
        ReopenAssistant,
        Amend { index: usize, heard: bool },
        Context { words: bool },
        Turns { without_last: bool },
    }

    fn edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            Just(Edit::User),
            Just(Edit::Assistant),
            Just(Edit::ReopenUser),
            Just(Edit::ReopenAssistant),
            (0..20usize, any::<bool>()).prop_map(|(index, heard)| Edit::Amend { index, heard }),
            any::<bool>().prop_map(|words| Edit::Context { words }),
            any::<bool>().prop_map(|without_last| Edit::Turns { without_last }),
        ]
    }

    /// Lines as a model is given them.
    fn uncut(lines: &[Line]) -> Vec<Line> {
        lines.iter().map(|line| Line { cut: None, ..line.clone() }).collect()
    }

    proptest! {
        /// Whatever happens to the transcript between them, a reader that makes every change has its lines.
        #[test]
        fn a_reader_that_makes_every_change_has_the_conversation(
            edits in prop::collection::vec(edit(), 1..60),
        ) {
            let mut transcript = Transcript::default();
            let (mut reply_model, mut duplex_model) = (Vec::<Line>::new(), Vec::<Line>::new());
            for (number, edit) in edits.into_iter().enumerate() {
                let text = format!("words {number}");
                match edit {
                    Edit::User => _ = transcript.push_user(&text),
                    Edit::Assistant => _ = transcript.push_assistant(text, None),
                    Edit::ReopenUser => _ = transcript.reopen_user(),
                    Edit::ReopenAssistant => transcript.reopen_assistant(),
                    Edit::Amend { index, heard } => {
                        let cut = Cut { at: SessionTime(0), why: Why::Command, unheard: text };
                        _ = transcript.amend(index, if heard { "less" } else { "" }, cut);
                    }
                    Edit::Context { words } => {
                        let words = if words { text.as_str() } else { "" };
                        transcript.context(words, false, String::new()).lines.apply(&mut reply_model);
                        let mut expected = transcript.clone();
                        if !words.is_empty() {
                            expected.push_user(words);
                        }
                        prop_assert_eq!(&reply_model, &uncut(expected.lines()));
                    }
                    Edit::Turns { without_last } => {
                        let upto = transcript.lines().len().saturating_sub(usize::from(without_last));
                        transcript.give(Reader::DuplexModel, upto).apply(&mut duplex_model);
                        prop_assert_eq!(&duplex_model, &uncut(&transcript.lines()[..upto]));
                    }
                }
            }
        }
    }
}
