//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use duplex_datasets::eval::Thresholds;

/// Generates and inspects dialogues in time slices, for training and evaluating the duplex model.
#[derive(Debug, Parser)]
#[command(name = "duplex-datasets", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate a data set: train.jsonl, test.jsonl and chat.jsonl, one dialogue per line
    Build(Build),
    /// Print counts of a data set
    Stats(Stats),
    /// Print a dialogue as a table of slices
    Show(Show),
    /// Evaluate a model's decisions on a data set
    Eval(Eval),
    /// Compare how a model chats with and without an adapter
    Talk(Talk),
    /// Let the base model write the replies that dialogues are made from
    Replies(Replies),
    /// Synthesise backchannels and commands, and write what speech recognition makes of them
    Heard(Heard),
    /// Fit the classifier of wording to phrasings
    Acts(Acts),
    /// Fit the weights of turn-taking to what was observed of scripted users
    Weights(Weights),
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Build {
    /// Output folder; existing files of the same names are replaced
    #[arg(long, default_value = "out/dialogues")]
    pub(crate) out: PathBuf,
    /// Number of training dialogues
    #[arg(long, default_value_t = 36_000)]
    pub(crate) train: u64,
    /// Number of test dialogues, made from held-out topics, prompts and phrases
    #[arg(long, default_value_t = 2_000)]
    pub(crate) test: u64,
    /// Seed; the same seed gives the same dialogues, bit for bit
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Maximum slice lengths in ms; dialogues use them in turn
    #[arg(long, value_delimiter = ',', default_values_t = duplex_datasets::SLICES_MS,
          value_parser = clap::value_parser!(u32).range(100..=10_000))]
    pub(crate) slices: Vec<u32>,
    /// Replies written by `duplex-datasets replies`, instead of the built-in ones
    #[arg(long)]
    pub(crate) replies: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Stats {
    /// A file of dialogues
    pub(crate) file: PathBuf,
    /// Also write a page with plots to this file
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// A file of dialogues
    pub(crate) file: PathBuf,
    /// Number of the dialogue, from 1
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) number: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replies {
    /// Output file; existing replies stay and are not written again
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Number of replies that the file is to contain
    #[arg(long, default_value_t = 3_000)]
    pub(crate) count: usize,
    /// The base model: a GGUF file with a chat template, instead of the default model
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// End replies early, as the brief ones in dialogues do; takes a third of the time
    #[arg(long)]
    pub(crate) brief: bool,
    /// Seed for the choice of prompts
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Heard {
    /// Output file; an existing file is replaced
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Talk {
    /// The adapter: a GGUF file
    #[arg(long)]
    pub(crate) adapter: PathBuf,
    /// The base model: a GGUF file, instead of the default model
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// Number of held-out conversations, and of held-out questions
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) count: u64,
    /// Write the replies to this file, one JSON object per line
    #[arg(long)]
    pub(crate) replies: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Eval {
    /// A file of dialogues, usually the held-out ones
    pub(crate) file: PathBuf,
    /// The base model: a GGUF file, instead of the default model
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// The adapter: a GGUF file; without it, the base model is evaluated
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Instead of a model, evaluate an assistant that answers after this many slices of silence and stops at any word
    #[arg(long, value_name = "SLICES", conflicts_with_all = ["model", "adapter", "free", "mistakes"])]
    pub(crate) silence: Option<usize>,
    /// Number of dialogues to use, from the start of the file
    #[arg(long, default_value_t = 500)]
    pub(crate) count: usize,
    /// Use only these maximum slice lengths, in ms
    #[arg(long, value_delimiter = ',')]
    pub(crate) slices: Vec<u32>,
    /// Also evaluate free-running: the model's decisions are fed back
    #[arg(long)]
    pub(crate) free: bool,
    /// Write every wrong decision to this file, one JSON object per line
    #[arg(long)]
    pub(crate) mistakes: Option<PathBuf>,
    /// While silent, the assistant speaks if the probability of silence is below this. Several values: after words,
    /// after one slice of silence, after two, and so on
    #[arg(long, value_delimiter = ',', default_values_t = Thresholds::default().silent)]
    pub(crate) threshold: Vec<f32>,
    /// While speaking, the assistant continues if the probability of silence is below this
    #[arg(long, default_value_t = Thresholds::default().speaking)]
    pub(crate) threshold_speaking: f32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Acts {
    /// The file of phrasings
    #[arg(default_value = "datasets/text/acts.toml")]
    pub(crate) phrasings: PathBuf,
    /// The table to write
    #[arg(long, default_value = "duplex-core/src/words/acts.bin")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Weights {
    /// Tables that `duplex test --observations` wrote
    #[arg(default_values = [
        "datasets/observations/scripted.tsv",
        "datasets/observations/field.tsv",
        "datasets/observations/handed.tsv",
    ])]
    pub(crate) tables: Vec<PathBuf>,
    /// The file of Rust to write
    #[arg(long, default_value = "duplex-core/src/evidence/fitted.rs")]
    pub(crate) out: PathBuf,
    /// The page to write: every feature, its weights, and what it is worth
    #[arg(long, default_value = "docs/weights.md")]
    pub(crate) page: PathBuf,
    /// Precision of the prior on each weight
    #[arg(long, default_value_t = duplex_datasets::weights::Options::default().prior)]
    pub(crate) prior: f64,
}
