//! The KV cache, kept in sync with lists of tokens.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::sampling::LlamaSampler;

use super::{LlmError, LlmOptions, Token, Weights};

/// Tokens decoded between two calls of the caller's `stop`: the granularity at which a prefill can be interrupted. It
/// is below the 64 queries at which llama.cpp switches to another attention kernel for float caches, so that a prompt
/// decoded in any number of parts has the same logits.
const STEP: usize = 32;

/// The largest batch: a step of prefill, or later a tree of drafted tokens.
pub const MAX_BATCH: usize = 256;

/// Sequences in addition to the calls, for branches of drafts.
const DRAFT_SEQUENCES: u32 = 16;

/// Cells in addition to those of the calls: the context and the batch of [`Mirror::measure_batches`], or drafts.
const DRAFT_CELLS: u32 = MEASURED_PAST as u32 + MAX_BATCH as u32;

/// Tokens of context before a measured batch.
const MEASURED_PAST: usize = 256;

/// Repetitions for each measured size; the median counts.
const MEASUREMENTS: usize = 7;

/// Data types for the KV cache; the first that fits the model is used. Eight bits halve the memory. With them attention
/// accumulates in 32 bits. For 16-bit floats it accumulates in 16 bits and, on CPUs with AVX512-FP16, processes heads
/// narrower than 128 element by element (measured at more than twice the time per token). Eight bits need a head size
/// that is a multiple of 32.
const CACHE_TYPES: [KvCacheType; 2] = [KvCacheType::Q8_0, KvCacheType::F16];

/// `LLAMA_FLASH_ATTN_TYPE_ENABLED` of llama.h.
const FLASH_ATTENTION: i32 = 1;

/// What one [`Mirror::sync`] did, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Tokens that were in the KV cache and stayed.
    pub kept: usize,
    /// Tokens removed from the KV cache.
    pub removed: usize,
    /// Tokens decoded.
    pub decoded: usize,
    /// Whether `stop` ended it early. The KV cache then contains the first `kept + decoded` tokens of the target.
    pub stopped: bool,
}

/// What the caller of [`Mirror::sync`] needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing yet: the tokens only need to be in the KV cache.
    Cache,
    /// To sample: the logits after the last token are needed too.
    Logits,
}

/// One llama.cpp context whose KV cache contains, for each sequence, exactly the tokens of the last [`Mirror::sync`].
///
/// A conversation is edited as text only; `sync` is the only way to change the cache.
#[derive(Debug)]
pub struct Mirror<'w> {
    context: LlamaContext<'w>,
    /// Size of the KV cache, used or not.
    cache_bytes: u64,
    /// Scratch buffer: cleared before each use.
    batch: LlamaBatch<'static>,
    /// Per sequence, the tokens whose keys and values are cached, at positions from 0.
    cached: Vec<Vec<Token>>,
    /// The most tokens a sequence may have.
    capacity: usize,
    /// The sequence whose last token was the last to be decoded with logits: llama.cpp keeps the logits of one batch
    /// only.
    logits_of: Option<usize>,
}

