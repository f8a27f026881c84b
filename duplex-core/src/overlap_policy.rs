//! Who gets the floor when the user makes a sound while the assistant speaks.

use crate::{
    Choice, Policy, Samples, Sound, SoundKind, Why, session::Decision, user_tracker::Pending,
};

/// What to do about a sound of the user's while the assistant speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait for more evidence.
    Undecided {
        /// Until then the assistant pauses: words are likely. Else it only ducks.
        holds: bool,
    },
    /// The user takes the floor: cancel the reply, and answer.
    Yield(Why),
    /// The user wants silence: cancel the reply, and stay silent.
    Stop,
    /// The assistant keeps the floor: release and unduck.
    Continue(Why),
}

/// Why a sound is passed over that is most likely this.
pub(crate) const fn why_passed(kind: SoundKind, has_words: bool) -> Why {
    match kind {
        SoundKind::Backchannel => Why::Backchannel,
        SoundKind::ToOthers => Why::ToOthers,
        SoundKind::OtherVoice => Why::OtherVoice,
        SoundKind::Nothing if !has_words => Why::NoWords,
        SoundKind::Nothing | SoundKind::Turn | SoundKind::Answer | SoundKind::Command => Why::Noise,
    }
}

/// Judges a sound of the user's while the assistant speaks, or `paused` for it. `speaking` and `silence` are the user's;
/// `again`: the user's words before were not answered.
pub(crate) fn judge(
    user: &Pending,
    sound: &Sound,
    (speaking, silence): (bool, Samples),
    decision: Decision,
    (again, paused): (bool, bool),
    policy: &Policy,
) -> Verdict {
    let costs = &policy.costs;
    if !speaking && user.is_recognised() {
        let has_words = !user.text().is_empty();
        return match costs.choose(sound, again) {
            // A plain rule: where nothing was recognised, there is nothing to answer.
            Choice::Answer | Choice::Stop if !has_words => Verdict::Continue(Why::NoWords),
            Choice::Answer if decision == Decision::Awaited => Verdict::Undecided { holds: true },
            Choice::Answer => Verdict::Yield(Why::Words),
            Choice::Stop => Verdict::Stop,
            Choice::Pass(kind) => Verdict::Continue(why_passed(kind, has_words)),
        };
    }
    if !speaking && silence >= policy.recogniser_patience {
        return Verdict::Continue(Why::NoAnswer);
    }
    let has_words = !user.text().is_empty();
    if has_words && decision != Decision::Awaited && costs.takes_floor(sound) {
        return Verdict::Yield(Why::Words);
    }
    let is_passed = matches!(costs.choose(sound, again), Choice::Pass(_));
    if speaking && user.voiced >= policy.yield_after && !is_passed {
        return Verdict::Yield(Why::Length);
    }
    Verdict::Undecided { holds: user.voiced >= policy.hold_after && costs.holds(sound, paused) }
}
