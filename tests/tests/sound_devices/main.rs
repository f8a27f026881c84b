//! The virtual sound devices and the room between them, measured from outside: by programs that play into the
//! loudspeaker and record from the microphone. In real time.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod probe;

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use duplex_audio::{Clip, level_db, noise};
use duplex_core::SAMPLE_RATE;
use duplex_harness::sound_server::{MICROPHONE, RoomProcess, RoomRecord, SPEAKER, SoundServer};

use probe::{Probe, Track, play};

const SECOND: usize = SAMPLE_RATE as usize;

/// How closely a delay is kept, in ms.
const CLOSE: f64 = 3.0;

fn server() -> SoundServer {
    SoundServer::start().unwrap_or_else(|error| panic!("{error}"))
}

fn room(server: &SoundServer, args: &[&str]) -> RoomProcess {
    RoomProcess::start(server, "room", args).unwrap_or_else(|error| panic!("{error}"))
}

/// Noise at the session rate, at -20 dB.
fn sound(seconds: f64) -> Vec<f32> {
    noise::white(7).take((seconds * SECOND as f64) as usize).map(|x| 0.1 * x).collect()
}

/// Records both devices while `sound` is played in a room.
fn record(server: &SoundServer, room: &mut RoomProcess, sound: &[f32]) -> (Track, Track) {
    let loudspeaker = Probe::start(server, &format!("{SPEAKER}.monitor"));
    let microphone = Probe::start(server, MICROPHONE);
    let opened = "that the microphone is open";
    room.wait_for(opened, Duration::from_secs(5), |log| log.began_unix_ms.is_some()).unwrap();
    play(server, SPEAKER, sound);
    (loudspeaker.stop(), microphone.stop())
}

#[test]
fn what_is_played_is_heard_after_the_delay_and_at_the_level_of_the_echo() {
    let server = server();
    let options = ["--room", "none", "--echo", "-12", "--delay", "60", "--delay-at", "3:140"];
    let mut room = room(&server, &options);
    let (played, heard) = record(&server, &mut room, &sound(5.0));
    let delays = heard.delays_behind(&played);
    let (before, after): (Vec<f64>, Vec<f64>) =
        delays.iter().copied().partition(|delay| *delay < 100.0);
    assert!(before.len() >= 3 && after.len() >= 2, "{delays:?}");
    // One jump: what is measured across it may show either.
    assert!(delays.is_sorted_by(|a, b| a < b || (a - b).abs() < CLOSE), "{delays:?}");
    assert!(before.iter().all(|delay| (delay - 60.0).abs() < CLOSE), "{delays:?}");
    assert!(after.iter().all(|delay| (delay - 140.0).abs() < CLOSE), "{delays:?}");
    let level = level_db(heard.loud()) - level_db(played.loud());
    assert!((level + 12.0).abs() < 1.0, "{level} dB");
    let RoomRecord { log, .. } = room.finish().unwrap();
    assert_eq!((log.unread_ms, log.clips.len()), (0.0, 0), "{log:?}");
}

#[test]
fn the_microphone_s_clock_is_faster_by_the_drift() {
    let server = server();
    let options = ["--room", "none", "--echo", "0", "--drift", "200"];
    let mut room = room(&server, &options);
    let (played, heard) = record(&server, &mut room, &sound(21.0));
    // By counts of samples, so that it does not matter when they come. That no queue grows is shown in the room's tests.
    let drift = heard.drift_against(&played);
    assert!((drift - 200.0).abs() < 20.0, "{drift} ppm");
}

