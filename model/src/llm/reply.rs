//! A reply being generated: its tokens, its speakable text, and when it ends.

use std::ops::Range;

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::vocab::LlamaVocab;

use super::filter::{Opening, ReplyFilter};
use super::speech::{SpeechText, breaks_off, ends_sentence};
use super::{End, ReplyLimits, Sampling, Token, Weights};

/// The last tokens of a prompt, in which its template may open a think block: the mark and a line break, where the mark
/// is no token of its own.
const OPENING: usize = 6;

/// So many tokens of a reply the sampler remembers beside the earlier ones: more than any has.
const LONGEST: usize = 4096;

/// One reply, from its first token until another one is started. It outlives pauses, so that continuing costs no
/// decoding.
#[derive(Debug)]
pub(super) struct Reply {
    /// The prompt, then the tokens of the reply. The last of them need not be in the KV cache.
    tokens: Vec<Token>,
    /// Number of `tokens` that belong to the prompt.
    head: usize,
    /// Speakable text of the reply so far.
    text: String,
    /// For each token of the reply, the length of `text` after it.
    ends: Vec<usize>,
    /// Sampled from once per token, so that pauses do not change the result.
    sampler: LlamaSampler,
    /// The same for what is thought, which may repeat what was said, and of which the answer may repeat anything.
    thought_sampler: LlamaSampler,
    /// Bytes of a character that the next token completes.
    partial: Vec<u8>,
    filter: ReplyFilter,
    speech: SpeechText,
    /// How many tokens of the reply are thoughts, and how many of them there is room for.
    thoughts: usize,
    room: usize,
    /// How many of its first tokens are a thought, with the marks around it.
    lead: usize,
    /// Why the reply is finished, if it is.
    pub(super) end: Option<End>,
    /// Whether the conversation went elsewhere since: then only the reply's own text continues it.
    pub(super) abandoned: bool,
}

impl Reply {
    /// A reply that follows `prompt`, of which the last `given` tokens are its beginning. Its thoughts have `room` for
    /// so many tokens. `said` says where in the prompt the earlier replies stand.
    pub(super) fn new(
        weights: &Weights,
        prompt: Vec<Token>,
        given: usize,
        room: usize,
        said: &[Range<usize>],
        sampling: &Sampling,
    ) -> Self {
        let vocab = &weights.vocab();
        let seed = seed(sampling.seed, &prompt);
        let said = said.iter().map(|reply| &prompt[reply.clone()]);
        let of = |dry| sampler(vocab.n_tokens(), sampling, seed, dry);
        let (mut sampler, thought_sampler) = (of(dry(weights, sampling, said)), of(None));
        sampler.accept_many(&prompt[prompt.len() - given..]);
        let begun = given > 0;
        let opening = Opening { in_thought: !begun && ends_in_thought(&prompt, vocab), begun };
        Self {
            head: prompt.len(),
            tokens: prompt,
            text: String::new(),
            ends: Vec::new(),
            sampler,
            thought_sampler,
            partial: Vec::new(),
            filter: ReplyFilter::new(opening),
            speech: SpeechText::default(),
            thoughts: 0,
            room,
            lead: 0,
            end: None,
            abandoned: false,
        }
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub(super) fn sampler(&mut self) -> &mut LlamaSampler {
        if self.filter.is_thinking() { &mut self.thought_sampler } else { &mut self.sampler }
    }

    /// Whether a prompt whose open reply has the text `said` asks for the rest of this one.
    pub(super) fn is_continued_by(&self, prompt: &[Token], said: &str) -> bool {
        let from_start = said.is_empty() && !self.abandoned && prompt == &self.tokens[..self.head];
        from_start || (said == self.text && prompt == self.tokens)
    }

    /// Whether `prompt` is this reply's conversation, possibly with some of the reply.
    pub(super) fn belongs_to(&self, prompt: &[Token]) -> bool {
        prompt.starts_with(&self.tokens[..self.head])
    }

    /// The tokens in which this reply was generated up to a prefix of `text`, and the rest of `text`. None if the reply
    /// starts differently.
    ///
    /// Text that was cut to what the user heard thus keeps its original tokens; the tokenizer might choose others. The
    /// thought before it is no part of the conversation.
    pub(super) fn recall<'t>(&self, text: &'t str) -> Option<(&[Token], &'t str)> {
        let starts = |end: usize| text.starts_with(&self.text[..end]);
        let count = self.ends.partition_point(|&end| starts(end));
        let end = *self.ends[..count].last().filter(|end| **end > 0)?;
        // Text still held back after `end` belongs to tokens that must be dropped if other text follows.
        let whole = end == text.len();
        let count = if whole { count } else { self.ends.partition_point(|&other| other < end) + 1 };
        Some((&self.tokens[self.head + self.lead..self.head + count], &text[end..]))
    }

