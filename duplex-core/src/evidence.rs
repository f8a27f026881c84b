//! Evidence that the user's turn is over.

use crate::{Permille, user_tracker::Pending, words};

/// What is known of whether the user's turn is over. Each source but silence may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By tracker: intonation and rhythm, from the end-of-turn model.
    pub acoustic: Option<Permille>,
    /// By the duplex model: that the assistant should stay silent.
    pub idle: Option<Permille>,
    /// The words cannot end here.
    pub unfinished: bool,
    /// The words end in a row of digits.
    pub digits: bool,
    /// The words ask for an answer.
    pub asks: bool,
}

/// Evidence for the end of a sentence that cannot end where it does: enough after a long silence.
const UNFINISHED_AT_MOST: i32 = 150;

/// Evidence for the end of a number that is not whole: people pause longer between its groups.
const DIGITS_AT_MOST: i32 = 200;

impl Evidence {
    /// Evidence that the turn is over, from its sources.
    pub fn weigh(self) -> Permille {
        let model = self.idle.map(|idle| 1000 - i32::from(idle.0.min(1000)));
        let acoustic = self.acoustic.map(|acoustic| i32::from(acoustic.0));
        let sources = [model, acoustic];
        let known = sources.iter().flatten().count() as i32;
        let mean = sources.iter().flatten().sum::<i32>().checked_div(known).unwrap_or(550);
        let weighed = match self {
            // Grammar outweighs an ear that is sure: half of broken-off sentences sound complete.
            Self { unfinished: true, .. } => (mean - 350).min(UNFINISHED_AT_MOST),
            Self { digits: true, .. } => (mean - 350).min(DIGITS_AT_MOST),
            Self { asks: true, .. } => mean + 150,
            _ => mean,
        };
        Permille(weighed.clamp(0, 1000) as u16)
    }
}

/// The evidence that the user's turn is over.
pub(crate) fn end_of_turn_evidence(user: &Pending, text: &str, idle: Option<Permille>) -> Evidence {
    let words = words::normalise(text);
    Evidence {
        acoustic: user.end.filter(|(to, _)| *to >= user.voiced_until).map(|(_, score)| score),
        idle,
        unfinished: words::is_unfinished(text, &words),
        digits: words::ends_in_digits(text, &words),
        asks: words::asks(text, &words),
    }
}
