//! The history of the last seconds of the microphone.

use duplex_audio::History;
use proptest::prelude::*;

#[test]
fn what_is_gone_and_what_is_to_come_is_said() {
    let mut history = History::new(4);
    history.push(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let excerpt = history.range(1, 9);
    assert_eq!(excerpt.samples, [2.0, 3.0, 4.0, 5.0]);
    assert_eq!((excerpt.from, excerpt.lost, excerpt.to_come), (2, 1, 3));
}

#[test]
fn a_range_that_ends_before_it_begins_is_empty() {
    let mut history = History::new(4);
    history.push(&[0.0, 1.0]);
    let excerpt = history.range(2, 1);
    assert!(excerpt.samples.is_empty());
    assert_eq!((excerpt.lost, excerpt.to_come), (0, 0));
}

proptest! {
    #[test]
    fn every_range_holds_the_samples_of_its_positions(
        capacity in 1usize..200,
        blocks in prop::collection::vec(0usize..300, 0..20),
        from in 0u64..3_000,
        length in 0u64..400,
    ) {
        let mut history = History::new(capacity);
        let mut position = 0u16;
        for block in blocks {
            let samples: Vec<f32> = (0..block).map(|_| { position += 1; f32::from(position - 1) }).collect();
            history.push(&samples);
        }
        let excerpt = history.range(from, from + length);
        prop_assert_eq!(excerpt.samples.len() as u64 + excerpt.lost + excerpt.to_come, length);
        for (n, &sample) in excerpt.samples.iter().enumerate() {
            prop_assert_eq!(sample as u64, excerpt.from + n as u64);
            prop_assert!(history.kept().contains(&(sample as u64)));
        }
        if !excerpt.samples.is_empty() {
            prop_assert_eq!(excerpt.from, from + excerpt.lost);
        }
    }
}