impl<'w> Mirror<'w> {
    /// Creates a context for `options.calls` sequences of `options.context` tokens each, limited to the context that
    /// the model was trained for.
    ///
    /// # Errors
    /// [`LlmError::ContextRefused`] if llama.cpp creates none; [`LlmError::AdapterRefused`].
    pub fn new(weights: &'w Weights, options: &LlmOptions) -> Result<Self, LlmError> {
        let trained = weights.model().n_ctx_train();
        let capacity = options.context.min(trained);
        if capacity < options.context {
            tracing::warn!(
                asked = options.context,
                trained,
                "context cut to what the model was trained for"
            );
        }
        let cells = capacity.saturating_mul(options.calls).saturating_add(DRAFT_CELLS);
        let threads = i32::try_from(options.threads).unwrap_or(i32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(cells))
            .with_n_batch(MAX_BATCH as u32)
            .with_n_ubatch(MAX_BATCH as u32)
            .with_n_seq_max(options.calls.saturating_add(DRAFT_SEQUENCES))
            // A token of a draft tree belongs to several sequences, which only a unified cache can share.
            .with_kv_unified(true)
            // Without this, models with sliding-window attention drop tokens that a cut-off reply is rolled back to.
            .with_swa_full(true)
            .with_flash_attention_policy(FLASH_ATTENTION)
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        let made = CACHE_TYPES.into_iter().find_map(|kind| {
            let context = weights.context(params.clone().with_type_k(kind).with_type_v(kind))?;
            Some((context, kind))
        });
        let (mut context, cache_type) = made.ok_or(LlmError::ContextRefused { cells })?;
        weights.adapt(&mut context)?;
        Ok(Self {
            context,
            cache_bytes: cells_bytes(
                cache_type,
                u64::from(cells) * weights.cache_numbers_per_token(),
            ),
            batch: LlamaBatch::new(MAX_BATCH, 1),
            cached: vec![Vec::new(); options.calls as usize],
            capacity: capacity as usize,
            logits_of: None,
        })
    }

    /// The most tokens a sequence may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Size in bytes of the whole KV cache, for all sequences and for drafts, allocated up front.
    pub fn cache_bytes(&self) -> u64 {
        self.cache_bytes
    }

    /// The tokens of `sequence` that are in the KV cache.
    pub fn cached(&self, sequence: usize) -> &[Token] {
        &self.cached[sequence]
    }

