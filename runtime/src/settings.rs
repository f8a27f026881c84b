//! What is a call's own; the engine's options are the defaults.

use std::{collections::BTreeMap, sync::Arc};

use duplex_core::{SessionChange, words::LANGUAGES};
use duplex_model::tts::{Lexicon, LexiconError};

/// Most bytes of instructions: some thousands of words.
const MOST_INSTRUCTIONS: usize = 64 * 1024;

/// Most words of a call's vocabulary, and most bytes of each. A recogniser takes in a few names; more make it worse.
const MOST_WORDS: usize = 32;
const LONGEST_WORD: usize = 64;

/// Allowed sampling temperatures.
const TEMPERATURES: std::ops::RangeInclusive<f32> = 0.0..=2.0;

/// Allowed speeds, relative to the voice's own pace.
const SPEEDS: std::ops::RangeInclusive<f32> = 0.5..=2.0;

/// What a call has of its own: what is none is the engine's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionOptions {
    /// What the reply model is told about its task. `{date}` and `{time}` stand for those at the call's beginning, on
    /// this machine's clock.
    pub instructions: Option<String>,
    /// The language that the user speaks, as ISO 639-1.
    pub language: Option<String>,
    /// Names and words that are likelier in this call than elsewhere.
    pub vocabulary: Vec<String>,
    /// How words are pronounced, as in [`Lexicon::new`]: beside those of the engine, and before them.
    pub pronunciation: BTreeMap<String, String>,
    /// The name of the reply model.
    pub reply: Option<String>,
    /// The longest reply, in tokens, where it is to be shorter than what the model's options allow.
    pub most_reply_tokens: Option<u32>,
    /// How freely the reply model chooses its words: 0 takes the likeliest, 2 is the most that is allowed.
    pub temperature: Option<f32>,
    /// The name of the voice.
    pub voice: Option<String>,
    /// How fast the assistant speaks, relative to the voice's own pace: 0.5 to 2.
    pub speed: Option<f32>,
}

impl SessionOptions {
    /// These options with a change; turn-taking is none of theirs.
    #[must_use]
    pub fn changed(self, change: &SessionChange) -> Self {
        let change = change.clone();
        let thousandths = |value: u16| f32::from(value) / 1000.0;
        Self {
            instructions: change.instructions.or(self.instructions),
            language: change.language.or(self.language),
            vocabulary: change.vocabulary.unwrap_or(self.vocabulary),
            pronunciation: change.pronunciation.unwrap_or(self.pronunciation),
            reply: change.reply.or(self.reply),
            most_reply_tokens: change.most_reply_tokens.or(self.most_reply_tokens),
            temperature: change.temperature.map(thousandths).or(self.temperature),
            voice: change.voice.or(self.voice),
            speed: change.speed.map(thousandths).or(self.speed),
        }
    }

    /// Whether any engine could give a call this, but for the models that it names.
    ///
    /// # Errors
    /// What none could.
    pub fn check(&self) -> Result<(), SessionError> {
        if let Some(instructions) = &self.instructions
            && instructions.len() > MOST_INSTRUCTIONS
        {
            return Err(SessionError::InstructionsTooLong { bytes: instructions.len() });
        }
        let words = &self.vocabulary;
        if words.len() > MOST_WORDS || words.iter().any(|word| word.len() > LONGEST_WORD) {
            return Err(SessionError::VocabularyTooLarge);
        }
        Lexicon::new(&self.pronunciation)?;
        if let Some(speed) = self.speed
            && !SPEEDS.contains(&speed)
        {
            return Err(SessionError::Speed { speed });
        }
        if let Some(temperature) = self.temperature
            && !TEMPERATURES.contains(&temperature)
        {
            return Err(SessionError::Temperature { temperature });
        }
        if let Some(language) = &self.language
            && !LANGUAGES.contains(&language.as_str())
        {
            return Err(SessionError::Language { language: language.clone() });
        }
        Ok(())
    }
}

