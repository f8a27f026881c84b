//! The recogniser on real speech, and its behaviour when something fails.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

mod clips;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clips::Clip;
use duplex_core::{SAMPLE_RATE, Samples};
use duplex_model::asr::{
    AsrError, NonSpeech, Recogniser, RecogniserOptions, Request, WordErrors, measure, wer,
};
use rustix::process::{Pid, Signal, kill_process};

fn recogniser() -> Recogniser {
    Recogniser::spawn(clips::options(1)).unwrap()
}

fn clip(name: &str) -> Clip {
    clips::all().into_iter().find(|clip| clip.name == name).unwrap()
}

fn seconds(seconds: u64) -> usize {
    Samples::from_millis(seconds * 1000).0 as usize
}

/// White noise with the given peak.
fn noise(length: usize, peak: f32) -> Vec<f32> {
    let mut state = 1u64;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f32 / (1u64 << 30) as f32 - 1.0) * peak
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn kill(recogniser: &Recogniser, signal: Signal) {
    let pid = Pid::from_raw(recogniser.pid().unwrap() as i32).unwrap();
    kill_process(pid, signal).unwrap();
}

fn spawn_error(options: RecogniserOptions) -> AsrError {
    Recogniser::spawn(options).map(|_| ()).unwrap_err()
}

#[test]
fn what_users_say_is_understood() {
    let mut recogniser = recogniser();
    let mut total = Vec::new();
    let mut misheard = String::new();
    for clip in clips::all() {
        let heard = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
        let errors = wer(&clip.text, &heard.text);
        if errors.errors > 0 {
            misheard += &format!("{}: {:?} heard as {:?}\n", clip.name, clip.text, heard.text);
        }
        total.push(errors);
    }
    let rate = total.into_iter().sum::<WordErrors>().rate();
    assert!(rate <= 0.08, "{:.1} % of the words are wrong:\n{misheard}", rate * 100.0);
}

#[test]
fn words_join_to_the_text_and_carry_probabilities() {
    let heard = recogniser().recognise(&clip("q01").audio, &Request::default()).unwrap();
    let words: Vec<&str> = heard.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words.join(" "), heard.text);
    assert_eq!(heard.text, "What is the capital of France?");
    assert!(
        heard.words.iter().all(|word| word.probability > 0.3 && word.probability <= 1.0),
        "{heard:?}"
    );
    assert!(
        heard.mean_logprob > -1.0 && heard.no_speech < 0.5 && heard.non_speech.is_none(),
        "{heard:?}"
    );
}

#[test]
fn earlier_windows_leave_no_trace() {
    let (short, long) = (clip("q01"), clip("l01"));
    let mut recogniser = recogniser();
    let mut hear = |audio: &[f32]| {
        let heard = recogniser.recognise(audio, &Request::default()).unwrap();
        (heard.words, heard.no_speech, heard.mean_logprob)
    };
    let alone = hear(&short.audio);
    hear(&long.audio);
    assert_eq!(hear(&short.audio), alone);
}

#[test]
fn a_prompt_lends_its_spelling() {
    let clip = clip("q22");
    let prompt = Some("The colour of the armour, the flavour of the harbour.");
    let request = Request { prompt, ..Request::default() };
    let heard = recogniser().recognise(&clip.audio, &request).unwrap();
    assert!(heard.text.contains("colour"), "{}", heard.text);
}

#[test]
fn silence_has_no_words() {
    let heard = recogniser().recognise(&vec![0.0; seconds(10)], &Request::default()).unwrap();
    assert_eq!(
        (heard.text.as_str(), heard.words.len(), heard.non_speech),
        ("", 0, Some(NonSpeech::Silence))
    );
}

#[test]
fn noise_of_any_level_and_length_has_no_words() {
    let mut recogniser = recogniser();
    for length in [0.2, 1.0, 3.0, 10.0] {
        for peak in [0.001, 0.03, 0.5, 1.0] {
            let audio = noise((length * f64::from(SAMPLE_RATE)) as usize, peak);
            let heard = recogniser.recognise(&audio, &Request::default()).unwrap();
            assert!(
                heard.words.is_empty() && heard.non_speech.is_some(),
                "{length} s at {peak}: {heard:?}"
            );
        }
    }
}

