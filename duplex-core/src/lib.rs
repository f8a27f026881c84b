//! A full-duplex conversation as a pure state machine.
//!
//! [`DuplexSession`] is told what happened and when, and answers what to do next. The same events at
//! the same times always give the same actions, so a call that was written down can be stepped
//! through again.
//!
//! There is no thread, clock, device, model, file or hash map in this crate, and no dependency:
//! `serde` derives exist behind the feature of that name for the journal of `duplex-runtime`.

mod action;
mod event;
mod evidence;
mod overlap_policy;
mod policy;
mod reply;
mod session;
mod time;
mod transcript;
mod user_tracker;
mod utterance;
pub mod words;

pub use action::{Action, Context, Notice, SliceWords, TurnContext, Why};
pub use event::{Event, Failure, Mark, Permille, VadFrame};
pub use evidence::Evidence;
pub use overlap_policy::Verdict;
pub use policy::{Overlap, Policy, Sources};
pub use session::DuplexSession;
pub use time::{DecisionId, SAMPLE_RATE, Samples, SessionTime, SliceClock};
pub use transcript::{Cut, Line, Speaker, Transcript, UserKind};
pub use utterance::Utterance;
pub use words::Mishearings;

/// Numbers the assistant's attempts to speak, from 1. Events of any turn but the live one are discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Turn(pub u32);

/// Numbers the segments of the user's sound; each is recognised as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct SegmentId(pub u32);
