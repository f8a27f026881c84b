//! A recogniser that fails for long: the call is not deaf afterwards.

use duplex_core::{
    Action, ConversationEvent, DuplexSession, Event, Failure, Permille, Policy, Samples,
    SessionTime, Speaker, VadFrame,
};

const FRAME: u64 = 512;

/// The longest audio that whisper takes.
const LONGEST: Samples = Samples::from_millis(30_000);

/// A session, and a recogniser that fails until a moment, or on too long a window.
struct Call {
    session: DuplexSession,
    now: SessionTime,
    works_from: SessionTime,
    /// What was requested, by moment and length.
    requests: Vec<(SessionTime, Samples)>,
}

impl Call {
    fn run(&mut self, millis: u64, speech: bool) {
        for _ in 0..Samples::from_millis(millis).0 / FRAME {
            self.now = self.now + Samples(FRAME);
            let probability = Permille(if speech { 950 } else { 20 });
            let frame = VadFrame { speech, probability, level: -20, high_band_snr: 20 };
            let mut events = vec![Event::VoiceActivity(frame)];
            while let Some(event) = events.pop() {
                for action in self.session.step(self.now, event) {
                    let Action::Recognise { segment, from, to, .. } = action else { continue };
                    self.requests.push((self.now, to - from));
                    let fails = self.now < self.works_from || to - from > LONGEST;
                    events.push(if fails {
                        Event::Failed(Failure::Recogniser(segment))
                    } else {
                        let text = "What is this?".to_owned();
                        Event::Recognised { segment, to, text, confidence: Permille(900) }
                    });
                }
            }
        }
    }
}

fn call(outage: u64) -> Call {
    Call {
        session: DuplexSession::new(Policy::default()),
        now: SessionTime(0),
        works_from: SessionTime(0) + Samples::from_millis(outage),
        requests: Vec::new(),
    }
}

#[test]
fn words_before_and_after_a_long_outage_are_recognised() {
    let mut call = call(60_000);
    call.run(1_000, true);
    call.run(40_000, false);
    call.run(2_000, true);
    call.run(40_000, false);
    let (user, _) = call.session.unsettled();
    let all: String =
        call.session.transcript().lines().iter().map(|line| line.text.as_str()).collect();
    assert!((user + &all).contains("What is this?"), "{all}");
    let longest = call.requests.iter().map(|(_, length)| *length).max();
    assert!(longest.is_some_and(|longest| longest <= LONGEST), "{longest:?}");
}

#[test]
fn a_recogniser_that_always_fails_is_not_asked_with_every_frame() {
    let mut call = call(u64::from(u32::MAX));
    call.run(2_000, true);
    call.run(20_000, false);
    assert!(call.requests.len() <= 22 * 4, "{} requests in 22 s", call.requests.len());
    assert!(call.requests.len() >= 22, "it is asked again: {}", call.requests.len());
}

/// So much of the user's sound or silence; what is asked for meanwhile goes to `answer`, which may answer it.
fn hears(
    session: &mut DuplexSession,
    now: &mut SessionTime,
    (millis, speech): (u64, bool),
    answer: &mut dyn FnMut(Action) -> Option<Event>,
) {
    for _ in 0..Samples::from_millis(millis).0 / FRAME {
        *now = *now + Samples(FRAME);
        let probability = Permille(if speech { 950 } else { 20 });
        let frame = VadFrame { speech, probability, level: -20, high_band_snr: 20 };
        let mut events = vec![Event::VoiceActivity(frame)];
        while let Some(event) = events.pop() {
            events.extend(session.step(*now, event).into_iter().filter_map(&mut *answer));
        }
    }
}

/// A reply of one clause, where nothing fails.
fn says(action: Action) -> Option<Event> {
    let audio = Samples::from_millis(500);
    match action {
        Action::Write { turn, .. } => {
            Some(Event::Written { turn, text: "A test.".to_owned(), last: true })
        }
        Action::Synthesise { turn, clause, .. } => {
            Some(Event::Synthesised { turn, clause, audio, marks: Vec::new(), last: true })
        }
        Action::Speak(turn) => Some(Event::Played { turn, audio }),
        _ => None,
    }
}

