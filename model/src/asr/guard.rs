//! Filters hallucinations out of the model's transcripts.
//!
//! Whisper transcribes every window, and for silence it produces the phrases that its training data ended with. No
//! phrase is blocked here, since users say "thank you" too. Four kinds of evidence are used instead:
//!
//! 1. the level: audio below [`SILENCE`] is not given to the model;
//! 2. the model's own annotation of a sound, in brackets;
//! 3. the model's no-speech probability, together with the mean log probability of the words;
//! 4. repetition that continues to the end of the text.

use duplex_core::{SAMPLE_RATE, Samples};

use super::hypothesis::{self, Hypothesis, NonSpeech, Word};
use super::protocol::Decoded;

/// RMS of the loudest frame, relative to full scale, below which nobody speaks: -70 dBFS. Quiet microphones record
/// speech at -50 dBFS; the noise of a 16-bit converter is near -90 dBFS.
const SILENCE: f32 = 3.2e-4;

/// Length of a level frame: short enough for one syllable to fill it.
const LEVEL_FRAME: Samples = Samples::from_millis(20);

/// Above this no-speech probability, words are accepted only if their log probability is high. With tiny.en, noises,
/// tones and clicks of 0.3 to 10 s have 0.61 to 0.99; the clips of speech have at most 0.27 (0.38 when cut to their
/// first 0.3 s).
const NO_SPEECH: f32 = 0.6;

/// Mean log probability from which words are accepted despite [`NO_SPEECH`]. Clear speech has -0.1 to -0.4.
const CERTAIN: f32 = -0.4;

/// Mean log probability below which words are rejected, whatever the no-speech probability: a mean of one in seven.
const GUESSED: f32 = -2.0;

/// Limit on tokens per second of audio: speech has three to five, a looping decoder never stops.
const TOKENS_PER_SECOND: u64 = 6;

/// Tokens allowed on top, for fast speech in a short window and for time stamps.
const TOKENS_AT_LEAST: u64 = 10;

/// Whether no frame of `audio` is loud enough for speech.
pub(super) fn is_silent(audio: &[f32]) -> bool {
    let loud = |frame: &[f32]| {
        let energy: f32 = frame.iter().map(|sample| sample * sample).sum();
        energy / frame.len() as f32 > SILENCE * SILENCE
    };
    !audio.chunks(LEVEL_FRAME.0 as usize).any(loud)
}

/// Number of tokens after which decoding stops.
pub(super) fn token_limit(length: Samples) -> u32 {
    (length.0 * TOKENS_PER_SECOND / u64::from(SAMPLE_RATE) + TOKENS_AT_LEAST) as u32
}

/// The hypothesis for the model's output, without what is rejected as hallucinated.
pub(super) fn judge(decoded: Decoded) -> Hypothesis {
    let mut words = hypothesis::words(&decoded.tokens);
    let mut non_speech = None;
    if hypothesis::remove_annotations(&mut words) {
        non_speech = Some(NonSpeech::Sound);
    }
    if words.is_empty() {
        non_speech = non_speech.or(Some(NonSpeech::Silence));
    } else if is_doubtful(decoded.no_speech, decoded.mean_logprob) {
        words.clear();
        non_speech = Some(NonSpeech::Doubtful);
    } else if let Some(end) = first_of_loop(&words, decoded.ended) {
        words.truncate(end);
        non_speech = Some(NonSpeech::Loop);
    }
    Hypothesis {
        text: hypothesis::text(&words),
        words,
        non_speech,
        no_speech: decoded.no_speech,
        mean_logprob: decoded.mean_logprob,
        compute: decoded.compute,
        cpu: decoded.cpu,
    }
}

fn is_doubtful(no_speech: f32, mean_logprob: f32) -> bool {
    mean_logprob < GUESSED || (no_speech > NO_SPEECH && mean_logprob < CERTAIN)
}

