//! The clips of users' speech in tests/speech, the model, and a recogniser for them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use duplex_core::SAMPLE_RATE;
use duplex_model::asr::{RecogniserOptions, find_worker};

/// A clip and what is said in it.
pub(crate) struct Clip {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) audio: Vec<f32>,
}

/// All clips, in the manifest's order.
pub(crate) fn all() -> Vec<Clip> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech");
    let manifest = fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let mut lines = manifest.lines();
    let head = lines.next().unwrap();
    let words = head.split('\t').position(|title| title == "text").unwrap();
    let clip = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let audio = read_flac(&folder.join(format!("{}.flac", fields[0])));
        Clip { name: fields[0].into(), text: fields[words].into(), audio }
    };
    lines.map(clip).collect()
}

fn read_flac(path: &Path) -> Vec<f32> {
    let mut reader = claxon::FlacReader::open(path).unwrap();
    let info = reader.streaminfo();
    assert_eq!((info.sample_rate, info.channels), (SAMPLE_RATE, 1), "{}", path.display());
    let scale = 1.0 / (1u64 << (info.bits_per_sample - 1)) as f32;
    reader.samples().map(|sample| sample.unwrap() as f32 * scale).collect()
}

pub(crate) fn model() -> PathBuf {
    let store = env::var_os("DUPLEX_MODELS")
        .expect("DUPLEX_MODELS names no folder of models: run `make models`");
    let model = Path::new(&store).join("whisper-tiny.en/ggml-tiny.en.bin");
    assert!(model.is_file(), "{} is missing: run `make models`", model.display());
    model
}

pub(crate) fn options(threads: usize) -> RecogniserOptions {
    RecogniserOptions { threads, ..RecogniserOptions::new(find_worker(None).unwrap(), model()) }
}
