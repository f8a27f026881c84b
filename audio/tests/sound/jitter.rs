//! The jitter buffer with a network that is early, late, silent or erratic. One millisecond is one sample here, and a
//! frame is ten.

use std::time::Duration;

use duplex_audio::{JitterBuffer, JitterOptions};
use proptest::prelude::*;

const RATE: u32 = 1_000;
const FRAME: usize = 10;

fn buffer(lead: u64, most: u64) -> JitterBuffer {
    let (lead, most) = (Duration::from_millis(lead), Duration::from_millis(most));
    JitterBuffer::new(RATE, JitterOptions { lead, most, catch_up: true })
}

fn pull(buffer: &mut JitterBuffer) -> [f32; FRAME] {
    let mut frame = [f32::NAN; FRAME];
    buffer.pull(&mut frame);
    frame
}

#[test]
fn nothing_is_given_before_the_lead_is_there() {
    let mut buffer = buffer(20, 100);
    buffer.push(&[0.5; 10]);
    assert_eq!(pull(&mut buffer), [0.0; FRAME]);
    buffer.push(&[0.5; 10]);
    assert_eq!(pull(&mut buffer), [0.5; FRAME]);
    assert_eq!(buffer.counters().missing, 10);
}

#[test]
fn a_rest_shorter_than_the_lead_is_not_kept_for_ever() {
    let mut buffer = buffer(20, 100);
    buffer.push(&[0.5; 10]);
    let heard: Vec<_> = (0..4).map(|_| pull(&mut buffer)[0]).collect();
    assert_eq!(heard, [0.0, 0.0, 0.5, 0.0]);
}

#[test]
fn a_late_message_costs_silence_once() {
    let mut buffer = buffer(20, 200);
    buffer.push(&[0.5; 20]);
    pull(&mut buffer);
    pull(&mut buffer);
    // The second message is late by one frame, and so are all that follow.
    let mut silent = 0;
    for _ in 0..50 {
        silent += usize::from(pull(&mut buffer)[0] == 0.0);
        buffer.push(&[0.5; 20]);
        silent += usize::from(pull(&mut buffer)[0] == 0.0);
    }
    assert_eq!(silent, 1);
}

#[test]
fn the_oldest_goes_where_the_buffer_is_full_and_a_flood_is_noticed() {
    let mut buffer = buffer(0, 100);
    assert_eq!(buffer.push(&[0.1; 100]), 0);
    assert_eq!(buffer.push(&[0.2; 90]), 90);
    assert_eq!(buffer.push(&[0.3; 350]), 440);
    assert_eq!((buffer.depth(), buffer.counters().dropped), (100, 440));
    assert_eq!(pull(&mut buffer), [0.3; FRAME]);
    for _ in 0..6 {
        pull(&mut buffer);
    }
    assert_eq!(buffer.push(&[0.3; 10]), 0, "the flood is over");
}

#[test]
fn what_is_not_needed_is_left_out_in_a_pause() {
    let mut buffer = buffer(20, 1_000);
    // The network stalled and then delivered half a second at once.
    buffer.push(&[0.5; 500]);
    for _ in 0..200 {
        pull(&mut buffer);
        buffer.push(&[0.0; FRAME]);
    }
    // The lead, and the frame that is given out next.
    assert_eq!(buffer.depth(), 20 + FRAME);
    assert_eq!(buffer.counters().missing, 0);
}

#[test]
fn what_is_not_needed_melts_away_in_the_middle_of_sound() {
    let mut buffer = buffer(20, 1_000);
    buffer.push(&[0.5; 100]);
    for _ in 0..1_000 {
        let heard = pull(&mut buffer);
        assert!(heard.iter().all(|x| (x - 0.5).abs() < 1e-6), "a click: {heard:?}");
        buffer.push(&[0.5; FRAME]);
    }
    assert!(buffer.depth() <= 50, "{}", buffer.depth());
}

#[test]
fn a_sender_that_may_run_ahead_is_not_hurried() {
    let lead = Duration::ZERO;
    let options = JitterOptions { lead, most: Duration::from_secs(60), catch_up: false };
    let mut buffer = JitterBuffer::new(RATE, options);
    buffer.push(&[0.0; 10_000]);
    buffer.push(&[0.5; FRAME]);
    for _ in 0..1_000 {
        assert_eq!(pull(&mut buffer), [0.0; FRAME]);
    }
    assert_eq!(pull(&mut buffer), [0.5; FRAME]);
}

#[test]
fn nothing_is_heard_of_what_was_cleared() {
    let mut buffer = buffer(0, 1_000);
    buffer.push(&[0.5; 500]);
    pull(&mut buffer);
    buffer.clear();
    assert_eq!(pull(&mut buffer), [0.0; FRAME]);
    buffer.push(&[0.25; FRAME]);
    assert_eq!(pull(&mut buffer), [0.25; FRAME]);
}

proptest! {
    #[test]
    fn every_sample_is_given_dropped_skipped_or_waiting(
        moves in prop::collection::vec((0usize..80, 0usize..5), 1..200),
    ) {
        let mut buffer = buffer(20, 200);
        let mut pulled = 0;
        for (pushed, pulls) in moves {
            buffer.push(&vec![0.5; pushed]);
            for _ in 0..pulls {
                pull(&mut buffer);
                pulled += FRAME as u64;
            }
            prop_assert!(buffer.depth() <= 200);
        }
        let counters = buffer.counters();
        let given = pulled - counters.missing;
        let gone = given + counters.dropped + counters.skipped + buffer.depth() as u64;
        prop_assert_eq!(counters.received, gone);
    }
}
