//! Speech from espeak-ng itself.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use duplex_model::tts::{Chunk, EspeakVoice, Lexicon, Mark, Reading, VoiceError};
use proptest::prelude::*;
use rustix::process::{Pid, Signal, kill_process};

const SHORT: &str = "Hello, how are you?";
const LONG: &str = "The capital of France is Paris, which lies on the river Seine, and about two \
                    million people live there, although many more come to visit it every year.";

fn voice(language: &str) -> EspeakVoice {
    EspeakVoice::load(language, 1.0).expect("espeak-ng speaks")
}

fn speak_at<'a>(voice: &mut EspeakVoice, clause: impl Into<Reading<'a>>, speed: f32) -> Vec<Chunk> {
    let clause = clause.into();
    let mut chunks = Vec::new();
    voice
        .speak(clause.clone(), speed, &mut |chunk| {
            chunks.push(chunk);
            ControlFlow::Continue(())
        })
        .expect("the voice speaks");
    check(clause.text(), &chunks);
    chunks
}

fn speak<'a>(voice: &mut EspeakVoice, clause: impl Into<Reading<'a>>) -> Vec<Chunk> {
    speak_at(voice, clause, 1.0)
}

/// What holds for the chunks of every clause.
fn check(clause: &str, chunks: &[Chunk]) {
    let (last, others) = chunks.split_last().expect("there is a chunk");
    assert!(last.last && others.iter().all(|chunk| !chunk.last && !chunk.samples.is_empty()));
    let mut begin = 0;
    for chunk in chunks {
        let end = begin + chunk.samples.len() as u64;
        assert!(
            chunk.marks.iter().all(|mark| (begin..=end).contains(&mark.samples)),
            "{clause:?}: {:?} in {begin}..{end}",
            chunk.marks
        );
        assert!(chunk.samples.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        begin = end;
    }
    let marks = marks(chunks);
    assert!(
        marks.is_sorted_by(|a, b| a.samples <= b.samples && a.bytes < b.bytes),
        "{clause:?}: {marks:?}"
    );
    assert!(marks.iter().all(|mark| clause.is_char_boundary(mark.bytes)));
    assert_eq!(marks.last().map(|mark| mark.bytes), Some(clause.len()), "{clause:?}");
}

fn samples(chunks: &[Chunk]) -> Vec<f32> {
    chunks.iter().flat_map(|chunk| chunk.samples.iter().copied()).collect()
}

fn marks(chunks: &[Chunk]) -> Vec<Mark> {
    chunks.iter().flat_map(|chunk| chunk.marks.iter().copied()).collect()
}

fn seconds(voice: &EspeakVoice, chunks: &[Chunk]) -> f64 {
    samples(chunks).len() as f64 / f64::from(voice.sample_rate())
}

/// Processes that this one has started and not waited for.
fn children() -> Vec<Pid> {
    let own = std::process::id().to_string();
    let child = |folder: std::io::Result<std::fs::DirEntry>| {
        let folder = folder.ok()?.path();
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        Pid::from_raw(id).filter(|_| parent == own)
    };
    std::fs::read_dir("/proc").expect("/proc is there").filter_map(child).collect()
}

#[test]
fn a_voice_may_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<EspeakVoice>();
}

#[test]
fn the_language_decides_how_the_words_sound() {
    let (mut english, mut german) = (voice("en-us"), voice("de"));
    let text = "Wind, Gift, Kind";
    assert_ne!(samples(&speak(&mut english, text)), samples(&speak(&mut german, text)));
}

#[test]
fn every_kind_of_script_is_spoken() {
    for (language, text) in [
        ("de", "Schöne Grüße aus München, wie geht es Ihnen?"),
        ("ja", "こんにちは。きょうは いい てんき ですね。"),
        ("ru", "Привет, как дела?"),
        ("ar", "مرحبا، كيف حالك؟"),
        ("hi", "नमस्ते, आप कैसे हैं?"),
        ("el", "Καλημέρα σας."),
        ("ko", "안녕하세요, 반갑습니다."),
        ("cmn", "你好，今天天气很好。"),
    ] {
        let mut voice = voice(language);
        let chunks = speak(&mut voice, text);
        let seconds = seconds(&voice, &chunks);
        assert!((0.8..6.0).contains(&seconds), "{language}: {seconds} s");
        assert!(marks(&chunks).len() > 1, "{language}: {:?}", marks(&chunks));
    }
}

