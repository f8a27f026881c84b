//! A journal replays to what was done, and a damaged one is told from a whole one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use duplex_core::{DuplexSession, Event, Permille, Policy, Samples, SessionTime, VadFrame};
use duplex_runtime::{Journal, JournalError, replay};
use tempfile::TempDir;

/// Two seconds of speech and two of silence, written down.
fn written(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("call.journal");
    let policy = Policy::default();
    let mut journal = Journal::create(&path, &policy).unwrap();
    let mut session = DuplexSession::new(policy);
    for window in 1..=125u64 {
        let at = SessionTime(0) + Samples(window * 512);
        let speech = window < 62;
        let event = Event::VoiceActivity(VadFrame {
            speech,
            probability: Permille(500),
            level: -30,
            high_band_snr: 20,
        });
        let actions = session.step(at, event.clone());
        journal.push(at, &event, &actions).unwrap();
    }
    journal.flush().unwrap();
    path
}

#[test]
fn a_journal_replays_to_the_same_actions() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(replay(&written(&folder)).unwrap(), (125, None));
}

#[test]
fn a_line_that_a_crash_cut_off_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    assert_eq!(replay(&path).unwrap(), (124, None));
}

#[test]
fn a_line_that_a_crash_cut_within_a_character_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let mut cut = fs::read(&path).unwrap();
    cut.extend_from_slice(b"{\"at\":64512,\"event\":{\"Recognised\":{\"text\":\"That\xe2\x80");
    fs::write(&path, &cut).unwrap();
    assert_eq!(replay(&path).unwrap(), (125, None));
}

#[test]
fn what_is_no_journal_is_named_whatever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.journal");
    for bytes in [&b"\xff\xfe\x00binary"[..], b"", b"RIFF....WAVE", b"[]\n", b"{}\n"] {
        fs::write(&path, bytes).unwrap();
        let error = replay(&path).unwrap_err();
        assert!(matches!(error, JournalError::Malformed { line: 1, .. }), "{error}");
        assert!(error.to_string().contains("not the header of a journal"), "{error}");
    }
}

#[test]
fn a_damaged_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let mut lines: Vec<String> =
        fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    lines[10] = "{\"at\": 7".to_owned();
    fs::write(&path, lines.join("\n")).unwrap();
    let error = replay(&path).unwrap_err();
    assert!(matches!(error, JournalError::Malformed { line: 11, .. }), "{error}");
}

#[test]
fn a_journal_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let whole = fs::read_to_string(&path).unwrap();
    // The last is ours in its lower half.
    for version in [99, (1 << 32) + u64::from(Journal::VERSION)] {
        let header = format!("\"journal\":{version}");
        fs::write(&path, whole.replacen(&format!("\"journal\":{}", Journal::VERSION), &header, 1))
            .unwrap();
        let error = replay(&path).unwrap_err();
        assert!(
            matches!(error, JournalError::Version { found, .. } if found == version),
            "{error}"
        );
    }
}

#[test]
fn a_session_that_acts_differently_is_found_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    // The same events under another policy: silence counts as the end of speech later.
    let text = fs::read_to_string(&path).unwrap();
    let policy = Policy { tail_after: Samples::from_millis(400), ..Policy::default() };
    let header = serde_json::json!({ "journal": Journal::VERSION, "policy": policy }).to_string();
    let rest = text.split_once('\n').unwrap().1;
    fs::write(&path, format!("{header}\n{rest}")).unwrap();
    let (events, difference) = replay(&path).unwrap();
    let difference = difference.unwrap();
    assert_eq!(events + 1, difference.line);
    assert!(!difference.then.is_empty());
}

#[test]
fn weights_of_another_set_of_features_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder);
    let text = fs::read_to_string(&path).unwrap();
    let (header, rest) = text.split_once('\n').unwrap();
    type Spoil = fn(&mut serde_json::Map<String, serde_json::Value>);
    let spoiled: [(Spoil, &str); 3] = [
        (|weights| _ = weights.remove("brief"), "no weights for the feature brief"),
        (|weights| _ = weights.insert("mood".to_owned(), 3.into()), "there is no feature mood"),
        (|weights| _ = weights.insert("brief".to_owned(), "much".into()), "invalid type"),
    ];
    for (spoil, why) in spoiled {
        let mut header: serde_json::Value = serde_json::from_str(header).unwrap();
        spoil(header["policy"]["weights"]["over"]["weights"].as_object_mut().unwrap());
        fs::write(&path, format!("{header}\n{rest}")).unwrap();
        let error = replay(&path).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let mut header: serde_json::Value = serde_json::from_str(header).unwrap();
    header["policy"]["weights"]["sound"].as_object_mut().unwrap().remove("command");
    fs::write(&path, format!("{header}\n{rest}")).unwrap();
    let error = replay(&path).unwrap_err().to_string();
    assert!(error.contains("no weights for the kind of sound command"), "{error}");
}