/// Why a call cannot have what it asks for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SessionError {
    /// The engine has no such model.
    #[error("there is no {what} named `{name}`; there are: {}", known.join(", "))]
    NoSuchModel {
        /// What kind.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The instructions are too long for any model's context.
    #[error("the instructions have {bytes} bytes: at most {MOST_INSTRUCTIONS} are taken")]
    InstructionsTooLong {
        /// Their length.
        bytes: usize,
    },
    /// The vocabulary is too large, or a word of it too long.
    #[error(
        "the vocabulary takes {MOST_WORDS} names of at most {LONGEST_WORD} bytes: a recogniser that is told of more \
         hears worse"
    )]
    VocabularyTooLarge,
    /// A word's pronunciation is none.
    #[error("{0}")]
    Pronunciation(#[from] LexiconError),
    /// The speed is out of range.
    #[error("the speed {speed} is not between {} and {}", SPEEDS.start(), SPEEDS.end())]
    Speed {
        /// The speed asked for.
        speed: f32,
    },
    /// The sampling temperature is out of range.
    #[error(
        "the temperature {temperature} is not between {} and {}",
        TEMPERATURES.start(),
        TEMPERATURES.end()
    )]
    Temperature {
        /// The temperature asked for.
        temperature: f32,
    },
    /// Turn-taking has no word lists for the language.
    #[error("turn-taking has no word lists for `{language}`; it has: {}", LANGUAGES.join(", "))]
    Language {
        /// The language asked for.
        language: String,
    },
}

/// A call's settings, complete, with its models by their place in the engine.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What the call has asked for.
    pub(crate) options: SessionOptions,
    /// What the reply model is told about its task.
    pub(crate) instructions: Arc<str>,
    pub(crate) language: Option<String>,
    pub(crate) vocabulary: Vec<String>,
    /// The call's own and the engine's.
    pub(crate) lexicon: Arc<Lexicon>,
    pub(crate) reply: usize,
    /// The reply model that goes on should that one fail.
    pub(crate) fallback: Option<usize>,
    pub(crate) most_reply_tokens: Option<u32>,
    pub(crate) temperature: Option<f32>,
    pub(crate) voice: usize,
    /// Relative to the voice's own pace.
    pub(crate) speed: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: SessionOptions::default(),
            instructions: Arc::default(),
            language: None,
            vocabulary: Vec::new(),
            lexicon: Arc::default(),
            reply: 0,
            fallback: None,
            most_reply_tokens: None,
            temperature: None,
            voice: 0,
            speed: 1.0,
        }
    }
}

impl Settings {
    /// Those of a call of this engine. `replies` has the name of each reply model and of the one that stands in for it.
    pub(crate) fn of(
        options: &SessionOptions,
        instructions: &str,
        lexicon: &Arc<Lexicon>,
        replies: &[(String, Option<String>)],
        voices: &[String],
    ) -> Result<Self, SessionError> {
        let names: Vec<_> = replies.iter().map(|(name, _)| name.clone()).collect();
        let reply = place("reply model", options.reply.as_ref(), &names)?;
        let fallback = match replies.get(reply) {
            Some((_, Some(name))) => Some(place("reply model", Some(name), &names)?),
            _ => None,
        };
        let instructions = options.instructions.as_deref().unwrap_or(instructions);
        if instructions.len() > MOST_INSTRUCTIONS {
            return Err(SessionError::InstructionsTooLong { bytes: instructions.len() });
        }
        options.check()?;
        let lexicon = if options.pronunciation.is_empty() {
            Arc::clone(lexicon)
        } else {
            Arc::new(Lexicon::new(&options.pronunciation)?.or(lexicon)?)
        };
        Ok(Self {
            options: options.clone(),
            instructions: with_the_time(instructions).into(),
            language: options.language.clone(),
            vocabulary: options.vocabulary.clone(),
            lexicon,
            reply,
            fallback,
            most_reply_tokens: options.most_reply_tokens,
            temperature: options.temperature,
            voice: place("voice", options.voice.as_ref(), voices)?,
            speed: options.speed.unwrap_or(1.0),
        })
    }
}

/// The place of a name among those that there are; the first where none is named.
fn place(
    what: &'static str,
    name: Option<&String>,
    known: &[String],
) -> Result<usize, SessionError> {
    let Some(name) = name else { return Ok(0) };
    known.iter().position(|other| other == name).ok_or_else(|| SessionError::NoSuchModel {
        what,
        name: name.clone(),
        known: known.to_vec(),
    })
}

/// The instructions with `{date}` and `{time}` filled in.
fn with_the_time(instructions: &str) -> String {
    if !instructions.contains("{date}") && !instructions.contains("{time}") {
        return instructions.to_owned();
    }
    let now = chrono::Local::now();
    instructions
        .replace("{date}", &now.format("%A, %-d %B %Y").to_string())
        .replace("{time}", &now.format("%H:%M").to_string())
}
