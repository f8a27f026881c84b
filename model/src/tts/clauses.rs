//! Splits a reply that is still being generated into clauses for synthesis.

use super::normalise::lexicon::{Abbreviated, abbreviation, starts_sentence};

/// Number of words after which the first clause may end before a conjunction or similar word.
const FIRST_JOINT_WORDS: usize = 3;
/// Number of words after which the first clause may end anywhere except after a word that leans on the next.
const FIRST_WORDS: usize = 6;
/// Number of words that a later clause needs before it may end at a comma.
const COMMA_WORDS: usize = 6;
/// Number of words after which a later clause may end before a conjunction or similar word, and anywhere.
const JOINT_WORDS: usize = 16;
const WORDS: usize = 24;

/// Words that start a part of a sentence: a pause before them sounds natural.
const JOINTS: &[&str] = &[
    "after", "although", "and", "as", "because", "before", "but", "for", "from", "if", "in",
    "into", "like", "or", "since", "so", "than", "that", "though", "through", "unless", "until",
    "when", "where", "whereas", "which", "while", "who", "with", "without",
];
/// Words that lean on the next word: no pause after them.
const LEANING: &[&str] = &[
    "a", "about", "also", "an", "and", "any", "are", "as", "at", "be", "because", "but", "by",
    "can", "could", "each", "every", "for", "from", "had", "has", "have", "he", "her", "his", "i",
    "if", "in", "into", "is", "it", "its", "many", "may", "more", "most", "my", "no", "not", "of",
    "on", "or", "our", "she", "should", "so", "some", "than", "that", "the", "their", "these",
    "they", "this", "those", "to", "very", "was", "we", "were", "which", "while", "who", "will",
    "with", "would", "you", "your",
];

/// Splits streamed text into clauses.
///
/// The first clause is short, so that speech starts early; later ones end where sentences and their parts end. A clause
/// ends between two words and never inside a number, a time, an abbreviation or an address. The concatenation of all
/// clauses is the text, byte for byte.
///
/// ```
/// use duplex_model::tts::Splitter;
///
/// let mut splitter = Splitter::new();
/// splitter.push("Well, it costs $3.50. Any");
/// assert_eq!(splitter.next_clause().as_deref(), Some("Well, "));
/// assert_eq!(splitter.next_clause().as_deref(), Some("it costs $3.50. "));
/// assert_eq!(splitter.next_clause(), None);
/// splitter.push("thing else?");
/// assert_eq!(splitter.finish().as_deref(), Some("Anything else?"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    /// Text that is not part of a returned clause yet.
    text: String,
    /// Whether a clause has been returned.
    begun: bool,
}

/// One run of text without white space, and the end of the white space after it.
struct Token<'a> {
    text: &'a str,
    end: usize,
}

impl Splitter {
    /// A splitter at the start of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text as it arrives; it may be cut anywhere.
    pub fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// The next clause that is certainly complete. Call it until it returns none.
    pub fn next_clause(&mut self) -> Option<String> {
        let end = self.boundary()?;
        let rest = self.text.split_off(end);
        self.begun = true;
        Some(std::mem::replace(&mut self.text, rest))
    }

    /// Ends the reply and returns the rest of it, if any.
    ///
    /// Clauses that [`Self::next_clause`] has not returned yet are part of the rest.
    pub fn finish(self) -> Option<String> {
        (!self.text.is_empty()).then_some(self.text)
    }

    /// Length in bytes of the clause at the start of the text. The last token is not complete: more letters may follow
    /// it.
    fn boundary(&self) -> Option<usize> {
        let tokens = tokens(&self.text);
        let mut words = 0;
        for pair in tokens.windows(2) {
            let [token, next] = pair else { continue };
            words += usize::from(is_spoken(token.text));
            // More white space may arrive, and the word after it decides.
            let complete = !std::ptr::eq(next, &tokens[tokens.len() - 1])
                || self.text.ends_with(char::is_whitespace);
            let space = &self.text[token.end - trailing_space(&self.text[..token.end])..token.end];
            if words > 0 && self.ends(token.text, space, next.text, complete, words) {
                return Some(token.end);
            }
        }
        // The end of a sentence does not depend on the next word, unless it may be an abbreviation.
        let last = tokens.last().filter(|last| self.text.len() == last.end)?;
        let spaced = self.text.ends_with(char::is_whitespace);
        let words = words + usize::from(is_spoken(last.text));
        (spaced && words > 0 && ends_sentence(last.text, None)).then_some(last.end)
    }

