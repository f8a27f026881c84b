//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use duplex_datasets::eval::Thresholds;

/// Makes and examines dialogues cut into time slices, to train and to judge the duplex model.
#[derive(Debug, Parser)]
#[command(name = "duplex-datasets", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a data set: train.jsonl and test.jsonl, one dialogue a line
    Build(Build),
    /// Count what is in a data set
    Stats(Stats),
    /// Show a dialogue as a table of slices
    Show(Show),
    /// Judge a model's decisions on a data set
    Eval(Eval),
    /// Compare how a model talks with an adapter and without
    Talk(Talk),
    /// Let the base model write the replies of which dialogues are made
    Replies(Replies),
    /// Let the voice say backchannels and commands, and write what the recogniser makes of them
    Heard(Heard),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Build {
    /// Folder to write to; files of these names in it are replaced
    #[arg(long, default_value = "out/dialogues")]
    pub(crate) out: PathBuf,
    /// Dialogues to train on
    #[arg(long, default_value_t = 36_000)]
    pub(crate) train: u64,
    /// Dialogues to judge by, made of held-out topics, prompts and phrases
    #[arg(long, default_value_t = 2_000)]
    pub(crate) test: u64,
    /// The same seed gives the same dialogues, bit for bit
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Longest slices in ms, in turn
    #[arg(long, value_delimiter = ',', default_values_t = duplex_datasets::SLICES_MS,
          value_parser = clap::value_parser!(u32).range(100..=10_000))]
    pub(crate) slices: Vec<u32>,
    /// Replies written by `duplex-datasets replies` instead of those that come with the program
    #[arg(long)]
    pub(crate) replies: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Stats {
    /// A file of dialogues
    pub(crate) file: PathBuf,
    /// Write a page with plots, too
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// A file of dialogues
    pub(crate) file: PathBuf,
    /// Which one, from 1
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) number: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replies {
    /// File to write to; what is in it stays, and is not written again
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// How many replies the file is to have
    #[arg(long, default_value_t = 3_000)]
    pub(crate) count: usize,
    /// The base model: a GGUF file with a chat template instead of the default one
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// End replies as brief ones are in dialogues, which takes a third of the time
    #[arg(long)]
    pub(crate) brief: bool,
    /// Chooses the prompts
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Heard {
    /// File to write to; what is in it is replaced
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Talk {
    /// The adapter: a GGUF file
    #[arg(long)]
    pub(crate) adapter: PathBuf,
    /// The base model: a GGUF file instead of the default one
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// How many held-out conversations, and how many held-out questions
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) count: u64,
    /// Write the replies to this file, a line of JSON each
    #[arg(long)]
    pub(crate) replies: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Eval {
    /// A file of dialogues: the held-out ones
    pub(crate) file: PathBuf,
    /// The base model: a GGUF file instead of the default one
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// The adapter: a GGUF file; without, the base model is judged
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Instead of a model, judge an assistant that answers after so many slices of silence, and stops for any word
    #[arg(long, value_name = "SLICES", conflicts_with_all = ["model", "adapter", "free", "mistakes"])]
    pub(crate) silence: Option<usize>,
    /// How many dialogues, the first ones
    #[arg(long, default_value_t = 500)]
    pub(crate) count: usize,
    /// Only slices of these lengths, in ms
    #[arg(long, value_delimiter = ',')]
    pub(crate) slices: Vec<u32>,
    /// Let the model run free, too
    #[arg(long)]
    pub(crate) free: bool,
    /// Write every wrong decision to this file, a line of JSON each
    #[arg(long)]
    pub(crate) mistakes: Option<PathBuf>,
    /// A silent assistant speaks where the probability of silence is below this. Several: after words, after one slice of silence,
    /// after two and so on
    #[arg(long, value_delimiter = ',', default_values_t = Thresholds::default().silent)]
    pub(crate) threshold: Vec<f32>,
    /// An assistant that speaks goes on where the probability of silence is below this
    #[arg(long, default_value_t = Thresholds::default().speaking)]
    pub(crate) threshold_speaking: f32,
}
