//! `duplex bench`: how fast the models are here, and how fast the assistant answers.

mod topics;

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duplex_audio::Clip;
use duplex_audio::room::{Anchor, Cue, RoomOptions, Sound};
use duplex_core::{SAMPLE_RATE, Samples};
use duplex_harness::report::{Expect, Percentiles};
use duplex_harness::suite::{self, SuiteReport};
use duplex_model::asr::{Recogniser, Request, wer};
use duplex_model::llm::{ChatMessage, Llm, Role, Weights};
use duplex_model::tts::Voice;
use serde::Serialize;

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::run_call::{Scene, folder, machine, run_call};
use crate::set::{self, Set, SplitName};
use crate::setup;
use crate::view::Mode;

/// Silence between an answer and the next question: longer than any answer takes to begin.
const BETWEEN: Samples = Samples::from_millis(2_500);

/// What is measured.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum What {
    /// Recognition: time for a clip, and word errors
    Asr,
    /// The language model: time for a batch, for a prompt and for a reply
    Llm,
    /// The voice: time to the first sound, and for a second of sound
    Tts,
    /// Whole turns: from the user's last sound to the assistant's first, in real time
    Turns,
    /// Questions after questions on other topics: whether each is answered for itself; minutes
    Topics,
    /// The whole set of scripted calls, against a baseline; takes the better part of an hour
    Conversation,
}

/// Measure the models and the turns on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// What to measure
    what: What,

    /// Clips of speech with a manifest.tsv
    #[arg(long, value_name = "FOLDER", default_value = "tests/speech")]
    clips: PathBuf,

    /// Category of the clips, as in the manifest
    #[arg(long, default_value = "question")]
    category: String,

    /// How often to ask the clips, one after another in one call, or to run each conversation
    #[arg(long, default_value_t = 1)]
    repeat: usize,

    /// Scenario files, or folders of them, that make up the conversations
    #[arg(long, value_name = "PATH", default_value = "tests/scenarios")]
    scenarios: Vec<PathBuf>,

    /// Pairs of questions on different topics
    #[arg(long, value_name = "FILE", default_value = "tests/topics.toml")]
    pairs: PathBuf,

    /// Only a fixed quarter of the conversations of each category
    #[arg(long = "quarter")]
    is_quarter: bool,

    /// Only conversations, or pairs of questions, of this split, of the quarter where --quarter is given
    #[arg(long, value_name = "SPLIT")]
    split: Option<SplitName>,

    /// An earlier report.json of conversations: report what is better or worse beyond chance, and
    /// exit with 1 if something is worse
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Run conversations as fast as the models allow: for behaviour, not for latency figures
    #[arg(long = "virtual")]
    is_virtual: bool,

    /// Where turns and conversations write their recordings and report
    #[arg(long, value_name = "FOLDER", default_value = "out/bench")]
    out: PathBuf,

    /// For programs: one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    bench: &'static str,
    machine: String,
    /// Figures by name; times in ms.
    figures: BTreeMap<String, f64>,
    /// What was measured, one by one.
    rows: Vec<BTreeMap<String, serde_json::Value>>,
}

/// A clip and its words.
struct Spoken {
    name: String,
    path: PathBuf,
    text: String,
}

pub(crate) fn run(args: Bench, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let report = match args.what {
        What::Asr => asr(&args, config)?,
        What::Llm => llm(config)?,
        What::Tts => tts(config)?,
        What::Turns => turns(&args, config)?,
        What::Topics => topics::run(&args, config)?,
        What::Conversation => return conversation(&args, config, out),
    };
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "{} on {}", report.bench, report.machine)?;
    for (name, value) in &report.figures {
        writeln!(out, "{name:<32} {value:>10.2}")?;
    }
    Ok(())
}

