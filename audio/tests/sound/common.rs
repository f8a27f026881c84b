//! Helpers shared by the tests of this crate.

use std::path::{Path, PathBuf};

use duplex_audio::{Clip, VoiceActivity, noise::active_level_db};
use duplex_core::SAMPLE_RATE;

/// A clip of `tests/speech` at the session rate, at an active level of `level_db`.
pub(crate) fn speech(name: &str, level_db: f32) -> Vec<f32> {
    let path = clip_path(name);
    let mut samples = Clip::read(path).expect("the clip is in the repository").mono(SAMPLE_RATE);
    let gain = 10f32.powf((level_db - active_level_db(&samples)) / 20.0);
    samples.iter_mut().for_each(|sample| *sample *= gain);
    samples
}

pub(crate) fn clip_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech").join(format!("{name}.flac"))
}

/// The clips of one voice: their names and categories.
pub(crate) fn clips(voice: &str) -> Vec<(String, String)> {
    let manifest = clip_path("q01").with_file_name("manifest.tsv");
    let manifest = std::fs::read_to_string(manifest).expect("the manifest is in the repository");
    manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields[2] == voice)
        .map(|fields| (fields[0].into(), fields[1].into()))
        .collect()
}

/// The clips of one voice, one after the other, at an active level of `level_db`.
pub(crate) fn voice(voice: &str, level_db: f32) -> Vec<f32> {
    let mut talk = Vec::new();
    for (clip, _) in clips(voice) {
        talk.extend(speech(&clip, level_db));
        talk.extend(vec![0.0; SAMPLE_RATE as usize / 5]);
    }
    assert!(!talk.is_empty(), "{voice} is in the manifest");
    talk
}

pub(crate) fn silero() -> PathBuf {
    let store =
        std::env::var_os("DUPLEX_MODELS").expect("DUPLEX_MODELS is not set: run `make models`");
    Path::new(&store).join("silero-vad/silero_vad.onnx")
}

pub(crate) fn voice_activity() -> VoiceActivity {
    VoiceActivity::load(&silero()).expect("the model loads; if not: run `make models`")
}
