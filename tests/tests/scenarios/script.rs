//! Calls that are written in Rust.

use duplex_audio::room::{Anchor, Sound};
use duplex_core::Samples;
use duplex_harness::{case::Category, report::Expect, script::script};

#[test]
fn a_script_reads_as_it_runs() {
    let sound = || Sound::from_session(vec![0.1; 160]);
    let case = script("a cough and a stop")
        .of(Category::Noise)
        .ask(sound())
        .named("question")
        .saying("Why?")
        .then_after_speaking(1.5, sound().effect())
        .ignored()
        .then_after_words(3, sound())
        .stops_it()
        .answered()
        .hanging_up_after(2.5)
        .case();
    let ms = Samples::from_millis;
    let cues: Vec<_> = case.cues.iter().map(|cue| (cue.id.as_str(), cue.anchor)).collect();
    assert_eq!(
        cues,
        [
            ("question", Anchor::Start(ms(500))),
            ("cue2", Anchor::Speaking(ms(1_500))),
            ("cue3", Anchor::Words(3))
        ]
    );
    assert_eq!(case.expect["question"].outcomes, [Expect::Respond]);
    assert_eq!(case.expect["question"].text, "Why?");
    assert_eq!(case.expect["cue2"].outcomes, [Expect::Ignore]);
    assert_eq!(case.expect["cue3"].outcomes, [Expect::Stop, Expect::Respond]);
    assert_eq!(case.room.hang_up_ms, Some(2_500));
}
