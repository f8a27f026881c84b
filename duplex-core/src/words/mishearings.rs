//! What one recogniser makes of words spoken over the assistant's voice.

use super::{asks, backchannel, begins_with, ends_with};

/// Most words of a command that is recognised by its edge.
const LONGEST_COMMAND: usize = 4;

/// Fewest bytes by which a word is known from its beginning.
const SHORTEST_STEM: usize = 4;

/// The mishearings of one recogniser: data that comes with it, apart from the word lists of the language.
///
/// They apply to overlapping speech, where the assistant's voice masks a part of the user's. The default has none:
/// every word is taken as it was recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
pub struct Mishearings {
    /// An utterance of up to four words that begins or ends with one of these phrases, in lower case, is a command to
    /// stop whose rest was lost.
    pub stop_edges: Vec<String>,
    /// An utterance that ends with the phrase, in lower case, and has no more words than the number is such a command
    /// too.
    pub stop_endings: Vec<(String, usize)>,
    /// Whether the recogniser hallucinates a word, or the end of one, in the silence behind a backchannel.
    pub lengthens_backchannels: bool,
}

impl Mishearings {
    /// Whether `words` (of `text`), spoken over the assistant's voice, are most likely a command to stop.
    pub fn resembles_stop(&self, text: &str, words: &[String]) -> bool {
        let at_an_edge = |phrase: &String| begins_with(words, phrase) || ends_with(words, phrase);
        let at_the_end =
            |(phrase, most): &(String, usize)| words.len() <= *most && ends_with(words, phrase);
        !is_question(text, words)
            && (words.len() <= LONGEST_COMMAND && self.stop_edges.iter().any(at_an_edge)
                || self.stop_endings.iter().any(at_the_end))
    }

    /// Whether `words` (of `text`) are a backchannel but for a hallucinated last word ("That makes sense of."), or a
    /// hallucinated end of the last ("That makes senser."). At least two words must stand before it.
    pub fn resembles_backchannel(&self, text: &str, words: &[String]) -> bool {
        let Some((last, before)) = words.split_last() else { return false };
        if !self.lengthens_backchannels || before.len() < 2 || is_question(text, words) {
            return false;
        }
        let stems = (SHORTEST_STEM..last.len()).filter_map(|length| last.get(..length));
        let with = |stem: &str| [before, &[stem.to_owned()]].concat();
        backchannel(before) == 1000 || stems.map(with).any(|shorter| backchannel(&shorter) == 1000)
    }
}

fn is_question(text: &str, words: &[String]) -> bool {
    asks(words) || text.trim_end().ends_with('?') && words.len() > 1
}

#[cfg(test)]
mod tests {
    use super::{super::normalise, *};

    fn mishearings() -> Mishearings {
        Mishearings {
            stop_edges: ["stop", "a moment", "quiet please"].map(str::to_owned).to_vec(),
            stop_endings: vec![("heard enough".to_owned(), 5), ("mind".to_owned(), 2)],
            lengthens_backchannels: true,
        }
    }

    #[test]
    fn a_recogniser_without_mishearings_is_taken_at_its_word() {
        let none = Mishearings::default();
        for text in ["A moment.", "Our mind.", "Stop then.", "That makes senser.", ""] {
            let words = normalise(text);
            assert!(!none.resembles_stop(text, &words), "{text}");
            assert!(!none.resembles_backchannel(text, &words), "{text}");
        }
    }

    #[test]
    fn a_misheard_command_is_distinguished_from_a_remark() {
        for (text, so) in [
            ("A moment.", true),
            ("Take a moment.", true),
            ("Quiet please everybody.", true),
            ("Thank you, I heard enough.", true),
            ("Our mind.", true),
            ("Where is the next bus stop?", false),
            ("I waited there for a moment.", false),
            ("I think that I have never heard enough.", false),
            ("I have something in mind.", false),
            ("", false),
        ] {
            assert_eq!(mishearings().resembles_stop(text, &normalise(text)), so, "{text}");
        }
    }

    #[test]
    fn a_backchannel_with_a_word_made_of_silence_behind_it_is_still_one() {
        for (text, so) in [
            ("That makes sense of", true),
            ("That makes senser.", true),
            ("That makes sensible rules.", false),
            ("I see why", false),
            ("I see a problem with that.", false),
            ("Right now.", false),
            ("", false),
        ] {
            assert_eq!(mishearings().resembles_backchannel(text, &normalise(text)), so, "{text}");
        }
    }
}
