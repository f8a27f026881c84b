//! The playout queue, sample by sample.

use duplex_audio::{
    PLAYOUT_FRAME, Playout, Speaker, playout,
    playout::{FLUSH_FADE, GAIN_RAMP, HOLD_FADE},
};

/// A queue that is playing samples of 1.0.
fn playing_ones(count: usize) -> (Playout, Speaker) {
    let (mut playout, mut speaker) = playout(count.max(PLAYOUT_FRAME));
    assert_eq!(playout.push(&vec![1.0; count]), count);
    assert!(fill(&mut speaker, PLAYOUT_FRAME).iter().all(|&x| x == 1.0));
    (playout, speaker)
}

fn fill(speaker: &mut Speaker, count: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; count];
    speaker.fill(&mut out);
    out
}

fn falls(samples: &[f32]) -> bool {
    samples.windows(2).all(|pair| pair[1] <= pair[0])
}

fn rises(samples: &[f32]) -> bool {
    samples.windows(2).all(|pair| pair[1] >= pair[0])
}

#[test]
fn what_is_pushed_is_played_in_order_and_counted() {
    let (mut playout, mut speaker) = playout(100);
    let pushed: Vec<f32> = (0u8..60).map(|n| f32::from(n) / 60.0).collect();
    assert_eq!(playout.push(&pushed), 60);
    assert_eq!(playout.room(), 40);
    assert_eq!(fill(&mut speaker, 25), pushed[..25]);
    assert_eq!(fill(&mut speaker, 35), pushed[25..]);
    assert_eq!((playout.written(), playout.played(), playout.discarded()), (60, 60, 0));
}

#[test]
fn a_full_queue_takes_what_fits() {
    let (mut playout, _speaker) = playout(100);
    assert_eq!(playout.push(&[1.0; 130]), 100);
    assert_eq!(playout.push(&[1.0; 10]), 0);
    assert_eq!(playout.written(), 100);
}

#[test]
fn flushed_speech_fades_and_what_follows_begins_at_full_gain() {
    let (mut playout, mut speaker) = playing_ones(10_000);
    let flushed = playout.flush();
    let out = fill(&mut speaker, FLUSH_FADE);
    assert!(falls(&out), "no click on the way out");
    assert_eq!(out[FLUSH_FADE - 1], 0.0);
    assert_eq!(playout.played(), flushed);
    let heard = (PLAYOUT_FRAME + FLUSH_FADE) as u64;
    assert_eq!(playout.discarded(), flushed - heard, "all but what was heard");

    playout.push(&[0.5; 1_000]);
    assert!(fill(&mut speaker, 1_000).iter().all(|&x| x == 0.5));
    assert_eq!(playout.played(), playout.written());
}

#[test]
fn a_new_answer_follows_a_flush_within_one_callback() {
    let (mut playout, mut speaker) = playing_ones(5_000);
    playout.flush();
    playout.push(&[-0.5; 300]);
    let out = fill(&mut speaker, FLUSH_FADE + 300);
    assert!(out[..FLUSH_FADE].iter().all(|&x| x >= 0.0));
    assert!(out[FLUSH_FADE..].iter().all(|&x| x == -0.5));
}

#[test]
fn a_tail_shorter_than_the_fade_still_ends_in_silence() {
    let (mut playout, mut speaker) = playing_ones(PLAYOUT_FRAME + 10);
    playout.flush();
    let out = fill(&mut speaker, 20);
    assert!(falls(&out));
    assert_eq!(out[9], 0.0);
    assert_eq!(playout.discarded(), 0);
}

#[test]
fn a_second_flush_during_the_fade_takes_what_was_pushed_in_between() {
    let (mut playout, mut speaker) = playing_ones(5_000);
    playout.flush();
    fill(&mut speaker, FLUSH_FADE / 2);
    playout.push(&[-1.0; 200]);
    let second = playout.flush();
    playout.push(&[0.25; 100]);
    let out = fill(&mut speaker, FLUSH_FADE / 2 + 100);
    assert!(out.iter().all(|&x| x >= 0.0), "nothing of the second is heard");
    assert_eq!(out[FLUSH_FADE / 2..], [0.25; 100]);
    assert_eq!(playout.played(), second + 100);
}

#[test]
fn a_held_queue_fades_out_stands_still_and_fades_in_where_it_stopped() {
    let (mut playout, mut speaker) = playing_ones(20_000);
    playout.hold();
    let out = fill(&mut speaker, HOLD_FADE + 100);
    assert!(falls(&out));
    assert!(out[HOLD_FADE - 1..].iter().all(|&x| x == 0.0));
    let stopped = playout.played();
    assert_eq!(stopped, (PLAYOUT_FRAME + HOLD_FADE) as u64, "what faded counts as played");
    fill(&mut speaker, 3_000);
    assert_eq!(playout.played(), stopped);

    playout.release();
    let out = fill(&mut speaker, HOLD_FADE + 10);
    assert!(rises(&out) && out[0] > 0.0);
    assert!(out[HOLD_FADE..].iter().all(|&x| x == 1.0));
    assert_eq!(playout.discarded(), 0);
    assert_eq!(playout.underruns(), 0);
}

