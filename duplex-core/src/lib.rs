//! A full-duplex conversation as a pure state machine: turn-taking for a voice assistant that listens while it speaks.
//!
//! The principal type is [`DuplexSession`]. It takes in what happened and when, as an [`Event`] at a [`SessionTime`],
//! and gives the [`Action`]s to carry out. Time counts microphone samples at 16 kHz. The same events at the same times
//! always give the same actions, so a journalled call can be replayed.
//!
//! There is no thread, clock, device, model, file or hash map in this crate, and no dependency: `serde` derives exist
//! behind the feature of that name, for the journal of `duplex-runtime`.
//!
//! # The run loop
//!
//! An inbox with one consumer feeds the session, and each action is carried out. Here the models answer at once, always
//! the same, and the loudspeaker plays a clause in no time. Real ones answer later, into the same inbox, while voice
//! activity keeps coming.
//!
//! ```
//! use duplex_core::{Action, DuplexSession, Event, Permille, Policy, Samples, SessionTime, VadFrame};
//!
//! let mut session = DuplexSession::new(Policy::default());
//! let (mut at, mut inbox) = (SessionTime(0), std::collections::VecDeque::new());
//! let (score, audio) = (Permille(950), Samples::from_millis(1_000));
//! while at.as_millis() < 4_000 {
//!     at = at + Samples(512);
//!     let speech = at.as_millis() <= 1_000; // The user speaks for a second, and is silent then.
//!     let probability = Permille(if speech { 950 } else { 20 });
//!     inbox.push_back(Event::VoiceActivity(VadFrame { speech, probability, level: -30, high_band_snr: 20 }));
//!     while let Some(event) = inbox.pop_front() {
//!         for action in session.step(at, event) {
//!             inbox.push_back(match action {
//!                 Action::Recognise { segment, to, .. } => {
//!                     Event::Recognised { segment, to, text: "What time is it?".into(), confidence: score }
//!                 }
//!                 Action::DetectEndOfTurn { to, .. } => Event::EndOfTurn { to, probability: score },
//!                 Action::Write { turn, .. } => Event::Written { turn, text: "It is noon.".into(), last: true },
//!                 Action::Synthesise { turn, clause, .. } => {
//!                     Event::Synthesised { turn, clause, audio, marks: Vec::new(), last: true }
//!                 }
//!                 Action::Speak(turn) => Event::Played { turn, audio },
//!                 _ => continue, // Prefill, playout and notices, which nothing answers.
//!             });
//!         }
//!     }
//! }
//! let lines: Vec<_> = session.transcript().lines().iter().map(|line| line.text.as_str()).collect();
//! assert_eq!(lines, ["What time is it?", "It is noon."]);
//! ```
//!
//! # How a turn goes
//!
//! **The user's side.** The first voiced frame is the onset of a sound that stays pending until it is settled. It is
//! recognised in segments ([`SegmentId`]), each in a window that grows while the user speaks ([`Action::Recognise`]).
//! Words on which two successive hypotheses agree are committed and prefilled. When the user falls silent, the tail is
//! recognised at once, and the models that [`Policy::sources`] names are asked whether the turn is over: the acoustic
//! end-of-turn model ([`Action::DetectEndOfTurn`]), the duplex model ([`Action::Decide`]), or both.
//!
//! **The assistant's side** is silent, preparing or speaking. As soon as the tail has its words, a reply is prepared
//! under a new [`Turn`]: its first clause is written and synthesised. It is released ([`Action::Speak`]) once the
//! [`Weights`] say that the user's turn is over, with a probability that follows from the [`Costs`]. If the user goes on
//! before, it is dropped ([`Action::Drop`]) and nobody heard it. The [`Transcript`] has of a reply only
//! what was heard ([`Utterance`]).
//!
//! **Both at once.** A sound over the assistant's voice ducks the playout at once and holds it if it lasts; then comes
//! a [`Verdict`]. A turn, or sheer length, cancels the reply ([`Action::Cancel`]) and is answered; a command to stop
//! cancels it, and silence follows. After a backchannel, a cough, a far-field voice or words for somebody else, the
//! playout is released and unducked. A reply that was cut in error resumes under a new turn. A user who takes the floor
//! in the first second of a reply had not finished: both parts become one turn.
//!
//! **Programs** steer a call by [`Command`]s ([`Event::Command`]), which are obeyed in the step that takes them, and see
//! it as a stream of [`ConversationEvent`]s ([`Action::Notify`]): nothing else of the actions is meant for people.
//!
//! **Cancelled work** dies at one gate: [`DuplexSession::step`] discards every event of a turn other than the live one.
//!
//! # Reading order
//!
//! 1. `event` and `action`: what goes in, what comes out, and which event answers which action.
//!    `command` and `conversation_event`: the same for programs and people.
//! 2. `session`: the gate and the state of the assistant; below it `answer` (the assistant is silent), `overlap` (it
//!    speaks), `decide` (requests to the duplex model), `obey` (commands) and `show` (what is shown of it).
//! 3. `user_tracker`: the user's pending sound, its segments and hypotheses.
//! 4. `evidence`: whether the user's turn is over. `overlap_policy`: what the user's words are, and the verdict.
//! 5. `reply` and `utterance`: a reply from its first clause to what was heard of it. `transcript`: the lines that
//!    result.
//! 6. [`words`]: the word lists behind both judgements. `policy`: every threshold ([`Policy`]).

mod action;
mod command;
mod conversation_event;
mod event;
mod evidence;
mod overlap_policy;
mod policy;
mod reply;
mod seam;
mod session;
mod time;
mod transcript;
mod user_tracker;
mod utterance;
pub mod words;

pub use action::{Action, Context, SliceWords, TurnContext, Why};
pub use command::{Command, CommandId, Refusal, SessionChange, TurnChange};
pub use conversation_event::{ConversationEvent, Shown, Stages};
pub use event::{Event, Failure, Mark, Permille, VadFrame};
pub use evidence::{
    Choice, Costs, FEATURES, Feature, Features, Linear, SOUND_KINDS, Sound, SoundKind, Weights,
    exp, wording,
};
pub use overlap_policy::Verdict;
pub use policy::{Overlap, Policy, Sources};
pub use session::{DuplexSession, Observed};
pub use time::{DecisionId, SAMPLE_RATE, Samples, SessionTime, SliceClock};
pub use transcript::{Cut, Line, LinesEdit, Speaker, Transcript, UserKind};
pub use utterance::Utterance;
pub use words::Mishearings;

/// Numbers the assistant's attempts to speak, from 1. Events of any turn but the live one are discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Turn(pub u32);

/// Numbers what the user says, from 0: each number is one sound, of one or more segments, that is settled as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Speech(pub u32);

/// Numbers the segments of the user's sound; each is recognised as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct SegmentId(pub u32);