fn clips(folder: &Path, category: &str) -> Result<Vec<Spoken>, Failure> {
    let manifest = folder.join("manifest.tsv");
    let text = std::fs::read_to_string(&manifest).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read {}: {error}", manifest.display()))
            .with_hint("run this in the repository, or name a folder with --clips")
    })?;
    let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = rows.next().unwrap_or_default();
    let columns = ["clip", "category", "text"];
    let places = columns.map(|name| head.iter().position(|title| *title == name));
    let spoken = |row: Vec<&str>| {
        let [name, of, text] = places.map(|place| row.get(place?).copied());
        (of? == category).then_some(Spoken {
            name: name?.to_owned(),
            path: folder.join(format!("{}.flac", name?)),
            text: text?.to_owned(),
        })
    };
    let found: Vec<Spoken> = rows.filter_map(spoken).collect();
    if found.is_empty() {
        let message = format!("{} has no clips of category {category}", manifest.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(found)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Median, 90th percentile and maximum of `values`, as figures.
fn spread(figures: &mut BTreeMap<String, f64>, name: &str, values: &[f64]) {
    let Percentiles { p50, p90, max, .. } = Percentiles::of(values);
    for (suffix, value) in [("p50", p50), ("p90", p90), ("max", max)] {
        figures.extend(value.map(|value| (format!("{name}_{suffix}"), value)));
    }
}

fn asr(args: &Bench, config: &Config) -> Result<Report, Failure> {
    let failed = |error| setup::model_failure("recogniser", &error);
    let mut recogniser = Recogniser::spawn(setup::asr_options(config)?).map_err(failed)?;
    let (mut times, mut errors, mut words, mut rows) = (Vec::new(), 0, 0, Vec::new());
    for clip in clips(&args.clips, &args.category)? {
        let audio = Clip::read(&clip.path)?.mono(SAMPLE_RATE);
        let began = Instant::now();
        let hypothesis = recogniser.recognise(&audio, &Request::default()).map_err(failed)?;
        let wall = ms(began.elapsed());
        let wrong = wer(&clip.text, &hypothesis.text);
        times.push(wall);
        errors += wrong.errors;
        words += wrong.words;
        rows.push(BTreeMap::from([
            ("clip".to_owned(), clip.name.into()),
            ("ms".to_owned(), wall.into()),
            ("text".to_owned(), hypothesis.text.into()),
            ("errors".to_owned(), wrong.errors.into()),
        ]));
    }
    let mut figures = BTreeMap::from([
        ("load_ms".to_owned(), ms(recogniser.load_time())),
        ("word_error_rate".to_owned(), errors as f64 / (words.max(1)) as f64),
    ]);
    spread(&mut figures, "window_ms", &times);
    Ok(Report { bench: "asr", machine: machine(), figures, rows })
}

fn llm(config: &Config) -> Result<Report, Failure> {
    let model = setup::reply_model(config)?;
    let failed = |error| setup::model_failure("language model", &error);
    let began = Instant::now();
    let weights = Weights::load(&model).map_err(failed)?;
    let mut llm = Llm::new(&weights, setup::llm_options(config)).map_err(failed)?;
    let mut figures = BTreeMap::from([("load_ms".to_owned(), ms(began.elapsed()))]);
    for (size, time) in llm.measure_batches(&[1, 2, 4, 8, 16, 32]).map_err(failed)? {
        figures.insert(format!("batch_{size:02}_ms"), ms(time));
    }
    let call = llm.open_call().map_err(failed)?;
    let (mut prompts, mut firsts, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for question in ["Why is the sky blue?", "How do plants make their food?", "Tell me a story."] {
        let messages = [
            ChatMessage::new(Role::System, config.llm.system_prompt.as_str()),
            ChatMessage::new(Role::User, question),
        ];
        let began = Instant::now();
        llm.prefill(call, &messages, &mut || false).map_err(failed)?;
        prompts.push(ms(began.elapsed()));
        let began = Instant::now();
        let mut first = None;
        let written = llm
            .write(call, &messages, &mut || false, &mut |_| {
                first.get_or_insert_with(|| began.elapsed());
                ControlFlow::Continue(())
            })
            .map_err(failed)?;
        firsts.push(ms(first.unwrap_or_default()));
        rates.push(ms(began.elapsed()) / written.tokens.max(1) as f64);
    }
    spread(&mut figures, "prompt_ms", &prompts);
    spread(&mut figures, "first_token_ms", &firsts);
    spread(&mut figures, "token_ms", &rates);
    Ok(Report { bench: "llm", machine: machine(), figures, rows: Vec::new() })
}

fn tts(config: &Config) -> Result<Report, Failure> {
    let Some(model) = config.models.voice.model() else {
        let message =
            format!("the bench is of a voice that is a model, not of {}", config.models.voice);
        return Err(Failure::new(Exit::Usage, message));
    };
    let options = setup::voice_options(config, model)?;
    let failed = |error| setup::model_failure("voice", &error);
    let began = Instant::now();
    let mut voice = Voice::load(&options).map_err(failed)?;
    let mut figures = BTreeMap::from([("load_ms".to_owned(), ms(began.elapsed()))]);
    let rate = f64::from(voice.sample_rate());
    let (mut firsts, mut factors, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for text in [
        "Sure.",
        "The sky is blue,",
        "because the air scatters blue light more than red light.",
        "It costs $45.99, and it will be ready on March 3rd at half past ten in the morning.",
    ] {
        for _ in 0..5 {
            let began = Instant::now();
            let (mut first, mut samples) = (None, 0);
            voice
                .speak(text, 1.0, &mut |chunk| {
                    first.get_or_insert_with(|| began.elapsed());
                    samples += chunk.samples.len();
                    ControlFlow::Continue(())
                })
                .map_err(failed)?;
            let (first, all) = (ms(first.unwrap_or_default()), ms(began.elapsed()));
            let seconds = samples as f64 / rate;
            firsts.push(first);
            factors.push(all / 1000.0 / seconds.max(0.1));
            rows.push(BTreeMap::from([
                ("text".to_owned(), text.into()),
                ("first_ms".to_owned(), first.into()),
                ("all_ms".to_owned(), all.into()),
                ("seconds".to_owned(), seconds.into()),
            ]));
        }
    }
    spread(&mut figures, "first_audio_ms", &firsts);
    spread(&mut figures, "real_time_factor", &factors);
    Ok(Report { bench: "tts", machine: machine(), figures, rows })
}

fn turns(args: &Bench, config: &Config) -> Result<Report, Failure> {
    folder(&args.out)?;
    let mut cues = Vec::new();
    for round in 1..=args.repeat.max(1) {
        for clip in clips(&args.clips, &args.category)? {
            let id = if round == 1 { clip.name } else { format!("{}-{round}", clip.name) };
            let anchor = Anchor::Quiet(BETWEEN);
            cues.push(Cue::new(id, Sound::read(&clip.path)?, anchor));
        }
    }
    let expect = cues.iter().map(|cue| (cue.id.clone(), vec![Expect::Respond])).collect();
    let engine = setup::engine(config)?;
    let scene = Scene {
        room: RoomOptions {
            echo_db: Some(-12.0),
            snr_db: Some(20.0),
            // A reply may last longer than a person would wait for their turn.
            patience_ms: 60_000,
            ..RoomOptions::default()
        },
        cues,
        recording: args.out.join("call.wav"),
        journal: Some(args.out.join("call.journal")),
        script: Vec::new(),
        is_virtual: false,
        mode: Mode::choose(false),
    };
    let call = run_call(config, &engine, scene)?;
    let record = call.record("Turns", &expect)?;
    record.write(&args.out)?;
    let mut figures = BTreeMap::from([
        ("rss_mb".to_owned(), record.summary.rss_mb),
        ("ready_ms".to_owned(), record.summary.ready_ms),
        ("answered".to_owned(), record.events.iter().filter(|event| event.passed).count() as f64),
        ("asked".to_owned(), record.events.len() as f64),
    ]);
    let latencies: Vec<f64> = record.events.iter().filter_map(|event| event.latency_ms).collect();
    spread(&mut figures, "response_latency_ms", &latencies);
    let mut by_stage: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for stage in &record.stages {
        by_stage.entry(&stage.name).or_default().push(stage.ms);
    }
    for (name, values) in by_stage {
        spread(&mut figures, &format!("stage_{name}_ms"), &values);
    }
    figures.extend(record.counters.iter().map(|(name, count)| (name.clone(), *count as f64)));
    let rows = record.events.iter().map(|event| {
        BTreeMap::from([
            ("clip".to_owned(), event.id.clone().into()),
            ("outcome".to_owned(), event.outcome.clone().into()),
            ("latency_ms".to_owned(), event.latency_ms.into()),
        ])
    });
    let rows = rows.collect();
    call.ended_well()?;
    Ok(Report { bench: "turns", machine: machine(), figures, rows })
}

fn conversation(args: &Bench, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    // Read before an hour of calls, so that an error in it shows at once.
    let baseline = args.baseline.as_ref().map(SuiteReport::read).transpose().map_err(|error| {
        Failure::new(Exit::Usage, error.to_string())
            .with_hint("--baseline takes a report.json that an earlier run has left")
    })?;
    let set = Set {
        paths: args.scenarios.clone(),
        is_quarter: args.is_quarter,
        split: args.split.map(Into::into),
        is_virtual: args.is_virtual,
        jobs: 1,
        repeat: args.repeat,
        folder: args.out.clone(),
        ..Set::default()
    };
    let outcome = set::run_set(config, &set)?;
    let changes = baseline.map(|baseline| suite::compare(&baseline, &outcome.report));
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &outcome.report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", suite::table(&outcome.report))?;
        if let Some(changes) = &changes {
            writeln!(out, "{}", suite::changes(changes))?;
        }
        writeln!(out, "look  {}", set.folder.join("index.html").display())?;
    }
    let worse = |change: &&suite::Change| change.verdict == suite::ChangeVerdict::Worse;
    match changes.iter().flatten().filter(worse).count() {
        // A benchmark measures how much goes wrong; that something does is no failure of the
        // benchmark.
        0 => outcome.check(),
        1 => Err(Failure::new(Exit::Failed, "a figure is worse than the baseline's")),
        many => {
            Err(Failure::new(Exit::Failed, format!("{many} figures are worse than the baseline's")))
        }
    }
}