#[test]
fn a_hold_released_during_its_fade_turns_back() {
    let (mut playout, mut speaker) = playing_ones(20_000);
    playout.hold();
    let down = fill(&mut speaker, HOLD_FADE / 2);
    playout.release();
    let up = fill(&mut speaker, HOLD_FADE);
    assert!(falls(&down) && rises(&up));
    assert!((up[0] - down[down.len() - 1]).abs() < 0.01, "without a step");
    assert_eq!(up[HOLD_FADE - 1], 1.0);
}

#[test]
fn a_flush_while_held_discards_at_once_and_ends_the_hold() {
    let (mut playout, mut speaker) = playing_ones(9_000);
    playout.hold();
    fill(&mut speaker, 2 * HOLD_FADE);
    let flushed = playout.flush();
    playout.push(&[0.5; 50]);
    assert_eq!(fill(&mut speaker, 50), [0.5; 50]);
    assert_eq!(playout.played(), flushed + 50);
    assert_eq!(playout.discarded(), flushed - (PLAYOUT_FRAME + HOLD_FADE) as u64);
}

#[test]
fn a_flush_with_nothing_left_still_ends_the_hold() {
    let (mut playout, mut speaker) = playing_ones(PLAYOUT_FRAME + 100);
    playout.hold();
    fill(&mut speaker, 200);
    playout.flush();
    playout.push(&[0.5; 50]);
    assert_eq!(fill(&mut speaker, 50), [0.5; 50]);
}

#[test]
fn speech_pushed_while_held_is_not_heard_before_the_release() {
    let (mut playout, mut speaker) = playout(1_000);
    playout.hold();
    playout.push(&[1.0; 1_000]);
    assert!(fill(&mut speaker, 2_000).iter().all(|&x| x == 0.0));
    assert_eq!(playout.played(), 0);
}

#[test]
fn a_duck_is_a_ramp_both_ways() {
    let (mut playout, mut speaker) = playing_ones(20_000);
    playout.set_gain(0.25);
    let down = fill(&mut speaker, GAIN_RAMP + 10);
    assert!(falls(&down));
    assert!(down[GAIN_RAMP..].iter().all(|&x| x == 0.25));
    playout.set_gain(1.0);
    let up = fill(&mut speaker, GAIN_RAMP + 10);
    assert!(rises(&up));
    assert!(up[GAIN_RAMP..].iter().all(|&x| x == 1.0));
    let steps = down.windows(2).chain(up.windows(2));
    assert!(steps.map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max) < 0.002);
}

#[test]
fn a_flush_does_not_let_ducked_speech_rise_before_it_ends() {
    let (mut playout, mut speaker) = playing_ones(20_000);
    playout.set_gain(0.25);
    fill(&mut speaker, GAIN_RAMP);
    playout.flush();
    playout.push(&[0.9; 10]);
    let out = fill(&mut speaker, FLUSH_FADE + 10);
    assert!(falls(&out[..FLUSH_FADE]) && out[0] <= 0.25);
    assert_eq!(out[FLUSH_FADE..], [0.9; 10], "the new answer is not ducked");
}

#[test]
fn a_gain_that_is_not_a_number_is_ignored() {
    let (mut playout, mut speaker) = playing_ones(5_000);
    playout.set_gain(f32::NAN);
    assert_eq!(fill(&mut speaker, 10), [1.0; 10]);
}

#[test]
fn running_empty_is_an_underrun_unless_it_was_announced() {
    let (mut playout, mut speaker) = playout(1_000);
    fill(&mut speaker, 100);
    assert_eq!(playout.underruns(), 0, "nothing has been played yet");
    playout.push(&[1.0; 50]);
    fill(&mut speaker, 100);
    fill(&mut speaker, 100);
    assert_eq!(playout.underruns(), 1, "one gap is one underrun");
    playout.push(&[1.0; 50]);
    playout.finish();
    fill(&mut speaker, 100);
    playout.push(&[1.0; 50]);
    playout.flush();
    fill(&mut speaker, 100);
    assert_eq!(playout.underruns(), 1);
}

#[test]
fn what_is_no_finite_number_is_silence() {
    let (mut playout, mut speaker) = playout(8);
    assert_eq!(playout.push(&[f32::NAN, f32::INFINITY, -0.25, 0.5]), 4);
    let mut out = [9.0; 4];
    speaker.fill(&mut out);
    assert_eq!(out, [0.0, 0.0, -0.25, 0.5]);
}
