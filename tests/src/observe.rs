//! What the session observed of the user's sounds, labelled with what the scripted user did: the table that the weights
//! of turn-taking are fitted to.
//!
//! A row is a moment at which something is new: the words, whether they are final, a step of the voiced length or of the
//! silence, a score. What is true of the moment follows from the script alone.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use duplex_audio::room::Fired;
use duplex_core::{
    DuplexSession, Feature, Observed, Policy, Samples, SessionTime, SoundKind, words,
};
use duplex_runtime::SessionStep;

use crate::{
    case::{Case, Category},
    report::Expect,
};

/// Steps of the voiced length and of the silence between two rows of the same words.
const STEP: Samples = Samples::from_millis(200);

/// How far a sound may begin before its cue or last beyond it: detection and reverberation.
const SLACK: Samples = Samples::from_millis(400);

/// Silences after which nothing new is learnt.
const LONGEST_SILENCE: Samples = Samples::from_millis(2_600);

/// A moment of a call, and what was observed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: SessionTime,
    /// What was observed of the user's pending sound.
    pub observed: Observed,
}

/// Collects the moments of a call while it runs. Clones share what is collected.
#[derive(Clone, Debug)]
pub struct Observer(Arc<Mutex<Twin>>);

/// A session that is given the same events as the one of the call, and so is in the same state.
#[derive(Debug)]
struct Twin {
    session: DuplexSession,
    last: Option<Key>,
    moments: Vec<Moment>,
}

/// Moments with the same key are one row.
type Key = (u32, String, Vec<Option<i16>>, u64, u64);

impl Observer {
    /// An observer of a call with this policy.
    pub fn new(policy: Policy) -> Self {
        let session = DuplexSession::new(policy);
        Self(Arc::new(Mutex::new(Twin { session, last: None, moments: Vec::new() })))
    }

    /// Takes in a step of the session.
    pub fn see(&self, seen: SessionStep<'_>) {
        let mut twin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        twin.session.step(seen.at, seen.event.clone());
        if let Some(observed) = twin.session.observed().cloned() {
            twin.note(seen.at, observed);
        }
    }

    /// The moments so far.
    pub fn take(&self) -> Vec<Moment> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).moments)
    }
}

impl Twin {
    fn note(&mut self, at: SessionTime, observed: Observed) {
        let silence = at - observed.voiced_until;
        if silence > LONGEST_SILENCE {
            return;
        }
        let known = |feature| observed.features.get(feature);
        let state =
            [Feature::Partial, Feature::Overlaps, Feature::ModelYields, Feature::EndOfWords]
                .map(known);
        let mut state = state.to_vec();
        state.push(known(Feature::EndOfTurn).map(|_| 1));
        let voiced = (observed.voiced_until - observed.began).0 / STEP.0;
        let key = (observed.speech.0, observed.text.clone(), state, voiced, silence.0 / STEP.0);
        if self.last.as_ref() != Some(&key) {
            self.last = Some(key);
            self.moments.push(Moment { at, observed });
        }
    }
}

/// What is true of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label {
    kind: SoundKind,
    /// Whether the user's turn is over; none where it is no turn.
    over: Option<bool>,
}

/// The columns before the features.
const COLUMNS: [&str; 8] = ["case", "split", "phrase", "speech", "at_ms", "kind", "over", "words"];

/// The head of the table.
pub fn head() -> String {
    let features = Feature::ALL.iter().map(|feature| feature.name());
    COLUMNS.into_iter().chain(features).collect::<Vec<_>>().join("\t") + "\n"
}

/// The rows of a call, one a line.
pub fn rows(case: &Case, fired: &[Fired], moments: &[Moment]) -> String {
    let mut text = String::new();
    for moment in moments {
        let Some((label, phrase)) = label(case, fired, moment) else { continue };
        let observed = &moment.observed;
        let over = label.over.map_or("", |over| if over { "1" } else { "0" });
        let plain = |text: &str| words::normalise(text).join(" ");
        _ = write!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{over}\t{}",
            case.id,
            case.split.as_str(),
            plain(&phrase),
            observed.speech.0,
            moment.at.as_millis(),
            label.kind.name(),
            plain(&observed.text),
        );
        for &feature in Feature::ALL {
            match observed.features.get(feature) {
                Some(value) => _ = write!(text, "\t{value}"),
                None => text.push('\t'),
            }
        }
        text.push('\n');
    }
    text
}

/// What the script says of a moment, and the words of the cue that is heard; none where nothing can be said.
fn label(case: &Case, fired: &[Fired], moment: &Moment) -> Option<(Label, String)> {
    let observed = &moment.observed;
    let overlap = |(from, to): (SessionTime, SessionTime)| {
        let from = from.back(SLACK).max(observed.began);
        let to = (to + SLACK).min(observed.voiced_until);
        to - from
    };
    // Each clip, up to where the user's part of it ends and to its own end.
    let spans = fired.iter().filter_map(|fired| {
        let (from, to) = fired.span?;
        let cue = case.cues.iter().find(|cue| cue.id == fired.id);
        let user_until = cue.and_then(|cue| cue.user_until);
        Some((fired, (from, user_until.map_or(to, |until| from + until)), to))
    });
    let heard = spans
        .clone()
        .map(|(fired, span, _)| (fired, span))
        .filter(|&(_, span)| overlap(span) > Samples(0))
        .max_by_key(|&(_, span)| overlap(span));
    let Some((cue, (from, to))) = heard else {
        // The rest of a clip is other voices. Where nothing was said, it is the assistant's own echo, or noise.
        let is_rest = spans.clone().any(|(_, (_, until), to)| overlap((until, to)) > Samples(0));
        let kind = if is_rest { SoundKind::OtherVoice } else { SoundKind::Nothing };
        let phrase = if is_rest { observed.text.clone() } else { String::new() };
        return Some((Label { kind, over: None }, phrase));
    };
    let expectation = case.expect.get(&cue.id)?;
    let expects = |outcome| expectation.outcomes.contains(&outcome);
    let answers = !case.announcements.is_empty();
    let kind = match case.category {
        _ if expects(Expect::Respond) && answers => SoundKind::Answer,
        _ if expects(Expect::Respond) => SoundKind::Turn,
        Category::Stop | Category::HardPair if expects(Expect::Stop) => SoundKind::Command,
        // Where a reply to it is accepted, and none is asked for.
        _ if expects(Expect::Stop) => SoundKind::Turn,
        Category::Backchannel => SoundKind::Backchannel,
        Category::ToOthers => SoundKind::ToOthers,
        Category::Background => SoundKind::OtherVoice,
        Category::Noise => SoundKind::Nothing,
        _ => return None,
    };
    let is_mixed = case.cues.iter().any(|it| it.id == cue.id && it.user_until.is_some());
    if is_mixed {
        // Others talk in the clip too: whose words were heard tells whose sound it is.
        let [heard, said] = [&observed.text, &expectation.text].map(|text| words::normalise(text));
        if heard.is_empty() {
            return None;
        }
        if words::shared(&heard, &said) < 300 {
            let label = Label { kind: SoundKind::OtherVoice, over: None };
            return Some((label, observed.text.clone()));
        }
    }
    // A sound that began long before the cue is something else, and so is one that was settled in its middle.
    if observed.began + SLACK < from {
        return None;
    }
    let is_turn = matches!(kind, SoundKind::Turn | SoundKind::Answer);
    let over = is_turn.then(|| moment.at >= to && observed.voiced_until + SLACK >= to);
    Some((Label { kind, over }, expectation.text.clone()))
}