    /// Takes the token that was sampled next. Returns the new speakable text, possibly none; `end` is set if it was the
    /// last.
    pub(super) fn take(
        &mut self,
        token: Token,
        vocab: &LlamaVocab<'_>,
        limits: ReplyLimits,
    ) -> &str {
        let said = self.text.len();
        let bytes = vocab.token_to_piece(token, vocab.is_control(token), None);
        self.end = self.end_before(token, &bytes, vocab, limits);
        if self.end.is_none() {
            self.tokens.push(token);
            self.partial.extend_from_slice(&bytes);
            let piece = drain_utf8(&mut self.partial);
            let mut answer = String::new();
            // What proves to be a thought is spoken by now.
            self.filter.push(&piece, &mut answer);
            self.speech.push(&answer, &mut self.text);
            self.ends.push(self.text.len());
            self.thoughts += usize::from(self.filter.is_thinking());
            if self.has_thought() && self.text.is_empty() {
                self.lead = self.ends.len();
            }
            self.end = self.end_after(limits);
        }
        if self.end.is_some() {
            self.finish();
        }
        &self.text[said..]
    }

    /// Whether a part of it is not said, but thought.
    pub(super) fn has_thought(&self) -> bool {
        self.thoughts > 0
    }

    fn finish(&mut self) {
        let mut answer = String::new();
        if let Err(why) = self.filter.finish(&mut answer) {
            self.end = Some(End::NoAnswer(why));
        }
        self.speech.push(&answer, &mut self.text);
        self.speech.finish(&mut self.text);
        if let Some(end) = self.ends.last_mut() {
            *end = self.text.len();
        }
    }

    /// Whether the reply would break off within a sentence if it ended here. A small model learns that from its own
    /// earlier replies, of which it sees only what was heard: one that was interrupted a few times answers with the
    /// first words of an answer.
    pub(super) fn breaks_off(&self, limits: ReplyLimits) -> bool {
        if self.filter.is_thinking() || self.length() >= limits.soft {
            return false;
        }
        let (mut filter, mut speech) = (self.filter.clone(), self.speech.clone());
        let (mut answer, mut text) = (String::new(), self.text.clone());
        if filter.finish(&mut answer).is_err() {
            return false;
        }
        speech.push(&answer, &mut text);
        speech.finish(&mut text);
        breaks_off(&text)
    }

    /// How many tokens are said.
    fn length(&self) -> usize {
        self.ends.len() - self.thoughts
    }

    /// Why the reply ends before this token, if it does.
    fn end_before(
        &self,
        token: Token,
        bytes: &[u8],
        vocab: &LlamaVocab<'_>,
        limits: ReplyLimits,
    ) -> Option<End> {
        let goes_on = || {
            let mark = std::str::from_utf8(bytes).unwrap_or_default();
            !vocab.is_control(token) || self.filter.goes_on_after(mark)
        };
        let rounded = !self.filter.is_thinking()
            && ends_sentence(&self.text)
            && bytes.first().is_some_and(u8::is_ascii_whitespace);
        if vocab.is_eog(token) || !goes_on() {
            Some(End::EndOfTurn)
        } else if rounded && !limits.paragraphs && bytes.contains(&b'\n') {
            // In writing, another paragraph or a list follows; a spoken answer ends here.
            Some(End::EndOfTurn)
        } else if rounded && self.length() >= limits.soft {
            Some(End::Length)
        } else {
            None
        }
    }

    /// Why the reply ends after the tokens that it has, if it does.
    fn end_after(&self, limits: ReplyLimits) -> Option<End> {
        if self.filter.is_over() {
            Some(End::EndOfTurn)
        } else if self.length() >= limits.hard || self.thoughts > self.room {
            Some(End::Length)
        } else {
            None
        }
    }
}

/// Whether a prompt ends within a think block, which its template opened.
fn ends_in_thought(prompt: &[Token], vocab: &LlamaVocab<'_>) -> bool {
    let opening = vocab.detokenize(&prompt[prompt.len().saturating_sub(OPENING)..], false, true);
    let mut filter = ReplyFilter::default();
    filter.push(&String::from_utf8_lossy(&opening), &mut String::new());
    filter.is_thinking()
}

/// Removes and returns the complete characters of `bytes`; an incomplete one at the end stays. Invalid bytes are
/// dropped.
fn drain_utf8(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut done = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        done += chunk.valid().len();
        let complete_to = done + chunk.invalid().len();
        let cut_short = complete_to == bytes.len()
            && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        if !cut_short {
            done = complete_to;
        }
    }
    bytes.drain(..done);
    text
}