/// Where the words must be cut if they end in a loop: after its first round.
///
/// A text that the model ended itself may contain "no, no, no", so only long repetition counts as a loop. A text that
/// reached the token limit is a loop as soon as a phrase starts again.
fn first_of_loop(words: &[Word], ended: bool) -> Option<usize> {
    let words: Vec<String> = words.iter().map(|word| bare(&word.text)).collect();
    let rounds = |period: usize| match (ended, period) {
        (true, 1) => 5,
        (true, _) => 3,
        (false, 1) => 3,
        (false, _) => 2,
    };
    // The token limit may have cut the last word.
    let shortest = if ended { words.len() } else { words.len().saturating_sub(1) };
    (shortest..=words.len()).rev().find_map(|length| {
        let words = &words[..length];
        (1..=length / 2).find_map(|period| {
            let repeated = words
                .iter()
                .rev()
                .zip(words.iter().rev().skip(period))
                .take_while(|(a, b)| a == b)
                .count();
            (repeated >= period * (rounds(period) - 1)).then_some(length - repeated)
        })
    })
}

/// The word for comparison: without case and punctuation.
fn bare(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::asr::protocol::Token;

    fn decoded(said: &str, ended: bool) -> Decoded {
        let tokens = said
            .split(' ')
            .map(|word| Token { text: format!(" {word}").into(), probability: 0.9 })
            .collect();
        Decoded {
            tokens,
            ended,
            mean_logprob: -0.2,
            no_speech: 0.1,
            compute: Duration::ZERO,
            cpu: Duration::ZERO,
        }
    }

    fn heard(said: &str, ended: bool) -> (String, Option<NonSpeech>) {
        let hypothesis = judge(decoded(said, ended));
        (hypothesis.text, hypothesis.non_speech)
    }

    #[test]
    fn a_text_cut_by_the_limit_is_a_loop_as_soon_as_a_phrase_begins_anew() {
        let looped = Some(NonSpeech::Loop);
        assert_eq!(
            heard("Hold on a second. Hold on a second. Hold on", false),
            ("Hold on a second.".into(), looped)
        );
        assert_eq!(
            heard("Hold on a second. Hold on a second. Ho", false),
            ("Hold on a second.".into(), looped)
        );
        assert_eq!(heard("Well, yes, yes, yes, yes", false), ("Well, yes,".into(), looped));
        assert_eq!(
            heard("I was going to say that", false),
            ("I was going to say that".into(), None)
        );
    }

    #[test]
    fn emphasis_that_the_model_ended_itself_is_kept() {
        for said in ["Yes, yes, yes.", "five five five", "no no no no", "Hold on. Hold on."] {
            assert_eq!(heard(said, true), (said.into(), None));
        }
        assert_eq!(heard("so so so so so so so", true), ("so".into(), Some(NonSpeech::Loop)));
    }

    #[test]
    fn thanks_are_believed_when_spoken_and_not_when_invented() {
        let spoken = decoded("Thank you.", true);
        assert_eq!(judge(spoken.clone()).text, "Thank you.");
        let in_silence = Decoded { no_speech: 0.9, mean_logprob: -0.7, ..spoken.clone() };
        assert_eq!(judge(in_silence).non_speech, Some(NonSpeech::Doubtful));
        let guessed = Decoded { mean_logprob: -3.0, ..spoken };
        assert_eq!(judge(guessed).text, "");
    }

    #[test]
    fn a_named_sound_gives_no_words_and_is_told_from_silence() {
        assert_eq!(heard("(coughing)", true), (String::new(), Some(NonSpeech::Sound)));
        assert_eq!(heard("...", true), (String::new(), Some(NonSpeech::Silence)));
    }

    #[test]
    fn a_click_in_silence_is_enough_to_ask_the_model() {
        let mut audio = vec![0.0; 16_000];
        assert!(is_silent(&audio));
        assert!(is_silent(&[]));
        audio[8_000..8_100].fill(0.01);
        assert!(!is_silent(&audio));
    }
}
