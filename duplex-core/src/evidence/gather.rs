//! Observes the user's pending sound, and the situation it falls into.

use crate::{
    Permille, Policy, Samples, SessionTime,
    user_tracker::Pending,
    words::{self, Act, Wording},
};

use super::{Feature, Features};

/// Shortest plausible mean length of a word. More words than that in a sound are hallucinated: the recogniser knows
/// sentences better than backchannels.
const SHORTEST_WORD: u64 = Samples::from_millis(200).0;

/// Lowest high-band signal-to-noise ratio of a voice that is close by, in dB.
const NEAR_DB: i64 = 8;

/// How far two levels of the same voice may lie apart from one turn to the next, in dB.
pub(crate) const SAME_VOICE_DB: i64 = 6;

/// How far apart, in dB, the levels of two voices must lie to tell them apart by it.
const APART_DB: i32 = 5;

/// Words of the assistant's that its echo may hold.
const ECHOED: usize = 30;

/// The situation that a sound falls into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Situation<'a> {
    pub(crate) now: SessionTime,
    /// The user is speaking.
    pub(crate) is_speaking: bool,
    /// The assistant is speaking.
    pub(crate) speaks: bool,
    /// It is, or the sound has cut its reply, or adds to what has.
    pub(crate) overlaps: bool,
    /// The words of a command that was obeyed, which the sound adds a few to.
    pub(crate) adds_to: Option<&'a str>,
    /// What was heard of the assistant last, of the reply under way too; none if it has said nothing yet.
    pub(crate) said: Option<&'a str>,
    /// The assistant has said nothing since the user's last turn: what it said last is no statement to react to.
    pub(crate) is_due: bool,
    /// The end of the assistant's question is about to be heard.
    pub(crate) is_asking: bool,
    /// When the assistant last fell silent.
    pub(crate) spoke_until: SessionTime,
    /// Mean level of the user's last turn that was answered, in dBFS.
    pub(crate) level: Option<i32>,
    /// Level of a softer voice that went on behind the user's, in dBFS.
    pub(crate) others: Option<i32>,
    /// The words that were not answered, where that was lately.
    pub(crate) ignored: Option<&'a str>,
    /// The reply model's probability that the user's words are whole.
    pub(crate) end_of_words: Option<Permille>,
    /// The duplex model's probability that the assistant should be silent.
    pub(crate) idle: Option<Permille>,
}

/// Observes everything that is known of a sound in its situation.
pub(crate) fn gather(user: &Pending, situation: &Situation<'_>, policy: &Policy) -> Features {
    let mut features = Features::default();
    sound(&mut features, user, situation, policy);
    // What a sound is follows from its own words; whether the turn is over from all of it.
    let (text, turn) = (user.own_text(), user.text());
    let heard = words::normalise(&text);
    let is_partial = situation.is_speaking || !user.is_recognised();
    features.flag(Feature::Partial, is_partial);
    if !heard.is_empty() {
        spoken(&mut features, user, &heard, situation);
        // What is added to a command is judged with it.
        let sentence = [situation.adds_to.unwrap_or_default(), &text].join(" ");
        let words = words::normalise(&sentence);
        acts(&mut features, sentence.trim_start(), &words, policy);
        wording(&mut features, &words);
        wholeness(&mut features, &turn, &words::normalise(&turn), situation);
    } else if !is_partial {
        features.flag(Feature::NoWords, true);
    }
    context(&mut features, user, &heard, situation);
    features
}

/// What is heard of the sound without its words.
fn sound(features: &mut Features, user: &Pending, situation: &Situation<'_>, policy: &Policy) {
    let voiced = user.voiced.as_millis() as i64;
    features.set(Feature::Brief, (800 - voiced).max(0) * 1000 / 800);
    features.set(Feature::Clear, i64::from(user.clear_share()));
    if let Some(score) = user.end_score() {
        features.set(Feature::EndOfTurn, logit(score) / 5);
    }
    if user.voiced >= policy.near_after {
        let missing = NEAR_DB - i64::from(user.high_band_snr);
        features.set(Feature::Far, missing.max(0) * 1000 / NEAR_DB);
    }
    if let Some((level, callers)) = user.level().zip(situation.level) {
        let softer = i64::from(callers - level) - SAME_VOICE_DB;
        features.set(Feature::Softer, softer.max(0) * 1000 / 12);
        let apart = situation.others.map(|others| callers - others);
        if let Some(apart) = apart.filter(|&apart| apart >= APART_DB) {
            features.set(
                Feature::LikeOthers,
                i64::from(callers - level).max(0) * 1000 / i64::from(apart),
            );
        }
    }
    if !situation.is_speaking {
        set_silence(features, situation.now - user.voiced_until);
    }
}

/// The user has been silent so long.
pub(crate) fn set_silence(features: &mut Features, silence: Samples) {
    features.set(Feature::Silence, silence.as_millis() as i64 / 2);
}