#[test]
fn a_language_that_espeak_lacks_is_named_with_the_list_to_choose_from() {
    for language in ["xx-nobody", "", "-q", "--help", "de en", "../de", "de\n", "d\0", "日本"] {
        let error = EspeakVoice::load(language, 1.0).err().unwrap();
        assert!(matches!(error, VoiceError::Language { .. }), "{error}");
        assert!(error.to_string().contains(&format!("\"{language}\"")), "{error}");
        assert!(error.to_string().contains("espeak-ng --voices"), "{error}");
    }
}

#[test]
fn each_written_word_has_its_mark() {
    let clause = "It costs $45.99 at the end of the day";
    let chunks = speak(&mut voice("en-us"), clause);
    let marked: Vec<&str> = marks(&chunks).iter().map(|mark| &clause[..mark.bytes]).collect();
    assert_eq!(
        marked,
        [
            "It",
            "It costs",
            "It costs $45.99",
            "It costs $45.99 at",
            "It costs $45.99 at the",
            "It costs $45.99 at the end",
            "It costs $45.99 at the end of",
            "It costs $45.99 at the end of the",
            clause,
        ]
    );
}

/// The first of two words ends where the silence between them starts.
#[test]
fn a_mark_is_where_its_word_ends() {
    let mut voice = voice("en-us");
    let chunks = speak(&mut voice, "Stop, now");
    let (sound, marks) = (samples(&chunks), marks(&chunks));
    let rate = voice.sample_rate() as usize;
    let loud = |from: usize, to: usize| sound[from..to].iter().map(|x| x * x).sum::<f32>();
    let mark = marks[0].samples as usize;
    assert_eq!(marks[0].bytes, "Stop".len() + 1);
    assert!(loud(mark - rate / 5, mark) > 20.0 * loud(mark, mark + rate / 20));
    assert!(sound[mark - rate / 50..mark].iter().any(|sample| sample.abs() > 0.001));
}

/// A text that goes on differently sounds the same up to there, so the words they share end at the same samples.
#[test]
fn the_words_of_a_sentence_end_where_they_end_before_another_sentence() {
    let mut voice = voice("en-us");
    let (first, second) = ("We will meet again in June.", "Nobody has ever seen such a thing.");
    let alone = marks(&speak(&mut voice, first));
    let both = marks(&speak(&mut voice, &format!("{first} {second}")));
    assert_eq!(alone, both[..alone.len()]);
}

#[test]
fn the_same_text_sounds_the_same_whatever_was_spoken_before() {
    let mut voice = voice("en-us");
    let first = speak(&mut voice, SHORT);
    speak(&mut voice, "Something else.");
    speak_at(&mut voice, "Faster!", 2.0);
    assert_eq!(first, speak(&mut voice, SHORT));
}

#[test]
fn a_faster_clause_takes_less_time_and_the_pace_of_the_voice_counts_too() {
    let mut usual = voice("en-us");
    let mut fast = EspeakVoice::load("en-us", 1.5).unwrap();
    let (all, less) = (speak(&mut usual, LONG), speak(&mut fast, LONG));
    let ratio = seconds(&usual, &all) / seconds(&fast, &less);
    assert!((1.25..1.75).contains(&ratio), "{ratio:.2}");
    assert_eq!(speak_at(&mut usual, LONG, 1.5), speak(&mut fast, LONG));
}

#[test]
fn a_speed_out_of_range_is_refused_and_the_next_clause_is_spoken() {
    let mut voice = voice("en-us");
    for speed in [0.0, -1.0, 100.0, f32::NAN] {
        let error = EspeakVoice::load("en-us", speed).err().unwrap();
        assert!(matches!(error, VoiceError::Speed { .. }), "{error}");
        let error = voice.speak(SHORT, speed, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, VoiceError::Speed { .. }), "{error}");
    }
    for speed in [0.25, 4.0] {
        assert!(!samples(&speak_at(&mut voice, SHORT, speed)).is_empty());
    }
}

#[test]
fn nothing_to_say_is_one_empty_last_chunk() {
    let mut voice = voice("en-us");
    for clause in ["", " \n", "👋", "...", "?!", "\0", "\u{1}", "👩‍👩‍👧 ❤️", "- - -"]
    {
        let empty = Mark { samples: 0, bytes: clause.len() };
        let expected = Chunk { samples: Vec::new(), marks: vec![empty], last: true };
        assert_eq!(speak(&mut voice, clause), [expected], "{clause:?}");
    }
}

#[test]
fn ten_kilobytes_are_spoken_to_their_end() {
    let mut voice = voice("en-us");
    let clause = "round and round we go ".repeat(470);
    let chunks = speak(&mut voice, &clause);
    assert_eq!(marks(&chunks).len(), 5 * 470);
    assert!(seconds(&voice, &chunks) > 300.0);
    for clause in ["x".repeat(10_000), "日".repeat(3400), "9".repeat(10_000), "? ".repeat(5000)] {
        speak(&mut voice, &clause);
    }
}

