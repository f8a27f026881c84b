//! Requests to the duplex model: when they are made, what context they carry, and which answers count.

use crate::{Action, DecisionId, Permille, SessionTime, SliceWords, Speaker, TurnContext, words};

use crate::transcript::Reader;

use super::{AssistantState, DuplexSession};

/// Most words of one side in a slice: about what is said in
/// [`Policy::decision_slice`](crate::Policy::decision_slice).
const WORDS: usize = 3;

/// The newest request, and its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    asked: DecisionId,
    at: SessionTime,
    about: Option<About>,
    idle: Option<Permille>,
}

/// What a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    /// The user's words.
    words: Vec<String>,
    /// Whether the assistant spoke.
    is_speaking: bool,
    /// Whether the user had fallen silent.
    falls_silent: bool,
    /// Whole slices of silence since then.
    silence: u32,
}

impl About {
    /// Whether it was about these words, and the assistant spoke then as now.
    fn is_of(&self, words: &[String], is_speaking: bool) -> bool {
        self.words == words && self.is_speaking == is_speaking
    }
}

/// The duplex model's answer about words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// There was no request, or no answer in time.
    Missing,
    /// The answer may still come.
    Awaited,
    /// Probability that the assistant should be silent.
    Idle(Permille),
}

impl Decision {
    /// The probability that the assistant should be silent, where there is an answer.
    pub(crate) const fn idle(self) -> Option<Permille> {
        match self {
            Self::Idle(idle) => Some(idle),
            Self::Missing | Self::Awaited => None,
        }
    }
}

impl Decisions {
    /// Takes in an answer; one to an older request is ignored.
    pub(super) fn decided(&mut self, slice: DecisionId, idle: Permille) {
        if slice == self.asked {
            self.idle = Some(idle);
        }
    }
}

impl DuplexSession {
    /// What the duplex model says of the user's words as they are now, while the assistant speaks or is silent.
    pub(super) fn decision(&self, text: &str, is_speaking: bool) -> Decision {
        let decisions = &self.decisions;
        let about = decisions.about.as_ref();
        let same = about.is_some_and(|about| about.is_of(&words::normalise(text), is_speaking));
        match decisions.idle {
            _ if !same => Decision::Missing,
            Some(idle) => Decision::Idle(idle),
            None if self.now - decisions.at < self.policy.model_patience => Decision::Awaited,
            None => Decision::Missing,
        }
    }

    /// Requests a decision on the user's words, once for each state of them.
    ///
    /// While the assistant speaks, that is whenever the words change, and when the user falls silent or speaks again.
    /// While it is silent, it is when the user is silent and recognised, and again with every slice of silence: words
    /// that seemed unfinished are less so then.
    pub(super) fn ask(&mut self) {
        if !self.policy.sources.model() {
            return;
        }
        let Some(user) = &self.tracker.pending else { return };
        let is_speaking = matches!(self.assistant, AssistantState::Speaking(..));
        if !is_speaking && (self.tracker.speaking || !user.is_recognised()) {
            return;
        }
        let text = user.text();
        let falls_silent = !self.tracker.speaking;
        let silence = if is_speaking || !falls_silent { 0 } else { self.silent_slices() };
        let about = About { words: words::normalise(&text), is_speaking, falls_silent, silence };
        let last = self.decisions.about.as_ref();
        if about.words.is_empty() || last == Some(&about) {
            return;
        }
        // An earlier answer about the same words counts until the next one.
        let same = last.is_some_and(|last| last.is_of(&about.words, is_speaking));
        let idle = self.decisions.idle.filter(|_| same);
        let slice = DecisionId(self.decisions.asked.0 + 1);
        self.decisions = Decisions { asked: slice, at: self.now, about: Some(about), idle };
        let context = TurnContext { falls_silent, silence, ..self.turn_context(&text) };
        self.actions.push(Action::Decide { slice, context });
    }

    /// Prefills the duplex model with `text`, so that little is left to decode when a decision is requested.
    pub(super) fn prefill_turn_model(&mut self, text: &str) {
        if self.policy.sources.model() {
            let context = self.turn_context(text);
            self.actions.push(Action::PrefillTurnModel(context));
        }
    }

    /// The conversation up to the user's newest words. A reply under way is laid out in slices, with the question that
    /// it answers; finished turns are plain text.
    fn turn_context(&mut self, text: &str) -> TurnContext {
        let mut finished = self.transcript.lines();
        let mut slices: Vec<SliceWords> = Vec::new();
        let mut heard = Vec::new();
        if let AssistantState::Speaking(reply, _) = &self.assistant {
            heard = in_slices(reply.utterance.heard());
            if let Some((line, before)) = finished.split_last()
                && line.speaker == Speaker::User
            {
                finished = before;
                let question = in_slices(&line.text).into_iter();
                slices.extend(question.map(|user| SliceWords { user, ..SliceWords::default() }));
                if let Some(end) = slices.last_mut() {
                    end.falls_silent = true;
                }
            }
        }
        let mut newest = in_slices(text);
        let user = newest.pop().unwrap_or_default();
        // The reply begins in the slice in which the question ends.
        let begins = slices.len().saturating_sub(1);
        for (index, assistant) in heard.into_iter().enumerate() {
            match slices.get_mut(begins + index) {
                Some(said) => said.assistant = assistant,
                None => slices.push(SliceWords { assistant, ..SliceWords::default() }),
            }
        }
        // The user's words before the newest were spoken while the assistant spoke: they share its last slices.
        let spoken = slices.iter().rev().take_while(|said| said.user.is_empty()).count();
        let over = newest.len().min(spoken);
        let (before, during) = newest.split_at(newest.len() - over);
        let from = slices.len() - over;
        for (said, user) in slices[from..].iter_mut().zip(during) {
            said.user.clone_from(user);
        }
        let early =
            before.iter().map(|user| SliceWords { user: user.clone(), ..SliceWords::default() });
        slices.splice(from..from, early);
        let finished = finished.len();
        let lines = self.transcript.give(Reader::DuplexModel, finished);
        TurnContext { lines, slices, user, ..TurnContext::default() }
    }

    /// Whole slices since the user's last voiced frame, up to the longest silence of a request.
    fn silent_slices(&self) -> u32 {
        let slices = self.tracker.silence().0 / self.policy.decision_slice.0.max(1);
        slices.min(TurnContext::LONGEST_SILENCE.into()) as u32
    }
}

/// Text in pieces of up to [`WORDS`] words.
fn in_slices(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(WORDS).map(|words| words.join(" ")).collect()
}
