//! What a case may be used for: to develop with, or to test with.

use std::{fs, path::Path};

use duplex_harness::{
    case::Split,
    scenario::{self, Loaded, Options},
};

/// A question to develop with, and two clips to test with.
const LIST: &str = "clip\tkind\tvoice\tseconds\tsplit\ttext\n\
                    dev\tquestion\tann\t1.0\tdev\tWhat is the capital of France?\n\
                    new\tquestion\tbob\t1.0\ttest\tHow tall is the tower?\n\
                    hm\tbackchannel\tbob\t0.3\ttest\tHm.\n";

/// Cases of `category` in a folder with these clips and this list.
fn read(list: &str, category: &str, cases: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.tsv"), list).unwrap();
    for clip in ["dev", "new", "hm"] {
        let speech = crate::speech().join("b01.flac");
        fs::copy(speech, folder.path().join(clip).with_extension("flac")).unwrap();
    }
    let text = format!("title = \"t\"\ncategory = \"{category}\"\n{cases}");
    fs::write(folder.path().join("my.toml"), text).unwrap();
    scenario::read(&[folder.path().to_owned()], Options::default())
}

/// A turn at a quiet moment, with the lines `keys`.
fn turn(id: &str, keys: &str) -> String {
    format!("[[case.turn]]\nid = \"{id}\"\nanchor = {{ quiet_ms = 500 }}\n{keys}\n")
}

/// The split of the only case.
#[track_caller]
fn split_of(list: &str, category: &str, turns: &str) -> Split {
    let loaded = read(list, category, &format!("[[case]]\nid = \"c\"\n{turns}"));
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    loaded.cases[0].split
}

#[test]
fn a_case_is_of_the_split_of_the_clips_of_its_trials() {
    let ask = |clip: &str| turn("question", &format!("clip = \"{clip}\"\nexpect = [\"respond\"]"));
    let hum = |clip: &str| turn("hum", &format!("clip = \"{clip}\"\nexpect = [\"ignore\"]"));
    assert_eq!(split_of(LIST, "turn", &ask("dev")), Split::Dev);
    assert_eq!(split_of(LIST, "turn", &ask("new")), Split::Test);
    // The question that makes the assistant speak is no trial of backchannels.
    let backchannel = |asked: &str, hummed: &str| ask(asked) + &hum(hummed);
    assert_eq!(split_of(LIST, "backchannel", &backchannel("new", "dev")), Split::Dev);
    assert_eq!(split_of(LIST, "backchannel", &backchannel("dev", "hm")), Split::Test);
    // One part of a turn is enough.
    let parts =
        turn("a", "clip = [\"dev\", { clip = \"new\", to_ms = 200 }]\nexpect = [\"respond\"]");
    assert_eq!(split_of(LIST, "turn", &parts), Split::Test);
    // Where nothing is a trial, any clip counts.
    assert_eq!(split_of(LIST, "backchannel", &ask("new")), Split::Test);
    let cough = turn("cough", "sound = \"cough\"\nexpect = [\"ignore\"]");
    assert_eq!(split_of(LIST, "noise", &cough), Split::Dev);
}

#[test]
fn whoever_talks_in_the_background_of_a_silence_is_what_it_is_made_of() {
    let room = "[room]\nsnr_db = 5\nnoise = \"babble\"\nbabble = [\"dev\", \"new\"]\n";
    let cases = format!("{room}[[case]]\nid = \"c\"\n");
    assert_eq!(read(LIST, "silence", &cases).cases[0].split, Split::Test);
    assert_eq!(split_of(LIST, "silence", ""), Split::Dev);
}

#[test]
fn a_list_without_splits_is_of_clips_to_develop_with() {
    let list = "clip\ttext\nnew\tHow tall is the tower?\n";
    let turns = turn("q", "clip = \"new\"\nexpect = [\"respond\"]");
    assert_eq!(split_of(list, "turn", &turns), Split::Dev);
}

#[test]
fn a_split_that_is_none_is_named_with_its_line() {
    let list = LIST.replace("\ttest\tHow", "\ttset\tHow");
    let turns = turn("q", "clip = \"new\"");
    let loaded = read(&list, "turn", &format!("[[case]]\nid = \"c\"\n{turns}"));
    let [error] = loaded.errors.as_slice() else { panic!("{:?}", loaded.errors) };
    let error = error.to_string();
    assert!(error.contains("manifest.tsv:3: there is no split \"tset\""), "{error}");
}

#[test]
fn every_list_of_the_shipped_clips_can_be_read() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let loaded = scenario::read(&[shipped], Options::default());
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
}
