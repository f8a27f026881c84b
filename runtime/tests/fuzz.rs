//! Journals that nobody wrote: any bytes, damaged ones, and calls that make no sense.
//!
//! Each test runs for a second, and for longer where `BOLERO_RANDOM_TEST_TIME_MS` says so
//! (docs/soak.md).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../tests/tests/mutation/mod.rs"]
mod mutation;

use std::{fmt::Write as _, path::Path};

use bolero::{TypeGenerator, produce};
use duplex_core::{
    Action, DecisionId, DuplexSession, Event, Failure, Mark, Permille, Policy, Samples, SegmentId,
    SessionTime, Turn, VadFrame,
};
use duplex_runtime::{Difference, Journal, JournalError, replay_from};
use mutation::{damage, mutated};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// What stepping through a small journal may take.
const MOST_BYTES: usize = 64 << 20;

fn read(bytes: &[u8]) -> Result<(usize, Option<Difference>), JournalError> {
    PEAK.reset_peak_usage();
    let read = replay_from(Path::new("any.journal"), bytes, &mut |_| ());
    let most = PEAK.peak_usage();
    assert!(most < MOST_BYTES, "{most} bytes of memory for a journal of {}", bytes.len());
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
    match &read {
        Ok((events, _)) => assert!(*events < lines, "{events} events on {lines} lines"),
        Err(error) => assert!(error.to_string().starts_with("any.journal"), "{error}"),
    }
    read
}

#[test]
fn any_bytes_are_no_journal_and_that_is_said() {
    bolero::check!().with_type::<Vec<u8>>().for_each(|bytes| {
        read(bytes).unwrap_err();
    });
}

#[test]
fn any_damage_to_a_journal_is_named_or_shows_as_a_difference() {
    let plan: Vec<Step> = (0..40u8).map(|n| Step::voice(n % 20 < 10)).collect();
    let whole = written(&Policy::default(), &plan);
    let lines = whole.lines().count();
    assert_eq!(read(whole.as_bytes()).unwrap(), (lines - 1, None));
    bolero::check!().with_generator(damage()).for_each(|damage| {
        _ = read(&mutated(whole.as_bytes(), damage));
    });
}

#[test]
fn any_header_is_a_policy_or_a_named_error() {
    let event = json!({ "at": 512, "event": "Left", "actions": [] }).to_string();
    let headers = produce::<(u64, Vec<(u8, Odd)>)>();
    bolero::check!().with_generator(headers).for_each(|(version, changes)| {
        let mut header = json!({ "journal": Journal::VERSION, "policy": Policy::default() });
        let is_whole = changes.is_empty();
        for (key, odd) in changes {
            let policy = header["policy"].as_object_mut().unwrap();
            let index = usize::from(*key) % policy.len();
            *policy.values_mut().nth(index).unwrap() = odd.value();
        }
        let journal = |version: u64| {
            let mut header = header.clone();
            header["journal"] = json!(version);
            format!("{header}\n{event}\n")
        };
        let read_back = read(journal(u64::from(Journal::VERSION)).as_bytes());
        assert!(!is_whole || read_back.is_ok());
        if *version != u64::from(Journal::VERSION) {
            let error = read(journal(*version).as_bytes()).unwrap_err();
            let shown = error.to_string();
            assert!(shown.contains(&format!("version {version},")), "{shown}");
        }
    });
}

#[test]
fn any_call_that_was_written_down_replays_without_a_difference() {
    let calls = produce::<(Thresholds, Vec<Step>)>();
    bolero::check!().with_generator(calls).for_each(|(thresholds, plan)| {
        let journal = written(&thresholds.policy(), plan);
        let events = plan.iter().map(Step::times).sum();
        assert_eq!(read(journal.as_bytes()).unwrap(), (events, None));
    });
}

/// A value that stands where another belongs.
#[derive(Debug, TypeGenerator)]
enum Odd {
    Nothing,
    Number(u64),
    Negative(i64),
    Text,
    List(Vec<(u64, u16)>),
    Deep,
}

impl Odd {
    fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Number(number) => json!(number),
            Self::Negative(number) => json!(number),
            Self::Text => json!("weighed"),
            Self::List(points) => json!(points),
            Self::Deep => (0..60).fold(Value::Null, |inner, _| json!([inner])),
        }
    }
}

/// The thresholds of a policy that no person would set.
#[derive(Debug, TypeGenerator)]
struct Thresholds {
    of: u8,
    spans: [u32; 7],
    share: u16,
}

impl Thresholds {
    fn policy(&self) -> Policy {
        let [a, b, c, d, f, g, h] = self.spans.map(|span| Samples(u64::from(span)));
        let e = Permille(self.share % 1001);
        let usual = match self.of % 3 {
            0 => Policy::barge_in(),
            1 => Policy::turn_based(),
            _ => Policy::default(),
        };
        if self.of < 32 {
            return usual;
        }
        Policy {
            slice: a,
            decision_slice: b,
            longest_window: c,
            lead: d,
            clear: e,
            shortest_wait: f,
            longest_wait: g,
            fixed_wait: (h.0 % 2 == 0).then_some(h),
            ..usual
        }
    }
}