#[test]
fn the_user_speaks_when_the_script_says_and_goes_by_the_loudspeaker_s_sound() {
    let server = server();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/speech/s01.flac");
    let script = format!(
        "[[clip]]\nid = \"start\"\nfile = {clip:?}\nwhen = {{ start_ms = 500 }}\n\
         [[clip]]\nid = \"over\"\nfile = {clip:?}\nwhen = {{ speaking_ms = 400 }}\n\
         [[clip]]\nid = \"after\"\nfile = {clip:?}\ngain_db = -6\nwhen = {{ stopped_ms = 700 }}\n"
    );
    let file = server.folder().join("script.toml");
    fs::write(&file, script).unwrap();
    let mut room = room(&server, &["--tail", "0.5", "--script", file.to_str().unwrap()]);
    let microphone = Probe::start(&server, MICROPHONE);
    let is_over = |log: &duplex_harness::device_room::DeviceRoomLog| {
        log.clips.first().and_then(|clip| clip.to_ms).is_some_and(|to| log.seconds * 1e3 > to)
    };
    room.wait_for("the end of the first clip", Duration::from_secs(10), is_over).unwrap();
    play(&server, SPEAKER, &sound(2.0));
    let RoomRecord { log, recording } = room.wait().unwrap();
    let heard = microphone.stop();

    let from = |id: &str| {
        let clip = log.clips.iter().find(|clip| clip.id == id);
        clip.and_then(|clip| clip.from_ms).unwrap_or_else(|| panic!("{id}: {log:?}"))
    };
    let (user, loudspeaker) = (&recording.channels[0], &recording.channels[1]);
    let rate = f64::from(recording.rate);
    let at = |sample: usize| sample as f64 * 1e3 / rate;
    let began = at(loudspeaker.iter().position(|x| x.abs() > 0.02).unwrap());
    let ended = at(loudspeaker.iter().rposition(|x| x.abs() > 0.02).unwrap());
    assert!((from("start") - 500.0).abs() <= 10.0, "{log:?}");
    assert!((from("over") - began - 400.0).abs() <= 30.0, "{began} ms, {log:?}");
    assert!((from("after") - ended - 700.0).abs() <= 30.0, "{ended} ms, {log:?}");

    // What the microphone gave is what the recording says, in that place: there is no echo here.
    let clip = Clip::read(clip).unwrap().mono(SAMPLE_RATE);
    let place = |id| (from(id) * SECOND as f64 / 1e3) as usize;
    let given = heard.find(&clip);
    assert_eq!(given.len(), 3, "{given:?}");
    let between = given[1] as f64 - given[0] as f64 - (place("over") - place("start")) as f64;
    assert!(between.abs() < SECOND as f64 * 0.012, "{between} samples");
    let level = |from: usize| level_db(&heard.samples[from..from + clip.len()]);
    let softer = level(given[2]) - level(given[0]);
    assert!((softer + 6.0).abs() < 0.5, "{softer} dB");
    let peak = user.iter().fold(0f32, |peak, x| peak.max(x.abs()));
    assert!(peak > 0.05, "{peak}");
}

#[test]
fn a_microphone_goes_on_while_there_is_no_loudspeaker() {
    let mut server = server();
    let mut room = room(&server, &["--room", "none", "--echo", "-6"]);
    let microphone = Probe::start(&server, MICROPHONE);
    let opened = "that the microphone is open";
    room.wait_for(opened, Duration::from_secs(5), |log| log.began_unix_ms.is_some()).unwrap();
    server.remove_sink(SPEAKER).unwrap();
    let gone =
        room.wait_for("silence", Duration::from_secs(5), |log| log.filled_ms > 300.0).unwrap();
    let later = room
        .wait_for("a second", Duration::from_secs(5), |log| log.seconds > gone.seconds + 1.0)
        .unwrap();
    assert!(later.filled_ms - gone.filled_ms > 900.0, "{gone:?}, {later:?}");
    server.add_sink(SPEAKER, 48_000).unwrap();
    room.wait_for("the loudspeaker", Duration::from_secs(5), |log| {
        log.filled_ms < log.seconds * 1e3 && log.seconds > later.seconds + 1.0
    })
    .unwrap();
    play(&server, SPEAKER, &sound(1.0));
    let heard = microphone.stop();
    assert!(level_db(heard.loud()) > -40.0, "{} dB", level_db(heard.loud()));

    // A server that crashes and comes back is found again, by the same variables.
    server.restart().unwrap();
    let microphone = Probe::start(&server, MICROPHONE);
    let before = room.log().unwrap();
    room.wait_for("the other server", Duration::from_secs(5), |log| {
        log.seconds > before.seconds + 1.0
    })
    .unwrap();
    play(&server, SPEAKER, &sound(1.0));
    let heard = microphone.stop();
    assert!(level_db(heard.loud()) > -40.0, "{} dB", level_db(heard.loud()));
    room.finish().unwrap();
}

