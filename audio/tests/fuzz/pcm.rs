//! Messages of PCM.

use duplex_audio::pcm::{HalfSample, SAMPLE_BYTES, decode};

#[test]
fn any_message_of_pcm_is_samples_or_a_half_one_and_then_nothing_is_kept() {
    let messages = bolero::produce::<Vec<Vec<u8>>>();
    bolero::check!().with_generator(messages).for_each(|messages| {
        let mut samples = Vec::new();
        for message in messages {
            let before = samples.len();
            match decode(message, &mut samples) {
                Ok(()) => assert_eq!((samples.len() - before) * SAMPLE_BYTES, message.len()),
                Err(HalfSample { bytes }) => {
                    assert_eq!((bytes, samples.len()), (message.len(), before));
                    assert_eq!(bytes % SAMPLE_BYTES, 1);
                }
            }
        }
        assert!(samples.iter().all(|sample| (-1.0..1.0).contains(sample)));
    });
}