/// What happens next, and how much later.
#[derive(Debug, TypeGenerator)]
struct Step {
    later: Later,
    what: What,
}

#[derive(Debug, TypeGenerator)]
enum Later {
    Window,
    Soon(u16),
    Late(u32),
    /// Never, in practice; and once more, before it.
    Wraps(u64),
}

#[derive(Debug, TypeGenerator)]
enum What {
    Voice {
        speech: bool,
        probability: u16,
        level: i8,
        high_band_snr: i8,
    },
    /// So many windows of speech or silence.
    Voices {
        speech: bool,
        windows: u8,
    },
    Recognised {
        segment: u8,
        to: u32,
        text: u8,
        confidence: u16,
    },
    EndOfTurn {
        to: u32,
        probability: u16,
    },
    Decided {
        slice: u8,
        idle: u16,
    },
    EndOfWords {
        turn: u8,
        probability: u16,
    },
    Written {
        turn: u8,
        text: u8,
        last: bool,
    },
    Synthesised {
        turn: u8,
        clause: u8,
        audio: u32,
        marks: Vec<(u32, u16)>,
        last: bool,
    },
    Played {
        turn: u8,
        audio: u32,
    },
    Failed {
        which: u8,
        number: u8,
    },
    Left,
}

const TEXTS: [&str; 8] = [
    "",
    "Uh-huh.",
    "Stop.",
    "What is the capital of France?",
    " Gr\u{fc}n \u{1f600}, and\u{2026}",
    "Mum, I am here.",
    "\u{130}\u{307}",
    "my number is five five",
];

impl Step {
    fn voice(speech: bool) -> Self {
        let what = What::Voice { speech, probability: 900, level: -30, high_band_snr: 20 };
        Self { later: Later::Window, what }
    }

    /// How often the event comes.
    fn times(&self) -> usize {
        if let What::Voices { windows, .. } = self.what { windows.into() } else { 1 }
    }

    fn event(&self) -> Event {
        let text = |index: u8| TEXTS[usize::from(index) % TEXTS.len()].to_owned();
        match self.what {
            What::Voice { speech, probability, level, high_band_snr } => {
                let probability = Permille(probability);
                Event::VoiceActivity(VadFrame { speech, probability, level, high_band_snr })
            }
            What::Voices { speech, windows } => Event::VoiceActivity(VadFrame {
                speech,
                probability: Permille(if speech { 900 } else { u16::from(windows) }),
                level: -20,
                high_band_snr: 20,
            }),
            What::Recognised { segment, to, text: index, confidence } => Event::Recognised {
                segment: SegmentId(segment.into()),
                to: SessionTime(to.into()),
                text: text(index),
                confidence: Permille(confidence),
            },
            What::EndOfTurn { to, probability } => {
                Event::EndOfTurn { to: SessionTime(to.into()), probability: Permille(probability) }
            }
            What::Decided { slice, idle } => {
                Event::Decided { slice: DecisionId(slice.into()), idle: Permille(idle) }
            }
            What::EndOfWords { turn, probability } => {
                Event::EndOfWords { turn: Turn(turn.into()), probability: Permille(probability) }
            }
            What::Written { turn, text: index, last } => {
                Event::Written { turn: Turn(turn.into()), text: text(index), last }
            }
            What::Synthesised { turn, clause, audio, ref marks, last } => Event::Synthesised {
                turn: Turn(turn.into()),
                clause: clause.into(),
                audio: Samples(audio.into()),
                marks: marks
                    .iter()
                    .map(|&(at, bytes)| Mark { at: Samples(at.into()), bytes: bytes.into() })
                    .collect(),
                last,
            },
            What::Played { turn, audio } => {
                Event::Played { turn: Turn(turn.into()), audio: Samples(audio.into()) }
            }
            What::Failed { which, number } => Event::Failed(match which % 3 {
                0 => Failure::Recogniser(SegmentId(number.into())),
                1 => Failure::Model(Turn(number.into())),
                _ => Failure::Voice(Turn(number.into())),
            }),
            What::Left => Event::Left,
        }
    }
}

/// The journal of a call, as the program writes it.
fn written(policy: &Policy, plan: &[Step]) -> String {
    let mut session = DuplexSession::new(policy.clone());
    let mut journal = json!({ "journal": Journal::VERSION, "policy": policy }).to_string();
    journal.push('\n');
    let mut at = 0u64;
    for step in plan.iter().flat_map(|step| std::iter::repeat_n(step, step.times())) {
        at = match step.later {
            Later::Window => at.wrapping_add(512),
            Later::Soon(by) => at.wrapping_add(by.into()),
            Later::Late(by) => at.wrapping_add(by.into()),
            Later::Wraps(by) => at.wrapping_add(by),
        };
        let (at, event) = (SessionTime(at), step.event());
        let actions: Vec<Action> = session.step(at, event.clone());
        let line = json!({ "at": at, "event": event, "actions": actions });
        writeln!(journal, "{line}").unwrap();
    }
    journal
}
