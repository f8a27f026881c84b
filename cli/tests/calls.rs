//! Whole calls with the real models, and bad input.
//!
//! Calls are virtual where only behaviour counts: the outcome then does not depend on the machine's speed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Scene, code, stderr};
use duplex_audio::{Clip, WavWriter, noise};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const RATE: u32 = 16_000;

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/speech/{name}.flac"))
}

impl Scene {
    /// Writes samples at a rate, the same on every channel.
    fn wav<const CHANNELS: usize>(&self, name: &str, rate: u32, samples: &[f32]) -> PathBuf {
        let path = self.path(name);
        let mut writer = WavWriter::<CHANNELS>::create(&path, rate).unwrap();
        writer.write([samples; CHANNELS]).unwrap();
        writer.finish().unwrap();
        path
    }

    /// A virtual call with a recorded user; returns the output and the transcript.
    fn converse(&self, input: &Path, more: &[&str]) -> (Output, String) {
        let input = input.to_str().unwrap();
        let mut args = vec![
            "converse",
            "--virtual",
            "--input",
            input,
            "--output",
            "call.wav",
            "--report",
            ".",
        ];
        args.extend(["--journal", "call.journal"]);
        args.extend(more);
        let output = self.run(&args);
        let transcript = fs::read_to_string(self.path("transcript.md")).unwrap_or_default();
        (output, transcript)
    }
}

fn speech(name: &str) -> Vec<f32> {
    Clip::read(clip(name)).unwrap().mono(RATE)
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.try_into().unwrap()).unwrap()
}

/// The recogniser's process: the child of that name.
fn recogniser_of(program: u32) -> u32 {
    let tasks = fs::read_dir(format!("/proc/{program}/task")).unwrap();
    let children = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("children")));
    let children: String = children.map_while(Result::ok).collect();
    let is_recogniser = |id: &&str| {
        fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "duplex-asr")
    };
    let found = children.split_whitespace().find(is_recogniser);
    found.expect("there is no recogniser to kill").parse().unwrap()
}

/// How many turns the assistant took.
fn turns(transcript: &str) -> usize {
    transcript.matches("**Assistant**").count()
}