/// A sampler with `dry`, the part that knows the earlier replies, where there is one.
fn sampler(
    vocab_size: i32,
    sampling: &Sampling,
    seed: u32,
    dry: Option<LlamaSampler>,
) -> LlamaSampler {
    let penalties = LlamaSampler::penalties(
        vocab_size,
        i32::try_from(sampling.repeat_window).unwrap_or(i32::MAX),
        sampling.repeat_penalty,
        0.0,
        0.0,
    );
    // The penalties look up every candidate: after top-k these are few, and a light penalty would not promote any other
    // into them.
    let top_k = LlamaSampler::top_k(i32::try_from(sampling.top_k).unwrap_or(i32::MAX));
    let choice = if sampling.temperature > 0.0 {
        vec![
            LlamaSampler::top_p(sampling.top_p, 1),
            LlamaSampler::temp(sampling.temperature),
            LlamaSampler::dist(seed),
        ]
    } else {
        vec![LlamaSampler::greedy()]
    };
    LlamaSampler::chain([top_k, penalties].into_iter().chain(dry).chain(choice), true)
}

/// DRY over the replies that were `said` before; none where it is off. It is given the assistant's own words alone: what
/// the user said may be quoted, and what a template puts between messages is the same everywhere.
fn dry<'p>(
    weights: &Weights,
    sampling: &Sampling,
    said: impl Iterator<Item = &'p [Token]>,
) -> Option<LlamaSampler> {
    if sampling.dry_multiplier <= 0.0 {
        return None;
    }
    let allowed = (sampling.dry_allowed_length as usize).clamp(1, LONGEST);
    // Marks that no vocabulary has. Every reply begins with the same ones, so that a first token in common counts as
    // much as all that may be repeated elsewhere: a repetition is noticed before it is one. A reply ends with a mark of
    // its own, so that no sequence goes on from one reply into the next. The sequence breakers of llama.cpp are looked
    // for in the whole vocabulary, for every sampler; these cost nothing.
    let opening = || std::iter::repeat_n(Token::new(i32::MIN), allowed - 1);
    let ends = (1..).map(|at: i32| Token::new(-at));
    let memory = said.zip(ends);
    let memory =
        memory.flat_map(|(reply, end)| opening().chain(reply.iter().copied()).chain([end]));
    let memory: Vec<Token> = memory.collect();
    let capacity = memory.len() + LONGEST;
    let dry = LlamaSampler::dry(
        weights.model(),
        sampling.dry_multiplier,
        sampling.dry_base,
        i32::try_from(allowed).unwrap_or(i32::MAX),
        i32::try_from(capacity).unwrap_or(i32::MAX),
        std::iter::empty::<&str>(),
    );
    Some(dry.with_tokens(memory.into_iter().chain(opening())))
}