    /// Whether the clause ends between two tokens.
    fn ends(&self, token: &str, space: &str, next: &str, complete: bool, words: usize) -> bool {
        if space.contains('\n') || ends_sentence(token, Some(next).filter(|_| complete)) {
            return true;
        }
        let numeric =
            |text: &str| text.contains(|c: char| c.is_ascii_digit() || "$€£¥".contains(c));
        // "March 5, 2024", "5 km", "$3 million".
        if numeric(token) {
            let punctuated = token.ends_with([',', ';', ':']) && !numeric(next);
            if !punctuated {
                return false;
            }
        }
        let bare = token.trim_end_matches(closing);
        if bare.ends_with([',', ';', ':', '—', '–']) || bare == "-" {
            return words >= if self.begun { COMMA_WORDS } else { 1 };
        }
        if numeric(next) || may_lean(token) {
            return false;
        }
        let (joint, most) =
            if self.begun { (JOINT_WORDS, WORDS) } else { (FIRST_JOINT_WORDS, FIRST_WORDS) };
        let before_joint = complete && words >= joint && JOINTS.contains(&lower(next).as_str());
        before_joint || words >= most
    }
}

/// The runs of the text without white space. White space at the start belongs to the first.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = text.len() - text.trim_start().len();
    while at < text.len() {
        let rest = &text[at..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let behind = &rest[length..];
        let space = behind.len() - behind.trim_start().len();
        tokens.push(Token { text: &rest[..length], end: at + length + space });
        at += length + space;
    }
    tokens
}

fn trailing_space(text: &str) -> usize {
    text.len() - text.trim_end().len()
}

fn is_spoken(token: &str) -> bool {
    token.contains(char::is_alphanumeric)
}

/// Marks that may follow the punctuation of a sentence.
fn closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '*' | '_' | '»')
}

/// Whether a sentence ends after a token. Without the next token: whether it certainly does.
fn ends_sentence(token: &str, next: Option<&str>) -> bool {
    let bare = token.trim_end_matches(closing);
    if bare.ends_with(['!', '?', '…']) {
        return true;
    }
    let Some(word) = bare.strip_suffix('.') else { return false };
    if word.ends_with('.') {
        // An ellipsis ends a sentence unless the next word continues it.
        return next.is_some_and(|next| !next.starts_with(char::is_lowercase));
    }
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let letters = word.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let starts = next.is_some_and(starts_sentence);
    match abbreviation(letters) {
        Some((_, Abbreviated::BeforeName)) => return letters == "St" && starts,
        Some((_, Abbreviated::BeforeNumber)) => {
            return next.is_some_and(|next| !next.starts_with(|c: char| c.is_ascii_digit()));
        }
        Some((_, Abbreviated::Anywhere)) => return starts,
        None => {}
    }
    // Initials, and everything with full stops inside: "J.", "U.S.", "p.m."; also the number of a list item.
    let initial = letters.chars().count() == 1 && letters != "I" && word.len() <= 3;
    if initial || (word.contains('.') && (1..=2).contains(&letters.len())) {
        return starts;
    }
    let listed = word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
    if listed && token.len() == word.len() + 1 {
        return starts;
    }
    is_spoken(word)
}

/// Whether a pause after the token would separate it from what it belongs to.
fn may_lean(token: &str) -> bool {
    let dotted = token.ends_with('.');
    dotted || LEANING.contains(&lower(token).as_str())
}

