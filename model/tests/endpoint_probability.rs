//! The end-of-turn model compared with its reference implementation, and on complete and broken-off turns.

use std::path::PathBuf;

use duplex_core::SAMPLE_RATE;
use duplex_model::endpoint::{EndOfTurn, EndpointError, WINDOW};

#[derive(serde::Deserialize)]
struct Fixture {
    silence_samples: usize,
    clips: Vec<Clip>,
}

#[derive(serde::Deserialize)]
struct Clip {
    clip: String,
    lowest: f32,
    highest: f32,
}

fn speech() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/speech")
}

fn turn(clip: &str, silence: usize) -> Vec<f32> {
    let mut reader =
        claxon::FlacReader::open(speech().join(format!("{clip}.flac"))).expect("a clip");
    let mut audio: Vec<f32> =
        reader.samples().map(|sample| sample.expect("whole FLAC") as f32 / 32768.0).collect();
    audio.resize(audio.len() + silence, 0.0);
    audio
}

fn store() -> PathBuf {
    std::env::var_os("DUPLEX_MODELS")
        .map(PathBuf::from)
        .expect("DUPLEX_MODELS names no folder of models: run `make models`")
}

fn weights() -> PathBuf {
    store().join("smart-turn/smart-turn-v3.2-cpu.onnx")
}

fn endpoint() -> EndOfTurn {
    EndOfTurn::load(weights(), 1).expect("run `make models`")
}

/// Activations are rounded to 8 bits, so that noise of 1e-5 in the features moves the reference's own output by up to
/// 0.2 when it is unsure; the fixture contains the range it covers under such noise.
#[test]
fn probabilities_lie_where_those_of_the_reference_lie() {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/smart_turn_reference.json")).unwrap();
    let mut endpoint = endpoint();
    for Clip { clip, lowest, highest } in &fixture.clips {
        let probability = endpoint.probability(&turn(clip, fixture.silence_samples)).unwrap();
        println!("{clip}: {probability:.4}, reference {lowest:.4} to {highest:.4}");
        assert!(
            (lowest - 0.02..=highest + 0.02).contains(&probability),
            "{clip}: {probability}, reference {lowest} to {highest}",
        );
    }
}

/// The share of pairs of a complete and a broken-off turn in which the complete one scores higher.
fn area_under_curve(complete: &[f32], broken_off: &[f32]) -> f64 {
    let pairs = complete.iter().flat_map(|c| broken_off.iter().map(move |b| (c, b)));
    let wins = pairs.filter(|(c, b)| c > b).count();
    wins as f64 / (complete.len() * broken_off.len()) as f64
}

/// Prints the table of docs/measurements-endpoint.md where nextest does not capture it.
#[test]
fn complete_turns_score_above_turns_broken_off() {
    let manifest = std::fs::read_to_string(speech().join("manifest.tsv")).unwrap();
    let mut endpoint = endpoint();
    let (mut complete, mut broken_off) = (Vec::new(), Vec::new());
    for clip in manifest.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        let scores = match clip.as_bytes() {
            [b'q' | b'f' | b'i' | b's' | b'l', ..] => &mut complete,
            [b'p', .., b'a'] => &mut broken_off,
            _ => continue,
        };
        // Voice activity detection reports the end of speech after about 200 ms of silence.
        let probability = endpoint.probability(&turn(clip, SAMPLE_RATE as usize / 5)).unwrap();
        println!("{clip} {probability:.3}");
        scores.push(probability);
    }
    assert!(!complete.is_empty() && !broken_off.is_empty(), "the manifest names no clips");
    for threshold in [0.05, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95] {
        let above = |scores: &[f32]| scores.iter().filter(|&&p| p >= threshold).count();
        println!(
            "at {threshold:.2}: accepted {} of {} complete, {} of {} broken off",
            above(&complete),
            complete.len(),
            above(&broken_off),
            broken_off.len()
        );
    }
    let area = area_under_curve(&complete, &broken_off);
    println!("area under the curve {area:.3}");
    assert!(area >= 0.8, "the model no longer tells pauses from ends: {area:.3}");
}

#[test]
fn only_the_last_eight_seconds_count() {
    let mut endpoint = endpoint();
    let long = turn("l01", 3200);
    assert!(long.len() > WINDOW);
    let all = endpoint.probability(&long).unwrap();
    let recent = endpoint.probability(&long[long.len() - WINDOW..]).unwrap();
    assert_eq!(all, recent);
}

#[test]
fn asking_again_gives_the_same_answer() {
    let mut endpoint = endpoint();
    let (question, pause) = (turn("q01", 3200), turn("p03a", 3200));
    let first = endpoint.probability(&question).unwrap();
    endpoint.probability(&pause).unwrap();
    assert_eq!(endpoint.probability(&question).unwrap(), first);
}

#[test]
fn a_sample_that_is_no_number_is_named() {
    let mut endpoint = endpoint();
    let mut audio = turn("l01", 0);
    let at = audio.len() - 5;
    audio[at] = f32::NAN;
    let error = endpoint.probability(&audio).unwrap_err();
    assert!(matches!(error, EndpointError::NotFinite { at: named } if named == at), "{error}");
    // Only the samples in the model's window matter, and the model remains usable.
    audio[at] = 0.0;
    audio[0] = f32::INFINITY;
    endpoint.probability(&audio).unwrap();
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let error = EndOfTurn::load("no/such/model.onnx", 1).err().unwrap();
    assert!(matches!(error, EndpointError::Read { .. }));
    assert!(error.to_string().contains("no/such/model.onnx"), "{error}");
}

#[test]
fn a_truncated_an_altered_and_another_file_are_named_in_the_error() {
    let whole = std::fs::read(weights()).unwrap();
    let other = std::fs::read(store().join("silero-vad/silero_vad.onnx")).unwrap();
    let mut altered = whole.clone();
    altered[..64].fill(0xff);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let cuts = [0, 1, 100, whole.len() / 2, whole.len() - 1].map(|length| &whole[..length]);
    for bytes in cuts.into_iter().chain([&b"<html>404</html>"[..], &altered, &other]) {
        std::fs::write(&path, bytes).unwrap();
        let error = EndOfTurn::load(&path, 1).err().expect("a bad file loads");
        assert!(matches!(error, EndpointError::Model { .. }), "{error}");
        assert!(error.to_string().contains("model.onnx"), "{error}");
        println!("{} bytes: {error}", bytes.len());
    }
}
