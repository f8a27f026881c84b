//! Sleeping until a phrase is heard. The recogniser hears everything that is said; what is said to an assistant that
//! sleeps is not answered.

use std::time::{Duration, Instant};

use duplex_core::{SessionChange, TurnChange, words::normalise};

/// A phrase that wakes the assistant, and how long it stays awake.
#[derive(Clone, Debug)]
pub(crate) struct Wake {
    phrase: String,
    words: Vec<String>,
    stays: Duration,
    /// Until when it is awake; none while it sleeps.
    until: Option<Instant>,
}

impl Wake {
    /// Wakes at `phrase`, and sleeps again after so long without a turn of the user's.
    ///
    /// # Errors
    /// The phrase has no words.
    pub(crate) fn new(phrase: &str, stays: Duration) -> Result<Self, String> {
        let words = normalise(phrase);
        if words.is_empty() {
            return Err(format!("`{phrase}` has no words"));
        }
        Ok(Self { phrase: phrase.trim().to_owned(), words, stays, until: None })
    }

    pub(crate) fn phrase(&self) -> &str {
        &self.phrase
    }

    pub(crate) fn is_awake(&self) -> bool {
        self.until.is_some()
    }

    /// Sleeps. Gives the change of the session that this takes.
    pub(crate) fn sleep(&mut self) -> SessionChange {
        self.until = None;
        answers(false)
    }

    /// Takes in the time, and a turn of the user's, if one is complete. Gives the change of the session where it wakes
    /// or falls asleep.
    pub(crate) fn see(&mut self, said: Option<&str>, now: Instant) -> Option<SessionChange> {
        match (said, self.until) {
            (Some(said), None) => {
                let said = normalise(said);
                let wakes = said.windows(self.words.len()).any(|part| part == self.words);
                wakes.then(|| {
                    self.until = Some(now + self.stays);
                    answers(true)
                })
            }
            (Some(_), Some(_)) => {
                self.until = Some(now + self.stays);
                None
            }
            (None, Some(until)) if now > until => Some(self.sleep()),
            (None, _) => None,
        }
    }
}

fn answers(answers: bool) -> SessionChange {
    let turns = TurnChange { answers: Some(answers), ..TurnChange::default() };
    SessionChange { turns, ..SessionChange::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrase_wakes_it_wherever_it_stands_and_silence_lets_it_sleep_again() {
        let (began, stays) = (Instant::now(), Duration::from_secs(30));
        let mut wake = Wake::new("Hey, Duplex!", stays).unwrap();
        assert_eq!(wake.see(Some("hey you"), began), None);
        assert_eq!(
            wake.see(Some("Okay, hey duplex, what time is it?"), began),
            Some(answers(true))
        );
        assert!(wake.is_awake());
        let later = began + Duration::from_secs(20);
        assert_eq!(wake.see(Some("And tomorrow?"), later), None);
        assert_eq!(wake.see(None, later + stays), None);
        let asleep = wake.see(None, later + stays + Duration::from_millis(1));
        assert_eq!(asleep, Some(answers(false)));
        assert!(!wake.is_awake());
    }

    #[test]
    fn a_phrase_without_words_is_refused() {
        assert!(Wake::new(" ?! ", Duration::from_secs(1)).is_err());
    }
}
