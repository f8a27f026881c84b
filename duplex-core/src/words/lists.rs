//! The common forms of spoken English, by what they do in a conversation. All are in normalised form.
//!
//! How one recogniser misspells them is not a matter of the language: see [`Mishearings`](super::Mishearings).

/// Backchannels. Each may be repeated, and combined with others.
pub(super) const BACKCHANNELS: &[&str] = &[
    "uh huh",
    "uhhuh",
    "uh hum",
    "mm hmm",
    "mmhmm",
    "mm",
    "mmm",
    "hmm",
    "hm",
    "mhm",
    "huh",
    "ah",
    "aha",
    "oh",
    "wow",
    "yeah",
    "yes",
    "yep",
    "yup",
    "ya",
    "right",
    "okay",
    "ok",
    "sure",
    "i see",
    "got it",
    "gotcha",
    "i know",
    "that makes sense",
    "makes sense",
    "really",
    "nice",
    "cool",
    "great",
    "good",
    "interesting",
    "of course",
    "exactly",
    "true",
    "alright",
    "all right",
    "no way",
    "fair enough",
    "i understand",
    "understood",
    "no kidding",
];

/// Requests to go on: a backchannel while the assistant speaks, a request for more once it has finished.
pub(super) const GO_ON: &[&str] =
    &["go on", "please go on", "carry on", "please carry on", "keep going"];

/// Commands to stop.
pub(super) const STOPS: &[&str] = &[
    "stop",
    "stop it",
    "stop that",
    "stop there",
    "stop talking",
    "stop speaking",
    "that's enough",
    "that is enough",
    "enough",
    "i've heard enough",
    "i have heard enough",
    "be quiet",
    "quiet",
    "hush",
    "silence",
    "shut up",
    "wait",
    "wait a moment",
    "wait a minute",
    "wait a second",
    "hold on",
    "hold on a second",
    "hold on a moment",
    "hold on a minute",
    "one moment",
    "one second",
    "just a moment",
    "just a second",
    "hang on",
    "hang on a second",
    "never mind",
    "nevermind",
    "forget it",
    "forget that",
    "cancel",
    "pause",
    "that will do",
    "that'll do",
    "that's all",
];

/// Words around a command that do not change it.
pub(super) const POLITE: &[&str] = &[
    "please",
    "okay",
    "ok",
    "thank you",
    "thanks",
    "no",
    "oh",
    "hey",
    "now",
    "just",
    "so",
    "alright",
    "all right",
    "sorry",
    "yes",
    "yeah",
    "well",
    "can you",
    "could you",
    "will you",
    "you can",
];

/// Words after which a sentence must go on.
pub(super) const UNFINISHED: &[&str] = &[
    "a", "about", "all", "an", "and", "any", "are", "as", "at", "because", "but", "by", "can",
    "could", "did", "do", "does", "every", "for", "from", "get", "had", "has", "have", "her",
    "his", "how", "i", "if", "in", "into", "is", "its", "let", "like", "me", "my", "no", "of",
    "on", "or", "our", "should", "so", "some", "than", "that", "the", "their", "then", "these",
    "they", "this", "those", "to", "uh", "um", "very", "was", "we", "were", "what's", "when",
    "where", "whether", "which", "while", "who", "whose", "why", "will", "with", "would", "your",
];

/// Words that no question can end in either: what they belong to is still to come.
pub(super) const BEFORE_A_NOUN: &[&str] = &[
    "a", "an", "and", "because", "but", "every", "if", "my", "or", "our", "than", "the", "their",
    "very", "whether", "while", "your",
];

/// Words that end a question only where it asks for what they belong to: "Who is it for?".
pub(super) const PREPOSITIONS: &[&str] =
    &["about", "as", "at", "by", "for", "from", "in", "into", "of", "on", "to", "with"];

/// Question words that ask for what a preposition belongs to.
pub(super) const WH: &[&str] =
    &["what", "what's", "who", "who's", "whom", "which", "where", "where's", "how"];

/// Phrases whose object is still to come when they end the words.
pub(super) const AWAITING: &[&str] = &[
    "would like",
    "i'd like",
    "like to know",
    "want to know",
    "love to know",
    "need to know",
    "i want",
    "i need",
    "i wonder",
    "was wondering",
    "i'm wondering",
    "tell me",
    "let me think",
    "let me see",
    "the thing is",
    "i mean",
    "for example",
    "such as",
];

/// Words that open a question or a request.
pub(super) const ASKING: &[&str] = &[
    "what", "what's", "who", "who's", "whose", "why", "when", "where", "which", "how", "how's",
    "can", "could", "would", "will", "do", "does", "did", "is", "are", "was", "were", "should",
    "tell", "explain", "give", "show", "actually", "but", "instead",
];

/// Forms of address for people other than the assistant.
pub(super) const PERSONS: &[&str] = &[
    "mum",
    "mummy",
    "mom",
    "mommy",
    "dad",
    "daddy",
    "grandma",
    "granny",
    "grandpa",
    "auntie",
    "honey",
    "darling",
    "sweetheart",
    "dear",
    "love",
    "kids",
    "children",
    "guys",
    "boys",
    "girls",
    "boy",
    "girl",
    "sir",
    "madam",
    "buddy",
    "mate",
];

/// Praise that only animals and small children get.
pub(super) const PRAISE: &[&str] = &["good dog", "good boy", "good girl", "bad dog"];

/// Names that the assistant may be called by.
pub(super) const ASSISTANT: &[&str] = &["duplex", "assistant", "computer"];

/// Spoken digits.
pub(super) const DIGITS: &[&str] =
    &["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