#[test]
fn an_answer_that_comes_after_that_to_a_newer_request_changes_nothing() {
    let (mut session, mut now) = (DuplexSession::new(Policy::default()), SessionTime(0));
    let recognised = |action: &Action, text: &str| match action {
        Action::Recognise { segment, to, .. } => Some(Event::Recognised {
            segment: *segment,
            to: *to,
            text: text.to_owned(),
            confidence: Permille(900),
        }),
        _ => None,
    };
    // The first request is answered so late that it counts as lost, and a newer one is made.
    let mut late = None;
    let mut keeps = |action: Action| match &late {
        None => {
            late = recognised(&action, "Something else.");
            None
        }
        Some(_) => recognised(&action, "What is this?"),
    };
    hears(&mut session, &mut now, (15_000, true), &mut keeps);
    let before = session.unsettled();
    assert!(before.0.contains("What is this?"), "{before:?}");
    let late = late.expect("the sound was to be recognised");
    session.step(now, late);
    assert_eq!(session.unsettled(), before);
}

#[test]
fn a_voice_that_fails_in_the_first_clause_costs_that_answer_and_no_word_of_the_users() {
    let (mut session, mut now) = (DuplexSession::new(Policy::default()), SessionTime(0));
    let (mut failures, mut warnings) = (0, Vec::new());
    let mut answers = |action: Action| match action {
        Action::Recognise { segment, to, .. } => {
            let text = "What is this?".to_owned();
            Some(Event::Recognised { segment, to, text, confidence: Permille(900) })
        }
        Action::DetectEndOfTurn { to, .. } => {
            Some(Event::EndOfTurn { to, probability: Permille(950) })
        }
        Action::Synthesise { turn, .. } if failures == 0 => {
            failures += 1;
            Some(Event::Failed(Failure::Voice(turn)))
        }
        Action::Notify(ConversationEvent::Warning { text: what, .. }) => {
            warnings.push(what);
            None
        }
        action => says(action),
    };
    for _ in 0..2 {
        hears(&mut session, &mut now, (1_000, true), &mut answers);
        hears(&mut session, &mut now, (4_000, false), &mut answers);
    }
    let lines = session.transcript().lines().iter();
    let said: Vec<_> = lines.map(|line| (line.speaker, line.text.as_str())).collect();
    assert_eq!(
        said,
        [(Speaker::User, "What is this? What is this?"), (Speaker::Assistant, "A test.")]
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("voice"), "{warnings:?}");
}

#[test]
fn a_reply_that_fails_in_a_pause_does_not_end_the_turn() {
    // In the pause a reply is prepared, since the user may be waited for no longer.
    let longest_wait = Samples::from_millis(1_400);
    let policy = Policy { longest_wait, ..Policy::default() };
    let retries = policy.retries;
    for voice_fails in [false, true] {
        let (mut session, mut now) = (DuplexSession::new(policy.clone()), SessionTime(0));
        let (mut failures, mut turns) = (0, Vec::new());
        let goes_on_at = SessionTime(0) + Samples::from_millis(1_800);
        let mut answers = |action: Action| match action {
            Action::Recognise { segment, to, .. } => {
                let whole = to > goes_on_at;
                let text = if whole { "I went to the shop today." } else { "I went to" };
                let confidence = Permille(900);
                Some(Event::Recognised { segment, to, text: text.to_owned(), confidence })
            }
            Action::DetectEndOfTurn { to, .. } => {
                Some(Event::EndOfTurn { to, probability: Permille(50) })
            }
            Action::Write { turn, .. } if !voice_fails && failures <= retries => {
                failures += 1;
                Some(Event::Failed(Failure::Model(turn)))
            }
            Action::Synthesise { turn, .. } if voice_fails && failures == 0 => {
                failures += 1;
                Some(Event::Failed(Failure::Voice(turn)))
            }
            Action::Notify(ConversationEvent::UserTurn { text, .. }) => {
                turns.push(text);
                None
            }
            action => says(action),
        };
        hears(&mut session, &mut now, (1_000, true), &mut answers);
        hears(&mut session, &mut now, (800, false), &mut answers);
        hears(&mut session, &mut now, (1_000, true), &mut answers);
        hears(&mut session, &mut now, (3_000, false), &mut answers);
        assert!(failures > 0, "nothing was prepared in the pause");
        assert_eq!(turns, ["I went to the shop today."]);
        let last = session.transcript().lines().last().map(|line| line.speaker);
        assert_eq!(last, Some(Speaker::Assistant), "it is answered");
    }
}