#[test]
fn speech_behind_noise_is_still_speech() {
    let clip = clip("q16");
    let noise = noise(clip.audio.len(), 0.02);
    let audio: Vec<f32> =
        clip.audio.iter().zip(noise).map(|(speech, noise)| speech + noise).collect();
    let heard = recogniser().recognise(&audio, &Request::default()).unwrap();
    assert!(wer(&clip.text, &heard.text).rate() <= 0.2, "{heard:?}");
}

#[test]
fn no_audio_has_no_words_and_a_single_sample_is_no_failure() {
    let mut recogniser = recogniser();
    for audio in [&[][..], &[0.5]] {
        assert_eq!(recogniser.recognise(audio, &Request::default()).unwrap().text, "");
    }
}

#[test]
fn the_longest_window_is_recognised_and_a_longer_one_is_an_error() {
    let mut recogniser = recogniser();
    let mut audio = clip("q01").audio;
    audio.resize(seconds(30), 0.0);
    assert_eq!(
        recogniser.recognise(&audio, &Request::default()).unwrap().text,
        "What is the capital of France?"
    );
    audio.push(0.0);
    let error = recogniser.recognise(&audio, &Request::default()).unwrap_err();
    assert!(matches!(error, AsrError::TooLong { .. }), "{error}");
}

#[test]
fn samples_that_are_no_numbers_are_an_error() {
    let mut audio = noise(seconds(1), 0.1);
    audio[500] = f32::NAN;
    let error = recogniser().recognise(&audio, &Request::default()).unwrap_err();
    assert!(matches!(error, AsrError::NotFinite { at: 500 }), "{error}");
}

#[test]
fn a_worker_killed_between_windows_is_replaced() {
    let clip = clip("q01");
    let mut recogniser = recogniser();
    let before = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
    let pid = recogniser.pid();
    kill(&recogniser, Signal::KILL);
    let after = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
    assert_eq!(after.words, before.words);
    assert_eq!(recogniser.restarts(), 1);
    assert_ne!(recogniser.pid(), pid);
}

#[test]
fn a_worker_killed_within_a_window_loses_nothing() {
    let mut audio = clip("q01").audio;
    audio.resize(seconds(30), 0.0);
    let mut recogniser = recogniser();
    let pid = recogniser.pid().unwrap();
    // The worker has used this much CPU time only once it is working on the window.
    let busy = cpu_ticks(pid).unwrap() + 10;
    let killer = std::thread::spawn(move || {
        while cpu_ticks(pid).is_some_and(|ticks| ticks < busy) {
            std::thread::yield_now();
        }
        kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
    });
    let heard = recogniser.recognise(&audio, &Request::default()).unwrap();
    killer.join().unwrap();
    assert_eq!(heard.text, "What is the capital of France?");
    assert_eq!(recogniser.restarts(), 1);
}

#[test]
fn a_worker_that_hangs_is_an_error_in_time_and_the_next_window_is_served() {
    let clip = clip("q01");
    let options = RecogniserOptions { patience: Duration::from_secs(2), ..clips::options(1) };
    let mut recogniser = Recogniser::spawn(options).unwrap();
    kill(&recogniser, Signal::STOP);
    // Longer than the capacity of a pipe: the client blocks in writing first.
    let heard = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
    assert_eq!(heard.text, "What is the capital of France?");
    assert_eq!(recogniser.restarts(), 1);
}

#[test]
fn a_worker_ends_with_its_client() {
    let recogniser = recogniser();
    let pid = recogniser.pid().unwrap();
    assert!(recogniser.rss_bytes().unwrap() > 50 << 20);
    drop(recogniser);
    assert_eq!(cpu_ticks(pid), None);
}

