//! Voice activity detection. Needs the voice activity model.

use duplex_audio::{
    ACTIVITY_WINDOW, ActivityError, Detector, Thresholds, VoiceActivity, level_db, noise,
};
use duplex_core::SAMPLE_RATE;

const SECOND: usize = SAMPLE_RATE as usize;

/// The probability of each window.
fn probabilities(model: &mut VoiceActivity, sound: &[f32]) -> Vec<f32> {
    sound.as_chunks::<ACTIVITY_WINDOW>().0.iter().map(|window| model.probability(window)).collect()
}

/// The windows at which speech begins and ends.
fn changes(sound: &[f32]) -> Vec<(usize, bool)> {
    let mut model = crate::common::voice_activity();
    let mut detector = Detector::new();
    let mut speech = false;
    let mut changes = Vec::new();
    for (n, window) in sound.as_chunks::<ACTIVITY_WINDOW>().0.iter().enumerate() {
        let activity =
            detector.update(model.probability(window), level_db(window), &Thresholds::default());
        if activity.speech != speech {
            speech = activity.speech;
            changes.push((n, speech));
        }
    }
    changes
}

#[test]
fn a_question_between_silences_is_found_within_its_first_and_last_tenth_of_a_second() {
    let question = crate::common::speech("q01", -26.0);
    let mut sound = vec![0.0; SECOND];
    sound.extend(&question);
    sound.extend(vec![0.0; SECOND]);
    noise::mix(&mut sound, noise::pink(1), 20.0);
    let changes = changes(&sound);
    let millis = |window: usize| ((window + 1) * ACTIVITY_WINDOW * 1_000 / SECOND) as i64;
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes[0].1);
    assert!((1_000..1_200).contains(&millis(changes[0].0)), "{changes:?}");
    let end = 1_000 + (question.len() * 1_000 / SECOND) as i64;
    assert!((end - 150..end + 250).contains(&millis(changes[1].0)), "{changes:?} {end}");
}

#[test]
fn noise_and_the_sounds_of_a_room_are_not_speech() {
    let mut sound = vec![0.0; 20 * SECOND];
    for (sample, noise) in sound.iter_mut().zip(noise::pink(2)) {
        *sample += 0.01 * noise;
    }
    let events =
        [noise::click(1), noise::cough(1), noise::door(1), noise::cough(2), noise::door(2)];
    for (at, event) in events.into_iter().enumerate() {
        for (sample, event) in sound[(at + 1) * 3 * SECOND..].iter_mut().zip(event) {
            *sample += 0.25 * event;
        }
    }
    assert_eq!(changes(&sound), []);
}

#[test]
fn a_reset_forgets_the_past() {
    let mut model = crate::common::voice_activity();
    let speech = crate::common::speech("q02", -26.0);
    let first = probabilities(&mut model, &speech);
    let other = probabilities(&mut model, &speech);
    model.reset();
    assert_eq!(first, probabilities(&mut model, &speech));
    assert_ne!(first, other);
}

#[test]
fn two_streams_of_one_model_do_not_mix() {
    let mut one = crate::common::voice_activity();
    let mut two = one.another();
    let speech = crate::common::speech("q02", -26.0);
    let alone = probabilities(&mut one, &speech);
    probabilities(&mut one, &crate::common::speech("q05", -26.0));
    assert_eq!(alone, probabilities(&mut two, &speech));
}

#[test]
fn samples_that_are_no_numbers_leave_the_model_sane() {
    let mut model = crate::common::voice_activity();
    let probability = model.probability(&[f32::NAN; ACTIVITY_WINDOW]);
    assert!((0.0..=1.0).contains(&probability));
    let highest = probabilities(&mut model, &crate::common::speech("q01", -26.0));
    assert!(highest.iter().any(|&p| p > 0.9));
}

#[test]
fn a_file_that_is_not_the_model_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"not a model").unwrap();
    let error = VoiceActivity::load(file.path()).err().unwrap();
    assert!(matches!(error, ActivityError::Load { .. }));
    assert!(error.to_string().contains(&*file.path().to_string_lossy()));

    let other = crate::common::silero().with_file_name("../smart-turn/smart-turn-v3.2-cpu.onnx");
    let error = VoiceActivity::load(&other).err().unwrap();
    assert!(matches!(error, ActivityError::Foreign { .. }), "{error}");
}

#[test]
fn a_detector_needs_its_windows_in_a_row_and_holds_between_the_thresholds() {
    let thresholds = Thresholds {
        onset: 0.6,
        offset: 0.3,
        onset_windows: 2,
        offset_windows: 3,
        floor_db: -50.0,
    };
    let mut detector = Detector::new();
    let mut run = |probabilities: &[f32], level| {
        probabilities
            .iter()
            .map(|&p| detector.update(p, level, &thresholds).speech)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(&[0.9, 0.9], -60.0), [false, false], "too quiet");
    assert_eq!(run(&[0.9, 0.5, 0.9, 0.9], -30.0), [false, false, false, true]);
    assert_eq!(run(&[0.4, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1], -30.0)[5..], [true, false]);
}