#[test]
fn a_question_is_answered_and_the_journal_replays() {
    let scene = Scene::new();
    let (output, transcript) = scene.converse(&clip("q01"), &[]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(transcript.contains("capital of France"), "{transcript}");
    assert_eq!(turns(&transcript), 1, "{transcript}");

    let replayed = scene.run(&["replay", "call.journal"]);
    assert_eq!(code(&replayed), Some(0), "{}", stderr(&replayed));
    assert!(String::from_utf8_lossy(&replayed.stdout).contains("the same actions"));
}

#[test]
fn a_virtual_call_is_the_same_every_time() {
    let (one, two) = (Scene::new(), Scene::new());
    let first = one.converse(&clip("q09"), &["--echo-db", "-12", "--snr-db", "20"]);
    let second = two.converse(&clip("q09"), &["--echo-db", "-12", "--snr-db", "20"]);
    assert_eq!(first.1, second.1);
    let journal = |scene: &Scene| fs::read(scene.path("call.journal")).unwrap();
    assert!(journal(&one) == journal(&two), "the journals differ");
    let sound = |scene: &Scene| fs::read(scene.path("call.wav")).unwrap();
    assert!(sound(&one) == sound(&two), "the recordings differ");
}

#[test]
fn a_journal_whose_actions_were_altered_is_distinguished_from_a_true_one() {
    let scene = Scene::new();
    scene.converse(&clip("q14"), &[]);
    let journal = scene.read("call.journal");
    let altered = journal.replacen("{\"Speak\":1}", "{\"Speak\":9}", 1);
    assert_ne!(journal, altered, "nothing was spoken in it");
    fs::write(scene.path("altered.journal"), altered).unwrap();
    let output = scene.run(&["replay", "altered.journal"]);
    assert_eq!(code(&output), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("acts differently"));

    let broken = scene.run(&["replay", clip("q01").to_str().unwrap()]);
    assert_eq!(code(&broken), Some(2), "{}", stderr(&broken));
}

#[test]
fn every_rate_and_number_of_channels_is_understood() {
    let samples = Clip::read(clip("q01")).unwrap();
    for rate in [8_000, 96_000] {
        let scene = Scene::new();
        let input = scene.wav::<1>("user.wav", rate, &samples.mono(rate));
        let (output, transcript) = scene.converse(&input, &[]);
        assert_eq!(code(&output), Some(0), "{rate} Hz: {}", stderr(&output));
        assert!(transcript.to_lowercase().contains("capital"), "{rate} Hz: {transcript}");
    }
    let scene = Scene::new();
    let input = scene.wav::<6>("user.wav", 48_000, &samples.mono(48_000));
    let (output, transcript) = scene.converse(&input, &[]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(transcript.contains("capital of France"), "{transcript}");
}

#[test]
fn what_is_no_sound_is_a_named_error() {
    let scene = Scene::new();
    scene.wav::<1>("empty.wav", RATE, &[]);
    fs::write(scene.path("text.wav"), "this is no sound at all, not even a little").unwrap();
    fs::write(scene.path("nothing.wav"), "").unwrap();
    let whole = fs::read(clip("q01")).unwrap();
    fs::write(scene.path("cut.flac"), &whole[..whole.len() / 2]).unwrap();
    for name in ["empty.wav", "text.wav", "nothing.wav", "cut.flac", "missing.wav"] {
        let (output, _) = scene.converse(&scene.path(name), &[]);
        assert_eq!(code(&output), Some(2), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
    }
}

#[test]
fn a_minute_of_silence_is_not_answered() {
    let scene = Scene::new();
    let input = scene.wav::<1>("user.wav", RATE, &vec![0.0; 60 * RATE as usize]);
    let (output, transcript) = scene.converse(&input, &["--snr-db", "20"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(turns(&transcript), 0, "{transcript}");
}

#[test]
fn a_user_who_overdrives_the_microphone_is_answered() {
    let scene = Scene::new();
    let loud: Vec<f32> = speech("q01").iter().map(|x| (x * 40.0).clamp(-1.0, 1.0)).collect();
    let (output, transcript) = scene.converse(&scene.wav::<1>("user.wav", RATE, &loud), &[]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(turns(&transcript), 1, "{transcript}");
}

#[test]
fn a_user_who_never_stops_is_listened_to_until_the_end() {
    let scene = Scene::new();
    let mut samples = Vec::new();
    for _ in 0..4 {
        samples.extend(speech("l01"));
        samples.extend(speech("l02"));
    }
    let input = scene.wav::<1>("user.wav", RATE, &samples);
    let (output, transcript) = scene.converse(&input, &[]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(transcript.matches("piano").count() >= 3, "{transcript}");
}

#[test]
fn a_full_disk_ends_the_call_with_what_was_said_on_it() {
    let scene = Scene::new();
    let input = clip("q01");
    let args = ["converse", "--virtual", "--input", input.to_str().unwrap(), "--output"];
    let journal = scene.run(&[&args[..], &["call.wav", "--journal", "/dev/full"]].concat());
    assert_eq!(code(&journal), Some(4), "{}", stderr(&journal));
    assert!(stderr(&journal).contains("/dev/full"), "{}", stderr(&journal));

    // 600 blocks of 1024 bytes: about three seconds of the recording.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_duplex")])
        .args(args)
        .arg("call.wav")
        .current_dir(scene.folder.path())
        .env("XDG_CONFIG_HOME", scene.path("config"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("call.wav"), "{}", stderr(&output));
    assert!(Clip::read(scene.path("call.wav")).unwrap().frames() > 0);
}

#[test]
fn ctrl_c_ends_a_live_call_in_order() {
    let scene = Scene::new();
    let mut samples = speech("q01");
    samples.resize(60 * RATE as usize, 0.0);
    let input = scene.wav::<1>("user.wav", RATE, &samples);
    let input = input.to_str().unwrap();
    let args = ["converse", "--json", "--input", input, "--output", "call.wav"];
    let mut command = scene.command(&[&args[..], &["--journal", "call.journal"]].concat());
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut call = command.spawn().unwrap();
    let lines = BufReader::new(call.stdout.take().unwrap()).lines();
    // The answer has begun: this is the middle of the call.
    let begun = lines.map_while(Result::ok).any(|line| line.contains("\"reply_started\""));
    assert!(begun, "no answer began");
    kill_process_group(pid(call.id()), Signal::INT).unwrap();
    assert_eq!(call.wait().unwrap().code(), Some(130));
    assert!(Clip::read(scene.path("call.wav")).unwrap().frames() > 48_000);
    let replayed = scene.run(&["replay", "call.journal"]);
    assert_eq!(code(&replayed), Some(0), "{}", stderr(&replayed));
}

#[test]
fn a_killed_recogniser_is_replaced_and_the_call_goes_on() {
    let scene = Scene::new();
    let mut samples = vec![0.0; RATE as usize];
    samples.extend(speech("q01"));
    let input = scene.wav::<1>("user.wav", RATE, &samples);
    let input = input.to_str().unwrap();
    let args = ["converse", "--json", "--input", input, "--output", "call.wav", "--report", "."];
    // The user waits for as long as the new process loads its model, on a busy machine too.
    let mut command = scene.command(&[&args[..], &["--tail", "60"]].concat());
    let mut call = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(call.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"user_speech_started\"")), "the user was not heard");
    kill_process(pid(recogniser_of(call.id())), Signal::KILL).unwrap();
    assert!(lines.any(|line| line.contains("\"reply_started\"")), "the question was not answered");
    kill_process_group(pid(call.id()), Signal::INT).unwrap();
    lines.for_each(drop);
    assert_eq!(call.wait().unwrap().code(), Some(130));
    let transcript = scene.read("transcript.md");
    assert!(transcript.contains("capital of France"), "{transcript}");
}

#[test]
fn a_model_that_cannot_be_used_is_named() {
    let scene = Scene::new();
    fs::write(scene.path("broken.gguf"), "GGUF, but not really").unwrap();
    fs::write(scene.path("text.gguf"), "no model at all").unwrap();
    for model in ["broken.gguf", "text.gguf", "missing.gguf"] {
        for role in ["llm", "asr", "voice", "vad", "turn"] {
            let set = format!("models.{role}=./{model}");
            let (output, _) = scene.converse(&clip("q01"), &["--set", &set]);
            assert_eq!(code(&output), Some(3), "{set}: {}", stderr(&output));
            assert!(stderr(&output).contains(model), "{set}: {}", stderr(&output));
        }
    }
}

#[test]
fn an_adapter_that_cannot_be_used_is_named() {
    let scene = Scene::new();
    fs::write(scene.path("broken.gguf"), "GGUF, but not really").unwrap();
    fs::write(scene.path("text.gguf"), "no adapter at all").unwrap();
    for adapter in ["broken.gguf", "text.gguf", "missing.gguf"] {
        let set = format!("llm.adapter=./{adapter}");
        let (output, _) =
            scene.converse(&clip("q01"), &["--set", "turn.sources=both", "--set", &set]);
        assert_eq!(code(&output), Some(3), "{set}: {}", stderr(&output));
        assert!(stderr(&output).contains(adapter), "{set}: {}", stderr(&output));
    }
}

#[test]
fn a_small_model_keeps_the_floor_where_another_one_writes_the_words() {
    let scene = Scene::new();
    let models = PathBuf::from(std::env::var_os("DUPLEX_MODELS").unwrap());
    let model = models.join("smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf");
    std::os::unix::fs::symlink(model, scene.path("writer.gguf")).unwrap();
    let sets = ["--set", "turn.sources=both", "--set", "llm.reply=./writer.gguf"];
    let (output, transcript) = scene.converse(&clip("q01"), &sets);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(turns(&transcript), 1, "{transcript}");
    let journal = scene.read("call.journal");
    assert!(journal.contains("\"Decided\""), "the duplex model was not asked");
    let missing = scene.converse(&clip("q01"), &["--set", "llm.reply=./nowhere.gguf"]).0;
    assert_eq!(code(&missing), Some(3), "{}", stderr(&missing));
    assert!(stderr(&missing).contains("nowhere.gguf"), "{}", stderr(&missing));
}

#[test]
fn noise_alone_is_not_answered() {
    let scene = Scene::new();
    let mut samples: Vec<f32> = noise::pink(3).take(10 * RATE as usize).map(|x| x * 0.05).collect();
    for (at, sound) in [(2, noise::cough(1)), (5, noise::door(2)), (7, noise::click(3))] {
        let at = at * RATE as usize;
        samples[at..at + sound.len()].iter_mut().zip(sound).for_each(|(to, x)| *to += x * 0.3);
    }
    let (output, transcript) = scene.converse(&scene.wav::<1>("user.wav", RATE, &samples), &[]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(turns(&transcript), 0, "{transcript}");
}

#[test]
fn the_demo_call_goes_as_it_should() {
    let scene = Scene::new();
    let output = scene.run(&["demo", "--virtual", "--out", "demo"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let report = scene.read("demo/report.json");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["passed"], true);
    for file in ["call.wav", "transcript.md", "timeline.html", "call.journal"] {
        assert!(scene.path("demo").join(file).is_file(), "{file}");
    }
    for figure in ["p50", "p90", "max"] {
        assert!(report["summary"]["response_latency_ms"][figure].is_number());
        assert!(report["summary"]["stop_latency_ms"][figure].is_number());
    }
    assert!(report["summary"]["rss_mb"].as_f64().unwrap() < 900.0);
}

#[test]
fn what_is_wrong_with_the_configured_endpoint_or_instructions_is_2_with_one_line() {
    let scene = Scene::new();
    let config = scene.path("long.toml");
    fs::write(&config, format!("[llm]\nsystem_prompt = \"{}\"\n", "a".repeat(1_000_000))).unwrap();
    let here = "endpoint.base_url=http://127.0.0.1:9/v1";
    let (named, missing) = ("endpoint.model=small", "endpoint.key_env=DUPLEX_TEST_NO_SUCH_KEY");
    let cases: [(&[&str], &str); 9] = [
        (&["--set", named], "[endpoint] has no base_url"),
        (&["--set", "endpoint.base_url=nonsense", "--set", named], "nonsense is not the URL"),
        (&["--set", "endpoint.base_url=", "--set", named], "an empty text is not the URL"),
        (&["--set", here], "endpoint.model is not: name the model"),
        (&["--set", here, "--set", "endpoint.model="], "endpoint.model is not: name the model"),
        (&["--set", here, "--set", named, "--set", missing], "NO_SUCH_KEY is not set"),
        (
            &["--set", here, "--set", named, "--set", "endpoint.key_file=/no/key"],
            "/no/key cannot be read (No such file",
        ),
        (
            // The name of this program is as good a key as another.
            &[
                "--set",
                "endpoint.base_url=http://example.org",
                "--set",
                named,
                "--set",
                "endpoint.key_env=CARGO_PKG_NAME",
            ],
            "example.org unencrypted",
        ),
        (&["--config", config.to_str().unwrap()], "1000000 bytes: at most"),
    ];
    for (args, expected) in cases {
        let output = scene.run(&[&["demo"], args].concat());
        let text = stderr(&output);
        assert_eq!(code(&output), Some(2), "{args:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(expected), "{args:?}: {text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{args:?}: {text}");
    }
}

/// The assistant's lines of a transcript.
fn assistant(transcript: &str) -> Vec<&str> {
    let lines: Vec<_> = transcript.lines().collect();
    let said = lines.windows(2).filter(|pair| pair[0].contains("**Assistant**"));
    said.map(|pair| pair[1]).collect()
}

#[test]
fn a_file_of_commands_steers_a_call_which_replays_with_them() {
    let scene = Scene::new();
    let commands = "# what a program sends\n\
        0.2 announce This call is recorded. You may object at any time.\n\
        12 text What is the capital of Italy?\n\
        12.1 release\n\
        30 say Goodbye.\n\
        30 end\n";
    fs::write(scene.path("commands.txt"), commands).unwrap();
    // Longer than the commands: the call ends by the last of them.
    let mut user = speech("q01");
    user.resize(60 * RATE as usize, 0.0);
    let input = scene.wav::<1>("user.wav", RATE, &user);
    let (output, transcript) = scene.converse(&input, &["--commands", "commands.txt"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let said = assistant(&transcript);
    assert!(said[0].contains("This call is recorded. You may object at any time."), "{transcript}");
    assert!(said.last().unwrap().contains("Goodbye."), "{transcript}");
    assert!(transcript.contains("capital of Italy"), "{transcript}");
    assert!(said.iter().any(|line| line.contains("Rome")), "{transcript}");
    // What the user said over the announcement is answered after it.
    assert_eq!(said.len(), 4, "{transcript}");
    let lasted = Clip::read(scene.path("call.wav")).unwrap().channels[0].len() / 48_000;
    assert!((30..40).contains(&lasted), "{lasted} s");

    let replayed = scene.run(&["replay", "--show", "call.journal"]);
    assert_eq!(code(&replayed), Some(0), "{}", stderr(&replayed));
    let shown = String::from_utf8_lossy(&replayed.stdout).into_owned();
    for part in ["command 1: {\"say\"", "refused: push-to-talk is not down", "duplex: Goodbye."] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.trim_end().ends_with("the same actions"), "{shown}");
}

#[test]
fn what_is_said_while_the_microphone_is_muted_is_neither_written_down_nor_answered() {
    let scene = Scene::new();
    fs::write(scene.path("commands.txt"), "0 mute\n").unwrap();
    let (output, transcript) = scene.converse(&clip("q01"), &["--commands", "commands.txt"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(!transcript.contains("capital") && turns(&transcript) == 0, "{transcript}");
}

#[test]
fn a_file_of_commands_that_cannot_be_read_is_named_before_models_are_loaded() {
    let scene = Scene::new();
    let (missing, _) = scene.converse(&clip("q01"), &["--commands", "nowhere.txt"]);
    assert_eq!(code(&missing), Some(2));
    assert!(stderr(&missing).contains("nowhere.txt"), "{}", stderr(&missing));
    fs::write(scene.path("commands.txt"), "1 shout\n").unwrap();
    let (wrong, _) = scene.converse(&clip("q01"), &["--commands", "commands.txt"]);
    assert_eq!(code(&wrong), Some(2));
    let told = stderr(&wrong);
    assert!(told.contains("commands.txt, line 1") && told.contains("`shout`"), "{told}");
    assert!(told.contains("hint: "), "{told}");
}

#[test]
fn a_voice_that_does_not_exist_is_refused_and_the_call_goes_on() {
    let scene = Scene::new();
    fs::write(scene.path("commands.txt"), "0.5 configure voice=nobody\n").unwrap();
    let (output, transcript) = scene.converse(&clip("q01"), &["--commands", "commands.txt"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("refused: there is no voice named `nobody`"));
    assert_eq!(turns(&transcript), 1, "{transcript}");
}