#[test]
fn a_measurement_names_the_window_and_its_cost() {
    let clip = clip("q01");
    let measured = measure(&mut recogniser(), &[&clip.audio, &[]]).unwrap();
    assert_eq!(measured[0].window, Samples(clip.audio.len() as u64));
    assert!(
        measured[0].cpu > Duration::from_millis(10) && measured[0].wall > Duration::from_millis(10)
    );
    assert_eq!(measured[1].cpu, Duration::ZERO);
}

#[test]
fn a_model_that_is_missing_cut_or_foreign_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(clips::model()).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        (folder.path().join("missing.bin"), "No such file"),
        (write("empty.bin", b""), "empty"),
        (write("song.wav", b"RIFF....WAVEfmt "), "no ggml model"),
        (write("reply.gguf", b"GGUF\x03\0\0\0"), "GGUF"),
        (write("head.bin", &whole[..40]), "cut short"),
        (write("vocabulary.bin", &whole[..100_000]), "cut short"),
        (write("tensors.bin", &whole[..whole.len() / 2]), "cut short"),
        (write("last-tensor.bin", &whole[..whole.len() - 1]), "cut short"),
        (folder.path().to_path_buf(), "directory"),
    ];
    for (model, reason) in cases {
        let message = spawn_error(RecogniserOptions { model: model.clone(), ..clips::options(1) })
            .to_string();
        assert!(message.contains(model.to_str().unwrap()), "{message}");
        assert!(message.contains(reason), "{reason}: {message}");
    }
}

#[test]
fn a_language_the_model_lacks_is_an_error() {
    let error = spawn_error(RecogniserOptions { language: "de".into(), ..clips::options(1) });
    assert!(error.to_string().contains("only English"), "{error}");
}

#[test]
fn a_window_in_a_language_the_model_lacks_is_an_error_and_the_next_is_served() {
    let clip = clip("q01");
    let mut recogniser = recogniser();
    let usual = recogniser.recognise(&clip.audio, &Request::default()).unwrap();
    for language in ["de", "xx", "", "EN", "english", "auto", "e\0"] {
        let request = Request { language: Some(language), ..Request::default() };
        let error = recogniser.recognise(&clip.audio, &request).unwrap_err();
        assert!(matches!(error, AsrError::Language { .. }), "{error}");
        assert!(error.to_string().contains("it knows only \"en\""), "{error}");
    }
    let request = Request { language: Some("en"), ..Request::default() };
    let named = recogniser.recognise(&clip.audio, &request).unwrap();
    assert_eq!((named.text, named.words), (usual.text, usual.words));
    assert_eq!(recogniser.restarts(), 0);
}

#[test]
fn a_program_that_is_no_recogniser_is_an_error_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, body: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let programs = [
        PathBuf::from("/bin/true"),
        // It echoes our own packets.
        PathBuf::from("/bin/cat"),
        script("chatter", "exec yes hello"),
        script("sleeper", "exec sleep 60"),
        script("complainer", "echo 'no licence for this machine' >&2; exit 3"),
    ];
    for worker in programs {
        let begin = Instant::now();
        let start_patience = Duration::from_secs(2);
        let error = spawn_error(RecogniserOptions {
            worker: worker.clone(),
            start_patience,
            ..clips::options(1)
        });
        assert!(matches!(error, AsrError::NotAWorker { .. }), "{error}");
        assert!(error.to_string().contains(worker.to_str().unwrap()), "{error}");
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "{} blocked the client",
            worker.display()
        );
    }
    let error = spawn_error(RecogniserOptions {
        worker: folder.path().join("complainer"),
        ..clips::options(1)
    });
    assert!(
        error.to_string().contains("exit status: 3; its last words: no licence for this machine"),
        "{error}"
    );
    let error = spawn_error(RecogniserOptions {
        worker: folder.path().join("nothing"),
        ..clips::options(1)
    });
    assert!(matches!(error, AsrError::Spawn { .. }), "{error}");
}

/// CPU time used by a process, in the kernel's ticks; none once it is gone.
fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let [user, system] = [fields.get(11)?, fields.get(12)?];
    Some(user.parse::<u64>().ok()? + system.parse::<u64>().ok()?)
}
