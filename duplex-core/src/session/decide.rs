//! The duplex model: what it is asked, and which of its answers count.

use crate::{Action, Floor, Permille, Said, SessionTime, Slice, Speaker, words};

use super::{DuplexSession, Mouth};

/// Words of one side in a slice at most; about what is said in a second.
const WORDS: usize = 3;

/// What was asked last, and what came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    asked: Slice,
    at: SessionTime,
    /// The user's words that it was about, and whether the assistant spoke.
    about: Option<(Vec<String>, bool)>,
    idle: Option<Permille>,
}

/// The duplex model's answer about words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It was not asked, or did not answer in time.
    Missing,
    /// Its answer may still come.
    Awaited,
    /// The probability that the assistant should be silent.
    Idle(Permille),
}

impl Decision {
    /// The probability of silence, where there is one.
    pub(crate) const fn idle(self) -> Option<Permille> {
        match self {
            Self::Idle(idle) => Some(idle),
            Self::Missing | Self::Awaited => None,
        }
    }
}

impl Decisions {
    /// An answer; one to an older question is of no use.
    pub(super) fn decided(&mut self, slice: Slice, idle: Permille) {
        if slice == self.asked {
            self.idle = Some(idle);
        }
    }
}

impl DuplexSession {
    /// What the duplex model says of the user's words as they are, while the assistant speaks or is silent.
    pub(super) fn decision(&self, text: &str, is_speaking: bool) -> Decision {
        let decisions = &self.decisions;
        let about = decisions.about.as_ref();
        let same = about.is_some_and(|(words, speaking)| {
            *speaking == is_speaking && *words == words::normalise(text)
        });
        match decisions.idle {
            _ if !same => Decision::Missing,
            Some(idle) => Decision::Idle(idle),
            None if self.now - decisions.at < self.policy.model_patience => Decision::Awaited,
            None => Decision::Missing,
        }
    }

    /// Asks about the user's words, once for each state of them: while the assistant speaks, whenever
    /// they change; while it is silent, when they may be over.
    pub(super) fn ask(&mut self) {
        if !self.policy.sources.model() {
            return;
        }
        let Some(user) = &self.ear.pending else { return };
        let is_speaking = matches!(self.mouth, Mouth::Speaking(..));
        if !is_speaking && (self.ear.speaking || !user.is_recognised()) {
            return;
        }
        let text = user.text();
        let about = (words::normalise(&text), is_speaking);
        if about.0.is_empty() || self.decisions.about.as_ref() == Some(&about) {
            return;
        }
        let slice = Slice(self.decisions.asked.0 + 1);
        self.decisions = Decisions { asked: slice, at: self.now, about: Some(about), idle: None };
        let floor = self.floor(&text);
        self.actions.push(Action::Decide { slice, floor });
    }

    /// The conversation up to the user's newest words. A reply under way stands in slices, with the question
    /// that it answers; what is over is plain text.
    fn floor(&self, text: &str) -> Floor {
        let mut lines = self.transcript.context("", false, String::new()).lines;
        let mut slices: Vec<Said> = Vec::new();
        let mut heard = Vec::new();
        if let Mouth::Speaking(reply, _) = &self.mouth {
            heard = in_slices(&reply.utterance.heard());
            if let Some(line) = lines.pop_if(|line| line.speaker == Speaker::User) {
                let question = in_slices(&line.text).into_iter();
                slices.extend(question.map(|user| Said { user, ..Said::default() }));
            }
        }
        let mut newest = in_slices(text);
        let user = newest.pop().unwrap_or_default();
        // The reply begins in the slice in which the question ends.
        let begins = slices.len().saturating_sub(1);
        for (index, assistant) in heard.into_iter().enumerate() {
            match slices.get_mut(begins + index) {
                Some(said) => said.assistant = assistant,
                None => slices.push(Said { user: String::new(), assistant }),
            }
        }
        // What the user said before the newest words was said while the assistant spoke on.
        let spoken = slices.iter().rev().take_while(|said| said.user.is_empty()).count();
        let over = newest.len().min(spoken);
        let (before, during) = newest.split_at(newest.len() - over);
        let from = slices.len() - over;
        for (said, user) in slices[from..].iter_mut().zip(during) {
            said.user.clone_from(user);
        }
        let early = before.iter().map(|user| Said { user: user.clone(), ..Said::default() });
        slices.splice(from..from, early);
        Floor { lines, slices, user }
    }
}

/// Text in pieces of [`WORDS`] words.
fn in_slices(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(WORDS).map(|words| words.join(" ")).collect()
}
