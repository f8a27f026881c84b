//! What the user's words are, and who gets the floor when the user makes a sound while the assistant speaks.

use crate::{Policy, Samples, Why, session::Decision, user_tracker::Pending, words};

/// Shortest plausible mean length of a word. More words than that in a short sound are hallucinated: the recogniser
/// knows sentences better than backchannels.
const SHORTEST_WORD: Samples = Samples::from_millis(200);

/// Shortest possible mean length of a word, even where voice activity detection found only half of a soft voice.
const SHORTEST_SAYABLE: Samples = Samples::from_millis(50);

/// What to do about a sound of the user's while the assistant speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait for more evidence; the assistant ducks, and holds if the sound lasts.
    Undecided,
    /// The user takes the floor: cancel the reply, and answer.
    Yield(Why),
    /// The user wants silence: cancel the reply, and stay silent.
    Stop,
    /// The assistant keeps the floor: release and unduck.
    Continue(Why),
}

/// What the words of a pending sound are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UtteranceClass {
    /// No words were recognised.
    None,
    /// Words for somebody else.
    ToOthers,
    /// A far-field voice.
    Far,
    /// A command to stop.
    Stop,
    /// A backchannel.
    Backchannel,
    /// A sound too short to be a turn, or too short for the words recognised in it.
    Short,
    /// A turn.
    Turn,
}

/// Whether the voice is far-field: in another room, or of somebody who does not speak to the microphone.
pub(crate) fn is_far(user: &Pending, policy: &Policy) -> bool {
    user.voiced >= policy.near_after && user.high_band_snr < policy.near_high_band_snr
}

/// Tells backchannels and commands from turns, by the words, their number and the length of the sound.
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
        // Even if they ask something: the recogniser hallucinated a sentence from residual echo.
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

/// Whether the words, each at least `each` long, need more time than was voiced.
fn takes_longer(words: &[String], each: Samples, user: &Pending) -> bool {
    user.voiced < Samples(words.len() as u64 * each.0)
}

/// Classifies words spoken over the assistant's voice. There the recogniser mishears parts of commands, and
/// hallucinates words in the silence behind a backchannel.
pub(crate) fn classify_overlapped(user: &Pending, policy: &Policy) -> UtteranceClass {
    let text = &user.text();
    let words = words::normalise(text);
    let mishearings = &policy.mishearings;
    match classify(user, policy) {
        UtteranceClass::Short | UtteranceClass::Turn
            if mishearings.resembles_stop(text, &words) =>
        {
            UtteranceClass::Stop
        }
        UtteranceClass::Turn if mishearings.resembles_backchannel(text, &words) => {
            UtteranceClass::Backchannel
        }
        kind => kind,
    }
}

/// Judges a sound of the user's while the assistant speaks. `speaking` and `silence` are the user's.
pub(crate) fn judge(
    user: &Pending,
    speaking: bool,
    silence: Samples,
    decision: Decision,
    policy: &Policy,
) -> Verdict {
    let keeps_speaking = decision.idle().is_some_and(|idle| idle <= policy.surely_speaking);
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
            UtteranceClass::Turn if keeps_speaking => Verdict::Continue(Why::Model),
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
    // A partial hypothesis: a command may turn out to begin a question, a backchannel an objection. Only words that are
    // neither take the floor at once.
    let is_turn = words.len() > 2 && classify_overlapped(user, policy) == UtteranceClass::Turn;
    if is_turn && !keeps_speaking && decision != Decision::Awaited {
        return Verdict::Yield(Why::Words);
    }
    if user.voiced >= policy.yield_after {
        return Verdict::Yield(Why::Length);
    }
    Verdict::Undecided
}