#[test]
fn commands_in_a_text_are_read_aloud_or_left_out() {
    let mut voice = voice("en-us");
    for (text, harmless) in [
        ("Hello \u{1}0A there \u{1}400S friend", "Hello 0A there 400S friend"),
        ("Say [[h@l'oU]] now", "Say ((h@l'oU)) now"),
        ("Hello\u{0}there\u{1b}[2J", "Hello there (2J"),
        ("Hello\nthere", "Hello there"),
    ] {
        let sound = |chunks: &[Chunk]| samples(chunks);
        let (text, harmless) = (speak(&mut voice, text), speak(&mut voice, harmless));
        assert_eq!(sound(&text), sound(&harmless));
    }
    for text in ["-v de", "--version", "-f /etc/passwd", "--help", "-"] {
        let plain = text.trim_start_matches('-');
        let (text, plain) = (speak(&mut voice, text), speak(&mut voice, plain));
        assert_eq!(samples(&text).is_empty(), samples(&plain).is_empty());
    }
    // Markup would be nine seconds of silence, or silence for the words.
    let pause = speak(&mut voice, "One <break time=\"9s\"/> two");
    assert!(seconds(&voice, &pause) < 5.0);
    let soft = speak(&mut voice, "<prosody volume=\"silent\">Hello there</prosody>");
    assert!(samples(&soft).iter().any(|sample| sample.abs() > 0.1));
}

#[test]
fn breaking_ends_the_processes_and_the_next_clause_is_spoken() {
    let mut voice = voice("en-us");
    let expected = speak(&mut voice, SHORT);
    let waiting = children().len();
    let text = LONG.repeat(60);
    let begun = Instant::now();
    let mut count = 0;
    voice
        .speak(&text, 1.0, &mut |_| {
            count += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(count, 1);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(children().len(), waiting);
    assert_eq!(speak(&mut voice, SHORT), expected);
    drop(voice);
    assert_eq!(children(), []);
}

#[test]
fn a_process_that_died_while_it_waited_is_replaced() {
    let mut voice = voice("en-us");
    let expected = speak(&mut voice, SHORT);
    let waiting = children();
    assert_eq!(waiting.len(), 2);
    waiting.into_iter().for_each(|pid| kill_process(pid, Signal::KILL).unwrap());
    assert_eq!(speak(&mut voice, SHORT), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn marks_of_any_text_rise_to_its_end(text in "\\PC{0,60}", words in "([a-zäß,.'日本のก0-9-]{0,9} ){0,12}") {
        let mut voice = voice("en-us");
        speak(&mut voice, &text);
        speak(&mut voice, &words);
        speak(&mut voice, &format!("{words}{text}\u{1}\u{0}[[{words}"));
    }
}

#[test]
fn a_language_has_some_phonemes_and_not_others() {
    let mut english = voice("en-us");
    let mut german = voice("de");
    for phonemes in ["bəˈnænə", "tʃɜːtʃ", "ˈsɪɹʃə ˈɹoʊnən", "ðɪs θɪŋ"] {
        assert!(english.knows(phonemes), "{phonemes}");
    }
    assert!(german.knows("ˈkœnɪç") && !german.knows("bʌs"));
    assert!(!english.knows("ʘa") && !english.knows("yø") && !german.knows("ʘa"));
}

#[test]
fn a_word_with_phonemes_sounds_and_is_marked_as_it_is_written() {
    let mut voice = voice("en-us");
    let lexicon = Lexicon::new([("Saoirse", "/ˈsɪɹʃə/")]).unwrap();
    for clause in ["I met (Saoirse), Saoirse's aunt.", "Saoirse", "anti-Saoirse-like [Saoirse]"] {
        let reading = lexicon.read(clause, |phonemes| voice.knows(phonemes));
        let chunks = speak(&mut voice, reading.clone());
        let ends: Vec<_> =
            marks(&chunks).iter().filter_map(|mark| reading.written(mark.bytes)).collect();
        for (at, name) in clause.match_indices("Saoirse") {
            // With what belongs to it: the possessive, and at the end all that is silent.
            let end = at + name.len();
            let whole = end + clause[end..].find(' ').unwrap_or(clause.len() - end);
            assert!(ends.iter().any(|at| (end..=whole).contains(at)), "{clause}: {ends:?}");
        }
        assert_eq!(ends.last(), Some(&clause.len()));
        let words = clause.split([' ', '-']).count() as f64;
        let pace = words / seconds(&voice, &chunks);
        assert!((1.0..6.0).contains(&pace), "{clause}: {pace} words a second");
    }
}
