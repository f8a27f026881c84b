//! Configuration of a context and of replies.

/// Instructions under which small chat models answer in spoken style. Chosen by reading replies of SmolLM2-135M to the
/// questions of tests/speech: see docs/measurements-llm.md.
pub const DEFAULT_SYSTEM_PROMPT: &str = "You answer questions in plain spoken English. Keep every answer to one or two short sentences.";

/// Configuration of a context and of replies.
#[derive(Clone, Debug, PartialEq)]
pub struct LlmOptions {
    /// Context per call, in tokens; limited to what the model was trained for.
    pub context: u32,
    /// Calls that can be open at the same time.
    pub calls: u32,
    /// CPU threads. Several threads synchronise after every operation: if other work shares the cores, one is faster.
    pub threads: u32,
    /// How tokens are sampled.
    pub sampling: Sampling,
    /// How long a reply may be.
    pub reply: ReplyLimits,
}

impl Default for LlmOptions {
    fn default() -> Self {
        Self {
            context: 2048,
            calls: 1,
            threads: 1,
            sampling: Sampling::default(),
            reply: ReplyLimits::default(),
        }
    }
}

/// How tokens are sampled: top-k, then repeat penalty, DRY, top-p, temperature.
///
/// DRY ("don't repeat yourself") takes `dry_multiplier * dry_base ^ (length - dry_allowed_length)` from the logit of a
/// token that would make a sequence of `length` tokens, which the assistant has said before in the conversation or in
/// this reply, a longer one. Source: <https://github.com/oobabooga/text-generation-webui/pull/5677>. Here a first token
/// in common with an earlier reply counts as a sequence of `dry_allowed_length`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 is greedy decoding.
    pub temperature: f32,
    /// Nucleus sampling: only the most likely tokens that together have this probability.
    pub top_p: f32,
    /// Only this many of the most likely tokens.
    pub top_k: u32,
    /// Logits of recently used tokens are divided by this; 1 changes nothing.
    pub repeat_penalty: f32,
    /// How many of the reply's last tokens count as recently used.
    pub repeat_window: u32,
    /// What DRY takes from a logit for a sequence that is just too long, in nats; 0 switches it off.
    pub dry_multiplier: f32,
    /// By what that is multiplied with each further token of the sequence, at least 1: at 1 the model can still repeat
    /// what it is sure of, a name or a number, however long the sequence is.
    pub dry_base: f32,
    /// So many tokens may be repeated without a penalty; 0 is taken for 1.
    pub dry_allowed_length: u32,
    /// Seed of sampling. With the same seed, the same conversation gets the same reply.
    pub seed: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.2,
            top_p: 0.9,
            top_k: 40,
            repeat_penalty: 1.05,
            repeat_window: 64,
            dry_multiplier: 2.0,
            dry_base: 1.0,
            dry_allowed_length: 4,
            seed: 0,
        }
    }
}

/// How long a reply may be, in tokens. What the model thinks before it is not counted: it may fill the rest of the
/// context, up to [`LONGEST_THOUGHT`](super::LONGEST_THOUGHT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// From this length on, the reply ends at the end of the sentence.
    pub soft: usize,
    /// At this length the reply ends anywhere.
    pub hard: usize,
    /// Whether it goes on after a line break that follows a sentence. Without, such a line break ends it: a small model
    /// has said then what it knows, and begins to repeat itself.
    pub paragraphs: bool,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self { soft: 48, hard: 120, paragraphs: false }
    }
}
