//! The playback callback must not allocate.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use duplex_audio::{PLAYOUT_FRAME, playout};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn the_playback_callback_allocates_nothing() {
    let (mut playout, mut speaker) = playout(PLAYOUT_FRAME * 4);
    let mut out = [0.0; PLAYOUT_FRAME / 3 + 1];
    let sound = [0.5; PLAYOUT_FRAME * 4];
    let mut callbacks = |times: usize| {
        for _ in 0..times {
            assert_no_alloc(|| speaker.fill(&mut out));
        }
    };
    callbacks(2);
    playout.push(&sound);
    callbacks(2);
    playout.set_gain(0.3);
    callbacks(3);
    playout.hold();
    callbacks(4);
    playout.release();
    callbacks(2);
    playout.flush();
    playout.push(&sound);
    callbacks(40);
    assert!(playout.underruns() > 0, "the callback ran through every state");
}
