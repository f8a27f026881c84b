//! Samples to and from 16-bit PCM.

use duplex_audio::pcm::{self, HalfSample, quantise};
use proptest::prelude::*;

fn decoded(message: &[u8]) -> Vec<f32> {
    let mut samples = Vec::new();
    assert_eq!(pcm::decode(message, &mut samples), Ok(()));
    samples
}

#[test]
fn the_low_byte_comes_first_and_full_scale_is_one() {
    assert_eq!(decoded(&[0x00, 0x40, 0x00, 0x80, 0x01, 0x00]), [0.5, -1.0, 1.0 / 32_768.0]);
}

#[test]
fn half_a_sample_is_an_error_and_nothing_is_appended() {
    let mut samples = vec![0.25];
    assert_eq!(pcm::decode(&[1, 2, 3], &mut samples), Err(HalfSample { bytes: 3 }));
    assert_eq!(samples, [0.25]);
}

#[test]
fn what_is_beyond_full_scale_is_clipped_and_what_is_no_number_is_silent() {
    assert_eq!(
        [2.0, -2.0, f32::NAN, f32::INFINITY].map(quantise),
        [i16::MAX, i16::MIN, 0, i16::MAX]
    );
}

proptest! {
    #[test]
    fn what_is_sent_is_what_arrives(samples in prop::collection::vec(any::<i16>(), 0..200)) {
        let message = pcm::encode(&samples);
        let there: Vec<i16> = decoded(&message).into_iter().map(quantise).collect();
        prop_assert_eq!(there, samples);
    }
}
