//! How many trials a case has, and about how long it takes.

use duplex_audio::room::{Anchor, WORDS_PER_SECOND};
use duplex_core::Samples;

use crate::{
    case::{Announcement, Case},
    measure::words,
    report::Expect,
};

/// Assumed response latency of an assistant.
const ANSWER: Samples = Samples::from_millis(900);
/// Assumed length of a reply. It is a guess: only cases that hear a reply out depend on it.
const REPLY: Samples = Samples::from_millis(8_000);
/// Factor by which the gaps between words prolong the assistant's speech.
const GAPS: f64 = 1.15;

/// How many trials of its category a case has: see
/// [`Category::tried`](crate::case::Category::tried).
pub fn trials(case: &Case) -> usize {
    let Some(tried) = case.category.tried() else { return 1 };
    let expect = case.cues.iter().filter_map(|cue| case.expect.get(&cue.id));
    expect.filter(|expectation| expectation.outcomes.contains(&tried)).count()
}

/// From when to when the assistant says what it is told to say first.
fn announced(announcements: &[Announcement]) -> (u64, u64) {
    let first = announcements.iter().min_by_key(|announcement| announcement.at);
    first.map_or((0, 0), |Announcement { at, text }| {
        let seconds = words::normalise(text).len() as f64 / WORDS_PER_SECOND * GAPS;
        let from = *at + ANSWER;
        (from.0, (from + Samples::from_millis((seconds * 1_000.0) as u64)).0)
    })
}

/// About how long the call lasts with an assistant that behaves as expected. For progress bars and
/// plans.
pub fn estimate(case: &Case) -> Samples {
    let (mut ended, mut reply) = (0, announced(&case.announcements));
    for cue in &case.cues {
        let earliest = cue.anchor.earliest().0;
        let began = match cue.anchor {
            Anchor::Start(at) => at.0.max(ended),
            Anchor::Speaking(_) => ended.max(reply.0) + earliest,
            Anchor::Words(count) => {
                let seconds = f64::from(count) / WORDS_PER_SECOND * GAPS;
                ended.max(reply.0) + Samples::from_millis((seconds * 1_000.0) as u64).0
            }
            Anchor::Quiet(_) | Anchor::Stopped(_) => ended.max(reply.1) + earliest,
            Anchor::AfterCue(_) => ended + earliest,
        };
        ended = began + cue.sound.length().0;
        let outcomes = case.expect.get(&cue.id).map(|expectation| expectation.outcomes.as_slice());
        match outcomes.unwrap_or_default() {
            outcomes if outcomes.contains(&Expect::Respond) => {
                reply = (ended + ANSWER.0, ended + ANSWER.0 + REPLY.0);
            }
            outcomes if outcomes.contains(&Expect::Stop) => reply = (ended, ended),
            _ => {}
        }
    }
    let heard_out = ended.max(reply.1) + Samples::from_millis(case.room.tail_ms).0;
    let hung_up = case.room.hang_up_ms.map(|limit| ended + Samples::from_millis(limit).0);
    Samples(hung_up.map_or(heard_out, |hung_up| hung_up.min(heard_out)))
}
