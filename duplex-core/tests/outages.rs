//! A recogniser that fails for long: the call is not deaf afterwards.

use duplex_core::{
    Action, DuplexSession, Event, Failure, Permille, Policy, Samples, SessionTime, VadFrame,
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
