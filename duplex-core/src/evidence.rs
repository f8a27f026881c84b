//! Evidence that the user's turn is over: what the sources say, weighed in one place.
//!
//! A reply is released once the evidence reaches [`Policy::threshold`](crate::Policy::threshold), which falls as the
//! user's silence grows.

use crate::{Permille, user_tracker::Pending, words};

/// Evidence that the user's turn is over, source by source. Either model's may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The acoustic end-of-turn score, from intonation and rhythm: probability that the turn is over.
    pub acoustic: Option<Permille>,
    /// The duplex model's probability that the assistant should stay silent.
    pub idle: Option<Permille>,
    /// The sentence cannot end here.
    pub unfinished: bool,
    /// The words end in a row of digits that is too short for a whole number.
    pub digits: bool,
    /// The words are a question or a request.
    pub asks: bool,
}

/// Most evidence where the sentence cannot end: it suffices only after a long silence.
const UNFINISHED_AT_MOST: i32 = 150;

/// Most evidence where a number is not whole: people pause between its groups of digits.
const DIGITS_AT_MOST: i32 = 200;

impl Evidence {
    /// Probability that the turn is over, in thousandths: the mean of the models' probabilities, corrected by what the
    /// words say. Where both are missing, the mean is 550.
    pub fn weigh(self) -> Permille {
        let model = self.idle.map(|idle| 1000 - i32::from(idle.0.min(1000)));
        let acoustic = self.acoustic.map(|acoustic| i32::from(acoustic.0));
        let sources = [model, acoustic];
        let known = sources.iter().flatten().count() as i32;
        let mean = sources.iter().flatten().sum::<i32>().checked_div(known).unwrap_or(550);
        let weighed = match self {
            // Grammar outweighs a sure acoustic score: half of broken-off sentences sound complete.
            Self { unfinished: true, .. } => (mean - 350).min(UNFINISHED_AT_MOST),
            Self { digits: true, .. } => (mean - 350).min(DIGITS_AT_MOST),
            Self { asks: true, .. } => mean + 150,
            _ => mean,
        };
        Permille(weighed.clamp(0, 1000) as u16)
    }
}

/// Gathers the evidence that the user's turn `text` is over. A score of audio before the last voiced frame is left out.
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
