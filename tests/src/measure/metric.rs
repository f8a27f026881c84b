//! What is measured: names, units, directions. docs/metrics.md has each definition, with its
//! source.

use serde::{Deserialize, Serialize};

/// A quantity that a call is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Cases in which everything happened as expected.
    CasesPassed,
    /// Expectations that were met.
    Expectations,
    /// Turns of the user after which the assistant took the turn.
    Takeover,
    /// Turns of the user that were answered before the user spoke again.
    ResponseRate,
    /// From the user's last sound to the assistant's first.
    ResponseLatency,
    /// The same, if the user had interrupted the assistant.
    InterruptionResponse,
    /// From the user's last sound to the first audio at all, however short or soft.
    FirstAudio,
    /// Pauses inside a sentence in which the assistant took the turn.
    PauseTakeover,
    /// Sentences with a gap in which the assistant began to speak and ran over the rest.
    PrematureAnswer,
    /// Turns of the user that were answered before they had ended.
    TalkOver,
    /// From the user's first sound to the assistant's last.
    StopLatency,
    /// Interruptions to which the assistant yielded within two seconds.
    YieldRate,
    /// The stop latency, where the assistant yielded.
    YieldLatency,
    /// Commands to stop after which the assistant said no more.
    StopSilence,
    /// Backchannels through which the reply continued.
    BackchannelResume,
    /// Silence of the assistant around a backchannel through which the reply continued.
    BackchannelHole,
    /// Replies that continued where they were.
    ResumeCorrect,
    /// The same, of those that a sound to be ignored had cut.
    WrongCutResumed,
    /// Sounds that were not turns, and were not treated as turns.
    Selectivity,
    /// Sounds to be ignored that ended a reply.
    FalseBargeIn,
    /// Sounds to be ignored that were answered.
    SpuriousResponse,
    /// Self-interruptions per hour of the assistant's speech, with echo and nobody speaking.
    SelfInterruption,
    /// Time in which both sides spoke.
    Overlap,
    /// Errors in what the agent reports to have understood, per word spoken.
    WordErrors,
    /// Calls whose transcript contains what was audible of the assistant.
    TruncationCorrect,
}

/// How the observations of a metric are summarised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The share of observations that are one.
    Rate,
    /// Percentiles of durations.
    Duration,
    /// The mean.
    Mean,
    /// The sum of the values over the sum of the weights, which are hours.
    PerHour,
}

impl Metric {
    /// All metrics, in the order of reports.
    pub const ALL: [Self; 25] = [
        Self::CasesPassed,
        Self::Expectations,
        Self::Takeover,
        Self::ResponseRate,
        Self::ResponseLatency,
        Self::InterruptionResponse,
        Self::FirstAudio,
        Self::PauseTakeover,
        Self::PrematureAnswer,
        Self::TalkOver,
        Self::StopLatency,
        Self::YieldRate,
        Self::YieldLatency,
        Self::StopSilence,
        Self::BackchannelResume,
        Self::BackchannelHole,
        Self::ResumeCorrect,
        Self::WrongCutResumed,
        Self::Selectivity,
        Self::FalseBargeIn,
        Self::SpuriousResponse,
        Self::SelfInterruption,
        Self::Overlap,
        Self::WordErrors,
        Self::TruncationCorrect,
    ];

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CasesPassed => "cases passed",
            Self::Expectations => "expectations met",
            Self::Takeover => "takeover rate",
            Self::ResponseRate => "response rate",
            Self::ResponseLatency => "response latency",
            Self::InterruptionResponse => "response after interruption",
            Self::FirstAudio => "time to first audio",
            Self::PauseTakeover => "takeover in pauses",
            Self::PrematureAnswer => "premature answers",
            Self::TalkOver => "talk-over",
            Self::StopLatency => "stop latency",
            Self::YieldRate => "yield rate",
            Self::YieldLatency => "yield latency",
            Self::StopSilence => "silence after stop",
            Self::BackchannelResume => "backchannel resume rate",
            Self::BackchannelHole => "hole at a backchannel",
            Self::ResumeCorrect => "resume correctness",
            Self::WrongCutResumed => "wrong cuts resumed",
            Self::Selectivity => "selectivity",
            Self::FalseBargeIn => "false barge-in",
            Self::SpuriousResponse => "spurious response",
            Self::SelfInterruption => "self-interruptions",
            Self::Overlap => "overlap",
            Self::WordErrors => "word error rate",
            Self::TruncationCorrect => "truncation correctness",
        }
    }

    /// How its observations are summarised.
    pub const fn kind(self) -> Kind {
        match self {
            Self::ResponseLatency
            | Self::InterruptionResponse
            | Self::FirstAudio
            | Self::StopLatency
            | Self::YieldLatency
            | Self::BackchannelHole => Kind::Duration,
            Self::Overlap | Self::WordErrors => Kind::Mean,
            Self::SelfInterruption => Kind::PerHour,
            _ => Kind::Rate,
        }
    }

    /// Whether more of it is better.
    pub const fn more_is_better(self) -> bool {
        matches!(
            self,
            Self::CasesPassed
                | Self::Expectations
                | Self::Takeover
                | Self::ResponseRate
                | Self::YieldRate
                | Self::StopSilence
                | Self::BackchannelResume
                | Self::ResumeCorrect
                | Self::WrongCutResumed
                | Self::Selectivity
                | Self::TruncationCorrect
        )
    }
}

/// One observation of a metric in a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What was observed.
    pub metric: Metric,
    /// The cue it belongs to; none for the whole call.
    pub cue: Option<String>,
    /// One or zero for a rate, ms for a duration, a count per hour.
    pub value: f64,
    /// Hours where the metric is a count per hour; one otherwise.
    pub weight: f64,
}

impl Observation {
    /// An observation of a cue.
    pub fn of(metric: Metric, cue: &str, value: f64) -> Self {
        Self { metric, cue: Some(cue.to_owned()), value, weight: 1.0 }
    }

    /// One if something is so for a cue, and zero otherwise.
    pub fn whether(metric: Metric, cue: &str, so: bool) -> Self {
        Self::of(metric, cue, f64::from(u8::from(so)))
    }

    /// An observation of the whole call.
    pub fn call(metric: Metric, value: f64, weight: f64) -> Self {
        Self { metric, cue: None, value, weight }
    }
}