/// The seed of a reply: a hash of its prompt and nothing else, so that neither time nor another call changes it. FNV-1a
/// (Fowler, Noll, Vo), 64 bits folded to 32.
fn seed(seed: u32, prompt: &[Token]) -> u32 {
    let words = std::iter::once(seed).chain(prompt.iter().map(|token| token.0.cast_unsigned()));
    let hash = words.flat_map(u32::to_le_bytes).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use llama_cpp_2::token::data::LlamaTokenData;
    use llama_cpp_2::token::data_array::LlamaTokenDataArray;

    use super::*;

    #[test]
    fn a_character_split_between_tokens_is_given_whole() {
        let mut bytes = "caf\u{e9}".as_bytes()[..4].to_vec();
        assert_eq!(drain_utf8(&mut bytes), "caf");
        bytes.push(0xa9);
        assert_eq!(drain_utf8(&mut bytes), "\u{e9}");
        assert!(bytes.is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_are_dropped() {
        let mut bytes = b"a\xff\xc3(b\xe2\x82".to_vec();
        assert_eq!(drain_utf8(&mut bytes), "a(b");
        assert_eq!(bytes, b"\xe2\x82");
    }

    /// How much less likely the tokens of `next` are made after `begun`, in nats, where `said` was said before.
    fn penalties(
        weights: &Weights,
        sampling: &Sampling,
        said: &[&str],
        begun: &str,
        next: &str,
    ) -> Vec<f32> {
        let tokens = |text: &str| weights.vocab().tokenize(text.as_bytes(), false, false);
        let said: Vec<_> = said.iter().map(|text| tokens(text)).collect();
        let said = said.iter().map(Vec::as_slice);
        let mut dry = dry(weights, sampling, said).unwrap().with_tokens(tokens(begun));
        let next = tokens(next);
        let penalty = |token: &Token| {
            let candidate = LlamaTokenData::new(*token, 0.0, 0.0);
            let mut candidates = LlamaTokenDataArray::new(vec![candidate], false);
            candidates.apply_sampler(&mut dry);
            let penalty = -candidates.data[0].logit();
            dry.accept(*token);
            penalty
        };
        next.iter().map(penalty).collect()
    }

    #[test]
    fn a_reply_may_begin_as_an_earlier_one_but_not_go_on_as_it() {
        let weights = default_weights();
        let sampling = Sampling {
            dry_multiplier: 2.0,
            dry_base: 1.0,
            dry_allowed_length: 4,
            ..Sampling::default()
        };
        let penalties =
            |said: &[&str], begun, next| penalties(&weights, &sampling, said, begun, next);
        let said = "Bees make honey from nectar. It takes them weeks.";
        let again = penalties(&[said], "", said);
        assert_eq!(again[0], 0.0);
        assert!(again[1..].iter().all(|penalty| *penalty == 2.0), "{again:?}");
        // Within a reply a few tokens in common are none.
        let later = penalties(&[said], "Well, as", " make honey from nectar. It takes");
        assert_eq!(later[..4], [0.0; 4]);
        assert_eq!(later[5..], [2.0, 2.0], "{later:?}");
        // The oldest of two is known like the newest, and no sequence goes on from one into the other.
        let two = [said, "The moon is made of rock."];
        assert!(penalties(&two, "", said)[1..].iter().all(|penalty| *penalty == 2.0));
        assert_eq!(penalties(&two, " takes them weeks.", "The"), [0.0]);
        assert!(penalties(&[], "", said).iter().all(|penalty| *penalty == 0.0));
    }

    #[test]
    fn the_seed_follows_from_the_prompt_and_the_option() {
        let prompt = [Token::new(5), Token::new(9)];
        assert_eq!(seed(1, &prompt), seed(1, &prompt));
        assert_ne!(seed(1, &prompt), seed(2, &prompt));
        assert_ne!(seed(1, &prompt), seed(1, &prompt[..1]));
    }

    /// Needs the models: run `make models`.
    fn default_weights() -> Weights {
        let models =
            std::env::var_os("DUPLEX_MODELS").expect("run `make models`, then `make test`");
        let path =
            std::path::PathBuf::from(models).join("smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf");
        Weights::load(&path).unwrap()
    }

    /// What is said of a text that the default model would write, as a reply with these limits and so much room for
    /// thoughts.
    fn written(text: &str, limits: ReplyLimits, room: usize) -> Reply {
        let weights = default_weights();
        let vocab = weights.vocab();
        let prompt = vocab.tokenize(b"Hello.", false, false);
        let mut reply = Reply::new(&weights, prompt, 0, room, &[], &Sampling::default());
        for token in vocab.tokenize(text.as_bytes(), false, true) {
            if reply.end.is_none() {
                reply.take(token, &vocab, limits);
            }
        }
        reply
    }

    const THOUGHT: &str = "<think>\nOkay, the user says hello. I say hello.\n</think>\n\n";

    #[test]
    fn a_thought_is_neither_said_nor_counted_nor_kept() {
        let limits = ReplyLimits { soft: 4, hard: 12, paragraphs: true };
        let reply = written(&format!("{THOUGHT}Hello to you.<|im_end|>"), limits, 100);
        assert_eq!((reply.text.as_str(), reply.end), ("Hello to you.", Some(End::EndOfTurn)));
        assert!(reply.thoughts > limits.hard, "{}", reply.thoughts);
        let (tokens, rest) = reply.recall("Hello to you.").unwrap();
        assert!(tokens.len() <= 4 && rest.is_empty(), "{tokens:?}");
        let (tokens, rest) = reply.recall("Hello to").unwrap();
        assert!(tokens.len() <= 2 && rest.is_empty(), "{tokens:?}");
    }

    #[test]
    fn a_thought_that_fills_the_context_is_no_answer() {
        let limits = ReplyLimits { soft: 4, hard: 12, paragraphs: true };
        let reply = written(&format!("{THOUGHT}Hello."), limits, 5);
        assert!(matches!(reply.end, Some(End::NoAnswer(_))), "{:?}", reply.end);
        assert_eq!(reply.text, "");
    }

    #[test]
    fn an_empty_line_ends_a_reply_or_not_as_the_limits_say() {
        let text = "It rains.\n\nTake a coat.\n\n- Boots\n- A hat<|im_end|>";
        let limits = |paragraphs| ReplyLimits { soft: 40, hard: 60, paragraphs };
        assert_eq!(written(text, limits(false), 0).text, "It rains.");
        assert_eq!(written(text, limits(true), 0).text, "It rains. Take a coat. Boots. A hat");
    }
}
