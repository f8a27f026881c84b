//! How a context is made and how replies are written.

/// Instructions under which small chat models answer as one speaks. Chosen by reading replies of SmolLM2-135M to the questions of
/// tests/speech; docs/measurements-llm.md has the account.
pub const DEFAULT_SYSTEM_PROMPT: &str = "You answer questions in plain spoken English. Keep every answer to one or two short sentences.";

/// How a context is made and how replies are written.
#[derive(Clone, Debug, PartialEq)]
pub struct LlmOptions {
    /// Tokens of conversation for each call; no more than the model was trained for are used.
    pub context: u32,
    /// Calls that can be open at the same time.
    pub calls: u32,
    /// CPU threads. More than one wait for each other after every operation: where other work shares the cores, one is faster.
    pub threads: u32,
    /// How tokens are drawn.
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

/// How tokens are drawn: top-k, then repeat penalty, top-p, temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 always takes the likeliest token.
    pub temperature: f32,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: f32,
    /// Only this many of the likeliest tokens.
    pub top_k: u32,
    /// Logits of tokens used before are divided by this; 1 changes nothing.
    pub repeat_penalty: f32,
    /// How many tokens of the reply count as used before.
    pub repeat_window: u32,
    /// Another seed gives other replies. With the same seed, the same conversation gets the same reply.
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
            seed: 0,
        }
    }
}

/// How long a reply may be, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// From here on the reply ends with the sentence.
    pub soft: usize,
    /// Here it ends, whatever it is in the middle of.
    pub hard: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self { soft: 48, hard: 120 }
    }
}
