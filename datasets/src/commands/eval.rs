use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use duplex_datasets::eval::{Asked, Delays, Forced, Free, Judge, Score, Thresholds, by_silence};
use duplex_datasets::{Dialogue, Phase};
use duplex_model::llm::{Llm, LlmError, LlmOptions, Weights};

use crate::{args, interrupt, progress};

pub(crate) fn run(args: &args::Eval) -> anyhow::Result<()> {
    interrupt::catch()?;
    let (given, most) = (args.threshold.len(), Thresholds::default().silent.len());
    anyhow::ensure!(
        given <= most,
        "{given} thresholds are too many: one after words, {} after silences",
        most - 1
    );
    let dialogues = chosen(args)?;
    if let Some(wait) = args.silence {
        let mut forced = Forced::default();
        for dialogue in &dialogues {
            by_silence(dialogue, wait).iter().for_each(|asked| forced.add(dialogue, asked));
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{} dialogues", dialogues.len())?;
        return Ok(show_forced(&mut out, &forced)?);
    }
    let mut weights = Weights::load(&super::base_model(args.model.as_deref())?)?;
    if let Some(adapter) = &args.adapter {
        weights = weights.with_adapter(adapter)?;
    }
    let mut llm = Llm::new(&weights, LlmOptions::default())?;
    let thresholds = Thresholds::new(&args.threshold, args.threshold_speaking);
    let mut judge = Judge::new(&mut llm, &weights, thresholds)?;
    let (mut forced, mut free, mut too_long) = (Forced::default(), Free::default(), 0);
    let mut mistakes = match &args.mistakes {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
            Some(BufWriter::new(file))
        }
        None => None,
    };
    let bar = progress::bar("dialogues", dialogues.len() as u64);
    for dialogue in &dialogues {
        if interrupt::happened() {
            break;
        }
        match judge.ask(dialogue) {
            Ok(all) => {
                for asked in &all {
                    forced.add(dialogue, asked);
                    if let Some(out) = mistakes.as_mut().filter(|_| !asked.is_right()) {
                        mistake(out, dialogue, asked)?;
                    }
                }
                // A reply that does not end fills the context: the decisions made before it count.
                match args.free.then(|| judge.run_free(dialogue, &mut free)) {
                    Some(Err(LlmError::ContextFull { .. })) => too_long += 1,
                    Some(Err(error)) => return Err(error.into()),
                    Some(Ok(())) | None => {}
                }
            }
            Err(LlmError::ContextFull { .. }) => too_long += 1,
            Err(error) => return Err(error.into()),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(mut out) = mistakes {
        out.flush()?;
    }

    let mut out = io::stdout().lock();
    writeln!(out, "{} dialogues; {too_long} too long for the context", dialogues.len())?;
    show_forced(&mut out, &forced)?;
    if args.free {
        show_free(&mut out, &free)?;
        show_times(&mut out, judge.times())?;
    }
    Ok(())
}

/// The selected dialogues.
fn chosen(args: &args::Eval) -> anyhow::Result<Vec<Dialogue>> {
    let mut dialogues = Vec::new();
    for dialogue in super::dialogues(&args.file)? {
        let dialogue = dialogue?;
        if args.slices.is_empty() || args.slices.contains(&dialogue.slice_ms) {
            dialogues.push(dialogue);
        }
        if dialogues.len() == args.count {
            break;
        }
    }
    Ok(dialogues)
}

/// Writes a line about a wrong decision, with what was said before it.
fn mistake(out: &mut dyn io::Write, dialogue: &Dialogue, asked: &Asked) -> io::Result<()> {
    const BEFORE: usize = 4;
    let from = asked.at.saturating_sub(BEFORE);
    let said = dialogue.slices[from..asked.at].iter().map(|slice| {
        let side = |words: &Option<String>| words.clone().unwrap_or_default();
        format!("{}|{}", side(&slice.user), side(&slice.assistant))
    });
    let said: Vec<String> = said.collect();
    let line = serde_json::json!({
        "id": dialogue.id,
        "category": dialogue.category.name(),
        "slice": asked.at + 1,
        "phase": asked.phase.name(),
        "idle": (f64::from(asked.idle) * 1000.0).round() / 1000.0,
        "before": said,
        "user": dialogue.slices[asked.at].user,
        "falls_silent": dialogue.slices[asked.at].falls_silent,
    });
    writeln!(out, "{line}")
}

fn show_forced(out: &mut dyn io::Write, forced: &Forced) -> io::Result<()> {
    let (speak, idle) = forced.f1();
    writeln!(out, "\nforced: every decision after the dialogue's own words")?;
    line(out, "all", forced.overall())?;
    writeln!(out, "  F1 of speaking {:.1} %, of silence {:.1} %", 100.0 * speak, 100.0 * idle)?;
    for (phase, score) in &forced.phases {
        line(out, phase.name(), *score)?;
    }
    writeln!(out)?;
    for (category, score) in &forced.categories {
        line(out, category.name(), *score)?;
    }
    writeln!(out)?;
    for (ms, score) in &forced.slices_ms {
        line(out, &format!("slices of {ms} ms"), *score)?;
    }
    Ok(())
}

fn show_free(out: &mut dyn io::Write, free: &Free) -> io::Result<()> {
    writeln!(out, "\nfree: after the model's own words")?;
    line(out, "all", free.overall())?;
    for phase in Phase::ALL {
        if let Some(score) = free.phases.get(phase) {
            line(out, phase.name(), *score)?;
        }
    }
    line(out, "hard pairs, whole", free.hard_pairs)?;
    delays(out, "starts", &free.starts)?;
    delays(out, "stops", &free.stops)
}

fn show_times(out: &mut dyn io::Write, times: &[Duration]) -> io::Result<()> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().unwrap_or_default().as_millis()
    };
    let (p50, p99, most) = (at(50), at(99), at(100));
    writeln!(out, "  {:<20} p50 {p50} ms, p99 {p99} ms, at most {most} ms", "work a slice")
}

fn line(out: &mut dyn io::Write, name: &str, score: Score) -> io::Result<()> {
    let Some(share) = score.share() else { return writeln!(out, "  {name:<20} none") };
    writeln!(out, "  {name:<20} {:>5.1} %  {} of {}", 100.0 * share, score.right, score.all)
}

fn delays(out: &mut dyn io::Write, name: &str, delays: &Delays) -> io::Result<()> {
    let percent = |share: Option<f64>| 100.0 * share.unwrap_or(0.0);
    let (all, at_once, within) = (delays.all(), delays.within(0), delays.within(1));
    writeln!(
        out,
        "  {name:<20} at once {:.1} %, within a slice {:.1} %, never {:.1} %, of {all}",
        percent(at_once),
        percent(within),
        percent(delays.never_rate()),
    )
}
