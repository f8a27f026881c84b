use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;

use anyhow::Context as _;
use duplex_datasets::Part;
use duplex_datasets::texts::{self, Prompt, Reply};
use duplex_model::llm::{ChatMessage, DEFAULT_SYSTEM_PROMPT, Llm, LlmOptions, Role, Weights};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg32;

use crate::{args, interrupt, progress};

/// Mix of sources: the prefixes of their keys, and how many of ten replies are to their prompts.
const SHARES: [(&str, usize); 4] =
    [("chitchat/", 4), ("chatterbot/", 1), ("train/", 4), ("test/", 1)];

pub(crate) fn run(args: &args::Replies) -> anyhow::Result<()> {
    interrupt::catch()?;
    let known = if args.out.exists() { texts::read_replies(&args.out)? } else { Vec::new() };
    let known: BTreeSet<String> = known.into_iter().map(|reply| reply.key).collect();
    let chosen = choose(super::prompts()?, args.count, args.seed);

    let path = super::base_model(args.model.as_deref())?;
    let weights = Weights::load(&path)?;
    let mut llm = Llm::new(&weights, LlmOptions::default())?;
    let call = llm.open_call()?;

    let unwritable = || format!("cannot write {}", args.out.display());
    let mut out =
        OpenOptions::new().append(true).create(true).open(&args.out).with_context(unwritable)?;
    let bar = progress::bar("replies", chosen.len() as u64);
    for prompt in chosen {
        bar.inc(1);
        if known.contains(&prompt.key) {
            continue;
        }
        let messages = [
            ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT),
            ChatMessage::new(Role::User, &prompt.text),
        ];
        let mut reply = String::new();
        let mut take = |text: &str| {
            reply.push_str(text);
            let is_whole = args.brief && texts::brief(&reply).len() < reply.trim_end().len();
            if is_whole { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        llm.discard_reply(call)?;
        llm.write(call, &messages, &mut interrupt::happened, &mut take)?;
        if interrupt::happened() {
            break;
        }
        let reply = reply.split_whitespace().collect::<Vec<_>>().join(" ");
        let reply = if args.brief { texts::brief(&reply) } else { &reply };
        let Some(reply) = usable(reply) else { continue };
        let line = Reply { key: prompt.key, reply: reply.to_owned() };
        let mut line = serde_json::to_string(&line)?;
        line.push('\n');
        // One line at a time: an interrupted run can be continued.
        out.write_all(line.as_bytes()).with_context(unwritable)?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// `count` prompts, with each source's share.
fn choose(mut prompts: Vec<Prompt>, count: usize, seed: u64) -> Vec<Prompt> {
    prompts.shuffle(&mut Pcg32::seed_from_u64(seed));
    let mut chosen = Vec::new();
    for (source, share) in SHARES {
        let of_source = prompts.iter().filter(|prompt| prompt.key.starts_with(source));
        chosen.extend(of_source.take(count * share / 10).cloned());
    }
    // Sources are mixed, so that an incomplete file has all of them.
    chosen.shuffle(&mut Pcg32::seed_from_u64(seed));
    debug_assert!(Part::ALL.into_iter().all(|part| chosen.iter().any(|it| it.part == part)));
    chosen
}

/// The complete sentences of a reply, if they say something and do not repeat themselves.
fn usable(reply: &str) -> Option<&str> {
    const FEWEST_CHARS: usize = 12;
    /// Minimum share of distinct words.
    const LEAST_VARIED: f64 = 0.5;
    let end = reply.rfind(['.', '?', '!'])? + 1;
    let whole = &reply[..end];
    let words: Vec<&str> = whole.split(' ').collect();
    let different = words.iter().collect::<BTreeSet<_>>().len();
    let varied = different as f64 >= LEAST_VARIED * words.len() as f64;
    (whole.len() >= FEWEST_CHARS && varied).then_some(whole)
}
