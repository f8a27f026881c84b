//! What the user's words are, and what a sound of theirs means while the assistant speaks.

use crate::{Policy, Samples, Why, session::Decision, user_tracker::Pending, words};

/// Nobody says words faster than this on average. More of them in a short sound were made up by the
/// recogniser, which knows sentences better than backchannels.
const SHORTEST_WORD: Samples = Samples::from_millis(200);

/// Nobody can say words faster than this, even where voice activity found only half of a soft voice.
const SHORTEST_SAYABLE: Samples = Samples::from_millis(50);

/// What to do about a sound that the user makes while the assistant speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Gather more evidence.
    Undecided,
    /// The user takes the floor.
    Yield(Why),
    /// The user wants silence.
    Stop,
    /// The assistant keeps the floor.
    Continue(Why),
}

/// What the user's words are, once they are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UtteranceClass {
    None,
    ToOthers,
    Far,
    Stop,
    Backchannel,
    Short,
    Turn,
}

/// The voice comes from afar: another room, or somebody the microphone is not meant for.
pub(crate) fn is_far(user: &Pending, policy: &Policy) -> bool {
    user.voiced >= policy.near_after && user.high_band_snr < policy.near_high_band_snr
}

/// Tells attention and commands from turns, by words, number of words and length.
pub(crate) fn classify(user: &Pending, policy: &Policy) -> UtteranceClass {
    let text = &user.text();
    let words = words::normalise(text);
    if words.is_empty() {
        UtteranceClass::None
    } else if !policy.words {
        UtteranceClass::Turn
    } else if is_far(user, policy) {
        UtteranceClass::Far
    } else if words::is_stop(&words) {
        UtteranceClass::Stop
    } else if words::is_to_others(text) {
        UtteranceClass::ToOthers
    } else if words::is_backchannel(&words) {
        UtteranceClass::Backchannel
    } else if takes_longer(&words, SHORTEST_SAYABLE, user) {
        // Whatever they ask: the recogniser made a sentence of a scrap of echo.
        UtteranceClass::Short
    } else if user.voiced <= policy.longest_backchannel
        && (words.len() <= 2
            || takes_longer(&words, SHORTEST_WORD, user)
            || user.confidence() < policy.doubtful)
        && !words::asks(text, &words)
    {
        UtteranceClass::Short
    } else {
        UtteranceClass::Turn
    }
}

/// Whether words that take `each` at least cannot have been said in what was voiced.
fn takes_longer(words: &[String], each: Samples, user: &Pending) -> bool {
    user.voiced < Samples(words.len() as u64 * each.0)
}

/// The same of what was said under the assistant's voice, where commands are half heard, and the recogniser
/// makes words of the silence behind a sign of attention.
pub(crate) fn classify_overlapped(user: &Pending, policy: &Policy) -> UtteranceClass {
    let text = &user.text();
    let words = words::normalise(text);
    let heard = &policy.mishearings;
    match classify(user, policy) {
        UtteranceClass::Short | UtteranceClass::Turn if heard.resembles_stop(text, &words) => {
            UtteranceClass::Stop
        }
        UtteranceClass::Turn if heard.resembles_backchannel(text, &words) => {
            UtteranceClass::Backchannel
        }
        kind => kind,
    }
}

/// Weighs a sound that the user makes while the assistant speaks.
pub(crate) fn judge(
    user: &Pending,
    speaking: bool,
    silence: Samples,
    decision: Decision,
    policy: &Policy,
) -> Verdict {
    let goes_on = decision.idle().is_some_and(|idle| idle <= policy.surely_speaking);
    let falls_silent = decision.idle().is_some_and(|idle| idle >= policy.surely_idle);
    if !speaking && user.is_recognised() {
        return match classify_overlapped(user, policy) {
            UtteranceClass::None => Verdict::Continue(Why::NoWords),
            UtteranceClass::ToOthers => Verdict::Continue(Why::ToOthers),
            UtteranceClass::Far => Verdict::Continue(Why::Far),
            UtteranceClass::Stop => Verdict::Stop,
            UtteranceClass::Backchannel => Verdict::Continue(Why::Backchannel),
            UtteranceClass::Short | UtteranceClass::Turn if decision == Decision::Awaited => {
                Verdict::Undecided
            }
            UtteranceClass::Short if falls_silent => Verdict::Yield(Why::Model),
            UtteranceClass::Short => Verdict::Continue(Why::ShortSound),
            UtteranceClass::Turn if goes_on => Verdict::Continue(Why::Model),
            UtteranceClass::Turn => Verdict::Yield(Why::Words),
        };
    }
    if !speaking && silence >= policy.recogniser_patience {
        return Verdict::Continue(Why::NoAnswer);
    }
    if is_far(user, policy) {
        return Verdict::Continue(Why::Far);
    }
    let words = words::normalise(&user.text());
    // Half a sentence: a command may turn out to be the beginning of a question, attention the
    // beginning of an objection. Only what is neither takes the floor at once.
    let is_turn = words.len() > 2 && classify_overlapped(user, policy) == UtteranceClass::Turn;
    if is_turn && !goes_on && decision != Decision::Awaited {
        return Verdict::Yield(Why::Words);
    }
    if user.voiced >= policy.yield_after {
        return Verdict::Yield(Why::Length);
    }
    Verdict::Undecided
}
