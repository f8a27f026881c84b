//! What is audible in a case: the same for the same seed, and what the file says.

use duplex_audio::{
    Acoustics as _, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene,
    noise::active_level_db,
    room::{Room, Sound},
};
use duplex_core::Samples;
use duplex_harness::{
    case::Case,
    scenario::{self, Options},
};

use crate::{load, speech};

/// Everything at once: noise of talkers, echo, far speech, an effect, a cut clip, gaps, speed.
const BUSY: &str = r#"
title = "t"
category = "noise"
[room]
noise = "babble"
babble = ["g01", "g02", "g04"]
echo_db = -12
seed = SEED
[vary]
sound = ["cough", "keyboard"]
snr_db = [10, 5]
[[case]]
[[case.turn]]
id = "question"
clip = ["p01a", { clip = "p01b", from_ms = 300, to_ms = 1200 }]
gap_ms = 700
speed = 1.1
expect = ["respond"]
[[case.turn]]
id = "noise"
anchor = { after_turn_ms = 300 }
expect = ["ignore"]
[[case.turn]]
id = "far"
clip = "g03"
far = true
anchor = { after_turn_ms = 300 }
expect = ["ignore"]
"#;

fn busy(seed: u64) -> Vec<Case> {
    load(&BUSY.replace("SEED", &seed.to_string())).unwrap()
}

/// What the microphone receives while an assistant hums from 1 s to 4 s; 8 s of it.
fn microphone(case: &Case) -> Vec<u32> {
    let (mut room, _) = Room::new(case.room.clone(), case.cues.clone(), None).unwrap();
    let mut heard = Vec::new();
    for frame in 0..800 {
        let level = if (100..400).contains(&frame) { 0.2 } else { 0.0 };
        let mut playout = [0.0; PLAYOUT_FRAME];
        let phase = frame * PLAYOUT_FRAME;
        playout.iter_mut().enumerate().for_each(|(n, x)| {
            *x = level * ((phase + n) as f32 * 0.05).sin();
        });
        let mut microphone = [0.0; MICROPHONE_FRAME];
        if room.exchange(&playout, &mut microphone) == Scene::Over {
            break;
        }
        heard.extend(microphone.map(f32::to_bits));
    }
    heard
}

