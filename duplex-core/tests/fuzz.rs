//! Any words at all: what is recognised is text from outside, and may hold anything.
//!
//! Each test runs for a second, and for longer where `BOLERO_RANDOM_TEST_TIME_MS` says so
//! (docs/soak.md).

use bolero::TypeGenerator;
use duplex_core::words::{self, Mishearings, normalise};

/// What the functions look for, and characters that take several bytes, change their length or their
/// number in lower case, or stand on their own nowhere.
const PIECES: [&str; 64] = [
    "uh-huh",
    "mm-hmm",
    "yeah",
    "okay",
    "I see",
    "right",
    "really",
    "go on",
    "please",
    "stop",
    "wait",
    "hold on",
    "forget that",
    "that's enough",
    "thank you",
    "be quiet",
    "a moment",
    "not you",
    "good dog",
    "Mum",
    "Sarah",
    "Duplex",
    "what",
    "where is",
    "the",
    "of",
    "because",
    "five",
    "zero",
    "555",
    "makes sense",
    "senser",
    ",",
    ".",
    "?",
    "!",
    "-",
    "...",
    "\u{2026}",
    "'",
    "\u{2019}",
    " ",
    "\t",
    "\n",
    "\0",
    "\u{130}",
    "\u{df}",
    "\u{1e9e}",
    "\u{3a3}",
    "\u{307}",
    "\u{301}",
    "\u{200d}",
    "\u{feff}",
    "\u{ff15}",
    "\u{661}",
    "\u{1f600}",
    "\u{4f60}",
    "\u{fb01}",
    "\u{1c5}",
    "\u{345}",
    "\u{1d7d8}",
    "\u{bd}",
    "\u{e000}",
    "\u{10ffff}",
];

/// A piece of a text.
#[derive(Debug, TypeGenerator)]
enum Piece {
    Known(u8),
    /// The same in capitals.
    Loud(u8),
    /// The beginning of one, so many characters.
    Begun(u8, u8),
    Space,
    Any(char),
}

fn text(pieces: &[Piece]) -> String {
    let known = |index: &u8| PIECES[usize::from(*index) % PIECES.len()];
    let piece = |piece: &Piece| match piece {
        Piece::Known(index) => known(index).to_owned(),
        Piece::Loud(index) => known(index).to_uppercase(),
        Piece::Begun(index, count) => known(index).chars().take(usize::from(*count)).collect(),
        Piece::Space => " ".to_owned(),
        Piece::Any(any) => any.to_string(),
    };
    pieces.iter().map(piece).collect()
}

#[test]
fn any_text_has_words_that_stay_as_they_are() {
    bolero::check!().with_type::<Vec<Piece>>().for_each(|pieces| {
        let text = text(pieces);
        let words = normalise(&text);
        for word in &words {
            assert!(word.chars().any(char::is_alphanumeric), "{word:?} is no word");
            assert!(word.chars().all(|c| c.is_alphanumeric() || c == '\''), "{word:?}");
        }
        assert_eq!(normalise(&words.join(" ")), words);
        assert!(text.contains(char::is_alphanumeric) || words.is_empty());
    });
}

#[test]
fn any_text_and_any_words_have_a_meaning() {
    let texts = bolero::generator::produce::<(Vec<Piece>, Vec<Vec<Piece>>)>();
    bolero::check!().with_generator(texts).for_each(|(own, others)| {
        let text = text(own);
        let words = normalise(&text);
        let others: Vec<String> = others.iter().map(|pieces| self::text(pieces)).collect();
        // A recogniser's profile may hold anything, too: here the text itself.
        let phrase = words.join(" ");
        let mishearings = Mishearings {
            stop_edges: vec![phrase.clone()],
            stop_endings: vec![(phrase.clone(), usize::MAX)],
            lengthens_backchannels: true,
        };
        for words in [&words, &others] {
            let shares = [
                words::backchannel(words),
                words::command(words),
                words::farewell(words),
                words::repairs(words),
                words::refuses(words),
                words::shared(words, &others),
            ];
            assert!(shares.iter().all(|share| (0..=1000).contains(share)), "{shares:?}");
            let attends = words::backchannel(words) == 1000;
            assert!(!words::asks_for_more(words) || attends, "a request to go on is a backchannel");
            _ = mishearings.resembles_backchannel(&text, words);
            _ = mishearings.resembles_stop(&text, words);
            _ = words::asks(words);
            _ = words::dangles(words);
            _ = words::ends_in_small_word(&text, words);
            _ = words::awaits(&text, words);
            _ = words::gives_list(&text, words, &others);
            _ = words::ends_in_preposition(words);
            _ = words::are_digits(words);
            _ = words::few_digits(&text, words);
        }
        _ = words::calls_person(&text);
        _ = words::ends_in_name(&text);
        _ = words::opens_with_name(&text);
        assert!(text.trim_end().ends_with(words::last_sentences(&text)));
    });
}