    /// Makes the KV cache contain `target` for `sequence`: keeps the longest common prefix, removes the rest, and
    /// decodes the new tokens.
    ///
    /// If logits are needed, at least the last token is decoded unless its logits are still available. `stop` is called
    /// before every 32 tokens of decoding.
    ///
    /// # Errors
    /// [`LlmError::ContextFull`] before anything is changed; [`LlmError::Decode`] with a cache that contains what was
    /// decoded before.
    ///
    /// # Panics
    /// If `sequence` is not below the number of calls.
    pub fn sync(
        &mut self,
        sequence: usize,
        target: &[Token],
        need: Need,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Synced, LlmError> {
        if target.len() > self.capacity {
            return Err(LlmError::ContextFull { needed: target.len(), have: self.capacity });
        }
        let cached = &self.cached[sequence];
        let mut kept = cached.iter().zip(target).take_while(|(old, new)| old == new).count();
        let removes = kept < cached.len();
        if need == Need::Logits
            && kept == target.len()
            && (removes || self.logits_of != Some(sequence))
        {
            kept = kept.saturating_sub(1);
        }
        let removed = cached.len() - kept;
        self.truncate(sequence, kept)?;
        let mut synced = Synced { kept, removed, decoded: 0, stopped: false };
        let mut steps = target[kept..].chunks(STEP).peekable();
        while let Some(step) = steps.next() {
            if stop() {
                synced.stopped = true;
                break;
            }
            self.append(sequence, step, need == Need::Logits && steps.peek().is_none())?;
            synced.decoded += step.len();
        }
        Ok(synced)
    }

    /// Chooses a token after the last one of `sequence`, and none of `without`. The logits must be available: after a
    /// [`Mirror::sync`] that asked for them and was not stopped, with no other `sync` since. The sampler accepts nothing.
    ///
    /// # Panics
    /// If the available logits are not those of `sequence`.
    pub(super) fn choose(
        &self,
        sequence: usize,
        sampler: &mut LlamaSampler,
        without: &[Token],
    ) -> Option<Token> {
        assert_eq!(self.logits_of, Some(sequence), "sampled without logits of the sequence");
        let mut candidates = self.context.token_data_array_ith(self.batch.n_tokens() - 1);
        for candidate in &mut candidates.data {
            if without.contains(&candidate.id()) {
                candidate.set_logit(f32::NEG_INFINITY);
            }
        }
        candidates.apply_sampler(sampler);
        candidates.selected_token()
    }

    /// The logits after the last token of `sequence`, one per token of the vocabulary; none if another sequence was
    /// decoded since.
    pub fn logits(&self, sequence: usize) -> Option<&[f32]> {
        (self.logits_of == Some(sequence))
            .then(|| self.context.get_logits_ith(self.batch.n_tokens() - 1))
    }

    /// The time to decode a batch of each size with all logits, after 256 tokens of context: T(n) of the cost model for
    /// drafts. Median of seven, wall time. Sizes outside 1 to [`MAX_BATCH`] are skipped.
    ///
    /// # Errors
    /// [`LlmError::Decode`].
    pub fn measure_batches(&mut self, sizes: &[usize]) -> Result<Vec<(usize, Duration)>, LlmError> {
        let scratch = self.cached.len();
        self.cached.push(Vec::new());
        let times = self.measure(scratch, sizes);
        let cleared = self.truncate(scratch, 0);
        self.cached.truncate(scratch);
        self.logits_of = None;
        cleared.and(times)
    }

    fn measure(
        &mut self,
        scratch: usize,
        sizes: &[usize],
    ) -> Result<Vec<(usize, Duration)>, LlmError> {
        // Any tokens do: the time does not depend on which they are.
        let token = |at: usize| Token::new(at as i32 % 997);
        let past: Vec<Token> = (0..MEASURED_PAST).map(token).collect();
        self.sync(scratch, &past, Need::Cache, &mut || false)?;
        let mut times = Vec::new();
        for &size in sizes.iter().filter(|size| (1..=MAX_BATCH).contains(*size)) {
            let mut samples = [Duration::ZERO; MEASUREMENTS];
            for sample in &mut samples {
                self.fill(scratch, &past[..size], |_| true);
                let start = Instant::now();
                self.context
                    .decode(&mut self.batch)
                    .map_err(|source| LlmError::Decode { source })?;
                self.context.synchronize();
                *sample = start.elapsed();
                self.remove(scratch, MEASURED_PAST)?;
            }
            samples.sort_unstable();
            times.push((size, samples[MEASUREMENTS / 2]));
        }
        Ok(times)
    }

    /// Decodes one batch at the end of the sequence.
    fn append(&mut self, sequence: usize, tokens: &[Token], logits: bool) -> Result<(), LlmError> {
        let last = tokens.len() - 1;
        self.fill(sequence, tokens, |at| logits && at == last);
        self.logits_of = None;
        if let Err(source) = self.context.decode(&mut self.batch) {
            // Part of the batch may have reached the cache.
            self.remove(sequence, self.cached[sequence].len())?;
            return Err(LlmError::Decode { source });
        }
        self.cached[sequence].extend_from_slice(tokens);
        self.logits_of = logits.then_some(sequence);
        Ok(())
    }

    fn fill(&mut self, sequence: usize, tokens: &[Token], logits: impl Fn(usize) -> bool) {
        self.batch.clear();
        let past = self.cached[sequence].len();
        for (at, &token) in tokens.iter().enumerate() {
            self.batch
                .add(token, (past + at) as i32, &[sequence as i32], logits(at))
                .expect("a batch has room for its largest size");
        }
    }

    fn truncate(&mut self, sequence: usize, len: usize) -> Result<(), LlmError> {
        if len < self.cached[sequence].len() {
            self.remove(sequence, len)?;
            self.cached[sequence].truncate(len);
            if self.logits_of == Some(sequence) {
                self.logits_of = None;
            }
        }
        Ok(())
    }

    fn remove(&mut self, sequence: usize, from: usize) -> Result<(), LlmError> {
        self.context
            .kv_cache_seq_rm(sequence as i32, Some(from as u32), None)
            .map_err(|_| LlmError::CacheEdit)
    }
}

/// Bytes of `numbers` cached values: eight-bit values come in blocks of 32 with a 16-bit scale.
fn cells_bytes(kind: KvCacheType, numbers: u64) -> u64 {
    match kind {
        KvCacheType::Q8_0 => numbers / 32 * 34,
        _ => numbers * 2,
    }
}
