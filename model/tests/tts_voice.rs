//! Speech synthesis with the real network and espeak-ng.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use duplex_model::tts::{Chunk, Lexicon, Mark, Reading, Voice, VoiceError, VoiceOptions};

const SHORT: &str = "Hello, how are you?";
const LONG: &str = "The capital of France is Paris, which lies on the river Seine, and about two \
                    million people live there, although many more come to visit it every year.";

fn options() -> VoiceOptions {
    let store = std::env::var_os("DUPLEX_MODELS")
        .expect("DUPLEX_MODELS names no folder of models: run make models");
    let folder = PathBuf::from(store).join("piper-en-us-joe");
    VoiceOptions {
        model: folder.join("en_US-joe-medium.onnx"),
        config: folder.join("en_US-joe-medium.onnx.json"),
        threads: 1,
        speed: 1.0,
        seed: 0,
    }
}

/// One voice, shared by the tests of one process.
fn voice() -> MutexGuard<'static, Voice> {
    static VOICE: OnceLock<Mutex<Voice>> = OnceLock::new();
    VOICE
        .get_or_init(|| Mutex::new(Voice::load(&options()).expect("the voice loads")))
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn speak<'a>(voice: &mut Voice, clause: impl Into<Reading<'a>>) -> Vec<Chunk> {
    speak_at(voice, clause, 1.0)
}

fn speak_at<'a>(voice: &mut Voice, clause: impl Into<Reading<'a>>, speed: f32) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    voice
        .speak(clause, speed, &mut |chunk| {
            chunks.push(chunk);
            ControlFlow::Continue(())
        })
        .expect("the voice speaks");
    chunks
}

fn samples(chunks: &[Chunk]) -> Vec<f32> {
    chunks.iter().flat_map(|chunk| chunk.samples.iter().copied()).collect()
}

fn marks(chunks: &[Chunk]) -> Vec<Mark> {
    chunks.iter().flat_map(|chunk| chunk.marks.iter().copied()).collect()
}

/// Duration of the samples in seconds.
fn seconds(voice: &Voice, samples: usize) -> f64 {
    samples as f64 / f64::from(voice.sample_rate())
}

/// The thread that loads the voice need not be the one that speaks.
#[test]
fn a_voice_may_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<Voice>();
}

#[test]
fn only_the_last_chunk_is_the_last() {
    let chunks = speak(&mut voice(), LONG);
    assert!(chunks.len() > 3, "{}", chunks.len());
    let (last, others) = chunks.split_last().unwrap();
    assert!(last.last);
    assert!(others.iter().all(|chunk| !chunk.last && !chunk.samples.is_empty()));
}

#[test]
fn speech_lasts_as_long_as_a_person_takes() {
    let mut voice = voice();
    for (clause, words) in [(SHORT, 4.0), (LONG, 28.0)] {
        let sound = samples(&speak(&mut voice, clause));
        let seconds = seconds(&voice, sound.len());
        let rate = words / seconds;
        assert!((1.8..5.5).contains(&rate), "{rate:.1} words a second");
    }
}

#[test]
fn marks_rise_stay_in_their_chunks_and_end_with_the_text() {
    let mut voice = voice();
    for clause in [SHORT, LONG, "It costs $45.99, Dr. Who! Isn't it? ", "of the", "Hi 👋"] {
        let chunks = speak(&mut voice, clause);
        let mut begin = 0;
        for chunk in &chunks {
            let end = begin + chunk.samples.len() as u64;
            assert!(
                chunk.marks.iter().all(|mark| (begin..=end).contains(&mark.samples)),
                "{clause:?}: {:?} in {begin}..{end}",
                chunk.marks
            );
            begin = end;
        }
        let marks = marks(&chunks);
        assert!(marks.is_sorted_by(|a, b| a.samples <= b.samples && a.bytes < b.bytes));
        assert!(marks.iter().all(|mark| clause.is_char_boundary(mark.bytes)));
        assert_eq!(marks.last().map(|mark| mark.bytes), Some(clause.len()));
    }
}

