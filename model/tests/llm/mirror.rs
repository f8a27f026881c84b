//! The KV cache: after any edit, the result is as if the tokens had been decoded afresh.

use duplex_model::llm::{LlmError, Mirror, Need, Synced, Token};

use crate::support;

fn random_tokens(random: &mut Random, count: usize) -> Vec<Token> {
    (0..count).map(|_| Token::new(100 + random.below(40_000) as i32)).collect()
}

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

/// Kullback-Leibler divergence, in nats, of the distributions that two lists of logits give.
fn divergence(left: &[f32], right: &[f32]) -> f64 {
    let log_sum =
        |logits: &[f32]| logits.iter().map(|logit| f64::from(*logit).exp()).sum::<f64>().ln();
    let (left_sum, right_sum) = (log_sum(left), log_sum(right));
    let term = |(left, right): (&f32, &f32)| {
        let (left, right) = (f64::from(*left) - left_sum, f64::from(*right) - right_sum);
        left.exp() * (left - right)
    };
    left.iter().zip(right).map(term).sum()
}

/// One edit of `tokens`: at the end, like a reply, or in the middle, like a revised word.
fn edit(tokens: &mut Vec<Token>, round: usize, random: &mut Random) {
    let at = random.below(tokens.len());
    match round % 4 {
        0 => tokens.extend(random_tokens(random, 1 + at % 9)),
        1 => tokens.truncate(at.max(1)),
        2 => {
            let end = (at + 3).min(tokens.len());
            tokens.splice(at..end, random_tokens(random, 5));
        }
        _ => {
            tokens.remove(at);
            tokens.extend(random_tokens(random, 2));
        }
    }
}

#[test]
fn after_any_edits_the_logits_are_those_of_a_fresh_decode_bit_for_bit() {
    let weights = support::weights();
    let mut edited = Mirror::new(&weights, &support::greedy()).unwrap();
    let mut fresh = Mirror::new(&weights, &support::greedy()).unwrap();
    let mut random = Random(0x5EED);
    let mut tokens = random_tokens(&mut random, 40);
    for round in 0..16 {
        edit(&mut tokens, round, &mut random);
        edited.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
        assert_eq!(edited.cached(0), tokens);
        fresh.sync(0, &[], Need::Cache, &mut || false).unwrap();
        fresh.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
        assert!(edited.logits(0) == fresh.logits(0), "round {round}");
    }
}

/// Sequences then take each other's free cells, so that attention adds its terms in another order.
#[test]
fn edits_of_another_call_between_change_no_more_than_the_rounding() {
    let weights = support::weights();
    let mut edited = Mirror::new(&weights, &support::greedy()).unwrap();
    let mut random = Random(0xCA11);
    let (mut tokens, mut other) = (random_tokens(&mut random, 30), random_tokens(&mut random, 30));
    for round in 0..8 {
        edit(&mut tokens, round, &mut random);
        edit(&mut other, round + 1, &mut random);
        edited.sync(1, &other, Need::Cache, &mut || false).unwrap();
        edited.sync(0, &tokens, Need::Logits, &mut || false).unwrap();

        let mut fresh = Mirror::new(&weights, &support::greedy()).unwrap();
        fresh.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
        let divergence = divergence(fresh.logits(0).unwrap(), edited.logits(0).unwrap());
        assert!(divergence < 0.05, "round {round}: {divergence} nats apart");
    }
}

#[test]
fn only_what_is_new_is_decoded() {
    let weights = support::weights();
    let mut mirror = Mirror::new(&weights, &support::greedy()).unwrap();
    let tokens = random_tokens(&mut Random(7), 50);
    let mut sync = |target: &[Token], need| {
        let Synced { kept, removed, decoded, stopped } =
            mirror.sync(0, target, need, &mut || false).unwrap();
        assert!(!stopped);
        (kept, removed, decoded)
    };
    assert_eq!(sync(&tokens[..40], Need::Cache), (0, 0, 40));
    assert_eq!(sync(&tokens[..45], Need::Cache), (40, 0, 5));
    assert_eq!(sync(&tokens[..30], Need::Cache), (30, 15, 0));
    assert_eq!(sync(&tokens[..30], Need::Logits), (29, 1, 1), "logits take the last token again");
    assert_eq!(sync(&tokens[..30], Need::Logits), (30, 0, 0), "they are still at hand");
    assert_eq!(sync(&tokens[..29], Need::Logits), (28, 2, 1), "those at hand are of a longer list");
}

#[test]
fn a_stopped_sync_leaves_a_mirror_that_goes_on_from_there() {
    let weights = support::weights();
    let mut mirror = Mirror::new(&weights, &support::greedy()).unwrap();
    let tokens = random_tokens(&mut Random(11), 100);
    let mut asked = 0;
    let mut second_time = || {
        asked += 1;
        asked == 2
    };
    let synced = mirror.sync(0, &tokens, Need::Logits, &mut second_time).unwrap();
    assert!(synced.stopped && synced.decoded < tokens.len());
    assert_eq!(mirror.cached(0), &tokens[..synced.decoded]);
    assert!(mirror.logits(0).is_none(), "the last token was not reached");
    let rest = mirror.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
    assert_eq!(rest.kept, synced.decoded);

    let mut fresh = Mirror::new(&weights, &support::greedy()).unwrap();
    fresh.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
    assert!(mirror.logits(0) == fresh.logits(0));
}

#[test]
fn too_many_tokens_are_refused_before_anything_is_changed() {
    let weights = support::weights();
    let mut mirror = Mirror::new(&weights, &support::greedy()).unwrap();
    let tokens = random_tokens(&mut Random(13), 513);
    mirror.sync(0, &tokens[..20], Need::Cache, &mut || false).unwrap();
    let error = mirror.sync(0, &tokens, Need::Cache, &mut || false).unwrap_err();
    assert!(matches!(error, LlmError::ContextFull { needed: 513, have: 512 }));
    assert_eq!(mirror.cached(0), &tokens[..20]);
}

#[test]
fn larger_batches_are_measured_to_take_longer_and_leave_the_cache_alone() {
    let weights = support::weights();
    let mut mirror = Mirror::new(&weights, &support::greedy()).unwrap();
    let tokens = random_tokens(&mut Random(17), 20);
    mirror.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
    let before = mirror.logits(0).unwrap().to_vec();
    let times = mirror.measure_batches(&[1, 8, 100_000]).unwrap();
    assert_eq!(times.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [1, 8]);
    assert!(times[0].1 < times[1].1);
    let synced = mirror.sync(0, &tokens, Need::Logits, &mut || false).unwrap();
    assert_eq!(synced.decoded, 1, "the logits at hand are those of the measurement");
    assert!(mirror.logits(0).unwrap() == before);
}