fn bits(case: &Case) -> Vec<Vec<u32>> {
    let cues = case.cues.iter();
    cues.map(|cue| cue.sound.samples().iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn whoever_speaks_faster_pauses_as_long() {
    let turn = |speed: f64| {
        let text = format!(
            "title = \"t\"\ncategory = \"pause\"\n[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"q\"\n\
             clip = [\"p01a\", \"p01b\"]\ngap_ms = 1000\nspeed = {speed}\n"
        );
        load(&text).unwrap()[0].cues[0].sound.length().as_millis() as f64 - 1_000.0
    };
    let ratio = turn(1.0) / turn(2.0);
    assert!((ratio - 2.0).abs() < 0.01, "{ratio}");
}

#[test]
fn the_same_seed_gives_the_same_sound_bit_for_bit() {
    let (once, again) = (busy(7), busy(7));
    assert_eq!(once.len(), 4);
    for (once, again) in once.iter().zip(&again) {
        assert_eq!(once.id, again.id);
        assert!(bits(once) == bits(again), "{}", once.id);
        assert!(microphone(once) == microphone(again), "{}", once.id);
    }
}

#[test]
fn another_seed_gives_other_noises_and_the_same_words() {
    let (once, again) = (busy(7), busy(8));
    let (once, again) = (&once[0], &again[0]);
    assert!(microphone(once) != microphone(again));
    let (once, again) = (bits(once), bits(again));
    assert!(once[0] == again[0]);
    assert!(once[1] != again[1]);
}

#[test]
fn no_two_cases_have_the_same_noise() {
    let cases = busy(7);
    let seeds: std::collections::BTreeSet<_> = cases.iter().map(|case| case.room.seed).collect();
    assert_eq!(seeds.len(), cases.len());
}

#[test]
fn the_words_of_a_cut_are_not_known_and_those_of_whole_clips_are() {
    let text = "title = \"t\"\ncategory = \"pause\"\n[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"a\"\n\
                clip = [\"p06a\", \"p06b\"]\n[[case.turn]]\nid = \"b\"\nanchor = { quiet_ms = 10 }\n\
                clip = { clip = \"p06a\", to_ms = 300 }\n";
    let cases = load(text).unwrap();
    assert_eq!(cases[0].expect["a"].text, "Can you help me with my science homework?");
    assert_eq!(cases[0].expect["b"].text, "");
}

#[test]
fn clips_are_joined_with_the_gap_between() {
    let text = "title = \"t\"\ncategory = \"pause\"\n[[case]]\nid = \"c\"\n[[case.turn]]\nid = \"a\"\n\
                clip = [\"p06a\", \"p06b\"]\ngap_ms = 1000\n";
    let clip = |name: &str| Sound::read(speech().join(name)).unwrap().length();
    let whole = load(text).unwrap()[0].cues[0].sound.length();
    assert_eq!(whole.0, clip("p06a.flac").0 + Samples::from_millis(1_000).0 + clip("p06b.flac").0);
}

#[test]
fn a_gain_is_a_level_and_a_speed_a_length() {
    let sound = Sound::read(speech().join("q01.flac")).unwrap();
    let soft = sound.clone().amplified(-6.0);
    let levels = active_level_db(sound.samples()) - active_level_db(soft.samples());
    assert!((levels - 6.0).abs() < 0.01, "{levels} dB");
    let fast = sound.clone().at_speed(1.25);
    let ratio = sound.length().0 as f64 / fast.length().0 as f64;
    assert!((ratio - 1.25).abs() < 1e-3, "{ratio}");
}

#[test]
fn far_talk_is_quieter_and_duller() {
    let sound = Sound::read(speech().join("g01.flac")).unwrap();
    let far = sound.from_afar(3);
    // High band: what changes from one sample to the next.
    let high_band = |sound: &Sound| {
        let steps: Vec<f32> = sound.samples().windows(2).map(|pair| pair[1] - pair[0]).collect();
        active_level_db(&steps) - active_level_db(sound.samples())
    };
    assert!(active_level_db(far.samples()) < active_level_db(sound.samples()) - 10.0);
    assert!(high_band(&far) < high_band(&sound) - 6.0, "{} {}", high_band(&far), high_band(&sound));
    assert_eq!(far.length(), sound.length());
}

#[test]
fn a_text_is_said_once_by_the_voice_that_is_named() {
    let said = std::cell::RefCell::new(Vec::new());
    let voice = |text: &str, voice: &str| {
        said.borrow_mut().push(format!("{voice}: {text}"));
        Ok(vec![0.1; 1_600])
    };
    let folder = tempfile::tempdir().unwrap();
    let text = "title = \"t\"\ncategory = \"digits\"\n[vary]\nsnr_db = [20, 10]\n[[case]]\n[[case.turn]]\n\
                id = \"a\"\ntext = [\"one two\", \"three\"]\nvoice = \"joe\"\ngap_ms = 100\nexpect = [\"wait\"]\n";
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    let options = Options { synthesise: Some(&voice), ..Options::default() };
    let cases = scenario::load(&[folder.path().to_owned()], options).unwrap();
    assert_eq!(cases.len(), 2);
    assert_eq!(cases[1].expect["a"].text, "one two three");
    assert_eq!(cases[1].cues[0].sound.length(), Samples(1_600 * 3));
    assert_eq!(*said.borrow(), ["joe: one two", "joe: three"]);
}

#[test]
fn several_turns_without_a_sound_share_the_list_out_among_them() {
    let text = "title = \"t\"\ncategory = \"backchannel\"\n[vary]\nclip = [\"b01\", \"b02\", \"b03\"]\n\
                [[case]]\n[[case.turn]]\nid = \"a\"\n[[case.turn]]\nid = \"b\"\nanchor = { quiet_ms = 100 }\n";
    let cases = load(text).unwrap();
    let ids: Vec<_> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["backchannel/b01-b02", "backchannel/b03-b01"]);
    assert_eq!(cases[1].expect["a"].text, "Right.");
}
