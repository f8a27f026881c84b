//! Properties of every dialogue, whatever is drawn.

use std::collections::BTreeSet;

use duplex_datasets::eval::by_silence;
use duplex_datasets::texts::Exchange;
use duplex_datasets::{Builder, Category, Dialogue, Hearing, Part, Phase, Phrasebook, SLICES_MS};
use proptest::prelude::*;

/// Exchanges that show their part: every content word in them ends with its name.
fn exchanges() -> Vec<Exchange> {
    let exchange = |part: Part, number: usize| Exchange {
        ask: format!("What about ask{number}a{part} and ask{number}b{part} in the end?"),
        reply: (0..6 + number % 30)
            .map(|at| format!("reply{number}w{at}{part}"))
            .collect::<Vec<_>>()
            .join(" ")
            + ".",
        part,
    };
    Part::ALL.into_iter().flat_map(|part| (0..40).map(move |n| exchange(part, n))).collect()
}

fn builder(part: Part, seed: u64) -> Builder {
    Builder::new(part, seed, &SLICES_MS, &exchanges()).expect("both parts have exchanges")
}

fn many(part: Part) -> impl Iterator<Item = Dialogue> {
    let builder = builder(part, 7);
    (0..1500).map(move |number| builder.dialogue(number))
}

#[test]
fn the_same_seed_gives_the_same_dialogue_whatever_was_built_before() {
    let (one, other) = (builder(Part::Train, 3), builder(Part::Train, 3));
    let forwards: Vec<_> = (0..50).map(|n| one.dialogue(n)).collect();
    let mut backwards: Vec<_> = (0..50).rev().map(|n| other.dialogue(n)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
}

#[test]
fn another_seed_or_part_gives_other_dialogues() {
    let slices = |builder: Builder| (0..20).map(|n| builder.dialogue(n).slices).collect::<Vec<_>>();
    let first = slices(builder(Part::Train, 3));
    assert_ne!(first, slices(builder(Part::Train, 4)));
    assert_ne!(first, slices(builder(Part::Test, 3)));
}

#[test]
fn every_category_and_every_phase_occurs_in_both_parts() {
    for part in Part::ALL {
        let dialogues: Vec<_> = many(part).collect();
        let categories: BTreeSet<_> = dialogues.iter().map(|it| it.category).collect();
        let phases: BTreeSet<_> =
            dialogues.iter().flat_map(|it| &it.slices).map(|slice| slice.phase).collect();
        assert_eq!(categories, Category::ALL.iter().copied().collect());
        assert_eq!(phases, Phase::ALL.iter().copied().collect());
    }
}

#[test]
fn nothing_of_one_part_is_in_the_other() {
    for (part, other) in [(Part::Train, Part::Test), (Part::Test, Part::Train)] {
        let foreign = other.to_string();
        for dialogue in many(part) {
            let text = serde_json::to_string(&(&dialogue.history, &dialogue.slices)).unwrap();
            assert!(!text.contains(&foreign), "{text}");
        }
    }
}

#[test]
fn a_reply_is_spoken_word_by_word_from_its_beginning() {
    let replies: Vec<String> = exchanges().into_iter().map(|it| it.reply).collect();
    let mut whole = 0;
    // In these categories all replies come from exchanges, and none is repeated in other words.
    let plain = [
        Category::Basic,
        Category::Backchannel,
        Category::HardPair,
        Category::ToOthers,
        Category::Pause,
    ];
    for dialogue in many(Part::Train).filter(|it| plain.contains(&it.category)) {
        let mut spoken: Vec<String> = Vec::new();
        for slice in &dialogue.slices {
            if matches!(slice.phase, Phase::Start | Phase::LateStart) {
                spoken.clear();
            }
            spoken.extend(slice.assistant.clone());
            let said = spoken.join(" ");
            if said.starts_with("reply") {
                let reply = replies.iter().find(|reply| reply.starts_with(&said));
                let reply = reply.unwrap_or_else(|| panic!("{said} in {}", dialogue.id));
                assert_eq!(slice.ends, slice.assistant.is_some() && *reply == said);
                whole += usize::from(slice.ends);
            }
        }
    }
    assert!(whole > 200, "only {whole} replies were spoken to their end");
}

#[test]
fn what_was_broken_off_goes_on_where_it_stopped() {
    let mut resumed = 0;
    for dialogue in many(Part::Train).filter(|it| it.category == Category::FalseAlarm) {
        let Some(at) = dialogue.slices.iter().position(|it| it.phase == Phase::Resume) else {
            continue;
        };
        let said = |slices: &[duplex_datasets::Slice]| {
            slices.iter().filter_map(|it| it.assistant.clone()).collect::<Vec<_>>().join(" ")
        };
        let whole = format!("{} {}", said(&dialogue.slices[..at]), said(&dialogue.slices[at..]));
        assert!(exchanges().iter().any(|it| it.reply == whole), "{whole}");
        resumed += 1;
    }
    assert!(resumed > 20, "only {resumed} were resumed");
}

#[test]
fn backchannels_are_backchannels_of_their_part() {
    let said = Phrasebook::builtin().backchannels.of(Part::Test);
    // As written, and as misrecognised.
    let written = said.iter().chain(said.iter().flat_map(|said| Hearing::of(said)));
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    let backchannels: BTreeSet<String> =
        written.flat_map(|backchannel| backchannel.split(' ').map(plain)).collect();
    let mut heard = 0;
    for dialogue in many(Part::Test).filter(|it| it.category == Category::Backchannel) {
        let text: Vec<String> = dialogue
            .slices
            .iter()
            .filter(|slice| slice.phase == Phase::Backchannel)
            .filter_map(|slice| slice.user.clone())
            .collect();
        for word in text.iter().flat_map(|text| text.split(' ')) {
            let word = plain(word);
            heard += 1;
            // Sometimes the recogniser writes another word.
            let known = backchannels.contains(&word);
            assert!(
                known || exchanges().iter().any(|it| it.ask.to_lowercase().contains(&word)),
                "{word}"
            );
        }
    }
    assert!(heard > 50);
}

proptest! {
    #[test]
    fn the_assistant_speaks_exactly_where_its_phase_says_so(seed: u64, number in 0u64..1 << 40) {
        let dialogue = builder(Part::Train, seed).dialogue(number);
        for slice in &dialogue.slices {
            prop_assert_eq!(slice.assistant.is_some(), slice.phase.speaks(), "{:?}", slice);
            prop_assert!(slice.assistant.is_some() || !slice.ends);
            let text = [&slice.user, &slice.assistant];
            prop_assert!(text.into_iter().flatten().all(|text| !text.trim().is_empty()));
        }
    }

    #[test]
    fn who_has_been_stopped_is_silent_until_addressed(seed: u64, number in 0u64..1 << 40) {
        let dialogue = builder(Part::Train, seed).dialogue(number);
        let mut stopped = false;
        for slice in &dialogue.slices {
            match slice.phase {
                Phase::Stop => stopped = true,
                Phase::Start | Phase::LateStart | Phase::Resume => stopped = false,
                phase => prop_assert!(!(stopped && phase.speaks()), "{:?}", dialogue.slices),
            }
        }
    }

    #[test]
    fn a_slice_holds_no_more_words_than_can_be_said_in_it(seed: u64, number in 0u64..1 << 40) {
        const FASTEST_WORDS_A_SECOND: usize = 6;
        let dialogue = builder(Part::Train, seed).dialogue(number);
        let most = 2 + FASTEST_WORDS_A_SECOND * dialogue.slice_ms as usize / 1000;
        for text in dialogue.slices.iter().flat_map(|it| [&it.user, &it.assistant]).flatten() {
            prop_assert!(text.split(' ').count() <= most, "{text}: more than {most} words");
        }
    }
}

#[test]
fn where_the_user_falls_silent_is_told_from_where_a_slice_was_over_before_the_user() {
    for dialogue in many(Part::Train) {
        for slice in &dialogue.slices {
            let expected = match slice.phase {
                Phase::Wait => Some(false),
                Phase::Break | Phase::Start => Some(true),
                Phase::Pause | Phase::Hold if slice.user.is_none() => Some(false),
                _ => None,
            };
            assert!(expected.is_none_or(|it| it == slice.falls_silent), "{slice:?}");
            assert!(slice.user.is_some() || !slice.falls_silent, "{slice:?}");
        }
    }
}

#[test]
fn an_assistant_that_knows_only_silence_answers_every_break_or_no_end_at_once() {
    let right = |wait: usize, phase: Phase| -> Vec<bool> {
        let asked = many(Part::Test).flat_map(|dialogue| by_silence(&dialogue, wait));
        let right: Vec<bool> =
            asked.filter(|asked| asked.phase == phase).map(|asked| asked.is_right()).collect();
        assert!(!right.is_empty());
        right
    };
    let all = |wait, phase| right(wait, phase).into_iter().all(|it| it);
    let none = |wait, phase| !right(wait, phase).contains(&true);
    assert!(all(0, Phase::Start) && none(0, Phase::Break));
    assert!(none(1, Phase::Start) && all(1, Phase::Break) && none(1, Phase::Pause));
    assert!(none(0, Phase::Backchannel) && none(1, Phase::Backchannel));
}