#[test]
fn devices_can_be_plugged_in_made_the_default_and_pulled_out() {
    let server = server();
    let default = |what: &str| {
        let answer = server.command("pactl").arg(what).output().unwrap();
        String::from_utf8(answer.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(default("get-default-sink"), SPEAKER);
    assert_eq!(default("get-default-source"), MICROPHONE);
    server.add_sink("headset", 44_100).unwrap();
    server.add_source("headset-mic", 16_000).unwrap();
    server.set_default_sink("headset").unwrap();
    server.set_default_source("headset-mic").unwrap();
    assert_eq!(default("get-default-sink"), "headset");
    assert_eq!(default("get-default-source"), "headset-mic");
    server.remove_sink("headset").unwrap();
    server.remove_source("headset-mic").unwrap();
    assert_eq!(default("get-default-sink"), SPEAKER);
    let error = server.remove_sink("headset").unwrap_err();
    assert!(error.to_string().contains("headset"), "{error}");
}

#[test]
fn a_microphone_that_is_suspended_or_pulled_out_is_fed_again_once_it_is_back() {
    let server = server();
    let mut room = room(&server, &[]);
    let microphone = Probe::start(&server, MICROPHONE);
    let opened = "that the microphone is open";
    room.wait_for(opened, Duration::from_secs(5), |log| log.began_unix_ms.is_some()).unwrap();
    server.suspend_source(MICROPHONE, true).unwrap();
    let suspended = room
        .wait_for("what nobody reads", Duration::from_secs(5), |log| log.unread_ms > 300.0)
        .unwrap();
    server.suspend_source(MICROPHONE, false).unwrap();
    room.wait_for("that it goes on", Duration::from_secs(5), |log| {
        // Of a second, all was read.
        log.seconds > suspended.seconds + 1.5 && log.unread_ms < suspended.unread_ms + 500.0
    })
    .unwrap();
    assert!(microphone.stop().samples.len() > SECOND / 2);

    server.remove_source(MICROPHONE).unwrap();
    server.add_microphone().unwrap();
    let microphone = Probe::start(&server, MICROPHONE);
    let before = room.log().unwrap();
    room.wait_for("a second", Duration::from_secs(5), |log| log.seconds > before.seconds + 1.0)
        .unwrap();
    let given = microphone.stop().samples.len();
    assert!(given > SECOND / 2, "{given} samples in about a second");
}

#[test]
fn a_program_that_is_not_installed_is_named_with_its_package() {
    let output = Command::new(env!("CARGO_BIN_EXE_duplex-room"))
        .args(["--", "true"])
        .env("PATH", "/nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("apt-get install pulseaudio"), "{said}");
}

#[test]
fn a_program_run_by_the_room_finds_its_devices_and_the_room_ends_with_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_duplex-room"))
        .args(["--echo", "-6", "--", "pactl", "info"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("Default Source: {MICROPHONE}")), "{said}");
}

#[test]
fn a_script_with_a_wrong_key_or_clip_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.toml");
    for (text, named) in [
        ("[[clip]]\nfile = \"gone.wav\"\nwhen = { start_ms = 1 }\n", "gone.wav"),
        ("[[clip]]\nfile = \"gone.wav\"\nwhen = { later_ms = 1 }\n", "later_ms"),
    ] {
        fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_duplex-room"))
            .arg("--script")
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(named), "{said}");
    }
}
