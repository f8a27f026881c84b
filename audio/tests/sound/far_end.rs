//! The far-end reference, as the echo canceller gets it.

use duplex_audio::{
    FRAME_MILLIS, FarEnd, MICROPHONE_FRAME, PLAYOUT_FRAME, PLAYOUT_RATE, Resampler,
};
use duplex_core::SAMPLE_RATE;

/// A sine that continues from frame to frame.
fn played(frame: usize) -> [f32; PLAYOUT_FRAME] {
    std::array::from_fn(|n| 0.5 * ((frame * PLAYOUT_FRAME + n) as f32 * 0.02).sin())
}

#[test]
fn the_far_end_is_what_was_played_after_silence_and_without_a_gap() {
    let mut far_end = FarEnd::default();
    let far: Vec<f32> = (0..100).flat_map(|frame| far_end.frame(&played(frame))).collect();

    let mut resampler = Resampler::new(PLAYOUT_RATE, SAMPLE_RATE).unwrap();
    let mut whole = Vec::new();
    for frame in 0..100 {
        resampler.process(&played(frame), &mut whole);
    }
    let silence = far.len() - whole.len();
    assert!(silence < MICROPHONE_FRAME, "more than {FRAME_MILLIS} ms are missing: {silence}");
    assert!(far[..silence].iter().all(|&x| x == 0.0));
    assert_eq!(far[silence..], whole[..]);
}
