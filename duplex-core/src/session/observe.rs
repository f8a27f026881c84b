//! What is observed of the user's pending sound, and what is remembered of earlier ones.

use crate::{
    Choice, Feature, Features, Permille, Samples, SessionTime, Sound, SoundKind, Speech, UserKind,
    evidence::{self, SAME_VOICE_DB, Situation},
    user_tracker::Pending,
    words,
};

use super::{AssistantState, DuplexSession};

/// How long words that were not answered are remembered.
const REMEMBERED: Samples = Samples::from_millis(10_000);

/// Audio that may be left of the assistant's question when an answer to it begins.
const LAST_WORDS: Samples = Samples::from_millis(600);

/// Words of the assistant's before the user's sound began that may be in it: the sound's audio begins earlier, and the
/// echo arrives later.
const WORDS_BEFORE: usize = 4;

/// Words of the assistant's that may be in the sound already though they were not heard as a whole.
const WORDS_AHEAD: usize = 2;

/// Fewest words that are recognised as the assistant's own: one or two may be said by both.
const OWN_WORDS: usize = 3;

/// How long after a command what is said may still be part of it.
const TAIL_WITHIN: Samples = Samples::from_millis(700);

/// Most words that are added to a command: more are a sentence of their own.
const TAIL_WORDS: usize = 3;

/// What is remembered of the user.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Mean level of the user's last turn that was answered, in dBFS.
    level: Option<i32>,
    /// The last words that were not answered, and when they were settled.
    ignored: Option<(SessionTime, String)>,
    /// Those were a backchannel while the assistant spoke: it was attention, and it was heard.
    attended: bool,
    /// The user's last sound, where it was a command: when its last voiced frame ended, and its words.
    obeyed: Option<(SessionTime, String)>,
    /// How many words of the reply under way were heard when the newest sound began; none if there was no reply.
    heard_at_onset: Option<usize>,
}

/// What is known of the user's pending sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The sound.
    pub speech: Speech,
    /// When its first voiced frame began.
    pub began: SessionTime,
    /// When its last voiced frame so far ended.
    pub voiced_until: SessionTime,
    /// Its words so far.
    pub text: String,
    /// The features.
    pub features: Features,
}

impl DuplexSession {
    /// What the newest step observed of the user's pending sound: what the weights of the policy are applied to. None
    /// where no sound was pending.
    pub const fn observed(&self) -> Option<&Observed> {
        self.observed.as_ref()
    }

    /// Observes the user's pending sound.
    pub(super) fn observe(&self) -> Option<Observed> {
        let user = self.tracker.pending.as_ref()?;
        Some(Observed {
            speech: user.speech,
            began: user.began,
            voiced_until: user.voiced_until,
            text: user.text(),
            features: self.features(user),
        })
    }

    fn features(&self, user: &Pending) -> Features {
        let speaks = match &self.assistant {
            AssistantState::Speaking(reply, _) => Some(reply),
            AssistantState::Silent | AssistantState::Preparing(_) => None,
        };
        let text = user.text();
        let end_of_words = match &self.assistant {
            AssistantState::Preparing(reply) if reply.is_to(&text) => reply.end_of_words,
            _ => None,
        };
        let said = self.said();
        let is_asking = speaks.is_some_and(|reply| {
            let utterance = &reply.utterance;
            reply.complete
                && utterance.is_synthesised()
                && utterance.lead() <= LAST_WORDS
                && words::is_question(utterance.planned())
        });
        let ignored = self.memory.ignored.as_ref();
        let adds_to = self.adds_to(user);
        let has_cut = self.interrupted.as_ref().is_some_and(|cut| user.began <= cut.at);
        let situation = Situation {
            now: self.now,
            is_speaking: self.tracker.speaking,
            speaks: speaks.is_some(),
            overlaps: speaks.is_some() || has_cut || adds_to.is_some(),
            adds_to,
            said,
            is_due: speaks.is_none() && self.transcript.last_assistant().is_none(),
            is_asking,
            spoke_until: self.spoke_until,
            level: self.memory.level,
            others: self.tracker.others_level(),
            ignored: ignored
                .filter(|(at, _)| user.began - *at <= REMEMBERED)
                .map(|(_, words)| words.as_str()),
            end_of_words,
            idle: self.decision(&text, speaks.is_some()).idle(),
        };
        evidence::gather(user, &situation, &self.policy)
    }

    /// The command that a sound adds a word or two to: "That's enough." is obeyed before "Thank you." is said.
    fn adds_to(&self, user: &Pending) -> Option<&str> {
        let (ended, command) = self.memory.obeyed.as_ref()?;
        let is_tail = user.began - *ended <= TAIL_WITHIN
            && words::normalise(&user.own_text()).len() <= TAIL_WORDS;
        is_tail.then_some(command)
    }

