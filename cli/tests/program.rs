//! The program as its user sees it: output, messages, exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that stands for the user's home, and commands that run in it.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duplex"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["DUPLEX_CONFIG", "DUPLEX_MODELS", "RUST_LOG", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", self.path()).env("XDG_CONFIG_HOME", self.path().join("config"));
        command.env("DUPLEX_HOME", self.path().join("duplex"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn configure(&self, text: &str) {
        let folder = self.path().join("config/duplex");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    fn models(&self) -> std::path::PathBuf {
        self.path().join("duplex/models")
    }

    /// A file of the right size for a model of the store, but not of its content.
    fn fake(&self, path: &str, head: &[u8], size: u64) {
        let path = self.models().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, head).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_ends_with_the_exit_codes() {
    let output = Home::new().run(&["--help"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("3  a model is missing or broken"));
}

#[test]
fn bad_usage_is_2() {
    let output = Home::new().run(&["models", "eat"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).starts_with("error: "));
}

#[test]
fn a_bad_configuration_is_2_with_error_and_hint() {
    let home = Home::new();
    home.configure("[voice]\nsped = 2\n");
    let output = home.run(&["models", "list"]);
    assert_eq!(code(&output), 2);
    let text = stderr(&output);
    assert!(text.starts_with("error: ") && text.contains("there is no key voice.sped"), "{text}");
    assert!(text.contains("\nhint: did you mean voice.speed?\n"), "{text}");
}

#[test]
fn a_configuration_that_is_named_must_exist() {
    let home = Home::new();
    let output = home.run(&["--config", "no.toml", "config", "check"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("cannot read the configuration no.toml"));
}

#[test]
fn the_configuration_is_found_by_flag_variable_and_place() {
    let home = Home::new();
    let usual = home.path().join("config/duplex/config.toml");
    assert_eq!(stdout(&home.run(&["config", "path"])).trim_end(), usual.to_str().unwrap());

    fs::write(home.path().join("a.toml"), "[llm]\nthreads = 11\n").unwrap();
    fs::write(home.path().join("b.toml"), "[llm]\nthreads = 12\n").unwrap();
    let shown = |args: &[&str]| {
        let output = home.command(args).env("DUPLEX_CONFIG", "a.toml").output().unwrap();
        stdout(&output)
    };
    assert!(shown(&["config", "show"]).contains("threads = 11"));
    assert!(shown(&["--config", "b.toml", "config", "show"]).contains("threads = 12"));
    assert!(shown(&["config", "show", "--set", "llm.threads=13"]).contains("threads = 13"));
    assert!(shown(&["config", "show", "--defaults"]).contains("threads = 1\n"));
}

#[test]
fn check_says_that_the_file_is_in_order_or_not_there() {
    let home = Home::new();
    assert!(stdout(&home.run(&["config", "check"])).contains("is not there: all defaults"));
    home.configure("[voice]\nspeed = 1.5\n");
    assert!(stdout(&home.run(&["config", "check"])).contains("is in order"));
}

#[test]
fn the_list_names_every_default_and_what_is_configured_instead() {
    let home = Home::new();
    home.configure("[models]\nllm = \"./own.gguf\"\n");
    let output = home.run(&["models", "list"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for name in ["smollm2-135m", "whisper-tiny.en", "whisper-base", "piper-en-us-joe"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).map(str::to_owned);
    assert!(line("* llm   ./own.gguf").is_some_and(|line| line.contains("absent")), "{text}");
    assert!(line("  llm   smollm2-135m").is_some(), "{text}");
    assert!(line("* vad   silero-vad").is_some(), "{text}");
}

#[test]
fn the_list_for_programs_is_json() {
    let output = Home::new().run(&["models", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["name"], "smollm2-135m");
    assert_eq!(list[0]["status"], "absent");
}

#[test]
fn a_missing_model_is_3_with_the_command_that_fetches_it() {
    let output = Home::new().run(&["models", "path", "silero-vad"]);
    assert_eq!(code(&output), 3);
    let text = stderr(&output);
    assert!(text.contains("silero_vad.onnx is missing"), "{text}");
    assert!(text.contains("hint: `duplex models pull`"), "{text}");
}

#[test]
fn a_truncated_model_is_3_and_names_the_file() {
    let home = Home::new();
    home.fake("silero-vad/silero_vad.onnx", b"\x08\x08", 1000);
    let output = home.run(&["models", "path", "vad"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("silero_vad.onnx: truncated or altered: 1000 bytes"));
}

#[test]
fn verify_finds_an_altered_model_of_the_right_size() {
    let home = Home::new();
    home.fake("silero-vad/silero_vad.onnx", b"\x08\x08", 2_327_524);
    assert_eq!(code(&home.run(&["models", "path", "vad"])), 0);
    let output = home.run(&["models", "verify", "vad"]);
    assert_eq!(code(&output), 3);
    let text = stderr(&output);
    assert!(text.contains("silero_vad.onnx: altered: SHA-256 is"), "{text}");
    assert!(text.contains("1a153a22f4509e292a94e67d6f9b85e8"), "the expected digest: {text}");
}

#[test]
fn an_unknown_model_is_2_and_the_known_ones_are_listed() {
    let output = Home::new().run(&["models", "pull", "gpt"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("whisper-tiny.en"));
}

#[test]
fn a_store_that_cannot_be_written_is_4() {
    let home = Home::new();
    // A file where the folder should be.
    fs::write(home.path().join("duplex"), "").unwrap();
    let output = home.run(&["models", "pull", "vad"]);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
}

#[test]
fn without_python_it_says_what_to_install() {
    let home = Home::new();
    let output = home.command(&["models", "pull", "vad"]).env("PATH", "").output().unwrap();
    assert_eq!(code(&output), 3);
    let text = stderr(&output);
    assert!(text.contains("python3 is missing") && text.contains("python3-pip"), "{text}");
}

#[test]
fn the_models_folder_can_be_named_by_itself() {
    let home = Home::new();
    let output = home.command(&["models", "path"]).env("DUPLEX_MODELS", "/m").output().unwrap();
    assert_eq!(stdout(&output), "/m\n");
    let output = home.command(&["models", "path"]).env_remove("DUPLEX_HOME").output().unwrap();
    let usual = home.path().join(".cache/duplex/models");
    assert_eq!(stdout(&output).trim_end(), usual.to_str().unwrap());
}

#[test]
fn a_pull_that_is_killed_leaves_no_model_and_the_next_one_completes_it() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let model = format!("models.llm=http://{}/m.gguf", listener.local_addr().unwrap());
    let args = ["--set", &model, "models", "pull", "llm"];
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n";

    let mut pull = home.command(&args).stderr(Stdio::null()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    stream.write_all(format!("{head}GGUF").as_bytes()).unwrap();
    pull.kill().unwrap();
    pull.wait().unwrap();
    drop(stream);
    let path = ["--set", &model, "models", "path", "llm"];
    assert_eq!(code(&home.run(&path)), 3);

    let pull = home.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    stream.write_all(format!("{head}GGUF whole").as_bytes()).unwrap();
    let output = pull.wait_with_output().unwrap();
    assert!(stdout(&output).ends_with("/m.gguf: fetched\n"), "{}", stdout(&output));
    let found = stdout(&home.run(&path));
    assert_eq!(fs::read(found.trim_end()).unwrap(), b"GGUF whole");
}

/// The limit on the size of a file is the full disk that needs no other disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_4_and_says_so() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let model = format!("models.llm=http://{}/m.gguf", listener.local_addr().unwrap());
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' --set {model} models pull llm",
        env!("CARGO_BIN_EXE_duplex")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env("DUPLEX_HOME", home.path().join("duplex"));
    let pull = shell.env("HOME", home.path()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The program stops reading when it cannot write.
    let _ = stream.write_all(&vec![b'G'; 1_000_000]);
    let output = pull.wait_with_output().unwrap();
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("cannot write") && text.contains("m.gguf.part"), "{text}");
    assert!(text.contains("hint: the disk is full"), "{text}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_pull_with_130_and_leaves_no_work_behind() {
    let home = Home::new();
    // pip stands still, as it does on a slow network; it says so through a FIFO.
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let started = home.path().join("started");
    assert!(Command::new("mkfifo").arg(&started).status().unwrap().success());
    let python = bin.join("python3");
    let script = format!("#!/bin/sh\necho > '{}'\nexec sleep 600\n", started.display());
    fs::write(&python, script).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&python).status().unwrap().success());

    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = home.command(&["models", "pull", "vad"]);
    let pull = command.env("PATH", path).stderr(Stdio::piped()).spawn().unwrap();
    fs::read(&started).unwrap();
    let id = pull.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = pull.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    assert!(stderr(&output).contains("error: interrupted; nothing was changed"));
    let left: Vec<_> = fs::read_dir(home.models()).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| entry.file_name() == ".lock"), "{left:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let home = Home::new();
    let mut list = home.command(&["completions", "bash"]);
    let mut list = list.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[test]
fn completions_know_the_commands() {
    let output = Home::new().run(&["completions", "bash"]);
    assert!(stdout(&output).contains("models"));
}

/// A computer without a sound server and without a sound card.
fn soundless(home: &Home, args: &[&str]) -> Output {
    let nowhere = home.path().join("nowhere");
    let mut command = home.command(args);
    for name in ["XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "XDG_STATE_HOME"] {
        command.env(name, &nowhere);
    }
    command.env("PULSE_SERVER", "unix:/nowhere").env("ALSA_CONFIG_PATH", "/dev/null");
    command.output().unwrap()
}

#[test]
fn a_computer_without_sound_says_so_and_what_to_do() {
    let home = Home::new();
    let talk = soundless(&home, &["talk"]);
    assert_eq!(code(&talk), 3, "{}", stderr(&talk));
    let said = stderr(&talk);
    assert!(said.contains("error: ") && said.contains("hint: "), "{said}");
    let devices = soundless(&home, &["devices"]);
    assert!(code(&devices) == 3 || stdout(&devices).contains("none"), "{devices:?}");
}

#[test]
fn a_conversation_that_cannot_go_on_is_2_before_anything_is_opened() {
    let home = Home::new();
    let broken = home.path().join("broken.json");
    fs::write(&broken, "{\"version\":1,\"began\":\"\",\"lines\":[{\"at_ms\":1").unwrap();
    let other = home.path().join("other.json");
    fs::write(&other, "{\"version\":99,\"began\":\"\",\"lines\":[]}").unwrap();
    for path in [home.path().join("missing.json"), broken, other] {
        let path = path.to_str().unwrap();
        let args = ["talk", "--microphone", "none", "--loudspeaker", "none", "--continue", path];
        let output = soundless(&home, &args);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
}

#[test]
fn a_wish_without_a_call_is_3_and_one_that_there_is_not_is_2() {
    let home = Home::new();
    assert_eq!(code(&soundless(&home, &["ctl", "mute"])), 3);
    let unknown = soundless(&home, &["ctl", "dance"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("toggle-mute"), "{}", stderr(&unknown));
}

#[test]
fn a_recording_does_not_overwrite_a_file() {
    let home = Home::new();
    let path = home.path().join("call.flac");
    fs::write(&path, "kept").unwrap();
    let none = ["talk", "--microphone", "none", "--loudspeaker", "none"];
    let output = soundless(&home, &[&none[..], &["--record", path.to_str().unwrap()]].concat());
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
}
