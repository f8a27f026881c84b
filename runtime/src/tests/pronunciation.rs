//! Words that are said otherwise than the voice would read them.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, mpsc::channel},
};

use duplex_core::{Event, Mark, SAMPLE_RATE, SessionChange};
use duplex_model::tts::{Chunk, Lexicon, Reading};

use super::{
    PATIENCE,
    contract::{recognisers, voices},
    fakes::{Fakes, with_model},
    synthesise, work,
};
use crate::{
    EngineOptions, SessionError, SessionOptions,
    engine::{Seat, Workers},
    job::{Cancellation, SessionMessage},
    ports::{ModelOptions, Port, PortError, SpeechSynthesiser, SpeechWindow, Synthesis},
};

/// A voice that keeps what it is asked to read, and marks each word.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Vec<String>>>);

impl Port for Reader {}

impl SpeechSynthesiser for Reader {
    fn sample_rate(&self) -> u32 {
        SAMPLE_RATE
    }

    fn speak(
        &mut self,
        clause: Reading<'_>,
        _speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError> {
        let text = clause.text();
        let ends = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]);
        let marks = ends.map(|bytes| duplex_model::tts::Mark { samples: bytes as u64, bytes });
        let samples = vec![0.0; text.len()];
        self.0.lock().unwrap().push(text.to_owned());
        _ = emit(Chunk { samples, marks: marks.collect(), last: true });
        Ok(())
    }
}

fn entries(entries: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    entries.iter().map(|&(word, said)| (word.to_owned(), said.to_owned())).collect()
}

/// An engine with a lexicon, and what its voice reads.
fn engine() -> (Workers, Reader) {
    let reader = Reader::default();
    let voice = reader.clone();
    let voice = ModelOptions::<Synthesis>::one(move |serve| {
        serve(&mut voice.clone());
        Ok(())
    });
    let lexicon = Lexicon::new([("once", "wunce"), ("upon a", "on top of a")]).unwrap();
    let voices = vec![("reader".to_owned(), voice)];
    let options = EngineOptions { lexicon, voices, ..Fakes::default().options() };
    (Workers::start(&options).unwrap().0, reader)
}

/// The marks of "Once upon a time." in a call.
fn marks(workers: &Workers, options: &SessionOptions) -> Vec<Mark> {
    let seat = Seat::open(workers, workers.settings(options).unwrap());
    let (sender, answers) = channel();
    let answer = Arc::new(move |message| _ = sender.send(message));
    assert!(seat.submit(work(synthesise(1)).0, Cancellation::default(), answer).is_ok());
    match answers.recv_timeout(PATIENCE).unwrap() {
        SessionMessage::Audio { marks, .. } => marks,
        _ => panic!("the clause was not spoken"),
    }
}

#[test]
fn a_call_has_the_engines_pronunciations_and_before_them_its_own() {
    let (workers, reader) = engine();
    let own = entries(&[("Once", "wonts"), ("time", "thyme")]);
    let own = SessionOptions { pronunciation: own, ..SessionOptions::default() };
    marks(&workers, &SessionOptions::default());
    marks(&workers, &own);
    let none = Some(entries(&[]));
    let none = SessionChange { pronunciation: none, ..SessionChange::default() };
    marks(&workers, &own.changed(&none));
    let read = reader.0.lock().unwrap().clone();
    assert_eq!(
        read,
        ["wunce on top of a time.", "wonts on top of a thyme.", "wunce on top of a time."]
    );
}

#[test]
fn what_was_heard_counts_in_written_words() {
    let marks = marks(&engine().0, &SessionOptions::default());
    let heard: Vec<_> = marks.iter().map(|mark| &"Once upon a time."[..mark.bytes]).collect();
    assert_eq!(heard, ["Once", "Once upon a", "Once upon a time."]);
}

#[test]
fn a_pronunciation_that_is_none_is_refused_by_name() {
    let (workers, _) = engine();
    for (word, said, named) in [
        ("", "x", "does not begin with a letter"),
        ("Saoirse", "", "the pronunciation of `Saoirse` is empty"),
        ("Saoirse", "/s5/", "the phonemes of `Saoirse` have '5'"),
    ] {
        let pronunciation = entries(&[(word, said)]);
        let options = SessionOptions { pronunciation, ..SessionOptions::default() };
        let error = workers.settings(&options).unwrap_err();
        assert!(matches!(error, SessionError::Pronunciation(_)));
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_call_is_told_which_phonemes_its_voice_has_not() {
    let (workers, _) = engine();
    let words = entries(&[("Niamh", "/niːv/"), ("once", "wunce")]);
    let options = SessionOptions { pronunciation: words, ..SessionOptions::default() };
    let seat = Seat::open(&workers, workers.settings(&options).unwrap());
    let (sender, answers) = channel();
    let answer: crate::job::Answer = Arc::new(move |message| _ = sender.send(message));
    for opening in seat.opening() {
        assert!(seat.submit(opening, Cancellation::default(), Arc::clone(&answer)).is_ok());
    }
    let SessionMessage::Event(Event::Warned(what)) = answers.recv_timeout(PATIENCE).unwrap() else {
        panic!("the call is not told");
    };
    assert!(what.contains("`niamh`") && !what.contains("once"), "{what}");
}

/// What a recogniser makes of a clause that is spoken by each real voice with these pronunciations.
fn heard(words: &[(&str, &str)], clause: &str) -> Vec<(&'static str, String)> {
    let lexicon = Lexicon::new(words.iter().copied()).unwrap();
    let mut heard = Vec::new();
    with_model(&recognisers()[0].1, |recogniser| {
        for (name, options) in voices().into_iter().filter(|(name, _)| *name != "fake") {
            with_model(&options, |voice| {
                let reading = lexicon.read(clause, |phonemes| voice.knows(phonemes));
                let mut sound = Vec::new();
                let rate = voice.sample_rate();
                let mut keep = |chunk: Chunk| {
                    sound.extend(chunk.samples);
                    ControlFlow::Continue(())
                };
                voice.speak(reading, 1.0, &mut keep).unwrap();
                let silence = vec![0.0; SAMPLE_RATE as usize / 2];
                let sound = duplex_audio::resample::convert(&sound, rate, SAMPLE_RATE);
                let audio = [&silence[..], &sound, &silence].concat();
                let window = SpeechWindow { audio: &audio, language: None, vocabulary: &[] };
                let words = recogniser.recognise(window).unwrap().words;
                let words: Vec<_> = words.into_iter().map(|word| word.text).collect();
                heard.push((name, words.join(" ").to_lowercase()));
            });
        }
    });
    heard
}

#[test]
fn words_are_heard_as_their_pronunciations_say() {
    let clause = "Please bring me the Xyzzy today.";
    for words in [[("Xyzzy", "banana")], [("xyzzy", "/bəˈnænə/")]] {
        for (name, heard) in heard(&words, clause) {
            assert!(heard.contains("the banana today"), "{name} with {words:?}: {heard}");
        }
    }
    for (name, heard) in heard(&[], clause) {
        assert!(!heard.contains("banana"), "{name}: {heard}");
    }
}