fn lower(token: &str) -> String {
    token.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All clauses of a text that arrives in pieces of so many characters.
    fn split(text: &str, piece: usize) -> Vec<String> {
        let mut splitter = Splitter::new();
        let mut clauses = Vec::new();
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(piece) {
            splitter.push(&piece.iter().collect::<String>());
            clauses.extend(std::iter::from_fn(|| splitter.next_clause()));
        }
        clauses.extend(splitter.finish());
        clauses
    }

    #[test]
    fn the_first_clause_ends_at_the_first_comma() {
        assert_eq!(
            split("Well, I am not sure about that.", 3),
            ["Well, ", "I am not sure about that."]
        );
    }

    #[test]
    fn a_long_first_clause_ends_before_a_conjunction() {
        assert_eq!(
            split("The sky looks blue because air scatters short waves more than long ones.", 5)[0],
            "The sky looks blue "
        );
    }

    #[test]
    fn a_long_first_clause_ends_between_words_that_do_not_lean() {
        assert_eq!(
            split(
                "Photosynthesis converts light energy captured by leaves to the sugar plants need.",
                4
            )[0],
            "Photosynthesis converts light energy captured by leaves "
        );
    }

    #[test]
    fn later_clauses_end_with_their_sentences() {
        assert_eq!(
            split("Sure. It is raining now. Take a coat, please! Bye", 1),
            ["Sure. ", "It is raining now. ", "Take a coat, please! ", "Bye"]
        );
    }

    #[test]
    fn numbers_times_and_abbreviations_stay_whole() {
        for whole in [
            "Pi is 3.14159.",
            "It has 1,000,000 parts.",
            "Dr. Smith left.",
            "Use fruit, e.g. apples.",
            "The U.S. Army came.",
            "Come at 5 p.m. tomorrow.",
            "It was March 5, 2024.",
            "See www.example.com/a,b now.",
            "J. K. Rowling wrote it.",
            "Only No. 5 is left.",
            "It weighs 5 kg.",
        ] {
            for piece in [1, 4, 100] {
                let clauses = split(whole, piece);
                let after_comma = whole.find(", e.g.").is_some();
                assert_eq!(clauses.len(), 1 + usize::from(after_comma), "{clauses:?}");
            }
        }
    }

    #[test]
    fn an_abbreviation_may_end_a_sentence() {
        assert_eq!(
            split("We open at 9 a.m. The door is red.", 2),
            ["We open at 9 a.m. ", "The door is red."]
        );
    }

    #[test]
    fn a_new_line_ends_a_clause() {
        assert_eq!(split("Three things\n- one\n- two", 1), ["Three things\n", "- one\n", "- two"]);
    }

    #[test]
    fn a_sentence_is_given_out_as_soon_as_the_space_behind_it_is_there() {
        let mut splitter = Splitter::new();
        splitter.push("Paris.");
        assert_eq!(splitter.next_clause(), None);
        splitter.push(" ");
        assert_eq!(splitter.next_clause().as_deref(), Some("Paris. "));
    }

    #[test]
    fn text_without_punctuation_does_not_pile_up() {
        let text = "blue green red ".repeat(50);
        assert!(split(&text, 7).iter().all(|clause| clause.split(' ').count() <= WORDS + 2));
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "Dr.",
            "e.g.",
            "3.5",
            "1,000",
            ",",
            ".",
            "!",
            " ",
            " ",
            " ",
            "\n",
            "word",
            "The",
            "and",
            "5",
            "p.m.",
            "www.a.com",
            "\"",
            ")",
            "...",
            "—",
            "é",
            "👋",
            "\u{a0}",
            "of",
            "U.S.",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_clauses_are_the_text(text in prop_oneof![any::<String>(), pieces()], piece in 1usize..9) {
            prop_assert_eq!(split(&text, piece).concat(), text);
        }

        #[test]
        fn clauses_end_between_words(text in pieces(), piece in 1usize..9) {
            let clauses = split(&text, piece);
            for clause in &clauses[..clauses.len().saturating_sub(1)] {
                prop_assert!(clause.ends_with(char::is_whitespace), "{:?}", clauses);
                prop_assert!(is_spoken(clause), "{:?}", clauses);
            }
        }
    }
}
