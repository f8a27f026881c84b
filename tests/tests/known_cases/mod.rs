//! Cases for the simulated agent: one of each kind that a fault can show in.

use std::collections::BTreeMap;

use duplex_audio::room::{Anchor, Cue, RoomOptions, Sound};
use duplex_core::Samples;
use duplex_harness::{
    agent::simulated::code::{Meaning, say},
    case::{Case, Category, Expectation, Split},
    report::Expect::{self, Ignore, Respond, Stop, Wait},
};

/// What the user means, its sound, when it begins, and what is expected after it.
pub(crate) type Script<'a> = (Meaning, Sound, Anchor, &'a [Expect]);

fn ms(millis: u64) -> Samples {
    Samples::from_millis(millis)
}

pub(crate) fn case(id: &str, category: Category, cues: Vec<Script<'_>>) -> Case {
    let name = |number: usize, meaning: Meaning| format!("{}-{}", meaning.word(), number + 1);
    let expect = cues.iter().enumerate().map(|(number, (meaning, _, _, outcomes))| {
        let silent = matches!(meaning, Meaning::Cough | Meaning::Attention);
        let text = if silent { String::new() } else { meaning.word().to_owned() };
        let expectation =
            Expectation { outcomes: outcomes.to_vec(), text, ..Expectation::default() };
        (name(number, *meaning), expectation)
    });
    let expect: BTreeMap<String, Expectation> = expect.collect();
    let cues = cues.into_iter().enumerate().map(|(number, (meaning, sound, anchor, _))| {
        let id = name(number, meaning);
        let answer_within = expect[&id].answer_within();
        Cue { answer_within, ..Cue::new(id, sound, anchor) }
    });
    let cues = cues.collect();
    Case {
        id: id.to_owned(),
        category,
        split: Split::Dev,
        known_issue: None,
        room: RoomOptions { tail_ms: 3_500, patience_ms: 10_000, ..RoomOptions::default() },
        cues,
        expect,
        announcements: Vec::new(),
        source: None,
    }
}

pub(crate) fn cue(meaning: Meaning, length: u64, anchor: Anchor, expect: &[Expect]) -> Script<'_> {
    (meaning, say(meaning, length), anchor, expect)
}

pub(crate) fn question() -> Script<'static> {
    cue(Meaning::Question, 1_200, Anchor::Start(ms(1_500)), &[Respond])
}

pub(crate) fn after_speaking(millis: u64) -> Anchor {
    Anchor::Speaking(ms(millis))
}

/// A case of each kind that a fault can show in.
pub(crate) fn cases() -> Vec<Case> {
    let paused = say(Meaning::Unfinished, 800).then(ms(1_000), &say(Meaning::Question, 900));
    let mut echo = case("echo/reply", Category::Echo, vec![question()]);
    // Softer than the agent can detect: the harness is under test.
    echo.room.echo_db = Some(-50.0);
    let mut hung_up = case("turn/hung-up", Category::Turn, vec![question()]);
    hung_up.room.hang_up_ms = Some(4_000);
    vec![
        case("turn/question", Category::Turn, vec![question()]),
        case(
            "pause/second",
            Category::Pause,
            vec![(Meaning::Question, paused, Anchor::Start(ms(1_500)), &[Wait, Respond])],
        ),
        case(
            "backchannel/one",
            Category::Backchannel,
            vec![question(), cue(Meaning::Attention, 500, after_speaking(2_000), &[Ignore])],
        ),
        case(
            "noise/cough",
            Category::Noise,
            vec![question(), cue(Meaning::Cough, 300, after_speaking(2_000), &[Ignore])],
        ),
        case(
            "interruption/question",
            Category::Interruption,
            vec![
                question(),
                cue(Meaning::Interruption, 1_000, after_speaking(1_500), &[Stop, Respond]),
            ],
        ),
        case(
            "stop/command",
            Category::Stop,
            vec![question(), cue(Meaning::Stop, 600, after_speaking(1_700), &[Stop])],
        ),
        case(
            "to-others/aside",
            Category::ToOthers,
            vec![cue(Meaning::Aside, 900, Anchor::Start(ms(1_500)), &[Ignore])],
        ),
        echo,
        case("silence/nobody", Category::Silence, Vec::new()),
        hung_up,
    ]
}
