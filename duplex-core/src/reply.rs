//! A reply of the assistant, from the first clause that is written to the last word that is heard.

use crate::{Samples, Turn, Utterance};

/// What a reply needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The next clause, from the language model, which has not begun the reply yet.
    Words,
    /// The next clause of the reply that the language model has begun.
    MoreWords,
    /// Audio of a clause, from the synthesiser.
    Audio { clause: u32, text: String },
}

/// A reply under way, being prepared or spoken.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) turn: Turn,
    /// The user's words that it answers.
    pub(crate) answers: String,
    pub(crate) utterance: Utterance,
    /// All clauses are written.
    pub(crate) complete: bool,
    /// The language model has begun it, and has not failed since.
    begun: bool,
    /// A clause is being written.
    writing: bool,
    /// Written clauses whose audio was not requested yet.
    waiting: Vec<(u32, String)>,
    /// A clause is being synthesised.
    synthesising: bool,
    failures: u32,
}

impl Reply {
    pub(crate) fn new(turn: Turn, answers: String) -> Self {
        Self {
            turn,
            answers,
            utterance: Utterance::default(),
            complete: false,
            begun: false,
            writing: false,
            waiting: Vec::new(),
            synthesising: false,
            failures: 0,
        }
    }

    /// A reply that resumes a cut one with what it had planned and nobody heard.
    pub(crate) fn resumed(
        turn: Turn,
        answers: String,
        heard: String,
        unheard: String,
        complete: bool,
    ) -> Self {
        let mut reply = Self { utterance: Utterance::after(heard), ..Self::new(turn, answers) };
        reply.push(unheard);
        reply.complete = complete;
        reply
    }

    /// Takes in a written clause.
    pub(crate) fn written(&mut self, text: String, last: bool) {
        self.writing = false;
        self.complete = last;
        self.push(text);
    }

    fn push(&mut self, text: String) {
        if !text.trim().is_empty() {
            let clause = self.utterance.push_clause(&text);
            self.waiting.push((clause, text));
        }
    }

    /// The language model failed; after more than `retries` failures the reply ends with what is written.
    pub(crate) fn failed(&mut self, retries: u32) {
        self.failures += 1;
        self.begun = false;
        self.writing = false;
        self.complete |= self.failures > retries;
    }

    /// Another model goes on with it.
    pub(crate) fn fell_back(&mut self) {
        self.begun = false;
        self.writing = false;
    }

    /// The audio of the clause under way is complete.
    pub(crate) fn synthesised(&mut self) {
        self.synthesising = false;
    }

    /// What to request, so that about `lead` of audio is ready ahead of the playout.
    pub(crate) fn need(&mut self, lead: Samples) -> Option<Need> {
        if self.synthesising {
            return None;
        }
        if !self.waiting.is_empty() {
            let (clause, text) = self.waiting.remove(0);
            self.synthesising = true;
            return Some(Need::Audio { clause, text });
        }
        let wanted = !self.writing && !self.complete && self.utterance.lead() < lead;
        self.writing |= wanted;
        let begun = self.begun;
        self.begun |= wanted;
        wanted.then_some(if begun { Need::MoreWords } else { Need::Words })
    }

    /// Whether everything was written and heard.
    pub(crate) fn is_over(&self) -> bool {
        self.complete && self.waiting.is_empty() && self.utterance.is_played()
    }
}
