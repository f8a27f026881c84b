//! Errors in a file are reported with their line and what to do.

use duplex_harness::scenario::{self, Fault, Options};

use crate::{faults, load};

const HEAD: &str = "title = \"t\"\ncategory = \"interruption\"\n";

/// A case with a question, and the lines of another turn; its `[[case.turn]]` stands on line 8.
fn after_a_question(turn: &str) -> String {
    format!(
        "{HEAD}[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"q\"\nclip = \"q22\"\n[[case.turn]]\nid = \"t\"\n{turn}"
    )
}

/// Asserts that there is one error, and that it begins like this and contains each of `parts`.
#[track_caller]
fn one(text: &str, parts: &[&str]) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(parts[0]), "{found:#?}");
    assert!(parts.iter().all(|part| found[0].contains(part)), "{found:#?}");
}

#[test]
fn a_file_in_order_has_no_fault() {
    let cases = load(&after_a_question("clip = \"i01\"\nanchor = { words = 3 }\n")).unwrap();
    assert_eq!(cases[0].id, "interruption/c");
    assert_eq!(cases[0].source.as_ref().unwrap().line, 3);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_one() {
    let text = after_a_question("clip = \"i01\"\nanchor = { words = 3 }\nspeeed = 1.1\n");
    one(&text, &["12: there is no key speeed", "did you mean speed?"]);
}

#[test]
fn a_key_like_no_other_is_answered_with_all_there_are() {
    let text = format!(
        "{HEAD}[room]\nzzz = 1\n[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"q\"\nclip = \"q01\"\n"
    );
    one(&text, &["4: there is no key zzz", "there are babble, echo_db,"]);
}

#[test]
fn every_fault_of_a_file_is_found_in_one_go() {
    let text = "title = 3\ncategory = \"turns\"\ncolour = \"red\"\n[room]\necho_db = \"loud\"\nsnr_db = 99\n\
                [[case]]\nid = \"c\"\n[[case.turn]]\nid = \"q\"\nclip = \"q99\"\nspeed = 9\n";
    let found = faults(text);
    let lines: Vec<_> = found.iter().map(|fault| fault.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["1", "2", "3", "5", "6", "11", "12"], "{found:#?}");
    assert!(found[1].contains("unknown variant `turns`"), "{found:#?}");
    assert!(found[3].contains("a number of dB, or \"none\""), "{found:#?}");
    assert!(found[4].contains("99 must lie between -60 and 60"), "{found:#?}");
    assert!(found[5].contains("there is no clip q99 in"), "{found:#?}");
    assert!(found[6].contains("9 must lie between 0.5 and 2"), "{found:#?}");
}

#[test]
fn a_known_issue_says_what_is_wrong() {
    let case = |issue: &str| {
        format!(
            "{HEAD}[[case]]\nid = \"c\"\nknown_issue = \"{issue}\"\n[[case.turn]]\nid = \"q\"\nclip = \"q01\"\n"
        )
    };
    one(&case(" "), &["5: known_issue", "say in a few words what is wrong"]);
    let read = load(&case("answered late")).unwrap();
    assert_eq!(read[0].known_issue.as_deref(), Some("answered late"));
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    let found = faults("title = \"t\"\ncategory = \n");
    assert!(found.iter().any(|fault| fault.starts_with("2: not TOML")), "{found:#?}");
}

#[test]
fn a_table_that_is_none_is_explained() {
    let found = faults("title = \"t\"\ncategory = \"silence\"\nroom = 3\ncase = 4\n");
    assert!(found.iter().any(|fault| fault.contains("write [room] on a line")), "{found:#?}");
    assert!(found.iter().any(|fault| fault.contains("write [[case]] above each")), "{found:#?}");
}

#[test]
fn what_cannot_be_left_out_is_asked_for() {
    let found =
        faults("[[case]]\nid = \"c\"\n[[case.turn]]\nclip = \"q01\"\n[[case.turn]]\nid = \"b\"\n");
    for missing in [
        "category is missing",
        "title is missing",
        "id is missing",
        "clip is missing",
        "anchor is missing",
    ] {
        assert!(found.iter().any(|fault| fault.contains(missing)), "{missing}: {found:#?}");
    }
}

#[test]
fn the_assistant_must_have_been_made_to_speak_before_it_is_waited_for() {
    for anchor in ["speaking_ms = 500", "words = 3"] {
        let text = format!(
            "{HEAD}[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"t\"\nclip = \"i01\"\nanchor = {{ {anchor} }}\n"
        );
        one(&text, &["8: turn t can never begin", "nothing before it makes the assistant speak"]);
    }
}

/// A case in which the assistant is told to say `keys`, and then lines of a turn; `[[case.announce]]` stands on line 5,
/// the turn on line 7.
fn after_an_announcement(keys: &str, turn: &str) -> String {
    format!(
        "{HEAD}[[case]]\nid = \"c\"\n[[case.announce]]\n{keys}\n[[case.turn]]\nid = \"t\"\nclip = \"i01\"\n{turn}"
    )
}

#[test]
fn an_assistant_that_is_told_to_say_something_can_be_waited_for() {
    let told = "at_ms = 500\ntext = \"Would you like to hear more?\"";
    for turn in [
        "anchor = { speaking_ms = 500 }\nexpect = [\"stop\", \"respond\"]\n",
        "anchor = { words = 3 }\nexpect = [\"ignore\"]\n",
        "anchor = { quiet_ms = 500 }\nexpect = [\"respond\"]\n",
        "anchor = { start_ms = 900 }\nexpect = [\"stop\"]\n",
    ] {
        let cases = load(&after_an_announcement(told, turn)).unwrap();
        assert_eq!(cases[0].announcements[0].text, "Would you like to hear more?");
        assert_eq!(cases[0].announcements[0].at.as_millis(), 500);
        assert!(cases[0].room.first_words_within_ms > 500);
    }
    let late = "at_ms = 5000\ntext = \"Hello.\"";
    let turn = "anchor = { start_ms = 900 }\nexpect = [\"stop\"]\n";
    one(&after_an_announcement(late, turn), &["12: ", "silent then and cannot stop"]);
}

#[test]
fn an_announcement_has_a_moment_and_words() {
    let turn = "anchor = { quiet_ms = 500 }\n";
    one(&after_an_announcement("text = \"Hello.\"", turn), &["5: at_ms is missing"]);
    one(&after_an_announcement("at_ms = 500", turn), &["5: text is missing"]);
    one(&after_an_announcement("at_ms = 500\ntext = \"...\"", turn), &["7: text: ", "no words"]);
    let keys = "at_ms = 500\ntext = \"Hello.\"\ntekst = \"Hello.\"";
    one(&after_an_announcement(keys, turn), &["8: there is no key tekst", "did you mean text?"]);
}

#[test]
fn an_assistant_that_was_told_to_stop_is_not_waited_for() {
    let turn = "clip = \"s01\"\nanchor = { words = 3 }\nexpect = [\"stop\"]\n[[case.turn]]\nid = \"u\"\nclip = \"b01\"\nanchor = { words = 3 }\n";
    one(&after_a_question(turn), &["16: turn u can never begin"]);
}

#[test]
fn nothing_comes_after_the_turn_before_the_first() {
    let text = format!(
        "{HEAD}[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"t\"\nclip = \"i01\"\nanchor = {{ after_turn_ms = 5 }}\n"
    );
    one(&text, &["8: turn t can never begin", "use start_ms"]);
}

#[test]
fn a_turn_that_outwaits_its_patience_can_never_begin() {
    let text = after_a_question("clip = \"i01\"\nanchor = { quiet_ms = 9000 }\n");
    one(&text, &["11: turn t can never begin", "raise patience_ms"]);
}

#[test]
fn a_turn_cannot_start_before_the_one_before_it() {
    let text = after_a_question("clip = \"i01\"\nanchor = { start_ms = 100 }\n");
    one(&text, &["11: turn t can never begin", "use after_turn_ms"]);
}

#[test]
fn what_contradicts_itself_is_said() {
    for (turn, line, why) in [
        ("clip = \"i01\"\nsound = \"cough\"\nanchor = { words = 3 }\n", "11", "keep one of them"),
        ("clip = \"i01\"\ngap_ms = 300\nanchor = { words = 3 }\n", "11", "there is only one"),
        (
            "clip = \"i01\"\nanchor = { words = 3 }\nexpect = [\"ignore\", \"stop\"]\n",
            "12",
            "keep \"ignore\" alone",
        ),
        ("clip = \"i01\"\nanchor = { words = 3 }\nstop_ms = 300\n", "12", "add \"stop\" to expect"),
        (
            "clip = \"i01\"\nanchor = { quiet_ms = 300 }\nexpect = [\"stop\"]\n",
            "12",
            "silent then and cannot stop",
        ),
        (
            "clip = { clip = \"i01\", from_ms = 90000 }\nanchor = { words = 3 }\n",
            "10",
            "1832 ms long",
        ),
    ] {
        one(&after_a_question(turn), &[&format!("{line}: "), why]);
    }
}

#[test]
fn the_end_of_the_users_words_is_a_moment_of_one_clip() {
    let turn = |keys: &str| after_a_question(&format!("{keys}\nanchor = {{ words = 3 }}\n"));
    one(&turn("clip = \"i01\"\nuser_ms = 1833"), &["11: ", "it is 1832 ms long"]);
    one(&turn("clip = \"i01\"\nspeed = 2\nuser_ms = 1833"), &["12: ", "it is 1832 ms long"]);
    one(&turn("clip = \"i01\"\nuser_ms = 0"), &["11: user_ms: 0 must lie between"]);
    one(&turn("clip = [\"i01\", \"i02\"]\nuser_ms = 500"), &["11: ", "only one"]);
    one(&turn("sound = \"cough\"\nuser_ms = 50"), &["11: ", "a clip of its own"]);
    let cases = load(&turn("clip = \"i01\"\nspeed = 2\nuser_ms = 1000")).unwrap();
    assert_eq!(cases[0].cues[1].user_until.unwrap().as_millis(), 500);
    assert_eq!(cases[0].cues[0].user_until, None);
}

#[test]
fn a_case_of_silence_has_no_turns_and_others_have() {
    one(
        "title = \"t\"\ncategory = \"silence\"\n[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"q\"\nclip = \"q01\"\n",
        &["3: ", "nobody says anything"],
    );
    one(
        "title = \"t\"\ncategory = \"turn\"\n[[case]]\nid = \"c\"\n",
        &["3: ", "add a [[case.turn]]"],
    );
}

#[test]
fn two_cases_of_one_name_are_an_error_that_names_both() {
    let text =
        "title = \"t\"\ncategory = \"silence\"\n[[case]]\nid = \"c\"\n[[case]]\nid = \"c\"\n";
    one(text, &["5: the name silence/c is taken by", "my.toml:3"]);
}

#[test]
fn noise_without_a_level_and_babble_without_talkers_are_incomplete() {
    let room = |keys: &str| {
        format!("title = \"t\"\ncategory = \"silence\"\n[room]\n{keys}\n[[case]]\nid = \"c\"\n")
    };
    one(&room("noise = \"white\""), &["5: snr_db is missing"]);
    one(&room("noise = \"babble\"\nsnr_db = 5"), &["6: babble is missing"]);
}

#[test]
fn variations_that_vary_nothing_are_an_error() {
    let text = format!(
        "{HEAD}[[case]]\nid = \"c\"\n[case.vary]\nspeed = [1, 2]\n[[case.turn]]\nid = \"q\"\nclip = \"q01\"\n"
    );
    one(&text, &["5: there is no turn to vary"]);
}

#[test]
fn a_gap_in_a_sound_that_has_none_would_run_the_same_call_twice() {
    let text = format!(
        "{HEAD}[[case]]\n[case.vary]\nsound = [\"cough\"]\ngap_ms = [300, 900]\n[[case.turn]]\nid = \"q\"\n"
    );
    one(&text, &["4: ", "vary.sound has none"]);
}

#[test]
fn numbers_inside_of_tables_have_limits_too() {
    let text = "clip = \"i01\"\nanchor = { start_ms = 99999999999 }\n";
    one(&after_a_question(text), &["11: ", "99999999999 must lie between 0 and 3600000"]);
    let text = "clip = [{ clip = \"i01\", to_ms = 3600001 }, \"i01\"]\nanchor = { words = 3 }\n";
    one(&after_a_question(text), &["10: ", "3600001 must lie between"]);
}

#[test]
fn a_number_beyond_every_integer_that_is_usual_is_out_of_range() {
    for number in ["9223372036854775808", "18446744073709551615", "0xffff_ffff_ffff_ffff"] {
        let text =
            format!("clip = [\"b05\", \"b07\"]\nanchor = {{ words = 3 }}\ngap_ms = {number}\n");
        one(&after_a_question(&text), &["12: gap_ms: ", "must lie between 0 and 10000"]);
    }
}

#[test]
fn more_combinations_than_can_be_meant_ask_for_a_count() {
    let many: Vec<_> = (0..101).map(|n| format!("{n}")).collect();
    let text = format!(
        "{HEAD}[[case]]\n[case.vary]\nclip = [\"q01\"]\nspeed = [{}]\nsnr_db = [{}]\n[[case.turn]]\nid = \"q\"\n",
        vec!["1"; 101].join(", "),
        many[..60].join(", ").as_str().to_owned() + &", 1".repeat(41),
    );
    one(&text, &["3: 10201 combinations", "use count"]);
}

#[test]
fn a_text_needs_somebody_who_can_speak() {
    let text = "text = \"Hello.\"\nvoice = \"joe\"\nanchor = { words = 3 }\n";
    one(&after_a_question(text), &["8: ", "a voice, and none is at hand"]);
}

#[test]
fn a_voice_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    let turn = "text = \"Hello.\"\nvoice = \"joe\"\nanchor = { words = 3 }\n";
    std::fs::write(&file, after_a_question(turn)).unwrap();
    let clips = [crate::speech()];
    let mute = |_: &str, voice: &str| Err(format!("{voice} is hoarse"));
    let options = Options { clips: &clips, synthesise: Some(&mute) };
    let errors = scenario::load(&[file], options).unwrap_err();
    assert_eq!(errors[0].fault, Fault::Voice("voice joe: joe is hoarse".to_owned()));
}

#[test]
fn a_file_or_folder_without_scenarios_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let paths = [folder.path().to_owned(), missing.clone()];
    let errors = scenario::load(&paths, Options::default()).unwrap_err();
    assert!(errors[0].to_string().contains("no scenario (.toml) in this folder"), "{errors:?}");
    assert!(errors[1].to_string().starts_with(&missing.display().to_string()), "{errors:?}");
}

#[test]
fn the_other_cases_are_there_beside_the_faults() {
    let folder = tempfile::tempdir().unwrap();
    let text = "title = \"t\"\ncategory = \"turn\"\n[[case]]\nid = \"a\"\n[[case.turn]]\nid = \"q\"\nclip = \"q99\"\n\
                [[case]]\nid = \"b\"\n[[case.turn]]\nid = \"q\"\nclip = \"q01\"\n";
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    let clips = [crate::speech()];
    let options = Options { clips: &clips, ..Options::default() };
    let loaded = scenario::read(&[folder.path().to_owned()], options);
    assert_eq!(loaded.errors.len(), 1);
    assert_eq!(loaded.cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["turn/b"]);
}
