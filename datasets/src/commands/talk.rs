use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use duplex_datasets::Part;
use duplex_datasets::talk::{Likelihood, Question, Talker, repetition};
use duplex_model::llm::{Llm, LlmError, LlmOptions, Sampling, Weights};
use indicatif::ProgressBar;

use crate::{args, interrupt, progress};

/// Number of turns of a conversation that are evaluated.
const TURNS: usize = 8;

/// Results of one model.
#[derive(Default)]
struct Worth {
    chat: Likelihood,
    hits: usize,
    replies: Vec<String>,
    /// Likelihood of its replies under the base model: after their own question, and after another one.
    own: Likelihood,
    other: Likelihood,
    /// Number of replies that are likelier after their own question.
    fitting: usize,
}

pub(crate) fn run(args: &args::Talk) -> anyhow::Result<()> {
    interrupt::catch()?;
    let count = usize::try_from(args.count)?;
    let path = super::base_model(args.model.as_deref())?;
    let base = Weights::load(&path)?;
    let adapted = Weights::load(&path)?.with_adapter(&args.adapter)?;
    let conversations = super::conversations(Part::Test)?;
    let conversations = conversations.into_iter().filter(|turns| turns.len() >= TURNS);
    let conversations: Vec<_> = conversations.take(count).collect();
    let asks = held_out_questions(count)?;

    let greedy = || LlmOptions {
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        ..LlmOptions::default()
    };
    let mut plain = Talker::new(Llm::new(&base, greedy())?, &base)?;
    let mut duplex = Talker::new(Llm::new(&adapted, greedy())?, &adapted)?;

    let steps = 2 * (conversations.len() + Question::builtin().len() + 2 * asks.len());
    let bar = progress::bar("chat", steps as u64);
    let mut worths = [
        talk(&mut plain, Talker::reply, &conversations, &asks, &bar)?,
        talk(&mut duplex, Talker::reply_in_slices, &conversations, &asks, &bar)?,
    ];
    for worth in &mut worths {
        weigh(&mut plain, worth, &asks, &bar)?;
    }
    bar.finish_and_clear();

    if let Some(path) = &args.replies {
        write_replies(path, &asks, &worths)?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{:<52}{:>10}{:>10}", "", "base", "adapter")?;
    let mut line = |name: &str, value: &dyn Fn(&Worth) -> String| {
        writeln!(out, "{name:<52}{:>10}{:>10}", value(&worths[0]), value(&worths[1]))
    };
    line("perplexity of plain chat", &|it| format!("{:.2}", it.chat.perplexity()))?;
    line("  tokens", &|it| it.chat.tokens.to_string())?;
    line("short questions, hits", &|it| format!("{}/{}", it.hits, Question::builtin().len()))?;
    line("words a reply", &|it| format!("{:.1}", words(it)))?;
    line("rows of three words said before in the reply", &|it| {
        let sum: f64 = it.replies.iter().map(|reply| repetition(reply)).sum();
        format!("{:.1} %", 100.0 * sum / it.replies.len().max(1) as f64)
    })?;
    line("replies likelier after their question than another", &|it| {
        format!("{}/{}", it.fitting, it.replies.len())
    })?;
    line("  by so much a token, under the base model", &|it| {
        format!("{:.2}", it.own.mean() - it.other.mean())
    })?;
    line("log-likelihood of a token, under the base model", &|it| format!("{:.2}", it.own.mean()))?;
    Ok(())
}

/// Evaluates one model: in chats, on short questions, and, by `reply`, on `asks`.
fn talk<'w>(
    talker: &mut Talker<'w>,
    reply: impl Fn(&mut Talker<'w>, &str) -> Result<String, LlmError>,
    conversations: &[Vec<String>],
    asks: &[String],
    bar: &ProgressBar,
) -> anyhow::Result<Worth> {
    let mut worth = Worth::default();
    for turns in conversations {
        match talker.chat(&turns[..TURNS]) {
            Ok(likelihood) => worth.chat += likelihood,
            // Somebody typed several pages: both models skip it.
            Err(LlmError::ContextFull { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        advance(bar)?;
    }
    for question in Question::builtin() {
        worth.hits += usize::from(question.is_hit(&talker.reply(&question.ask)?));
        advance(bar)?;
    }
    for ask in asks {
        worth.replies.push(reply(talker, ask)?);
        advance(bar)?;
    }
    Ok(worth)
}

/// How well the replies fit their questions, under the base model.
fn weigh(
    base: &mut Talker<'_>,
    worth: &mut Worth,
    asks: &[String],
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    for (at, reply) in worth.replies.iter().enumerate() {
        let own = base.answers(&asks[at], reply)?;
        let other = base.answers(&asks[(at + 1) % asks.len()], reply)?;
        worth.own += own;
        worth.other += other;
        worth.fitting += usize::from(own.log > other.log);
        advance(bar)?;
    }
    Ok(())
}

fn words(worth: &Worth) -> f64 {
    let words: usize = worth.replies.iter().map(|reply| reply.split(' ').count()).sum();
    words as f64 / worth.replies.len().max(1) as f64
}

/// Questions from templates that training did not use.
fn held_out_questions(count: usize) -> anyhow::Result<Vec<String>> {
    let mut asks = Vec::new();
    for prompt in super::prompts()? {
        if prompt.part == Part::Test
            && prompt.text.ends_with('?')
            && prompt.key.starts_with("test/")
        {
            asks.push(prompt.text);
        }
    }
    asks.truncate(count);
    Ok(asks)
}

fn write_replies(path: &Path, asks: &[String], worths: &[Worth; 2]) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut out = BufWriter::new(file);
    for (at, ask) in asks.iter().enumerate() {
        let line = serde_json::json!({
            "ask": ask,
            "base": worths[0].replies[at],
            "adapter": worths[1].replies[at],
        });
        writeln!(out, "{line}")?;
    }
    out.flush().with_context(|| format!("write {}", path.display()))
}

fn advance(bar: &ProgressBar) -> anyhow::Result<()> {
    bar.inc(1);
    ensure!(!interrupt::happened(), "interrupted");
    Ok(())
}
