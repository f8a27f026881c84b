//! A reply of the assistant, from the first clause that is written to the last word that is heard.

use crate::{Permille, Samples, SessionTime, Stages, Turn, Utterance, command::clauses, words};

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

/// What a reply is to, and so when it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The user's sound, which may go on: released once the evidence suffices that it does not.
    Sound,
    /// The conversation as it is, by command: released as soon as there is audio.
    Command,
    /// Text to be said by command. Nobody writes it.
    Text {
        /// Whether the user can interrupt it.
        interruptible: bool,
        /// The session says it by itself. Pointless once the user has said something.
        by_itself: bool,
    },
}

/// When each stage of a reply was reached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timeline {
    /// The end of the user's last voiced frame, or the command.
    pub(crate) from: SessionTime,
    pub(crate) offset: Option<SessionTime>,
    pub(crate) recognised: Option<SessionTime>,
    pub(crate) judged: Option<SessionTime>,
    pub(crate) written: Option<SessionTime>,
    pub(crate) synthesised: Option<SessionTime>,
    pub(crate) released: Option<SessionTime>,
}

impl Timeline {
    /// The stages of a reply that is audible since a moment.
    pub(crate) fn stages(&self, audible: SessionTime) -> Stages {
        let ms = |at: Option<SessionTime>| at.map(|at| (at - self.from).as_millis());
        Stages {
            offset_ms: ms(self.offset),
            recognised_ms: ms(self.recognised),
            judged_ms: ms(self.judged),
            written_ms: ms(self.written),
            synthesised_ms: ms(self.synthesised),
            released_ms: ms(self.released),
            audible_ms: (audible - self.from).as_millis(),
        }
    }
}

/// A reply under way, being prepared or spoken.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) turn: Turn,
    /// The turn in which it was first prepared.
    pub(crate) id: Turn,
    pub(crate) prompt: Prompt,
    /// The user's words that it answers.
    pub(crate) answers: String,
    /// The model's probability that these words are whole.
    pub(crate) end_of_words: Option<Permille>,
    pub(crate) utterance: Utterance,
    /// All clauses are written.
    pub(crate) complete: bool,
    pub(crate) timeline: Timeline,
    /// How much of the planned text was shown, and how much of the heard text, in bytes.
    pub(crate) shown: usize,
    pub(crate) heard: usize,
    /// Something of it was audible.
    pub(crate) is_audible: bool,
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
    pub(crate) fn new(turn: Turn, prompt: Prompt, answers: String, timeline: Timeline) -> Self {
        Self {
            turn,
            id: turn,
            prompt,
            answers,
            end_of_words: None,
            utterance: Utterance::default(),
            complete: false,
            timeline,
            shown: 0,
            heard: 0,
            is_audible: false,
            begun: false,
            writing: false,
            waiting: Vec::new(),
            synthesising: false,
            failures: 0,
        }
    }

    /// Whether it answers these words, however they are written.
    pub(crate) fn is_to(&self, text: &str) -> bool {
        words::are_same(&self.answers, text)
    }

    /// A reply that says this text.
    pub(crate) fn dictated(turn: Turn, text: &str, prompt: Prompt, timeline: Timeline) -> Self {
        let mut reply = Self::new(turn, prompt, String::new(), timeline);
        clauses(text).into_iter().for_each(|clause| reply.push(clause));
        reply.complete = true;
        reply
    }

    /// Resumes this reply, which was cut, with what it had planned and nobody heard.
    pub(crate) fn resumed(self, turn: Turn) -> Self {
        let unheard = self.utterance.unheard().to_owned();
        let mut reply = Self {
            utterance: self.utterance.resumed(),
            turn,
            begun: false,
            writing: false,
            waiting: Vec::new(),
            synthesising: false,
            failures: 0,
            ..self
        };
        reply.heard = reply.utterance.heard().len();
        match reply.prompt {
            Prompt::Text { .. } => {
                clauses(&unheard).into_iter().for_each(|clause| reply.push(clause))
            }
            Prompt::Sound | Prompt::Command => reply.push(unheard),
        }
        reply
    }

    /// Whether the user's sound can neither duck nor cut it.
    pub(crate) const fn is_protected(&self) -> bool {
        matches!(self.prompt, Prompt::Text { interruptible: false, .. })
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

    /// Nothing more is written once the sentence is complete.
    pub(crate) fn end_with_the_sentence(&mut self) {
        self.complete |= self.utterance.planned().trim_end().ends_with(['.', '?', '!', '\u{2026}']);
    }

    /// The language model failed; after more than `retries` failures the reply ends with what is written.
    pub(crate) fn failed(&mut self, retries: u32) {
        self.failures += 1;
        self.begun = false;
        self.writing = false;
        self.complete |= self.failures > retries;
    }

    /// Whether the language model failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failures > 0
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
        // A text to be said is known as a whole, and much longer than what is likely to be heard of it.
        let early = matches!(self.prompt, Prompt::Text { .. }) && self.utterance.lead() >= lead;
        if self.synthesising || early {
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