/// How the words fit the sound.
fn spoken(features: &mut Features, user: &Pending, heard: &[String], situation: &Situation<'_>) {
    features.flag(Feature::NoWords, false);
    features.flag(Feature::OneWord, heard.len() == 1);
    features.flag(Feature::TwoWords, heard.len() == 2);
    features.set(Feature::Certainty, (i64::from(user.confidence().0) - 700) * 1000 / 300);
    let others = 1000 - words::backchannel(heard);
    features.set(Feature::OtherWords, others * heard.len() as i64 / 4);
    let certain = ((i64::from(user.confidence().0) - 400) * 2).clamp(0, 1000);
    features.set(Feature::SureWords, others * certain / 1000);
    let needed = heard.len() as u64 * SHORTEST_WORD;
    let missing = needed.saturating_sub(user.voiced.0);
    features.set(Feature::TooFast, (missing * 1000 / needed.max(1)) as i64);
    if situation.overlaps {
        let said = words::normalise(situation.said.unwrap_or_default());
        let last = &said[said.len().saturating_sub(ECHOED)..];
        features.set(Feature::Echo, words::shared(heard, last));
    }
    features.set(
        Feature::Repeats,
        words::shared(heard, &words::normalise(situation.ignored.unwrap_or_default())),
    );
}

/// What the words do.
fn acts(features: &mut Features, text: &str, heard: &[String], policy: &Policy) {
    let mishearings = &policy.mishearings;
    features.set(Feature::Backchannel, words::backchannel(heard));
    features.flag(Feature::GoOn, words::asks_for_more(heard));
    features.flag(Feature::NearBackchannel, mishearings.resembles_backchannel(text, heard));
    features.set(Feature::Command, words::command(heard));
    features.flag(Feature::NearCommand, mishearings.resembles_stop(text, heard));
    features.set(Feature::Farewell, words::farewell(heard));
    features.flag(Feature::Asks, words::asks(heard));
    features.flag(Feature::QuestionMark, text.trim_end().ends_with('?'));
    features.set(Feature::Repair, words::repairs(heard));
    features.set(Feature::Refuses, words::refuses(heard));
    features.flag(Feature::CallsAssistant, words::calls_assistant(heard));
    features.flag(Feature::CallsPerson, words::calls_person(text));
    features.flag(Feature::EndsInName, words::ends_in_name(text));
    features.flag(Feature::OpensWithName, words::opens_with_name(text));
    features.flag(Feature::Denies, words::denies(heard));
    features.flag(Feature::Praise, words::praises(heard));
}

/// Whether the sentence is whole.
fn wholeness(features: &mut Features, text: &str, heard: &[String], situation: &Situation<'_>) {
    let said = words::normalise(words::last_sentences(situation.said.unwrap_or_default()));
    features.flag(Feature::Dangling, words::dangles(heard));
    features.flag(Feature::SmallWord, words::ends_in_small_word(text, heard));
    features.flag(Feature::Preposition, words::ends_in_preposition(heard));
    features.flag(Feature::Awaiting, words::awaits(text, heard));
    features.flag(Feature::TrailsOff, words::trails_off(text));
    features.flag(Feature::FullStop, words::has_full_stop(text));
    features.flag(Feature::Thinks, words::thinks(heard));
    features.flag(Feature::GivesList, words::gives_list(text, heard, &said));
    let gives_number = words::gives_number(heard, &said);
    features.flag(Feature::GivesNumber, gives_number);
    // "I am 35." is whole.
    let goes_on = gives_number || words::are_digits(heard);
    features.flag(Feature::FewDigits, goes_on && words::few_digits(text, heard));
    features.flag(Feature::ClosesList, words::closes_list(heard));
}

/// What the wording of normalised words resembles.
pub fn wording(features: &mut Features, words: &[String]) {
    let wording = Wording::of(words);
    for (feature, &act) in Feature::OF_ACTS.iter().zip(Act::ALL) {
        features.set(*feature, logit(wording.get(act)) / 5);
    }
}

/// What came before.
fn context(features: &mut Features, user: &Pending, heard: &[String], situation: &Situation<'_>) {
    features.flag(Feature::Overlaps, situation.overlaps);
    let gap = (user.began - situation.spoke_until).as_millis() as i64;
    let spoke = situation.spoke_until > SessionTime(0) && !situation.overlaps;
    features.set(Feature::FollowsSpeech, if spoke { (500 - gap).max(0) * 2 } else { 0 });
    let said = situation.said.unwrap_or_default();
    let asked = words::is_question(said) || situation.is_asking;
    let invited = !asked && words::invites(said);
    features.flag(Feature::WasAsked, asked && !situation.is_due);
    features.flag(Feature::WasInvited, invited && !situation.is_due);
    features.flag(Feature::WasIgnored, situation.ignored.is_some());
    if let Some(end) = situation.end_of_words {
        features.set(Feature::EndOfWords, logit(end) / 5);
    }
    if let Some(idle) = situation.idle.filter(|_| !heard.is_empty()) {
        let yields = if situation.speaks { logit(idle) } else { -logit(idle) };
        features.set(Feature::ModelYields, yields / 5);
    }
}

/// The logit of a probability, in thousandths, from -5000 to 5000.
fn logit(probability: Permille) -> i64 {
    let p = f64::from(probability.0.clamp(1, 999));
    // Sums and products alone, so that every machine gives the same: the logarithm of p / (1000 - p) as a series of
    // atanh.
    let ratio = p / (1000.0 - p);
    let twos = ratio.to_bits() >> 52;
    let exponent = twos as i64 - 1023;
    let mantissa = f64::from_bits((ratio.to_bits() & ((1 << 52) - 1)) | (1023 << 52));
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let (mut sum, mut power) = (0.0, z);
    for n in 0..12 {
        sum += power / f64::from(2 * n + 1);
        power *= z * z;
    }
    let ln = exponent as f64 * std::f64::consts::LN_2 + 2.0 * sum;
    ((ln * 1000.0) as i64).clamp(-5000, 5000)
}