#[test]
fn each_written_word_has_its_mark() {
    let clause = "It costs $45.99 at the end of the day";
    let chunks = speak(&mut voice(), clause);
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
    let mut voice = voice();
    let clause = "Stop, now";
    let chunks = speak(&mut voice, clause);
    let (sound, marks) = (samples(&chunks), marks(&chunks));
    let rate = voice.sample_rate() as usize;
    let loud = |from: usize, to: usize| sound[from..to].iter().map(|x| x * x).sum::<f32>();
    let mark = marks[0].samples as usize;
    let before = loud(mark - rate / 5, mark);
    let after = loud(mark, mark + rate / 20);
    assert_eq!(marks[0].bytes, "Stop".len());
    assert!(before > 20.0 * after, "{before} {after}");
}

#[test]
fn the_same_text_sounds_the_same_whatever_was_spoken_before() {
    let mut voice = voice();
    let first = speak(&mut voice, SHORT);
    speak(&mut voice, "Something else.");
    assert_eq!(first, speak(&mut voice, SHORT));
}

#[test]
fn another_seed_sounds_different() {
    let mut other = Voice::load(&VoiceOptions { seed: 1, ..options() }).unwrap();
    assert_ne!(speak(&mut other, SHORT), speak(&mut voice(), SHORT));
}

#[test]
fn a_faster_voice_takes_less_time() {
    let mut fast = Voice::load(&VoiceOptions { speed: 1.5, ..options() }).unwrap();
    let ratio = samples(&speak(&mut voice(), LONG)).len() as f64
        / samples(&speak(&mut fast, LONG)).len() as f64;
    assert!((1.25..1.75).contains(&ratio), "{ratio:.2}");
}

#[test]
fn the_speed_of_a_clause_is_relative_to_the_pace_of_the_voice_and_its_own_only() {
    let mut voice = voice();
    let usual = speak(&mut voice, SHORT);
    let mut fast = Voice::load(&VoiceOptions { speed: 1.5, ..options() }).unwrap();
    assert_eq!(speak_at(&mut voice, SHORT, 1.5), speak(&mut fast, SHORT));
    let mut slow = Voice::load(&VoiceOptions { speed: 0.5, ..options() }).unwrap();
    assert_eq!(speak_at(&mut slow, SHORT, 2.0), usual);
    assert_eq!(speak(&mut voice, SHORT), usual);
}

#[test]
fn no_chunk_begins_with_a_click() {
    let mut voice = voice();
    for clause in [SHORT, LONG, "Yes. No. Maybe, but why?"] {
        let chunks = speak(&mut voice, clause);
        let sound = samples(&chunks);
        // The second difference is large at a click and small in speech.
        let bend = |at: usize| (sound[at - 1] - 2.0 * sound[at] + sound[at + 1]).abs();
        let loudest = (1..sound.len() - 1).map(bend).fold(0.0, f32::max);
        let mut border = 0;
        for chunk in &chunks[..chunks.len() - 1] {
            border += chunk.samples.len();
            if border == 0 || border + 2 >= sound.len() {
                continue;
            }
            let at_border = bend(border - 1).max(bend(border));
            let around = (border.saturating_sub(200).max(1)..(border + 200).min(sound.len() - 1))
                .filter(|at| at.abs_diff(border) > 2)
                .map(bend)
                .fold(0.0, f32::max);
            assert!(
                at_border <= around * 1.5 + 0.002 && at_border <= loudest,
                "{clause:?} at {border}: {at_border} around {around}"
            );
        }
    }
}

#[test]
fn the_first_sound_comes_within_twenty_milliseconds_of_the_beginning() {
    let mut voice = voice();
    for clause in [SHORT, LONG, "Sure.", "What is that?"] {
        let sound = samples(&speak(&mut voice, clause));
        let onset = sound.iter().position(|sample| sample.abs() > 0.01).unwrap();
        assert!(seconds(&voice, onset) < 0.02, "{clause:?}: {onset} samples");
    }
}

#[test]
fn a_full_stop_pauses_longer_than_a_comma() {
    let mut voice = voice();
    let mut silence = |clause: &str| {
        let sound = samples(&speak(&mut voice, clause));
        let end = sound.iter().rposition(|sample| sample.abs() > 0.01).unwrap();
        seconds(&voice, sound.len() - end)
    };
    let (comma, period) = (silence("I see,"), silence("I see."));
    assert!((0.11..0.14).contains(&comma), "{comma}");
    assert!((0.24..0.27).contains(&period), "{period}");
}

