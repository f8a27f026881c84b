//! What mistakes cost, and the decisions that follow.

use crate::{Permille, Samples};

use super::{Sound, SoundKind};

/// What each mistake costs, against the others. Only ratios matter. Ignoring the caller costs more than stopping
/// wrongly, which costs more than a short wait: every threshold follows from these and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Costs {
    /// The caller's turn, answer or command is ignored.
    pub ignored: u16,
    /// The same, where the caller's words before were not answered either.
    pub ignored_again: u16,
    /// What wants no answer is answered.
    pub needless_answer: u16,
    /// The assistant falls silent for what wants no silence.
    pub needless_stop: u16,
    /// The assistant goes on over a caller's turn until the words are final.
    pub talked_over: u16,
    /// The assistant pauses for what wants no silence until the words are final.
    pub gap: u16,
    /// The assistant answers a caller who goes on.
    pub cut_in: u16,
    /// The caller waits a moment longer for the answer: as much again for each second that passed already.
    pub wait: u16,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            ignored: 115,
            ignored_again: 400,
            needless_answer: 40,
            needless_stop: 60,
            talked_over: 25,
            gap: 12,
            cut_in: 40,
            wait: 10,
        }
    }
}

/// What to do about a sound of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Answer it.
    Answer,
    /// Be silent.
    Stop,
    /// Pass over it. It is most likely this.
    Pass(SoundKind),
}

/// Kinds that are passed over.
const PASSED: [SoundKind; 4] =
    [SoundKind::Backchannel, SoundKind::ToOthers, SoundKind::OtherVoice, SoundKind::Nothing];

impl Costs {
    /// The choice that is expected to cost least, where the words are final. `again`: the caller's words before were not
    /// answered.
    pub fn choose(&self, sound: &Sound, again: bool) -> Choice {
        let (wants, command, passed) = parts(sound);
        let ignored = u32::from(if again { self.ignored_again } else { self.ignored });
        let answer = (command + passed) * u32::from(self.needless_answer);
        let stop = wants * ignored + passed * u32::from(self.needless_stop);
        let pass = (wants + command) * ignored;
        if answer <= stop && answer <= pass {
            Choice::Answer
        } else if stop <= pass {
            Choice::Stop
        } else {
            let likely = |kind: &&SoundKind| sound.get(**kind);
            // Of two that are as likely, the first.
            let most = PASSED.iter().rev().max_by_key(likely);
            Choice::Pass(most.copied().unwrap_or(SoundKind::Nothing))
        }
    }

    /// Whether words that are not final take the floor: to wait for the end costs less the surer they are a turn.
    pub fn takes_floor(&self, sound: &Sound) -> bool {
        let (wants, command, passed) = parts(sound);
        wants * u32::from(self.talked_over) >= (command + passed) * u32::from(self.needless_stop)
    }

    /// Whether the assistant pauses until the words are final. One that pauses already goes on only where twice as much
    /// speaks for it: it would break off again.
    pub fn holds(&self, sound: &Sound, paused: bool) -> bool {
        let (wants, command, passed) = parts(sound);
        let gap = u32::from(self.gap) * if paused { 1 } else { 2 };
        (wants + command) * u32::from(self.talked_over) * 2 >= passed * gap
    }

    /// The probability that the turn is over from which on it is answered after this silence.
    pub fn answers_from(&self, silence: Samples) -> Permille {
        let wait = u64::from(self.wait) * (1000 + silence.as_millis().min(60_000));
        let cut_in = u64::from(self.cut_in) * 1000;
        Permille((cut_in * 1000 / (cut_in + wait).max(1)) as u16)
    }
}

/// Probabilities, in thousandths: of what wants an answer, of a command to be silent, and of the rest.
fn parts(sound: &Sound) -> (u32, u32, u32) {
    let of = |kind| u32::from(sound.get(kind).0);
    let wants = of(SoundKind::Turn) + of(SoundKind::Answer);
    let command = of(SoundKind::Command);
    (wants, command, PASSED.into_iter().map(of).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(parts: &[(SoundKind, u16)]) -> Sound {
        let mut sound = Sound::default();
        for &(kind, part) in parts {
            sound.0[kind as usize] = Permille(part);
        }
        sound
    }

    #[test]
    fn ignoring_costs_more_than_answering_for_nothing_and_more_the_second_time() {
        let costs = Costs::default();
        let turn = |part| sound(&[(SoundKind::Turn, part), (SoundKind::ToOthers, 1000 - part)]);
        assert_eq!(costs.choose(&turn(300), false), Choice::Answer);
        assert_eq!(costs.choose(&turn(150), false), Choice::Pass(SoundKind::ToOthers));
        assert_eq!(costs.choose(&turn(150), true), Choice::Answer);
    }

    #[test]
    fn a_likely_command_is_obeyed_and_a_likely_turn_is_answered() {
        let costs = Costs::default();
        let of = |command, turn| sound(&[(SoundKind::Command, command), (SoundKind::Turn, turn)]);
        assert_eq!(costs.choose(&of(900, 100), false), Choice::Stop);
        assert_eq!(costs.choose(&of(300, 700), false), Choice::Answer);
    }

    #[test]
    fn words_that_are_not_final_need_more_to_take_the_floor_than_to_hold_it() {
        let costs = Costs::default();
        let turn = |part| sound(&[(SoundKind::Turn, part), (SoundKind::Backchannel, 1000 - part)]);
        assert!(costs.holds(&turn(600), false) && !costs.takes_floor(&turn(600)));
        assert!(costs.takes_floor(&turn(800)));
        assert!(!costs.holds(&turn(300), false) && costs.holds(&turn(300), true));
        assert!(!costs.holds(&turn(100), true));
    }

    #[test]
    fn less_evidence_suffices_the_longer_the_caller_waits() {
        let costs = Costs::default();
        let after = |ms| costs.answers_from(Samples::from_millis(ms));
        assert!(after(0) > after(500) && after(500) > after(2_000) && after(2_000).0 > 0);
    }

    #[test]
    fn costs_beyond_all_reason_give_a_choice() {
        let of = |cost| Costs {
            ignored: cost,
            ignored_again: cost,
            needless_answer: cost,
            needless_stop: cost,
            talked_over: cost,
            gap: cost,
            cut_in: cost,
            wait: cost,
        };
        for cost in [0, u16::MAX] {
            let costs = of(cost);
            let sound = sound(&[(SoundKind::Nothing, 1000)]);
            _ = (costs.choose(&sound, true), costs.takes_floor(&sound), costs.holds(&sound, true));
            assert!(costs.answers_from(Samples(u64::MAX)).0 <= 1000);
        }
    }
}