    /// What the pending sound is, and whether it is a second try: the user's words before were not answered, and these
    /// repeat them or come from the same voice.
    pub(super) fn weigh(&self) -> Option<(Sound, bool)> {
        let features = &self.observed.as_ref()?.features;
        let user = self.tracker.pending.as_ref()?;
        if !self.policy.words {
            // For comparison: any words are a turn.
            let kind = if user.text().is_empty() { SoundKind::Nothing } else { SoundKind::Turn };
            return Some((Sound::surely(kind), false));
        }
        // Whose words they are comes before what they are for.
        if self.is_own_voice(user) {
            return Some((Sound::surely(SoundKind::Nothing), false));
        }
        let is_lately = features.get(Feature::WasIgnored) == Some(1000) && !self.memory.attended;
        let repeats = features.get(Feature::Repeats).is_some_and(|share| share >= 500);
        let is_same_voice = self
            .memory
            .level
            .zip(user.level())
            .is_some_and(|(before, now)| i64::from(before.abs_diff(now)) <= SAME_VOICE_DB);
        Some((self.policy.weights.sound(features), is_lately && (repeats || is_same_voice)))
    }

    /// What was heard of the assistant's newest line, of the reply under way too.
    fn said(&self) -> Option<&str> {
        match &self.assistant {
            AssistantState::Speaking(reply, _) => Some(reply.utterance.heard()),
            AssistantState::Silent | AssistantState::Preparing(_) => self.transcript.said_last(),
        }
    }

    /// A sound of the user's begins: remembers how much had been heard by then of the reply under way. Whoever is asked
    /// may answer in the words of the question, which none of them is therefore held against.
    pub(super) fn note_onset(&mut self) {
        self.memory.heard_at_onset = match &self.assistant {
            AssistantState::Speaking(reply, _)
                if !words::is_question(reply.utterance.planned()) =>
            {
                Some(words::normalise(reply.utterance.heard()).len())
            }
            _ => None,
        };
    }

    /// Whether the words are those that the assistant was heard to say while the sound lasted: its own voice, which no
    /// canceller has removed. Words that the user repeats come later than they were said.
    fn is_own_voice(&self, user: &Pending) -> bool {
        let Some(before) = self.memory.heard_at_onset else { return false };
        let heard = words::normalise(&user.own_text());
        if heard.len() < OWN_WORDS {
            return false;
        }
        let mut said = words::normalise(self.said().unwrap_or_default());
        if let AssistantState::Speaking(reply, _) = &self.assistant {
            said.extend(words::normalise(reply.utterance.unheard()).into_iter().take(WORDS_AHEAD));
        }
        let played = said.get(before.saturating_sub(WORDS_BEFORE)..).unwrap_or_default();
        let own = words::in_order(&heard, played);
        own >= OWN_WORDS && own * 4 >= heard.len() * 3
    }

    /// Whether what is heard so far of the pending sound would be passed over.
    pub(super) fn is_passed_over(&self) -> bool {
        self.weigh().is_some_and(|(sound, again)| {
            matches!(self.policy.costs.choose(&sound, again), Choice::Pass(_))
        })
    }

    /// Probability that the user's turn is over once the user has been silent so long.
    pub(super) fn over_after(&self, silence: Samples) -> Permille {
        let Some(observed) = &self.observed else { return Permille(0) };
        let mut features = observed.features;
        evidence::set_silence(&mut features, silence);
        self.policy.weights.over(&features)
    }

    /// Whether the words of a sound are, for the most part, a farewell.
    pub(super) fn takes_leave(&self, speech: Speech) -> bool {
        let observed = self.observed.as_ref().filter(|observed| observed.speech == speech);
        let share = observed.and_then(|observed| observed.features.get(Feature::Farewell));
        share.is_some_and(|share| share >= 500)
    }

    /// Remembers how the user's sound was settled.
    pub(super) fn remember(&mut self, user: &Pending, kind: UserKind) {
        if kind == UserKind::Stop {
            let command = self.adds_to(user).unwrap_or_default();
            let words = [command, &user.own_text()].join(" ");
            self.memory.obeyed = Some((user.voiced_until, words));
        } else {
            self.memory.obeyed = None;
        }
        match kind {
            UserKind::Turn | UserKind::Stop => {
                self.memory.level = user.level().or(self.memory.level);
                self.memory.ignored = None;
            }
            UserKind::Backchannel | UserKind::Noise if !user.text().is_empty() => {
                self.memory.ignored = Some((self.now, user.text()));
                self.memory.attended = kind == UserKind::Backchannel
                    && matches!(self.assistant, AssistantState::Speaking(..));
            }
            UserKind::Backchannel | UserKind::Noise => {}
        }
    }
}