#[test]
fn breaking_after_the_first_chunk_stops_the_work() {
    let mut voice = voice();
    let begun = Instant::now();
    let whole = speak(&mut voice, LONG).len();
    let all = begun.elapsed();
    let mut count = 0;
    let begun = Instant::now();
    voice
        .speak(LONG, 1.0, &mut |_| {
            count += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(count, 1);
    assert!(whole > 1 && begun.elapsed() < all / 2, "{:?} of {all:?}", begun.elapsed());
}

#[test]
fn nothing_to_say_is_one_empty_last_chunk() {
    for clause in ["", " \n", "👋", "..."] {
        let empty = Mark { samples: 0, bytes: clause.len() };
        let expected = Chunk { samples: Vec::new(), marks: vec![empty], last: true };
        assert_eq!(speak(&mut voice(), clause), [expected], "{clause:?}");
    }
}

#[test]
fn a_page_without_a_stop_is_spoken_to_its_end() {
    let clause = "round and round we go ".repeat(45);
    let chunks = speak(&mut voice(), &clause);
    assert_eq!(marks(&chunks).len(), 5 * 45);
    assert_eq!(marks(&chunks).last().unwrap().bytes, clause.len());
}

#[test]
fn a_damaged_network_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(options().model).unwrap();
    let model = folder.path().join("half.onnx");
    for part in [&bytes[..0], &bytes[..bytes.len() / 2], &b"not a network"[..]] {
        std::fs::write(&model, part).unwrap();
        let error = Voice::load(&VoiceOptions { model: model.clone(), ..options() }).err().unwrap();
        assert!(matches!(error, VoiceError::Model { .. }), "{error}");
        assert!(error.to_string().contains("half.onnx"), "{error}");
    }
}

#[test]
fn a_network_of_another_kind_is_refused() {
    let model = options().model.parent().unwrap().with_file_name("silero-vad");
    let model = model.join("silero_vad.onnx");
    let error = Voice::load(&VoiceOptions { model, ..options() }).err().unwrap();
    assert!(error.to_string().contains("not a single-speaker Piper voice"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let model = PathBuf::from("/nowhere/voice.onnx");
    let error = Voice::load(&VoiceOptions { model, ..options() }).err().unwrap();
    assert!(error.to_string().contains("/nowhere/voice.onnx"), "{error}");
}

#[test]
fn a_speed_out_of_range_is_refused() {
    for speed in [0.0, -1.0, 100.0, f32::NAN] {
        let error = Voice::load(&VoiceOptions { speed, ..options() }).err().unwrap();
        assert!(matches!(error, VoiceError::Speed { .. }), "{error}");
    }
}

#[test]
fn a_clause_that_would_be_too_fast_or_too_slow_is_refused_and_the_next_is_spoken() {
    let mut fast = Voice::load(&VoiceOptions { speed: 2.0, ..options() }).unwrap();
    for speed in [0.1, 2.1, 0.0, -1.0, f32::INFINITY, f32::NAN] {
        let error = fast.speak(SHORT, speed, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, VoiceError::Speed { .. }), "{error}");
    }
    assert!(!samples(&speak_at(&mut fast, SHORT, 2.0)).is_empty());
}

/// The word is marked as it is written, and its sound is that of its phonemes: `Saoirse` and the spelling of another
/// word with the same phonemes sound alike.
#[test]
fn a_word_with_phonemes_sounds_as_they_say_and_is_marked_as_it_is_written() {
    let mut voice = voice();
    assert!(voice.knows("həlˈoʊ") && !voice.knows("ꭓ"));
    let lexicon = Lexicon::new([("Saoirse", "/həlˈoʊ/"), ("Niamh", "hello")]).unwrap();
    let plain = speak(&mut voice, "Hello, how are you?");
    for clause in ["Saoirse, how are you?", "Niamh, how are you?"] {
        let reading = lexicon.read(clause, |phonemes| voice.knows(phonemes));
        let chunks = speak(&mut voice, reading.clone());
        assert!(samples(&chunks) == samples(&plain), "{clause} sounds otherwise");
        let heard: Vec<_> = marks(&chunks)
            .iter()
            .filter_map(|mark| Some(&clause[..reading.written(mark.bytes)?]))
            .collect();
        let name = &clause[..clause.find(',').unwrap()];
        assert_eq!((heard[0], heard.len(), heard[3]), (name, 4, clause));
    }
}
